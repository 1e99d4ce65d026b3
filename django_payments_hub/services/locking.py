"""Locks in their one order: OrderRef, payment, refund or dispute, operation, host order."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.db import OperationalError

from django_payments_hub.domain.statuses import OPEN_OPERATIONS
from django_payments_hub.exceptions import NotFound
from django_payments_hub.models import Operation, OrderRef, Payment

_T = TypeVar("_T")
_TRIES = 4
_LONGEST_PAUSE_S = 0.05
# PostgreSQL: deadlock_detected, serialization_failure. MariaDB: ER_LOCK_DEADLOCK.
_VICTIM_CODES = ("40P01", "40001", 1213)


def again_as_victim(step: Callable[[], _T]) -> _T:
    """Run a whole transaction, again when the database gave it up for another's sake (F28); never a provider call.

    The one order of locks leaves few deadlocks: rows that two insert at once, and what the host locks on its own.
    """
    for _ in range(_TRIES - 1):
        try:
            return step()
        except OperationalError as error:
            if not _is_victim(error):
                raise
            time.sleep(random.uniform(0, _LONGEST_PAUSE_S))  # noqa: S311 - jitter, not a secret
    return step()


def _is_victim(error: OperationalError) -> bool:
    code = error.args[0] if error.args else None
    return (getattr(error.__cause__, "sqlstate", None) or code) in _VICTIM_CODES


def lock_payment(known: UUID | Payment) -> Payment:
    """The payment under lock, and before it its OrderRef, which `payment.order_ref` then is.

    Args:
        known: its id, or an unlocked copy, which saves reading where its OrderRef is: that never changes.
    """
    payment_id = known.pk if isinstance(known, Payment) else known
    order_ref_id = known.order_ref_id if isinstance(known, Payment) else _order_ref_id(known)
    order_ref = lock_order_ref(order_ref_id) if order_ref_id else None
    payment = Payment.objects.select_for_update().filter(pk=payment_id).first()
    if payment is None:
        raise NotFound("There is no such payment.")
    if order_ref is not None:
        payment.order_ref = order_ref
    return payment


def read_payment(payment_id: UUID) -> Payment:
    """The payment without a lock, with its account and OrderRef: what is decided by it is judged again under one.

    Raises:
        NotFound: there is none.
    """
    payment = Payment.objects.select_related("account", "order_ref").filter(pk=payment_id).first()
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment


def _order_ref_id(payment_id: UUID) -> UUID | None:
    return Payment.objects.filter(pk=payment_id).values_list("order_ref_id", flat=True).first()


def lock_order_ref(order_ref_id: UUID) -> OrderRef:
    """The OrderRef under lock."""
    return OrderRef.objects.select_for_update().get(pk=order_ref_id)


def lock_open_operations(payment: Payment) -> list[Operation]:
    """Every open operation of a locked payment, under lock."""
    open_states = [state.value for state in OPEN_OPERATIONS]
    return list(Operation.objects.select_for_update().filter(payment=payment, state__in=open_states).order_by("pk"))
