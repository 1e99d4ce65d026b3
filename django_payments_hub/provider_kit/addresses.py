"""The address a provider is reached at: judged once, when the account is configured."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError


def is_base(value: object) -> bool:
    """Whether this is a plain http(s) address: no query, no fragment, no credentials."""
    if not isinstance(value, str) or not value.isascii():
        return False
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return False
    plain = not (url.query or url.fragment or url.username or url.password)
    return url.scheme in ("http", "https") and bool(url.hostname) and plain and port != 0


def check_base(base: str, mode: Mode, *, name: str = "API_BASE") -> None:
    """Refuse an address that does not belong to the mode (S23), or would send credentials in the clear.

    Args:
        base: an `is_base` address of the account. name: its key.

    Raises:
        ConfigurationError: `mode_mismatch` for loopback in mode live, `insecure_api_base` for http elsewhere.
    """
    url = urlsplit(base)
    if mode is Mode.LIVE and is_loopback(url):
        raise ConfigurationError(f"A live account cannot use a sandbox as its {name}.", code="mode_mismatch")
    if url.scheme != "https" and not is_loopback(url):
        raise ConfigurationError(f"{name} must be https, except on loopback.", code="insecure_api_base")


def is_loopback(url: SplitResult) -> bool:
    """Whether the address names this machine."""
    host = url.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
