"""Durable events: one delivery per handler and log entry, made in the transaction that made the change.

At least once, each handler retried on its own; a handler that fails touches neither the money nor the others (I19).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from django_payments_hub import dispatch, signals
from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import DeliveryState
from django_payments_hub.models import EventDelivery, TransactionLog
from django_payments_hub.services import orders
from django_payments_hub.services.claims import EXHAUSTED, claim_due, next_try
from django_payments_hub.services.locking import lock_payment

logger = logging.getLogger("django_payments_hub.events")

ORDER_HOOK = "payments_hub.order"
"""Id of the built-in handler that repeats a failed `on_payment_update`."""

_BATCH = 50
_LEASE_S = 300


def append(rows: Sequence[TransactionLog], *, extra_handlers: Iterable[str] = ()) -> None:
    """Write log entries and the deliveries they cause. Inside the transaction of the change."""
    if not rows:
        return
    TransactionLog.objects.bulk_create(rows)
    deliveries = [
        EventDelivery(log=row, handler=handler) for row in rows for handler in signals.handlers_for(row.event)
    ]
    deliveries += [EventDelivery(log=rows[-1], handler=handler) for handler in extra_handlers]
    if deliveries:
        EventDelivery.objects.bulk_create(deliveries)
        dispatch.wake(dispatch.EVENTS)


def deliver_due(*, limit: int = _BATCH) -> int:
    """Run the handlers of due deliveries; returns how many were taken."""
    taken = claim_due(
        EventDelivery.objects.filter(state=DeliveryState.PENDING.value),
        limit=limit,
        lease_s=_LEASE_S,
        max_tries=hub_settings().delivery_max_tries,
        given_up={"state": DeliveryState.FAILED.value, "error": EXHAUSTED},
    )
    for delivery in taken:
        _deliver(delivery)
    return len(taken)


def drain(*, stay_s: float = 0.0) -> int:
    """Deliver until nothing is due, then stay `stay_s` after the last one; returns how many."""
    return drain_while(deliver_due, stay_s=stay_s)


def drain_while(step: Callable[[], int], *, stay_s: float, pause_s: float = 0.02) -> int:
    """Call `step()` until it has returned 0 for `stay_s` seconds; returns the sum."""
    total, last = 0, time.monotonic()
    while True:
        done = step()
        total += done
        if done:
            last = time.monotonic()
        elif time.monotonic() - last >= stay_s:
            return total
        else:
            time.sleep(pause_s)


def replay(delivery_id: UUID) -> None:
    """Make a delivery due again, whatever became of it."""
    EventDelivery.objects.filter(pk=delivery_id).update(
        state=DeliveryState.PENDING.value, tries=0, next_attempt_at=timezone.now(), error=""
    )
    dispatch.wake(dispatch.EVENTS)


def _deliver(delivery: EventDelivery) -> None:
    try:
        _run(delivery)
    except Exception as error:
        logger.exception("Handler %s failed for event %s.", delivery.handler, delivery.log_id)
        _failed(delivery, type(error).__name__)
    else:
        EventDelivery.objects.filter(pk=delivery.pk).update(
            state=DeliveryState.DELIVERED.value, next_attempt_at=None, delivered_at=timezone.now(), error=""
        )


def _run(delivery: EventDelivery) -> None:
    log = TransactionLog.objects.select_related("payment__account", "payment__order_ref", "refund", "dispute").get(
        pk=delivery.log_id
    )
    if delivery.handler == ORDER_HOOK:
        _repeat_order_hook(log)
        return
    handler = signals.handler(delivery.handler)
    if handler is None:
        raise LookupError(f"No handler {delivery.handler!r} in this process.")
    handler(_event(log))


def _repeat_order_hook(log: TransactionLog) -> None:
    with transaction.atomic():
        orders.call_order(lock_payment(log.payment_id))


def _event(log: TransactionLog) -> signals.Event:
    return signals.Event(
        id=log.pk,
        name=log.event,
        payment=log.payment,
        refund=log.refund,
        dispute=log.dispute,
        from_status=log.from_status,
        to_status=log.to_status,
        amounts=log.amounts,
        created_at=log.created_at,
    )


def _failed(delivery: EventDelivery, error: str) -> None:
    due = next_try(delivery.tries, hub_settings().delivery_max_tries)
    EventDelivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.PENDING.value if due else DeliveryState.FAILED.value,
        next_attempt_at=due,
        error=error[:200],
    )
