"""Notices as nobody should accept or misread them: changed bytes, other headers, words of tomorrow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from django_payments_hub.testing.contract.bench import Notice

Json = dict[str, Any]
FUTURE = "word_of_the_future"
_STATUS_KEYS = ("status", "state")
_TRANSPORT = frozenset({"host", "content-length", "content-type", "user-agent", "connection", "accept", "date"})
_PLACES = 40
_WRONG: tuple[Any, ...] = (None, [], {"x": 1}, -1, "\x00", 1.5, True)
_SIGNATURE_FAULTS: Mapping[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "one character more": lambda value: value + "0",
    "one character less": lambda value: value[:-1],
    "not ASCII": lambda value: value + "\xe9\xff",
    "words": lambda _: "trust me, please",
    "long": lambda value: value * 1 + "A" * 100_000,
    "doubled": lambda value: f"{value}, {value}",
    "a list": lambda _: ",".join(["a=b"] * 500),
}


def parsed(notice: Notice) -> Json:
    """The notice's body as the inbox gives it to the provider."""
    payload = json.loads(notice.body)
    assert isinstance(payload, dict)
    return payload


def with_a_byte_changed(notice: Notice) -> Iterator[Notice]:
    """The notice with one bit of its body flipped, here and there; and with a byte more or less."""
    body = notice.body
    for place in sorted({0, len(body) - 1, *range(0, len(body), max(1, len(body) // _PLACES))}):
        yield replace(notice, body=body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
    yield replace(notice, body=body + b" ")
    yield replace(notice, body=body + b"\n")
    yield replace(notice, body=body[:-1])
    yield replace(notice, body=b"")
    yield replace(notice, body=b"\xff\x00{")


def reserialised(notice: Notice) -> Iterator[Notice]:
    """The same JSON in other bytes."""
    payload = parsed(notice)
    for text in (
        json.dumps(payload, indent=1),
        json.dumps(payload, separators=(",", ":")),
        json.dumps(dict(reversed(payload.items()))),
    ):
        if text.encode() != notice.body:
            yield replace(notice, body=text.encode())


def with_other_headers(notice: Notice) -> Iterator[tuple[str, Notice]]:
    """What a signature may be replaced by: in all headers that are not the transport's own."""
    kept = {name: value for name, value in notice.headers.items() if name in _TRANSPORT}
    signing = {name: value for name, value in notice.headers.items() if name not in _TRANSPORT}
    yield "none", replace(notice, headers=kept)
    yield "no header at all", replace(notice, headers={})
    for name, spoil in _SIGNATURE_FAULTS.items():
        yield name, replace(notice, headers={**kept, **{key: spoil(value) for key, value in signing.items()}})


def with_other_field(notice: Notice, field: str) -> Iterator[tuple[str, Notice]]:
    """The same for a signature that is a field of the body."""
    payload = parsed(notice)
    yield "none", replace(notice, body=json.dumps(_dropped(payload, (field,))).encode())
    for wrong in _WRONG:
        yield repr(wrong), replace(notice, body=json.dumps({**payload, field: wrong}).encode())
    for name, spoil in _SIGNATURE_FAULTS.items():
        yield name, replace(notice, body=json.dumps({**payload, field: spoil(str(payload[field]))}).encode())


def with_signature_of(notice: Notice, other: Notice, field: str) -> Notice:
    """The body of the one with the signature of the other."""
    if not field:
        return Notice(body=notice.body, headers=other.headers)
    return replace(notice, body=json.dumps({**parsed(notice), field: parsed(other)[field]}).encode())


def with_unknown_status(payload: Json) -> Json:
    """Every status in it is one that nobody knows yet."""
    changed: Json = _walk(payload, lambda key, value: FUTURE if key in _STATUS_KEYS and _is_text(value) else value)
    return changed


def with_extra_fields(payload: Json) -> Json:
    """Every object in it has fields that nobody knows yet."""
    changed: Json = _extended(payload)
    return changed


def with_unknown_type(payload: Json, event_type: str) -> Json:
    """Of a type that nobody knows yet."""
    return {key: FUTURE if value == event_type else value for key, value in payload.items()}


def spoiled(payload: Json) -> Iterator[tuple[str, Json]]:
    """The payload with one value of the wrong kind or missing, for each of its values in turn."""
    for path in _paths(payload):
        for value in _WRONG:
            yield f"{'.'.join(map(str, path))} = {value!r}", _set(payload, path, value)
        yield f"{'.'.join(map(str, path))} missing", _dropped(payload, path)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _walk(value: Any, change: Callable[[str, Any], Any], key: str = "") -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: _walk(item, change, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, change) for item in value]
    return change(key, value)


def _extended(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        known = {name: _extended(item) for name, item in value.items()}
        # An empty object may be one whose keys are the merchant's own words.
        return {**known, "field_of_the_future": {"nested": [1, None]}} if known else known
    return [_extended(item) for item in value] if isinstance(value, list) else value


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401 - JSON
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from _paths(item, (*path, key))


def _set(value: Any, path: tuple[str | int, ...], new: object) -> Any:  # noqa: ANN401 - JSON
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _set(value[path[0]], path[1:], new)
    return copy


def _dropped(value: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - JSON
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = _dropped(value[path[0]], path[1:])
    return copy
