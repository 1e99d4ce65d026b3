"""JSON as the API takes it: one object, UTF-8, no duplicate names, nothing that is not JSON, not deep.

Numbers never become binary floats: an integer stays one, a plain decimal becomes a Decimal, and one in exponent form an
`ExponentForm`, which no field accepts (as a Decimal, `1e999999999` would be a bomb).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from django_payments_hub.exceptions import InvalidInput

MAX_DEPTH = 16
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL cannot keep NUL, nothing can encode a lone surrogate


class MalformedJson(InvalidInput):
    """The body is not a JSON object."""

    code = "malformed_json"


@dataclass(frozen=True)
class ExponentForm:
    """A number written as `1e5`."""

    text: str


def loads(body: bytes) -> dict[str, object]:
    """The object a body holds, {} for an empty body; raises MalformedJson."""
    if not body.strip():
        return {}
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_number,
        )
    except MalformedJson:
        raise
    except UnicodeDecodeError:
        raise MalformedJson("The body is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise MalformedJson("The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise MalformedJson("The body must be a JSON object.")
    _check_inside(value)
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJson("An object names a field twice.")
    return found


def _refuse_constant(_word: str) -> NoReturn:
    raise MalformedJson("NaN and Infinity are not JSON.")


def _number(text: str) -> Decimal | ExponentForm:
    return ExponentForm(text) if "e" in text.lower() else Decimal(text)


def _check_inside(value: object) -> None:
    waiting: list[tuple[int, object]] = [(1, value)]
    while waiting:
        depth, item = waiting.pop()
        if depth > MAX_DEPTH:
            raise MalformedJson("The body is nested too deep.")
        if isinstance(item, Mapping):
            waiting.extend((depth + 1, inner) for pair in item.items() for inner in pair)
        elif isinstance(item, list):
            waiting.extend((depth + 1, inner) for inner in item)
        elif isinstance(item, str) and _UNSTORABLE.search(item):
            raise MalformedJson("The body holds a NUL or half a character.")


def canonical(data: object) -> bytes:
    """The same bytes for the same data, whatever the order of names and the white space were."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str).encode()
