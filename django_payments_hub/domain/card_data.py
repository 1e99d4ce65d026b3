"""Finds card numbers in text, however they are written (S10).

A card number is 13 to 19 digits that pass the Luhn check and begin like a card of a known scheme. Up to five blanks,
dashes or other signs may stand between any two digits; letters may not. UUIDs, moments in ISO 8601, lists of
decimals and the ids of a provider (`pi_3Nx...`) are passed over. The number itself is never returned.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_UUID = r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
# Its groups in a row would often look like a card: "23:30:51.123456+00:00" are 16 digits that begin like Mastercard's.
_MOMENT = (
    r"(?<![0-9])(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]"
    r"(?::[0-5][0-9](?:\.[0-9]{1,9})?)?(?:Z|[+-][01][0-9]:?[0-5][0-9])?(?![0-9])"
)
# Prefixes of providers' object ids, as they publish them. Any other may be somebody's way to write a card number.
_PREFIXES = (
    "acct|ba|card|ch|cs_live|cs_test|cus|dp|du|evt|fr|in|mandate|pi|plink|pm|po|price|prod|py|pyr|re|req|seti|src|sub|tok|"
    "tr|trr|txn|we"
)
_PROVIDER_ID = rf"(?<![0-9A-Za-z_])(?:{_PREFIXES})_(?=[0-9]*[A-Za-z])[0-9A-Za-z]{{8,}}(?![0-9A-Za-z_])"
# Prices and coordinates: nobody writes a card number as several decimals.
_DECIMALS = r"(?<![\w.])-?[0-9]{1,3}\.[0-9]+(?:, ?-?[0-9]{1,3}\.[0-9]+)+(?![\w.])"
_PASSED_OVER = re.compile(f"{_UUID}|{_MOMENT}|{_DECIMALS}|{_PROVIDER_ID}")
_RUN = re.compile(r"[0-9](?:[\W_]{0,5}[0-9]){12,}")
_DIGITS = re.compile(r"[0-9]+")
_MAX_DIGITS = 19

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


def holds_card_number(text: str) -> bool:
    """Whether a card number stands anywhere in the text."""
    if len(text) < 13:
        return False
    return next(_spans(_folded(text)[0]), None) is not None


def without_card_numbers(text: str, mark: str) -> str:
    """The text with a mark in the place of each run of digits that holds a card number."""
    plain, origins = _folded(text)
    for start, end in reversed([*_spans(plain)]):
        text = f"{text[: origins[start]]}{mark}{text[origins[end - 1] + 1 :]}"
    return text


def _spans(plain: str) -> Iterator[tuple[int, int]]:
    """Where the runs are that hold a card number."""
    plain = _PASSED_OVER.sub(lambda match: "x" * len(match[0]), plain)
    return (run.span() for run in _RUN.finditer(plain) if _run_holds_number(run.group()))


def _folded(text: str) -> tuple[str, list[int] | range]:
    """ASCII digits for every kind of digit; and for each character the place in the text it comes from."""
    if text.isascii():
        return text, range(len(text))
    pairs = [
        (_ascii_digit(part), place)
        for place, character in enumerate(text)
        for part in unicodedata.normalize("NFKC", character)
    ]
    return "".join(part for part, _ in pairs), [place for _, place in pairs]


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
        for group in groups[first : first + _MAX_DIGITS]:
            digits += group
            if len(digits) > _MAX_DIGITS:
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
