"""Payments the customer has approved at a provider that moves nothing by itself: the hub's own confirmation of them.

The browser's return and the notice only tell of the approval; an operation, written with the fact, is what confirms
(I5), so that a return or a notice that is lost, doubled or forged moves nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from django_payments_hub import dispatch
from django_payments_hub.domain.statuses import EXCLUSIVE_KINDS, OperationKind, OperationState, Stage
from django_payments_hub.exceptions import RuleViolation
from django_payments_hub.models import Operation, Payment
from django_payments_hub.services import orders
from django_payments_hub.services.books import Books

logger = logging.getLogger("django_payments_hub.completion")

_WAITING = (Stage.OPEN, Stage.REQUIRES_ACTION, Stage.DECLINED)
_MAX_REFUSED = 3
_MAX_DECLINED = 10

ORDER_CHANGED = "order_changed"
"""Attention code of a payment that was approved for an order which has another price by now."""

CONFIRM_REFUSED = "confirm_refused"
"""Attention code of an approved payment whose confirmation its provider refuses or declines again and again."""


def open_confirmation(books: Books, *, approved_at: datetime | None = None) -> None:
    """Write the operation that confirms an approved payment, for a worker, unless something is under way with it, it is
    past its expiry, its order has changed (F51) or this very approval was declined. Inside the transaction that applies
    the approval.

    Args:
        approved_at: when it was given, by the provider's clock.
    """
    payment = books.payment
    if Stage(payment.stage) not in _WAITING or _is_over(payment):
        return
    if any(row.is_open and OperationKind(row.kind) in EXCLUSIVE_KINDS for row in books.operations):
        return
    if _was_declined(payment, approved_at) or _is_refused(payment) or not _order_stands(payment):
        return
    operation = Operation(
        payment=payment,
        kind=OperationKind.CONFIRM.value,
        state=OperationState.CREATED.value,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        # What the payment looked like before proves nothing about this try, should its answer be lost.
        parameters={"stage_before": payment.stage},
        exclusive_key=payment.pk,
        next_attempt_at=timezone.now(),
    )
    operation.save(force_insert=True)
    transaction.on_commit(partial(dispatch.start, dispatch.OPERATION, str(operation.pk)))


def _is_over(payment: Payment) -> bool:
    return payment.expires_at is not None and payment.expires_at <= timezone.now()


def _was_declined(payment: Payment, approved_at: datetime | None) -> bool:
    """Whether the approval is no newer than a decline: told late or still shown, it is no next try."""
    if Stage(payment.stage) is not Stage.DECLINED:
        return False
    declined = _ended(payment, OperationState.DECLINED).order_by("-finished_at").first()
    if declined is None:
        return False
    as_of = datetime.fromisoformat(str(declined.parameters.get("as_of") or declined.finished_at))
    return approved_at is None or approved_at <= as_of


def _ended(payment: Payment, state: OperationState) -> QuerySet[Operation]:
    return payment.operations.filter(kind=OperationKind.CONFIRM.value, state=state.value)


def _is_refused(payment: Payment) -> bool:
    """Whether it was refused for good, or declined, so often that a person has to look."""
    refused = _ended(payment, OperationState.FAILED).count() >= _MAX_REFUSED
    if not refused and _ended(payment, OperationState.DECLINED).count() < _MAX_DECLINED:
        return False
    payment.attention_code = payment.attention_code or CONFIRM_REFUSED
    return True


def _order_stands(payment: Payment) -> bool:
    """Whether the order is still what was approved. Where it cannot say, the next word of the approval asks again."""
    try:
        with transaction.atomic():
            orders.require_unchanged(payment)
    except RuleViolation as error:
        logger.warning("Payment %s was approved and is not confirmed: %s.", payment.pk, error.code)
        payment.attention_code = payment.attention_code or ORDER_CHANGED
    except Exception:
        logger.exception("The order of payment %s does not say what it costs; nothing is confirmed.", payment.pk)
    else:
        return True
    return False
