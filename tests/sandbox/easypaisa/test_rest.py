"""EasyPaisa's REST interface: mobile accounts, vouchers, inquiries, and what is done behind the store's back."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from django_payments_hub.testing.sandbox import SandboxError
from tests.sandbox.easypaisa.conftest import PAYS, POOR, REST, STORE, UNDECIDED


def test_a_mobile_account_pays(shop):
    answer = shop.pay()
    assert (answer["responseCode"], answer["responseDesc"], answer["storeId"]) == ("0000", "SUCCESS", STORE)
    assert answer["transactionId"]
    assert answer["transactionDateTime"].endswith(("AM", "PM"))
    told = shop.inquire(answer["orderId"])
    assert (told["transactionStatus"], told["transactionAmount"]) == ("PAID", "1250.00")
    assert (told["paymentMode"], told["msisdn"], told["errorCode"]) == ("MA", PAYS, "")
    books = shop.books(answer["orderId"])
    assert (books["captured"], books["currency"], books["status"]) == (125000, "PKR", "paid")
    assert books["metadata"] == {"orderId": answer["orderId"]}


@pytest.mark.parametrize(
    ("mobile", "code", "stands", "error"),
    [
        (PAYS, "0000", "PAID", ""),
        (POOR, "0013", "FAILED", "0013"),
        ("03450000011", "0011", "FAILED", "0011"),
        ("03450000014", "0014", "FAILED", "0014"),
        ("03450000001", "0001", "FAILED", "0001"),
        ("03457770000", "0000", "FAILED", "0001"),
        ("03458880000", "0001", "PENDING", ""),
        (UNDECIDED, "0000", "PENDING", ""),
    ],
)
def test_a_number_says_what_comes_of_it(shop, mobile, code, stands, error):
    answer = shop.pay(mobile)
    assert answer["responseCode"] == code
    told = shop.inquire(answer["orderId"])
    assert (told["responseCode"], told["transactionStatus"], told["errorCode"]) == ("0000", stands, error)
    assert bool(shop.books(answer["orderId"])) == (stands == "PAID")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"orderId": None}, "0002"),
        ({"orderId": "no spaces"}, "0003"),
        ({"transactionAmount": ""}, "0002"),
        ({"transactionAmount": "0.00"}, "0028"),
        ({"transactionAmount": "12.345"}, "0028"),
        ({"transactionAmount": "-1"}, "0028"),
        ({"transactionType": "OTC"}, "0008"),
        ({"mobileAccountNo": None}, "0002"),
        ({"mobileAccountNo": "+923451234567"}, "0026"),
        ({"emailAddress": "nobody"}, "0027"),
        ({"storeId": None}, "0002"),
        ({"storeId": "shop"}, "0006"),
    ],
)
def test_what_is_wrong_is_refused(shop, given, code):
    assert shop.pay(**given)["responseCode"] == code
    assert shop.sandbox.ledger(provider="easypaisa")["entries"] == []


@pytest.mark.parametrize("given", [{"username": "another"}, {"password": "another"}, {"store_id": "66666"}])
def test_credentials_have_to_be_right(shop, given):
    shop.known.update(given)
    assert shop.pay()["responseCode"] == "0010"
    assert shop.inquire("ORDER-0001")["responseCode"] == "0010"


def test_credentials_go_into_a_header_of_their_own(shop):
    given = {"storeId": STORE, **shop.order(transactionType="MA", mobileAccountNo=PAYS)}
    for headers in ({}, {"Authorization": f"Basic {shop.credentials()}"}):
        answer = shop.http.post(f"{shop.base}{REST}/initiate-ma-transaction", json=given, headers=headers)
        assert answer.json()["responseCode"] == "0010"


def test_no_json_and_no_post_are_no_call(shop):
    url = f"{shop.base}{REST}/inquire-transaction"
    assert shop.http.post(url, content=b"[]").status_code == 400
    assert shop.http.get(url).status_code == 405


def test_an_order_is_paid_once(shop):
    first = shop.pay(POOR)
    assert shop.pay(orderId=first["orderId"])["responseCode"] == "0003"
    given = {"storeId": STORE, **shop.order(transactionType="MA", mobileAccountNo=PAYS)}
    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(lambda _: shop.send("initiate-ma-transaction", given).json()["responseCode"], range(6))
        assert sorted(answers) == ["0000", *["0003"] * 5]
    assert len(shop.sandbox.ledger(provider="easypaisa")["entries"]) == 1


class TestInquiries:
    def test_know_the_orders_of_their_store(self, shop, sandbox):
        order = shop.pay()["orderId"]
        assert shop.inquire("ORDER-9999")["responseCode"] == "0003"
        shop.known = sandbox.deed("store", account="66666")
        assert shop.inquire(order)["responseCode"] == "0003"

    def test_need_the_stores_account(self, shop):
        order = shop.pay()["orderId"]
        assert shop.inquire(order, accountNum=None)["responseCode"] == "0002"
        assert shop.inquire(order, accountNum="1")["responseCode"] == "0004"

    def test_tell_how_the_money_gets_to_the_merchant(self, shop, sandbox):
        order = shop.pay()["orderId"]
        sandbox.deed("settlement", payment=order, status="FAILED")
        told = shop.inquire(order)
        assert (told["transactionStatus"], told["settlementStatus"]) == ("PAID", "FAILED")


class TestVouchers:
    def test_are_paid_at_a_shop(self, shop, sandbox):
        answer = shop.voucher()
        assert (answer["responseCode"], len(answer["paymentToken"])) == ("0000", 10)
        told = shop.inquire(answer["orderId"])
        assert (told["transactionStatus"], told["paymentMode"]) == ("PENDING", "OTC")
        assert told["paymentToken"] == answer["paymentToken"]
        sandbox.settle(answer["orderId"])
        assert (shop.stands(answer["orderId"]), shop.books(answer["orderId"])["captured"]) == ("PAID", 125000)

    def test_run_out(self, shop, sandbox):
        soon = shop.voucher(tokenExpiry=shop.in_pakistan(hours=1))["orderId"]
        by_default = shop.voucher()["orderId"]
        sandbox.advance(3601)
        assert (shop.stands(soon), shop.stands(by_default)) == ("EXPIRED", "PENDING")
        sandbox.advance(3 * 24 * 3600)
        assert shop.stands(by_default) == "EXPIRED"
        with pytest.raises(SandboxError, match="expired"):
            sandbox.settle(soon)

    @pytest.mark.parametrize("expiry", ["20200101 000000", "2027-01-01", "20261301 000000"])
    def test_need_an_expiry_to_come(self, shop, expiry):
        answer = shop.voucher(tokenExpiry=expiry)
        assert answer["responseCode"] == "0015"

    def test_that_are_refused_leave_their_order_free(self, shop):
        assert shop.voucher(orderId="ORDER-X", tokenExpiry="never")["responseCode"] == "0015"
        assert shop.voucher(orderId="ORDER-X")["responseCode"] == "0000"


class TestWhatWaits:
    @pytest.fixture
    def waiting(self, shop):
        return shop.pay(UNDECIDED)["orderId"]

    def test_is_settled(self, shop, sandbox, waiting):
        assert sandbox.settle(waiting)["state"] == "paid"
        assert (shop.stands(waiting), shop.books(waiting)["captured"]) == ("PAID", 125000)
        with pytest.raises(SandboxError, match="waits for nothing"):
            sandbox.settle(waiting)

    def test_fails(self, shop, sandbox, waiting):
        sandbox.deed("fail", payment=waiting, code="0012")
        told = shop.inquire(waiting)
        assert (told["transactionStatus"], told["errorCode"]) == ("FAILED", "0012")

    def test_fails_without_a_reason(self, shop, sandbox, waiting):
        sandbox.settle(waiting, "fail")
        assert (shop.stands(waiting), shop.books(waiting)) == ("FAILED", None)

    def test_fails_only_with_a_code_of_failure(self, sandbox, waiting):
        with pytest.raises(SandboxError, match="no code"):
            sandbox.deed("fail", payment=waiting, code="0000")

    def test_waits_for_ever(self, shop, sandbox, waiting):
        sandbox.advance(90 * 24 * 3600)
        assert shop.stands(waiting) == "PENDING"
        sandbox.deed("expire", payment=waiting)
        assert shop.stands(waiting) == "EXPIRED"


class TestMoneyBack:
    def test_is_given_by_hand(self, shop, sandbox):
        order = shop.pay()["orderId"]
        sandbox.external_refund(order, 25000)
        assert (shop.stands(order), shop.books(order)["refunded"]) == ("PAID", 25000)
        with pytest.raises(SandboxError, match="are left"):
            sandbox.external_refund(order, 100001)
        sandbox.external_refund(order)
        assert (shop.stands(order), shop.books(order)["refunded"]) == ("REVERSED", 125000)

    def test_is_all_of_it_when_a_payment_is_reversed(self, shop, sandbox):
        order = shop.pay()["orderId"]
        sandbox.deed("reverse", payment=order)
        assert (shop.stands(order), shop.books(order)["refunded"]) == ("REVERSED", 125000)
        with pytest.raises(SandboxError, match="reversed"):
            sandbox.deed("reverse", payment=order)


def test_settings_point_an_account_at_a_store_that_is_always_there(shop, sandbox):
    settings = sandbox.settings("easypaisa")
    assert set(settings) == {"API_BASE", "STORE_ID", "USERNAME", "PASSWORD", "ACCOUNT_NUM", "HASH_KEY"}
    sandbox.reset()
    assert sandbox.settings("easypaisa") == settings
    assert len(settings["HASH_KEY"]) == 16
    names = ("STORE_ID", "USERNAME", "PASSWORD", "ACCOUNT_NUM")
    shop.known = {name.lower(): settings[name] for name in names}
    assert shop.stands(shop.pay()["orderId"]) == "PAID"


@pytest.mark.parametrize("given", [{"account": "shop"}, {"account": STORE, "hash_key": "short"}])
def test_a_store_that_makes_no_sense_is_refused(sandbox, given):
    with pytest.raises(SandboxError) as refused:
        sandbox.deed("store", **given)
    assert refused.value.status == 400
