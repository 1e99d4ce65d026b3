"""Celery tasks: load an id, call a service, say how to retry.

Arguments are ids only. A task is acknowledged after it ran and handed back when its process dies; how often it runs
does not matter, because every service claims its rows (I17).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from celery import Task as CeleryTask
from celery import shared_task

from django_payments_hub.conf import hub_settings
from django_payments_hub.exceptions import HubError, NotFound
from django_payments_hub.services import events, inbox, method_calls, operations, payments, refunds, sweeper

logger = logging.getLogger("django_payments_hub.tasks")

if TYPE_CHECKING:  # a task is generic for the type checker only
    _Task = CeleryTask[Any, Any]
else:
    _Task = CeleryTask


class HubTask(_Task):
    """The retry policy of every task: exponential with jitter, bounded; after that the sweeper."""

    acks_late = True
    reject_on_worker_lost = True
    ignore_result = True
    autoretry_for = (Exception,)
    dont_autoretry_for = (HubError,)
    retry_backoff = 2
    retry_backoff_max = 300
    retry_jitter = True
    max_retries = 5


def _key(text: object) -> UUID | None:
    """The id a message names; a message of any other shape is dropped, not raised (S22)."""
    try:
        return UUID(str(text))
    except ValueError:
        logger.warning("A task was given something that is no id.")
        return None


@shared_task(base=HubTask, name="django_payments_hub.tasks.execute_refund")
def execute_refund(refund_id: str) -> None:
    """Carry out a refund."""
    key = _key(refund_id)
    if key is not None:
        _ignoring_absence(refunds.execute, key)


@shared_task(base=HubTask, name="django_payments_hub.tasks.resume_operation")
def resume_operation(operation_id: str) -> None:
    """Send or finish an operation."""
    key = _key(operation_id)
    if key is not None:
        _ignoring_absence(operations.resume, key)


@shared_task(base=HubTask, name="django_payments_hub.tasks.resume_method")
def resume_method(method_id: str) -> None:
    """Save a method, or let it go."""
    key = _key(method_id)
    if key is not None:
        _ignoring_absence(method_calls.resume, key)


@shared_task(base=HubTask, name="django_payments_hub.tasks.sync_payment")
def sync_payment(payment_id: str) -> None:
    """Ask the provider how a payment stands; what cannot be asked now is asked by the sweeper or a later notice."""
    key = _key(payment_id)
    if key is not None:
        _ignoring_absence(payments.sync, key)


@shared_task(base=HubTask, bind=True, name="django_payments_hub.tasks.drain_inbox")
def drain_inbox(self: HubTask) -> None:
    """Apply notifications until there are none."""
    inbox.drain(stay_s=_stay_s(self))


@shared_task(base=HubTask, bind=True, name="django_payments_hub.tasks.drain_events")
def drain_events(self: HubTask) -> None:
    """Run handlers until nothing is due."""
    events.drain(stay_s=_stay_s(self))


@shared_task(base=HubTask, name="django_payments_hub.tasks.sweep")
def sweep() -> None:
    """Finish whatever was left."""
    sweeper.sweep()


def _stay_s(task: HubTask) -> float:
    """Twice the wake interval, so that a row whose wake-up was left out still finds a drainer."""
    return 0.0 if task.request.is_eager else 2 * hub_settings().wake_interval_s


def _ignoring_absence(step: Callable[[UUID], object], key: UUID) -> None:
    try:
        step(key)
    except NotFound:
        logger.warning("A task names a row that is not there.")
