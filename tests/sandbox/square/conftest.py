"""Square's own SDK pointed at the sandbox."""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from square import Square
from square.core.api_error import ApiError
from square.types.payment import Payment
from square.utils.webhooks_helper import verify_signature

from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess
from tests.sandbox.receiver import Heard, Receiver


class RecordingTransport(httpx.HTTPTransport):
    """Keeps each exchange, and writes it to SQUARE_WIRE_LOG for a judge of the wire format."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[dict[str, Any]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        response.read()
        line = {
            "provider": "square",
            "method": request.method,
            "path": request.url.path.removeprefix("/square"),
            "request": json.loads(request.content) if request.content else None,
            "status": response.status_code,
            "response": _json(response.content),
        }
        self.exchanges.append(line)
        if log := os.environ.get("SQUARE_WIRE_LOG"):
            with Path(log).open("a") as file:
                file.write(json.dumps(line) + "\n")
        return response


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


@pytest.fixture
def token(sandbox: SandboxClient) -> str:
    """An access token, and with it a seller, of the test's own."""
    return f"EAAAE{secrets.token_hex(16)}"


@pytest.fixture
def transport() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
def make_client(process: SandboxProcess, transport: RecordingTransport) -> Iterator[Callable[[str], Square]]:
    with httpx.Client(transport=transport, timeout=10) as http:
        yield lambda token: Square(token=token, base_url=process.url_of("square"), httpx_client=http)


@pytest.fixture
def client(token: str, make_client: Callable[[str], Square]) -> Square:
    return make_client(token)


@pytest.fixture
def seller(sandbox: SandboxClient, token: str) -> dict[str, Any]:
    """Merchant and location ids of the test's seller."""
    return sandbox.deed("seller", account=token)


@pytest.fixture
def new_key() -> Callable[[], str]:
    return lambda: secrets.token_hex(16)


@pytest.fixture
def pay(client: Square, new_key: Callable[[], str]) -> Callable[..., Payment]:
    """Take a card payment."""

    def do(source_id: str = "cnon:card-nonce-ok", amount: int = 1000, **more: Any) -> Payment:
        given: dict[str, Any] = {"idempotency_key": new_key(), "amount_money": usd(amount), **more}
        payment: Payment | None = client.payments.create(source_id=source_id, **given).payment
        assert payment is not None
        return payment

    return do


@pytest.fixture
def refund(client: Square, new_key: Callable[[], str]) -> Callable[..., Any]:
    """Refund a payment."""

    def do(payment_id: str, amount: int, **more: Any) -> Any:
        given: dict[str, Any] = {"idempotency_key": new_key(), "amount_money": usd(amount), **more}
        return client.refunds.refund_payment(payment_id=payment_id, **given).refund

    return do


@pytest.fixture
def link(client: Square, seller: dict[str, Any], new_key: Callable[[], str]) -> Callable[..., Any]:
    """A payment link for a price."""

    def do(amount: int = 1200, **more: Any) -> Any:
        quick_pay = {"name": "A book", "price_money": usd(amount), "location_id": seller["location_id"]}
        given: dict[str, Any] = {"idempotency_key": new_key(), "quick_pay": quick_pay, **more}
        return client.checkout.payment_links.create(**given).payment_link

    return do


@pytest.fixture
def customer(client: Square, new_key: Callable[[], str]) -> Any:
    return client.customers.create(idempotency_key=new_key(), given_name="Ada", reference_id="cus-1").customer


@pytest.fixture
def subscription(sandbox: SandboxClient, token: str, receiver: Receiver) -> dict[str, Any]:
    """A subscription to everything."""
    return sandbox.deed("subscription", account=token, url=receiver.url)


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


def refusal(call: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[int, str, str]:
    """The status, the category and the code with which Square refuses a call."""
    with pytest.raises(ApiError) as refused:
        call(*args, **kwargs, request_options={"max_retries": 0})
    first = refused.value.body["errors"][0]
    return int(refused.value.status_code or 0), first["category"], first["code"]


def is_signed(heard: Heard, key: str, url: str) -> bool:
    """Verified by the SDK's own code."""
    header = heard.headers["x-square-hmacsha256-signature"]
    return verify_signature(
        request_body=heard.body.decode(), signature_header=header, signature_key=key, notification_url=url
    )
