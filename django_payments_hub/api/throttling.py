"""How often somebody may ask, by `PAYMENTS_HUB["THROTTLES"]`, counted in the project's default cache (S13).

Windows are fixed: at most so many in each minute or hour of a clock that starts elsewhere for everybody. The count is
one atomic step of the cache, so that many processes together let no more through; it takes a cache they share.
"""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass
from uuid import UUID

from django.core.cache import cache
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.settings import api_settings

from django_payments_hub.conf import hub_settings, parse_rate
from django_payments_hub.models import OrderRef
from django_payments_hub.services.orders import Terms

logger = logging.getLogger("django_payments_hub.api")

READ, WRITE, ANONYMOUS = "payments_read", "payments_write", "payments_anonymous"
ORDER, METHOD = "payments_order", "payments_method"
ADDRESS, LOGINS, DECLINES = "payments_address", "payments_logins", "payments_declines"


@dataclass(frozen=True, kw_only=True)
class _Window:
    """What one counter of the cache stands for."""

    key: str
    limit: int
    period_s: int
    left_s: float


def count(scope: str, who: str) -> None:
    """Count one request of somebody in a scope; raises DRF's Throttled when it is one too many."""
    window = _window(scope, who)
    if window is not None and _counted(window) > window.limit:
        raise Throttled(wait=window.left_s)


def note(scope: str, who: str) -> None:
    """Count something that went wrong, such as a decline: what comes next is refused, not this."""
    window = _window(scope, who)
    if window is not None:
        _counted(window)


def refuse_if_spent(scope: str, who: str) -> None:
    """Raise DRF's Throttled when as much was noted as may be.

    Requests at the same moment may pass together; the other scopes bound how many those are.
    """
    window = _window(scope, who)
    if window is not None and _noted(window) >= window.limit:
        raise Throttled(wait=window.left_s)


def count_order(order_ref: OrderRef | Terms | None) -> None:
    """Count one attempt to pay an order, whoever makes it: a thief tries card after card on the same one."""
    if order_ref is not None:
        count(ORDER, f"{order_ref.content_type_id}:{order_ref.object_id}")


def count_method(method_id: UUID | None) -> None:
    """Count one attempt to charge a saved method, whatever for: an order of its own for each passes `count_order`."""
    if method_id is not None:
        count(METHOD, str(method_id))


def _window(scope: str, who: str) -> _Window | None:
    rate = parse_rate(hub_settings().throttles.get(scope) or "")
    if rate is None:
        return None
    limit, period_s = rate
    digest = hashlib.sha256(f"{scope}:{who}".encode()).digest()
    shifted = time.time() + int.from_bytes(digest[:4], "big") % period_s
    key = f"payments_hub:{scope}:{digest.hex()[:32]}:{int(shifted // period_s)}"
    return _Window(key=key, limit=limit, period_s=period_s, left_s=period_s - shifted % period_s)


def _counted(window: _Window) -> int:
    try:
        cache.add(window.key, 0, timeout=window.period_s + 1)
        return cache.incr(window.key)
    except ValueError:  # it ran out between the two steps
        return _begun_anew(window)
    except Exception as error:  # noqa: BLE001 - each cache has errors of its own
        return _open(error)


def _begun_anew(window: _Window) -> int:
    try:
        cache.set(window.key, 1, timeout=window.period_s + 1)
    except Exception as error:  # noqa: BLE001 - each cache has errors of its own
        return _open(error)
    return 1


def _noted(window: _Window) -> int:
    try:
        return int(cache.get(window.key, 0))
    except Exception as error:  # noqa: BLE001 - each cache has errors of its own
        return _open(error)


def _open(error: Exception) -> int:
    """Nothing was counted. Without its cache a shop still sells: the provider has limits of its own, and what may be
    charged does not hang on a throttle. Closed, a cache that is down would stop every payment and refund.
    """
    logger.warning("The cache does not answer (%s): throttles do not count.", type(error).__name__)
    return 0


def address_of(request: Request) -> str:
    """The client's address. X-Forwarded-For counts only when the project says how many proxies write it."""
    remote = str(request.META.get("REMOTE_ADDR", ""))
    proxies = api_settings.NUM_PROXIES
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if not proxies or not forwarded:
        return remote
    addresses = [address.strip() for address in forwarded.split(",")]
    return str(addresses[-min(proxies, len(addresses))])
