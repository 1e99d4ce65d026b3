"""Requests and providers for the tests of the Stripe provider."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django_payments_hub.domain.statuses import CaptureMethod, Flow, Mode
from django_payments_hub.provider_kit.types import (
    AccountConfig,
    CancelRequest,
    CaptureRequest,
    ConfirmRequest,
    LookUpRequest,
    PaymentFact,
    PaymentRequest,
    PayRequest,
    RefundLookUpRequest,
    RefundRequest,
)
from django_payments_hub.providers.stripe import Provider

RETURN_URL = "https://shop.example/back/?n=1"


class HastyProvider(Provider):
    """With a deadline short enough to wait for."""

    capabilities = replace(Provider.capabilities, call_deadline_s=1.5)


def account(*, mode: Mode = Mode.TEST, **values: object) -> AccountConfig:
    given = {
        "SECRET_KEY": "sk_test_hub",
        "WEBHOOK_SECRETS": ["whsec_one", "whsec_two"],
        "PUBLISHABLE_KEY": "pk_test_hub",
        **values,
    }
    kept = {key: value for key, value in given.items() if value is not None}
    return AccountConfig(alias="stripe", provider="stripe", mode=mode, values=kept)


def pay_request(method: str = "pm_card_visa", **changes: Any) -> PayRequest:
    request = PayRequest(
        idempotency_key=str(uuid.uuid4()),
        reference=str(uuid.uuid4()),
        amount_minor=12_50,
        currency="USD",
        flow=Flow.TOKEN,
        capture_method=CaptureMethod.AUTOMATIC,
        method_token=method,
        return_url=RETURN_URL,
    )
    return replace(request, **changes)


def _about(fact: PaymentFact, **changes: Any) -> dict[str, Any]:
    return {
        "idempotency_key": str(uuid.uuid4()),
        "reference": fact.reference,
        "amount_minor": fact.amount_minor,
        "currency": fact.currency,
        "provider_payment_id": fact.provider_payment_id,
        "provider_session_id": fact.provider_session_id,
        **changes,
    }


def confirm_request(fact: PaymentFact, **changes: Any) -> ConfirmRequest:
    return ConfirmRequest(**_about(fact, **{"return_url": RETURN_URL, **changes}))


def capture_request(fact: PaymentFact, amount: int, **changes: Any) -> CaptureRequest:
    return CaptureRequest(**_about(fact, capture_minor=amount, **changes))


def cancel_request(fact: PaymentFact, **changes: Any) -> CancelRequest:
    return CancelRequest(**_about(fact, **changes))


def refund_request(fact: PaymentFact, amount: int, **changes: Any) -> RefundRequest:
    return RefundRequest(**_about(fact, **{"refund_reference": str(uuid.uuid4()), "refund_minor": amount, **changes}))


def look_up_request(fact: PaymentFact, **changes: Any) -> LookUpRequest:
    return LookUpRequest(**_about(fact, **changes))


def refund_look_up(request: PaymentRequest, **changes: Any) -> RefundLookUpRequest:
    assert isinstance(request, RefundRequest)
    return RefundLookUpRequest(
        **{
            "reference": request.reference,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
            "provider_payment_id": request.provider_payment_id,
            "refund_reference": request.refund_reference,
            **changes,
        }
    )
