"""``merchantHashedReq``: all fields of the hosted form in order, encrypted by AES in ECB mode with the store's key."""

import base64
import hmac
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

HASH = "merchantHashedReq"


def plaintext(fields: Mapping[str, str]) -> str:
    """``name=value`` of every field that holds something, sorted, as they are."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != HASH and fields[name])


def merchant_hash(key: str, fields: Mapping[str, str]) -> str:
    """The hash of a form."""
    padder = PKCS7(128).padder()
    padded = padder.update(plaintext(fields).encode()) + padder.finalize()
    # The guide prescribes this mode
    encryptor = Cipher(algorithms.AES(key.encode()), modes.ECB()).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def is_hashed(key: str, fields: Mapping[str, str]) -> bool:
    """Whether the form's hash is right."""
    return hmac.compare_digest(fields.get(HASH, "").encode(), merchant_hash(key, fields).encode())
