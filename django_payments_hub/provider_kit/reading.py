"""Reading a provider's JSON: every value checked for its type before it is used.

Readers raise `Unreadable`; where the JSON came from decides what that means. In the answer to a call nobody knows the
outcome then (`unreadable_answer`); a notice is malformed (`unreadable_notice`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NoReturn

from django_payments_hub.exceptions import MalformedNotice, OutcomeUnknown

Json = Mapping[str, object]

_LAST_SECOND = 253_402_300_799  # 9999-12-31: datetime ends there


class Unreadable(ValueError):
    """A value is missing or of the wrong type; the message names its key, never its content."""


@contextmanager
def unreadable_answer() -> Iterator[None]:
    """Inside, Unreadable becomes OutcomeUnknown(`unreadable_answer`)."""
    try:
        yield
    except Unreadable as error:
        raise OutcomeUnknown(f"The answer cannot be read: {error}.", details={"reason": "unreadable"}) from None


@contextmanager
def unreadable_notice() -> Iterator[None]:
    """Inside, Unreadable becomes MalformedNotice."""
    try:
        yield
    except Unreadable as error:
        raise MalformedNotice(f"The notice cannot be read: {error}.") from None


def parse_object(body: bytes | str) -> Json:
    """The JSON object in the body; raises Unreadable for anything else, however deep, large or ill encoded."""
    try:
        parsed = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    if not isinstance(parsed, dict):
        raise Unreadable("not a JSON object")
    return parsed


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def text(data: Json, key: str) -> str:
    """A string that is there and not empty."""
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{key} is not a text")
    return value


def optional_text(data: Json, key: str) -> str:
    """A string; "" when absent or null."""
    value = data.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"{key} is not a text")
    return value


def integer(data: Json, key: str) -> int:
    """An integer that is there, and not negative; neither bool nor float."""
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Unreadable(f"{key} is not a whole number")
    return value


def optional_integer(data: Json, key: str) -> int:
    """An integer, not negative; 0 when absent or null."""
    return 0 if data.get(key) is None else integer(data, key)


def flag(data: Json, key: str) -> bool:
    """A bool that is there."""
    value = data.get(key)
    if not isinstance(value, bool):
        raise Unreadable(f"{key} is not a truth value")
    return value


def mapping(data: Json, key: str) -> Json:
    """An object that is there."""
    value = data.get(key)
    if not isinstance(value, Mapping):
        raise Unreadable(f"{key} is not an object")
    return value


def optional_mapping(data: Json, key: str) -> Json:
    """An object; {} when absent, null, or only named by its id."""
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def objects(data: Json, key: str) -> list[Json]:
    """A list of objects that is there."""
    value = data.get(key)
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise Unreadable(f"{key} is not a list of objects")
    return value


def moment(data: Json, key: str) -> datetime | None:
    """Unix seconds as an aware datetime; None when absent or null."""
    if data.get(key) is None:
        return None
    seconds = integer(data, key)
    if seconds > _LAST_SECOND:
        raise Unreadable(f"{key} is not a moment")
    return datetime.fromtimestamp(seconds, tz=UTC)
