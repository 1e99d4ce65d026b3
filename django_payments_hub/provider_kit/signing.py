"""Checking signatures, on bytes throughout.

`hmac.compare_digest` raises TypeError for non-ASCII text, and a header can hold any byte; so nothing here compares str.
Every failure is `InvalidSignature`, with a code that says which step failed and never what was given.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

from django_payments_hub.exceptions import InvalidSignature

MAX_HEADER_BYTES = 4096
"""Signature headers are a few hundred bytes; what is longer is not worth parsing."""

_TIMESTAMP = re.compile(rb"[0-9]{1,12}")


def header_bytes(headers: Mapping[str, str], name: str, *, max_bytes: int = MAX_HEADER_BYTES) -> bytes:
    """The header (`name` in lower case) as the bytes it was sent as.

    Raises:
        InvalidSignature: `missing_signature` when absent or empty, `malformed_signature` when too long.
    """
    value = headers.get(name)
    if not value:
        raise InvalidSignature("The signature header is missing.", code="missing_signature")
    # WSGI hands headers over as latin-1, some servers as UTF-8 with surrogates: both lead back to bytes.
    raw = value.encode("latin-1") if _is_latin1(value) else value.encode("utf-8", "surrogateescape")
    if len(raw) > max_bytes:
        raise InvalidSignature("The signature header is too long.", code="malformed_signature")
    return raw


def _is_latin1(value: str) -> bool:
    return all(ord(character) < 256 for character in value)


def hmac_sha256(secret: str, message: bytes) -> bytes:
    """The raw HMAC-SHA256 of the message under the secret (as UTF-8).

    Raises:
        InvalidSignature: the secret is empty; an empty key would let everybody sign.
    """
    if not secret:
        raise InvalidSignature("No secret is configured.", code="missing_secret")
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def hmac_sha256_hex(secret: str, message: bytes) -> bytes:
    """The same in lower-case hexadecimal, as ASCII bytes."""
    return hmac_sha256(secret, message).hex().encode()


def any_matches(expected: Iterable[bytes], given: Iterable[bytes]) -> bool:
    """Whether one given signature is one of the expected ones; all pairs are compared, always."""
    given = list(given)
    found = False
    for right in expected:
        for candidate in given:
            found |= hmac.compare_digest(right, candidate)
    return found


def parse_timestamp(raw: bytes) -> int:
    """Unix seconds written as plain ASCII digits; raises InvalidSignature(`malformed_signature`)."""
    if not _TIMESTAMP.fullmatch(raw):
        raise InvalidSignature("The signature's timestamp cannot be read.", code="malformed_signature")
    return int(raw)


def check_age(timestamp: float, *, now: float, tolerance_s: float, ahead_s: float | None = None) -> None:
    """Refuse what was signed too long ago, or too far in the future; both in seconds of Unix time.

    `ahead_s`: how far in the future, where that is not the same as how long ago.

    Raises:
        InvalidSignature: `stale_signature` or `future_signature`.
    """
    age = now - timestamp
    if age > tolerance_s:
        raise InvalidSignature("The signature is too old.", code="stale_signature")
    if age < -(tolerance_s if ahead_s is None else ahead_s):
        raise InvalidSignature("The signature lies in the future.", code="future_signature")
