"""PayPal's refunds as facts (Payments v2)."""

from __future__ import annotations

from datetime import datetime

from django_payments_hub.domain.statuses import FailureCode, Mode, RefundStatus
from django_payments_hub.provider_kit.reading import Json, Unreadable, optional_mapping, optional_text, text
from django_payments_hub.provider_kit.types import Failure, RefundFact
from django_payments_hub.providers.paypal import ids
from django_payments_hub.providers.paypal.amounts import from_wire
from django_payments_hub.providers.paypal.words import word

_STATUSES = {
    "PENDING": RefundStatus.PROCESSING,
    "COMPLETED": RefundStatus.COMPLETED,
    "FAILED": RefundStatus.FAILED,
    "CANCELLED": RefundStatus.CANCELLED,
}


def read_refund(refund: Json, mode: Mode, *, payment: str = "", occurred_at: datetime | None = None) -> RefundFact:
    """A Refund; `payment` is the reference of the payment it is known to belong to.

    It does not name the payment's object: for an authorised payment that is the authorization, which a refund never
    tells.
    """
    status = _STATUSES.get(text(refund, "status"))
    if status is None:
        raise Unreadable("status is not a known word")
    amount, currency = from_wire(refund)
    reason = word(optional_mapping(refund, "status_details"), "reason")
    failed = status is RefundStatus.FAILED
    return RefundFact(
        provider_refund_id=text(refund, "id"),
        status=status,
        amount_minor=amount,
        currency=currency,
        mode=mode,
        reference=refund_reference(refund, payment=payment),
        payment_reference=payment or ids.reference_in(optional_text(refund, "custom_id")),
        failure=Failure(code=FailureCode.REFUND_REFUSED, provider_code=reason or "FAILED") if failed else None,
        occurred_at=occurred_at,
    )


def refund_reference(refund: Json, *, payment: str = "") -> str:
    """The hub's refund id; "" on a refund made elsewhere, which repeats the invoice id of its payment or has none."""
    invoice = optional_text(refund, "invoice_id")
    return ids.reference_in(invoice) if invoice not in (payment, optional_text(refund, "custom_id")) else ""
