"""Finds providers by name and keeps one built provider per account and process."""

from __future__ import annotations

import os
from functools import cache
from threading import Lock
from typing import Any, TypeAlias

from django.utils.module_loading import import_string

from django_payments_hub.conf import BUILT_IN_PROVIDERS
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.provider_kit.base import BaseProvider
from django_payments_hub.provider_kit.types import AccountConfig

AnyProvider: TypeAlias = BaseProvider[Any]

_built: dict[tuple[str, int], tuple[AccountConfig, AnyProvider]] = {}
_lock = Lock()


@cache
def provider_class(name: str) -> type[AnyProvider]:
    """The class `Provider` of the module that `name` stands for: a shipped provider, or a dotted module path.

    Raises:
        ConfigurationError: `unknown_provider`.
    """
    path = BUILT_IN_PROVIDERS.get(name, name)
    try:
        found = import_string(f"{path}.Provider")
    except (ImportError, TypeError, ValueError) as error:  # the latter two for what is no path at all
        raise ConfigurationError(
            f"No provider {name!r}: {path}.Provider cannot be imported ({error}).", code="unknown_provider"
        ) from error
    if not (isinstance(found, type) and issubclass(found, BaseProvider)):
        raise ConfigurationError(f"{path}.Provider is not a BaseProvider.", code="unknown_provider")
    return found


def build(config: AccountConfig) -> AnyProvider:
    """The provider of this account in this process; built anew when its configuration changed or the process forked."""
    key = (config.alias, os.getpid())
    with _lock:
        known = _built.get(key)
        if known is None or known[0] != config:
            known = (config, provider_class(config.provider)(config))
            _built[key] = known
        return known[1]


def forget() -> None:
    """Drop every built provider; the next use builds it again."""
    with _lock:
        _built.clear()
