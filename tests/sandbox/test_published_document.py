"""The answers against Stripe's published OpenAPI document, where STRIPE_OPENAPI names a copy of it."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import stripe

PATHS = {
    "payment_intent": "/v1/payment_intents/{intent}",
    "charge": "/v1/charges/{charge}",
    "refund": "/v1/refunds/{refund}",
    "customer": "/v1/customers/{customer}",
    "event": "/v1/events/{id}",
    "dispute": "/v1/disputes/{dispute}",
    "setup_intent": "/v1/setup_intents/{intent}",
    "payment_method": "/v1/payment_methods/{payment_method}",
    "webhook_endpoint": "/v1/webhook_endpoints/{webhook_endpoint}",
    "checkout.session": "/v1/checkout/sessions/{session}",
    "balance_transaction": "/v1/balance_transactions/{id}",
}


def as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` said in JSON Schema."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {name: as_json_schema(value) for name, value in node.items() if name != "nullable"}
    return {"anyOf": [{"type": "null"}, plain]} if node.get("nullable") is True else plain


@pytest.fixture(scope="module")
def document() -> Any:
    path = os.environ.get("STRIPE_OPENAPI")
    if not path:
        pytest.skip("STRIPE_OPENAPI does not name a copy of Stripe's published document")
    return json.loads(Path(path).read_text())


@pytest.fixture(scope="module")
def judge(document) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    components = {"schemas": as_json_schema(document["components"]["schemas"])}

    def errors(path: str, status: str, answer: Any) -> list[str]:
        responses = document["paths"][path]["get"]["responses"]
        schema = next(iter(responses[status]["content"].values()))["schema"]
        validator = jsonschema.Draft202012Validator({"components": components, "allOf": [as_json_schema(schema)]})
        return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in validator.iter_errors(answer)]

    return errors


def test_every_kind_of_object_conforms(client, pay, endpoint, sandbox, judge):
    customer = client.v1.customers.create({"name": "Ada"})
    pay(customer=customer.id, setup_future_usage="off_session", capture_method="manual")
    pay("pm_card_threeDSecure2Required", return_url="https://shop.example/back")
    with pytest.raises(stripe.CardError):
        pay("pm_card_visa_chargeDeclinedInsufficientFunds")
    paid = pay("pm_card_createDispute")
    client.v1.refunds.create({"payment_intent": pay("pm_card_refundFail").id, "amount": 300})
    client.v1.setup_intents.create({"payment_method": "pm_card_authenticationRequired", "confirm": True})
    item = {"price_data": {"currency": "usd", "unit_amount": 1500, "product_data": {"name": "A book"}}}
    params: Any = {"mode": "payment", "line_items": [{**item, "quantity": 1}], "success_url": "https://shop.example/"}
    sandbox.pay_session(client.v1.checkout.sessions.create(params).id)
    sandbox.refund_status(client.v1.refunds.list().data[0].id, "failed")

    judged = 0
    for kind, path in PATHS.items():
        listed = client.raw_request("get", re.sub(r"/\{\w+\}$", "", path) + "?limit=100")
        objects = json.loads(listed.body)["data"]
        if kind == "payment_method":
            objects = [json.loads(client.raw_request("get", f"/v1/payment_methods/{_method(client, paid)}").body)]
        assert objects, f"the scenario made no {kind}"
        for obj in objects:
            assert judge(path, "200", obj) == [], (kind, obj)
            judged += 1
    assert judged > 30


def _method(client: stripe.StripeClient, paid: stripe.PaymentIntent) -> str:
    return str(client.v1.payment_intents.retrieve(paid.id).payment_method)


def test_errors_conform(client, pay, judge):
    with pytest.raises(stripe.CardError) as declined:
        pay("pm_card_visa_chargeDeclined")
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.refunds.retrieve("re_nothing")
    for error in (declined.value, missing.value):
        assert judge("/v1/refunds/{refund}", "default", error.json_body) == []


def test_the_judge_sees_what_is_wrong(client, pay, judge):
    intent = json.loads(client.raw_request("get", f"/v1/payment_intents/{pay().id}").body)
    assert judge(PATHS["payment_intent"], "200", {**intent, "status": "paid"})
    assert judge(PATHS["payment_intent"], "200", {name: v for name, v in intent.items() if name != "amount"})
