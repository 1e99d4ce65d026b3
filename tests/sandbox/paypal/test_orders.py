"""Orders v2: creating, approving, capturing, and what is refused."""

from typing import Any

import pytest

from tests.sandbox.paypal.conftest import Shop

USD: Any = {"currency_code": "USD", "value": "10.00"}
ORDER: Any = {"intent": "CAPTURE", "purchase_units": [{"amount": USD}]}


def rels(obj: Any) -> list[str]:
    return [link["rel"] for link in obj["links"]]


def test_an_order_is_approved_by_the_buyer_and_captured(shop, heard):
    order = shop.order(custom_id="payment-1", invoice_id="invoice-1", description="A book")
    assert (shop.api.last[0], order["status"]) == (200, "PAYER_ACTION_REQUIRED")
    assert rels(order) == ["self", "payer-action"]
    assert shop.refused(lambda: shop.take(order)) == "ORDER_NOT_APPROVED"

    sent = shop.sandbox.pay_session(order["id"], card="pays")
    assert sent["url"] == f"https://shop.example/back?n=1&token={order['id']}&PayerID=QYR5Z8XDVJNXQ"
    assert shop.get(f"v2/checkout/orders/{order['id']}")["status"] == "APPROVED"

    paid = shop.take(order)
    assert (shop.api.last[0], paid["status"], paid["payer"]["email_address"]) == (
        201,
        "COMPLETED",
        "pays@buyer.example",
    )
    capture = paid["purchase_units"][0]["payments"]["captures"][0]
    assert (capture["status"], capture["final_capture"], capture["amount"]) == ("COMPLETED", True, USD)
    assert (capture["custom_id"], capture["invoice_id"]) == ("payment-1", "invoice-1")
    assert rels(capture) == ["self", "refund", "up"]
    found = shop.get(f"v2/payments/captures/{capture['id']}")
    assert found["supplementary_data"]["related_ids"] == {"order_id": order["id"]}

    assert shop.payment(capture["id"]) == {
        "currency": "USD",
        "authorized": 0,
        "captured": 1000,
        "released": 0,
        "refunded": 0,
        "disputed": 0,
        "status": "COMPLETED",
        "metadata": {"custom_id": "payment-1", "invoice_id": "invoice-1", "reference_id": "default"},
    }
    events = heard()
    assert [event["event_type"] for event in events] == [
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.CAPTURE.COMPLETED",
        "CHECKOUT.ORDER.COMPLETED",
    ]
    assert [event["resource_type"] for event in events] == ["checkout-order", "capture", "checkout-order"]
    assert events[0]["resource"]["purchase_units"][0]["custom_id"] == "payment-1"
    assert events[1]["resource"]["supplementary_data"]["related_ids"]["order_id"] == order["id"]
    assert events[1]["resource"]["custom_id"] == "payment-1"
    assert all(event["resource_version"] == "2.0" for event in events)
    assert shop.refused(lambda: shop.take(order)) == "ORDER_ALREADY_CAPTURED"


def test_an_order_without_a_payment_source_links_to_approve_update_and_capture(shop):
    context = {"return_url": "https://shop.example/old", "cancel_url": "https://shop.example/cart"}
    order = shop.post("v2/checkout/orders", {**ORDER, "application_context": context})
    assert (shop.api.last[0], order["status"]) == (201, "CREATED")
    assert rels(order) == ["self", "approve", "update", "capture"]
    assert shop.sandbox.pay_session(order["id"])["url"].startswith(
        f"https://shop.example/old?token={order['id']}&Payer"
    )
    assert rels(shop.get(f"v2/checkout/orders/{order['id']}")) == ["self", "update", "capture"]
    assert shop.take(order)["status"] == "COMPLETED"


def test_the_least_is_answered_unless_the_representation_is_asked_for(shop):
    made = shop.post("v2/checkout/orders", ORDER, Prefer="return=minimal")
    assert set(made) == {"id", "status", "links"}
    whole = shop.post("v2/checkout/orders", ORDER)
    assert {"intent", "purchase_units", "create_time"} <= set(whole)
    shop.sandbox.pay_session(made["id"])
    paid = shop.post(f"v2/checkout/orders/{made['id']}/capture", Prefer="return=minimal")
    assert set(paid) == {"id", "status", "payment_source", "payer", "purchase_units", "links"}
    assert set(paid["purchase_units"][0]) == {"reference_id", "payments"}


def test_an_order_is_captured_once_however_often_it_is_tried(shop):
    order = shop.approved()
    shop.take(order)
    for _ in range(3):
        shop.refused(lambda: shop.take(order))
    assert len(shop.sandbox.ledger()["entries"]) == 1


@pytest.mark.parametrize(("intent", "verb"), [("CAPTURE", "authorize"), ("AUTHORIZE", "capture")])
def test_an_order_is_taken_as_it_was_meant(shop, intent, verb):
    order = shop.approved(intent=intent)
    assert shop.refused(lambda: shop.take(order, verb)) == "ACTION_DOES_NOT_MATCH_INTENT"


def test_an_invoice_is_paid_once(shop):
    shop.captured(invoice_id="invoice-7")
    again = shop.approved(invoice_id="invoice-7")
    assert shop.refused(lambda: shop.take(again)) == "DUPLICATE_INVOICE_ID"
    assert shop.get(f"v2/checkout/orders/{again['id']}")["status"] == "APPROVED"


def test_an_invoice_whose_payment_was_declined_may_be_paid(shop):
    assert shop.captured("declined_capture", invoice_id="invoice-8")["status"] == "DECLINED"
    assert shop.captured(invoice_id="invoice-8")["status"] == "COMPLETED"


@pytest.mark.parametrize("approved", [False, True])
def test_an_order_that_is_not_paid_in_three_hours_is_forgotten(shop, approved):
    order = shop.approved() if approved else shop.order()
    shop.sandbox.advance(3 * 3600 + 1)
    assert shop.refused(lambda: shop.get(f"v2/checkout/orders/{order['id']}"), 404) == "INVALID_RESOURCE_ID"
    assert shop.refused(lambda: shop.take(order), 404) == "INVALID_RESOURCE_ID"


def test_an_order_that_is_paid_is_kept(shop):
    order = shop.approved()
    shop.take(order)
    shop.sandbox.advance(86400)
    assert shop.get(f"v2/checkout/orders/{order['id']}")["status"] == "COMPLETED"


def test_a_session_can_be_expired_and_voided_by_deed(shop, heard):
    gone, voided = shop.order(), shop.order()
    shop.sandbox.expire_session(gone["id"])
    assert shop.refused(lambda: shop.get(f"v2/checkout/orders/{gone['id']}"), 404) == "INVALID_RESOURCE_ID"
    shop.sandbox.deed("void_order", session=voided["id"])
    assert shop.get(f"v2/checkout/orders/{voided['id']}")["status"] == "VOIDED"
    assert shop.refused(lambda: shop.take(voided)) == "ORDER_COMPLETED_OR_VOIDED"
    assert [event["event_type"] for event in heard()] == ["CHECKOUT.ORDER.VOIDED"]


# Amounts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [("10", "USD", 1000), ("0.01", "EUR", 1), (".5", "USD", 50), ("1000", "JPY", 1000), ("1000", "TWD", 1000)],
)
def test_amounts_have_the_decimals_of_their_currency(shop, value, currency, minor):
    capture = shop.captured(value=value, currency=currency)
    assert shop.payment(capture["id"])["captured"] == minor
    written = capture["amount"]["value"]
    assert written == (f"{minor}" if currency in ("JPY", "TWD") else f"{minor // 100}.{minor % 100:02d}")


@pytest.mark.parametrize(
    ("value", "currency", "status", "issue"),
    [
        ("10.001", "USD", 422, "DECIMAL_PRECISION"),
        ("1000.5", "JPY", 422, "DECIMAL_PRECISION"),
        ("1000.00", "HUF", 422, "DECIMAL_PRECISION"),
        ("0.00", "USD", 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ("-1.00", "USD", 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ("1000000000000000.00", "USD", 422, "MAX_VALUE_EXCEEDED"),
        ("10.000", "KWD", 422, "INVALID_CURRENCY_CODE"),
        ("10.00", "usd", 422, "INVALID_CURRENCY_CODE"),
        ("1e1", "USD", 400, "INVALID_PARAMETER_SYNTAX"),
        ("10,00", "USD", 400, "INVALID_PARAMETER_SYNTAX"),
        ("\u0661\u0660", "USD", 400, "INVALID_PARAMETER_SYNTAX"),
        ("1" * 33, "USD", 400, "INVALID_STRING_LENGTH"),
        (10, "USD", 400, "INVALID_PARAMETER_SYNTAX"),
        (None, "USD", 400, "MISSING_REQUIRED_PARAMETER"),
    ],
)
def test_an_amount_that_paypal_does_not_take_is_refused(shop, value, currency, status, issue):
    assert shop.refused(lambda: shop.order(value, currency), status) == issue


ITEM: Any = {"name": "Book", "quantity": "2", "unit_amount": {"currency_code": "USD", "value": "4.00"}}


def with_items(total: str, item_total: str | None, **more: str) -> Any:
    parts = {**({"item_total": item_total} if item_total else {}), **more}
    breakdown = {name: {"currency_code": "USD", "value": value} for name, value in parts.items()}
    amount = {"currency_code": "USD", "value": total, "breakdown": breakdown}
    return {"intent": "CAPTURE", "purchase_units": [{"amount": amount, "items": [ITEM]}]}


def test_items_and_their_sums_are_kept(shop):
    order = shop.post("v2/checkout/orders", with_items("9.00", "8.00", shipping="2.00", discount="1.00"))
    assert order["purchase_units"][0]["items"] == [ITEM]
    assert order["purchase_units"][0]["amount"]["breakdown"]["discount"]["value"] == "1.00"


@pytest.mark.parametrize(
    ("body", "issue"),
    [
        (with_items("9.00", "8.00"), "AMOUNT_MISMATCH"),
        (with_items("8.00", "9.00"), "ITEM_TOTAL_MISMATCH"),
        (with_items("8.00", None), "ITEM_TOTAL_REQUIRED"),
    ],
)
def test_sums_that_do_not_add_up_are_refused(shop, body, issue):
    assert shop.refused(lambda: shop.post("v2/checkout/orders", body)) == issue


# Form -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "status", "issue", "field"),
    [
        ({"intent": None}, 400, "MISSING_REQUIRED_PARAMETER", "/intent"),
        ({"intent": "SALE"}, 400, "INVALID_PARAMETER_VALUE", "/intent"),
        ({"intent": 1}, 400, "INVALID_PARAMETER_SYNTAX", "/intent"),
        ({"purchase_units": None}, 400, "MISSING_REQUIRED_PARAMETER", "/purchase_units"),
        ({"purchase_units": []}, 400, "INVALID_ARRAY_MIN_ITEMS", "/purchase_units"),
        ({"purchase_units": "x"}, 400, "INVALID_PARAMETER_SYNTAX", "/purchase_units"),
        ({"purchase_units": [{}]}, 400, "MISSING_REQUIRED_PARAMETER", "/purchase_units/0/amount"),
        ({"purchase_units": [{"amount": USD}] * 2}, 400, "NOT_SUPPORTED", "/purchase_units/1"),
        ({"purchase_units": [{"amount": USD}] * 11}, 400, "INVALID_ARRAY_MAX_ITEMS", "/purchase_units"),
        ({"purchase_units": [{"amount": USD, "custom_id": "x" * 128}]}, 400, "INVALID_STRING_LENGTH", None),
        ({"purchase_units": [{"amount": USD, "costum_id": "x"}]}, 400, "NOT_SUPPORTED", "/purchase_units/0/costum_id"),
        ({"payment_surce": {}}, 400, "NOT_SUPPORTED", "/payment_surce"),
        ({"payment_source": {}}, 422, "NO_PAYMENT_SOURCE_PROVIDED", "/payment_source"),
        ({"payment_source": {"card": {}}}, 422, "PAYMENT_SOURCE_CANNOT_BE_USED", "/payment_source/card"),
        ({"payment_source": {"card": {}, "paypal": {}}}, 422, "ONLY_ONE_PAYMENT_SOURCE_ALLOWED", "/payment_source"),
        ({"payment_source": {"paypal": {"vault_id": "gone"}}}, 422, "TOKEN_ID_NOT_FOUND", None),
        (
            {"payment_source": {"paypal": {"experience_context": {"return_url": "https://shop.example/"}}}},
            400,
            "MISSING_REQUIRED_PARAMETER",
            "/payment_source/paypal/experience_context/cancel_url",
        ),
        (
            {"payment_source": {"paypal": {"experience_context": {"return_url": "shop", "cancel_url": "shop"}}}},
            400,
            "INVALID_PARAMETER_SYNTAX",
            "/payment_source/paypal/experience_context/return_url",
        ),
    ],
)
def test_an_order_out_of_form_is_refused_with_its_field(shop, change, status, issue, field):
    body = {name: value for name, value in {**ORDER, **change}.items() if value is not None}
    assert shop.refused(lambda: shop.post("v2/checkout/orders", body), status) == issue
    if field:
        assert shop.api.last[1]["details"][0]["field"] == field
    assert shop.sandbox.ledger()["entries"] == []


def test_an_order_with_a_payment_source_needs_a_request_id(shop):
    body = {**ORDER, "payment_source": {"paypal": {}}}
    refused = shop.refused(lambda: shop.api.post("v2/checkout/orders", body, headers={}), 400)
    assert refused == "PAYPAL_REQUEST_ID_REQUIRED"


# Changes --------------------------------------------------------------------------------------------------------------

UNIT = "/purchase_units/@reference_id=='default'"


def patch(shop: Shop, order: Any, *changes: Any) -> Any:
    return shop.api.patch(f"v2/checkout/orders/{order['id']}", list(changes))


def test_an_order_can_be_changed_until_it_is_paid(shop):
    order = shop.approved(custom_id="a")
    amount = {"op": "replace", "path": f"{UNIT}/amount", "value": {"currency_code": "USD", "value": "12.00"}}
    patch(shop, order, amount, {"op": "add", "path": f"{UNIT}/invoice_id", "value": "invoice-3"})
    assert shop.api.last == (204, None)
    patch(shop, order, {"op": "remove", "path": f"{UNIT}/custom_id"})
    unit = shop.get(f"v2/checkout/orders/{order['id']}")["purchase_units"][0]
    assert (unit["amount"]["value"], unit["invoice_id"], unit.get("custom_id")) == ("12.00", "invoice-3", None)
    shop.take(order)
    assert shop.refused(lambda: patch(shop, order, amount)) == "ORDER_ALREADY_COMPLETED"


@pytest.mark.parametrize(
    ("change", "status", "issue"),
    [
        ({"path": f"{UNIT}/custom_id", "value": "x"}, 400, "MISSING_REQUIRED_PARAMETER"),
        ({"op": "replace", "value": "x"}, 422, "PATCH_PATH_REQUIRED"),
        ({"op": "replace", "path": f"{UNIT}/custom_id"}, 422, "PATCH_VALUE_REQUIRED"),
        ({"op": "replace", "path": "/status", "value": "COMPLETED"}, 422, "NOT_PATCHABLE"),
        ({"op": "remove", "path": f"{UNIT}/amount"}, 422, "NOT_PATCHABLE"),
        ({"op": "remove", "path": f"{UNIT}/custom_id"}, 400, "INVALID_PATCH_OPERATION"),
        (
            {"op": "replace", "path": "/purchase_units/@reference_id=='x'/custom_id", "value": "x"},
            422,
            "REFERENCE_ID_NOT_FOUND",
        ),
        ({"op": "replace", "path": f"{UNIT}/custom_id", "value": 7}, 400, "INVALID_PARAMETER_SYNTAX"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(shop, change, status, issue):
    order = shop.order()
    assert shop.refused(lambda: patch(shop, order, change), status) == issue


def test_the_payment_source_can_be_named_after_the_order_was_made(shop):
    order = shop.post("v2/checkout/orders", ORDER)
    context = {"return_url": "https://shop.example/late", "cancel_url": "https://shop.example/cart"}
    source = {"payment_source": {"paypal": {"experience_context": context}}}
    confirmed = shop.post(f"v2/checkout/orders/{order['id']}/confirm-payment-source", source)
    assert (shop.api.last[0], confirmed["status"], rels(confirmed)[1]) == (200, "PAYER_ACTION_REQUIRED", "payer-action")
    assert shop.sandbox.pay_session(order["id"])["url"].startswith("https://shop.example/late?token=")
    path = f"v2/checkout/orders/{order['id']}/confirm-payment-source"
    assert shop.refused(lambda: shop.post(path, source)) == "PAYMENT_ALREADY_APPROVED"
    shop.take(order)
    assert shop.refused(lambda: shop.post(path, source)) == "ORDER_CANNOT_BE_CONFIRMED"
