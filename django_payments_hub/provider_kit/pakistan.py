"""What providers in Pakistan share: mobile numbers, identity cards, their clock, and references of their form."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from django_payments_hub.exceptions import InvalidInput

PKT = timezone(timedelta(hours=5), "PKT")
"""Pakistan has had no daylight saving time since 2009."""

_SEPARATORS = re.compile(r"[\s\u2010-\u2015-]")
"""Blanks and hyphens of any kind, which people type or paste within a number."""

_MOBILE = re.compile(r"(?:\+92|0092|92|0)(3[0-9]{9})", re.ASCII)
_CNIC = re.compile(r"[0-9]{13}", re.ASCII)
_LAST_SIX = re.compile(r"[0-9]{6}", re.ASCII)
_STAMP = re.compile(r"[0-9]{14}", re.ASCII)
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_REFERENCE_LENGTH = 20


def mobile_number(value: str) -> str:
    """The number as `03XXXXXXXXX`; spaces, hyphens and the country's code are taken.

    Raises:
        InvalidInput: `invalid_phone`.
    """
    found = _MOBILE.fullmatch(_SEPARATORS.sub("", value))
    if found is None:
        raise InvalidInput("A mobile number looks like 03001234567.", field="payer.phone", code="invalid_phone")
    return f"0{found[1]}"


def mobile_number_or_none(value: str) -> str:
    """The same; "" for what is no mobile number."""
    try:
        return mobile_number(value)
    except InvalidInput:
        return ""


def cnic_last_six(value: str) -> str:
    """The last six digits of an identity card's number, of which the whole or only these are given.

    Raises:
        InvalidInput: `invalid_national_id`.
    """
    text = _SEPARATORS.sub("", value)
    if not (_CNIC.fullmatch(text) or _LAST_SIX.fullmatch(text)):
        raise InvalidInput(
            "A CNIC has 13 digits, of which the last six may be given alone.",
            field="payer.national_id",
            code="invalid_national_id",
        )
    return text[-6:]


def local_time(moment: datetime) -> str:
    """An aware moment as `yyyyMMddHHmmss` by Pakistan's clock."""
    return moment.astimezone(PKT).strftime("%Y%m%d%H%M%S")


def from_local_time(text: str) -> datetime | None:
    """The moment of such a text; None for anything else."""
    if not _STAMP.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=PKT).astimezone(UTC)
    except ValueError:
        return None


def short_reference(payment_id: str, *, prefix: str = "") -> str:
    """A reference of at most 20 upper-case letters and digits, made from a payment's UUIDv7 alone.

    Of the 128 bits as many of the last are kept as fit: they are random, and 60 of them or more are left.
    """
    room = _REFERENCE_LENGTH - len(prefix)
    number, digits = UUID(payment_id).int % 36**room, ""
    while len(digits) < room:
        number, digit = divmod(number, 36)
        digits = _BASE36[digit] + digits
    return prefix + digits
