"""Square's objects as facts: Payment, PaymentRefund, Dispute, Card (developer.squareup.com/reference/square/objects).

Plain mappings in, as `json.loads` makes them, so that webhooks and answers are read by the same code. Everything raises
`Unreadable` for a shape or a word that is not known. Square's objects do not say whether they are live: the mode is the
account's.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django_payments_hub.domain.money import currency_code
from django_payments_hub.domain.statuses import DisputeStatus, FailureCode, Mode, RefundStatus, Stage
from django_payments_hub.exceptions import InvalidInput
from django_payments_hub.provider_kit.reading import (
    Json,
    Unreadable,
    integer,
    mapping,
    objects,
    optional_mapping,
    optional_text,
    text,
)
from django_payments_hub.provider_kit.types import DisputeFact, Failure, PaymentFact, RefundFact
from django_payments_hub.providers.square.failures import failure_of
from django_payments_hub.providers.square.methods import method_of

_STAGES = {
    "APPROVED": Stage.AUTHORIZED,
    "PENDING": Stage.PROCESSING,
    "COMPLETED": Stage.CAPTURED,
    "CANCELED": Stage.CANCELLED,
    "FAILED": Stage.FAILED,
}
# What an attempt on a payment link's page means for the link: until one completes, the customer may make another.
_LINK_STAGES = {
    Stage.AUTHORIZED: Stage.PROCESSING,
    Stage.PROCESSING: Stage.PROCESSING,
    Stage.CANCELLED: Stage.DECLINED,
    Stage.EXPIRED: Stage.DECLINED,
    Stage.FAILED: Stage.DECLINED,
}
_REFUND_STATUSES = {
    "PENDING": RefundStatus.PROCESSING,
    "COMPLETED": RefundStatus.COMPLETED,
    "REJECTED": RefundStatus.FAILED,
    "FAILED": RefundStatus.FAILED,
}
# developer.squareup.com/reference/square/enums/DisputeState; an inquiry moves money only once it becomes a chargeback.
_DISPUTE_STATUSES = {
    "INQUIRY_EVIDENCE_REQUIRED": DisputeStatus.INQUIRY_NEEDS_RESPONSE,
    "INQUIRY_PROCESSING": DisputeStatus.INQUIRY_UNDER_REVIEW,
    "INQUIRY_CLOSED": DisputeStatus.INQUIRY_CLOSED,
    "EVIDENCE_REQUIRED": DisputeStatus.NEEDS_RESPONSE,
    "PROCESSING": DisputeStatus.UNDER_REVIEW,
    "WON": DisputeStatus.WON,
    "LOST": DisputeStatus.LOST,
    "ACCEPTED": DisputeStatus.LOST,
}
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_OURS = re.compile(_UUID)
_MARK = re.compile(rf"\[({_UUID})\]\Z")
_MAX_REASON = 192
_LAST_STATUS = {Stage.CANCELLED: "CANCELED", Stage.FAILED: "FAILED"}


# -- payments ---------------------------------------------------------------------------------------------------------


def read_payment(payment: Json, mode: Mode) -> PaymentFact:
    """A Payment as it stands: one made with a token, or an attempt on the page of a payment link.

    What one made with a token is for it does not say any more once a part of it is to be captured: its total is
    lowered, and Square may obtain another authorisation, which lowers `approved_money` too.
    """
    stage, of_link = _stage(payment), is_of_link(payment)
    if of_link and stage is not Stage.CAPTURED:
        return _unfinished_attempt(payment, stage, mode)
    amount, currency = money(payment, "total_money")
    approved = money(payment, "approved_money")[0] if payment.get("approved_money") else amount
    held = stage in (Stage.AUTHORIZED, Stage.CAPTURED)
    return PaymentFact(
        stage=stage,
        currency=currency,
        mode=mode,
        reference=payment_reference(payment),
        provider_payment_id=text(payment, "id"),
        amount_minor=max(amount, approved) if of_link else None,
        authorized_minor=max(amount, approved) if held else 0,
        captured_minor=amount if stage is Stage.CAPTURED else 0,
        capturable_minor=amount if stage is Stage.AUTHORIZED else 0,
        failure=_failure(payment, stage) if stage is Stage.FAILED else None,
        method=method_of(payment),
        occurred_at=moment(payment, "updated_at"),
    )


def _unfinished_attempt(payment: Json, stage: Stage, mode: Mode) -> PaymentFact:
    """Names no payment and no amount: the next attempt is another payment, and the one that completes is the one."""
    linked = _LINK_STAGES[stage]
    return PaymentFact(
        stage=linked,
        currency=money(payment, "total_money")[1],
        mode=mode,
        reference=payment_reference(payment),
        failure=_failure(payment, stage) if linked is Stage.DECLINED else None,
        method=method_of(payment),
        occurred_at=moment(payment, "updated_at"),
    )


def _stage(payment: Json) -> Stage:
    stage = _STAGES.get(text(payment, "status"))
    if stage is None:
        raise Unreadable("status is not a known word")
    ends_at, updated_at = moment(payment, "delayed_until"), moment(payment, "updated_at")
    if stage is Stage.CANCELLED and ends_at is not None and updated_at is not None and updated_at >= ends_at:
        return Stage.EXPIRED
    return stage


def _failure(payment: Json, stage: Stage) -> Failure:
    for name in ("card_details", "bank_account_details"):
        details = optional_mapping(payment, name)
        if details.get("errors"):
            return failure_of(objects(details, "errors"))
    code = FailureCode.EXPIRED if stage is Stage.EXPIRED else FailureCode.PROCESSING_ERROR
    return Failure(code=code, provider_code=_LAST_STATUS.get(stage, "CANCELED"))


def is_of_link(payment: Json) -> bool:
    """Whether it was made on the page of one of our payment links: their note is our reference and nothing else."""
    note, reference = optional_text(payment, "note"), optional_text(payment, "reference_id")
    return _OURS.fullmatch(note) is not None and reference in ("", note)


def payment_reference(payment: Json) -> str:
    """Our reference on a Payment; "" on one that is not the hub's (a sale over the counter, another system's)."""
    for told in (optional_text(payment, "reference_id"), optional_text(payment, "note")):
        if _OURS.fullmatch(told):
            return told
    return ""


def made_at(reference: str) -> datetime | None:
    """When a payment of ours was made, as its id says (UUIDv7): a search need not begin before. None if it does not."""
    if not _OURS.fullmatch(reference) or reference[14] != "7":
        return None
    return datetime.fromtimestamp(int(reference[:8] + reference[9:13], 16) / 1000, tz=UTC)


# -- refunds and disputes ---------------------------------------------------------------------------------------------


def read_refund(refund: Json, mode: Mode) -> RefundFact:
    """A PaymentRefund."""
    status = _REFUND_STATUSES.get(text(refund, "status"))
    if status is None:
        raise Unreadable("status is not a known word")
    amount, currency = money(refund, "amount_money")
    failed = status is RefundStatus.FAILED
    return RefundFact(
        provider_refund_id=text(refund, "id"),
        status=status,
        amount_minor=amount,
        currency=currency,
        mode=mode,
        reference=refund_reference(refund),
        provider_payment_id=text(refund, "payment_id"),
        failure=Failure(code=FailureCode.REFUND_REFUSED, provider_code=text(refund, "status")) if failed else None,
        occurred_at=moment(refund, "updated_at"),
    )


def refund_reason(reason: str, reference: str) -> str:
    """The free text of a refund, the only place that takes our reference: at its end, the reason cut to fit."""
    mark = f"[{reference}]"
    words = " ".join(reason.split())[: _MAX_REASON - len(mark) - 1]
    return f"{words} {mark}" if words else mark


def refund_reference(refund: Json) -> str:
    """Our reference at the end of a refund's reason; "" for one made elsewhere."""
    found = _MARK.search(optional_text(refund, "reason"))
    return found[1] if found else ""


def read_dispute(dispute: Json, mode: Mode) -> DisputeFact:
    """A Dispute."""
    status = _DISPUTE_STATUSES.get(text(dispute, "state"))
    if status is None:
        raise Unreadable("state is not a known word")
    amount, currency = money(dispute, "amount_money")
    return DisputeFact(
        # `dispute_id` in versions up to 2022 and still in some notices.
        provider_dispute_id=optional_text(dispute, "id") or text(dispute, "dispute_id"),
        status=status,
        amount_minor=amount,
        currency=currency,
        mode=mode,
        reason=optional_text(dispute, "reason").lower(),
        provider_payment_id=text(mapping(dispute, "disputed_payment"), "payment_id"),
        evidence_due_at=moment(dispute, "due_at"),
        occurred_at=moment(dispute, "updated_at"),
    )


# -- values -----------------------------------------------------------------------------------------------------------


def money(data: Json, key: str) -> tuple[int, str]:
    """A Money: minor units and the upper-case code. Square counts by ISO 4217 exponents, and leaves a zero out."""
    value = mapping(data, key)
    try:
        currency = currency_code(text(value, "currency"))
    except InvalidInput:
        raise Unreadable("currency is not a known one") from None
    return (integer(value, "amount") if value.get("amount") is not None else 0), currency


def moment(data: Json, key: str) -> datetime | None:
    """An RFC 3339 time as an aware datetime; None when absent."""
    told = optional_text(data, key)
    if not told:
        return None
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        raise Unreadable(f"{key} is not a moment") from None
    if at.tzinfo is None:
        raise Unreadable(f"{key} is not a moment")
    return at


def at_location(data: Json, location_id: str) -> bool:
    """Whether an object belongs to the location; raises Unreadable for one that names none."""
    return text(data, "location_id") == location_id


def may_be_at_location(data: Json, location_id: str) -> bool:
    """The same for a Dispute, which need not name one: the payment that it is about decides."""
    return optional_text(data, "location_id") in ("", location_id)
