"""Calls to PayPal for one account."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.provider_kit.http import HttpClient
from django_payments_hub.provider_kit.reading import Json
from django_payments_hub.providers.paypal.config import Config, base_of
from django_payments_hub.providers.paypal.errors import ErrorAnswer, translate

if TYPE_CHECKING:
    from django_payments_hub.providers.paypal.sdk import Client

EXCHANGE_DEADLINE_S = 20.0


class Api:
    """One SDK client, one token and one pool of connections, all made at the first call.

    A path is made of constants and of ids that `ids` has checked; the SDK quotes nothing.
    """

    def __init__(self, config: Config, mode: Mode):
        self._config = config
        self.mode = mode
        self.base = base_of(config, mode)
        self._http = HttpClient(deadline_s=EXCHANGE_DEADLINE_S)
        self._made: Client | None = None
        self._making = Lock()

    def _client(self) -> Client:
        with self._making:  # two clients would ask for two tokens
            if self._made is None:
                from django_payments_hub.providers.paypal.sdk import Client

                self._made = Client(
                    self._http,
                    base=self.base,
                    mode=self.mode,
                    client_id=self._config.client_id,
                    client_secret=self._config.client_secret,
                )
            return self._made

    def attempt(self, method: str, path: str, body: object = None, *, key: str = "") -> Json | ErrorAnswer:
        """The object PayPal answered with, or its error answer; raises where there is neither.

        Args:
            path: below API_BASE, beginning with a slash.
            body: something to write as JSON, or bytes that are JSON; None sends none.
            key: sent as PayPal-Request-Id.
        """
        headers = {"Prefer": "return=representation"} if method == "POST" and path.startswith("/v2/") else {}
        if key:
            headers["PayPal-Request-Id"] = key
        answer: Json | ErrorAnswer = self._client().request(f"{self.base}{path}", method, body, headers)
        return answer

    def call(self, method: str, path: str, body: object = None, *, key: str = "") -> Json:
        """The object PayPal answered with; raises the translated error otherwise."""
        answer = self.attempt(method, path, body, key=key)
        if isinstance(answer, ErrorAnswer):
            raise translate(answer)
        return answer

    def find(self, path: str, query: Mapping[str, str] | None = None) -> Json | None:
        """The object at the path; None when PayPal certainly does not know it."""
        answer = self.attempt("GET", f"{path}?{urlencode(query)}" if query else path)
        if isinstance(answer, ErrorAnswer):
            if answer.is_missing:
                return None
            raise translate(answer)
        return answer

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()
