"""Starts tasks by name, never in the way of the request.

A message only wakes: everything it speaks of is a committed row that the sweeper would find as well (I16). So messages
are handed to one publishing thread per process; a broker that hangs or is down costs the request nothing, and what
cannot be published is dropped and left to the sweeper.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.module_loading import import_string

from django_payments_hub.conf import hub_settings

logger = logging.getLogger("django_payments_hub.dispatch")

INBOX = "django_payments_hub.tasks.drain_inbox"
EVENTS = "django_payments_hub.tasks.drain_events"
REFUND = "django_payments_hub.tasks.execute_refund"
OPERATION = "django_payments_hub.tasks.resume_operation"
METHOD = "django_payments_hub.tasks.resume_method"
SYNC = "django_payments_hub.tasks.sync_payment"

_BACKLOG = 1000
_BREAKER_S = 5.0
_FLUSH_S = 0.5


@dataclass(frozen=True)
class _Message:
    task: str
    args: tuple[str, ...]


def wake(task: str) -> None:
    """After the commit, wake a drainer: at most one message per WAKE_INTERVAL_S, process and task."""
    transaction.on_commit(lambda: _wake_now(task))


def start(task: str, *ids: str) -> None:
    """After the commit, start a task for one object. Arguments are ids only."""
    transaction.on_commit(lambda: _publish(_Message(task, ids)))


_last_wake: dict[str, float] = {}
_wake_lock = threading.Lock()


def _wake_now(task: str) -> None:
    now = time.monotonic()
    with _wake_lock:
        # A row committed within the interval is found by the drainer already woken: it stays twice as long.
        if now - _last_wake.get(task, -1e9) < hub_settings().wake_interval_s:
            return
        _last_wake[task] = now
    _publish(_Message(task, ()))


def _publish(message: _Message) -> None:
    from celery import current_app  # here, so that a process that starts no task does not pay for Celery

    if current_app.conf.task_always_eager:
        _send(message)
        return
    _publisher().submit(message)


def _send(message: _Message) -> None:
    queue_name = hub_settings().task_queue
    options: dict[str, Any] = {"queue": queue_name} if queue_name else {}
    # The registered task object, not send_task: eager mode and routing by task work with it. Its name is its path.
    import_string(message.task).apply_async(message.args, retry=False, ignore_result=True, **options)


class _Publisher:
    """One daemon thread that publishes, with a circuit breaker."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._messages: queue.Queue[_Message] = queue.Queue(maxsize=_BACKLOG)
        self._closed_until = 0.0
        self._thread = threading.Thread(target=self._run, name="payments-hub-publisher", daemon=True)
        self._thread.start()

    def submit(self, message: _Message) -> None:
        try:
            self._messages.put_nowait(message)
        except queue.Full:
            logger.warning("The broker does not keep up; %s is left to the sweeper.", message.task)

    def flush(self, timeout_s: float) -> None:
        """Wait until what was handed over is published, at most so long."""
        deadline = time.monotonic() + timeout_s
        while self._messages.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.005)

    def _run(self) -> None:
        while True:
            message = self._messages.get()
            try:
                self._try(message)
            finally:
                self._messages.task_done()

    def _try(self, message: _Message) -> None:
        if time.monotonic() < self._closed_until:
            return
        try:
            _send(message)
        except Exception as error:  # noqa: BLE001 - whatever the transport raises, the row is committed and swept
            self._closed_until = time.monotonic() + _BREAKER_S
            logger.warning("The broker cannot be reached (%s); work is left to the sweeper.", type(error).__name__)


_current: _Publisher | None = None
_current_lock = threading.Lock()


def _publisher() -> _Publisher:
    global _current  # noqa: PLW0603 - one per process; a fork makes its own
    with _current_lock:
        if _current is None or _current.pid != os.getpid():
            _current = _Publisher()
        return _current


def flush(timeout_s: float = _FLUSH_S) -> None:
    """Give what was handed over a moment to be published; called when the process ends."""
    if _current is not None and _current.pid == os.getpid():
        _current.flush(timeout_s)


atexit.register(flush)
