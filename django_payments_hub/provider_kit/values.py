"""Checks of an account's values, for the `__post_init__` of a provider's `Config`."""

from __future__ import annotations

import re

from django_payments_hub.exceptions import ConfigurationError


def require(condition: bool, sentence: str) -> None:
    """Refuse the account unless the condition holds; the sentence names the key, never its value.

    Raises:
        ConfigurationError: `invalid_account_value`.
    """
    if not condition:
        raise ConfigurationError(f"{sentence}.", code="invalid_account_value")


def matches(pattern: re.Pattern[str], value: object) -> bool:
    """Whether it is a text of this form, from end to end."""
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_secret_list(value: object) -> bool:
    """Whether it is a list of secrets, as `parse_config` hands one over, none of them blank."""
    return isinstance(value, tuple) and bool(value) and all(isinstance(v, str) and v.strip() for v in value)
