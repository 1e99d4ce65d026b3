"""Builds the requests that go to a provider, from the rows and from nothing else.

The same rows make the same request, so that a repeated call carries the same parameters under its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypedDict

from django.urls import NoReverseMatch, reverse

from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind
from django_payments_hub.models import Operation, Payment, Refund
from django_payments_hub.provider_kit.types import (
    CancelRequest,
    CaptureRequest,
    ConfirmRequest,
    LookUp,
    LookUpRequest,
    Payer,
    PayRequest,
    RefundLookUpRequest,
    RefundRequest,
)
from django_payments_hub.services import credentials


class _Named(TypedDict):
    idempotency_key: str
    reference: str
    amount_minor: int
    currency: str
    provider_payment_id: str
    provider_session_id: str
    captured_minor: int
    capturable_minor: int
    refunded_minor: int
    flow: Flow
    method_kind: MethodKind | None
    created_at: datetime
    expires_at: datetime | None
    recovering: bool
    first_sent_at: datetime | None


def _named(payment: Payment, operation: Operation | None = None) -> _Named:
    return {
        "idempotency_key": str(operation.pk) if operation else "",
        "reference": payment.reference,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "provider_payment_id": payment.provider_payment_id or "",
        "provider_session_id": payment.provider_session_id or "",
        "captured_minor": payment.captured_minor,
        "capturable_minor": payment.capturable_minor,
        "refunded_minor": payment.refund_reserved_minor,
        "flow": Flow(payment.flow),
        "method_kind": MethodKind(payment.method_kind) if payment.method_kind else None,
        "created_at": payment.created_at,
        "expires_at": payment.expires_at,
        "recovering": operation.in_doubt if operation else False,
        "first_sent_at": operation.first_sent_at if operation else None,
    }


def pay(payment: Payment, operation: Operation) -> PayRequest:
    """Start this payment."""
    parameters: Mapping[str, object] = operation.parameters
    return PayRequest(
        idempotency_key=str(operation.pk),
        reference=payment.reference,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        flow=Flow(payment.flow),
        capture_method=CaptureMethod(payment.capture_method),
        method_token=str(parameters.get("method_token", "")),
        customer_token=str(parameters.get("customer_token", "")),
        method_kind=MethodKind(str(kind)) if (kind := parameters.get("method_kind")) else None,
        saved=bool(parameters.get("saved", False)),
        save_method=bool(parameters.get("save_method", False)),
        off_session=bool(parameters.get("off_session", False)),
        description=payment.description,
        payer=_payer(payment, parameters),
        return_url=return_address(payment),
        cancel_url=payment.cancel_url or return_address(payment),
        created_at=payment.created_at,
        expires_at=payment.expires_at,
        metadata={str(key): str(value) for key, value in payment.metadata.items()},
        recovering=operation.in_doubt,
        first_sent_at=operation.first_sent_at,
    )


def _payer(payment: Payment, parameters: Mapping[str, object]) -> Payer:
    known = {name: str(value) for name, value in payment.payer.items()}
    return Payer(**known, national_id=credentials.unseal(str(parameters.get("national_id", ""))))


def confirm(payment: Payment, operation: Operation) -> ConfirmRequest:
    """Try this payment, which exists at the provider."""
    return ConfirmRequest(
        **_named(payment, operation),
        method_token=str(operation.parameters.get("method_token", "")),
        return_url=return_address(payment),
    )


def capture(payment: Payment, operation: Operation) -> CaptureRequest:
    """Take the operation's amount."""
    return CaptureRequest(
        **_named(payment, operation),
        capture_minor=operation.amount_minor,
        final=bool(operation.parameters.get("final", True)),
    )


def cancel(payment: Payment, operation: Operation) -> CancelRequest:
    """Void or withdraw this payment."""
    return CancelRequest(**_named(payment, operation), reason=payment.cancel_reason)


def refund(payment: Payment, operation: Operation, row: Refund) -> RefundRequest:
    """Give this refund's amount back."""
    return RefundRequest(
        **_named(payment, operation), refund_reference=str(row.pk), refund_minor=row.amount_minor, reason=row.reason
    )


def look_up(payment: Payment, told: LookUp | None = None) -> LookUpRequest:
    """Ask how this payment stands; `told`: what a notice has of it, where the hub knows none of the provider's names.

    Only the session is taken from it: that was made for one payment and says for which, as other objects may not.
    """
    asked = LookUpRequest(**_named(payment), since=payment.created_at)
    if told is None or told.reference != payment.reference or asked.provider_payment_id or asked.provider_session_id:
        return asked
    return replace(asked, provider_session_id=told.provider_session_id)


def look_up_refund(payment: Payment, row: Refund) -> RefundLookUpRequest:
    """Ask how this refund stands."""
    return RefundLookUpRequest(
        **_named(payment),
        refund_reference=str(row.pk),
        provider_refund_id=row.provider_refund_id or "",
        refund_minor=row.amount_minor,
        since=row.created_at,
    )


def return_address(payment: Payment) -> str:
    """The hub's own address a browser comes back to; "" when the project does not say how it is reached."""
    base = hub_settings().public_url.rstrip("/")
    if not base:
        return ""
    try:
        return base + reverse("payments_hub:return-payment", kwargs={"payment_id": payment.pk})
    except NoReverseMatch:
        return ""
