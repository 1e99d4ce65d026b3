"""The test buyers: declined, awaited, refused, slow; and PayPal's negative testing."""

import json
import time

import pytest


def test_a_declined_instrument_sends_the_buyer_back_to_paypal(shop, heard):
    order = shop.approved("declined")
    assert shop.refused(lambda: shop.take(order)) == "INSTRUMENT_DECLINED"
    link = next(link for link in shop.api.last[1]["links"] if link["rel"] == "redirect")
    assert link["href"].endswith(f"/paypal/checkoutnow?token={order['id']}")
    assert shop.get(f"v2/checkout/orders/{order['id']}")["status"] == "PAYER_ACTION_REQUIRED"
    assert shop.refused(lambda: shop.take(order)) == "ORDER_NOT_APPROVED"

    shop.sandbox.pay_session(order["id"], card="pays")
    assert shop.take(order)["status"] == "COMPLETED"
    assert sum(entry["amount_minor"] for entry in shop.sandbox.ledger()["entries"]) == 1000
    assert [event["event_type"] for event in heard()].count("CHECKOUT.ORDER.APPROVED") == 2


def test_an_order_may_still_show_as_approved_after_a_decline_until_the_buyer_approves_anew(shop):
    order = shop.approved("declined_unseen")
    before = shop.get(f"v2/checkout/orders/{order['id']}")
    assert shop.refused(lambda: shop.take(order)) == "INSTRUMENT_DECLINED"
    after = shop.get(f"v2/checkout/orders/{order['id']}")
    assert after["status"] == "APPROVED"
    assert after["update_time"] == before["update_time"]
    shop.sandbox.pay_session(order["id"], card="pays")
    assert shop.get(f"v2/checkout/orders/{order['id']}")["update_time"] > before["update_time"]
    assert shop.take(order)["status"] == "COMPLETED"


@pytest.mark.parametrize(("buyer", "issue"), [("refused", "TRANSACTION_REFUSED"), ("blocked", "PAYER_CANNOT_PAY")])
def test_a_refused_payment_moves_nothing(shop, buyer, issue):
    order = shop.approved(buyer)
    assert shop.refused(lambda: shop.take(order)) == issue
    assert shop.sandbox.ledger()["entries"] == []


def test_a_completed_order_may_hold_a_declined_capture(shop, heard):
    order = shop.approved("declined_capture")
    paid = shop.take(order)
    assert (shop.api.last[0], paid["status"]) == (201, "COMPLETED")
    capture = paid["purchase_units"][0]["payments"]["captures"][0]
    assert (capture["status"], capture["processor_response"]["response_code"]) == ("DECLINED", "5120")
    assert shop.sandbox.ledger()["entries"] == []
    assert "PAYMENT.CAPTURE.DECLINED" in [event["event_type"] for event in heard()]
    assert shop.refused(lambda: shop.refund(capture)) == "REFUND_NOT_ALLOWED"


@pytest.mark.parametrize(("buyer", "reason"), [("echeck", "ECHECK"), ("review", "PENDING_REVIEW")])
@pytest.mark.parametrize(
    ("outcome", "status", "event", "captured"),
    [("succeed", "COMPLETED", "PAYMENT.CAPTURE.COMPLETED", 1000), ("fail", "DECLINED", "PAYMENT.CAPTURE.DENIED", 0)],
)
def test_a_pending_capture_is_settled_later(shop, heard, buyer, reason, outcome, status, event, captured):
    capture = shop.captured(buyer)
    assert (capture["status"], capture["status_details"]) == ("PENDING", {"reason": reason})
    assert shop.sandbox.ledger()["entries"] == []
    assert shop.refused(lambda: shop.refund(capture)) == "PENDING_CAPTURE"

    shop.sandbox.settle(capture["id"], outcome)
    found = shop.get(f"v2/payments/captures/{capture['id']}")
    assert (found["status"], "status_details" in found) == (status, False)
    assert sum(entry["amount_minor"] for entry in shop.sandbox.ledger()["entries"]) == captured
    types = [item["event_type"] for item in heard()]
    assert (types[1], types[-1]) == ("PAYMENT.CAPTURE.PENDING", event)
    assert heard()[-1]["resource"]["status"] == status


def test_a_payment_that_is_settled_is_not_settled_again(shop):
    capture = shop.captured()
    with pytest.raises(Exception, match="COMPLETED, not PENDING"):
        shop.sandbox.settle(capture["id"])


def test_a_slow_payment_is_answered_late_and_holds_up_nobody_else(shop, make_shop):
    order, other = shop.approved("slow"), make_shop("another-client")
    begun = time.monotonic()
    assert shop.take(order)["status"] == "COMPLETED"
    assert time.monotonic() - begun >= 3
    assert other.captured()["status"] == "COMPLETED"


def test_an_unknown_buyer_is_named_with_those_that_there_are(shop):
    order = shop.order()
    with pytest.raises(Exception, match="no such test buyer: nobody; there are pays, declined"):
        shop.sandbox.pay_session(order["id"], card="nobody")


@pytest.mark.parametrize("deed", [{"card": "cancels"}, {"outcome": "fail"}])
def test_a_buyer_who_cancels_is_sent_to_the_cart(shop, deed):
    order = shop.order()
    sent = shop.sandbox.pay_session(order["id"], **deed)
    assert sent["url"] == f"https://shop.example/cart?token={order['id']}"
    assert shop.get(f"v2/checkout/orders/{order['id']}")["status"] == "PAYER_ACTION_REQUIRED"


def test_nothing_is_approved_twice(shop):
    order = shop.approved()
    shop.take(order)
    with pytest.raises(Exception, match="COMPLETED: nothing to approve"):
        shop.sandbox.pay_session(order["id"])


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [("TRANSACTION_REFUSED", 422, "TRANSACTION_REFUSED"), ("INTERNAL_SERVER_ERROR", 500, None)],
)
def test_negative_testing_gives_the_error_that_is_asked_for(shop, code, status, expected):
    order = shop.approved()
    header = json.dumps({"mock_application_codes": code})
    with pytest.raises(Exception, match=str(status)):
        shop.post(f"v2/checkout/orders/{order['id']}/capture", **{"PayPal-Mock-Response": header})
    found, body = shop.api.last
    assert found == status
    assert [detail["issue"] for detail in body.get("details", [])] == ([expected] if expected else [])
    assert shop.take(order)["status"] == "COMPLETED"
