"""The public endpoints: notifications, verified and filed; forms, posted on; returning browsers, sent on.

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
from django.views.decorators.http import require_safe

from django_payments_hub import dispatch
from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import Flow, PaymentStatus
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
from django_payments_hub.services import accounts, form_addresses, forms, hints, inbox, polling, provider_calls
from django_payments_hub.webhooks import form_pages

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
    capabilities = provider_calls.provider_of(account.row).capabilities
    verbs = capabilities.webhook_verbs
    if request.method not in verbs:
        response = _error(405, "method_not_allowed", "This verb is not used here.")
        response.headers["Allow"] = ", ".join(sorted(verbs))
        return response
    if capabilities.unsigned_webhooks:
        hints.take(account.row, _data(request))
        return HttpResponse(content_type="text/plain")  # the same whatever it names: nobody learns what is known here
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
@require_safe
def form_page(_request: HttpRequest, payment_id: UUID, signature: str) -> HttpResponseBase:
    """The page that posts a payment's form to its provider; sends the browser on where there is none to be posted."""
    payment = _payment(payment_id) if form_addresses.is_genuine(payment_id, signature) else None
    if payment is None:
        raise Http404
    try:
        form = forms.first(payment)
    except HubError as error:
        logger.warning("The form of payment %s cannot be made (%s).", payment.pk, error.code)
        return _error(503, error.code, "The payment page cannot be reached now.")
    return _send_on(payment) if form is None else form_pages.page(form, payment)


@_public
def return_payment(request: HttpRequest, payment_id: UUID) -> HttpResponseBase:
    """A browser comes back from its provider: queue a look-up, and send it on to the host's page (303).

    Coming back proves nothing, and changes nothing in this request but when the provider is asked. Some providers want
    a second form posted instead.
    """
    payment = _payment(payment_id)
    if payment is None:
        raise Http404
    return _lead_on(payment, _data(request))


def _payment(payment_id: UUID) -> Payment | None:
    return Payment.objects.select_related("account", "order_ref").filter(pk=payment_id).first()


def _data(request: HttpRequest) -> dict[str, str]:
    """What a browser or a notice brings along, in its query or its form; of a name told twice the last."""
    data = request.POST if request.method == "POST" else request.GET
    return {key: str(data[key]) for key in data}


def _lead_on(payment: Payment, data: dict[str, str]) -> HttpResponseBase:
    form = forms.following(payment, data) if data else None
    return _send_on(payment) if form is None else form_pages.page(form, payment)


@_public
def return_account(request: HttpRequest, account: str) -> HttpResponseBase:
    """The same for a provider that knows one return address per account; its own data names the payment."""
    try:
        found = accounts.get(account, active=False)
    except NotFound as error:
        raise Http404 from error
    data = _data(request)
    try:
        visit = provider_calls.provider_of(found.row).parse_return(data)
    except ConfigurationError as error:
        raise Http404 from error
    payment = provider_calls.payment_named(found.row, visit)
    if payment is None:
        raise Http404
    return _lead_on(payment, data)


def _send_on(payment: Payment) -> HttpResponseBase:
    waits = payment.status in (PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING)
    # One that has changed since may be asked about at once: a customer who was refused comes back with another card.
    asked = f"payments_hub:sync:{payment.pk}:{payment.updated_at.timestamp()}"
    if waits and _can_be_asked(payment) and _is_first(asked):
        polling.look_soon(payment)  # a message only wakes, and may be lost
        dispatch.start(dispatch.SYNC, str(payment.pk))
    elif not waits and payment.flow == Flow.HOSTED and _takes_forms(payment):
        hints.ask_soon(payment)  # its form was given out: it may have been paid after it was given up
    if not payment.return_url:
        return JsonResponse({"payment_id": str(payment.pk)})
    response = HttpResponse(status=303)
    response.headers["Location"] = _with_query(payment.return_url, {"payment_id": str(payment.pk)})
    return response


def _is_first(key: str) -> bool:
    """Whether nothing was asked under this key just now; a cache that is down must not strand the customer."""
    try:
        return bool(cache.add(key, 1, _ASK_EVERY_S))
    except Exception as error:  # noqa: BLE001 - each cache has errors of its own
        logger.warning("The cache does not answer (%s).", error)
        return True


def _takes_forms(payment: Payment) -> bool:
    try:
        return provider_calls.provider_of(payment.account).capabilities.form_posts
    except HubError:
        return False


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
