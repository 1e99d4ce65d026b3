"""What a Stripe account needs to be told, and the mix-ups that are refused before a call is made (I22, S23)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.provider_kit.addresses import check_base, is_base
from django_payments_hub.provider_kit.base import BaseConfig, address, public, secret
from django_payments_hub.provider_kit.values import is_secret_list, matches, require

API_BASE = "https://api.stripe.com"
API_VERSION = "2026-10-28.endive"
"""The version this code was written for (docs.stripe.com/api/versioning)."""

_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:\.[a-z]+)?")
# Secret and restricted keys, also of organisations: docs.stripe.com/keys.
_SECRET_KEY = re.compile(r"(?:sk|rk)(?:_org)?_(test|live)_[A-Za-z0-9_]+", re.ASCII)
_PUBLISHABLE_KEY = re.compile(r"pk_(test|live)_[A-Za-z0-9_]+", re.ASCII)
_MAX_TOLERANCE_S = 3600


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The keys of one Stripe account.

    Args:
        secret_key: `sk_test_...` or `rk_live_...`; its mode must be the account's.
        webhook_secrets: signing secrets (`whsec_...`) of the endpoint; several while one is being rotated.
        publishable_key: for Stripe.js; only the client flow needs it.
        api_version: sent with every call, and best set on the webhook endpoint too.
        api_base: another https address, or the sandbox on loopback in mode test.
        webhook_tolerance_s: how far a notice's timestamp may be from our clock, in seconds, either way.
    """

    secret_key: str = secret()
    webhook_secrets: tuple[str, ...] = secret()
    publishable_key: str = public("")
    api_version: str = API_VERSION
    api_base: str = address(API_BASE)
    webhook_tolerance_s: int = 300

    def __post_init__(self) -> None:
        require(bool(is_secret_list(self.webhook_secrets)), "WEBHOOK_SECRETS needs a list of non-empty secrets")
        require(matches(_SECRET_KEY, self.secret_key), "SECRET_KEY is not a Stripe secret key (sk_test_..., rk_...)")
        require(
            self.publishable_key == "" or matches(_PUBLISHABLE_KEY, self.publishable_key),
            "PUBLISHABLE_KEY is not a Stripe publishable key (pk_test_... or pk_live_...)",
        )
        require(matches(_VERSION, self.api_version), f"API_VERSION is not a version such as {API_VERSION}")
        require(_is_tolerance(self.webhook_tolerance_s), "WEBHOOK_TOLERANCE_S is a number of seconds from 1 to 3600")
        require(is_base(self.api_base), "API_BASE is not a plain http(s) address")


def check_mode(config: Config, mode: Mode) -> None:
    """Refuse a key of the other mode, and addresses that do not belong to the mode.

    Raises:
        ConfigurationError: `mode_mismatch`, or `insecure_api_base`.
    """
    for name, pattern, key in (
        ("SECRET_KEY", _SECRET_KEY, config.secret_key),
        ("PUBLISHABLE_KEY", _PUBLISHABLE_KEY, config.publishable_key),
    ):
        match = pattern.fullmatch(key)
        if match and match[1] != mode.value:
            raise ConfigurationError(
                f"{name} is a {match[1]} key, but the account's mode is {mode.value}.", code="mode_mismatch"
            )
    check_base(config.api_base, mode)


def _is_tolerance(value: object) -> bool:
    # Not 0: the SDK reads that as "do not check", and nothing here switches a check off.
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_TOLERANCE_S
