"""Locks in their one order: OrderRef, payment, refund or dispute, operation, host order."""

from __future__ import annotations

from uuid import UUID

from django_payments_hub.domain.statuses import OPEN_OPERATIONS
from django_payments_hub.exceptions import NotFound
from django_payments_hub.models import Operation, OrderRef, Payment


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


def _order_ref_id(payment_id: UUID) -> UUID | None:
    return Payment.objects.filter(pk=payment_id).values_list("order_ref_id", flat=True).first()


def lock_order_ref(order_ref_id: UUID) -> OrderRef:
    """The OrderRef under lock."""
    return OrderRef.objects.select_for_update().get(pk=order_ref_id)


def lock_open_operations(payment: Payment) -> list[Operation]:
    """Every open operation of a locked payment, under lock."""
    open_states = [state.value for state in OPEN_OPERATIONS]
    return list(Operation.objects.select_for_update().filter(payment=payment, state__in=open_states).order_by("pk"))
