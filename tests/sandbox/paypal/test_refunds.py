"""Refunds over the API and from PayPal's site, reversals, disputes."""

import pytest


def test_a_capture_is_refunded_in_parts_and_in_full(shop, heard):
    capture = shop.captured(custom_id="p1")
    part = shop.refund(capture, "3.00", custom_id="refund-1", invoice_id="r-1", note_to_payer="Sorry")
    assert (shop.api.last[0], part["status"], part["amount"]["value"]) == (201, "COMPLETED", "3.00")
    assert (part["custom_id"], part["invoice_id"], part["note_to_payer"]) == ("refund-1", "r-1", "Sorry")
    assert part["links"][1]["href"].endswith(f"/v2/payments/captures/{capture['id']}")
    assert shop.get(f"v2/payments/captures/{capture['id']}")["status"] == "PARTIALLY_REFUNDED"
    assert shop.get(f"v2/payments/refunds/{part['id']}")["custom_id"] == "refund-1"

    rest = shop.refund(capture)
    assert (rest["amount"]["value"], rest["seller_payable_breakdown"]["total_refunded_amount"]["value"]) == (
        "7.00",
        "10.00",
    )
    assert shop.get(f"v2/payments/captures/{capture['id']}")["status"] == "REFUNDED"
    assert shop.payment(capture["id"])["refunded"] == 1000
    assert shop.refused(lambda: shop.refund(capture, "0.01")) == "CAPTURE_FULLY_REFUNDED"
    order = shop.get(f"v2/checkout/orders/{capture['links'][2]['href'].rpartition('/')[2]}")
    assert [item["id"] for item in order["purchase_units"][0]["payments"]["refunds"]] == [part["id"], rest["id"]]
    told = [event for event in heard() if event["event_type"] == "PAYMENT.CAPTURE.REFUNDED"]
    assert [(event["resource_type"], event["resource"]["id"]) for event in told] == [
        ("refund", part["id"]),
        ("refund", rest["id"]),
    ]
    assert told[0]["resource"]["custom_id"] == "refund-1"


@pytest.mark.parametrize(
    ("value", "currency", "status", "issue"),
    [
        ("10.01", "USD", 422, "REFUND_AMOUNT_EXCEEDED"),
        ("1.00", "EUR", 422, "REFUND_CAPTURE_CURRENCY_MISMATCH"),
        ("1.001", "USD", 422, "DECIMAL_PRECISION"),
        ("0.00", "USD", 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ("x", "USD", 400, "INVALID_PARAMETER_SYNTAX"),
    ],
)
def test_a_refund_that_cannot_be_is_refused(shop, value, currency, status, issue):
    capture = shop.captured()
    body = {"amount": {"currency_code": currency, "value": value}}
    path = f"v2/payments/captures/{capture['id']}/refund"
    assert shop.refused(lambda: shop.post(path, body), status) == issue
    assert shop.payment(capture["id"])["refunded"] == 0


def test_an_invoice_of_a_refund_is_used_once(shop):
    capture = shop.captured()
    shop.refund(capture, "1.00", invoice_id="r-1")
    assert shop.refused(lambda: shop.refund(capture, "1.00", invoice_id="r-1")) == "DUPLICATE_INVOICE_ID"


def test_the_least_of_a_refund_is_id_status_and_links(shop):
    path = f"v2/payments/captures/{shop.captured()['id']}/refund"
    assert set(shop.post(path, Prefer="return=minimal")) == {"id", "status", "links"}


@pytest.mark.parametrize(
    ("news", "status", "refunded", "last"),
    [("succeeded", "COMPLETED", 400, "PAYMENT.CAPTURE.REFUNDED"), ("failed", "FAILED", 0, "PAYMENT.REFUND.FAILED")],
)
def test_a_pending_refund_ends_later(shop, heard, news, status, refunded, last):
    capture = shop.captured("refund_pending")
    refund = shop.refund(capture, "4.00")
    assert (refund["status"], refund["status_details"]) == ("PENDING", {"reason": "ECHECK"})
    assert shop.payment(capture["id"])["refunded"] == 0
    assert shop.refused(lambda: shop.refund(capture, "6.01")) == "REFUND_AMOUNT_EXCEEDED"
    shop.sandbox.refund_status(refund["id"], news)
    assert shop.get(f"v2/payments/refunds/{refund['id']}")["status"] == status
    assert shop.payment(capture["id"])["refunded"] == refunded
    types = [event["event_type"] for event in heard()]
    assert ("PAYMENT.REFUND.PENDING" in types, types[-1]) == (True, last)
    assert ("PAYMENT.REFUND.COMPLETED" in types) == (news == "succeeded")


def test_a_completed_refund_may_turn_out_to_have_failed(shop):
    capture = shop.captured()
    refund = shop.refund(capture)
    shop.sandbox.refund_status(refund["id"], "failed")
    assert shop.payment(capture["id"])["refunded"] == 0
    assert shop.get(f"v2/payments/captures/{capture['id']}")["status"] == "COMPLETED"
    with pytest.raises(Exception, match="the refund is FAILED"):
        shop.sandbox.refund_status(refund["id"], "succeeded")


def test_a_refund_from_paypals_site_is_told_by_an_event(shop, heard):
    capture = shop.captured()
    made = shop.sandbox.external_refund(capture["id"], 250, "as agreed")
    assert heard()[-1]["event_type"] == "PAYMENT.CAPTURE.REFUNDED"
    assert heard()[-1]["resource"]["id"] == made["id"]
    assert shop.payment(capture["id"])["refunded"] == 250
    with pytest.raises(Exception, match="must be less than or equal"):
        shop.sandbox.external_refund(capture["id"], 751)


def test_paypal_takes_a_payment_back(shop, heard):
    capture = shop.captured()
    shop.sandbox.deed("reverse_capture", payment=capture["id"])
    assert heard()[-1]["event_type"] == "PAYMENT.CAPTURE.REVERSED"
    assert shop.payment(capture["id"])["refunded"] == 1000


def test_a_refund_of_an_authorised_payment_is_booked_under_its_authorization(shop):
    authorization = shop.authorized()
    capture = shop.post(f"v2/payments/authorizations/{authorization['id']}/capture")
    shop.refund(capture, "1.00")
    shop.sandbox.external_refund(authorization["id"], 100)
    assert shop.payment(authorization["id"])["refunded"] == 200
    assert list(shop.sandbox.ledger()["payments"]) == [authorization["id"]]


# Disputes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "outcome", "disputed"),
    [("won", "RESOLVED_SELLER_FAVOUR", 0), ("lost", "RESOLVED_BUYER_FAVOUR", 600)],
)
def test_a_dispute_is_opened_goes_on_and_is_decided(shop, heard, verdict, outcome, disputed):
    capture = shop.captured(custom_id="p1", invoice_id="i1")
    opened = shop.sandbox.dispute(capture["id"], amount=600, reason="product_not_received")
    assert shop.payment(capture["id"])["disputed"] == 600
    found = shop.get(f"v1/customer/disputes/{opened['dispute_id']}")
    assert (found["status"], found["reason"], found["dispute_amount"]["value"]) == (
        "WAITING_FOR_SELLER_RESPONSE",
        "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "6.00",
    )
    transaction = found["disputed_transactions"][0]
    assert transaction["seller_transaction_id"] == capture["id"]
    assert (transaction["custom"], transaction["invoice_number"]) == ("p1", "i1")
    assert shop.refused(lambda: shop.refund(capture, "1.00")) == "TRANSACTION_DISPUTED"

    shop.sandbox.dispute(capture["id"])
    shop.sandbox.dispute(capture["id"], status=verdict)
    found = shop.get(f"v1/customer/disputes/{opened['dispute_id']}")
    assert (found["status"], found["dispute_outcome"]["outcome_code"]) == ("RESOLVED", outcome)
    assert shop.payment(capture["id"])["disputed"] == disputed
    assert [event["event_type"] for event in heard()][-3:] == [
        "CUSTOMER.DISPUTE.CREATED",
        "CUSTOMER.DISPUTE.UPDATED",
        "CUSTOMER.DISPUTE.RESOLVED",
    ]
    assert heard()[-1]["resource"]["dispute_id"] == opened["dispute_id"]


def test_a_merchant_may_give_in(shop):
    capture = shop.captured()
    case = shop.sandbox.dispute(capture["id"])
    path = f"v1/customer/disputes/{case['dispute_id']}/accept-claim"
    shop.post(path, {"note": "Full refund"})
    assert shop.payment(capture["id"])["disputed"] == 1000
    assert shop.refused(lambda: shop.post(path, {"note": "again"})) == "ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE"
    found = shop.get(f"v1/customer/disputes?disputed_transaction_id={capture['id']}")["items"]
    assert [item["dispute_id"] for item in found] == [case["dispute_id"]]
    assert shop.get("v1/customer/disputes?disputed_transaction_id=OTHER")["items"] == []


def test_there_is_nothing_to_dispute_before_a_capture(shop):
    order = shop.order()
    with pytest.raises(Exception, match="nothing was captured"):
        shop.sandbox.dispute(order["id"])
