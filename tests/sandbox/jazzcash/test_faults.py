"""Scripted faults at JazzCash: answers that do not come, a firewall's page, lies that are signed."""

import httpx
import pytest

from tests.sandbox.jazzcash.conftest import PAYS, WALLET, secure_hash


def ask(shop, **more):
    own = {"pp_Version": "1.1", "pp_TxnType": "MWALLET", "ppmpf_1": PAYS}
    return shop.http.post(shop.base + WALLET, json=shop.signed(**shop.order(**own, **more)), timeout=0.5)


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["hang", "reset", "close", "truncate"])
def test_an_answer_may_not_come(shop, sandbox, kind, when, made):
    sandbox.fault(kind, operation="wallet.pay", when=when)
    with pytest.raises(httpx.TransportError):
        ask(shop)
    assert len(sandbox.ledger()["entries"]) == made
    (call,) = sandbox.calls(provider="jazzcash")
    assert (call["operation"], call["fault"], call["effect"]) == ("wallet.pay", kind, bool(made))


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize(("kind", "words"), [("waf", "Request Rejected"), ("html", "maintenance")])
def test_an_answer_may_be_a_page(shop, sandbox, kind, words, when, made):
    sandbox.fault(kind, operation="wallet.pay", when=when)
    answer = ask(shop)
    assert (answer.status_code, words in answer.text) == (200, True)
    assert answer.headers["content-type"].startswith("text/html")
    assert len(sandbox.ledger()["entries"]) == made


def test_an_error_of_the_server_has_a_body(shop, sandbox):
    sandbox.fault("status", operation="wallet.pay", status=500)
    answer = ask(shop)
    assert (answer.status_code, answer.json()) == (500, {"Message": "An error has occurred."})


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("wrong_amount", "pp_Amount", "125001"),
        ("wrong_currency", "pp_TxnCurrency", "USD"),
        ("wrong_id", "pp_TxnRefNo", "T00XXXX"),
        ("missing_id", "pp_TxnRefNo", None),
        ("unknown_status", "pp_ResponseCode", "777"),
        ("extra_fields", "pp_FieldOfTheFuture", "value"),
    ],
)
def test_a_lie_is_signed(shop, sandbox, kind, field, value):
    sandbox.fault(kind, operation="wallet.pay", when="after")
    answer = ask(shop).json()
    assert answer.get(field) == value
    assert answer["pp_SecureHash"].lower() == secure_hash(shop.salt, answer)


def test_an_inquiry_lies_about_the_payment_not_about_itself(shop, sandbox):
    reference = shop.wallet()["pp_TxnRefNo"]
    sandbox.fault("unknown_status", operation="inquiry", when="after")
    answer = shop.inquire(reference)
    assert (answer["pp_ResponseCode"], answer["pp_PaymentResponseCode"]) == ("000", "777")


@pytest.mark.parametrize("operation", ["inquiry", "refund.wallet"])
def test_one_call_is_singled_out_by_its_reference(shop, sandbox, operation):
    first, second = (shop.wallet()["pp_TxnRefNo"] for _ in range(2))
    sandbox.fault("status", operation=operation, status=503, match={"pp_TxnRefNo": first}, times=9)
    do = {"inquiry": shop.inquire, "refund.wallet": lambda reference: shop.refund(reference, 1000)}[operation]
    with pytest.raises(AssertionError):
        do(first)
    assert do(second)
