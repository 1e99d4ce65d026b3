"""The public endpoints: notifications, verified and filed, and returning browsers, sent on.

Plain Django views, outside any transaction, without a look at cookies or sessions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from django_payments_hub import dispatch
from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import PaymentStatus
from django_payments_hub.exceptions import (
    ConfigurationError,
    HubError,
    InvalidSignature,
    MalformedNotice,
    NotFound,
    Unsupported,
    VerificationUnavailable,
)
from django_payments_hub.models import Payment
from django_payments_hub.services import accounts, inbox, polling, provider_calls

logger = logging.getLogger("django_payments_hub.webhooks")

_ASK_EVERY_S = 5
"""A payment is looked up at most so often because browsers come back; anybody can call the address."""

_View = Callable[..., HttpResponseBase]


def _error(status: int, code: str, detail: str) -> JsonResponse:
    return JsonResponse({"detail": detail, "error_code": code, "error_message": detail}, status=status)


def _public(view: _View) -> _View:
    """What every public endpoint is: csrf-exempt, non-atomic, uncached."""

    @csrf_exempt
    @transaction.non_atomic_requests
    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        return response

    return wrapped


@_public
def webhook(request: HttpRequest, account: str) -> HttpResponseBase:
    """Verify and file one notification of an account: 2xx only after its row is committed (I9).

    An account that was disabled is still heard: what was begun with it goes on at the provider.
    """
    try:
        return _receive(request, accounts.get(account, active=False))
    except (NotFound, Unsupported):
        return _error(404, "unknown_account", "There is no such webhook endpoint.")
    except ConfigurationError as error:
        logger.warning("Webhook of %r refused: %s", account, error.message)
        return _error(503, error.code, "The account is not configured correctly.")
    except InvalidSignature as error:
        logger.warning("A notification of %r was refused: no webhook key of it fits (%s).", account, error.code)
        return _error(400, error.code, "The signature does not fit.")
    except MalformedNotice as error:
        return _error(400, error.code, "The notification cannot be read.")
    except VerificationUnavailable as error:
        return _error(503, error.code, "The notification cannot be verified now.")
    except DatabaseError:
        logger.exception("A notification of %r could not be filed.", account)
        return _error(503, "unavailable", "The notification could not be filed; send it again.")


def _receive(request: HttpRequest, account: accounts.Account) -> HttpResponseBase:
    verbs = provider_calls.provider_of(account.row).capabilities.webhook_verbs
    if request.method not in verbs:
        response = _error(405, "method_not_allowed", "This verb is not used here.")
        response.headers["Allow"] = ", ".join(sorted(verbs))
        return response
    body = _bounded_body(request)
    if body is None:
        return _error(413, "body_too_large", "The notification is too large.")
    headers = {name.lower(): value for name, value in request.headers.items()}
    answer = inbox.receive(account, body, headers)
    return HttpResponse(answer.body, content_type=answer.content_type, status=answer.status)


def _bounded_body(request: HttpRequest) -> bytes | None:
    """The raw bytes, None when they are over the cap; no more than the cap is ever read."""
    cap = hub_settings().webhook_max_bytes
    try:
        declared = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        declared = 0
    if declared > cap:
        return None
    body = request.read(cap + 1)
    return None if len(body) > cap else body


@_public
def return_payment(_request: HttpRequest, payment_id: UUID) -> HttpResponseBase:
    """A browser comes back from its provider: queue a look-up, and send it on to the host's page (303).

    Coming back proves nothing, and changes nothing in this request but when the provider is asked.
    """
    payment = Payment.objects.select_related("account").filter(pk=payment_id).first()
    if payment is None:
        raise Http404
    return _send_on(payment)


@_public
def return_account(request: HttpRequest, account: str) -> HttpResponseBase:
    """The same for a provider that knows one return address per account; its own data names the payment."""
    try:
        found = accounts.get(account, active=False)
    except NotFound as error:
        raise Http404 from error
    data = request.GET if request.method == "GET" else request.POST
    try:
        visit = provider_calls.provider_of(found.row).parse_return({key: str(data[key]) for key in data})
    except ConfigurationError as error:
        raise Http404 from error
    payment = provider_calls.payment_named(found.row, visit)
    if payment is None:
        raise Http404
    return _send_on(payment)


def _send_on(payment: Payment) -> HttpResponseBase:
    waits = payment.status in (PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING)
    # One that has changed since may be asked about at once: a customer who was refused comes back with another card.
    asked = f"payments_hub:sync:{payment.pk}:{payment.updated_at.timestamp()}"
    if waits and _can_be_asked(payment) and cache.add(asked, 1, _ASK_EVERY_S):
        polling.look_soon(payment)  # a message only wakes, and may be lost
        dispatch.start(dispatch.SYNC, str(payment.pk))
    if not payment.return_url:
        return JsonResponse({"payment_id": str(payment.pk)})
    response = HttpResponse(status=303)
    response.headers["Location"] = _with_query(payment.return_url, {"payment_id": str(payment.pk)})
    return response


def _can_be_asked(payment: Payment) -> bool:
    """Whether a look-up makes sense; an account that is gone or broken must not strand the customer here."""
    try:
        return provider_calls.provider_of(payment.account).capabilities.look_up
    except HubError:
        logger.warning("Payment %s comes back to an account that cannot be used.", payment.pk)
        return False


def _with_query(url: str, extra: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = f"{parts.query}&{urlencode(extra)}" if parts.query else urlencode(extra)
    return urlunsplit(parts._replace(query=query))
