"""PayPal's older SDK pointed at the sandbox, keeping each exchange; a shop that is set up with it."""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paypalrestsdk
import pytest
from paypalrestsdk.exceptions import ClientError

from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess
from tests.sandbox.receiver import Receiver

RETURN_URL, CANCEL_URL = "https://shop.example/back?n=1", "https://shop.example/cart"


class RecordingApi(paypalrestsdk.Api):  # type: ignore[misc]
    """The SDK as it is; ``last`` is the status and the body of the newest answer."""

    last: tuple[int, Any] = (0, None)
    exchanges: list[dict[str, Any]]

    def http_call(self, url: str, method: str, **more: Any) -> Any:
        self.call = (url, method, more.get("data"))
        return super().http_call(url, method, **{"timeout": 20, "allow_redirects": False, **more})

    def handle_response(self, response: Any, content: str) -> Any:
        body = json.loads(content) if content else None
        self.last = (response.status_code, body)
        self.headers_of_last = response.headers
        url, method, sent = self.call
        path = urlsplit(url).path.removeprefix("/paypal")
        request = json.loads(sent) if sent and method not in ("GET", "DELETE") and "oauth2" not in path else None
        exchange = {"provider": "paypal", "method": method, "path": path, "request": request}
        exchange |= {"status": response.status_code, "response": body}
        if "oauth2" not in path:
            self.exchanges.append(exchange)
            if log := os.environ.get("PAYPAL_WIRE_LOG"):
                with Path(log).open("a") as file:
                    file.write(json.dumps(exchange) + "\n")
        return super().handle_response(response, content)


@dataclass
class Shop:
    """A merchant with a client id of his own."""

    api: RecordingApi
    sandbox: SandboxClient
    client_id: str
    exchanges: list[dict[str, Any]] = field(default_factory=list)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        given = {"PayPal-Request-Id": key or secrets.token_hex(8), "Prefer": "return=representation", **headers}
        return self.api.post(path, {} if body is None else body, headers=given)

    def get(self, path: str) -> Any:
        return self.api.get(path)

    def refused(self, call: Callable[[], Any], status: int = 422) -> str:
        """The issue of the refusal that the call meets."""
        if status == 400:
            # This SDK returns what is refused with 400
            assert set(call()) == {"error"}
        else:
            with pytest.raises(ClientError):
                call()
        found, body = self.api.last
        assert found == status, body
        assert body["debug_id"]
        assert any(link["rel"] == "information_link" for link in body["links"])
        return str(body["details"][0]["issue"])

    # The usual steps ------------------------------------------------------------------------------------------------

    def order(self, value: str = "10.00", currency: str = "USD", *, intent: str = "CAPTURE", **unit: Any) -> Any:
        context = {"return_url": RETURN_URL, "cancel_url": CANCEL_URL, "user_action": "PAY_NOW"}
        wallet = {"experience_context": context, **unit.pop("wallet", {})}
        unit = {"amount": {"currency_code": currency, "value": value}, **unit}
        body = {"intent": intent, "purchase_units": [unit], "payment_source": {"paypal": wallet}}
        return self.post("v2/checkout/orders", body)

    def approved(self, buyer: str = "pays", **order: Any) -> Any:
        made = self.order(**order)
        self.sandbox.pay_session(made["id"], card=buyer)
        return made

    def take(self, order: Any, verb: str = "capture", *, key: str | None = None) -> Any:
        return self.post(f"v2/checkout/orders/{order['id']}/{verb}", key=key)

    def captured(self, buyer: str = "pays", **order: Any) -> Any:
        """The capture of a paid order."""
        return self.take(self.approved(buyer, **order))["purchase_units"][0]["payments"]["captures"][0]

    def authorized(self, buyer: str = "pays", **order: Any) -> Any:
        """The authorization of an approved order."""
        made = self.take(self.approved(buyer, intent="AUTHORIZE", **order), "authorize")
        return made["purchase_units"][0]["payments"]["authorizations"][0]

    def refund(self, capture: Any, value: str | None = None, *, key: str | None = None, **more: Any) -> Any:
        amount = {"amount": {"currency_code": capture["amount"]["currency_code"], "value": value}} if value else {}
        return self.post(f"v2/payments/captures/{capture['id']}/refund", {**amount, **more}, key=key)

    def payment(self, payment: str) -> Any:
        """What the ledger says of a payment."""
        return self.sandbox.ledger(provider="paypal")["payments"][payment]


@pytest.fixture
def make_shop(process: SandboxProcess, sandbox: SandboxClient) -> Callable[[str], Shop]:
    def make(client_id: str) -> Shop:
        address = process.url_of("paypal")
        api = RecordingApi(mode="sandbox", client_id=client_id, client_secret="secret-of-the-shop", endpoint=address)
        api.exchanges = []
        return Shop(api, sandbox, client_id, api.exchanges)

    return make


@pytest.fixture
def shop(make_shop: Callable[[str], Shop]) -> Shop:
    return make_shop("client-" + secrets.token_hex(8))


@pytest.fixture
def webhook(shop: Shop, receiver: Receiver) -> str:
    """The id of a webhook that hears everything."""
    made = shop.post("v1/notifications/webhooks", {"url": receiver.url, "event_types": [{"name": "*"}]})
    return str(made["id"])


@pytest.fixture
def heard(sandbox: SandboxClient, receiver: Receiver, webhook: str) -> Callable[[], list[Any]]:
    """The events heard so far, once nothing is on its way."""

    def events() -> list[Any]:
        assert sandbox.wait_idle()
        return [item.event for item in receiver.heard]

    return events
