"""Square's lists of payments and refunds. They lag by some seconds, and are long at a busy counter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from django_payments_hub.provider_kit.reading import Json
from django_payments_hub.providers.square.api import ONCE, Api

_SKEW = timedelta(minutes=5)
"""Room for clocks that differ."""


class _Page(TypedDict):
    begin_time: str | None
    end_time: str | None
    cursor: str | None
    location_id: str
    sort_order: str


def payments(api: Api, since: datetime | None, until: datetime | None) -> Iterator[Json]:
    """The payments of the account's location made in this time, newest first."""
    page = _pages(api, since, until)
    return api.every(lambda client, at: client.payments.list(**page(at), request_options=ONCE), "payments")


def refunds(api: Api, since: datetime | None, until: datetime | None) -> Iterator[Json]:
    """The same of refunds."""
    page = _pages(api, since, until)
    return api.every(lambda client, at: client.refunds.list(**page(at), request_options=ONCE), "refunds")


def _pages(api: Api, since: datetime | None, until: datetime | None) -> Callable[[str | None], _Page]:
    begin = None if since is None else _rfc3339(since - _SKEW)
    end = None if until is None else _rfc3339(until + _SKEW)
    return lambda cursor: {
        "begin_time": begin,
        "end_time": end,
        "cursor": cursor,
        "location_id": api.config.location_id,
        "sort_order": "DESC",
    }


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
