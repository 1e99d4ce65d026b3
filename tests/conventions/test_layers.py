"""The import contracts of pyproject.toml hold, and each of them sees the import that it forbids."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conventions.sources import PACKAGE, ROOT

LINTER = Path(sys.executable).with_name("lint-imports")

FORBIDDEN = {
    "domain/probe.py": ("import django_payments_hub.services", "Imports go downward only"),
    "models/probe.py": ("import django_payments_hub.dispatch", "siblings do not know each other"),
    "services/probe.py": ("import django_payments_hub.providers.stripe", "Nobody imports a provider"),
    "providers/probe_a.py": ("import django_payments_hub.providers.stripe", "A provider does not know its siblings"),
    "providers/probe_b.py": ("import django_payments_hub.conf", "Of the hub, a provider imports only"),
    "providers/probe_c.py": ("import django.utils", "A provider knows no framework"),
    "services/probe_sdk.py": ("import stripe", "SDKs and HTTP libraries appear in providers"),
    "services/probe_registry.py": ("import django_payments_hub.registry", "Only the one door to providers"),
    "domain/probe_django.py": ("import django.db", "The domain and the exceptions know no framework"),
    "sandbox/probe.py": ("import django_payments_hub.domain", "The sandbox imports nothing of the hub"),
    "services/probe_sandbox.py": ("import django_payments_hub.sandbox", "The hub does not know the sandbox"),
    "services/probe_testing.py": ("import django_payments_hub.testing", "Nobody imports the shipped test helpers"),
}


def lint(root: Path) -> tuple[int, list[str]]:
    """The exit status, and the summary lines of the contracts that are broken."""
    ended = subprocess.run([LINTER, "--no-cache"], cwd=root, capture_output=True, text=True, timeout=120)
    lines = (ended.stdout + ended.stderr).splitlines()
    return ended.returncode, [line for line in lines if "BROKEN" in line] or lines


def test_the_contracts_hold() -> None:
    status, output = lint(ROOT)
    assert status == 0, "\n".join(output)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with one forbidden import for every contract."""
    root = tmp_path_factory.mktemp("layers")
    shutil.copytree(PACKAGE, root / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for name, (statement, _) in FORBIDDEN.items():
        (root / PACKAGE.name / name).write_text(statement + "\n")
    return root


def test_each_contract_sees_what_it_forbids(copy: Path) -> None:
    status, broken = lint(copy)
    assert status == 1
    unseen = [contract for _, contract in FORBIDDEN.values() if not any(contract in line for line in broken)]
    assert unseen == [], "\n".join(broken)
