"""What a Square account needs to be told, and the mix-ups that are refused before a call is made (I22, S23)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.provider_kit.addresses import check_base, is_base
from django_payments_hub.provider_kit.base import BaseConfig, address, public, secret
from django_payments_hub.provider_kit.values import is_secret_list, matches, require

API_VERSION = "2026-09-16"
"""The version this code was written for (developer.squareup.com/docs/build-basics/versioning-overview)."""

# developer.squareup.com/docs/devtools/sandbox/overview
_BASES = {Mode.LIVE: "https://connect.squareup.com", Mode.TEST: "https://connect.squareupsandbox.com"}
_TOKEN = re.compile(r"[!-~]{10,1024}", re.ASCII)
_LOCATION = re.compile(r"[A-Za-z0-9_-]{1,50}", re.ASCII)
_MERCHANT = re.compile(r"[A-Za-z0-9_-]{0,50}", re.ASCII)
_APPLICATION = re.compile(r"(sandbox-)?sq0id[a-z]-[A-Za-z0-9_-]+", re.ASCII)
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The keys of one Square account.

    Args:
        access_token: of the application, or an OAuth token of the seller; of the account's mode.
        location_id: where payments are taken. What Square tells of other locations is not ours.
        webhook_secrets: signature keys of the webhook subscription; several while one is being rotated.
        application_id: for the Web Payments SDK in the browser; only the token flow needs it.
        webhook_url: the notification URL exactly as the subscription has it, which Square signs along; for a project
            behind another public address than its PUBLIC_URL.
        merchant_id: the seller; with it, notices of another one are ignored.
        api_version: sent with every call, and best set on the subscription too.
        api_base: another https address, or the sandbox on loopback in mode test; "" for Square's own of the mode.
    """

    access_token: str = secret()
    location_id: str = public()
    webhook_secrets: tuple[str, ...] = secret()
    application_id: str = public("")
    webhook_url: str = ""
    merchant_id: str = ""
    api_version: str = API_VERSION
    api_base: str = address("")

    def __post_init__(self) -> None:
        require(is_secret_list(self.webhook_secrets), "WEBHOOK_SECRETS needs a list of non-empty signature keys")
        require(matches(_TOKEN, self.access_token), "ACCESS_TOKEN is not a Square access token")
        require(matches(_LOCATION, self.location_id), "LOCATION_ID is not the id of a location")
        require(matches(_MERCHANT, self.merchant_id), "MERCHANT_ID is not the id of a merchant")
        require(
            self.application_id == "" or matches(_APPLICATION, self.application_id),
            "APPLICATION_ID is not a Square application id (sq0idp-... or sandbox-sq0idb-...)",
        )
        require(self.webhook_url == "" or is_base(self.webhook_url), "WEBHOOK_URL is not a plain http(s) address")
        require(matches(_VERSION, self.api_version), f"API_VERSION is not a version such as {API_VERSION}")
        require(self.api_base == "" or is_base(self.api_base), "API_BASE is not a plain http(s) address")


def base_address(config: Config, mode: Mode) -> str:
    """Where Square is reached in this mode."""
    return config.api_base.rstrip("/") or _BASES[mode]


def check_mode(config: Config, mode: Mode) -> None:
    """Refuse an application id of the other mode, and addresses that do not belong to the mode.

    Raises:
        ConfigurationError: `mode_mismatch`, or `insecure_api_base`.
    """
    application = _APPLICATION.fullmatch(config.application_id)
    if application and (Mode.TEST if application[1] else Mode.LIVE) is not mode:
        raise ConfigurationError(
            f"APPLICATION_ID is of the other mode; the account's is {mode.value}.", code="mode_mismatch"
        )
    others = {urlsplit(base).hostname for of, base in _BASES.items() if of is not mode}
    if urlsplit(base_address(config, mode)).hostname in others:
        raise ConfigurationError(
            f"API_BASE is Square's address for the other mode; the account's is {mode.value}.", code="mode_mismatch"
        )
    if config.api_base:
        check_base(config.api_base, mode)
