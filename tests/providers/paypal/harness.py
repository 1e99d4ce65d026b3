"""Requests and providers for the tests of the PayPal provider."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django_payments_hub.domain.statuses import CaptureMethod, Flow, Mode
from django_payments_hub.provider_kit.types import (
    AccountConfig,
    CancelRequest,
    CaptureRequest,
    ConfirmRequest,
    LookUpRequest,
    PaymentFact,
    PayRequest,
    RefundLookUpRequest,
    RefundRequest,
)
from django_payments_hub.providers.paypal import Provider
from django_payments_hub.testing.sandbox import SandboxClient

RETURN_URL, CANCEL_URL = "https://shop.example/back/?n=1", "https://shop.example/cart/"
CLIENT_ID = "hub-client"


class HastyProvider(Provider):
    """With a deadline short enough to wait for."""

    capabilities = replace(Provider.capabilities, call_deadline_s=1.5)


def account(*, mode: Mode = Mode.TEST, **values: object) -> AccountConfig:
    given = {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": "hub-secret", "WEBHOOK_IDS": ["WH1", "WH2"], **values}
    kept = {key: value for key, value in given.items() if value is not None}
    return AccountConfig(alias="paypal", provider="paypal", mode=mode, values=kept)


def pay_request(**changes: Any) -> PayRequest:
    request = PayRequest(
        idempotency_key=str(uuid.uuid4()),
        reference=str(uuid.uuid4()),
        amount_minor=12_50,
        currency="USD",
        flow=Flow.HOSTED,
        capture_method=CaptureMethod.AUTOMATIC,
        return_url=RETURN_URL,
        cancel_url=CANCEL_URL,
    )
    return replace(request, **changes)


def manual_request(**changes: Any) -> PayRequest:
    return pay_request(capture_method=CaptureMethod.MANUAL, **changes)


def _about(fact: PaymentFact, **changes: Any) -> dict[str, Any]:
    return {
        "idempotency_key": str(uuid.uuid4()),
        "reference": fact.reference,
        "amount_minor": fact.amount_minor or 12_50,
        "currency": fact.currency,
        "provider_payment_id": fact.provider_payment_id,
        "provider_session_id": fact.provider_session_id,
        "captured_minor": fact.captured_minor,
        "capturable_minor": fact.capturable_minor,
        **changes,
    }


def confirm_request(fact: PaymentFact, **changes: Any) -> ConfirmRequest:
    return ConfirmRequest(**_about(fact, **changes))


def capture_request(fact: PaymentFact, amount: int, **changes: Any) -> CaptureRequest:
    return CaptureRequest(**_about(fact, capture_minor=amount, **changes))


def cancel_request(fact: PaymentFact, **changes: Any) -> CancelRequest:
    return CancelRequest(**_about(fact, **changes))


def refund_request(fact: PaymentFact, amount: int, **changes: Any) -> RefundRequest:
    return RefundRequest(**_about(fact, **{"refund_reference": str(uuid.uuid4()), "refund_minor": amount, **changes}))


def look_up_request(fact: PaymentFact, **changes: Any) -> LookUpRequest:
    return LookUpRequest(**_about(fact, **changes))


def refund_look_up(request: RefundRequest, **changes: Any) -> RefundLookUpRequest:
    return RefundLookUpRequest(
        **{
            "reference": request.reference,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
            "provider_payment_id": request.provider_payment_id,
            "provider_session_id": request.provider_session_id,
            "refund_reference": request.refund_reference,
            **changes,
        }
    )


def recovering(request: Any) -> Any:
    return replace(request, recovering=True, first_sent_at=datetime.now(UTC))


class Bench:
    """A provider on the sandbox, and the buyer at PayPal's page."""

    def __init__(self, provider: Provider, sandbox: SandboxClient):
        self.provider, self.sandbox = provider, sandbox

    def approved(self, buyer: str = "pays", **changes: Any) -> PaymentFact:
        """An order that the buyer has approved."""
        fact = self.provider.pay(pay_request(**changes)).fact
        self.sandbox.pay_session(fact.provider_session_id, card=buyer)
        return fact

    def paid(self, buyer: str = "pays", **changes: Any) -> PaymentFact:
        """One that was captured, or authorised, as well."""
        return self.provider.confirm(confirm_request(self.approved(buyer, **changes))).fact

    def held(self, buyer: str = "pays", **changes: Any) -> PaymentFact:
        return self.paid(buyer, capture_method=CaptureMethod.MANUAL, **changes)

    def saved(self, buyer: str = "pays") -> Any:
        """What the vault keeps after a payment with it."""
        return self.paid(buyer, save_method=True).method

    def token_request(self, buyer: str = "pays", **changes: Any) -> PayRequest:
        """A payment with a method of the vault."""
        method = self.saved(buyer)
        return pay_request(
            flow=Flow.TOKEN,
            method_token=method.provider_method_id,
            customer_token=method.provider_customer_id,
            saved=True,
            **changes,
        )

    def books(self) -> dict[str, int]:
        """The sums of all payments at the sandbox."""
        names = ("authorized", "captured", "released", "refunded", "disputed")
        payments: list[Any] = list(self.sandbox.ledger(provider="paypal")["payments"].values())
        return {name: sum(sums[name] for sums in payments) for name in names}
