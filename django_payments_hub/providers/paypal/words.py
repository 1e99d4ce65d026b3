"""PayPal's codes: capitals, digits and underscores; anything else is free text and is never carried on."""

from __future__ import annotations

import re

from django_payments_hub.provider_kit.reading import Json

_WORD = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)


def word(data: Json, key: str) -> str:
    """A code of PayPal's; "" for anything that does not look like one."""
    value = data.get(key)
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
