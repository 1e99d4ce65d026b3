"""What our own words look like at JazzCash: references and descriptions."""

from __future__ import annotations

import re

from django_payments_hub.provider_kit.ids import checked

REFERENCE = re.compile(r"[A-Za-z0-9]{1,20}", re.ASCII)
"""`pp_TxnRefNo`: "unique, at most 20 letters and digits"."""

# JazzCash makes blanks of <>*=%/:'|"{} in `pp_Description`, and what was signed must be what is left.
_FORBIDDEN = re.compile("[<>*=%/:'|\"{}\\x00-\\x1f\\x7f-\\x9f\ud800-\udfff]")
_MAX_DESCRIPTION = 200


def reference(value: str) -> str:
    """The reference, if it can be one; raises Refused(`invalid_object_id`)."""
    return checked(REFERENCE, value, "a payment")


def description(text: str, instead: str) -> str:
    """A `pp_Description` that reads the same on both sides before it is signed; `instead` where nothing is left."""
    clean = " ".join(_FORBIDDEN.sub(" ", text).split())
    return clean[:_MAX_DESCRIPTION].strip() or instead
