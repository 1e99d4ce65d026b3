"""A JSON body and its parts, read with the errors that PayPal gives."""

import re
from dataclasses import dataclass, field
from typing import cast

from django_payments_hub.sandbox.paypal import money
from django_payments_hub.sandbox.paypal.errors import PayPalError, invalid, missing
from django_payments_hub.sandbox.wire import Json


@dataclass(frozen=True, kw_only=True)
class Amount:
    """An amount in minor units."""

    minor: int
    currency: str

    def json(self) -> Json:
        """As PayPal writes it."""
        return money.money(self.minor, self.currency)


@dataclass(frozen=True)
class Body:
    """A JSON object of a request; ``path`` is its place in the body as a JSON pointer."""

    data: Json = field(default_factory=dict)
    path: str = ""

    def __contains__(self, name: str) -> bool:
        return self.data.get(name) is not None

    def only(self, known: frozenset[str]) -> None:
        """Refuse a field that the published document does not have. Raises PayPalError."""
        for name in self.data:
            if name not in known:
                raise invalid("NOT_SUPPORTED", "This field is not currently supported.", self.where(name))

    def where(self, name: str) -> str:
        """A field's place as PayPal names it."""
        return f"{self.path}/{name}"

    def text(self, name: str, longest: int = 127, *, pattern: re.Pattern[str] | None = None) -> str | None:
        """A string, or None when it is absent. Raises PayPalError."""
        given = self.data.get(name)
        if given is None:
            return None
        if not isinstance(given, str):
            raise self._syntax(name, given)
        if not 1 <= len(given) <= longest:
            text = "The value of a field is either too short or too long."
            raise invalid("INVALID_STRING_LENGTH", text, self.where(name), given)
        if pattern is not None and pattern.fullmatch(given) is None:
            raise self._syntax(name, given)
        return given

    def required(self, name: str, longest: int = 127, *, pattern: re.Pattern[str] | None = None) -> str:
        """A string that has to be there. Raises PayPalError."""
        given = self.text(name, longest, pattern=pattern)
        if given is None:
            raise missing(self.where(name))
        return given

    def choice(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """One of a few words. Raises PayPalError."""
        given = self.text(name, 255)
        if given is not None and given not in allowed:
            raise invalid("INVALID_PARAMETER_VALUE", "The value of a field is invalid.", self.where(name), given)
        return given

    def url(self, name: str) -> str | None:
        """An absolute http(s) address. Raises PayPalError."""
        return self.text(name, 4000, pattern=_URL)

    def flag(self, name: str) -> bool:
        """A boolean, false when absent. Raises PayPalError."""
        given = self.data.get(name, False)
        if not isinstance(given, bool):
            raise self._syntax(name, given)
        return given

    def child(self, name: str) -> "Body":
        """An object, empty when absent. Raises PayPalError."""
        given = self.data.get(name)
        if given is None:
            return Body({}, self.where(name))
        if not isinstance(given, dict):
            raise self._syntax(name, given)
        return Body(given, self.where(name))

    def children(self, name: str, most: int) -> list["Body"]:
        """A list of objects. Raises PayPalError."""
        given = self.data.get(name)
        if given is None:
            return []
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            raise self._syntax(name, given)
        if len(given) > most:
            text = "The number of items in an array parameter is too large."
            raise invalid("INVALID_ARRAY_MAX_ITEMS", text, self.where(name))
        items = cast("list[Json]", given)
        return [Body(item, f"{self.where(name)}/{number}") for number, item in enumerate(items)]

    def amount(self, name: str, *, zero: bool = False, payments: bool = False) -> Amount | None:
        """A money object, or None when absent. Raises PayPalError."""
        if name not in self:
            return None
        part = self.child(name)
        currency = part.required("currency_code", 3)
        if len(currency) != 3:
            raise invalid("INVALID_STRING_LENGTH", "The value of a field is too short.", part.where("currency_code"))
        value = part.required("value", 32, pattern=money.VALUE)
        minor = money.read(value, currency, part.path, zero=zero, payments=payments)
        return Amount(minor=minor, currency=currency)

    def _syntax(self, name: str, given: object) -> PayPalError:
        text = "The value of a field does not conform to the expected format."
        return invalid("INVALID_PARAMETER_SYNTAX", text, self.where(name), given)


_URL = re.compile(r"https?://[^\s/?#]+\S*")
