"""The hosted plug-in: the form and its hash, the customer's choice, the way back with a token, the confirmation."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from django_payments_hub.testing.sandbox import SandboxError
from tests.sandbox.browser import visit
from tests.sandbox.easypaisa.conftest import BACK, DONE, PAYS, POOR, STORE, UNDECIDED, encrypted, query


def test_a_mobile_account_pays_at_the_confirmation_and_not_before(shop):
    form = shop.hashed(shop.form(mobileNum=PAYS, emailAddr="ada@shop.example"))
    page = visit(shop.open(form))
    assert (page.status, "Rs. 1,250.00" in page.html, f'value="{PAYS}"' in page.html) == (200, True, True)
    token = shop.choose(form, mobile="")
    assert shop.inquire(form["orderRefNum"])["responseCode"] == "0003"
    landed = shop.confirm(token)
    assert landed.status == 303
    assert query(landed.location) == {"status": "0000", "desc": "SUCCESS", "orderRefNumber": form["orderRefNum"]}
    assert str(landed.location).startswith(f"{DONE}?")
    assert shop.stands(form["orderRefNum"]) == "PAID"
    assert shop.books(form["orderRefNum"])["captured"] == 125000


@pytest.mark.parametrize(
    ("choice", "status", "stands"),
    [
        ({"mobile": POOR}, "0013", "FAILED"),
        ({"mobile": UNDECIDED}, "0000", "PENDING"),
        ({"outcome": "fail"}, "0013", "FAILED"),
        ({"outcome": "pending"}, "0000", "PENDING"),
        ({"outcome": "succeed", "mobile": ""}, "0000", "PAID"),
        ({"method": "CC"}, "0000", "PAID"),
        ({"method": "CC", "outcome": "fail"}, "0009", "FAILED"),
        ({"method": "OTC"}, "0000", "PENDING"),
    ],
)
def test_what_a_customer_does_there(shop, choice, status, stands):
    form = shop.form()
    landed = shop.confirm(shop.choose(form, **choice))
    assert (query(landed.location)["status"], shop.stands(form["orderRefNum"])) == (status, stands)


def test_without_an_automatic_way_back_there_is_a_link(shop):
    form = shop.form(autoRedirect="0")
    page = shop.confirm(shop.choose(form, method="OTC"))
    token = shop.inquire(form["orderRefNum"])["paymentToken"]
    assert (page.status, token in page.html, f'href="{DONE}?status=0000' in page.html) == (200, True, True)


def test_who_confirms_twice_pays_once(shop):
    form = shop.form()
    first, second = shop.choose(form), shop.choose(form, outcome="fail")
    with ThreadPoolExecutor(6) as pool:
        pages = list(pool.map(lambda _: shop.confirm(first), range(6)))
    assert {query(page.location)["status"] for page in pages} == {"0000"}
    assert query(shop.confirm(second).location)["status"] == "0000"
    assert len(shop.sandbox.ledger(provider="easypaisa")["entries"]) == 1


def test_a_form_posted_again_leads_to_the_same_page_until_it_is_paid(shop):
    form = shop.form()
    address = shop.open(form)
    assert shop.open(form) == address
    shop.confirm(shop.choose(form))
    again = shop.post(form)
    assert query(again.location) == {
        "order": "7",
        "status": "0003",
        "desc": "INVALID ORDER ID",
        "orderRefNumber": form["orderRefNum"],
    }
    assert "paid" in visit(address, {"outcome": "succeed"}).html


def test_a_form_of_another_amount_leads_nowhere(shop):
    form = shop.form()
    token = shop.choose(form)
    assert query(shop.post({**form, "amount": "1.0"}).location)["status"] == "0003"
    shop.confirm(token)
    assert shop.books(form["orderRefNum"])["captured"] == 125000


def test_who_cancels_may_come_again(shop):
    form = shop.form()
    left = visit(shop.open(form), {"outcome": "cancel"})
    assert (left.status, query(left.location)["status"]) == (303, "0001")
    assert shop.inquire(form["orderRefNum"])["responseCode"] == "0003"
    shop.confirm(shop.choose(form))
    assert shop.stands(form["orderRefNum"]) == "PAID"


def test_what_is_typed_wrong_is_typed_again(shop):
    refused = visit(shop.open(shop.form()), {"outcome": "pay", "method": "MA", "mobile": "0301"})
    assert (refused.status, "Invalid mobile number" in refused.html) == (402, True)


def test_a_form_may_say_how_it_is_paid(shop):
    form = shop.form(paymentMethod="OTC_PAYMENT_METHOD", expiryDate=shop.in_pakistan(hours=1))
    assert 'value="MA"' not in visit(shop.open(form)).html
    shop.confirm(shop.choose(form, method="MA"))
    assert shop.inquire(form["orderRefNum"])["paymentMode"] == "OTC"
    shop.sandbox.advance(3601)
    assert shop.stands(form["orderRefNum"]) == "EXPIRED"


def test_what_has_expired_is_not_confirmed(shop, sandbox):
    form = shop.form(expiryDate=shop.in_pakistan(hours=1))
    token = shop.choose(form)
    sandbox.advance(3601)
    assert query(shop.confirm(token).location)["status"] == "0016"
    assert (shop.stands(form["orderRefNum"]), shop.books(form["orderRefNum"])) == ("EXPIRED", None)


@pytest.mark.parametrize("given", [{"auth_token": "nothing", "postBackURL": DONE}, {}])
def test_a_token_is_needed(shop, given):
    assert visit(f"{shop.base}/easypay/Confirm.jsf", given).status == 400


def test_a_way_back_is_needed(shop):
    form = shop.form()
    assert shop.confirm(shop.choose(form), url="javascript:alert(1)").status == 400
    assert shop.books(form["orderRefNum"]) is None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"amount": "12"}, "0028"),
        ({"amount": "12.50"}, "0028"),
        ({"amount": "0.0"}, "0028"),
        ({"orderRefNum": ""}, "0002"),
        ({"orderRefNum": "a b"}, "0003"),
        ({"storeId": "shop"}, "0006"),
        ({"autoRedirect": "yes"}, "0002"),
        ({"paymentMethod": "CASH"}, "0008"),
        ({"mobileNum": "+923451234567"}, "0026"),
        ({"emailAddr": "nobody"}, "0027"),
        ({"expiryDate": "20200101 000000"}, "0015"),
    ],
)
def test_a_form_that_is_refused_comes_back_at_once(shop, given, code):
    page = shop.post(shop.form(**given))
    assert (page.status, str(page.location).startswith(BACK), query(page.location)["status"]) == (303, True, code)


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "/back"])
def test_without_a_way_back_there_is_a_message(shop, url):
    assert shop.post(shop.form(postBackURL=url)).status == 400


class TestTheHash:
    def test_is_what_openssl_makes_of_the_guides_sample(self):
        text = (
            "amount=10.0&autoRedirect=0&expiryDate=20150101 151515&orderRefNum=11001"
            "&postBackURL=http://localhost:9081/local/status.php&storeId=28"
        )
        assert encrypted("0123456789ABCDEF", text) == (
            "+2DgaAd49gKJSABArGAoGZ2nHkuUxEiM/vWN+CCkhGkSnle5U3Js2AhSPDbyC8NLrJI+u4bf9ahPUHWJO7LtYJckEzXo7Y19H9OgmVv8"
            "iQcFGxxY9EobFiR868PzaF7Gv4cNzVMJdRPmg6TO1uZGPNQQgK9vQVbtUV4zp5yP77j2PiTL6uqI5wbUZdMvPkwd"
        )

    def test_of_that_sample_is_taken(self, shop, sandbox):
        sandbox.set_clock("2015-01-01T00:00:00+05:00")
        sandbox.deed("store", account="28", hash_key="0123456789ABCDEF")
        shop.known["hash_key"] = "0123456789ABCDEF"
        form = {
            "amount": "10.0",
            "autoRedirect": "0",
            "expiryDate": "20150101 151515",
            "orderRefNum": "11001",
            "postBackURL": "http://localhost:9081/local/status.php",
            "storeId": "28",
        }
        shop.open(shop.hashed(form))

    def test_is_verified_when_it_is_sent(self, shop):
        hashed = shop.hashed(shop.form())
        assert query(shop.post({**hashed, "amount": "1.0"}).location)["status"] == "0023"
        assert query(shop.post({**hashed, "merchantHashedReq": "AAAA"}).location)["status"] == "0023"
        shop.open(hashed)

    def test_leaves_out_what_is_empty(self, shop):
        shop.open({**shop.hashed(shop.form()), "bankIdentifier": ""})

    def test_may_be_demanded(self, shop, sandbox):
        sandbox.deed("store", account=STORE, require_hash=True)
        assert query(shop.post(shop.form()).location)["status"] == "0024"
        shop.open(shop.hashed(shop.form()))


class TestByDeed:
    @pytest.fixture
    def opened(self, shop):
        form = shop.form()
        shop.open(form)
        return form["orderRefNum"]

    @pytest.mark.parametrize(
        ("given", "status"),
        [
            ({}, "paid"),
            ({"card": "4242424242424242"}, "paid"),
            ({"card": "4000000000000002"}, "failed"),
            ({"card": POOR}, "failed"),
            ({"card": UNDECIDED}, "pending"),
            ({"outcome": "fail"}, "failed"),
            ({"method": "OTC"}, "pending"),
        ],
    )
    def test_a_page_is_paid_and_confirmed(self, sandbox, opened, given, status):
        done = sandbox.deed("pay_session", session=opened, **given)
        assert (done["status"], done["return"]["fields"]["orderRefNumber"]) == (status, opened)

    def test_or_only_chosen(self, shop, sandbox, opened):
        chosen = sandbox.deed("pay_session", session=opened, confirm=False)
        assert (chosen["status"], chosen["return"]["url"]) == ("page", BACK)
        shop.confirm(chosen["return"]["fields"]["auth_token"])
        assert shop.stands(opened) == "PAID"

    def test_a_page_runs_out(self, shop, sandbox, opened):
        sandbox.expire_session(opened)
        with pytest.raises(SandboxError, match="outcome must be"):
            sandbox.deed("pay_session", session=opened, outcome="perhaps")
        assert sandbox.pay_session(opened)["status"] == "expired"
        assert shop.books(opened) is None


def test_other_pages_are_not_there(shop):
    assert visit(f"{shop.base}/easypay/pay/nothing").status == 404
    assert visit(f"{shop.base}/elsewhere").status == 404
