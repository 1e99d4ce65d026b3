"""What providers in Pakistan share: numbers, cards, times and references."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from django_payments_hub.exceptions import InvalidInput
from django_payments_hub.models.base import new_id
from django_payments_hub.provider_kit.aes import aes_ecb_base64
from django_payments_hub.provider_kit.pakistan import (
    cnic_last_six,
    from_local_time,
    local_time,
    mobile_number,
    mobile_number_or_none,
    short_reference,
)


@pytest.mark.parametrize(
    "text",
    [
        *("03451234567", "+923451234567", "00923451234567", "923451234567", "0345 123-4567", "+92 345 1234567"),
        *("0345\u00a01234567", "0345\u20111234567", "03451234567\n"),
    ],
)
def test_a_mobile_number_has_one_form(text: str) -> None:
    assert mobile_number(text) == mobile_number_or_none(text) == "03451234567"


@pytest.mark.parametrize(
    "text",
    ["", "3451234567", "0345123456", "034512345678", "04451234567", "+913451234567", "٠٣٤٥١٢٣٤٥٦٧"],
)
def test_anything_else_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        mobile_number(text)
    assert (caught.value.code, caught.value.field) == ("invalid_phone", "payer.phone")
    assert not text or text not in str(caught.value)
    assert mobile_number_or_none(text) == ""


@pytest.mark.parametrize("text", ["42201-6918273-4", "4220169182734", "42201 6918273\u20134", "182734", " 182734 "])
def test_of_an_identity_card_the_last_six_digits_are_taken(text: str) -> None:
    assert cnic_last_six(text) == "182734"


@pytest.mark.parametrize("text", ["", "12345", "1234567", "42201-6918273", "١٨٢٧٣٤", "18273x"])
def test_any_other_number_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        cnic_last_six(text)
    assert (caught.value.code, caught.value.field) == ("invalid_national_id", "payer.national_id")
    assert not text or text not in str(caught.value)


def test_times_are_those_of_pakistan() -> None:
    moment = datetime(2026, 12, 31, 20, 30, 5, tzinfo=UTC)
    assert local_time(moment) == "20270101013005"
    assert from_local_time("20270101013005") == moment


@pytest.mark.parametrize("text", ["", "2027010101300", "20271301013005", "20270101 13005", "٢٠٢٧٠١٠١٠١٣٠٠٥"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert from_local_time(text) is None


@pytest.mark.parametrize("prefix", ["", "T"])
def test_references_are_short_legal_and_their_own(prefix: str) -> None:
    ids = [str(new_id()) for _ in range(2000)]
    made = [short_reference(key, prefix=prefix) for key in ids]
    assert made == [short_reference(key, prefix=prefix) for key in ids]
    assert len(set(made)) == len(ids)
    assert all(re.fullmatch(r"[A-Z0-9]{20}", text) and text.startswith(prefix) for text in made)


@pytest.mark.parametrize("length", [0, 15, 17, 33])
def test_a_key_of_another_length_is_no_aes_key(length: int) -> None:
    with pytest.raises(ValueError, match="key"):
        aes_ecb_base64(b"k" * length, b"text")


@pytest.mark.parametrize("prefix", ["", "T"])
def test_a_reference_keeps_what_is_random_in_an_id(prefix: str) -> None:
    # given payments of one moment, whose ids differ in their last bits alone
    ids = [f"018f5a3e-7c10-7000-8000-{n:012x}" for n in range(2000)]
    assert len({short_reference(key, prefix=prefix) for key in ids}) == len(ids)
