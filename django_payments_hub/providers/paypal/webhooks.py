"""What PayPal's notifications tell (developer.paypal.com/api/rest/webhooks/event-names).

A notice whose resource is not everything there is to know becomes a `LookUp`, and PayPal is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django_payments_hub.domain.statuses import DisputeStatus, Mode
from django_payments_hub.provider_kit.reading import (
    Json,
    Unreadable,
    mapping,
    objects,
    optional_mapping,
    optional_text,
    text,
    unreadable_notice,
)
from django_payments_hub.provider_kit.types import DisputeFact, Fact, LookUp, PaymentFact
from django_payments_hub.providers.paypal import ids
from django_payments_hub.providers.paypal.amounts import from_wire
from django_payments_hub.providers.paypal.objects import (
    moment,
    parent_of,
    read_authorized,
    read_captured,
    read_order,
    reference_of,
)
from django_payments_hub.providers.paypal.refund_objects import read_refund
from django_payments_hub.providers.paypal.words import word

# developer.paypal.com/docs/api/customer-disputes/v1 (`status`, `dispute_outcome.outcome_code`)
_DISPUTE_STATUSES = {
    "OPEN": DisputeStatus.NEEDS_RESPONSE,
    "WAITING_FOR_SELLER_RESPONSE": DisputeStatus.NEEDS_RESPONSE,
    "WAITING_FOR_BUYER_RESPONSE": DisputeStatus.UNDER_REVIEW,
    "UNDER_REVIEW": DisputeStatus.UNDER_REVIEW,
    "OTHER": DisputeStatus.UNDER_REVIEW,
}
# developer.paypal.com/disputes/disputes-lifecycle: merchant and buyer settle an inquiry between themselves. What it
# costs the merchant is a refund; the money is withheld from it only once it becomes a claim (CHARGEBACK, and after).
_INQUIRY_STATUSES = {
    DisputeStatus.NEEDS_RESPONSE: DisputeStatus.INQUIRY_NEEDS_RESPONSE,
    DisputeStatus.UNDER_REVIEW: DisputeStatus.INQUIRY_UNDER_REVIEW,
}
_DISPUTE_OUTCOMES = {
    "RESOLVED_BUYER_FAVOUR": DisputeStatus.LOST,
    "ACCEPTED": DisputeStatus.LOST,
    "RESOLVED_SELLER_FAVOUR": DisputeStatus.WON,
    "RESOLVED_WITH_PAYOUT": DisputeStatus.WON,
    "CANCELED_BY_BUYER": DisputeStatus.WON,
    "DENIED": DisputeStatus.WON,
}

Reader = Callable[[Json, Mode, "datetime | None"], tuple[Fact, ...]]


def parse(event: Json, mode: Mode) -> tuple[Fact, ...]:
    """The facts of an event; none where its type tells nothing about money or a kept method, or the object is not ours.

    Raises:
        MalformedNotice: the type matters, its resource cannot be read.
    """
    with unreadable_notice():
        read = _reader(optional_text(event, "event_type"), optional_text(event, "resource_type"))
        if read is None:
            return ()
        return read(mapping(event, "resource"), mode, moment(event, "create_time"))


def _order(order: Json, mode: Mode, at: datetime | None) -> tuple[Fact, ...]:
    if not reference_of(order):
        return ()
    return (read_order(order, mode, occurred_at=at),)


def _capture(capture: Json, mode: Mode, at: datetime | None) -> tuple[Fact, ...]:
    reference = ids.payment_reference(capture)
    if not reference:
        return ()
    related = optional_mapping(optional_mapping(capture, "supplementary_data"), "related_ids")
    kind, parent = parent_of(capture)
    if related.get("authorization_id") or kind == "authorizations":
        return _authorized_capture(capture, reference, optional_text(related, "order_id"))
    standing = read_captured(capture)
    amount, currency = from_wire(capture)
    return (
        PaymentFact(
            stage=standing.stage,
            currency=currency,
            mode=mode,
            reference=reference,
            provider_payment_id=standing.payment_id,
            provider_session_id=optional_text(related, "order_id") or (parent if kind == "orders" else ""),
            amount_minor=amount,
            authorized_minor=standing.authorized_minor,
            captured_minor=standing.captured_minor,
            failure=standing.failure,
            occurred_at=at,
        ),
    )


def _authorized_capture(capture: Json, reference: str, order_id: str) -> tuple[Fact, ...]:
    """One capture does not say what the authorization's others took."""
    from_wire(capture)
    text(capture, "status")
    return (LookUp(reference=reference, provider_session_id=order_id),)


def _authorization(authorization: Json, mode: Mode, at: datetime | None) -> tuple[Fact, ...]:
    reference = ids.payment_reference(authorization)
    if not reference:
        return ()
    related = optional_mapping(optional_mapping(authorization, "supplementary_data"), "related_ids")
    kind, parent = parent_of(authorization)
    standing = read_authorized(authorization, ())
    amount, currency = from_wire(authorization)
    order_id = optional_text(related, "order_id") or (parent if kind == "orders" else "")
    if authorization.get("status") in ("CAPTURED", "PARTIALLY_CAPTURED"):
        return (LookUp(reference=reference, provider_session_id=order_id),)
    return (
        PaymentFact(
            stage=standing.stage,
            currency=currency,
            mode=mode,
            reference=reference,
            provider_payment_id=standing.payment_id,
            provider_session_id=order_id,
            amount_minor=amount,
            authorized_minor=standing.authorized_minor,
            capturable_minor=standing.capturable_minor,
            failure=standing.failure,
            occurred_at=at,
        ),
    )


def _refund(refund: Json, mode: Mode, at: datetime | None) -> tuple[Fact, ...]:
    fact = read_refund(refund, mode, occurred_at=at)
    if fact.payment_reference:
        return (fact,)
    if optional_text(refund, "custom_id"):
        return ()  # another system's on the same account
    # One made in the dashboard, or by PayPal itself, names its capture, and at most the payment's invoice.
    kind, parent = parent_of(refund)
    invoice = ids.reference_in(optional_text(refund, "invoice_id"))
    if not (invoice or (kind == "captures" and parent)):
        return ()
    return (LookUp(reference=invoice, provider_payment_id=parent if kind == "captures" else ""),)


def _dispute(dispute: Json, mode: Mode, at: datetime | None) -> tuple[Fact, ...]:
    from_wire(dispute, "dispute_amount")
    parts = dict[tuple[str, str], list[Json]]()
    for transaction in objects(dispute, "disputed_transactions"):
        parts.setdefault(_payment_of(transaction), []).append(transaction)
    amounts = {names: _disputed_minor(dispute, part, alone=len(parts) == 1) for names, part in parts.items()}
    return tuple(_disputed(dispute, names, amounts[names], mode, at) for names in parts if any(names))


def _payment_of(transaction: Json) -> tuple[str, str]:
    """Our reference of the payment, or else its capture; neither where it is none of ours."""
    named = optional_text(transaction, "custom") or optional_text(transaction, "invoice_number")
    reference = ids.reference_in(named)
    capture = optional_text(transaction, "seller_transaction_id")
    if reference or named or not ids.is_object_id(capture):
        return reference, ""
    return "", capture


def _disputed_minor(dispute: Json, part: list[Json], *, alone: bool) -> int:
    """How much is withheld of one payment: of several under one dispute none says, at most what was paid with it."""
    amount, _ = from_wire(dispute, "dispute_amount")
    if alone or not all(transaction.get("gross_amount") for transaction in part):
        return amount
    return min(amount, sum(from_wire(transaction, "gross_amount")[0] for transaction in part))


def _disputed(dispute: Json, names: tuple[str, str], amount_minor: int, mode: Mode, at: datetime | None) -> DisputeFact:
    """The part of a dispute that is about one payment, under an id of its own, however many the dispute has now."""
    reference, capture = names
    return DisputeFact(
        provider_dispute_id=f"{text(dispute, 'dispute_id')}/{reference or capture}",
        status=_dispute_status(dispute),
        amount_minor=amount_minor,
        currency=from_wire(dispute, "dispute_amount")[1],
        mode=mode,
        reason=word(dispute, "reason").lower(),
        payment_reference=reference,
        provider_payment_id=capture,
        evidence_due_at=moment(dispute, "seller_response_due_date"),
        occurred_at=at,
    )


def _dispute_status(dispute: Json) -> DisputeStatus:
    status = _claim_status(dispute)
    if word(dispute, "dispute_life_cycle_stage") != "INQUIRY":
        return status
    return _INQUIRY_STATUSES.get(status, DisputeStatus.INQUIRY_CLOSED)


def _claim_status(dispute: Json) -> DisputeStatus:
    status = text(dispute, "status")
    if status == "RESOLVED":
        outcome = word(optional_mapping(dispute, "dispute_outcome"), "outcome_code")
        return _DISPUTE_OUTCOMES.get(outcome, DisputeStatus.CLOSED)
    if status not in _DISPUTE_STATUSES:
        raise Unreadable("status is not a known word")
    return _DISPUTE_STATUSES[status]


def _vaulted(token: Json, _: Mode, _at: datetime | None) -> tuple[Fact, ...]:
    return (LookUp(provider_method_id=text(token, "id")),)


def _reader(event_type: str, resource_type: str) -> Reader | None:
    if event_type.startswith("CHECKOUT.ORDER."):
        return _order
    if event_type.startswith("PAYMENT.AUTHORIZATION."):
        return _authorization
    if event_type.startswith(("PAYMENT.REFUND.", "PAYMENT.CAPTURE.")):
        # PAYMENT.CAPTURE.REFUNDED and .REVERSED carry the refund.
        return _refund if resource_type == "refund" or event_type.startswith("PAYMENT.REFUND.") else _capture
    if event_type == "VAULT.PAYMENT-TOKEN.DELETED":
        return _vaulted
    return _dispute if event_type.startswith("CUSTOMER.DISPUTE.") else None
