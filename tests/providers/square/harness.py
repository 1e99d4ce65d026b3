"""Requests and providers for the tests of the Square provider."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.request import Request, urlopen

from django_payments_hub.domain.statuses import CaptureMethod, Flow, Mode
from django_payments_hub.provider_kit.types import (
    AccountConfig,
    CancelRequest,
    CaptureRequest,
    LookUpRequest,
    PaymentFact,
    PaymentRequest,
    PayRequest,
    RefundLookUpRequest,
    RefundRequest,
)
from django_payments_hub.providers.square import Provider

TOKEN = "EAAAl_hub_test"
LOCATION = "LHUB0001"
OTHER_LOCATION = "LHUB0002"
WEBHOOK_URL = "https://shop.example/api/payments/webhooks/square/"
RETURN_URL = "https://shop.example/back/?n=1"
Request_ = TypeVar("Request_", bound=PayRequest | PaymentRequest)
OK, DECLINED = "cnon:card-nonce-ok", "cnon:card-nonce-declined"


class HastyProvider(Provider):
    """With a deadline short enough to wait for, and lists that are taken to lag by nothing."""

    capabilities = replace(Provider.capabilities, call_deadline_s=1.5)
    list_lag_s = 0.0


def account(*, mode: Mode = Mode.TEST, webhook_url: str = WEBHOOK_URL, **values: object) -> AccountConfig:
    given = {
        "ACCESS_TOKEN": TOKEN,
        "LOCATION_ID": LOCATION,
        "WEBHOOK_SECRETS": ["key-one", "key-two"],
        "APPLICATION_ID": "sandbox-sq0idb-hub",
        **values,
    }
    kept = {key: value for key, value in given.items() if value is not None}
    return AccountConfig(alias="square", provider="square", mode=mode, values=kept, webhook_url=webhook_url)


def pay_request(method: str = OK, **changes: Any) -> PayRequest:
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


def link_request(**changes: Any) -> PayRequest:
    return pay_request("", **{"flow": Flow.HOSTED, "description": "Two cups of tea", **changes})


def hold_request(**changes: Any) -> PayRequest:
    return pay_request(**{"capture_method": CaptureMethod.MANUAL, **changes})


def recovering(request: Request_, *, arrived_s_ago: float = 0) -> Request_:
    """The request after a try that can have arrived until so long ago."""
    until = datetime.now(UTC) - timedelta(seconds=arrived_s_ago)
    return replace(request, recovering=True, first_sent_at=until - timedelta(seconds=61), may_arrive_until=until)


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


def capture_request(fact: PaymentFact, amount: int, **changes: Any) -> CaptureRequest:
    return CaptureRequest(**_about(fact, **{"capture_minor": amount, **changes}))


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
            "refund_reference": request.refund_reference,
            **changes,
        }
    )


def wire(base: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    """A call of Square's API past the provider, as another program of the seller makes it."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{base}{path}", data=data, headers=headers, method=method)) as response:
        answered: dict[str, Any] = json.loads(response.read())
    return answered
