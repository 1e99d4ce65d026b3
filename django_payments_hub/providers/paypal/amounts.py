"""PayPal's decimal strings.

Source: developer.paypal.com/api/rest/reference/currency-codes: the currencies PayPal takes, of which HUF, JPY and TWD
"do not support decimals" - though HUF and TWD have two in ISO 4217.
"""

from __future__ import annotations

import re
from decimal import Decimal

from django_payments_hub.domain.money import MAX_MINOR, currency_code, exponent, format_minor
from django_payments_hub.exceptions import InvalidInput, Refused
from django_payments_hub.provider_kit.reading import Json, Unreadable, mapping, text

_CURRENCIES = "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD"
CURRENCIES = frozenset(_CURRENCIES.split())
_WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
_DECIMAL = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,6})?", re.ASCII)


def to_wire(amount_minor: int, currency: str) -> dict[str, str]:
    """Minor units (ISO 4217) as PayPal's money object.

    Raises:
        Refused: `invalid_amount`, when PayPal cannot express the amount.
    """
    value = format_minor(amount_minor, currency)
    if currency in _WITHOUT_DECIMALS:
        value, _, fraction = value.partition(".")
        if fraction.strip("0"):
            raise Refused(f"PayPal takes {currency} amounts without decimals only.", code="invalid_amount")
    return {"currency_code": currency, "value": value}


def from_wire(data: Json, key: str = "amount") -> tuple[int, str]:
    """The money object under `key` as minor units and currency; raises Unreadable where ISO 4217 cannot express it."""
    money = mapping(data, key)
    try:
        currency = currency_code(text(money, "currency_code"))
    except InvalidInput:
        raise Unreadable("currency_code is not a known one") from None
    value = text(money, "value")
    if not _DECIMAL.fullmatch(value):
        raise Unreadable("value is not a decimal")
    minor = Decimal(value).scaleb(exponent(currency))
    if minor != minor.to_integral_value() or minor > MAX_MINOR:
        raise Unreadable("value is not an amount of its currency")
    return int(minor), currency
