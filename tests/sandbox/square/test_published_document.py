"""The answers against Square's published OpenAPI document, where SQUARE_OPENAPI names a copy of it."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.receiver import wait_until
from tests.sandbox.square.conftest import refusal, usd

# The document asks of a risk evaluation what Square's own recordings do not have
DRIFT = re.compile(r"risk_evaluation")


def as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` said in JSON Schema."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {name: as_json_schema(value) for name, value in node.items() if name not in ("nullable", "example")}
    return {"anyOf": [{"type": "null"}, plain]} if node.get("nullable") is True else plain


def leaves(error: Any) -> list[str]:
    """What is wrong at the bottom, where a nullable schema hides it."""
    below = [one for one in error.context or [] if one.validator != "type" or one.validator_value != "null"]
    if below:
        return [leaf for one in below for leaf in leaves(one)]
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"]


@pytest.fixture(scope="module")
def document() -> Any:
    path = os.environ.get("SQUARE_OPENAPI")
    if not path:
        pytest.skip("SQUARE_OPENAPI does not name a copy of Square's published document")
    return json.loads(Path(path).read_text())


@pytest.fixture(scope="module")
def judge(document) -> Any:
    """The errors of a value against a schema of the document; fields that it does not know are errors too."""
    jsonschema = pytest.importorskip("jsonschema")
    components = {"schemas": as_json_schema(document["components"]["schemas"])}

    def errors(schema: Any, value: Any) -> list[str]:
        validator = jsonschema.Draft202012Validator({"components": components, "allOf": [as_json_schema(schema)]})
        found = [leaf for error in validator.iter_errors(value) for leaf in leaves(error)]
        return [error for error in found if not DRIFT.search(error)]

    return errors


@pytest.fixture
def everything(client, pay, refund, link, customer, subscription, sandbox, token, seller, new_key):
    """A scenario in which every kind of object appears, and several errors."""
    held = pay(autocomplete=False, customer_id=customer.id, note="x", reference_id="y")
    client.payments.update(held.id, idempotency_key=new_key(), payment={"amount_money": usd(900), "tip_money": usd(1)})
    client.payments.complete(held.id)
    client.payments.cancel(pay(autocomplete=False).id)
    client.payments.cancel_by_idempotency_key(idempotency_key="nothing")
    refusal(
        client.payments.create, idempotency_key=new_key(), amount_money=usd(1), source_id="cnon:card-nonce-declined"
    )
    pay("bnon:bank-nonce-ok")
    sandbox.deed("behaviour", account=token, refunds="PENDING")
    sandbox.refund_status(refund(held.id, 100, reason="z").id, "failed")
    paid = link(payment_note="n", checkout_options={"redirect_url": "https://shop.example/"})
    sandbox.pay_session(paid.id)
    gone = link()
    client.checkout.payment_links.update(gone.id, payment_link={"version": 1, "description": "d"})
    client.checkout.payment_links.delete(gone.id)
    card = client.cards.create(
        idempotency_key=new_key(), source_id=held.id, card={"customer_id": customer.id, "cardholder_name": "Ada"}
    ).card
    pay(card.id, customer_id=customer.id)
    client.cards.disable(card.id)
    disputed = pay(amount=8801)
    dispute = next(iter(client.disputes.list())).id
    client.disputes.create_evidence_text(dispute, idempotency_key=new_key(), evidence_text="t")
    client.disputes.submit_evidence(dispute)
    client.disputes.accept(sandbox.dispute(pay().id)["id"])
    client.customers.update(customer.id, note="n")
    client.customers.search(query={"filter": {"reference_id": {"exact": "cus-1"}}})
    for one in (client.payments, client.refunds, client.cards, client.customers, client.checkout.payment_links):
        list(one.list())
    client.webhooks.subscriptions.get(subscription["id"])
    client.webhooks.subscriptions.update(subscription["id"], subscription={"name": "other"})
    client.webhooks.subscriptions.test(subscription["id"])
    client.webhooks.subscriptions.update_signature_key(subscription["id"])
    client.locations.get("main")
    client.payments.get(disputed.id)
    client.orders.get(paid.order_id)
    refusal(client.payments.get, "nothing")


def operation(document: Any, method: str, path: str) -> Any:
    for template, verbs in document["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in verbs:
            return verbs[method.lower()]
    return None


def schemas(document: Any, exchange: Any) -> tuple[Any, Any] | None:
    """The schemas of the request and of the answer; None for a path that the document leaves out."""
    found = operation(document, exchange["method"], exchange["path"])
    if found is None:
        return None
    body = found.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return body, found["responses"]["200"]["content"]["application/json"]["schema"]


def test_every_exchange_conforms(everything, transport, document, judge):
    judged = 0
    for exchange in transport.exchanges:
        found = schemas(document, exchange)
        if found is None:
            assert exchange["path"].startswith("/v2/orders")
            continue
        request, response = found
        assert judge(request, exchange["request"] or {}) == [], exchange
        assert judge(response, exchange["response"]) == [], exchange
        judged += 1
    assert judged > 30


def test_orders_conform(everything, transport, judge):
    orders = [one["response"]["order"] for one in transport.exchanges if one["path"].startswith("/v2/orders/")]
    assert orders
    for order in orders:
        assert judge({"$ref": "#/components/schemas/Order"}, order) == []


def test_every_notice_conforms(everything, receiver, sandbox, document, judge):
    wait_until(lambda: sandbox.wait_idle())
    seen = set()
    for heard in receiver.heard:
        event = heard.event
        kind, *rest = event["type"].split(".")
        name = kind.title() + "".join(word.title() for word in rest) + "Event"
        if name in document["components"]["schemas"] and event["data"]["object"][kind].get("id") != "test":
            assert judge({"$ref": f"#/components/schemas/{name}"}, event) == [], event
            seen.add(event["type"])
    expected = {"payment.created", "payment.updated", "refund.created", "refund.updated"}
    assert seen >= {*expected, "dispute.created", "dispute.state.updated"}


def test_the_judge_sees_what_is_wrong(client, pay, transport, judge):
    pay()
    answer = transport.exchanges[-1]["response"]
    schema = {"$ref": "#/components/schemas/CreatePaymentResponse"}
    assert judge(schema, answer) == []
    assert judge(schema, {"payment": {**answer["payment"], "amount_money": {"amount": "10.00"}}})
    assert judge(schema, {"errors": [{"category": "COFFEE", "code": "EMPTY"}]})
