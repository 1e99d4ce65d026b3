"""The answers against PayPal's published OpenAPI documents, where PAYPAL_OPENAPI names a folder with copies of them."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.paypal.test_saved_methods import SAVING, pay, saved, setup

# What PayPal answers and its dated documents do not list
UNLISTED = {"TOKEN_ID_NOT_FOUND", "ACTION_DOES_NOT_MATCH_INTENT", "REAUTHORIZATION_TOO_SOON"}


def as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` said in JSON Schema."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {name: as_json_schema(value) for name, value in node.items() if name not in ("nullable", "example")}
    return {"anyOf": [{"type": "null"}, plain]} if node.get("nullable") is True else plain


@pytest.fixture(scope="module")
def documents() -> Any:
    folder = os.environ.get("PAYPAL_OPENAPI")
    if not folder:
        pytest.skip("PAYPAL_OPENAPI does not name a folder with PayPal's published documents")
    found = [json.loads(path.read_text()) for path in sorted(Path(folder).glob("paypal_*.json"))]
    assert len(found) == 4
    return found


@pytest.fixture(scope="module")
def judge(documents) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    operations = []
    for document in documents:
        components = as_json_schema({key: value for key, value in document["components"].items() if key == "schemas"})
        for path, methods in document["paths"].items():
            pattern = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "(?:[?].*)?")
            operations += [
                (path.count("{"), pattern, method.upper(), operation, document, components)
                for method, operation in methods.items()
                if method in ("get", "post", "patch", "delete")
            ]
    operations.sort(key=lambda row: row[0])

    def errors(exchange: Any) -> list[str] | None:
        """What breaks the document; None for an operation or a status that it does not have."""
        for _, pattern, method, operation, document, components in operations:
            if method == exchange["method"] and pattern.fullmatch(exchange["path"]):
                response = operation["responses"].get(str(exchange["status"]))
                if response is None:
                    return None
                while "$ref" in response:
                    response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
                content = response.get("content")
                if not content:
                    return [] if exchange["response"] is None else ["a body where there is none"]
                schema = as_json_schema(next(iter(content.values()))["schema"])
                validator = jsonschema.Draft202012Validator({"components": components, "allOf": [schema]})
                return [
                    f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
                    for error in validator.iter_errors(exchange["response"])
                ]
        return None

    return errors


def judged(shop: Any, judge: Any) -> int:
    """Judge everything that the shop was answered; how many answers there were to judge."""
    count = 0
    for exchange in shop.exchanges:
        found = judge(exchange)
        if found is not None:
            assert found == [], (exchange["method"], exchange["path"], exchange["response"])
            count += 1
    return count


def test_every_answer_of_a_payments_life_conforms(shop, sandbox, webhook, judge):
    order = shop.approved(custom_id="p1", invoice_id="i1", description="A book", wallet=SAVING)
    shop.get(f"v2/checkout/orders/{order['id']}")
    capture = shop.take(order)["purchase_units"][0]["payments"]["captures"][0]
    refund = shop.refund(capture, "3.00", custom_id="r1", invoice_id="r-1", note_to_payer="Sorry")
    shop.get(f"v2/payments/refunds/{refund['id']}")
    shop.get(f"v2/payments/captures/{capture['id']}")
    shop.get(f"v2/checkout/orders/{order['id']}")
    shop.post("v2/checkout/orders", {"intent": "CAPTURE", "purchase_units": order["purchase_units"]})
    for buyer in ("declined_capture", "echeck", "review", "vaults_later"):
        shop.captured(buyer, wallet=SAVING)
    assert judged(shop, judge) >= 15


def test_every_answer_of_authorizations_and_of_the_vault_conforms(shop, sandbox, judge):
    authorization = shop.authorized(custom_id="p1", invoice_id="i1")
    path = f"v2/payments/authorizations/{authorization['id']}"
    shop.post(f"{path}/capture", {"amount": {"currency_code": "USD", "value": "4.00"}})
    shop.get(path)
    sandbox.advance(4 * 86400)
    shop.post(f"{path}/reauthorize")
    shop.post(f"{path}/void")
    shop.authorized("declined_capture")
    token = saved(shop)
    shop.get(f"v3/vault/setup-tokens/{setup(shop)['id']}")
    shop.get(f"v3/vault/payment-tokens/{token['id']}")
    shop.get(f"v3/vault/payment-tokens?customer_id={token['customer']['id']}")
    pay(shop, token["id"])
    shop.api.delete(f"v3/vault/payment-tokens/{token['id']}")
    assert judged(shop, judge) >= 14


def test_every_answer_of_the_notifications_conforms(shop, sandbox, receiver, webhook, judge):
    path = f"v1/notifications/webhooks/{webhook}"
    for found in ("v1/notifications/webhooks", path, f"{path}/event-types", "v1/notifications/webhooks-event-types"):
        shop.get(found)
    shop.captured()
    event = shop.get("v1/notifications/webhooks-events")["events"][0]
    shop.get(f"v1/notifications/webhooks-events/{event['id']}")
    shop.post(f"v1/notifications/webhooks-events/{event['id']}/resend")
    shop.api.patch(path, [{"op": "replace", "path": "/url", "value": "https://shop.example/hook"}])
    shop.api.delete(path)
    assert judged(shop, judge) >= 9


def test_refusals_conform_in_name_issue_and_text(shop, judge):
    order = shop.order()
    tries = [
        lambda: shop.take(order),
        lambda: shop.take(shop.approved("declined")),
        lambda: shop.take(shop.approved("refused")),
        lambda: shop.take(shop.approved("blocked")),
        lambda: shop.order("10.001"),
        lambda: shop.order("10.00", "KWD"),
        lambda: shop.refund(shop.captured("echeck")),
        lambda: shop.refund(shop.captured(), "10.01"),
        lambda: shop.post("v2/payments/authorizations/" + shop.authorized("declined_capture")["id"] + "/capture"),
    ]
    for refused in tries:
        assert shop.refused(refused) not in UNLISTED
    shop.refused(lambda: shop.order("ten"), 400)
    shop.refused(lambda: shop.order(custom_id="x" * 128), 400)
    shop.refused(lambda: shop.post("v2/checkout/orders", {"intent": "CAPTURE"}), 400)
    shop.refused(lambda: shop.get("v2/checkout/orders/5O190127TN364715T"), 404)
    assert judged(shop, judge) >= 20


def test_the_judge_sees_what_is_wrong(shop, judge):
    shop.get(f"v2/checkout/orders/{shop.order()['id']}")
    exchange = shop.exchanges[-1]
    assert judge(exchange) == []
    assert judge({**exchange, "response": {**exchange["response"], "status": "paid"}})
    assert judge({**exchange, "response": {**exchange["response"], "purchase_units": [{"amount": {"value": 1}}]}})
