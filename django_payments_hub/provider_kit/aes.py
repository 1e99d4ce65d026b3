"""AES as a protocol demands it. ECB hides nothing of repeated blocks; here it is used as a provider's checksum."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

KEY_SIZES = (16, 24, 32)
"""Bytes an AES key has."""


def aes_ecb_base64(key: bytes, plaintext: bytes) -> str:
    """AES/ECB with PKCS #5 padding, in base64; raises ValueError for a key of another length than `KEY_SIZES`."""
    padder = PKCS7(algorithms.AES.block_size).padder()
    padded = padder.update(plaintext) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - the provider's protocol
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
