"""The one function that applies what is learned: lock, check, merge, log, tell the order.

A fact is never refused for breaking the hub's own limits; one that speaks of another account, mode, amount or currency
is quarantined (I12), and one about a payment not here yet is unmatched and told again later (F36).
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from django_payments_hub.domain import derive
from django_payments_hub.domain.statuses import (
    DisputeStatus,
    OperationKind,
    OperationState,
    RefundOrigin,
    RefundStatus,
    Stage,
    Verdict,
)
from django_payments_hub.domain.transitions import REFUND_MOVES, is_legal
from django_payments_hub.exceptions import HubError
from django_payments_hub.models import Dispute, Payment, ProviderAccount, Refund
from django_payments_hub.provider_kit.types import DisputeFact, MethodFact, NextAction, PaymentFact, RefundFact
from django_payments_hub.services import proofs
from django_payments_hub.services.books import Books, IllegalMove, Told, open_books

ToldFact = PaymentFact | RefundFact | DisputeFact


class Mismatch(HubError):
    """A fact contradicts what it is said to be about. `code` says in which respect."""

    code = "mismatch"


def apply(fact: ToldFact, account: ProviderAccount, told: Told) -> Verdict:
    """Apply one fact told by `account`, in a transaction of its own.

    Returns:
        applied, duplicate, stale, mismatch (quarantined, nothing changed but the mark) or unmatched (nothing changed).
    """
    payment = find_payment(fact, account)
    if payment is None:
        return Verdict.UNMATCHED
    try:
        with open_books(payment, told) as books:
            return merge(books, fact, account)
    except (Mismatch, IllegalMove) as error:
        quarantine(payment, told, error.code)
        return Verdict.MISMATCH


def find_payment(fact: ToldFact, account: ProviderAccount) -> Payment | None:
    """The payment of this account that the fact speaks of, unlocked."""
    reference = fact.reference if isinstance(fact, PaymentFact) else fact.payment_reference
    session_id = fact.provider_session_id if isinstance(fact, PaymentFact) else ""
    return find_by_names(
        account, reference=reference, provider_payment_id=fact.provider_payment_id, provider_session_id=session_id
    )


def find_by_names(
    account: ProviderAccount, *, reference: str = "", provider_payment_id: str = "", provider_session_id: str = ""
) -> Payment | None:
    """The payment of this account that carries one of these names, our own reference first; unlocked."""
    named = Q()
    if reference:
        named |= Q(reference=reference)
    if provider_payment_id:
        named |= Q(provider_payment_id=provider_payment_id)
    if provider_session_id:
        named |= Q(provider_session_id=provider_session_id)
    if not named:
        return None
    found = sorted(Payment.objects.filter(named, account=account)[:3], key=lambda row: row.reference != reference)
    if not found:
        return None
    found[0].account = account
    return found[0]


def quarantine(payment: Payment, told: Told, code: str) -> None:
    """Mark the payment for a person, and write down why; no amount changes."""
    with open_books(payment, told) as books:
        books.payment.attention_code = books.payment.attention_code or f"mismatch_{code}"[:60]
        books.note("payment.quarantined", data={"code": code})


def merge(books: Books, fact: ToldFact, account: ProviderAccount) -> Verdict:
    """Merge a fact into open books, and close the operations whose outcome it proves.

    Raises:
        Mismatch: nothing of the fact may be kept; the caller lets the transaction roll back and quarantines.
    """
    _same_place(books.payment, fact, account)
    if isinstance(fact, PaymentFact):
        verdict = _merge_payment(books, fact)
    elif isinstance(fact, RefundFact):
        verdict = merge_refund(books, fact)
    else:
        verdict = _merge_dispute(books, fact)
    proofs.close_proven(books)
    return verdict


def _same_place(payment: Payment, fact: ToldFact, account: ProviderAccount) -> None:
    if payment.account_id != account.pk:
        raise Mismatch("The fact comes from another account.", code="account")
    if fact.mode != payment.mode:
        raise Mismatch("The fact is of the other mode.", code="mode")
    if fact.currency != payment.currency:
        raise Mismatch("The fact is in another currency.", code="currency")
    if fact.provider_payment_id and payment.provider_payment_id not in (None, fact.provider_payment_id):
        raise Mismatch("The fact names another object of the provider.", code="provider_payment_id")


# -- payments ---------------------------------------------------------------------------------------------------------


def _merge_payment(books: Books, fact: PaymentFact) -> Verdict:
    payment = books.payment
    _same_amount(payment, fact)
    before = _snapshot(payment)
    known = (Stage(payment.stage), payment.captured_minor)
    told = (_told_stage(fact), fact.captured_minor)
    _name(payment, fact)
    _merge_amounts(payment, fact, newer=derive.is_newer(known=known, told=told), same=known == told)
    payment.stage = derive.merge_stage(known[0], told[0]).value
    _take_failure(payment, fact)
    if payment.stage == told[0]:
        _take_details(payment, fact)
    for refund in fact.refunds:
        merge_refund(books, refund)
    if _snapshot(payment) != before or books.refunds_changed:
        return Verdict.APPLIED
    return Verdict.DUPLICATE if known == told else Verdict.STALE


def _told_stage(fact: PaymentFact) -> Stage:
    """An open object with something for the customer to do waits for him."""
    waits = fact.stage is Stage.OPEN and fact.next_action is not None
    return Stage.REQUIRES_ACTION if waits else fact.stage


def _same_amount(payment: Payment, fact: PaymentFact) -> None:
    if fact.amount_minor not in (None, payment.amount_minor):
        raise Mismatch("The fact is about another amount.", code="amount")
    if max(fact.captured_minor, fact.authorized_minor, fact.captured_minor + fact.capturable_minor) > (
        payment.amount_minor
    ):
        raise Mismatch("The provider holds or took more than was asked for.", code="amount")
    session_id = payment.provider_session_id
    if fact.provider_session_id and session_id not in (None, fact.provider_session_id):
        raise Mismatch("The fact names another session of the provider.", code="provider_session_id")
    if fact.reference and fact.reference != payment.reference:
        raise Mismatch("The fact carries another payment's reference.", code="reference")


def _snapshot(payment: Payment) -> tuple[object, ...]:
    return (
        payment.stage,
        payment.authorized_minor,
        payment.captured_minor,
        payment.capturable_minor,
        payment.provider_payment_id,
        payment.provider_session_id,
        payment.failure_code,
        payment.next_action,
        payment.method_kind,
    )


def _name(payment: Payment, fact: PaymentFact) -> None:
    if fact.provider_payment_id:
        payment.provider_payment_id = fact.provider_payment_id
    if fact.provider_session_id:
        payment.provider_session_id = fact.provider_session_id


def _merge_amounts(payment: Payment, fact: PaymentFact, *, newer: bool, same: bool) -> None:
    payment.captured_minor = max(payment.captured_minor, fact.captured_minor)
    if newer:
        payment.capturable_minor = fact.capturable_minor
    elif same:
        payment.capturable_minor = min(payment.capturable_minor, fact.capturable_minor)
    payment.authorized_minor = max(
        payment.authorized_minor, fact.authorized_minor, payment.captured_minor + payment.capturable_minor
    )


def _take_failure(payment: Payment, fact: PaymentFact) -> None:
    """Why it failed, as long as it never succeeded; a refusal told after the end it led to is still the reason."""
    if payment.authorized_minor > 0 or payment.stage in (Stage.AUTHORIZED, Stage.CAPTURED):
        payment.failure_code = payment.failure_provider_code = ""
    elif fact.failure is not None and (payment.stage == fact.stage or not payment.failure_code):
        payment.failure_code, payment.failure_provider_code = fact.failure.code.value, fact.failure.provider_code[:100]


def _take_details(payment: Payment, fact: PaymentFact) -> None:
    if fact.next_action is not None:
        payment.next_action = stored_next_action(fact.next_action)
    if fact.method is not None:
        payment.method_kind, payment.method_details = fact.method.kind.value, _method_details(fact.method)
    if fact.expires_at is not None:
        payment.expires_at = fact.expires_at


def stored_next_action(action: NextAction) -> dict[str, object]:
    """The next action as it is kept on the payment and shown to its payer."""
    return {"type": action.kind.value, "url": action.url, "fields": dict(action.fields)}


def _method_details(method: MethodFact) -> dict[str, object]:
    details = {
        "brand": method.brand,
        "last4": method.last4,
        "expiry_month": method.expiry_month,
        "expiry_year": method.expiry_year,
    }
    return {name: value for name, value in details.items() if value}


# -- refunds ----------------------------------------------------------------------------------------------------------


def merge_refund(books: Books, fact: RefundFact) -> Verdict:
    """Merge one refund, the hub's own or one made in the provider's dashboard (F17)."""
    refund = _find_refund(books.payment, fact)
    if refund is None:
        return _record_foreign_refund(books, fact)
    if fact.amount_minor != refund.amount_minor or fact.currency != refund.currency:
        raise Mismatch("The refund is of another amount.", code="refund_amount")
    if refund.provider_refund_id not in (None, fact.provider_refund_id):
        raise Mismatch("The refund names another object of the provider.", code="provider_refund_id")
    return _move_refund(books, refund, fact)


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
    refund = Refund(
        payment=payment,
        account_id=payment.account_id,
        amount_minor=fact.amount_minor,
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
    new = derive.merge_refund(old, fact.status)
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


# -- disputes ---------------------------------------------------------------------------------------------------------


def _merge_dispute(books: Books, fact: DisputeFact) -> Verdict:
    payment = books.payment
    dispute = Dispute.objects.filter(
        account_id=payment.account_id, provider_dispute_id=fact.provider_dispute_id
    ).first()
    if dispute is None:
        return _open_dispute(books, fact)
    if dispute.payment_id != payment.pk:
        raise Mismatch("The dispute belongs to another payment.", code="dispute_payment")
    old = DisputeStatus(dispute.status)
    new = derive.merge_dispute(old, fact.status)
    if new is not fact.status:
        return Verdict.STALE
    if new is old and fact.amount_minor <= dispute.amount_minor:
        return Verdict.DUPLICATE  # of two amounts told under one status the larger is kept, in whatever order they come
    dispute.status, dispute.amount_minor = new.value, fact.amount_minor
    dispute.evidence_due_at = fact.evidence_due_at or dispute.evidence_due_at
    dispute.save()
    books.disputes_changed = True
    books.note(f"dispute.{dispute.status}", dispute=dispute, from_status=old.value, to_status=dispute.status)
    return Verdict.APPLIED


def _open_dispute(books: Books, fact: DisputeFact) -> Verdict:
    payment = books.payment
    dispute = Dispute.objects.create(
        payment=payment,
        account_id=payment.account_id,
        provider_dispute_id=fact.provider_dispute_id,
        status=fact.status.value,
        amount_minor=fact.amount_minor,
        currency=fact.currency,
        reason=fact.reason[:100],
        evidence_due_at=fact.evidence_due_at,
    )
    books.disputes_changed = True
    books.note(f"dispute.{dispute.status}", dispute=dispute, to_status=dispute.status)
    return Verdict.APPLIED
