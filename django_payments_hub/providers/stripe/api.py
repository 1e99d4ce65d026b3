"""Calls to Stripe for one account."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from django_payments_hub.exceptions import OutcomeUnknown
from django_payments_hub.provider_kit.http import HttpClient
from django_payments_hub.provider_kit.reading import Json, Unreadable, flag, objects, text, unreadable_answer
from django_payments_hub.providers.stripe.config import Config
from django_payments_hub.providers.stripe.errors import ErrorAnswer, translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from stripe import RequestOptions, StripeClient, StripeObject

    Call = Callable[[StripeClient], StripeObject]
    PageCall = Callable[[StripeClient, str], StripeObject]

EXCHANGE_DEADLINE_S = 20.0
PAGE_SIZE = 100
_MAX_PAGES = 50


class Api:
    """One SDK client and one pool of connections, both made at the first call."""

    def __init__(self, config: Config):
        self._config = config
        self._http = HttpClient(deadline_s=EXCHANGE_DEADLINE_S)

    @cached_property
    def _client(self) -> StripeClient:
        from django_payments_hub.providers.stripe.sdk import build_client

        return build_client(self._config, self._http)

    def attempt(self, call: Call) -> Json | ErrorAnswer:
        """The object Stripe answered with, or its error answer; raises where there is neither."""
        from django_payments_hub.providers.stripe.sdk import send

        return send(self._client, call)

    def call(self, call: Call) -> Json:
        """The object Stripe answered with; raises the translated error otherwise."""
        answer = self.attempt(call)
        if isinstance(answer, ErrorAnswer):
            raise translate(answer)
        return answer

    def find(self, call: Call) -> Json | None:
        """Same as `call`; None when Stripe certainly does not know the object."""
        answer = self.attempt(call)
        if isinstance(answer, ErrorAnswer):
            if answer.is_missing:
                return None
            raise translate(answer)
        return answer

    def every(self, call: PageCall) -> Iterator[Json]:
        """Every object of a list, page by page; `call` takes the id after which the page begins, "" for the first.

        Raises:
            OutcomeUnknown: `look_up_incomplete`, after 5,000 objects.
        """
        after = ""
        for _ in range(_MAX_PAGES):
            page = self.call(lambda client, after=after: call(client, after))  # type: ignore[misc]
            with unreadable_answer():
                items, more = objects(page, "data"), flag(page, "has_more")
                after = _last_id(items) if more else ""
            yield from items
            if not more:
                return
        raise OutcomeUnknown("Too many objects to search through.", code="look_up_incomplete")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


def _last_id(items: list[Json]) -> str:
    if not items:
        raise Unreadable("data is empty, yet has_more")
    return text(items[-1], "id")


def keyed(key: str) -> RequestOptions:
    """The option that makes a call idempotent."""
    return {"idempotency_key": key}
