"""What a PayPal account needs to be told, and the mix-ups that are refused before a call is made (I22, S23)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.provider_kit.addresses import check_base, is_base, is_loopback
from django_payments_hub.provider_kit.base import BaseConfig, address, public, secret
from django_payments_hub.provider_kit.certificates import UntrustedCertificate, parse_certificates
from django_payments_hub.provider_kit.values import matches, require

API_BASES = {Mode.LIVE: "https://api-m.paypal.com", Mode.TEST: "https://api-m.sandbox.paypal.com"}
"""developer.paypal.com/api/rest/requests, "API endpoints"."""

OFFLINE, POSTBACK = "offline", "postback"

_CREDENTIAL = re.compile(r"[A-Za-z0-9_.~+/=-]{3,255}", re.ASCII)
# The published document: at most 50 characters; PayPal's own are 17 letters and digits.
_WEBHOOK_ID = re.compile(r"[A-Za-z0-9-]{1,50}", re.ASCII)
_MAX_BRAND = 127


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The keys of one PayPal account (an app in PayPal's developer dashboard, live or sandbox).

    Args:
        client_id: of the app; browsers may know it.
        client_secret: of the app.
        webhook_ids: the ids of its webhooks, which are part of every signature; several while one is replaced.
        webhook_verification: `offline` checks signatures here, `postback` asks PayPal about each notice.
        api_base: PayPal's own by the account's mode; another https address, or the sandbox on loopback in mode test.
        brand_name: shown on PayPal's page instead of the account's business name.
        webhook_intermediates: PEM of certificates between PayPal's and a root of this machine, where it does not send
            them along. They are trusted no more than what PayPal sends.
        webhook_root_certificate: PEM of the sandbox's own authority; only with a sandbox on loopback.
    """

    client_id: str = public()
    client_secret: str = secret()
    webhook_ids: tuple[str, ...]
    webhook_verification: str = OFFLINE
    api_base: str = address("")
    brand_name: str = ""
    webhook_intermediates: str = ""
    webhook_root_certificate: str = ""

    def __post_init__(self) -> None:
        require(matches(_CREDENTIAL, self.client_id), "CLIENT_ID is not a client id of PayPal's")
        require(matches(_CREDENTIAL, self.client_secret), "CLIENT_SECRET is not a secret of PayPal's")
        require(
            _is_webhook_ids(self.webhook_ids), "WEBHOOK_IDS needs a list of webhook ids, of letters, digits, hyphens"
        )
        require(
            self.webhook_verification in (OFFLINE, POSTBACK), "WEBHOOK_VERIFICATION is either 'offline' or 'postback'"
        )
        require(self.api_base == "" or is_base(self.api_base), "API_BASE is not a plain http(s) address")
        require(_is_brand(self.brand_name), f"BRAND_NAME is a text of at most {_MAX_BRAND} characters")
        require(_is_pem(self.webhook_intermediates), "WEBHOOK_INTERMEDIATES is no PEM text of certificates")
        require(_is_pem(self.webhook_root_certificate), "WEBHOOK_ROOT_CERTIFICATE is no PEM text of a certificate")


def base_of(config: Config, mode: Mode) -> str:
    """Where this account's calls go, without a slash at the end."""
    return (config.api_base or API_BASES[mode]).rstrip("/")


def uses_sandbox(config: Config, mode: Mode) -> bool:
    """Whether the account is pointed at a sandbox on this machine."""
    return mode is Mode.TEST and is_loopback(urlsplit(base_of(config, mode)))


def check_mode(config: Config, mode: Mode) -> None:
    """Refuse an address, or an authority for certificates, that does not belong to the mode.

    Raises:
        ConfigurationError: `mode_mismatch`, `insecure_api_base`, or `foreign_root_certificate`.
    """
    base = base_of(config, mode)
    check_base(base, mode)
    other = API_BASES[Mode.LIVE if mode is Mode.TEST else Mode.TEST]
    if urlsplit(base).hostname in _hosts(other):
        raise ConfigurationError(
            f"API_BASE is PayPal's address of the other mode; this account's is {mode.value}.", code="mode_mismatch"
        )
    if config.webhook_root_certificate and not uses_sandbox(config, mode):
        raise ConfigurationError(
            "WEBHOOK_ROOT_CERTIFICATE is for a sandbox on loopback in mode test alone.", code="foreign_root_certificate"
        )


def _hosts(base: str) -> tuple[str, str]:
    host = urlsplit(base).hostname or ""
    return host, host.replace("api-m.", "api.", 1)


def _is_webhook_ids(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(matches(_WEBHOOK_ID, v) for v in value)


def _is_brand(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_BRAND


def _is_pem(value: object) -> bool:
    if not isinstance(value, str) or not value.isascii():
        return False
    try:
        return value == "" or bool(parse_certificates(value.encode()))
    except UntrustedCertificate:
        return False
