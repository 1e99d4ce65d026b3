"""The stack starts everything, survives the death of its worker, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from example_project.processes import Process, StackError
from example_project.stack import BASE_DIR, Stack

LINGERS = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("child", child.pid, flush=True)
time.sleep(60)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def start(tmp_path: Path, code: str) -> Process:
    return Process("test", [sys.executable, "-c", code], env=dict(os.environ), cwd=BASE_DIR, log=tmp_path / "test.log")


def test_a_stopped_process_takes_its_children_along(tmp_path: Path) -> None:
    # given a process that ignores SIGTERM and has a child
    process = start(tmp_path, LINGERS)
    try:
        child = int(process.wait_for(r"^child (\d+)$", 20)[1])
        assert process.children == [child]
    finally:
        # when it is stopped
        status = process.stop(timeout_s=0.2)
    # then both are gone
    assert status == -signal.SIGKILL
    assert not process.alive
    assert wait_gone(child)
    assert process.stop() == status


def test_who_waits_for_a_process_that_ends_is_told_its_last_words(tmp_path: Path) -> None:
    process = start(tmp_path, "raise SystemExit('the port is taken')")
    with pytest.raises(StackError, match="the port is taken"):
        process.wait_for("ready", 20)
    assert process.stop() == 1


def test_who_waits_too_long_is_told_so(tmp_path: Path) -> None:
    process = start(tmp_path, "import time; time.sleep(30)")
    try:
        with pytest.raises(StackError, match="not ready within"):
            process.wait_for("ready", 0.2)
    finally:
        process.stop(0.2)


def test_the_shops_settings_of_the_caller_stay_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://example.invalid/production")
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_of_the_caller")
    monkeypatch.setenv("JAZZCASH_PASSWORD", "of the caller")
    monkeypatch.setenv("UNRELATED", "kept")
    env = Stack(var_dir=tmp_path, env={"CELERY_BROKER_URL": "memory://"}).env
    assert "DATABASE_URL" not in env
    assert not {"STRIPE_SECRET_KEY", "JAZZCASH_PASSWORD"} & env.keys()
    assert (env["CELERY_BROKER_URL"], env["UNRELATED"]) == ("memory://", "kept")
    assert env["DJANGO_SETTINGS_MODULE"] == "example_project.settings"


@pytest.mark.slow
def test_a_stack_that_cannot_start_leaves_nothing_running(tmp_path: Path) -> None:
    stack = Stack(var_dir=tmp_path, env={"DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"})
    with pytest.raises(StackError, match=r"manage\.py seed failed"):
        stack.start()
    sandbox = json.loads((tmp_path / "logs" / "sandbox.log").read_text() or '{"pid": 0}')
    assert not sandbox["pid"] or wait_gone(sandbox["pid"])


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_the_end_leaves_nothing_running(tmp_path: Path) -> None:
    # given a stack with a pool of two
    with Stack(var_dir=tmp_path, worker_concurrency=2) as stack:
        first, pool = stack.worker.pid, stack.worker.children
        assert len(pool) == 2
        with urllib.request.urlopen(f"{stack.web_url}/api/payments/gateways/", timeout=10) as response:
            assert [row["account"] for row in json.load(response)["results"]] == [
                "easypaisa",
                "jazzcash",
                "manual",
                "paypal",
                "square",
                "stripe",
            ]
        # when the worker dies
        os.kill(first, signal.SIGKILL)
        assert stack.worker.wait_end(5)
        with pytest.raises(StackError, match="worker has ended"):
            stack.check()
        second = stack.restart_worker()
        # then another one works, and of the first nothing is left
        assert second.pid != first
        assert all(wait_gone(pid) for pid in [first, *pool])
        stack.check()
        started = [stack.web.pid, second.pid, *second.children]
    assert all(wait_gone(pid) for pid in started)
