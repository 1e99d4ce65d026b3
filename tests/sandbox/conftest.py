"""The sandbox as a process of its own, and the official SDK pointed at it."""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import stripe

from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess
from tests.sandbox.receiver import Receiver

SECRET_KEY = "sk_test_"


@pytest.fixture(autouse=True, scope="session")
def _quiet_sdk() -> Iterator[None]:
    """No telemetry file in the home directory."""
    before, stripe.enable_telemetry = stripe.enable_telemetry, False
    yield
    stripe.enable_telemetry = before


@pytest.fixture(scope="session")
def process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture
def sandbox(process: SandboxProcess) -> SandboxClient:
    """The control API of an empty sandbox."""
    client = process.client
    client.reset()
    return client


@pytest.fixture
def key(sandbox: SandboxClient) -> str:
    """A secret key, and with it an account, of the test's own."""
    return SECRET_KEY + secrets.token_hex(8)


class RecordingClient(stripe.RequestsClient):
    """The SDK's own HTTP client; writes each exchange to STRIPE_WIRE_LOG for a judge of the wire format."""

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **more: Any) -> Any:
        answer = super().request(method, url, headers, post_data, **more)
        log = os.environ.get("STRIPE_WIRE_LOG")
        if log:
            path = urlsplit(url).path.removeprefix("/stripe")
            sent = parse_qsl(post_data or "", keep_blank_values=True) if method == "post" else None
            line: dict[str, Any] = {"provider": "stripe", "method": method.upper(), "path": path, "request": sent}
            line |= {"status": answer[1], "response": _json(answer[0])}
            with Path(log).open("a") as file:
                file.write(json.dumps(line) + "\n")
        return answer


def _json(body: Any) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


@pytest.fixture
def make_client(process: SandboxProcess) -> Iterator[Callable[[str], stripe.StripeClient]]:
    # One session for all threads: the SDK's own, one per thread, can be closed only from its thread
    with requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))
        http = RecordingClient(timeout=10, session=session)
        yield lambda key: stripe.StripeClient(key, base_addresses={"api": process.url_of("stripe")}, http_client=http)


@pytest.fixture
def client(key: str, make_client: Callable[[str], stripe.StripeClient]) -> stripe.StripeClient:
    return make_client(key)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.close()


@pytest.fixture
def endpoint(client: stripe.StripeClient, receiver: Receiver) -> stripe.WebhookEndpoint:
    """A registered webhook endpoint that hears everything."""
    return client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})


@pytest.fixture
def pay(client: stripe.StripeClient) -> Callable[..., stripe.PaymentIntent]:
    """Create and confirm a card payment."""

    def do(method: str = "pm_card_visa", amount: int = 1000, **more: Any) -> stripe.PaymentIntent:
        params: Any = {
            "amount": amount,
            "currency": "usd",
            "payment_method": method,
            "payment_method_types": ["card"],
            "confirm": True,
            **more,
        }
        return client.v1.payment_intents.create(params)

    return do
