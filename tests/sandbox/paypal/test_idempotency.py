"""PayPal-Request-Id: the same id, one effect, the latest state as the answer."""

import threading
import time
from typing import Any

import pytest

from tests.sandbox.paypal.test_saved_methods import pay, saved, setup

HOUR, DAY = 3600, 86400


def test_a_repeated_order_answers_200_with_its_latest_state(shop):
    unit = {"amount": {"currency_code": "USD", "value": "10.00"}}
    body = {"intent": "CAPTURE", "purchase_units": [unit]}
    first = shop.post("v2/checkout/orders", body, key="k1")
    assert shop.api.last[0] == 201
    shop.sandbox.pay_session(first["id"])
    again = shop.post("v2/checkout/orders", body, key="k1")
    assert (shop.api.last[0], again["id"], again["status"]) == (200, first["id"], "APPROVED")
    shop.take(first)
    assert shop.post("v2/checkout/orders", body, key="k1")["status"] == "COMPLETED"
    # PayPal does not say that it looks at the body
    other = {"intent": "CAPTURE", "purchase_units": [{"amount": {"currency_code": "EUR", "value": "1.00"}}]}
    assert shop.post("v2/checkout/orders", other, key="k1")["id"] == first["id"]


def test_an_order_paid_with_a_saved_wallet_is_paid_once(shop):
    token = saved(shop)["id"]
    orders = [pay(shop, token, key="k1")["id"] for _ in range(3)]
    assert len(set(orders)) == 1
    assert len(shop.sandbox.ledger()["entries"]) == 1


def test_a_repeated_capture_takes_the_money_once(shop):
    order = shop.approved()
    first = shop.take(order, key="k1")
    assert shop.api.last[0] == 201
    assert shop.take(order, key="k1") == first
    assert shop.api.last[0] == 200
    calls = shop.sandbox.calls("orders.capture")
    assert [(call["effect"], call["replayed"]) for call in calls] == [(True, False), (False, True)]
    assert len(shop.sandbox.ledger()["entries"]) == 1


def test_one_id_may_stand_for_several_operations(shop):
    order = shop.approved()
    capture = shop.take(order, key="same")["purchase_units"][0]["payments"]["captures"][0]
    assert shop.refund(capture, "1.00", key="same")["status"] == "COMPLETED"


def test_a_repeated_refund_refunds_once_and_tells_the_latest_state(shop):
    capture = shop.captured("refund_pending")
    first = shop.refund(capture, "4.00", key="k1")
    shop.sandbox.refund_status(first["id"], "succeeded")
    again = shop.refund(capture, "4.00", key="k1")
    assert (shop.api.last[0], again["id"], again["status"]) == (201, first["id"], "COMPLETED")
    assert shop.payment(capture["id"])["refunded"] == 400


def test_a_repeated_capture_of_an_authorization_and_a_repeated_void(shop):
    path = f"v2/payments/authorizations/{shop.authorized()['id']}"
    body = {"amount": {"currency_code": "USD", "value": "2.00"}}
    taken = [shop.post(f"{path}/capture", body, key="k1")["id"] for _ in range(2)]
    assert (len(set(taken)), shop.api.last[0]) == (1, 201)
    for _ in range(2):
        shop.post(f"{path}/void", key="k2", Prefer="return=minimal")
        assert shop.api.last[0] == 204


def test_a_repeated_setup_token_is_the_same_one(shop):
    body = {"payment_source": {"paypal": {"experience_context": _CONTEXT}}}
    made = [shop.post("v3/vault/setup-tokens", body, key="k1")["id"] for _ in range(2)]
    assert len(set(made)) == 1
    assert setup(shop)["id"] not in made


_CONTEXT = {"return_url": "https://shop.example/saved", "cancel_url": "https://shop.example/cart"}


def test_a_decline_is_answered_again_and_what_was_out_of_place_is_not(shop):
    order = shop.order()
    assert shop.refused(lambda: shop.take(order, key="k1")) == "ORDER_NOT_APPROVED"
    shop.sandbox.pay_session(order["id"], card="declined")
    assert shop.refused(lambda: shop.take(order, key="k1")) == "INSTRUMENT_DECLINED"
    shop.sandbox.pay_session(order["id"], card="pays")
    assert shop.refused(lambda: shop.take(order, key="k1")) == "INSTRUMENT_DECLINED"
    assert shop.take(order, key="k2")["status"] == "COMPLETED"


def order_call(shop: Any) -> Any:
    body = {"intent": "CAPTURE", "purchase_units": [{"amount": {"currency_code": "USD", "value": "10.00"}}]}
    return lambda: shop.post("v2/checkout/orders", body, key="k1")["id"]


def refund_call(shop: Any) -> Any:
    capture = shop.captured()
    return lambda: shop.refund(capture, "1.00", key="k1")["id"]


def setup_call(shop: Any) -> Any:
    body = {"payment_source": {"paypal": {"experience_context": _CONTEXT}}}
    return lambda: shop.post("v3/vault/setup-tokens", body, key="k1")["id"]


@pytest.mark.parametrize(("make", "window"), [(order_call, 6 * HOUR), (refund_call, 45 * DAY), (setup_call, 3 * HOUR)])
def test_an_id_is_kept_as_long_as_its_api_says(shop, make, window):
    call = make(shop)
    first = call()
    shop.sandbox.advance(window - 60)
    assert call() == first
    shop.sandbox.advance(61)
    assert call() != first


def test_two_calls_at_once_with_one_id_have_one_effect(shop, make_shop):
    order = shop.approved("slow")
    second = make_shop(shop.client_id)
    second.api.get_token_hash()
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.append(shop.take(order, key="k1")))
    first.start()
    while not shop.sandbox.calls("orders.capture"):
        time.sleep(0.01)
    assert second.refused(lambda: second.take(order, key="k1"), 409) == "PREVIOUS_REQUEST_IN_PROGRESS"
    first.join()
    assert answers[0]["status"] == "COMPLETED"
    assert len(shop.sandbox.ledger()["entries"]) == 1


def test_an_id_that_is_too_long_is_refused(shop):
    assert shop.refused(lambda: shop.post("v2/checkout/orders", {}, key="x" * 109), 400) == "INVALID_STRING_LENGTH"
