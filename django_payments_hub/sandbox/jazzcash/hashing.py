"""``pp_SecureHash``: HMAC-SHA256 over the values of a message, in the order of their names."""

import hashlib
import hmac

from django_payments_hub.sandbox.wire import Json

HASH = "pp_SecureHash"


def secure_hash(salt: str, fields: Json) -> str:
    """The hash of all fields that begin with "pp" and hold something, in upper case."""
    signed = sorted(name for name in fields if name.startswith("pp") and name != HASH)
    values = [str(fields[name]) for name in signed if fields[name] not in (None, "")]
    return hmac.new(salt.encode(), "&".join([salt, *values]).encode(), hashlib.sha256).hexdigest().upper()


def sealed(salt: str, fields: Json, *, lower: bool = False) -> Json:
    """The fields with their hash."""
    found = secure_hash(salt, fields)
    return {**fields, HASH: found.lower() if lower else found}


def is_signed(salts: list[str], fields: Json) -> bool:
    """Whether the hash is right by one of the salts; in which case its letters are is all the same."""
    given = str(fields.get(HASH) or "").upper()
    return any(hmac.compare_digest(given.encode(), secure_hash(salt, fields).encode()) for salt in salts)
