# ruff: noqa: RUF001 - digits and letters that only look like ours are what is tested
"""Card numbers are found wherever they stand, and nothing else is taken for one (S10)."""

from __future__ import annotations

import json
import logging
import random
import time
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from django_payments_hub.api.card_data import find_card_data, holds_card_number, is_card_number
from django_payments_hub.api.serializers.inputs import PaymentInput, RefundInput
from django_payments_hub.api.serializers.methods import SavedMethodInput
from django_payments_hub.api.serializers.vouching import ReceiptInput
from django_payments_hub.models import IdempotencyKey, Payment, TransactionLog
from django_payments_hub.models.base import new_id
from django_payments_hub.testing.sandbox import SandboxClient
from tests.api.client import JSON, ROOT, Api, answer
from tests.services.world import make_order

# The documented test numbers of Stripe, PayPal, Square and the schemes.
NUMBERS = [
    "4242424242424242",
    "4000056655665556",
    "4000000000000002",
    "5555555555554444",
    "2223003122003222",
    "5105105105105100",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "3056930009020004",
    "36227206271667",
    "3566002020360505",
    "6200000000000005",
    "6205500000000000004",
    "4222222222222",
    "6304000000000000",
    "5018000000000009",
    "2200000000000004",
    "4917610000000000003",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_known_numbers_are_card_numbers(number: str) -> None:
    assert is_card_number(number)
    assert holds_card_number(number)


SPELLINGS = [
    "{}", " {} ", "card {}", "{}.", "nr={}", '"{}"', "x{}y", "#{}#", "4{}".replace("4{}", "pay with {} please"),
    "<b>{}</b>", "tel:{}", "{}\n", "{} 12/28 123", "exp 12/28 {}", "{},{}",
]  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_number_is_found_in_any_company(spelling: str) -> None:
    assert holds_card_number(spelling.replace("{}", NUMBERS[0]))


def grouped(number: str, separator: str) -> str:
    return separator.join(number[place : place + 4] for place in range(0, len(number), 4))


@pytest.mark.parametrize(
    "separator",
    [" ", "-", ".", "/", "  ", " - ", "\t", "\n", "\u00a0", "\u2013", "\u2014", "\u2011", "\u200b"],
    ids=ascii,
)
@pytest.mark.parametrize("number", NUMBERS[:6])
def test_a_number_is_found_in_groups(number: str, separator: str) -> None:
    assert holds_card_number(grouped(number, separator))
    assert holds_card_number(f"paid with {grouped(number, separator)} 12 28 123")


@pytest.mark.parametrize("zero", ["０", "٠", "०", "𝟎"])
def test_other_alphabets_digits_count(zero: str) -> None:
    assert holds_card_number("".join(chr(ord(zero) + int(digit)) for digit in NUMBERS[0]))


@given(st.text(alphabet=st.characters(categories=["Lu", "Ll", "Zs", "Po"]), max_size=20), st.sampled_from(NUMBERS))
def test_text_around_a_number_does_not_hide_it(text: str, number: str) -> None:
    assert holds_card_number(f"{text} {number} {text}")


NOT_CARDS = [
    "4242424242424241",  # the check digit
    "1234567890123452",  # no scheme begins so
    "9999999999999995",
    "424242424242",  # too short
    "42424242424242424242424242",  # too long
    "pi_3NxYz4242424242424242",
    "pm_1NXW4242424242424242ab",
    "cs_test_a14242424242424242b",
    "seti_1Nabc4242424242424242",
    "2025-11-21T01:02:51.123456+00:00",
    "20251121010251",
    "1732150971",
    "1732150971123",
    "12.50",
    "999999999999.99",
    "00000000-0000-0000-0000-000000000000",
    "42424242-4242-4242-8242-424242424242",
    "0000000000000000",
    "10.0.0.1 10.0.0.2 10.0.0.3",
    "DE89 3704 0044 0532 0130 00",
]


@pytest.mark.parametrize("text", NOT_CARDS)
def test_what_is_no_card_number(text: str) -> None:
    assert not holds_card_number(text)


def test_ids_of_ours_are_never_taken_for_a_card() -> None:
    rng = random.Random(7)
    assert not any(holds_card_number(str(new_id())) for _ in range(5_000))
    assert not any(holds_card_number(str(uuid.UUID(int=rng.getrandbits(128)))) for _ in range(20_000))


def test_a_providers_ids_are_never_taken_for_a_card() -> None:
    rng = random.Random(7)
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for prefix in ("pi_", "pm_", "ch_", "cus_", "cs_test_", "re_"):
        assert not any(holds_card_number(prefix + "".join(rng.choices(alphabet, k=24))) for _ in range(5_000))
    assert not any(holds_card_number("pi_" + "".join(rng.choices("0123456789abcdef", k=24))) for _ in range(20_000))


def test_short_order_numbers_are_never_and_long_ones_seldom_taken_for_a_card() -> None:
    rng = random.Random(7)
    assert not any(holds_card_number(str(rng.randrange(10**12))) for _ in range(20_000))
    # Of sixteen random digits one in ten passes the Luhn check, and four in ten begin like a card: 4.1 % of a million.
    hits = sum(holds_card_number(f"{rng.randrange(10**16):016}") for _ in range(20_000))
    assert 0.03 < hits / 20_000 < 0.05


CARD_FIELDS = """
    card_number cardNumber CARD-NUMBER cardnumber cardNo creditCardNumber ccNum cc-number card_num card.number pan PAN
    primary_account_number cvc cvv CVV2 ｃｖｃ c_v_v cvv_code CVVcode cvc_code cvn csc cc_csc cc_cvc cc_cvv card_cvv2
    cardCvc payment_method.card.cvc card_code cid security_code cardSecurityCode verification_value
    card_verification_value cardVerificationCode pin card-pin card_pin_code pinblock debit_card_pin track1 track_1_data
    trackData mag_track_2 magstripe magnetic_stripe_data
"""
OTHER_FIELDS = """
    payment_method_token payment_method method_kind account number last4 card_brand card_last4 card_holder card
    expiry_month code postcode post_code pin_code country_code card_country_code currency_code discount_code promo_code
    verification_code shipping shipping_code spinner opinion panel company_code order_number
    tracking_number track account_number acc_no
    gift_card_code giftCardNumber loyalty-card-no id_card_number postcard_code discard_code cardinality_number
    doc_vnumber basic_score soundtrack_1 cc cc_email sku csv_code cvs
"""


@pytest.mark.parametrize("name", [*CARD_FIELDS.split(), "card number"])
def test_fields_for_card_data_are_refused_whatever_they_hold(name: str) -> None:
    assert find_card_data({name: "x"}) == ()
    assert find_card_data({"a": [{"b": {name: None}}]}) == ("a", 0, "b")


def test_other_fields_are_not_taken_for_one() -> None:
    fields = {
        *OTHER_FIELDS,
        *PaymentInput().fields,
        *ReceiptInput().fields,
        *SavedMethodInput().fields,
        *RefundInput().fields,
    }
    assert [name for name in fields if find_card_data({name: "x"}) is not None] == []


def test_a_long_name_takes_no_time() -> None:
    started = time.monotonic()
    find_card_data({"card_" * 12_000: "x", **{f"{'card_' * 18}{number}": "x" for number in range(600)}})
    assert time.monotonic() - started < 1


def test_a_number_beside_an_expiry_is_a_card() -> None:
    assert find_card_data({"card": {"number": "1", "exp_month": 12}}) == ("card",)
    assert find_card_data({"house": {"number": "1"}}) is None


def test_a_telephone_number_and_a_national_id_are_not_refused_for_looking_like_one() -> None:
    assert find_card_data({"payer": {"phone": "+42 2222 2222 222", "national_id": "42222-2222222-2"}}) is None
    assert find_card_data({"payer": {"phone": NUMBERS[0]}}) == ("payer", "phone")
    assert find_card_data({"payer": {"national_id": NUMBERS[0]}}) == ("payer", "national_id")
    assert find_card_data({"metadata": {"phone": "4222222222222"}}) == ("metadata", "phone")


# -- through the API --------------------------------------------------------------------------------------------------

PAN = "4242 4242-4242.4242"
PLACES: list[dict[str, Any]] = [
    {"description": f"my card is {PAN}"},
    {"metadata": {"note": PAN}},
    {"metadata": {PAN.replace(" ", "-"): "note"}},
    {"metadata": {"a": {"b": [{"c": PAN}]}}},
    {"payment_method_token": "4242424242424242"},
    {"order_id": 4242424242424242},
    {"amount": 4242424242424242},
    {"amount": "4242424242424242"},
    {"payer": {"name": PAN}},
    {"payer": {"phone": PAN}},
    {"return_url": "https://shop.example.com/?card=4242424242424242"},
    {"unknown": {"deep": [1, [PAN]]}},
    {"card_number": "anything"},
    {"card": {"number": "1", "exp_month": 1}},
    {"cvc": "123"},
    {PAN: 1},
]


@pytest.fixture
def order(customer: User) -> str:
    return str(make_order("12.50", user=customer).pk)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: str(place)[:40])
def test_a_card_number_anywhere_in_a_body(api, order, place, sandbox, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    result = api.post(body={"order_id": order, **place}, key="k")
    assert (result.status, result.code) == (422, "card_number_refused")
    assert_nothing_kept(result.raw, caplog, sandbox)


def test_a_security_code_in_the_metadata(api, order) -> None:
    result = api.post(body={"order_id": order, "metadata": {"cc_cvv": "123"}})
    assert (result.status, result.code) == (422, "card_number_refused")
    assert not Payment.objects.exists()


@pytest.mark.parametrize("path", ["refunds/", "checkout/"])
def test_a_card_number_in_other_bodies(api, path) -> None:
    assert api.post(path, {"reason": PAN}).code == "card_number_refused"


def test_a_card_number_in_the_address_or_a_header(api, order, sandbox, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    number = NUMBERS[0]
    answers = [
        api.get(f"{number}/"),
        api.get(f"{grouped(number, '-')}/status/"),
        api.get(f"refunds/{number}/"),
        api.get("", order_id=number),
        api.get("", **{grouped(number, " "): "x"}),
        api.get("gateways/", q=number),
        api.post(f"{number}/refund/"),
        api.post(body={"order_id": order}, key=number),
        api.post(body={"order_id": order}, **{"X-Order-Token": number}),
        Api(token=number).get(),
        answer(api.client.post(f"{ROOT}?card={number}", b"{}", content_type=JSON)),
    ]
    assert [(result.status, result.code) for result in answers] == [(422, "card_number_refused")] * len(answers)
    for result in answers:
        assert_nothing_kept(result.raw, caplog, sandbox)


def assert_nothing_kept(raw: bytes, caplog: pytest.LogCaptureFixture, sandbox: SandboxClient) -> None:
    """No trace of the number in the answer, the log, the database or at the provider."""
    stored = json.dumps(
        [list(model._default_manager.values()) for model in (Payment, IdempotencyKey, TransactionLog)], default=str
    )
    for text in (raw.decode(), caplog.text, stored, json.dumps(sandbox.calls())):
        assert "4242" not in text
    assert not Payment.objects.exists()
    assert not IdempotencyKey.objects.exists()
