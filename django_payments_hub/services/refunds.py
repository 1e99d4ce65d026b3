"""Refunds: reserved under lock when requested, carried out by a worker or, where the provider has none, by hand.

The sum of all refunds that succeeded, are pending or unknown never exceeds what was captured (I1): the reservation is
made under the payment's lock, and the database checks it once more.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from moneyed import Money

from django_payments_hub import dispatch
from django_payments_hub.domain.money import to_minor
from django_payments_hub.domain.statuses import (
    EXCLUSIVE_KINDS,
    OperationKind,
    OperationState,
    RefundStatus,
    Source,
)
from django_payments_hub.exceptions import Conflict, NotFound, RuleViolation
from django_payments_hub.models import Operation, Refund
from django_payments_hub.services import operations, provider_calls
from django_payments_hub.services.books import Books, Told, open_books
from django_payments_hub.services.new_payments import OnCommit, key_of, told_by
from django_payments_hub.services.proofs import finish
from django_payments_hub.services.refund_facts import set_refund_status
from django_payments_hub.services.vouching import checked_reason


def request(
    payment_id: UUID,
    *,
    amount: Money | str | None = None,
    reason: str = "",
    actor: AbstractBaseUser | None = None,
    on_commit: OnCommit | None = None,
) -> Refund:
    """Reserve an amount, all that is refundable unless one is given, and let a worker give it back.

    Where the provider has no refunds but people make them by hand, it is `processing` until
    `hand_refunds.record_proof`.

    Raises:
        RuleViolation: `not_refundable`, `refund_exceeds_captured`, `card_number_refused`.
        Unsupported: the provider has no refunds, or no partial ones.
        Conflict: `operation_in_progress`, a capture or cancellation is under way (I18).
    """
    reason = checked_reason(reason)
    with open_books(payment_id, told_by(actor), durable=True) as books:
        amount_minor, by_hand = _refundable(books, amount)
        refund = Refund(
            payment=books.payment,
            account_id=books.payment.account_id,
            amount_minor=amount_minor,
            currency=books.payment.currency,
            by_hand=by_hand,
            reason=reason,
            requested_by_id=key_of(actor),  # type: ignore[misc]  # a host's user may have a UUID key
        )
        refund.save(force_insert=True)
        books.refunds_changed = True
        books.note("refund.pending", refund=refund, to_status=refund.status, data={"reason": refund.reason})
        if by_hand:
            set_refund_status(books, refund, RefundStatus.PROCESSING)
        if on_commit is not None:
            on_commit(refund.pk)
    if not by_hand:
        dispatch.start(dispatch.REFUND, str(refund.pk))
    return refund


def _refundable(books: Books, amount: Money | str | None) -> tuple[int, bool]:
    """How much, and whether a person has to make it."""
    payment = books.payment
    provider = provider_calls.provider_of(payment.account)
    by_hand = provider.capabilities.operator_refunds and not provider.capabilities.refund
    if not by_hand:
        provider.require("refund")
    if any(OperationKind(row.kind) in EXCLUSIVE_KINDS for row in books.operations):
        raise Conflict("Another operation on this payment is under way.", code="operation_in_progress")
    wanted = payment.refundable_minor if amount is None else to_minor(amount, payment.currency)
    if payment.refundable_minor <= 0:
        raise RuleViolation("Nothing of this payment is left to refund.", code="not_refundable")
    if wanted > payment.refundable_minor:
        raise RuleViolation("More than is left of the payment cannot be refunded.", code="refund_exceeds_captured")
    if wanted != payment.captured_minor:
        provider.require("partial_refund")
    return wanted, by_hand


def execute(refund_id: UUID) -> Refund:
    """Carry a pending refund out; any number of calls has the effect of one (I17). No transaction may be open."""
    operation_id = _operation_of(refund_id)
    if operation_id is not None:
        operations.resume(operation_id)
    return _read(refund_id)


def _operation_of(refund_id: UUID) -> UUID | None:
    """The refund's one operation, made on first use; None when there is nothing to carry out."""
    refund = _read(refund_id)
    with open_books(refund.payment_id, Told(source=Source.SYSTEM), durable=True) as books:
        known = Operation.objects.filter(refund_id=refund_id).values_list("pk", flat=True).first()
        if known is not None:
            return known
        if Refund.objects.get(pk=refund_id).status != RefundStatus.PENDING:
            return None
        return operations.open_operation(
            books.payment, OperationKind.REFUND, amount_minor=refund.amount_minor, refund=refund
        ).pk


def cancel(refund_id: UUID, *, actor: AbstractBaseUser | None = None, on_commit: OnCommit | None = None) -> Refund:
    """Take back a refund that was provably never sent, or that nobody has made by hand yet.

    Raises:
        RuleViolation: `refund_not_cancellable`.
    """
    refund = _read(refund_id)
    with open_books(refund.payment_id, told_by(actor), durable=True) as books:
        refund = Refund.objects.select_for_update().get(pk=refund_id)
        operation = Operation.objects.select_for_update().filter(refund=refund).first()
        if not is_cancellable(refund) or _may_have_been_sent(operation):
            raise RuleViolation("The refund can no longer be cancelled.", code="refund_not_cancellable")
        if operation is not None:
            finish(operation, OperationState.FAILED, error_code="cancelled")
        set_refund_status(books, refund, RefundStatus.CANCELLED)
        if on_commit is not None:
            on_commit(refund.pk)
    return _read(refund_id)


def is_cancellable(refund: Refund) -> bool:
    """Whether its status allows to take it back; one that was sent cannot be, whatever its status."""
    by_hand = refund.by_hand and refund.status == RefundStatus.PROCESSING
    return by_hand or refund.status in (RefundStatus.PENDING, RefundStatus.REQUIRES_APPROVAL)


def _may_have_been_sent(operation: Operation | None) -> bool:
    return operation is not None and (operation.state != OperationState.CREATED or operation.in_doubt)


def _read(refund_id: UUID) -> Refund:
    refund = Refund.objects.select_related("payment__account").filter(pk=refund_id).first()
    if refund is None:
        raise NotFound("There is no such refund.")
    return refund
