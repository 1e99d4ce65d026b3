"""Scripted faults at PayPal's mount: they hit what they name, before or after the effect."""

from typing import Any

import paypalrestsdk
import pytest
import requests
from paypalrestsdk.exceptions import ServerError

ONE = {"amount": {"currency_code": "USD", "value": "10.00"}}
CAPTURE: Any = {"operation": "orders.capture", "provider": "paypal"}


@pytest.mark.parametrize(("when", "entries"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["hang", "reset", "close", "truncate"])
def test_a_lost_answer_leaves_the_effect_that_it_had(shop, kind, when, entries):
    order = shop.approved()
    shop.sandbox.fault(kind, when=when, seconds=0.2, **CAPTURE)
    with pytest.raises(requests.RequestException):
        shop.take(order, key="k1")
    assert len(shop.sandbox.ledger()["entries"]) == entries
    assert shop.take(order, key="k1")["status"] == "COMPLETED"
    assert len(shop.sandbox.ledger()["entries"]) == 1


@pytest.mark.parametrize(("when", "entries"), [("before", 0), ("after", 1)])
def test_an_error_of_paypals_server_is_not_kept_under_the_id(shop, when, entries):
    order = shop.approved()
    shop.sandbox.fault("status", status=500, when=when, **CAPTURE)
    with pytest.raises(ServerError):
        shop.take(order, key="k1")
    assert shop.api.last[1]["name"] == "INTERNAL_SERVER_ERROR"
    assert len(shop.sandbox.ledger()["entries"]) == entries
    assert shop.take(order, key="k1")["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("status", "name"), [(429, "RATE_LIMIT_REACHED"), (503, "SERVICE_UNAVAILABLE"), (502, "INTERNAL_SERVER_ERROR")]
)
def test_an_error_speaks_as_paypal_does(shop, status, name):
    shop.sandbox.fault("status", status=status, operation="orders.get", headers={"Retry-After": "7"})
    with pytest.raises(paypalrestsdk.exceptions.ConnectionError):
        shop.get("v2/checkout/orders/5O190127TN364715T")
    assert shop.api.last[0] == status
    assert shop.api.last[1]["name"] == name
    assert shop.api.headers_of_last["Retry-After"] == "7"


def test_a_token_may_be_refused_an_answer_too(shop):
    shop.sandbox.fault("status", status=503, operation="oauth2.token", times=1)
    with pytest.raises(ServerError):
        shop.order()
    assert shop.order()["status"] == "PAYER_ACTION_REQUIRED"


@pytest.mark.parametrize(
    ("kind", "lie"),
    [
        ("wrong_amount", {"amount": {"currency_code": "USD", "value": "10.01"}, "status": "COMPLETED"}),
        ("wrong_currency", {"amount": {"currency_code": "EUR", "value": "10.00"}, "status": "COMPLETED"}),
        ("unknown_status", {**ONE, "status": "STATUS_OF_THE_FUTURE"}),
    ],
)
def test_a_lie_reaches_the_capture_within_the_order(shop, kind, lie):
    order = shop.approved()
    shop.sandbox.fault(kind, when="after", **CAPTURE)
    capture = shop.take(order)["purchase_units"][0]["payments"]["captures"][0]
    assert {name: capture[name] for name in lie} == lie
    true = shop.get(f"v2/payments/captures/{capture['id']}")
    assert (true["amount"], true["status"]) == (ONE["amount"], "COMPLETED")


@pytest.mark.parametrize("kind", ["wrong_id", "missing_id", "extra_fields"])
def test_a_lie_about_the_object_itself(shop, kind):
    order = shop.approved()
    shop.sandbox.fault(kind, when="after", **CAPTURE)
    answer = shop.take(order)
    assert answer.get("id") != order["id"] or "field_of_the_future" in answer


def test_a_fault_is_aimed_by_the_merchants_own_marks(shop):
    one, other = shop.approved(custom_id="payment-1"), shop.approved(custom_id="payment-2")
    shop.sandbox.fault("status", status=500, match={"custom_id": "payment-2"}, **CAPTURE)
    assert shop.take(one)["status"] == "COMPLETED"
    with pytest.raises(ServerError):
        shop.take(other)


def test_refunds_are_known_by_the_marks_of_refund_and_capture(shop):
    capture = shop.captured(custom_id="payment-1", invoice_id="i1")
    shop.refund(capture, "1.00", custom_id="refund-1")
    call = shop.sandbox.calls("captures.refund")[0]
    assert call["metadata"] == {"custom_id": "refund-1", "invoice_id": "i1"}


@pytest.mark.parametrize("kind", ["html", "garbage", "empty", "redirect"])
def test_other_answers_come_instead_of_the_true_one(shop, kind):
    order = shop.approved()
    shop.sandbox.fault(kind, when="after", **CAPTURE)
    with pytest.raises((ValueError, KeyError, paypalrestsdk.exceptions.ConnectionError)):
        shop.take(order)["id"]
    assert len(shop.sandbox.ledger()["entries"]) == 1
