"""Settings of the tests: the example project's, with names and places of their own."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789")
os.environ.setdefault("PAYMENTS_HUB_ENCRYPTION_KEYS", "pLAk2pZMGLsWEbSbFDhfGrpLxgzh1lPyKrUVCYK6wXU=")

if "VAR_DIR" not in os.environ:
    # One folder per run, which the processes of the run inherit: two runs in one checkout do not meet.
    os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="payments-hub-tests-")
    atexit.register(shutil.rmtree, os.environ["VAR_DIR"], ignore_errors=True)

from example_project.settings import *  # noqa: F403
from example_project.settings import PAYMENTS_HUB as _HUB

DEBUG = False
SECURE_SSL_REDIRECT = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PAYMENTS_HUB = {
    **_HUB,
    "PUBLIC_URL": "http://testserver",
    "RETURN_HOSTS": ["shop.example.com", "testserver"],
    # One account, which most tests mean without naming it. Tests of other providers take theirs from ALL_ACCOUNTS.
    "ACCOUNTS": {"stripe": _HUB["ACCOUNTS"]["stripe"]},
}
ALL_ACCOUNTS = _HUB["ACCOUNTS"]

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file: threads on a shared in-memory database get "table is locked" at once, whatever the time-out.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(VAR_DIR) / "test.sqlite3")}  # noqa: F405
elif DATABASES["default"]["ENGINE"].endswith("postgresql"):  # noqa: F405
    # No test cuts the power: a commit need not wait for the disk.
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"  # noqa: F405
