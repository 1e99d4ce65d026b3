"""The hosted checkout's two forms, and the hash over the first (guide, "Easypay plugin")."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from django_payments_hub.domain.statuses import Flow, MethodKind, NextActionKind, Stage
from django_payments_hub.exceptions import Refused
from django_payments_hub.provider_kit.types import Payer
from django_payments_hub.providers.easypaisa.forms import merchant_hash
from tests.providers.easypaisa.world import BACK, KEY, ORDER, STAGING, form_request, pay_request, provider

# The guide's sample of the plaintext; it gives no key and no result. Key and result are ours, made with openssl.
SAMPLE = {
    "storeId": "28",
    "amount": "10.0",
    "postBackURL": "http://localhost:9081/local/status.php",
    "orderRefNum": "11001",
    "expiryDate": "20150101 151515",
    "autoRedirect": "0",
}
SAMPLE_TEXT = (
    "amount=10.0&autoRedirect=0&expiryDate=20150101 151515&orderRefNum=11001"
    "&postBackURL=http://localhost:9081/local/status.php&storeId=28"
)
SAMPLE_HASH = (
    "+2DgaAd49gKJSABArGAoGZ2nHkuUxEiM/vWN+CCkhGkSnle5U3Js2AhSPDbyC8NLrJI+u4bf9ahPUHWJO7LtYJckEzXo7Y19H9OgmVv8iQcFGxxY"
    "9EobFiR868PzaF7Gv4cNzVMJdRPmg6TO1uZGPNQQgK9vQVbtUV4zp5yP77j2PiTL6uqI5wbUZdMvPkwd"
)


def by_openssl(plaintext: str) -> str:
    """The same by another implementation."""
    if shutil.which("openssl") is None:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail("openssl is not installed, and REQUIRE_SERVICES=1")
        pytest.skip("openssl is not installed")
    done = subprocess.run(
        ["openssl", "enc", "-aes-128-ecb", "-K", KEY.encode().hex(), "-base64", "-A"],
        input=plaintext.encode(),
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def test_the_guides_sample_is_hashed_as_the_guide_says() -> None:
    assert merchant_hash(SAMPLE, KEY) == SAMPLE_HASH


@pytest.mark.parametrize("text", [SAMPLE_TEXT, "a=1", "a=0123456789abcd", "a=0123456789abcdef", "a=ہفتہ"])
def test_openssl_agrees(text: str) -> None:
    fields = dict(part.split("=", 1) for part in text.split("&"))
    assert merchant_hash(fields, KEY) == by_openssl(text)


def test_empty_fields_are_left_out_of_the_hash() -> None:
    assert merchant_hash({**SAMPLE, "emailAddr": "", "mobileNum": ""}, KEY) == SAMPLE_HASH


def test_the_order_of_the_fields_does_not_matter() -> None:
    assert merchant_hash(dict(reversed(SAMPLE.items())), KEY) == SAMPLE_HASH


# -- the first form ---------------------------------------------------------------------------------------------------


def test_the_first_form_carries_the_order_and_its_hash() -> None:
    form = provider().hosted_form(form_request(expires_at=datetime(2026, 12, 31, 20, 30, 5, tzinfo=UTC)))
    fields = dict(form.fields)
    hashed = fields.pop("merchantHashedReq")
    assert form.url == f"{STAGING}/easypay/Index.jsf"
    assert fields == {
        "storeId": "10001",
        "amount": "10.0",
        "postBackURL": BACK,
        "orderRefNum": ORDER,
        "expiryDate": "20270101 013005",  # by the clock of Pakistan
        "autoRedirect": "1",
    }
    assert hashed == merchant_hash(fields, KEY)
    assert KEY not in repr(form)


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (MethodKind.WALLET, "MA_PAYMENT_METHOD"),
        (MethodKind.VOUCHER, "OTC_PAYMENT_METHOD"),
        (MethodKind.CREDIT_CARD, "CC_PAYMENT_METHOD"),
        (None, None),
    ],
)
def test_the_customer_finds_what_he_chose(kind: MethodKind | None, method: str | None) -> None:
    assert provider().hosted_form(form_request(method_kind=kind)).fields.get("paymentMethod") == method


def test_what_is_known_of_the_payer_goes_along_where_it_has_the_right_form() -> None:
    known = provider().hosted_form(form_request(payer=Payer(phone="+92 345 1234567", email="ann@example.com"))).fields
    assert (known["mobileNum"], known["emailAddr"]) == ("03451234567", "ann@example.com")
    strange = provider().hosted_form(form_request(payer=Payer(phone="+49 30 123", email="ann at home"))).fields
    assert not {"mobileNum", "emailAddr"} & set(strange)


@pytest.mark.parametrize(("minor", "text"), [(10, "0.1"), (1000, "10.0"), (1250, "12.5"), (123_456_780, "1234567.8")])
def test_amounts_have_one_decimal(minor: int, text: str) -> None:
    assert provider().hosted_form(form_request(amount_minor=minor)).fields["amount"] == text


def test_an_amount_the_page_cannot_take_is_refused_when_the_payment_is_made() -> None:
    with pytest.raises(Refused):
        provider().pay(pay_request(amount_minor=1251))


def test_a_hosted_payment_is_begun_without_a_call() -> None:
    fact = provider(API_BASE="http://127.0.0.1:9/nobody").pay(pay_request(Flow.HOSTED)).fact
    assert fact.next_action is not None
    assert (fact.stage, fact.next_action.kind, fact.next_action.fields) == (Stage.OPEN, NextActionKind.FORM_POST, {})
    assert (fact.provider_session_id, fact.provider_payment_id) == (ORDER, "")


# -- the second -------------------------------------------------------------------------------------------------------


def test_the_second_form_carries_the_browsers_token() -> None:
    form = provider().following_form(form_request(), {"auth_token": "aB3+/=x"})
    assert form is not None
    assert form.url == f"{STAGING}/easypay/Confirm.jsf"
    assert form.fields == {"auth_token": "aB3+/=x", "postBackURL": BACK}


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"status": "0000", "desc": "0000", "orderRefNumber": ORDER},
        {"auth_token": ""},
        {"auth_token": "two words"},
        {"auth_token": "é"},
        {"auth_token": "x" * 1001},
        {"AUTH_TOKEN": "x"},
    ],
)
def test_without_a_token_there_is_no_second_form(data: dict[str, str]) -> None:
    assert provider().following_form(form_request(), data) is None
