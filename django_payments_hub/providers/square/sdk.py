"""Square's SDK over the kit's HTTP client. Imported when first called: it costs 160 ms and 29 MiB.

What a call was answered with is taken from the wire: the SDK's models accept unknown words and shapes silently, and a
2xx without JSON comes out of it as an error like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

import httpx
from square import Square
from square.core.api_error import ApiError

from django_payments_hub.exceptions import ProviderError, Throttled
from django_payments_hub.provider_kit.http import HttpClient, quiet, retry_after_s
from django_payments_hub.provider_kit.reading import Json, Unreadable, objects, parse_object, unreadable_answer
from django_payments_hub.providers.square.errors import ErrorAnswer

Call = Callable[[Square], object]

_LOGGERS = ("httpx", "square", "square.core.pydantic_utilities")

_answered: ContextVar[httpx.Response | None] = ContextVar("payments_hub_square_answer", default=None)


class _Transport(httpx.BaseTransport):
    """The SDK's requests, sent by the kit's client; what came back is kept for `send`."""

    def __init__(self, http: HttpClient):
        self._http = http

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._http.handle_request(request)
        _answered.set(response)
        return response


def build_client(token: str, version: str, base_url: str, http: HttpClient) -> Square:
    """A client for this account alone."""
    transport = httpx.Client(transport=_Transport(http), trust_env=False, follow_redirects=False)
    client = Square(token=token, version=version, base_url=base_url, httpx_client=transport, follow_redirects=False)
    # Each part is imported when first touched, which would take its time from the call that does.
    _ = client.payments, client.refunds, client.orders, client.cards, client.customers, client.checkout.payment_links
    return client


def send(client: Square, call: Call) -> Json | ErrorAnswer:
    """Make one call of the SDK's; the JSON object it was answered with, or the error answer.

    Raises:
        NotSent, OutcomeUnknown, Throttled: there was no answer, or none that can be read.
    """
    failure: ProviderError | Unreadable
    token = _answered.set(None)
    try:
        with quiet(*_LOGGERS):
            _run(client, call)
        response = _answered.get()
        if response is None:
            raise Unreadable("the SDK has sent nothing")
        return _read(response)
    except (ProviderError, Unreadable) as error:
        failure = error.with_traceback(None)
    finally:
        _answered.reset(token)
    # Raised here, so that no report of it walks through the SDK's frames, which hold the token.
    failure.__context__ = None
    with unreadable_answer():
        raise failure


def _run(client: Square, call: Call) -> None:
    try:
        call(client)
    except ProviderError:
        raise
    except (ApiError, httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError, AttributeError) as error:
        # An error answer, or one that the SDK's models do not fit: the wire decides.
        if _answered.get() is None:
            raise Unreadable(f"the SDK failed ({type(error).__name__})") from None


def _read(response: httpx.Response) -> Json | ErrorAnswer:
    if response.status_code < 400:
        return parse_object(response.content)
    headers = dict(response.headers)
    try:
        errors = objects(parse_object(response.content), "errors")
    except Unreadable:
        errors = []
    if response.status_code == 429:
        raise Throttled("Square asks for fewer calls.", retry_after_s=retry_after_s(headers))
    return ErrorAnswer(status=response.status_code, errors=errors)
