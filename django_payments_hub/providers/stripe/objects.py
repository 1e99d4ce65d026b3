"""Stripe's objects as facts: PaymentIntent, Checkout Session, Refund, Dispute.

Plain mappings in, as `json.loads` makes them, so that webhooks and answers are read by the same code and no SDK object
is ever built for a notice. Everything raises `Unreadable` for a shape or a word that is not known.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django_payments_hub.domain.money import currency_code
from django_payments_hub.domain.statuses import (
    DisputeStatus,
    FailureCode,
    Mode,
    NextActionKind,
    RefundStatus,
    Stage,
)
from django_payments_hub.exceptions import InvalidInput
from django_payments_hub.provider_kit.reading import (
    Json,
    Unreadable,
    flag,
    integer,
    moment,
    optional_integer,
    optional_mapping,
    optional_text,
    text,
)
from django_payments_hub.provider_kit.types import (
    DisputeFact,
    Failure,
    NextAction,
    PaymentFact,
    RefundFact,
)
from django_payments_hub.providers.stripe.amounts import from_wire
from django_payments_hub.providers.stripe.failures import failure_of
from django_payments_hub.providers.stripe.methods import method_of

HUB_PAYMENT = "hub_payment"
HUB_OPERATION = "hub_operation"
HUB_REFUND = "hub_refund"

# docs.stripe.com/payments/paymentintents/lifecycle
_STAGES = {
    "requires_payment_method": Stage.OPEN,
    "requires_confirmation": Stage.OPEN,
    "requires_action": Stage.REQUIRES_ACTION,
    "processing": Stage.PROCESSING,
    "requires_capture": Stage.AUTHORIZED,
    "succeeded": Stage.CAPTURED,
    "canceled": Stage.CANCELLED,
}
# Set by Stripe itself when an authorisation lapses (docs.stripe.com/api/payment_intents/object, cancellation_reason).
_EXPIRY_REASONS = frozenset({"automatic", "expired"})

_REFUND_STATUSES = {
    "pending": RefundStatus.PROCESSING,
    "requires_action": RefundStatus.PROCESSING,
    "succeeded": RefundStatus.COMPLETED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELLED,
}

# docs.stripe.com/disputes/how-disputes-work; `warning_*` are inquiries: money moves only if one becomes a chargeback.
_DISPUTE_STATUSES = {
    "needs_response": DisputeStatus.NEEDS_RESPONSE,
    "under_review": DisputeStatus.UNDER_REVIEW,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
    "prevented": DisputeStatus.CLOSED,
    "charge_refunded": DisputeStatus.CLOSED,
    "warning_needs_response": DisputeStatus.INQUIRY_NEEDS_RESPONSE,
    "warning_under_review": DisputeStatus.INQUIRY_UNDER_REVIEW,
    "warning_closed": DisputeStatus.INQUIRY_CLOSED,
}


def read_intent(intent: Json, *, occurred_at: datetime | None = None) -> PaymentFact:
    """A PaymentIntent as it stands."""
    currency = read_currency(intent)
    stage = _stage(intent)
    amount = from_wire(integer(intent, "amount"), currency)
    received = from_wire(optional_integer(intent, "amount_received"), currency)
    held = stage in (Stage.AUTHORIZED, Stage.CAPTURED)
    return PaymentFact(
        stage=stage,
        currency=currency,
        mode=read_mode(intent),
        reference=metadata(intent, HUB_PAYMENT),
        provider_payment_id=text(intent, "id"),
        amount_minor=amount,
        # A partial capture leaves `amount` as it was and releases the rest; an over-capture takes more.
        authorized_minor=max(amount, received) if held else 0,
        captured_minor=received,
        capturable_minor=from_wire(optional_integer(intent, "amount_capturable"), currency),
        failure=failure_of(optional_mapping(intent, "last_payment_error")) if stage is Stage.DECLINED else None,
        next_action=_next_action(intent) if stage is Stage.REQUIRES_ACTION else None,
        method=method_of(intent),
        occurred_at=occurred_at,
    )


def _stage(intent: Json) -> Stage:
    stage = _STAGES.get(text(intent, "status"))
    if stage is None:
        raise Unreadable("status is not a known word")
    if intent["status"] == "requires_payment_method" and intent.get("last_payment_error"):
        return Stage.DECLINED
    if stage is Stage.CANCELLED and optional_text(intent, "cancellation_reason") in _EXPIRY_REASONS:
        return Stage.EXPIRED
    return stage


def _next_action(intent: Json) -> NextAction | None:
    action = optional_mapping(intent, "next_action")
    kind = optional_text(action, "type")
    if kind == "redirect_to_url":
        return NextAction(kind=NextActionKind.REDIRECT, url=text(optional_mapping(action, kind), "url"))
    for page in ("hosted_voucher_url", "hosted_instructions_url", "hosted_verification_url"):
        url = optional_text(optional_mapping(action, kind), page)
        if url:
            return NextAction(kind=NextActionKind.REDIRECT, url=url)
    # The rest (`use_stripe_sdk`, QR codes, ...) is for Stripe.js, which needs the client secret alone.
    return client_action(intent)


def client_action(intent: Json, publishable_key: str = "") -> NextAction | None:
    """What Stripe.js needs to go on; None when the object does not carry its client secret."""
    client_secret = optional_text(intent, "client_secret")
    if not client_secret:
        return None
    fields = {"client_secret": client_secret, "publishable_key": publishable_key}
    return NextAction(kind=NextActionKind.CLIENT_SECRET, fields={k: v for k, v in fields.items() if v})


def read_session(session: Json, *, failed: bool = False, occurred_at: datetime | None = None) -> PaymentFact:
    """A Checkout Session; `failed` when the notice says that a delayed payment came to nothing.

    It names amounts only once it is paid, and never says "authorised": the PaymentIntent does, on its own.
    """
    intent = optional_mapping(session, "payment_intent")
    if intent:
        return _session_with_intent(session, read_intent(intent, occurred_at=occurred_at))
    currency = read_currency(session)
    total = from_wire(integer(session, "amount_total"), currency)
    stage = Stage.FAILED if failed else _session_stage(session)
    paid = stage is Stage.CAPTURED
    return PaymentFact(
        stage=stage,
        currency=currency,
        mode=read_mode(session),
        reference=session_reference(session),
        provider_payment_id=id_of(session, "payment_intent"),
        provider_session_id=text(session, "id"),
        amount_minor=total,
        authorized_minor=total if paid else 0,
        captured_minor=total if paid else 0,
        failure=Failure(code=FailureCode.PROCESSING_ERROR, provider_code="async_payment_failed") if failed else None,
        next_action=_session_action(session) if stage is Stage.OPEN else None,
        expires_at=moment(session, "expires_at"),
        occurred_at=occurred_at,
    )


def _session_with_intent(session: Json, fact: PaymentFact) -> PaymentFact:
    expired = session.get("status") == "expired" and fact.captured_minor == 0 and fact.stage is not Stage.CANCELLED
    open_ = session.get("status") == "open"
    return replace(
        fact,
        stage=Stage.EXPIRED if expired else fact.stage,
        reference=fact.reference or session_reference(session),
        provider_session_id=text(session, "id"),
        next_action=_session_action(session) if open_ else fact.next_action,
        expires_at=moment(session, "expires_at") if open_ else None,
    )


def session_reference(session: Json) -> str:
    """Our reference on a Checkout Session; "" on one that is not ours."""
    return metadata(session, HUB_PAYMENT) or optional_text(session, "client_reference_id")


def _session_stage(session: Json) -> Stage:
    status, payment_status = text(session, "status"), text(session, "payment_status")
    if status not in ("open", "complete", "expired") or payment_status not in ("paid", "unpaid", "no_payment_required"):
        raise Unreadable("status is not a known word")
    if payment_status == "paid":
        return Stage.CAPTURED
    return {"open": Stage.OPEN, "complete": Stage.PROCESSING, "expired": Stage.EXPIRED}[status]


def _session_action(session: Json) -> NextAction | None:
    url = optional_text(session, "url")
    return NextAction(kind=NextActionKind.REDIRECT, url=url) if url else None


def read_refund(refund: Json, mode: Mode, *, occurred_at: datetime | None = None) -> RefundFact:
    """A Refund; the object itself does not say whether it is live."""
    currency = read_currency(refund)
    status = _REFUND_STATUSES.get(text(refund, "status"))
    if status is None:
        raise Unreadable("status is not a known word")
    failed = status is RefundStatus.FAILED
    return RefundFact(
        provider_refund_id=text(refund, "id"),
        status=status,
        amount_minor=from_wire(integer(refund, "amount"), currency),
        currency=currency,
        mode=mode,
        reference=metadata(refund, HUB_REFUND),
        payment_reference=metadata(refund, HUB_PAYMENT),
        provider_payment_id=id_of(refund, "payment_intent"),
        failure=Failure(code=FailureCode.REFUND_REFUSED, provider_code=optional_text(refund, "failure_reason"))
        if failed
        else None,
        occurred_at=occurred_at,
    )


def may_be_release(refund: Json) -> bool:
    """Whether this may be no refund but the rest of a capture of a part (docs.stripe.com/api/payment_intents/capture:
    "any additional amount is automatically refunded"): not asked for by us, and no movement of the balance.
    """
    ours = metadata(refund, HUB_REFUND)
    return not ours and refund.get("status") == "succeeded" and not refund.get("balance_transaction")


def read_dispute(dispute: Json, *, occurred_at: datetime | None = None) -> DisputeFact:
    """A Dispute."""
    currency = read_currency(dispute)
    status = _DISPUTE_STATUSES.get(text(dispute, "status"))
    if status is None:
        raise Unreadable("status is not a known word")
    return DisputeFact(
        provider_dispute_id=text(dispute, "id"),
        status=status,
        amount_minor=from_wire(integer(dispute, "amount"), currency),
        currency=currency,
        mode=read_mode(dispute),
        reason=optional_text(dispute, "reason"),
        payment_reference=metadata(dispute, HUB_PAYMENT),
        provider_payment_id=id_of(dispute, "payment_intent"),
        evidence_due_at=moment(optional_mapping(dispute, "evidence_details"), "due_by"),
        occurred_at=occurred_at,
    )


def read_currency(data: Json) -> str:
    """The upper-case code of a currency that is known."""
    try:
        return currency_code(text(data, "currency"))
    except InvalidInput:
        raise Unreadable("currency is not a known one") from None


def read_mode(data: Json) -> Mode:
    """The mode that `livemode` says."""
    return Mode.LIVE if flag(data, "livemode") else Mode.TEST


def metadata(data: Json, key: str) -> str:
    """One of our own marks; "" on an object that is not ours."""
    return optional_text(optional_mapping(data, "metadata"), key)


def id_of(data: Json, key: str) -> str:
    """The id of an object that may be named, expanded or absent."""
    value = data.get(key)
    return text(value, "id") if isinstance(value, dict) else optional_text(data, key)
