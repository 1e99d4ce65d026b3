"""Where a customer may be sent: the host's own pages, by an exact list (S5)."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import InvalidInput

MAX_LENGTH = 1000

# RFC 3986's characters and nothing else: no space, control, backslash, brace or letter of another alphabet.
_URL = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.ASCII)
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_ENCODED_CONTROL = re.compile(r"%(?:[01][0-9a-f]|7f|5c)", re.IGNORECASE)
_DEFAULT_PORT = {"https": ":443", "http": ":80"}


def checked_url(url: str, mode: Mode, *, field: str) -> str:
    """The address itself, when customers may be sent there.

    https only, except to loopback for an account in mode test.

    Raises:
        InvalidInput: `return_url_not_allowed`.
    """
    parts = _split(url)
    if parts is None or not _is_listed(parts) or not (parts.scheme == "https" or _is_local(parts, mode)):
        raise InvalidInput(
            "The address must be https and lead to a host in RETURN_HOSTS, port included (127.0.0.1:8000); "
            "http only to loopback in mode test.",
            field=field,
            code="return_url_not_allowed",
        )
    return url


def _split(url: str) -> SplitResult | None:
    if len(url) > MAX_LENGTH or not _URL.fullmatch(url) or _ENCODED_CONTROL.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if not re.match(r"https?://[^/]", url, re.IGNORECASE) or parts.path.startswith("//"):
        return None
    return parts


def _is_listed(parts: SplitResult) -> bool:
    place = _place(parts.netloc, parts.scheme)
    listed = {_place(host, parts.scheme) for host in hub_settings().return_hosts}
    return _HOST.fullmatch(place) is not None and place in listed


def _place(host: str, scheme: str) -> str:
    """Host and port as they are compared; a scheme's own port is left out."""
    return host.lower().removesuffix(_DEFAULT_PORT[scheme])


def _is_local(parts: SplitResult, mode: Mode) -> bool:
    if mode is not Mode.TEST:
        return False
    host = parts.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
