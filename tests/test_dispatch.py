"""Messages only wake: they go out after the commit, and a broker that is down or hangs costs a request nothing."""

from __future__ import annotations

import os
import queue as queues
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from celery.app import app_or_default
from django.db import transaction

from django_payments_hub import dispatch
from django_payments_hub.models import Payment, Refund
from django_payments_hub.services import refunds
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)

DEAD = "amqp://127.0.0.1:9//"


@pytest.fixture
def broker(settings: Any) -> Iterator[Callable[[str], None]]:
    """Makes this process publish to another broker, through a publisher of the test's own."""
    conf: Any = current_app.conf
    before = conf.broker_url, conf.broker_transport_options

    def use(url: str) -> None:
        _forget_connections()
        conf.broker_url, conf.broker_transport_options = url, {"connect_timeout": 0.5, "max_retries": 0}

    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "WAKE_INTERVAL_S": 0.0}
    use("memory://")
    _taken()
    yield use
    dispatch.flush(2)
    _forget_connections()
    conf.broker_url, conf.broker_transport_options = before


def _forget_connections() -> None:
    if dispatch._current is not None:
        dispatch._current._closed_until = float("inf")  # what it still holds is dropped, not sent in another test
        dispatch.flush(10)
    dispatch._current = None
    dispatch._last_wake.clear()
    app: Any = app_or_default()
    app._after_fork()  # what Celery does for a child: its pools are made anew


def _taken(name: str = "celery") -> list[tuple[str, list[str]]]:
    """The messages in the memory broker, which are then gone: task and arguments."""
    dispatch.flush(5)
    found = []
    with current_app.connection_for_read() as connection:
        waiting = connection.SimpleQueue(name)
        while True:
            try:
                message = waiting.get(block=False)
            except queues.Empty:
                break
            found.append((str(message.headers["task"]), list(message.payload[0])))
            message.ack()
        waiting.close()
    return found


def test_a_task_is_started_with_ids_after_the_commit(broker: Any) -> None:
    with transaction.atomic():
        dispatch.start(dispatch.REFUND, "some-id")
        assert _taken() == []
    assert _taken() == [(dispatch.REFUND, ["some-id"])]


def test_what_is_rolled_back_starts_nothing(broker: Any) -> None:
    def fail() -> None:
        with transaction.atomic():
            dispatch.start(dispatch.REFUND, "some-id")
            dispatch.wake(dispatch.INBOX)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert _taken() == []


def test_many_rows_are_one_wake_up(broker: Any, settings: Any) -> None:
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "WAKE_INTERVAL_S": 0.5}
    for _ in range(20):
        dispatch.wake(dispatch.INBOX)
        dispatch.wake(dispatch.EVENTS)
    assert sorted(_taken()) == [(dispatch.EVENTS, []), (dispatch.INBOX, [])]
    dispatch._last_wake[dispatch.INBOX] -= 0.5  # half a second later
    dispatch.wake(dispatch.INBOX)
    assert _taken() == [(dispatch.INBOX, [])]


def test_messages_go_to_the_queue_of_the_project(broker: Any, settings: Any) -> None:
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "TASK_QUEUE": "payments"}
    dispatch.wake(dispatch.INBOX)
    assert _taken("payments") == [(dispatch.INBOX, [])]


def test_in_eager_mode_the_task_runs_at_once(sandbox: SandboxClient, hub_on_sandbox: Any, broker: Any) -> None:
    payment = world.pay()
    dispatch.flush(5)  # or its thread would run what it still holds eagerly, too
    current_app.conf.task_always_eager = True
    try:
        refund = refunds.request(payment.pk)
    finally:
        current_app.conf.task_always_eager = False
    assert Refund.objects.get(pk=refund.pk).status == "completed"


# -- a broker that is not there ---------------------------------------------------------------------------------------


def timed(step: Callable[[], object]) -> float:
    began = time.monotonic()
    step()
    return time.monotonic() - began


def test_a_broker_that_is_down_costs_the_request_nothing(
    sandbox: SandboxClient, hub_on_sandbox: Any, broker: Any
) -> None:
    """F22."""
    payment = world.pay()
    broker(DEAD)
    assert timed(lambda: refunds.request(payment.pk)) < 1
    assert Refund.objects.get().status == "pending"
    assert world.fresh(payment).refundable_minor == 0
    world.converge()
    assert Refund.objects.get().status == "completed"


def test_after_one_failure_the_broker_is_left_alone_for_a_while(
    broker: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker(DEAD)
    for n in range(20):
        dispatch.start(dispatch.REFUND, str(n))
    dispatch.flush(10)
    assert caplog.text.count("cannot be reached") == 1
    # and it is tried again when the pause is over
    publisher = dispatch._publisher()
    monkeypatch.setattr(publisher, "_closed_until", 0.0)
    dispatch.start(dispatch.REFUND, "x")
    dispatch.flush(10)
    assert caplog.text.count("cannot be reached") == 2


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A broker that takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        yield f"amqp://127.0.0.1:{listener.getsockname()[1]}//"


def test_a_broker_that_hangs_costs_the_request_nothing(broker: Any, black_hole: str) -> None:
    broker(black_hole)

    def many() -> None:
        for n in range(50):
            dispatch.start(dispatch.REFUND, str(n))

    assert timed(many) < 0.5


def test_a_backlog_that_is_full_drops_messages_not_requests(
    broker: Any, black_hole: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dispatch, "_BACKLOG", 3)
    broker(black_hole)

    def many() -> None:
        for n in range(20):
            dispatch.start(dispatch.REFUND, str(n))

    assert timed(many) < 0.5
    assert "left to the sweeper" in caplog.text


def test_the_books_do_not_depend_on_any_message(sandbox: SandboxClient, hub_on_sandbox: Any, broker: Any) -> None:
    """I16: every message is lost; the sweeper finishes everything."""
    broker(DEAD)
    payments = [world.pay(world.make_order()) for _ in range(3)]
    sandbox.fault("reset", operation="refunds.create", when="after")
    for payment in payments:
        refunds.request(payment.pk, amount="4.00")
    world.converge()
    assert {row.refunded_minor for row in Payment.objects.all()} == {400}
    assert sandbox.ledger()["totals"]["usd"] == {"captured": 3000, "refunded": 1200}


# -- forks ------------------------------------------------------------------------------------------------------------

FORKS = """
import os, django
django.setup()
from django_payments_hub import dispatch
dispatch.start(dispatch.SYNC, "parent")
dispatch.flush(10)
child = os.fork()
dispatch.start(dispatch.SYNC, "child" if child == 0 else "parent again")
dispatch.flush(10)
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_child_publishes_with_a_thread_of_its_own(tmp_path: Path) -> None:
    """gunicorn and Celery fork: a thread of the parent does not live on in the child."""
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "VAR_DIR": str(tmp_path),
        "CELERY_BROKER_URL": "filesystem://",
        "DATABASE_URL": f"sqlite:///{tmp_path}/shop.sqlite3",
        "PYTHONWARNINGS": "ignore::DeprecationWarning",
    }
    subprocess.run([sys.executable, "-c", FORKS], env=env, check=True, timeout=60)
    assert len(list((tmp_path / "queue" / "messages").iterdir())) == 3
