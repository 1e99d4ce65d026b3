"""A store as its tests configure it, and the words of EasyPaisa's answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, Mode
from django_payments_hub.provider_kit.types import AccountConfig, FormRequest, LookUpRequest, Payer, PayRequest
from django_payments_hub.providers.easypaisa import Provider

KEY = "0123456789ABCDEF"
STAGING, LIVE = "https://easypaystg.easypaisa.com.pk", "https://easypay.easypaisa.com.pk"
ORDER = "0AB12CD34EF56GH78IJ9"
BACK = "https://shop.example/api/payments/return/018f/"
NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
KEYS: dict[str, Any] = {
    "STORE_ID": "10001",
    "ACCOUNT_NUM": "20002",
    "USERNAME": "rest-user-name",
    "PASSWORD": "rest-password",
    "HASH_KEY": KEY,
}


def account(mode: Mode = Mode.TEST, **changes: object) -> AccountConfig:
    values = {key: value for key, value in {**KEYS, **changes}.items() if value is not None}
    return AccountConfig(alias="easypaisa", provider="easypaisa", mode=mode, values=values)


def provider(mode: Mode = Mode.TEST, **changes: object) -> Provider:
    return Provider(account(mode, **changes))


def form_request(**changes: Any) -> FormRequest:
    given: dict[str, Any] = {
        "reference": ORDER,
        "amount_minor": 1000,
        "currency": "PKR",
        "now": NOW,
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=1),
        "return_url": BACK,
    }
    return FormRequest(**{**given, **changes})


def pay_request(flow: Flow = Flow.HOSTED, **changes: Any) -> PayRequest:
    given: dict[str, Any] = {
        "idempotency_key": "k",
        "reference": ORDER,
        "amount_minor": 1250,
        "currency": "PKR",
        "flow": flow,
        "capture_method": CaptureMethod.AUTOMATIC,
        "payer": Payer(phone="03451234567", email="ann@example.com"),
        "return_url": BACK,
        "expires_at": NOW + timedelta(days=1),
    }
    return PayRequest(**{**given, **changes})


def question(**changes: Any) -> LookUpRequest:
    given: dict[str, Any] = {
        "reference": ORDER,
        "amount_minor": 1250,
        "currency": "PKR",
        "flow": Flow.DIRECT,
        "method_kind": MethodKind.WALLET,
        "expires_at": datetime.now(UTC) + timedelta(minutes=5),
    }
    return LookUpRequest(**{**given, **changes})


def answer(**changes: object) -> dict[str, object]:
    """An inquiry's answer, as public clients have recorded it; None takes a field away."""
    given: dict[str, object] = {
        "responseCode": "0000",
        "responseDesc": "SUCCESS",
        "orderId": ORDER,
        "storeId": 10001,
        "storeName": "Tea",
        "accountNum": "20002",
        "transactionId": "7711",
        "transactionStatus": "PAID",
        "transactionAmount": "12.50",
        "transactionDateTime": "26/11/2026 03:00 PM",
        "msisdn": "03451234567",
        "paymentMode": "MA",
    }
    return {key: value for key, value in {**given, **changes}.items() if value is not None}
