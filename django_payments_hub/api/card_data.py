"""Finds card numbers and card secrets where they must never be: in anything a client sends us (S10).

A card number is 13 to 19 digits, apart from spaces and dashes, that pass the Luhn check and begin like a card of a
known scheme. UUIDs and a provider's own ids (`pi_3Nx...`) are passed over. The number itself is never returned.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal

Path = tuple[str | int, ...]
"""Where in a body something stands: `("metadata", "note")`."""

_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])", re.ASCII | re.I)
# One object of a provider: a short prefix, an underscore, and letters among the digits.
_PROVIDER_ID = re.compile(
    r"(?<![0-9A-Za-z_])[a-z]{2,8}_(?:[a-z]{2,8}_)?(?=[0-9]*[A-Za-z])[0-9A-Za-z]{8,}(?![0-9A-Za-z_])", re.ASCII
)
_RUN = re.compile(r"[0-9](?:[\s\-./]{0,3}[0-9]){12,}", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_MAX_GROUPS = 8  # "4242 4242 4242 4242 12 28 123"

# First digits and lengths of the schemes, from ISO/IEC 7812 and the schemes' own pages. Ranges are of equal length.
_SCHEMES: tuple[tuple[int, int, frozenset[int]], ...] = (
    (4, 4, frozenset({13, 16, 19})),  # Visa
    (51, 55, frozenset({16})),  # Mastercard
    (2221, 2720, frozenset({16})),
    (34, 34, frozenset({15})),  # American Express
    (37, 37, frozenset({15})),
    (300, 305, frozenset({14, 16, 19})),  # Diners Club
    (3095, 3095, frozenset({14, 16, 19})),
    (36, 36, frozenset(range(14, 20))),
    (38, 39, frozenset({14, 16, 19})),
    (3528, 3589, frozenset(range(16, 20))),  # JCB
    (1800, 1800, frozenset({15})),
    (2131, 2131, frozenset({15})),
    (50, 50, frozenset(range(13, 20))),  # Maestro, Verve, Elo
    (56, 59, frozenset(range(13, 20))),
    (60, 69, frozenset(range(13, 20))),  # Discover, UnionPay, Maestro, RuPay, Hipercard
    (81, 82, frozenset(range(16, 20))),  # UnionPay, RuPay
    (2200, 2205, frozenset(range(16, 20))),  # Mir
    (9792, 9792, frozenset({16})),  # Troy
)

_CARD_FIELDS = frozenset(
    {
        "cardnumber",
        "cardno",
        "ccnumber",
        "creditcardnumber",
        "pan",
        "primaryaccountnumber",
        "cvc",
        "cvc2",
        "cvv",
        "cvv2",
        "cardcvc",
        "cardcvv",
        "cid",
        "securitycode",
        "cardsecuritycode",
        "track1",
        "track2",
        "trackdata",
        "pinblock",
    }
)
_EXPIRY_FIELDS = frozenset({"expmonth", "expyear", "expiry", "expirydate", "expirymonth", "expiryyear", "exp"})


def holds_card_number(text: str) -> bool:
    """Whether a card number stands anywhere in the text."""
    if len(text) < 13:
        return False
    plain = _plain(text)
    if sum(map(str.isdigit, plain)) < 13:
        return False
    plain = _PROVIDER_ID.sub(" id ", _UUID.sub(" id ", plain))
    return any(_run_holds_number(run.group()) for run in _RUN.finditer(plain))


def _plain(text: str) -> str:
    """ASCII digits for every kind of digit, one kind of dash, nothing invisible between them."""
    if text.isascii():
        return text
    folded = _DASHES.sub("-", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))
    return "".join(_ascii_digit(character) for character in folded)


def _ascii_digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def _run_holds_number(run: str) -> bool:
    """Whether some neighbouring groups of a run, taken together, are a card number.

    Only whole groups: every window of a long number would hit too often by chance.
    """
    groups = _DIGITS.findall(run)
    for first in range(len(groups)):
        digits = ""
        for group in groups[first : first + _MAX_GROUPS]:
            digits += group
            if len(digits) > 19:
                break
            if is_card_number(digits):
                return True
    return False


def is_card_number(digits: str) -> bool:
    """Whether these ASCII digits are a card number: length, scheme and check digit."""
    return 13 <= len(digits) <= 19 and _is_of_a_scheme(digits) and _passes_luhn(digits)


def _is_of_a_scheme(digits: str) -> bool:
    return any(
        len(digits) in lengths and first <= int(digits[: len(str(first))]) <= last for first, last, lengths in _SCHEMES
    )


def _passes_luhn(digits: str) -> bool:
    odd = sum(int(digit) for digit in digits[::-2])
    even = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (odd + even) % 10 == 0


def leaves(data: object) -> Iterator[tuple[Path, object]]:
    """Every scalar of parsed JSON with its path, and every key of an object as a scalar of its own; no recursion."""
    waiting: list[tuple[Path, object]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield path, key
                waiting.append(((*path, key), item))
        elif isinstance(value, list):
            waiting.extend(((*path, place), item) for place, item in enumerate(value))
        else:
            yield path, value


def find_card_data(data: object) -> Path | None:
    """Where card data stands in parsed JSON; None when nowhere. An offending key is left out of the path."""
    return next((path for path, value in leaves(data) if _is_card_data(path, value)), _find_card_field(data))


def _is_card_data(path: Path, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return False
    text = str(value)
    return holds_card_number(text) and not _is_other_number(path, text)


def _is_other_number(path: Path, text: str) -> bool:
    """A telephone number in international form and a 13-digit national id may look like a card number by chance."""
    digits = re.sub(r"[\s\-./()]", "", text)
    if path == ("payer", "phone"):
        return re.fullmatch(r"(?:\+|00)[0-9]{7,15}", digits, re.ASCII) is not None
    if path == ("payer", "national_id"):
        return re.fullmatch(r"[0-9]{13}", digits, re.ASCII) is not None
    return False


def _find_card_field(data: object) -> Path | None:
    """Where an object has a field that is meant for card data, whatever its value."""
    waiting: list[tuple[Path, object]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            if _names_card_data(value):
                return path
            waiting.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            waiting.extend(((*path, place), item) for place, item in enumerate(value))
    return None


def _names_card_data(fields: Mapping[str, object]) -> bool:
    names = {re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKC", name).lower()) for name in fields}
    return bool(names & _CARD_FIELDS) or ("number" in names and bool(names & _EXPIRY_FIELDS))
