"""The published secrets of the demo stand in under DEBUG alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from example_project.stack import BASE_DIR

SECRETS = {
    "SECRET_KEY": "own-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789",
    "PAYMENTS_HUB_ENCRYPTION_KEYS": "pLAk2pZMGLsWEbSbFDhfGrpLxgzh1lPyKrUVCYK6wXU=",
    "STRIPE_SECRET_KEY": "sk_test_own",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_own",
    "STRIPE_WEBHOOK_SECRETS": "whsec_own,whsec_older",
    "PAYPAL_CLIENT_ID": "client-own",
    "PAYPAL_CLIENT_SECRET": "secret-own",
    "PAYPAL_WEBHOOK_IDS": "WH-OWN",
    "SQUARE_ACCESS_TOKEN": "token-own",
    "SQUARE_LOCATION_ID": "LOWN",
    "SQUARE_WEBHOOK_SECRETS": "key-own",
    "JAZZCASH_MERCHANT_ID": "MCOWN",
    "JAZZCASH_PASSWORD": "password-own",
    "JAZZCASH_INTEGRITY_SALTS": "salt-own",
    "EASYPAISA_STORE_ID": "20002",
    "EASYPAISA_ACCOUNT_NUM": "200020002",
    "EASYPAISA_USERNAME": "store-own",
    "EASYPAISA_PASSWORD": "password-own",
    "EASYPAISA_HASH_KEY": "FEDCBA9876543210",
}
SHOW = """
from example_project import settings
stripe = settings.PAYMENTS_HUB["ACCOUNTS"]["stripe"]
print(settings.SECRET_KEY, stripe["SECRET_KEY"], stripe["PUBLISHABLE_KEY"], *stripe["WEBHOOK_SECRETS"])
"""
# Each in turn in one process: a new one for each would take seconds.
TRY_WITHOUT = f"""
import os, runpy
from django.core.exceptions import ImproperlyConfigured

for name in {list(SECRETS)}:
    given = os.environ.pop(name)
    for absent in ({{}}, {{name: ""}}):
        os.environ.update(absent)
        try:
            runpy.run_module("example_project.settings")
        except ImproperlyConfigured as error:
            print(error)
    os.environ[name] = given
"""


def load(tmp_path: Path, script: str = SHOW, **env: str) -> subprocess.CompletedProcess[str]:
    """The settings as a new process with this environment has them."""
    outside = {name: value for name, value in os.environ.items() if name not in {*SECRETS, "DEBUG"}}
    command = [sys.executable, "-c", script]
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


def test_without_debug_a_missing_secret_is_named(tmp_path: Path) -> None:
    # given all secrets but one, which is left out or blank
    # when the settings are loaded
    shown = load(tmp_path, TRY_WITHOUT, DEBUG="0", **SECRETS)
    # then they say which one is missing
    assert shown.returncode == 0, shown.stderr
    said = [f"{name} must be set" for name in SECRETS for _ in ("left out", "blank")]
    assert [line[: len(start)] for line, start in zip(shown.stdout.splitlines(), said, strict=True)] == said
