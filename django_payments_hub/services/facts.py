"""The one function that applies what is learned: lock, check, merge, log, tell the order.

A fact is never refused for breaking the hub's own limits; one that speaks of another account, mode, amount or currency
is quarantined (I12), and one about a payment not here yet is unmatched and told again later (F36).
"""

from __future__ import annotations

from django.db.models import Q

from django_payments_hub.domain import derive
from django_payments_hub.domain.statuses import (
    CaptureMethod,
    NextActionKind,
    Stage,
    Verdict,
)
from django_payments_hub.models import Payment, ProviderAccount
from django_payments_hub.provider_kit.types import DisputeFact, MethodFact, NextAction, PaymentFact, RefundFact
from django_payments_hub.services import completion, dispute_facts, form_addresses, method_facts, proofs, refund_facts
from django_payments_hub.services.books import Books, IllegalMove, Mismatch, Told, open_books

ToldFact = PaymentFact | RefundFact | DisputeFact

_WAITING = (Stage.OPEN, Stage.REQUIRES_ACTION)


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


def is_news(fact: PaymentFact | RefundFact, account: ProviderAccount) -> bool:
    """Whether the hub would learn from this fact that money moved, or that a payment or a refund went on or ended.

    What only waits for the customer is none: no money is in that, and whoever confirms it asks the provider.
    """
    payment = find_payment(fact, account)
    if payment is None:
        return False
    if isinstance(fact, RefundFact):
        return refund_facts.is_news(payment, fact)
    if fact.authorized_minor > payment.authorized_minor or fact.captured_minor > payment.captured_minor:
        return True
    known, told = Stage(payment.stage), _told_stage(fact)
    if told is known and fact.capturable_minor < payment.capturable_minor:
        return True
    goes_on = told not in _WAITING and derive.merge_stage(known, told) is not known
    return goes_on or any(refund_facts.is_news(payment, refund) for refund in fact.refunds)


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
        verdict = refund_facts.merge(books, fact)
    else:
        verdict = dispute_facts.merge(books, fact)
    proofs.close_proven(books)
    if isinstance(fact, PaymentFact):
        method_facts.learn(books, fact)
    if isinstance(fact, PaymentFact) and fact.awaits_confirm:
        completion.open_confirmation(books, approved_at=fact.occurred_at)
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
    held = [refund for refund in fact.refunds if refund_facts.merge(books, refund) is Verdict.UNMATCHED]
    if held:
        return Verdict.UNMATCHED  # told again when it is known whose refund it is
    if _snapshot(payment) != before or books.refunds_changed:
        return Verdict.APPLIED
    return Verdict.DUPLICATE if known == told else Verdict.STALE


def _told_stage(fact: PaymentFact) -> Stage:
    """An open object with something for the customer to do waits for him."""
    waits = fact.stage is Stage.OPEN and fact.next_action is not None
    return Stage.REQUIRES_ACTION if waits else fact.stage


def _same_amount(payment: Payment, fact: PaymentFact) -> None:
    told = fact.amount_minor
    if told is None and payment.capture_method == CaptureMethod.AUTOMATIC:
        told = fact.captured_minor or None  # what is taken at once is taken whole
    if told not in (None, payment.amount_minor):
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
        payment.next_action = stored_next_action(fact.next_action, page=form_addresses.address_of(payment))
    if fact.method is not None:
        payment.method_kind, payment.method_details = fact.method.kind.value, _method_details(fact.method)
    if fact.expires_at is not None:
        payment.expires_at = fact.expires_at


def stored_next_action(action: NextAction, *, page: str = "") -> dict[str, object]:
    """The next action as it is kept on the payment and shown to its payer.

    Of a form only where the hub's own page posts it: what is in it may be secret.
    """
    if action.kind is NextActionKind.FORM_POST:
        return {"type": action.kind.value, "url": page, "fields": {}}
    return {"type": action.kind.value, "url": action.url, "fields": dict(action.fields)}


def _method_details(method: MethodFact) -> dict[str, object]:
    details = {
        "brand": method.brand,
        "last4": method.last4,
        "expiry_month": method.expiry_month,
        "expiry_year": method.expiry_year,
    }
    return {name: value for name, value in details.items() if value}
