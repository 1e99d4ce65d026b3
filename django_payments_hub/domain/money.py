"""Integer minor units inside, `moneyed.Money` outside, and nothing that rounds.

Exponents follow ISO 4217 as py-moneyed carries it (JPY 0, USD 2, KWD 3). A provider that counts a currency differently
says so in its own file.
"""

from __future__ import annotations

import re
from decimal import Decimal

import moneyed
from moneyed import Money

from django_payments_hub.exceptions import InvalidInput

MAX_MINOR = 10**15
"""Largest amount the hub handles, in minor units: sums of thousands of them still fit a signed 64-bit column."""

_MAX_DIGITS = 18
_PLAIN_DECIMAL = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,6})?", re.ASCII)


def currency_code(value: object) -> str:
    """The upper-case ISO 4217 code of a known currency; raises InvalidInput(`invalid_currency`)."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{3}", value, re.ASCII):
        raise InvalidInput("A currency is a three-letter ISO 4217 code.", field="currency", code="invalid_currency")
    try:
        return str(moneyed.get_currency(value.upper()).code)
    except moneyed.CurrencyDoesNotExist:
        raise InvalidInput(f"Unknown currency {value.upper()}.", field="currency", code="invalid_currency") from None


def exponent(currency: str) -> int:
    """Number of decimals of the currency: 0 for JPY, 2 for USD, 3 for KWD."""
    return len(str(moneyed.get_currency(currency).sub_unit)) - 1


def to_minor(amount: Money | Decimal | str | int, currency: str) -> int:
    """Positive minor units of an amount in major units, exactly.

    Raises:
        InvalidInput: `invalid_amount` for anything but a plain positive decimal (no float, bool, NaN, exponent form,
            sign, full-width digits), for more decimals than the currency has, for zero, or above MAX_MINOR;
            `currency_mismatch` for a Money of another currency.
    """
    if isinstance(amount, Money):
        if amount.currency.code != currency:
            raise InvalidInput(
                f"The amount is in {amount.currency.code}, not {currency}.", field="amount", code="currency_mismatch"
            )
        amount = amount.amount
    return _positive(_exact_minor(_plain(amount), exponent(currency)))


def _plain(amount: object) -> str:
    if isinstance(amount, bool) or not isinstance(amount, Decimal | str | int):
        raise _invalid("An amount is a decimal string.")
    if isinstance(amount, Decimal) and amount.is_finite() and abs(amount.adjusted()) > _MAX_DIGITS:
        raise _invalid("An amount is within bounds.")  # before writing out a million zeros
    text = format(amount, "f") if isinstance(amount, Decimal) and amount.is_finite() else str(amount)
    if not _PLAIN_DECIMAL.fullmatch(text):
        raise _invalid("An amount is a plain positive decimal such as 12.50.")
    return text


def _exact_minor(text: str, decimals: int) -> int:
    whole, _, fraction = text.partition(".")
    kept, lost = fraction[:decimals].ljust(decimals, "0"), fraction[decimals:]
    if lost.strip("0"):
        raise _invalid(f"The currency has {decimals} decimals.")
    return int(whole + kept)


def _positive(minor: int) -> int:
    if not 0 < minor <= MAX_MINOR:
        raise _invalid("An amount is greater than zero and within bounds.")
    return minor


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(message, field="amount", code="invalid_amount")


def from_minor(minor: int, currency: str) -> Money:
    """Money of so many minor units, quantised to the currency's decimals."""
    return Money(Decimal(minor).scaleb(-exponent(currency)), currency)


def format_minor(minor: int, currency: str) -> str:
    """The decimal string as it stands in JSON: 1250 USD is `12.50`, 1250 JPY is `1250`."""
    return format(Decimal(minor).scaleb(-exponent(currency)), "f")
