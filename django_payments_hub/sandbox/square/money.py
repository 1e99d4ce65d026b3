"""Amounts in the smallest unit of the location's currency (developer.squareup.com/docs/build-basics)."""

from django_payments_hub.sandbox.square.errors import SquareError, invalid, missing
from django_payments_hub.sandbox.square.fields import Fields
from django_payments_hub.sandbox.wire import Json

# Where Square takes cards, with the decimals of the currency
DECIMALS = {"USD": 2, "CAD": 2, "AUD": 2, "GBP": 2, "EUR": 2, "JPY": 0}
COUNTRIES = {"USD": "US", "CAD": "CA", "AUD": "AU", "GBP": "GB", "EUR": "IE", "JPY": "JP"}
MAXIMUM = 5_000_000
_MONEY = frozenset({"amount", "currency"})


def money(amount: int, currency: str) -> Json:
    """A Money object."""
    return {"amount": amount, "currency": currency}


def read_money(fields: Fields, name: str, currency: str, *, lowest: int = 1) -> int:
    """An amount in the location's currency. Raises SquareError outside Square's limits."""
    given = fields.required_child(name)
    given.only(_MONEY)
    amount, code = given.integer("amount"), given.required("currency")
    if amount is None:
        raise missing(given.name("amount"))
    if code != currency:
        _refuse_currency(given, code, currency)
    if amount < lowest:
        detail = f"`{given.name('amount')}` must be greater than or equal to {lowest}."
        raise invalid(given.name("amount"), detail, "VALUE_TOO_LOW")
    if amount > MAXIMUM:
        raise SquareError("AMOUNT_TOO_HIGH", "The requested payment amount is too high.", field=given.name("amount"))
    return amount


def _refuse_currency(given: Fields, code: str, currency: str) -> None:
    if len(code) != 3 or not code.isascii() or not code.isupper():
        raise invalid(given.name("currency"), f"`{code}` is not a valid enum value for `{given.name('currency')}`.")
    detail = f"This merchant can only process payments in {currency}, but amount was provided in {code}"
    raise invalid(given.name("currency"), detail)


def display(amount: int, currency: str) -> str:
    """An amount for a person: ``$6.00``, ``6.00 EUR``."""
    places = DECIMALS.get(currency, 2)
    whole, rest = divmod(amount, 10**places)
    number = f"{whole:,}.{rest:0{places}d}" if places else f"{whole:,}"
    return f"${number}" if currency == "USD" else f"{number} {currency}"
