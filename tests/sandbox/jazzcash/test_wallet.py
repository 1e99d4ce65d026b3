"""Wallet payments, inquiries, refunds, and what is done to a payment behind the merchant's back."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from django_payments_hub.testing.sandbox import SandboxError
from tests.sandbox.jazzcash.conftest import (
    MERCHANT,
    PAYS,
    POOR,
    REFUND_CARD,
    UNDECIDED,
    WALLET,
)


def test_a_wallet_pays(shop):
    answer = shop.wallet()
    assert (answer["pp_ResponseCode"], answer["pp_Amount"], answer["ppmpf_1"]) == ("000", "125000", PAYS)
    assert answer["pp_RetreivalReferenceNo"]
    assert not {"pp_Password", "pp_ReturnURL"} & set(answer)
    reference = answer["pp_TxnRefNo"]
    assert shop.stands(reference) == ("121", "Completed")
    books = shop.books(reference)
    assert (books["captured"], books["currency"], books["status"]) == (125000, "PKR", "completed")
    assert books["metadata"] == {"pp_TxnRefNo": reference, "pp_BillReference": f"bill{reference}"}


@pytest.mark.parametrize(
    ("mobile", "cnic", "code", "stands"),
    [
        (PAYS, "345678", "000", ("121", "Completed")),
        (PAYS, "111111", "157", ("157", "Pending")),
        ("03123456780", "345678", "999", ("999", "Failed")),
        (UNDECIDED, "345678", "157", ("157", "Pending")),
    ],
)
def test_documented_numbers_do_what_is_documented(shop, mobile, cnic, code, stands):
    answer = shop.wallet_cnic(mobile, cnic)
    assert answer["pp_ResponseCode"] == code
    assert shop.stands(answer["pp_TxnRefNo"]) == stands


@pytest.mark.parametrize("code", ["001", "002", "003", "004", "024", "058", "060", "095", "105", "112", "199"])
def test_a_number_may_name_the_code_it_is_answered(shop, code):
    answer = shop.wallet(f"03120000{code}")
    assert (answer["pp_ResponseCode"], bool(answer["pp_ResponseMessage"])) == (code, True)
    assert shop.stands(answer["pp_TxnRefNo"]) == (code, "Failed")
    assert shop.books(answer["pp_TxnRefNo"]) is None


def test_a_reference_is_good_for_one_payment(shop):
    first = shop.wallet(POOR)
    assert first["pp_ResponseCode"] == "004"
    again = shop.wallet(pp_TxnRefNo=first["pp_TxnRefNo"])
    assert (again["pp_ResponseCode"], "pp_TxnRefNo" in again["pp_ResponseMessage"]) == ("110", True)


def test_two_at_once_with_one_reference_pay_once(shop):
    fields = shop.signed(**shop.order(pp_Version="1.1", pp_TxnType="MWALLET", ppmpf_1=PAYS))
    with ThreadPoolExecutor(6) as pool:
        codes = sorted(pool.map(lambda _: shop.call(WALLET, fields)["pp_ResponseCode"], range(6)))
    assert codes == ["000", *["110"] * 5]
    assert len(shop.sandbox.ledger(provider="jazzcash")["entries"]) == 1


def test_an_inquiry_names_no_amount_and_spells_its_reference_otherwise(shop):
    paid = shop.wallet()
    answer = shop.inquire(paid["pp_TxnRefNo"])
    assert not {"pp_Amount", "pp_TxnCurrency", "pp_MerchantID", "pp_RetreivalReferenceNo"} & set(answer)
    assert answer["pp_RetrievalReferenceNo"] == paid["pp_RetreivalReferenceNo"]


def test_an_inquiry_about_nothing(shop, sandbox):
    sandbox.deed("merchant", account="MC66666")
    assert shop.inquire("T404")["pp_ResponseCode"] == "109"
    theirs = shop.wallet()["pp_TxnRefNo"]
    shop.known = sandbox.deed("merchant", account="MC66666")
    assert shop.inquire(theirs)["pp_ResponseCode"] == "109"


class TestWhatWaits:
    @pytest.fixture
    def waiting(self, shop):
        return shop.wallet(UNDECIDED)["pp_TxnRefNo"]

    def test_is_settled(self, shop, sandbox, waiting):
        assert sandbox.settle(waiting)["state"] == "completed"
        assert (shop.stands(waiting), shop.books(waiting)["captured"]) == (("121", "Completed"), 125000)
        with pytest.raises(SandboxError, match="waits for nothing"):
            sandbox.settle(waiting)

    def test_fails(self, shop, sandbox, waiting):
        sandbox.settle(waiting, "fail")
        assert (shop.stands(waiting), shop.books(waiting)) == (("999", "Failed"), None)

    def test_fails_with_a_code(self, shop, sandbox, waiting):
        sandbox.deed("fail", payment=waiting, code="060")
        assert shop.stands(waiting) == ("060", "Failed")

    @pytest.mark.parametrize("code", ["000", "121", "xyz"])
    def test_fails_only_with_a_code_of_failure(self, sandbox, waiting, code):
        with pytest.raises(SandboxError, match="no code"):
            sandbox.deed("fail", payment=waiting, code=code)

    def test_runs_out(self, shop, sandbox, waiting):
        sandbox.advance(24 * 3600 + 1)
        assert shop.stands(waiting) == ("134", "Expired")
        with pytest.raises(SandboxError, match="expired"):
            sandbox.settle(waiting)

    def test_is_made_to_run_out(self, shop, sandbox, waiting):
        sandbox.deed("expire", payment=waiting)
        assert shop.stands(waiting)[1] == "Expired"


class TestRefunds:
    @pytest.fixture
    def paid(self, shop):
        return shop.wallet()["pp_TxnRefNo"]

    def test_give_back_a_part_and_then_the_rest(self, shop, paid):
        assert shop.refund(paid, 25000) == "000"
        assert (shop.stands(paid), shop.books(paid)["refunded"]) == (("121", "Completed"), 25000)
        assert shop.refund(paid, 100001) == "110"
        assert shop.refund(paid, 100000) == "000"
        assert (shop.stands(paid), shop.books(paid)["refunded"]) == (("131", "Refunded"), 125000)
        assert shop.refund(paid, 1) == "131"

    def test_are_two_when_they_are_sent_twice(self, shop, paid):
        assert [shop.refund(paid, 1000), shop.refund(paid, 1000)] == ["000", "000"]
        assert shop.books(paid)["refunded"] == 2000

    def test_need_the_merchants_pin(self, shop, paid):
        assert shop.refund(paid, 1000, pp_MerchantMPIN=None) == "110"
        assert shop.refund(paid, 1000, pp_MerchantMPIN="9999") == "024"
        assert shop.refund(paid, 1000) == "000"

    def test_are_closed_after_three_wrong_pins(self, shop, paid):
        assert [shop.refund(paid, 1000, pp_MerchantMPIN="9999") for _ in range(4)] == ["024", "024", "024", "060"]
        assert (shop.refund(paid, 1000), shop.books(paid)["refunded"]) == ("060", 0)

    def test_are_for_what_was_paid(self, shop):
        assert shop.refund("T404", 1000) == "109"
        assert shop.refund(shop.wallet(POOR)["pp_TxnRefNo"], 1000) == "132"
        assert shop.refund(shop.wallet(UNDECIDED)["pp_TxnRefNo"], 1000) == "132"

    def test_of_wallets_and_cards_have_a_call_each(self, shop, paid):
        assert shop.refund(paid, 1000, REFUND_CARD) == "132"
        by_card = shop.pay(shop.form(), number="5123456789012346")["pp_TxnRefNo"]
        assert shop.refund(by_card, 1000) == "132"
        assert shop.refund(by_card, 1000, REFUND_CARD) == "000"

    def test_are_made_in_the_portal_too(self, shop, sandbox, paid):
        sandbox.external_refund(paid, 25000)
        assert shop.books(paid)["refunded"] == 25000
        sandbox.external_refund(paid)
        assert shop.stands(paid) == ("131", "Refunded")
        with pytest.raises(SandboxError, match="131"):
            sandbox.external_refund(paid)


class TestReversals:
    def test_take_a_payment_back(self, shop, sandbox):
        paid = shop.wallet()["pp_TxnRefNo"]
        sandbox.deed("reverse", payment=paid)
        assert (shop.stands(paid), shop.books(paid)["refunded"]) == (("122", "Reversed"), 125000)
        assert shop.refund(paid, 1) == "132"

    def test_may_be_awaited(self, shop, sandbox):
        paid = shop.wallet()["pp_TxnRefNo"]
        sandbox.deed("reverse", payment=paid, status="awaiting")
        assert (shop.stands(paid), shop.books(paid)["refunded"]) == (("119", "Pending"), 0)
        sandbox.deed("reverse", payment=paid)
        assert shop.stands(paid) == ("122", "Reversed")

    def test_are_of_what_was_paid(self, shop, sandbox):
        with pytest.raises(SandboxError, match="nothing to reverse"):
            sandbox.deed("reverse", payment=shop.wallet(POOR)["pp_TxnRefNo"])

    @pytest.mark.parametrize(
        ("status", "stands"),
        [("needs_response", ("126", "Disputed")), ("won", ("121", "Completed")), ("lost", ("122", "Reversed"))],
    )
    def test_come_of_disputes(self, shop, sandbox, status, stands):
        paid = shop.wallet()["pp_TxnRefNo"]
        sandbox.dispute(paid, status=status)
        assert shop.stands(paid) == stands


def test_a_registered_return_address_is_the_only_one(shop, sandbox):
    sandbox.deed("merchant", account=MERCHANT, return_url="https://shop.example/back")
    assert shop.wallet()["pp_ResponseCode"] == "999"
    assert shop.wallet(pp_ReturnURL="https://shop.example/back")["pp_ResponseCode"] == "000"
