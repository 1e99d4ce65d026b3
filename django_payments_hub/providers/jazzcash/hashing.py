"""`pp_SecureHash`, as JazzCash's page on its hashing scheme has it.

HMAC-SHA256 under the integrity salt over the salt itself and the values of all fields whose name begins with `pp`, in
the ASCII order of their names, joined by `&`; empty fields and the hash itself are left out. The hash covers the values
and their order, not the names: whoever has a signed form can give its values other names. So nothing that came through
a browser or unasked is ever believed for what it says; it only makes the hub ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django_payments_hub.provider_kit.signing import any_matches, hmac_sha256_hex

HASH = "pp_SecureHash"
_PREFIX = "pp"
LONGEST = 128


def secure_hash(salt: str, fields: Mapping[str, object]) -> str:
    """The hash of these fields in upper-case hexadecimal, as JazzCash's samples print it.

    Raises:
        InvalidSignature: the salt is empty.
    """
    return hmac_sha256_hex(salt, _message(salt, fields)).decode().upper()


def signed(salt: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields with their hash."""
    return {**fields, HASH: secure_hash(salt, fields)}


def has_hash(fields: Mapping[str, object]) -> bool:
    """Whether the fields carry a hash at all; null and "" are none."""
    return fields.get(HASH) not in (None, "")


def is_genuine(salts: Iterable[str], fields: Mapping[str, object]) -> bool:
    """Whether one of the salts made the hash that the fields carry; its case does not matter."""
    given = fields.get(HASH)
    if not isinstance(given, str) or not given.isascii() or len(given) > LONGEST:
        return False
    if not any(_counts(name, value) for name, value in fields.items()):
        return False
    expected = [secure_hash(salt, fields).lower().encode() for salt in salts]
    return any_matches(expected, [given.lower().encode()])


def _message(salt: str, fields: Mapping[str, object]) -> bytes:
    values = [_text(fields[name]) for name in sorted(fields) if _counts(name, fields[name])]
    # What JSON can hold and UTF-8 cannot (half a surrogate pair) must not raise; it makes another hash.
    return "&".join([salt, *values]).encode("utf-8", "surrogatepass")


def _counts(name: str, value: object) -> bool:
    return name.startswith(_PREFIX) and name != HASH and value is not None and value != ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)
