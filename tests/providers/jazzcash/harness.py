"""Requests, providers and a scripted JazzCash for the tests of its provider."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, Mode
from django_payments_hub.provider_kit.types import (
    AccountConfig,
    FormRequest,
    LookUpRequest,
    Payer,
    PayRequest,
    RefundLookUpRequest,
    RefundRequest,
)
from django_payments_hub.providers.jazzcash import Provider

MERCHANT = "MC25041"
PASSWORD = "sz1v4agvyf"
SALT, OLD_SALT = "3vv9wu3a18", "0F5DD14AE2"
MPIN = "73915284"
REFERENCE = "T20220518150213"
RETURN_URL = "https://shop.example/api/payments/return/jazzcash/"
PHONE = "0312-3456789"
CNIC = "42201-6918273-4"
AMOUNT = 12_50


def account(*, mode: Mode = Mode.TEST, return_url: str = RETURN_URL, **values: Any) -> AccountConfig:
    given = {
        "MERCHANT_ID": MERCHANT,
        "PASSWORD": PASSWORD,
        "INTEGRITY_SALTS": [SALT, OLD_SALT],
        "MERCHANT_MPIN": MPIN,
        **values,
    }
    kept = {key: value for key, value in given.items() if value is not None}
    return AccountConfig(alias="jazzcash", provider="jazzcash", mode=mode, values=kept, return_url=return_url)


def hash_of(fields: dict[str, Any], salt: str = SALT) -> str:
    """`pp_SecureHash`, written a second time, so that what signs here and what verifies there can disagree."""
    message = salt
    for name in sorted(fields):
        if name[:2] == "pp" and name != "pp_SecureHash" and fields[name] not in (None, ""):
            message += "&" + str(fields[name])
    return hmac.new(salt.encode(), message.encode(), hashlib.sha256).hexdigest().upper()


def sign(fields: dict[str, Any], salt: str = SALT) -> dict[str, Any]:
    return {**fields, "pp_SecureHash": hash_of(fields, salt)}


class FakeJazzCash:
    """A server that answers what it was told to, signed as JazzCash would, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fake.asked.append((self.path, json.loads(body)))
                status, answer, headers = fake.answers.pop(0)
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answers_with(self, salt: str = SALT, **fields: Any) -> None:
        """The next answer, by its fields."""
        self.answers.append((200, json.dumps(sign(fields, salt)).encode(), {"Content-Type": "application/json"}))

    def answers_raw(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.answers.append((status, body, headers))

    def breaks_off(self) -> None:
        """The next answer is lost."""
        self.answers.append((0, b"", {}))

    @property
    def last(self) -> dict[str, Any]:
        return self.asked[-1][1]

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class HastyProvider(Provider):
    """With inquiries that are taken to lag by nothing."""

    list_lag_s = 0.0


def pay_request(**changes: Any) -> PayRequest:
    request = PayRequest(
        idempotency_key=str(uuid.uuid4()),
        reference=REFERENCE,
        amount_minor=AMOUNT,
        currency="PKR",
        flow=Flow.DIRECT,
        capture_method=CaptureMethod.AUTOMATIC,
        method_kind=MethodKind.WALLET,
        description="Two cups of tea: 50% off",
        payer=Payer(phone=PHONE, national_id=CNIC),
        return_url="https://shop.example/api/payments/return/one/",
    )
    return replace(request, **changes)


def form_request(**changes: Any) -> FormRequest:
    now = datetime(2026, 8, 23, 7, 0, 0, tzinfo=UTC)  # noon in Pakistan
    request = FormRequest(
        reference="TRN20260823120000123",
        amount_minor=100,
        currency="PKR",
        now=now,
        created_at=now,
        expires_at=now + timedelta(days=1),
        method_kind=MethodKind.CREDIT_CARD,
        description="Test transaction description",
    )
    return replace(request, **changes)


def _named(**changes: Any) -> dict[str, Any]:
    return {
        "reference": REFERENCE,
        "amount_minor": AMOUNT,
        "currency": "PKR",
        "provider_session_id": REFERENCE,
        "flow": Flow.DIRECT,
        "method_kind": MethodKind.WALLET,
        **changes,
    }


def look_up_request(**changes: Any) -> LookUpRequest:
    return LookUpRequest(**_named(**changes))


def refund_request(minor: int = AMOUNT, **changes: Any) -> RefundRequest:
    known = {"refund_reference": str(uuid.uuid4()), "provider_payment_id": REFERENCE, "captured_minor": AMOUNT}
    return RefundRequest(**_named(**{**known, "refund_minor": minor, **changes}))


def refund_look_up(minor: int = AMOUNT, **changes: Any) -> RefundLookUpRequest:
    known = {"refund_reference": str(uuid.uuid4()), "provider_payment_id": REFERENCE, "captured_minor": AMOUNT}
    return RefundLookUpRequest(**_named(**{**known, "refund_minor": minor, **changes}))


def long_ago(days: float = 3) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)
