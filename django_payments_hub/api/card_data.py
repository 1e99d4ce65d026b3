"""Finds card data where it must never be: in anything a client sends us (S10)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from django_payments_hub.domain.card_data import holds_card_number, is_card_number
from django_payments_hub.domain.card_fields import hold_card_data

__all__ = ["find_card_data", "holds_card_number", "is_card_number", "leaves"]

Path = tuple[str | int, ...]
"""Where in a body something stands: `("metadata", "note")`."""


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
            if hold_card_data(map(str, value)):
                return path
            waiting.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            waiting.extend(((*path, place), item) for place, item in enumerate(value))
    return None
