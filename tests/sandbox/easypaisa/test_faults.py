"""Scripted faults at EasyPaisa: answers that do not come, a firewall's page, lies in its own fields."""

import httpx
import pytest

from tests.sandbox.easypaisa.conftest import PAYS


def ask(shop):
    given = shop.order(storeId=shop.known["store_id"], transactionType="MA", mobileAccountNo=PAYS)
    headers = {"Credentials": shop.credentials()}
    url = f"{shop.base}/easypay-service/rest/v4/initiate-ma-transaction"
    return shop.http.post(url, json=given, headers=headers, timeout=0.5)


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["hang", "reset", "close", "truncate"])
def test_an_answer_may_not_come(shop, sandbox, kind, when, made):
    sandbox.fault(kind, operation="ma.pay", when=when)
    with pytest.raises(httpx.TransportError):
        ask(shop)
    assert len(sandbox.ledger()["entries"]) == made
    (call,) = sandbox.calls(provider="easypaisa")
    assert (call["operation"], call["fault"], call["effect"]) == ("ma.pay", kind, bool(made))


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize(("kind", "words"), [("waf", "Request Rejected"), ("html", "maintenance")])
def test_an_answer_may_be_a_page(shop, sandbox, kind, words, when, made):
    sandbox.fault(kind, operation="ma.pay", when=when)
    answer = ask(shop)
    assert (answer.status_code, words in answer.text) == (200, True)
    assert len(sandbox.ledger()["entries"]) == made


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("wrong_amount", "transactionAmount", "1250.01"),
        ("wrong_id", "orderId", "ORDER-XXXX"),
        ("missing_id", "orderId", None),
        ("unknown_status", "transactionStatus", "STATUS_OF_THE_FUTURE"),
        ("extra_fields", "anotherNewField", "value"),
        ("wrong_currency", "transactionStatus", "PAID"),  # it names none
    ],
)
def test_an_inquiry_may_lie(shop, sandbox, kind, field, value):
    order = shop.pay()["orderId"]
    sandbox.fault(kind, operation="inquire", when="after")
    assert shop.inquire(order).get(field) == value


def test_a_voucher_may_be_answered_by_a_code_of_the_future(shop, sandbox):
    sandbox.fault("unknown_status", operation="otc.create", when="after")
    assert shop.voucher()["responseCode"] == "7777"


def test_one_call_is_singled_out_by_its_order(shop, sandbox):
    first, second = (shop.pay()["orderId"] for _ in range(2))
    sandbox.fault("status", operation="inquire", status=503, match={"orderId": first}, times=9)
    with pytest.raises(AssertionError):
        shop.inquire(first)
    assert shop.stands(second) == "PAID"
