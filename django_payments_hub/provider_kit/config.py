"""What an account of a provider is configured with: typed, required or not, secret or public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TypeVar, cast

from django_payments_hub.domain.masking import Masked
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.provider_kit.types import AccountConfig


@dataclass(frozen=True, kw_only=True)
class BaseConfig:
    """Base of a provider's `Config`: field names are the keys an account needs, in lower case.

    A field made by `secret()` never shows in a repr and is write-only in the admin. A field made by `public()` may be
    given to browsers (`GET gateways/`).
    """


FieldT = TypeVar("FieldT")


def address(default: str) -> str:
    """Where the provider is reached: with another one every secret of the account has to be given anew."""
    made: str = field(default=default, metadata={"address": True})
    return made


def secret(default: FieldT | None = None) -> FieldT:
    """A credential, or a tuple of them: hidden in every repr. Required when there is no default."""
    return _field({"secret": True}, default, shown=False)


def public(default: FieldT | None = None) -> FieldT:
    """A key meant for browsers, such as a publishable key."""
    return _field({"public": True}, default, shown=True)


def _field(metadata: Mapping[str, bool], default: FieldT | None, *, shown: bool) -> FieldT:
    if default is None:
        return cast("FieldT", field(repr=shown, metadata=metadata))
    return field(repr=shown, metadata=metadata, default=default)


ConfigT = TypeVar("ConfigT", bound=BaseConfig)


def parse_config(config_class: type[ConfigT], account: AccountConfig) -> ConfigT:
    """The account's values as the provider's typed `Config`.

    Raises:
        ConfigurationError: a key is missing, empty or unknown; the message names it, never its value.
    """
    known = {f.name: f for f in fields(config_class)}
    values = Masked({key.lower(): _frozen(value) for key, value in account.values.items()})
    for name in values:
        if name not in known:
            raise ConfigurationError(
                f"Account {account.alias!r} has an unknown key {name.upper()!r}; "
                f"known keys: {', '.join(sorted(k.upper() for k in known))}.",
                code="unknown_account_key",
            )
    try:
        config = config_class(**values)
    except TypeError:
        missing = ", ".join(n.upper() for n in known if n not in values)
        raise ConfigurationError(
            f"Account {account.alias!r} lacks a key; it needs one of: {missing}.", code="missing_account_key"
        ) from None
    for name, definition in known.items():
        required = definition.metadata.get("secret") and definition.default is MISSING
        if required and not getattr(config, name):
            raise ConfigurationError(f"Account {account.alias!r}: {name.upper()} is empty.", code="empty_account_key")
    return config


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
