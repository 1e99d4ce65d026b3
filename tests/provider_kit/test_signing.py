"""Signature helpers: bytes in, a clear refusal out, whatever stands in the header."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_payments_hub.exceptions import InvalidSignature
from django_payments_hub.provider_kit.signing import (
    MAX_HEADER_BYTES,
    any_matches,
    check_age,
    header_bytes,
    hmac_sha256,
    hmac_sha256_hex,
    parse_timestamp,
)

# RFC 4231, test case 2.
RFC_KEY, RFC_DATA = "Jefe", b"what do ya want for nothing?"
RFC_DIGEST = b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_hmac_sha256_agrees_with_the_published_vector():
    assert hmac_sha256_hex(RFC_KEY, RFC_DATA) == RFC_DIGEST
    assert hmac_sha256(RFC_KEY, RFC_DATA) == bytes.fromhex(RFC_DIGEST.decode())


def test_an_empty_secret_signs_nothing():
    with pytest.raises(InvalidSignature) as caught:
        hmac_sha256("", b"body")
    assert caught.value.code == "missing_secret"


@given(st.text(min_size=1), st.binary())
def test_every_secret_and_body_can_be_signed(secret, body):
    try:
        raw = secret.encode()
    except UnicodeEncodeError:
        return
    assert hmac_sha256(secret, body) == hmac.new(raw, body, hashlib.sha256).digest()


@pytest.mark.parametrize(
    ("expected", "given_", "found"),
    [
        ([b"a"], [b"a"], True),
        ([b"a", b"b"], [b"x", b"b"], True),
        ([b"a"], [b"b"], False),
        ([b"a"], [], False),
        ([], [b"a"], False),
        ([b"a"], [b"aa", b""], False),
        ([b"a"], [b"\xe9"], False),
    ],
)
def test_one_right_signature_is_enough(expected, given_, found):
    assert any_matches(iter(expected), iter(given_)) is found


@pytest.mark.parametrize(
    ("value", "raw"),
    [("v1=ab", b"v1=ab"), ("v1=\xe9", b"v1=\xe9"), ("v1=\udce9", b"v1=\xe9"), ("v1=\u20ac", "v1=\u20ac".encode())],
)
def test_a_header_of_any_encoding_becomes_bytes(value, raw):
    assert header_bytes({"x-signature": value}, "x-signature") == raw


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_signature"),
        ({"x-signature": ""}, "missing_signature"),
        ({"x-signature": "a" * (MAX_HEADER_BYTES + 1)}, "malformed_signature"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(headers, code):
    with pytest.raises(InvalidSignature) as caught:
        header_bytes(headers, "x-signature")
    assert caught.value.code == code


@given(st.text())
def test_no_header_ends_in_anything_but_bytes_or_a_refusal(value):
    with suppress(InvalidSignature):
        assert isinstance(header_bytes({"x-signature": value}, "x-signature"), bytes)


@pytest.mark.parametrize(
    "raw", [b"", b"-1", b"1.5", b"1e9", b" 1", b"1 ", b"1" * 13, "٣".encode(), b"\xe9", b"0x1", b"+1"]
)
def test_a_timestamp_is_plain_digits(raw):
    with pytest.raises(InvalidSignature) as caught:
        parse_timestamp(raw)
    assert caught.value.code == "malformed_signature"


@pytest.mark.parametrize(
    ("timestamp", "code"),
    [(1000, None), (700, None), (1300, None), (699, "stale_signature"), (1301, "future_signature")],
)
def test_both_sides_of_the_tolerance_count(timestamp, code):
    if code is None:
        check_age(timestamp, now=1000.0, tolerance_s=300)
        return
    with pytest.raises(InvalidSignature) as caught:
        check_age(timestamp, now=1000.0, tolerance_s=300)
    assert caught.value.code == code
