"""Runs the code blocks of a page of the documentation, in order, in one namespace.

```python      runs; the block's output may follow as an ```output block, in which `...` stands for anything
```python      with a first line `# folder/file.py` is a file: written down, and run by pytest when it is a test module
```console     every line names a program; commands of manage.py, make and python -m must exist, with these options
```json, toml  must parse
```text, html  are there to be read
"""

import contextlib
import doctest
import importlib
import importlib.util
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management import CommandError, get_commands, load_command_class
from sybil import Example
from sybil.document import Document
from sybil.parsers.myst import CodeBlockParser

from django_payments_hub.conf import parse_settings
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.provider_kit.types import AccountConfig
from django_payments_hub.registry import provider_class

ROOT = Path(__file__).resolve().parents[2]
FILE = re.compile(r"# (?P<path>[\w./-]+\.py)(?:, at the end)?\n")
FIRST_PAYMENT = re.compile(r"^## A first payment\n.*?(?=^## )", re.DOTALL | re.MULTILINE)
# Programs that are not the project's: that they are spelled right is all that can be seen here.
OTHER_PROGRAMS = {"cd", "git", "pip", "stripe", "django-admin", "celery", "gunicorn", "export"}
TEST_RUN_S = 120

Evaluator = Callable[[Example], str | None]


class Page:
    """A page, the folder its files are written to, and how each language is run."""

    def __init__(self, path: Path, folder: Path, names: dict[str, Any]) -> None:
        self.folder = folder
        self.printed = ""
        languages: dict[str, Evaluator] = {
            "python": self.python,
            "output": self.output,
            "console": self.console,
            "json": self.json,
            "toml": self.toml,
            "text": self.read_only,
            "html": self.read_only,
            "javascript": self.read_only,
        }
        self.document = Document.parse(str(path), *(CodeBlockParser(name, run) for name, run in languages.items()))
        self.document.namespace.update(names)

    def run(self, *, where: Callable[[Example], bool] = lambda example: True) -> int:
        """Run the blocks; how many there were."""
        examples = [example for example in self.document.examples() if where(example)]
        for example in examples:
            example.evaluate()
        return len(examples)

    # -- languages ---------------------------------------------------------------------------------------------------

    def python(self, example: Example) -> str | None:
        if match := FILE.match(example.parsed):
            return self.file(example, match["path"])
        blank = "\n" * (example.line + example.parsed.line_offset)
        code = compile(blank + example.parsed, example.path, "exec", dont_inherit=True)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, example.namespace)
        self.printed = out.getvalue()
        if "PAYMENTS_HUB" in example.namespace:
            check_settings(example.namespace.pop("PAYMENTS_HUB"))
        return None

    def file(self, example: Example, name: str) -> str | None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example.parsed, encoding="utf-8")
        if path.name.startswith("test_"):
            return self.run_tests(path)
        if path.name == "celery.py":  # makes itself the current app of its process
            return self.in_own_process(name)
        if path.name != "conftest.py":
            importlib.invalidate_caches()
            importlib.import_module(".".join(Path(name).with_suffix("").parts))
        return None

    def in_own_process(self, name: str) -> str | None:
        module = ".".join(Path(name).with_suffix("").parts)
        done = subprocess.run(
            [sys.executable, "-c", f"import {module}"],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=TEST_RUN_S,
        )
        return None if done.returncode == 0 else done.stderr

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(self.folder)]),
            "VAR_DIR": str(self.folder / "var"),
            "DATABASE_URL": f"sqlite:///{self.folder / 'own.sqlite3'}",  # not the database of the test around it
        }

    def run_tests(self, path: Path) -> str | None:
        """Run pytest as a host project would: in a process of its own, with its own settings."""
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--no-migrations",
             "-c", os.devnull, "--rootdir", self.folder, "--ds", "tests.settings", path],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=TEST_RUN_S,
        )  # fmt: skip
        return None if done.returncode == 0 else f"{path.name} fails:\n{done.stdout}{done.stderr}"

    def output(self, example: Example) -> str | None:
        wanted, printed = example.parsed.strip(), self.printed.strip()
        if doctest.OutputChecker().check_output(wanted, printed, doctest.ELLIPSIS):
            return None
        return f"the page says\n{wanted}\nbut it prints\n{printed}"

    def console(self, example: Example) -> str | None:
        faults = [command_fault(shlex.split(line, comments=True)) for line in _lines(example.parsed)]
        return "\n".join(filter(None, faults)) or None

    def json(self, example: Example) -> None:
        json.loads(example.parsed)

    def toml(self, example: Example) -> None:
        tomllib.loads(example.parsed)

    def read_only(self, example: Example) -> None:
        assert example.parsed.strip()


def check_settings(value: object) -> None:
    """Settings shown on a page are settings that work."""
    for alias, account in parse_settings(value).accounts.items():
        values = {key: given for key, given in account.items() if key not in {"PROVIDER", "MODE", "ACTIVE", "LABEL"}}
        config = AccountConfig(
            alias=alias, provider=str(account["PROVIDER"]), mode=Mode(str(account["MODE"])), values=values
        )
        provider_class(config.provider)(config)


def _lines(text: str) -> list[str]:
    """The command lines of a block; where some have a prompt, the others are what was printed."""
    lines = text.replace("\\\n", " ").splitlines()
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return prompted or [line for line in lines if line.strip() and not line.startswith("#")]


def command_fault(words: list[str]) -> str:
    """What is wrong with a command line; "" for nothing that can be seen."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):  # VARIABLE=value before the program
        words = words[1:]
    words[:1] = [word.removeprefix(".venv/bin/") for word in words[:1]]
    match words:
        case ["python", "manage.py", name, *options]:
            return manage_fault(name, options)
        case ["python", "-m", module, *_]:
            return "" if importlib.util.find_spec(module) else f"there is no module {module}"
        case ["python", "-c" | "--version", *_]:
            return ""
        case ["make", *targets]:
            known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
            strange = [word for word in targets if "=" not in word and word not in known]
            return f"make has no {strange}" if strange else ""
        case [program, *_] if program in OTHER_PROGRAMS:
            return ""
    return f"unknown program: {shlex.join(words)}"


def manage_fault(name: str, options: list[str]) -> str:
    app = get_commands().get(name)
    if app is None:
        return f"manage.py has no command {name}"
    parser = load_command_class(app, name).create_parser("manage.py", name)
    try:
        parser.parse_args(options)
    except CommandError as error:
        return f"manage.py {name} {shlex.join(options)}: {error}"
    return ""
