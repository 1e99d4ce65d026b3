from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from django.db import connection

from django_payments_hub.testing.sandbox import SandboxProcess
from tests.merchant_fixtures import merchant
from tests.merchants import Merchant

__all__ = ["merchant"]


def database_url() -> str:
    """The test database, as another process reaches it."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    scheme = {"postgresql": "postgres", "mysql": "mysql"}[connection.vendor]
    login = quote(at["USER"]) + (f":{quote(at['PASSWORD'])}" if at["PASSWORD"] else "")
    return f"{scheme}://{login}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


@pytest.fixture(scope="session")
def actor(django_db_setup: None, sandbox_process: SandboxProcess) -> Iterator[subprocess.Popen[str]]:
    """The process whose forks act and die; see tests/faults/act.py."""
    env = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "SANDBOX_URL": sandbox_process.url,
        "CELERY_BROKER_URL": "memory://",
        "PAYMENTS_HUB_TEST_FAILPOINTS": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.act"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def die(merchant: Merchant, actor: subprocess.Popen[str]) -> Callable[..., None]:
    """Run a use case in a process that is killed at `place`, and see that it was."""

    def run(place: str, what: str, argument: object = "") -> None:
        assert actor.stdin is not None
        assert actor.stdout is not None
        request = {"alias": merchant.alias, "failpoint": f"{place}:kill9", "what": what, "argument": str(argument)}
        actor.stdin.write(json.dumps(request) + "\n")
        actor.stdin.flush()
        assert actor.stdout.readline() == f"{-signal.SIGKILL}\n", "it was not killed there; its traceback is in stderr"

    return run
