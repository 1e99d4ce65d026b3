"""Payments v2: authorizations, captured in whole or in part, voided, renewed, run out."""

from typing import Any

import pytest

from tests.sandbox.paypal.conftest import Shop

DAY = 86400


def usd(value: str, currency: str = "USD") -> Any:
    return {"amount": {"currency_code": currency, "value": value}}


def capture(shop: Shop, authorization: Any, body: Any = None, **more: Any) -> Any:
    return shop.post(f"v2/payments/authorizations/{authorization['id']}/capture", body, **more)


def show(shop: Shop, authorization: Any) -> Any:
    return shop.get(f"v2/payments/authorizations/{authorization['id']}")


def void(shop: Shop, authorization: Any, **more: Any) -> Any:
    return shop.post(f"v2/payments/authorizations/{authorization['id']}/void", **more)


def sums(shop: Shop, payment: str) -> tuple[int, int, int]:
    found = shop.payment(payment)
    return found["authorized"], found["captured"], found["released"]


def test_an_authorised_payment_is_captured(shop, heard):
    order = shop.approved(intent="AUTHORIZE", custom_id="p1", invoice_id="i1")
    done = shop.take(order, "authorize")
    authorization = done["purchase_units"][0]["payments"]["authorizations"][0]
    assert (done["status"], authorization["status"]) == ("COMPLETED", "CREATED")
    assert (authorization["custom_id"], authorization["invoice_id"]) == ("p1", "i1")
    assert [link["rel"] for link in authorization["links"]] == ["self", "capture", "void", "reauthorize", "up"]
    assert show(shop, authorization)["supplementary_data"]["related_ids"] == {"order_id": order["id"]}
    assert sums(shop, authorization["id"]) == (1000, 0, 0)
    assert shop.refused(lambda: shop.take(order, "authorize")) == "ORDER_ALREADY_AUTHORIZED"

    taken = capture(shop, authorization)
    assert (shop.api.last[0], taken["status"], taken["amount"]["value"]) == (201, "COMPLETED", "10.00")
    assert taken["supplementary_data"]["related_ids"]["authorization_id"] == authorization["id"]
    assert show(shop, authorization)["status"] == "CAPTURED"
    assert sums(shop, authorization["id"]) == (1000, 1000, 0)
    assert shop.refused(lambda: capture(shop, authorization)) == "AUTHORIZATION_ALREADY_CAPTURED"
    assert shop.refused(lambda: void(shop, authorization)) == "PREVIOUSLY_CAPTURED"
    payments = shop.get(f"v2/checkout/orders/{order['id']}")["purchase_units"][0]["payments"]
    assert [item["id"] for item in payments["captures"]] == [taken["id"]]
    assert [event["event_type"] for event in heard()] == [
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.AUTHORIZATION.CREATED",
        "CHECKOUT.ORDER.COMPLETED",
        "PAYMENT.CAPTURE.COMPLETED",
    ]


def test_a_final_capture_of_a_part_lets_the_rest_go(shop):
    authorization = shop.authorized()
    taken = capture(shop, authorization, {**usd("4.00"), "final_capture": True})
    assert taken["final_capture"] is True
    assert show(shop, authorization)["status"] == "CAPTURED"
    assert sums(shop, authorization["id"]) == (1000, 400, 600)


def test_parts_are_captured_until_nothing_is_left(shop):
    authorization = shop.authorized()
    capture(shop, authorization, usd("4.00"))
    assert show(shop, authorization)["status"] == "PARTIALLY_CAPTURED"
    assert capture(shop, authorization)["amount"]["value"] == "6.00"
    assert show(shop, authorization)["status"] == "CAPTURED"
    assert sums(shop, authorization["id"]) == (1000, 1000, 0)


def test_captures_may_exceed_what_was_authorised_by_fifteen_per_cent(shop):
    authorization = shop.authorized()
    assert shop.refused(lambda: capture(shop, authorization, usd("11.51"))) == "MAX_CAPTURE_AMOUNT_EXCEEDED"
    assert capture(shop, authorization, usd("11.50"))["status"] == "COMPLETED"
    assert sums(shop, authorization["id"]) == (1000, 1150, 0)


def test_ten_captures_are_the_most(shop):
    authorization = shop.authorized()
    for _ in range(10):
        capture(shop, authorization, usd("0.10"))
    assert shop.refused(lambda: capture(shop, authorization, usd("0.10"))) == "MAX_CAPTURE_COUNT_EXCEEDED"


@pytest.mark.parametrize(
    ("body", "status", "issue"),
    [
        (usd("1.00", "EUR"), 422, "AUTH_CAPTURE_CURRENCY_MISMATCH"),
        (usd("1.001"), 422, "DECIMAL_PRECISION"),
        (usd("1.5", "JPY"), 422, "DECIMALS_NOT_SUPPORTED"),
        (usd("0"), 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ({"amount": "1.00"}, 400, "INVALID_PARAMETER_SYNTAX"),
        ({"final_capture": "yes"}, 400, "INVALID_PARAMETER_SYNTAX"),
        ({"final": True}, 400, "NOT_SUPPORTED"),
    ],
)
def test_a_capture_out_of_form_is_refused(shop, body, status, issue):
    authorization = shop.authorized()
    assert shop.refused(lambda: capture(shop, authorization, body), status) == issue
    assert sums(shop, authorization["id"]) == (1000, 0, 0)


def test_a_capture_may_carry_an_invoice_of_its_own_but_no_one_elses(shop):
    shop.captured(invoice_id="taken")
    authorization = shop.authorized(invoice_id="mine")
    assert shop.refused(lambda: capture(shop, authorization, {"invoice_id": "taken"})) == "DUPLICATE_INVOICE_ID"
    assert capture(shop, authorization, {**usd("1.00"), "invoice_id": "another"})["invoice_id"] == "another"
    assert capture(shop, authorization)["invoice_id"] == "mine"


def test_a_voided_authorization_is_over(shop, heard):
    authorization = shop.authorized()
    void(shop, authorization, Prefer="return=minimal")
    assert shop.api.last == (204, None)
    assert show(shop, authorization)["status"] == "VOIDED"
    assert sums(shop, authorization["id"]) == (1000, 0, 1000)
    assert shop.refused(lambda: capture(shop, authorization)) == "AUTHORIZATION_VOIDED"
    assert shop.refused(lambda: void(shop, authorization)) == "PREVIOUSLY_VOIDED"
    assert heard()[-1]["event_type"] == "PAYMENT.AUTHORIZATION.VOIDED"
    assert heard()[-1]["resource"]["id"] == authorization["id"]


def test_voiding_answers_the_authorization_when_asked_for_it(shop):
    authorization = shop.authorized()
    capture(shop, authorization, usd("3.00"))
    assert void(shop, authorization)["status"] == "VOIDED"
    assert sums(shop, authorization["id"]) == (1000, 300, 700)


def test_an_authorization_runs_out_after_29_days(shop, heard):
    authorization = shop.authorized()
    shop.sandbox.advance(29 * DAY - 60)
    assert show(shop, authorization)["status"] == "CREATED"
    shop.sandbox.advance(61)
    assert show(shop, authorization)["status"] == "VOIDED"
    assert shop.refused(lambda: capture(shop, authorization)) == "AUTHORIZATION_EXPIRED"
    assert sums(shop, authorization["id"]) == (1000, 0, 1000)
    assert [event["event_type"] for event in heard()][-1] == "PAYMENT.AUTHORIZATION.VOIDED"


def test_an_authorization_is_renewed_once_after_its_honour_period(shop):
    first = shop.authorized()
    path = f"v2/payments/authorizations/{first['id']}/reauthorize"
    assert shop.refused(lambda: shop.post(path)) == "REAUTHORIZATION_TOO_SOON"
    shop.sandbox.advance(4 * DAY)
    second = shop.post(path, usd("10.00"))
    assert (shop.api.last[0], second["status"], second["id"] != first["id"]) == (201, "CREATED", True)
    again = f"v2/payments/authorizations/{second['id']}/reauthorize"
    assert shop.refused(lambda: shop.post(again)) == "REAUTHORIZATION_NOT_SUPPORTED"
    assert shop.refused(lambda: void(shop, second)) == "CANNOT_BE_VOIDED"

    capture(shop, second, usd("2.00"))
    assert show(shop, first)["status"] == "PARTIALLY_CAPTURED"
    void(shop, first)
    assert (show(shop, second)["status"], sums(shop, first["id"])) == ("VOIDED", (1000, 200, 800))


def test_a_denied_authorization_holds_nothing(shop):
    authorization = shop.authorized("declined_capture")
    assert authorization["status"] == "DENIED"
    assert shop.refused(lambda: capture(shop, authorization)) == "AUTHORIZATION_DENIED"
    assert shop.sandbox.ledger()["entries"] == []


@pytest.mark.parametrize(("outcome", "expected"), [("succeed", (1000, 1000, 0)), ("fail", (1000, 0, 1000))])
def test_a_pending_capture_of_an_authorization_is_settled(shop, outcome, expected):
    authorization = shop.authorized("echeck")
    assert capture(shop, authorization)["status"] == "PENDING"
    assert sums(shop, authorization["id"]) == (1000, 0, 0)
    shop.sandbox.settle(authorization["id"], outcome)
    assert sums(shop, authorization["id"]) == expected


def test_no_authorization_answers_404(shop):
    path = "v2/payments/authorizations/5O190127TN364715T"
    assert shop.refused(lambda: shop.get(path), 404) == "INVALID_RESOURCE_ID"
    assert shop.refused(lambda: shop.post(f"{path}/capture"), 404) == "INVALID_RESOURCE_ID"
