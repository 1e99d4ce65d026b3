"""The hosted page: the form that leads to it, what a customer does there, and how his browser comes back."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from django_payments_hub.testing.browser import post_form
from django_payments_hub.testing.sandbox import SandboxError
from tests.sandbox.browser import visit
from tests.sandbox.jazzcash.conftest import BACK, FORM, MERCHANT, PAYS, UNDECIDED

CARD = "5123 4567 8901 2346"


def test_a_card_pays(shop):
    form = shop.form(pp_SubMerchantID="sub")
    page = visit(shop.open(form))
    assert (page.status, "Rs. 1,250.00" in page.html, "Two books" in page.html) == (200, True, True)
    assert "pp_Password" not in page.html
    url, fields = shop.back(visit(shop.open(form), {"outcome": "pay", "number": CARD}))
    assert url == BACK
    assert (fields["pp_ResponseCode"], fields["pp_TxnType"], fields["pp_SubMerchantId"]) == ("000", "MPAY", "sub")
    assert {"pp_RetreivalReferenceNo", "ppmbf_1", "ppmpf_5", "pp_SettlementExpiry"} <= set(fields)
    assert "pp_Password" not in fields
    assert shop.stands(fields["pp_TxnRefNo"]) == ("121", "Completed")
    assert shop.books(fields["pp_TxnRefNo"])["captured"] == 125000


@pytest.mark.parametrize(
    ("kind", "choice", "code", "stands"),
    [
        ("MPAY", {"number": "4000000000000002"}, "402", ("402", "Failed")),
        ("MPAY", {"number": "4000000000009995"}, "405", ("405", "Failed")),
        ("MPAY", {"outcome": "cancel"}, "112", ("112", "Failed")),
        ("MPAY", {"outcome": "pending"}, "157", ("157", "Pending")),
        ("MPAY", {"outcome": "fail"}, "402", ("402", "Failed")),
        ("MPAY", {"outcome": "succeed"}, "000", ("121", "Completed")),
        ("MWALLET", {"mobile": PAYS}, "000", ("121", "Completed")),
        ("MWALLET", {"mobile": PAYS, "cnic": "111111"}, "157", ("157", "Pending")),
        ("MWALLET", {"mobile": UNDECIDED}, "157", ("157", "Pending")),
        ("OTC", {}, "124", ("124", "Pending")),
        ("", {"method": "MWALLET", "mobile": PAYS}, "000", ("121", "Completed")),
        ("", {"method": "OTC"}, "124", ("124", "Pending")),
        ("", {"method": "MPAY", "number": CARD}, "000", ("121", "Completed")),
        ("", {"outcome": "voucher"}, "124", ("124", "Pending")),
    ],
)
def test_what_a_customer_does_there(shop, kind, choice, code, stands):
    fields = shop.pay(shop.form(kind), **choice)
    assert (fields["pp_ResponseCode"], shop.stands(fields["pp_TxnRefNo"])) == (code, stands)
    assert bool(shop.books(fields["pp_TxnRefNo"])) == (code == "000")


@pytest.mark.parametrize(("kind", "choice"), [("MPAY", {"number": "1234"}), ("MWALLET", {"mobile": "0301"})])
def test_what_is_typed_wrong_is_typed_again(shop, kind, choice):
    address = shop.open(shop.form(kind))
    refused = visit(address, {"outcome": "pay", **choice})
    assert (refused.status, "valid value" in refused.html) == (402, True)
    assert shop.back(visit(address, {"outcome": "succeed"}))[1]["pp_ResponseCode"] == "000"


def test_an_open_page_is_no_payment_yet(shop):
    form = shop.form()
    shop.open(form)
    assert shop.inquire(form["pp_TxnRefNo"])["pp_ResponseCode"] == "109"


def test_a_form_posted_again_leads_to_the_same_page_until_it_is_paid(shop):
    form = shop.form()
    address = shop.open(form)
    assert shop.open(form) == address
    shop.back(visit(address, {"outcome": "succeed"}))
    url, fields = shop.back(shop.post(form))
    assert (url, fields["pp_ResponseCode"]) == (BACK, "110")
    again = shop.back(visit(address, {"outcome": "succeed"}))[1]
    assert again["pp_ResponseCode"] == "000"
    assert len(shop.sandbox.ledger(provider="jazzcash")["entries"]) == 1


def test_a_form_of_another_amount_leads_nowhere(shop):
    form = shop.form()
    address = shop.open(form)
    changed = shop.form(pp_TxnRefNo=form["pp_TxnRefNo"], pp_Amount="100")
    assert shop.back(shop.post(changed))[1]["pp_ResponseCode"] == "110"
    shop.back(visit(address, {"outcome": "succeed"}))
    assert shop.books(form["pp_TxnRefNo"])["captured"] == 125000


def test_two_who_pay_on_one_page_at_once_pay_once(shop):
    address = shop.open(shop.form())
    with ThreadPoolExecutor(6) as pool:
        pages = list(pool.map(lambda _: visit(address, {"outcome": "succeed"}), range(6)))
    assert {shop.back(page)[1]["pp_ResponseCode"] for page in pages} == {"000"}
    assert len(shop.sandbox.ledger(provider="jazzcash")["entries"]) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"pp_Amount": "100"}, "115"),
        ({"pp_Password": "wrong"}, "101"),
        ({"pp_TxnCurrency": "USD"}, "110"),
        ({"pp_TxnType": "DD"}, "110"),
        ({"pp_SecureHash": ""}, "115"),
    ],
)
def test_a_form_that_is_refused_comes_back_at_once(shop, change, code):
    form = {**shop.form(), **change}
    page = shop.post(form)
    assert page.status == 200
    url, fields = shop.back(page)
    assert (url, fields["pp_ResponseCode"], fields["pp_TxnRefNo"]) == (BACK, code, form["pp_TxnRefNo"])
    assert shop.inquire(form["pp_TxnRefNo"])["pp_ResponseCode"] == "109"


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "/back"])
def test_without_a_way_back_there_is_a_message(shop, url):
    page = shop.post(shop.form(pp_ReturnURL=url))
    assert (page.status, "110" in page.html) == (400, True)


def test_another_return_address_than_the_registered_one_is_refused(shop, sandbox):
    sandbox.deed("merchant", account=MERCHANT, return_url="https://shop.example/registered")
    page = shop.post(shop.form())
    assert (page.status, "insufficient merchant information" in page.html) == (400, True)
    assert shop.post(shop.form(pp_ReturnURL="https://shop.example/registered")).status == 303


def test_a_page_whose_time_is_over_takes_no_money(shop, sandbox):
    form = shop.form()
    address = shop.open(form)
    sandbox.advance(24 * 3600 + 1)
    assert shop.back(visit(address, {"outcome": "succeed"}))[1]["pp_ResponseCode"] == "116"
    assert shop.books(form["pp_TxnRefNo"]) is None


def test_a_voucher_is_paid_or_runs_out(shop, sandbox):
    first, second = (shop.pay(shop.form("OTC"))["pp_TxnRefNo"] for _ in range(2))
    sandbox.settle(first)
    sandbox.advance(24 * 3600 + 1)
    assert (shop.stands(first), shop.stands(second)) == (("121", "Completed"), ("116", "Expired"))


class TestByDeed:
    def test_a_card_or_a_number_pays(self, shop, sandbox):
        card, wallet = shop.form(), shop.form("MWALLET")
        assert post_form(shop.base + FORM, card).status == 303
        assert post_form(shop.base + FORM, wallet).location.startswith(shop.base)
        paid = sandbox.pay_session(card["pp_TxnRefNo"], "4000000000000002")
        assert (paid["status"], paid["return"]["fields"]["pp_ResponseCode"]) == ("failed", "402")
        assert sandbox.pay_session(wallet["pp_TxnRefNo"], PAYS)["status"] == "completed"

    def test_an_outcome_is_chosen(self, shop, sandbox):
        form = shop.form()
        shop.post(form)
        with pytest.raises(SandboxError, match="outcome must be"):
            sandbox.deed("pay_session", session=form["pp_TxnRefNo"], outcome="perhaps")
        assert sandbox.deed("pay_session", session=form["pp_TxnRefNo"], outcome="voucher")["status"] == "voucher"

    def test_a_page_that_nobody_opened_is_not_there(self, shop, sandbox):
        with pytest.raises(SandboxError, match="not found"):
            sandbox.pay_session(shop.form()["pp_TxnRefNo"])

    def test_a_page_runs_out(self, shop, sandbox):
        form = shop.form()
        address = shop.open(form)
        sandbox.expire_session(form["pp_TxnRefNo"])
        assert shop.back(visit(address, {"outcome": "succeed"}))[1]["pp_ResponseCode"] == "116"


def test_other_pages_are_not_there(shop):
    assert visit(f"{shop.base}/CustomerPortal/pay/nothing").status == 404
    assert visit(f"{shop.base}/elsewhere").status == 404
