"""Calls to Square for one account."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import OutcomeUnknown
from django_payments_hub.provider_kit.http import HttpClient
from django_payments_hub.provider_kit.reading import Json, mapping, objects, optional_text, unreadable_answer
from django_payments_hub.providers.square.config import Config, base_address
from django_payments_hub.providers.square.errors import ErrorAnswer, translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from square import Square
    from square.core.request_options import RequestOptions

    Call = Callable[[Square], object]
    PageCall = Callable[[Square, str | None], object]

ONCE: RequestOptions = {"max_retries": 0}
"""Given to every call: by itself the SDK repeats 408, 409, 429 and 5xx twice, sleeping in between."""

EXCHANGE_DEADLINE_S = 20.0
_MAX_PAGES = 50


class Api:
    """One SDK client and one pool of connections, both made at the first call."""

    def __init__(self, config: Config, mode: Mode):
        self.config = config
        self.mode = mode
        self._http = HttpClient(deadline_s=EXCHANGE_DEADLINE_S)

    @cached_property
    def _client(self) -> Square:
        from django_payments_hub.providers.square.sdk import build_client

        config = self.config
        return build_client(config.access_token, config.api_version, base_address(config, self.mode), self._http)

    def load(self) -> None:
        """Import the SDK and make the client, if that is still to be done."""
        _ = self._client

    def attempt(self, call: Call) -> Json | ErrorAnswer:
        """The body Square answered with, or its error answer; raises where there is neither."""
        from django_payments_hub.providers.square.sdk import send

        return send(self._client, call)

    def call(self, call: Call, key: str) -> Json:
        """The object `key` of the answer; raises the translated error otherwise."""
        answer = self.attempt(call)
        if isinstance(answer, ErrorAnswer):
            raise translate(answer)
        return inner(answer, key)

    def find(self, call: Call, key: str) -> Json | None:
        """Same as `call`; None when Square certainly does not know the object."""
        answer = self.attempt(call)
        if not isinstance(answer, ErrorAnswer):
            return inner(answer, key)
        if answer.is_missing:
            return None
        raise translate(answer)

    def every(self, call: PageCall, key: str) -> Iterator[Json]:
        """Every object of a list, page by page; `call` takes the cursor of the page, None for the first.

        Raises:
            OutcomeUnknown: `look_up_incomplete`, after 50 pages.
        """
        cursor: str | None = None
        for _ in range(_MAX_PAGES):
            page = self.attempt(lambda client, at=cursor: call(client, at))  # type: ignore[misc]
            if isinstance(page, ErrorAnswer):
                raise translate(page)
            with unreadable_answer():
                # Square leaves the list out where it is empty.
                items = objects(page, key) if page.get(key) is not None else []
                cursor = optional_text(page, "cursor") or None
            yield from items
            if cursor is None:
                return
        raise OutcomeUnknown("Too many objects to search through.", code="look_up_incomplete")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


def inner(answer: Json, key: str) -> Json:
    """The object an answer carries under its name; raises OutcomeUnknown(`unreadable_answer`)."""
    with unreadable_answer():
        return mapping(answer, key)
