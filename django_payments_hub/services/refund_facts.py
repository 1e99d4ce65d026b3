"""Refunds as the provider tells them: the hub's own, and those made in its dashboard (F17)."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from django_payments_hub.domain import derive
from django_payments_hub.domain.statuses import OperationKind, OperationState, RefundOrigin, RefundStatus, Verdict
from django_payments_hub.domain.transitions import REFUND_MOVES, is_legal
from django_payments_hub.models import Payment, Refund
from django_payments_hub.provider_kit.types import RefundFact
from django_payments_hub.services.books import Books, Mismatch


def merge(books: Books, fact: RefundFact) -> Verdict:
    """Merge one refund, the hub's own or one made in the provider's dashboard (F17)."""
    refund = _find_refund(books.payment, fact)
    if refund is None:
        return _record_foreign_refund(books, fact)
    if (fact.amount_minor != refund.amount_minor and not fact.whole) or fact.currency != refund.currency:
        raise Mismatch("The refund is of another amount.", code="refund_amount")
    if refund.provider_refund_id not in (None, fact.provider_refund_id):
        raise Mismatch("The refund names another object of the provider.", code="provider_refund_id")
    return _move_refund(books, refund, fact)


def is_news(payment: Payment, fact: RefundFact) -> bool:
    """Whether the fact would record a refund, name one or move it."""
    try:
        refund = _find_refund(payment, fact)
    except Mismatch:
        return False
    if refund is None or refund.provider_refund_id != fact.provider_refund_id:
        return True
    known = RefundStatus(refund.status)
    return derive.merge_refund(known, fact.status) is not known


def _find_refund(payment: Payment, fact: RefundFact) -> Refund | None:
    named = Q(provider_refund_id=fact.provider_refund_id) if fact.provider_refund_id else Q()
    if (key := _as_uuid(fact.reference)) is not None:
        named |= Q(pk=key)
    refund = Refund.objects.filter(named, account_id=payment.account_id).first() if named else None
    if refund is not None and refund.payment_id != payment.pk:
        raise Mismatch("The refund belongs to another payment.", code="refund_payment")
    return refund


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _record_foreign_refund(books: Books, fact: RefundFact) -> Verdict:
    if _may_be_ours(books, fact):
        # Held, lest a refund under way be booked twice; told again when its operation is answered.
        return Verdict.UNMATCHED
    payment = books.payment
    amount_minor = payment.captured_minor - payment.refund_reserved_minor if fact.whole else fact.amount_minor
    if amount_minor <= 0:
        return Verdict.DUPLICATE
    refund = Refund(
        payment=payment,
        account_id=payment.account_id,
        amount_minor=amount_minor,
        currency=fact.currency,
        status=fact.status.value,
        origin=RefundOrigin.PROVIDER.value,
        provider_refund_id=fact.provider_refund_id,
    )
    _take_refund_failure(refund, fact)
    refund.save(force_insert=True)
    books.refunds_changed = True
    books.note(f"refund.{refund.status}", refund=refund, to_status=refund.status, data={"origin": refund.origin})
    return Verdict.APPLIED


def _may_be_ours(books: Books, fact: RefundFact) -> bool:
    return not fact.reference and any(
        operation.state != OperationState.CREATED for operation in books.open_of(OperationKind.REFUND)
    )


def _move_refund(books: Books, refund: Refund, fact: RefundFact) -> Verdict:
    old = RefundStatus(refund.status)
    # Until the provider has named the refund, its end is the hub's claim; money that moved is booked all the same.
    new = fact.status if refund.provider_refund_id is None else derive.merge_refund(old, fact.status)
    named = refund.provider_refund_id == fact.provider_refund_id
    if new is old and named:
        return Verdict.DUPLICATE if fact.status is old else Verdict.STALE
    if not is_legal(REFUND_MOVES, old, new):
        return Verdict.STALE
    refund.provider_refund_id = fact.provider_refund_id
    set_refund_status(books, refund, new, failure=fact)
    return Verdict.APPLIED


def set_refund_status(
    books: Books, refund: Refund, status: RefundStatus, *, failure: RefundFact | None = None, code: str = ""
) -> None:
    """Write a refund's next status and log it; the amounts follow when the books close."""
    old, refund.status = refund.status, status.value
    if failure is not None:
        _take_refund_failure(refund, failure)
    elif code:
        refund.failure_code = code
    refund.save()
    books.refunds_changed = True
    if old != refund.status:
        data: dict[str, object] = {"failure": refund.failure_code} if refund.failure_code else {}
        books.note(f"refund.{status.value}", refund=refund, from_status=old, to_status=status.value, data=data)


def _take_refund_failure(refund: Refund, fact: RefundFact) -> None:
    if fact.failure is not None:
        refund.failure_code, refund.failure_provider_code = fact.failure.code.value, fact.failure.provider_code[:100]
