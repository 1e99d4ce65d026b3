"""The hosted page's form: what JazzCash's own sample has, signed, and with the password nowhere else."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from django_payments_hub.domain.statuses import Flow, MethodKind, NextActionKind, Stage
from django_payments_hub.exceptions import Refused
from django_payments_hub.provider_kit.types import Payer
from django_payments_hub.providers.jazzcash import Provider
from django_payments_hub.providers.jazzcash.references import description
from tests.providers.jazzcash.harness import (
    MERCHANT,
    PASSWORD,
    REFERENCE,
    RETURN_URL,
    SALT,
    account,
    form_request,
    hash_of,
    pay_request,
)


def test_the_form_of_the_card_page_is_the_published_one():
    provider = Provider(
        account(
            MERCHANT_ID="YOUR_MERCHANT_ID",
            PASSWORD="YOUR_PASSWORD",
            INTEGRITY_SALTS=["YOUR_INTEGRITY_SALT"],
            RETURN_URL="https://merchant.example.com/jazzcash/return",
        )
    )
    form = provider.hosted_form(form_request())
    assert form.url == "https://sandbox.jazzcash.com.pk/CustomerPortal/transactionmanagement/merchantform/"
    assert form.fields["pp_TxnDateTime"] == "20260823120000"
    assert form.fields["pp_TxnExpiryDateTime"] == "20260824120000"
    assert form.fields["pp_BillReference"] == form.fields["pp_TxnRefNo"]
    as_published = {**form.fields, "pp_BillReference": "billref001"}
    assert hash_of(as_published, "YOUR_INTEGRITY_SALT") == (
        "20CA66D57652B9D2F0B4B2991C8324FC594633FD1FE8BBABE21F93DCE9F3C5AB"
    )


@pytest.mark.parametrize(
    ("kind", "txn_type"),
    [
        (MethodKind.CREDIT_CARD, "MPAY"),
        (MethodKind.DEBIT_CARD, "MPAY"),
        (MethodKind.WALLET, "MWALLET"),
        (MethodKind.VOUCHER, "OTC"),
        (None, ""),
    ],
)
def test_a_form_is_signed_whole_and_says_what_is_paid_with(kind, txn_type):
    fields = Provider(account()).hosted_form(form_request(method_kind=kind, amount_minor=12_511)).fields
    assert (fields["pp_TxnType"], fields["pp_Version"], fields["pp_Amount"]) == (txn_type, "1.1", "12511")
    assert (fields["pp_MerchantID"], fields["pp_Password"]) == (MERCHANT, PASSWORD)
    assert (fields["pp_TxnCurrency"], fields["pp_Language"], fields["pp_ReturnURL"]) == ("PKR", "EN", RETURN_URL)
    assert {f"ppmpf_{n}" for n in range(1, 6)} <= set(fields)
    assert fields["pp_SecureHash"] == hash_of(dict(fields), SALT)
    assert all(isinstance(value, str) for value in fields.values())


def test_the_newer_card_page_is_told_that_nobody_is_registered():
    provider = Provider(account(CARD_VERSION="2.0"))
    payer = Payer(email="ann@example.com", phone="03123456789")
    card = provider.hosted_form(form_request(payer=payer)).fields
    assert (card["pp_Version"], card["pp_IsRegisteredCustomer"], card["pp_CustomerEmail"]) == (
        "2.0",
        "No",
        "ann@example.com",
    )
    wallet = provider.hosted_form(form_request(payer=payer, method_kind=MethodKind.WALLET)).fields
    assert wallet["pp_Version"] == "1.1"
    assert "pp_IsRegisteredCustomer" not in wallet


def test_the_return_address_is_the_registered_one():
    kept = Provider(account(RETURN_URL="https://shop.example/registered"))
    assert kept.hosted_form(form_request()).fields["pp_ReturnURL"] == "https://shop.example/registered"
    without = Provider(account(return_url=""))
    request = form_request(return_url="https://shop.example/one")
    assert without.hosted_form(request).fields["pp_ReturnURL"] == "https://shop.example/one"


def test_the_password_is_in_the_form_alone():
    provider = Provider(account())
    form = provider.hosted_form(form_request())
    result = provider.pay(pay_request(flow=Flow.HOSTED, method_kind=None))
    assert PASSWORD not in repr((form, result, provider))
    assert PASSWORD not in str(asdict(result))


def test_a_hosted_payment_begins_without_a_call_and_waits_for_the_form(jazzcash, jazzcash_server):
    result = jazzcash.pay(pay_request(flow=Flow.HOSTED, method_kind=MethodKind.VOUCHER, payer=Payer()))
    fact = result.fact
    assert (fact.stage, fact.reference, fact.provider_session_id) == (Stage.OPEN, REFERENCE, REFERENCE)
    assert fact.next_action is not None
    assert (fact.next_action.kind, dict(fact.next_action.fields)) == (NextActionKind.FORM_POST, {})
    assert jazzcash_server.asked == []


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("Two cups of tea", "Two cups of tea"),
        ("<b>50% off: 'tea' | \"cake\" {a=b} a*b/c", "b 50 off tea cake a b a b c"),
        ("tea\r\nX-Header: 1\x00", "tea X-Header 1"),
        ("چائے & cake", "چائے & cake"),
        ("", f"Payment {REFERENCE}"),
        ("%%%", f"Payment {REFERENCE}"),
        ("half \ud800 pair", "half pair"),
        ("x" * 300, "x" * 200),
        ("x" * 199 + " yz", "x" * 199),
    ],
)
def test_a_description_is_what_jazzcash_makes_of_it_before_it_is_signed(given, sent):
    assert description(given, f"Payment {REFERENCE}") == sent
    assert description(sent, "") == sent


def test_references_have_the_form_that_jazzcash_takes_and_are_unique():
    provider = Provider(account())
    # given payments of one moment, whose ids differ in their random part alone
    ids = [f"018f5a3e-7c10-7000-8000-{n:012x}" for n in range(1000)] + [str(uuid.uuid4()) for _ in range(1000)]
    made = {provider.make_reference(payment_id) for payment_id in ids}
    assert len(made) == 2000
    assert all(len(one) <= 20 and one.isascii() and one.isalnum() for one in made)


@pytest.mark.parametrize("bad", ["", "a b", "../x", "x" * 21, "é", "T1\n", "018f5a3e-7c10-7000-8000-000000000000"])
def test_a_reference_of_another_form_enters_no_form_and_no_call(jazzcash, jazzcash_server, bad):
    for attempt in (
        lambda: jazzcash.hosted_form(form_request(reference=bad)),
        lambda: jazzcash.pay(pay_request(reference=bad)),
        lambda: jazzcash.pay(pay_request(reference=bad, flow=Flow.HOSTED)),
    ):
        with pytest.raises(Refused) as caught:
            attempt()
        assert caught.value.code == "invalid_object_id"
    assert jazzcash_server.asked == []


def test_midnight_in_pakistan_comes_five_hours_before_greenwich():
    request = form_request(now=datetime(2026, 12, 31, 19, 30, tzinfo=UTC))
    assert Provider(account()).hosted_form(request).fields["pp_TxnDateTime"] == "20270101003000"
