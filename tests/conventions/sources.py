"""Where the convention tests look. Each finder refuses to find nothing, so that no test passes for want of files."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "django_payments_hub"


def python_files(*folders: str) -> list[Path]:
    """The package's modules without migrations, or those of the named folders, each of which must hold some."""
    found: list[Path] = []
    for base in [PACKAGE / folder for folder in folders] or [PACKAGE]:
        here = sorted(path for path in base.rglob("*.py") if "migrations" not in path.parts)
        assert here, f"{shown(base)} holds no module: nothing to check"
        found += here
    return found


def templates() -> list[Path]:
    found = sorted(path for path in PACKAGE.rglob("*") if path.suffix in {".html", ".txt"} and path.is_file())
    assert found, "the package holds no template: nothing to check"
    return found


def project_files() -> list[Path]:
    """Every file git tracks or would add."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = [ROOT / name for name in sorted(set(listing.stdout.split("\0"))) if name and (ROOT / name).is_file()]
    assert ROOT / "pyproject.toml" in found, "git lists no pyproject.toml: is this a checkout of the project?"
    return found


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(parse(path))


def shown(path: Path, node: ast.AST | None = None) -> str:
    """`path` relative to the project, with the line of `node`."""
    line = f":{node.lineno}" if isinstance(node, ast.expr | ast.stmt | ast.alias) else ""
    return f"{path.relative_to(ROOT).as_posix()}{line}"


def run_python(code: str, **environment: str) -> list[str]:
    """The lines that `code` prints in a fresh interpreter, which coverage does not follow (it imports modules, too)."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=inherited | environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()
