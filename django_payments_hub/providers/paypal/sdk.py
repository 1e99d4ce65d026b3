"""PayPal's SDK over the kit's HTTP client. Imported when first called: it costs 94 ms and 21 MiB.

`paypalrestsdk.Api` keeps the configuration and asks for tokens. Everything it does over the wire is done anew here: on
its own it has no time-outs, follows redirects, opens a connection per call, returns a 400 as data, recurses without end
on a 401, sends the caller's headers along with the request for a token, sends the body `null`, asks for a token in
every thread, and logs credentials.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping

import httpx
import paypalrestsdk

from django_payments_hub.domain.masking import Masked
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import Misconfigured, NotSent, OutcomeUnknown, ProviderError, Throttled
from django_payments_hub.provider_kit.http import HttpClient, time_left_s
from django_payments_hub.provider_kit.reading import Json, Unreadable, integer, parse_object, text, unreadable_answer
from django_payments_hub.providers.paypal.errors import ErrorAnswer, translate

_TOKEN_SKEW_S = 120.0
_LOCK_WAIT_S = 20.0
_MODES = {Mode.LIVE: "live", Mode.TEST: "sandbox"}


class _RefusedError(Exception):
    """An error answer on its way through the SDK's own code."""

    def __init__(self, answer: ErrorAnswer):
        super().__init__(answer.status)
        self.answer = answer


class Client(paypalrestsdk.Api):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client of one account. Safe for threads."""

    def __init__(self, http: HttpClient, *, base: str, mode: Mode, client_id: str, client_secret: str):
        super().__init__(mode=_MODES[mode], endpoint=base, client_id=client_id, client_secret=client_secret)
        self.token_hash: dict[str, object] | None = None
        self._http = http
        self._lock = threading.Lock()
        self._expires_at = 0.0

    # -- tokens ------------------------------------------------------------------------------------------------------

    def get_token_hash(
        self, authorization_code: None = None, refresh_token: None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, object]:
        """The account's bearer token; one thread asks for a new one while the others wait.

        `headers` are those of another call, and stay there. Asking for a token moves nothing, whatever becomes of it.

        Raises:
            NotSent, Misconfigured, Throttled: there is none, or not before the surrounding deadline.
        """
        known = self.token_hash
        if known is not None and time.monotonic() < self._expires_at:
            return Masked(known)
        if not self._lock.acquire(timeout=time_left_s(_LOCK_WAIT_S)):
            raise NotSent("Another call is still waiting for a token.", details={"reason": "token"})
        try:
            if self.token_hash is None or time.monotonic() >= self._expires_at:
                self._renew()
            return Masked(self.token_hash or {})
        finally:
            self._lock.release()

    def _renew(self) -> None:
        self.token_hash = self.token_request_at = None
        failure: ProviderError
        asked_at = time.monotonic()
        try:
            granted = super().get_token_hash()
            with unreadable_answer():
                text(granted, "access_token")
                life_s = integer(granted, "expires_in")
            self._expires_at = asked_at + max(life_s - _TOKEN_SKEW_S, life_s / 2)
            return
        except _RefusedError as error:
            failure = _token_error(error.answer)
        except ProviderError as error:
            failure = _not_sent(error)
        self.token_hash = None
        # Outside the handler, so that no report of the error walks into the SDK's frames, which hold the secret.
        raise failure

    def _forget(self, token: Json) -> None:
        if not self._lock.acquire(timeout=time_left_s(_LOCK_WAIT_S)):
            return  # somebody is still asking for another one
        try:
            if self.token_hash is not None and self.token_hash["access_token"] == token["access_token"]:
                self.token_hash = None
        finally:
            self._lock.release()

    # -- calls -------------------------------------------------------------------------------------------------------

    def request(
        self,
        url: str,
        method: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        refresh_token: None = None,
    ) -> Json | ErrorAnswer:
        """One call with a token; once more with a new one where PayPal does not take the token.

        Args:
            body: JSON as bytes, or something to write as JSON; None sends none.

        Raises:
            NotSent, OutcomeUnknown, Throttled, Misconfigured: there was no answer, or none that can be read.
        """
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        issue = ""
        for _ in range(2):
            token = self.get_token_hash()
            answer = self._send(url, method, content, Masked({**(headers or {}), **self._own_headers(token, method)}))
            if not isinstance(answer, ErrorAnswer) or answer.status != 401:
                return answer
            self._forget(token)
            issue = answer.issue
        raise Misconfigured("PayPal takes no token of this account for the call.", provider_code=issue)

    def _own_headers(self, token: Json, method: str) -> dict[str, str]:
        own = {
            "Authorization": f"Bearer {token['access_token']}",
            "Accept": "application/json",
            "User-Agent": self.user_agent,
        }
        # A POST without a body (to void) is refused as well where it does not say what the body would be.
        return {**own, "Content-Type": "application/json"} if method == "POST" else own

    def _send(self, url: str, method: str, content: bytes | None, headers: Json) -> Json | ErrorAnswer:
        failure: ProviderError
        try:
            found: Json = self.http_call(url, method, data=content, headers=headers)
            return found
        except _RefusedError as error:
            return error.answer
        except ProviderError as error:
            failure = error.with_traceback(None)
        failure.__context__ = None
        del headers, content  # error reporters print the locals of every frame
        raise failure

    def http_call(self, url: str, method: str, **kwargs: object) -> Json:
        """Every exchange of the SDK's, by the kit's client: its deadlines, its caps, its errors, its log."""
        data, headers = kwargs.get("data"), kwargs.get("headers")
        content = data.encode() if isinstance(data, str) else data
        request = httpx.Request(
            method,
            url,
            headers=headers if isinstance(headers, Mapping) else None,
            content=content if isinstance(content, bytes) else None,
        )
        del kwargs, data, headers, content
        return _read(self._http.handle_request(request))


def _read(response: httpx.Response) -> Json:
    status, headers = response.status_code, dict(response.headers)
    try:
        body = {} if status == 204 else parse_object(response.content)
    except Unreadable:
        body = None
    if 200 <= status < 300 and body is not None:
        return body
    if status >= 400 and (body is not None or status == 429):
        raise _RefusedError(ErrorAnswer(status=status, body=body or {}, headers=headers))
    with unreadable_answer():
        raise Unreadable("not a JSON object")


def _token_error(answer: ErrorAnswer) -> ProviderError:
    if answer.status in (400, 401, 403):
        return Misconfigured("PayPal does not know CLIENT_ID, or CLIENT_SECRET is not its own.")
    error = translate(answer)
    return error if isinstance(error, Throttled) else _not_sent(error)


def _not_sent(error: ProviderError) -> ProviderError:
    """No token, so nothing of the call itself has left this machine."""
    if isinstance(error, OutcomeUnknown):
        return NotSent("PayPal gave no token.", details={"reason": error.details.get("reason", "token")})
    return error.with_traceback(None)
