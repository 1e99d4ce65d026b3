"""Amounts as PayPal writes them: decimal strings, the number of decimals by currency.

Source: developer.paypal.com/api/rest/reference/currency-codes.
"""

import re

from django_payments_hub.sandbox.paypal.errors import PayPalError
from django_payments_hub.sandbox.wire import Json

CURRENCIES = frozenset(
    {
        "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "MYR", "NOK",
        "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD",
    }
)  # fmt: skip
NO_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
MAXIMUM = 99_999_999_999_999_999
VALUE = re.compile(r"((-?[0-9]+)|(-?([0-9]+)?[.][0-9]+))", re.ASCII)
_PRECISION = "If the currency supports decimals, only two decimal place precision is supported."
_NO_DECIMALS = (
    "Currency does not support decimals. Please refer to "
    "https://developer.paypal.com/docs/api/reference/currency-codes/ for more information."
)


def places(currency: str) -> int:
    """Decimals that PayPal allows in a currency."""
    return 0 if currency in NO_DECIMALS else 2


def read(value: str, currency: str, field: str, *, zero: bool = False, payments: bool = False) -> int:
    """Minor units of an amount. ``payments`` answers as Payments v2 does. Raises PayPalError."""
    if currency not in CURRENCIES:
        text = (
            "Currency code is invalid or is not currently supported. Please refer "
            "https://developer.paypal.com/api/rest/reference/currency-codes/ for list of supported currency codes."
        )
        raise PayPalError("INVALID_CURRENCY_CODE", text, field=f"{field}/currency_code", value=currency)
    where = f"{field}/value"
    whole, point, decimals = value.lstrip("-").partition(".")
    if point and places(currency) == 0 and payments:
        raise PayPalError("DECIMALS_NOT_SUPPORTED", _NO_DECIMALS, field=where)
    if (point and places(currency) == 0) or len(decimals) > 2:
        raise PayPalError("DECIMAL_PRECISION", _PRECISION, field=where, value=value)
    minor = int((whole or "0") + decimals.ljust(places(currency), "0"))
    if value.startswith("-") or (minor == 0 and not zero):
        issue = "CANNOT_BE_NEGATIVE" if zero else "CANNOT_BE_ZERO_OR_NEGATIVE"
        bound = "than or equal to 0" if zero else "than zero"
        text = f"Must be greater {bound}. {_PRECISION}"
        raise PayPalError(issue, text, field=where, value=value)
    if minor > MAXIMUM:
        raise PayPalError("MAX_VALUE_EXCEEDED", "Should be less than or equal to 999999999999999.99.", field=where)
    return minor


def value_of(minor: int, currency: str) -> str:
    """Minor units as PayPal's decimal string."""
    if places(currency) == 0:
        return str(minor)
    sign, size = ("-" if minor < 0 else ""), abs(minor)
    return f"{sign}{size // 100}.{size % 100:02d}"


def money(minor: int, currency: str) -> Json:
    """Minor units as PayPal's money object."""
    return {"currency_code": currency, "value": value_of(minor, currency)}


def minor_of(amount: Json) -> int:
    """Minor units of a money object of our own."""
    return int(str(amount["value"]).replace(".", ""))
