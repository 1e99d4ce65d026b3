"""Credentials of accounts kept in the database: encrypted with the first key, readable with all, rotatable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import transaction

from django_payments_hub.conf import SETTING, hub_settings
from django_payments_hub.domain.masking import Masked
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.models import ProviderAccount

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


def _fernet() -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    keys = hub_settings().encryption_keys
    if not keys:
        raise ConfigurationError(
            f"Accounts in the database and national ids need {SETTING}['ENCRYPTION_KEYS']; make one with "
            "`python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'`.",
            code="encryption_keys_missing",
        )
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise ConfigurationError(
            f"A key in {SETTING}['ENCRYPTION_KEYS'] is not a Fernet key.", code="encryption_key_invalid"
        ) from None


def encrypt(values: Mapping[str, object]) -> str:
    """The credentials as they are stored: JSON under the first key."""
    return _fernet().encrypt(json.dumps(dict(values)).encode()).decode()


def decrypt(stored: str) -> dict[str, object]:
    """The credentials of a row; raises ConfigurationError(`credentials_unreadable`) when no key fits."""
    from cryptography.fernet import InvalidToken

    if not stored:
        return {}
    try:
        values = Masked(json.loads(_fernet().decrypt(stored.encode())))
    except (InvalidToken, ValueError):
        raise ConfigurationError(
            "The credentials of the account cannot be decrypted: is an old key missing?", code="credentials_unreadable"
        ) from None
    return values


def seal(text: str) -> str:
    """A text that must not be kept in clear, encrypted under the first key; "" stays as it is."""
    return _fernet().encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """The text again; raises ConfigurationError(`credentials_unreadable`) when no key fits."""
    from cryptography.fernet import InvalidToken

    if not sealed:
        return ""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise ConfigurationError(
            "What was kept encrypted cannot be decrypted: is an old key missing?", code="credentials_unreadable"
        ) from None


def store(row: ProviderAccount, values: Mapping[str, object]) -> None:
    """Keep these credentials with the row, encrypted, and save it."""
    row.credentials = encrypt(values)
    row.save()


def rotate() -> int:
    """Encrypt every stored credential under the first key; returns how many. Safe to interrupt and repeat.

    Raises:
        ConfigurationError: `credentials_unreadable`, naming the account that no key fits; it stays as it is.
    """
    rotated = 0
    for pk in ProviderAccount.objects.exclude(credentials="").values_list("pk", flat=True):
        with transaction.atomic():
            row = ProviderAccount.objects.select_for_update().get(pk=pk)
            row.credentials = _rotated(row)
            row.save(update_fields=["credentials", "updated_at"])
        rotated += 1
    return rotated


def _rotated(row: ProviderAccount) -> str:
    from cryptography.fernet import InvalidToken

    try:
        return _fernet().rotate(row.credentials.encode()).decode()
    except InvalidToken:
        raise ConfigurationError(
            f"The credentials of {row.alias!r} cannot be decrypted: is an old key missing?",
            code="credentials_unreadable",
        ) from None
