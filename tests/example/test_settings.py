"""The published secrets of the demo stand in under DEBUG alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from example_project.stack import BASE_DIR

SECRETS = {
    "SECRET_KEY": "own-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789",
    "STRIPE_SECRET_KEY": "sk_test_own",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_own",
    "STRIPE_WEBHOOK_SECRETS": "whsec_own,whsec_older",
}
SHOW = """
from example_project import settings
stripe = settings.PAYMENTS_HUB["ACCOUNTS"]["stripe"]
print(settings.SECRET_KEY, stripe["SECRET_KEY"], stripe["PUBLISHABLE_KEY"], *stripe["WEBHOOK_SECRETS"])
"""


def load(tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """The settings as a new process with this environment has them."""
    outside = {name: value for name, value in os.environ.items() if name not in {*SECRETS, "DEBUG"}}
    command = [sys.executable, "-c", SHOW]
    env = {**outside, "VAR_DIR": str(tmp_path), **env}
    return subprocess.run(command, env=env, cwd=BASE_DIR, capture_output=True, text=True, timeout=60, check=False)


def test_with_debug_no_secret_need_be_given(tmp_path: Path) -> None:
    shown = load(tmp_path, DEBUG="1")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.split()[1:] == ["sk_test_demo", "pk_test_demo", "whsec_demo"]


def test_without_debug_the_given_secrets_are_used(tmp_path: Path) -> None:
    shown = load(tmp_path, DEBUG="0", **SECRETS)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.split() == [
        SECRETS["SECRET_KEY"], "sk_test_own", "pk_test_own", "whsec_own", "whsec_older",
    ]  # fmt: skip


@pytest.mark.parametrize("missing", SECRETS)
def test_without_debug_a_missing_secret_is_named(tmp_path: Path, missing: str) -> None:
    given = {name: value for name, value in SECRETS.items() if name != missing}
    for absent in (given, {**given, missing: ""}):
        shown = load(tmp_path, DEBUG="0", **absent)
        assert shown.returncode != 0
        assert f"ImproperlyConfigured: {missing} must be set" in shown.stderr
