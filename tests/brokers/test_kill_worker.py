"""F19, F20: a real worker dies by kill -9 between the provider's answer and the commit; the refund is made once.

No webhook arrives to tell, so the lease of the dead worker must end before anybody else may send: within a minute in
all, on every broker.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from example_project.processes import Process
from example_project.stack import Stack
from tests.brokers.services import broker_url, postgres_database

pytestmark = [pytest.mark.slow, pytest.mark.services]

CONVERGE_S = 60.0

PAY_AND_ASK = """
import os
from django_payments_hub.services import refunds
from django_payments_hub.testing.sandbox import SandboxClient
from tests.merchants import MERCHANTS
sandbox = SandboxClient(os.environ["SANDBOX_URL"])
refund = refunds.request(MERCHANTS["%s"](sandbox).pay(sandbox).pk, amount="40.00")
print("made", refund.pk)
"""

WATCH = """
import json, time
from django_payments_hub.models import Refund
gives_up = time.monotonic() + %d
while True:
    refund = Refund.objects.select_related("payment", "operation").get()
    if refund.operation.state == "succeeded" or time.monotonic() > gives_up:
        break
    time.sleep(0.25)
print("json", json.dumps({"status": refund.status, "tries": refund.operation.tries, "state": refund.operation.state,
    "reserved": refund.payment.refund_reserved_minor, "seen_at": time.monotonic()}))
"""
"""Looks from one process, whose clock is this one's: starting one for each look would keep the processor busy."""


@pytest.fixture
def stack(broker: str, tmp_path: Path) -> Iterator[Stack]:
    """The whole project on PostgreSQL and a broker, its worker not started yet with a failpoint."""
    url = broker_url(broker)
    with postgres_database() as database:
        env = {"DATABASE_URL": database, "CELERY_BROKER_URL": url, "PAYMENTS_HUB_TEST_FAILPOINTS": "1"}
        env["CELERY_TASK_DEFAULT_QUEUE"] = f"hub-{uuid.uuid4()}"  # tests beside this one use the same broker
        with Stack(var_dir=tmp_path / "stack", env=env) as started:
            started.sandbox.policy(hold=True)
            yield started


def arm(stack: Stack, how: str, mark: Path) -> Process:
    """A worker that dies the first time it has an answer in hand."""
    return stack.restart_worker(env={"HUB_FAILPOINT": f"operation.after_answer:{how}:{mark}"})


def wait_for_death(mark: Path, timeout_s: float = 30.0) -> float:
    deadline = time.monotonic() + timeout_s
    while not mark.exists():
        assert time.monotonic() < deadline, "the failpoint was never reached"
        time.sleep(0.05)
    return time.monotonic()


def watch(stack: Stack) -> dict[str, Any]:
    """How the refund stands when the books know that the provider has it, and when that was seen."""
    told = stack.manage("shell", "-c", WATCH % (CONVERGE_S + 10), timeout_s=CONVERGE_S + 40)
    found: dict[str, Any] = json.loads(next(line for line in told.splitlines() if line.startswith("json "))[5:])
    return found


def judge(stack: Stack, died_at: float) -> None:
    """One refund of 40.00, in the books and at the provider. Some say later, by webhook, that it is completed."""
    found = watch(stack)
    assert found["state"] == "succeeded", found
    assert (found["status"] in ("processing", "completed"), found["reserved"]) == (True, 4_000)
    assert found["tries"] == 2
    (entry,) = [sums for sums in stack.sandbox.ledger()["payments"].values() if sums["captured"]]
    assert entry["refunded"] == 4_000
    assert found["seen_at"] - died_at <= CONVERGE_S


@pytest.mark.parametrize(("broker", "provider"), [("redis", "stripe"), ("rabbitmq", "square"), ("redis", "paypal")])
def test_a_refund_survives_the_kill_of_the_pool_child(stack: Stack, provider: str, tmp_path: Path) -> None:
    mark = tmp_path / "died"
    worker = arm(stack, "kill9-once", mark)
    stack.manage("shell", "-c", PAY_AND_ASK % provider)
    died_at = wait_for_death(mark)
    judge(stack, died_at)
    assert worker.alive, "only the child was to die"


@pytest.mark.parametrize(("broker", "provider"), [("rabbitmq", "stripe"), ("redis", "square"), ("rabbitmq", "paypal")])
def test_a_refund_survives_the_kill_of_the_whole_worker(stack: Stack, provider: str, tmp_path: Path) -> None:
    mark = tmp_path / "died"
    worker = arm(stack, "kill9-parent-once", mark)
    stack.manage("shell", "-c", PAY_AND_ASK % provider)
    died_at = wait_for_death(mark)
    assert worker.wait_end(10)
    stack.restart_worker(env={})
    judge(stack, died_at)
