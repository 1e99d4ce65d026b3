"""Reading JSON: only what is there, of the right type, gets through."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from django_payments_hub.exceptions import MalformedNotice, OutcomeUnknown
from django_payments_hub.provider_kit import reading
from django_payments_hub.provider_kit.reading import Unreadable, parse_object


def test_an_object_is_read():
    assert parse_object(b'{"a": [1, "\\u00e9"]}') == {"a": [1, "\u00e9"]}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"1", b'"x"', b"null", b"{", b"<html>", b"\xff\xfe\xff", b'{"a": NaN}', b'{"a": -Infinity}',
        b'{"a":' * 100_000, b'{"a": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_anything_else_is_unreadable(body):
    with pytest.raises(Unreadable):
        parse_object(body)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (reading.text, None), (reading.text, ""), (reading.text, 1),
        (reading.optional_text, 1), (reading.optional_text, {}),
        (reading.integer, None), (reading.integer, True), (reading.integer, 1.0), (reading.integer, "1"),
        (reading.integer, -1), (reading.optional_integer, False), (reading.optional_integer, "1"),
        (reading.flag, None), (reading.flag, 1), (reading.flag, "true"),
        (reading.mapping, None), (reading.mapping, []), (reading.mapping, "x"),
        (reading.objects, None), (reading.objects, {}), (reading.objects, [1]),
        (reading.moment, "soon"), (reading.moment, -1), (reading.moment, 10**15), (reading.moment, True),
    ],
)  # fmt: skip
def test_the_wrong_type_is_unreadable_and_the_message_names_the_key_alone(read, value):
    with pytest.raises(Unreadable, match=r"^the_key is not"):
        read({"the_key": value}, "the_key")


def test_what_is_absent_reads_as_nothing_where_it_may_be_absent():
    assert reading.optional_text({}, "a") == ""
    assert reading.optional_integer({"a": None}, "a") == 0
    assert reading.optional_mapping({"a": "id_1"}, "a") == {}
    assert reading.moment({}, "a") is None


def test_values_are_read():
    data = {"t": "x", "i": 5, "f": False, "m": {"k": 1}, "o": [{}], "at": 1700000000}
    assert (reading.text(data, "t"), reading.integer(data, "i"), reading.flag(data, "f")) == ("x", 5, False)
    assert (reading.mapping(data, "m"), reading.objects(data, "o")) == ({"k": 1}, [{}])
    assert reading.moment(data, "at") == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_where_it_came_from_decides_what_it_means():
    with pytest.raises(OutcomeUnknown, match="x is not a text"), reading.unreadable_answer():
        reading.text({}, "x")
    with pytest.raises(MalformedNotice, match="x is not a text"), reading.unreadable_notice():
        reading.text({}, "x")
