"""Stripe's SDK over the kit's HTTP client. Imported when first called: it costs 110 ms and 24 MiB."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import stripe

from django_payments_hub.exceptions import ProviderError, Throttled
from django_payments_hub.provider_kit.http import HttpClient, quiet, retry_after_s
from django_payments_hub.provider_kit.reading import Json, Unreadable, optional_mapping, parse_object, unreadable_answer
from django_payments_hub.providers.stripe.config import Config
from django_payments_hub.providers.stripe.errors import ErrorAnswer

Call = Callable[[stripe.StripeClient], stripe.StripeObject]


class _Transport(stripe.HTTPClient):
    """The SDK's requests, sent by the kit's client: its deadlines, its caps, its errors."""

    name = "payments_hub"

    def __init__(self, http: HttpClient):
        super().__init__()
        self._http = http

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: str | None = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """One exchange. The header names are in lower case, so the SDK misses two it would act upon: Stripe-Notice,
        which it turns into a Python warning (an error under `-W error`), and Request-Id, kept for telemetry.
        """
        response = self._http.request(
            method, url, headers=headers, content=None if post_data is None else post_data.encode()
        )
        answered = dict(response.headers)
        try:
            body = response.content.decode()
            parse_object(body)
        except (UnicodeDecodeError, Unreadable):
            if response.status_code == 429:
                raise Throttled("Stripe asks for fewer calls.", retry_after_s=retry_after_s(answered)) from None
            with unreadable_answer():
                raise Unreadable("not a JSON object") from None
        return body, response.status_code, answered

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


def build_client(config: Config, http: HttpClient) -> stripe.StripeClient:
    """A client for this account alone; nothing of it is global in the SDK but the telemetry switch."""
    # With telemetry on, the first request writes ~/.config/stripe/telemetry_id and sends the platform along. There is
    # only this module-wide switch (`_APIRequestor.request_headers` reads it); a host that uses the SDK beside us loses
    # telemetry and nothing else.
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        config.secret_key,
        stripe_version=config.api_version,
        base_addresses={"api": config.api_base.rstrip("/")},
        max_network_retries=0,
        http_client=_Transport(http),
    )


def send(client: stripe.StripeClient, call: Call) -> Json | ErrorAnswer:
    """Make one call of the SDK's; the JSON object it was answered with, or the error answer.

    Raises:
        NotSent, OutcomeUnknown, Throttled: there was no answer, or none that can be read.
    """
    failure: ProviderError | Unreadable
    try:
        # The SDK logs parameters and bodies at DEBUG.
        with quiet("stripe"):
            return _data(call(client))
    except stripe.StripeError as error:
        return _error_answer(error)
    except ProviderError as error:
        failure = error.with_traceback(None)
    except (RecursionError, LookupError, TypeError, AttributeError):
        failure = Unreadable("the SDK cannot read it")
    # Raised here, so that no report of it walks through the SDK's frames, which hold the key.
    failure.__context__ = None
    with unreadable_answer():
        raise failure


def _data(answer: stripe.StripeObject) -> Json:
    response = answer.last_response
    data = response.data if response is not None else None
    if not isinstance(data, dict):
        raise TypeError("no JSON object")
    return data


def _error_answer(error: stripe.StripeError) -> ErrorAnswer:
    body = error.json_body if isinstance(error.json_body, dict) else {}
    return ErrorAnswer(
        status=error.http_status or 0, error=optional_mapping(body, "error"), headers=dict(error.headers or {})
    )
