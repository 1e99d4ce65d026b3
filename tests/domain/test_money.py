"""I3: money is integer minor units or Decimal with the currency's exponent, and nothing rounds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moneyed import Money

from django_payments_hub.domain.money import (
    MAX_MINOR,
    currency_code,
    exponent,
    format_minor,
    from_minor,
    to_minor,
)
from django_payments_hub.exceptions import InvalidInput

# ISO 4217, list one: every currency in use that has not two decimals.
NO_DECIMALS = [
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
    *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
]
THREE_DECIMALS = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]
FOUR_DECIMALS = ["CLF", "UYW"]
TWO_DECIMALS = ["USD", "EUR", "GBP", "INR", "PKR", "BRL", "CHF", "MGA", "MRU", "HUF", "TWD"]

currencies = st.sampled_from(["JPY", "USD", "KWD"])
minors = st.integers(min_value=1, max_value=MAX_MINOR)

BAD = [
    "NaN", "nan", "Infinity", "-Infinity", "sNaN", "1e5", "1E1", "1.5e0", "+1", "-1", "-0.01", "0", "0.00", "",
    " ", " 1", "1 ", "1\n", "1,5", "1_000", "1.", ".5", "0x10", "1.2.3", "١٢", "\uff11\uff12", "1\u00a0000", "½", "$1",
    "1" * 19, "0." + "0" * 7, True, False, None, 1.5, float("nan"), -1, 0, -(10**20), 10**20, b"1", [1], {"a": 1},
    Decimal("NaN"), Decimal("Infinity"), Decimal("-1"), Decimal("0"), Decimal("1E+30"), complex(1),
]  # fmt: skip


@given(minor=minors, currency=currencies)
def test_minor_units_survive_the_way_out_and_back(minor: int, currency: str) -> None:
    assert to_minor(format_minor(minor, currency), currency) == minor
    assert to_minor(from_minor(minor, currency), currency) == minor


@given(minor=minors, currency=currencies)
def test_what_is_shown_has_exactly_the_decimals_of_the_currency(minor: int, currency: str) -> None:
    shown = format_minor(minor, currency)
    assert len(shown.partition(".")[2]) == exponent(currency)
    assert Decimal(shown).scaleb(exponent(currency)) == minor


@given(minor=minors, currency=currencies, zeros=st.integers(min_value=0, max_value=3))
def test_zeros_beyond_the_currency_are_no_precision(minor: int, currency: str, zeros: int) -> None:
    shown = format_minor(minor, currency)
    padded = shown + ("" if "." in shown or not zeros else ".") + "0" * zeros
    assert to_minor(padded, currency) == minor


@given(minor=minors, digit=st.integers(min_value=1, max_value=9), currency=currencies)
def test_one_digit_more_than_the_currency_has_is_refused_never_rounded(minor: int, digit: int, currency: str) -> None:
    shown = format_minor(minor, currency)
    precise = shown + ("" if "." in shown else ".") + str(digit)
    with pytest.raises(InvalidInput) as refused:
        to_minor(precise, currency)
    assert refused.value.code == "invalid_amount"


@given(number=st.floats())
def test_no_float_is_ever_money(number: float) -> None:
    with pytest.raises(InvalidInput):
        to_minor(number, "USD")  # type: ignore[arg-type]


@given(text=st.text(max_size=12))
def test_any_text_is_either_a_plain_positive_decimal_or_refused(text: str) -> None:
    plain = text.isascii() and text.replace(".", "", 1).isdigit() and not text.startswith(".") and text[-1:] != "."
    if plain and 0 < Decimal(text) * 100 <= MAX_MINOR and Decimal(text).scaleb(2) % 1 == 0:
        assert Decimal(to_minor(text, "USD")) == Decimal(text).scaleb(2)
        return
    with pytest.raises(InvalidInput) as refused:
        to_minor(text, "USD")
    assert refused.value.code == "invalid_amount"


@pytest.mark.parametrize("currency", ["JPY", "USD", "KWD"])
@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_bad_amounts_are_refused(bad: Any, currency: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        to_minor(bad, currency)
    assert refused.value.code == "invalid_amount"
    assert refused.value.field == "amount"


def test_the_largest_amount_is_accepted_and_one_more_is_not() -> None:
    assert to_minor(str(MAX_MINOR), "JPY") == MAX_MINOR
    with pytest.raises(InvalidInput):
        to_minor(str(MAX_MINOR + 1), "JPY")


def test_large_amounts_are_exact_to_the_last_unit() -> None:
    assert to_minor("9999999999999.99", "USD") == 999_999_999_999_999
    assert format_minor(999_999_999_999_999, "USD") == "9999999999999.99"


def test_the_classic_that_floats_get_wrong() -> None:
    assert to_minor("19.99", "USD") == 1999
    assert to_minor(Money("0.29", "USD"), "USD") == 29


def test_money_of_another_currency_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        to_minor(Money("10", "EUR"), "USD")
    assert refused.value.code == "currency_mismatch"


@pytest.mark.parametrize("money", [Money("-1", "USD"), Money("0", "USD"), Money("0.001", "USD"), Money("1E+20", "USD")])
def test_bad_money_is_refused(money: Money) -> None:
    with pytest.raises(InvalidInput):
        to_minor(money, "USD")


@pytest.mark.parametrize(
    ("decimals", "codes"),
    [(0, NO_DECIMALS), (2, TWO_DECIMALS), (3, THREE_DECIMALS), (4, FOUR_DECIMALS)],
    ids=["none", "two", "three", "four"],
)
def test_exponents_are_those_of_iso_4217(decimals: int, codes: list[str]) -> None:
    assert {code: exponent(code) for code in codes} == dict.fromkeys(codes, decimals)


@pytest.mark.parametrize("given", ["usd", "Usd", "USD"])
def test_a_currency_is_written_in_capitals(given: str) -> None:
    assert currency_code(given) == "USD"


@pytest.mark.parametrize("bad", ["", "US", "USDD", "ZZZ", "U\u0405D", "us\n", " USD", None, 840, "\uff35SD"], ids=repr)
def test_unknown_currencies_are_refused(bad: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        currency_code(bad)
    assert refused.value.code == "invalid_currency"


@pytest.mark.parametrize("text", ["1E+999999", "1E-999999"])
def test_a_number_with_a_huge_exponent_is_refused_at_once(text: str) -> None:
    with pytest.raises(InvalidInput):
        to_minor(Decimal(text), "USD")
