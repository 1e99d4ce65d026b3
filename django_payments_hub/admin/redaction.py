"""What a payload may show in the admin: everything but secrets, tokens and card numbers (S10, S11)."""

from __future__ import annotations

import json
import re

from django_payments_hub.domain.card_data import holds_card_number, without_card_numbers

REDACTED = "[redacted]"
_MAX_SHOWN = 100_000

# A key names a secret when one of its words does: `client_secret`, `pp_Password`, `paymentMethodToken`.
_SECRET_WORDS = frozenset(
    {
        "secret",
        "secrets",
        "token",
        "password",
        "passwd",
        "authorization",
        "credential",
        "credentials",
        "signature",
        "cvc",
        "cvv",
        "pan",
        "pin",
        "mpin",
        "cnic",
        "salt",
        "cookie",
    }
)
_SECRET_PHRASES = (
    "api_key",
    "secret_key",
    "private_key",
    "access_key",
    "card_number",
    "hash_key",
    "secure_hash",
    "national_id",
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")

# Keys and client secrets by their published form, wherever they stand.
_SECRET_VALUE = re.compile(
    r"\b(?:sk|rk|pk|ek)_(?:org_)?(?:test|live)_\w+|\bwhsec_[\w+/=]+|\b\w+_secret_\w+|\b(?:pm|tok|src|card)_(?=\w*[0-9])\w{10,}"
    r"|\bBearer\s+[\w.~+/=-]+"
)


def shown_json(text: str) -> str:
    """A JSON text, indented and redacted; any other text redacted as it stands."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return redact_text(text)[:_MAX_SHOWN]
    return pretty(value)


def pretty(value: object) -> str:
    """A JSON value, indented and redacted."""
    try:
        text = json.dumps(redact(value), indent=2, ensure_ascii=False, default=str)
    except RecursionError:
        return REDACTED
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}\n…"


def redact(value: object) -> object:
    """The value without what must not be shown."""
    if isinstance(value, dict):
        return {redact_text(str(name)): _redact_named(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(inner) for inner in value]
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, int) and not isinstance(value, bool) and holds_card_number(str(value)):
        return REDACTED
    return value


def _redact_named(name: str, value: object) -> object:
    return REDACTED if names_secret(name) and value not in (None, "", [], {}) else redact(value)


def names_secret(name: str) -> bool:
    """Whether a field of this name holds a secret."""
    words = [word.lower() for word in _WORD.findall(name)]
    joined = "_".join(words)
    return bool(_SECRET_WORDS.intersection(words)) or any(phrase in joined for phrase in _SECRET_PHRASES)


def redact_text(text: str) -> str:
    """The text without secrets and card numbers that stand in it."""
    return without_card_numbers(_SECRET_VALUE.sub(REDACTED, text), REDACTED)
