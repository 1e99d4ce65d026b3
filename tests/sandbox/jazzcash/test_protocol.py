"""Who may call JazzCash, with which fields, at which addresses; and the published vectors of its hash."""

import pytest

from tests.jazzcash_vectors import VECTORS
from tests.sandbox.jazzcash.conftest import (
    CLASSIC,
    FORM,
    INQUIRY,
    MERCHANT,
    PAYS,
    REFUND_WALLET,
    WALLET,
    WALLET_CNIC,
)

ORCHESTRATOR = "/payment-orchestrator/api/v1/rest/payments"
OWN = {"pp_Version": "1.1", "pp_TxnType": "MWALLET", "ppmpf_1": PAYS}


class TestPublishedVectors:
    def test_of_a_refund(self, shop, sandbox):
        fields = published("a wallet refund", shop, sandbox, mpin="1234")
        # no such payment: the hash was right
        assert shop.call(REFUND_WALLET, fields)["pp_ResponseCode"] == "109"

    def test_of_a_wallet_call_with_cnic(self, shop, sandbox):
        sandbox.set_clock("2022-01-24T22:42:10+05:00")
        fields = published("a wallet payment with CNIC", shop, sandbox)
        assert shop.call(WALLET_CNIC, fields)["pp_ResponseCode"] == "000"

    def test_of_the_card_page(self, shop, sandbox):
        sandbox.set_clock("2026-08-23T12:00:01+05:00")
        assert shop.post(published("a card page", shop, sandbox)).status == 303


def published(name, shop, sandbox, **known):
    """The fields of a published sample with their digest, its merchant being known here."""
    salt, fields, digest = VECTORS[name]
    merchant = {"account": fields["pp_MerchantID"], "password": fields["pp_Password"], "integrity_salt": salt}
    sandbox.deed("merchant", **merchant, **known)
    shop.known["integrity_salt"] = salt
    return {**fields, "pp_SecureHash": digest}


class TestTheHash:
    @pytest.mark.parametrize("case", [str.upper, str.lower])
    def test_is_taken_in_either_case(self, shop, case):
        fields = shop.signed(**shop.order(**OWN))
        fields["pp_SecureHash"] = case(fields["pp_SecureHash"])
        assert shop.call(WALLET, fields)["pp_ResponseCode"] == "000"

    @pytest.mark.parametrize("given", [{"pp_Amount": "125001"}, {"pp_SecureHash": ""}, {"pp_SecureHash": "f" * 64}])
    def test_has_to_be_right(self, shop, given):
        answer = shop.call(WALLET, {**shop.signed(**shop.order(**OWN)), **given})
        assert answer["pp_ResponseCode"] == "115"
        assert shop.sandbox.ledger(provider="jazzcash")["payments"] == {}

    def test_leaves_out_what_is_empty(self, shop):
        fields = {**shop.signed(**shop.order(**OWN)), "pp_BankID": "", "ppmpf_2": None, "other": "x"}
        assert shop.call(WALLET, fields)["pp_ResponseCode"] == "000"

    def test_is_one_of_a_description_as_jazzcash_cleans_it(self, shop):
        assert shop.wallet(pp_Description="Books: two")["pp_ResponseCode"] == "115"
        cleaned = shop.signed(**shop.order(**OWN, pp_Description="Books  two"))
        assert shop.call(WALLET, {**cleaned, "pp_Description": "Books: two"})["pp_ResponseCode"] == "000"

    def test_of_an_answer_may_be_in_lower_case(self, shop, sandbox):
        assert shop.wallet()["pp_SecureHash"].isupper()
        sandbox.deed("merchant", account=MERCHANT, hash_case="lower")
        assert not shop.wallet()["pp_SecureHash"].isupper()

    def test_is_made_with_a_new_salt_once_that_is_rolled(self, shop, sandbox):
        by_the_old_one, another = (shop.signed(**shop.order(**OWN)) for _ in range(2))
        shop.known["integrity_salt"] = sandbox.roll_secret(MERCHANT)
        assert shop.wallet()["pp_ResponseCode"] == "000"
        assert shop.call(WALLET, by_the_old_one)["pp_ResponseCode"] == "000"
        shop.known["integrity_salt"] = str(sandbox.deed("roll_secret", endpoint=MERCHANT, overlap=False)["secret"])
        assert shop.call(WALLET, another)["pp_ResponseCode"] == "115"


@pytest.mark.parametrize(
    "given",
    [{"pp_Password": "wrong"}, {"pp_Password": None}, {"pp_MerchantID": "MC99999"}, {"pp_MerchantID": "no merchant"}],
)
def test_credentials_have_to_be_right(shop, given):
    response = shop.http.post(shop.base + WALLET, json=shop.signed(**shop.order(**OWN, **given)))
    assert response.json()["pp_ResponseCode"] == "101"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pp_TxnRefNo", "T" * 21),
        ("pp_TxnRefNo", "T-1"),
        ("pp_TxnRefNo", ""),
        ("pp_BillReference", "bill 1"),
        ("pp_Amount", "12.50"),
        ("pp_Amount", "0"),
        ("pp_Amount", 1250),
        ("pp_Amount", None),
        ("pp_TxnCurrency", "USD"),
        ("pp_TxnDateTime", "2026-08-23"),
        ("pp_TxnExpiryDateTime", "20260230000000"),
        ("pp_TxnType", "MPAY"),
        ("pp_Description", ""),
        ("ppmpf_1", "+923123456789"),
    ],
)
def test_a_field_of_no_form_is_refused_by_name(shop, field, value):
    answer = shop.wallet(**{field: value})
    assert (answer["pp_ResponseCode"], field in answer["pp_ResponseMessage"]) == ("110", True)
    assert shop.sandbox.ledger(provider="jazzcash")["payments"] == {}


@pytest.mark.parametrize("cnic", ["12345", "42201-6918273-4", "12345a"])
def test_a_cnic_is_its_last_six_digits(shop, cnic):
    assert shop.wallet_cnic(cnic=cnic)["pp_ResponseCode"] == "110"


def test_what_has_expired_is_not_begun(shop):
    gone = shop.order()["pp_TxnDateTime"]
    answer = shop.wallet(pp_TxnDateTime="20200101000000", pp_TxnExpiryDateTime=gone)
    assert answer["pp_ResponseCode"] == "116"


@pytest.mark.parametrize("path", [WALLET, "/api/payment/DoTransaction", f"{ORCHESTRATOR}/m-wallet"])
def test_wallets_are_asked_at_the_addresses_of_every_generation(shop, path):
    assert shop.wallet(path=path)["pp_ResponseCode"] == "000"


@pytest.mark.parametrize(
    "path",
    [WALLET_CNIC, "/api/2.0/purchase/domwallettransaction", "/payment-orchestrator/api/v2/rest/payments/m-wallet"],
)
def test_wallets_with_cnic_too(shop, path):
    assert shop.wallet_cnic(path=path)["pp_ResponseCode"] == "000"


@pytest.mark.parametrize(
    "path",
    [INQUIRY, f"{ORCHESTRATOR}/status/inquiry", "/payment-orchestrator/api/v2/rest/payments/status/inquiry"],
)
def test_inquiries_too(shop, path):
    reference = shop.wallet()["pp_TxnRefNo"]
    assert shop.inquire(reference, path)["pp_PaymentResponseCode"] == "121"


@pytest.mark.parametrize(
    "path",
    [REFUND_WALLET, "/api/Purchase/domwalletrefundtransaction", f"{ORCHESTRATOR}/m-wallet/refund"],
)
def test_refunds_of_wallets_too(shop, path):
    assert shop.refund(shop.wallet()["pp_TxnRefNo"], 1000, path) == "000"


@pytest.mark.parametrize("path", [f"{CLASSIC}/authorize/Refund", f"{ORCHESTRATOR}/mpgs/v2.0/authorize/refund"])
def test_refunds_of_cards_too(shop, path):
    reference = shop.pay(shop.form(), number="5123456789012346")["pp_TxnRefNo"]
    assert shop.refund(reference, 1000, path) == "000"


def test_the_form_is_posted_to_the_same_place_in_all(shop):
    assert shop.post(shop.form(), f"/payment-orchestrator{FORM}").status == 303


def test_no_json_and_no_post_are_no_call(shop):
    assert shop.http.post(shop.base + WALLET, content=b"[]").status_code == 400
    assert shop.http.get(shop.base + WALLET).status_code == 405
    assert shop.http.post(f"{shop.base}/2.0/Purchase/Refund/MobileAccount", json={}).status_code == 404


def test_settings_point_an_account_at_a_merchant_that_is_always_there(shop, sandbox):
    settings = sandbox.settings("jazzcash")
    assert set(settings) == {"API_BASE", "MERCHANT_ID", "PASSWORD", "INTEGRITY_SALTS", "MERCHANT_MPIN"}
    sandbox.reset()
    assert sandbox.settings("jazzcash") == settings
    shop.known = {
        "merchant_id": settings["MERCHANT_ID"],
        "password": settings["PASSWORD"],
        "integrity_salt": settings["INTEGRITY_SALTS"][0],
    }
    assert shop.wallet()["pp_ResponseCode"] == "000"
