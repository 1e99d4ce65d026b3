"""Checkout Sessions: Stripe's hosted page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from django_payments_hub.domain.statuses import CaptureMethod, FailureCode, Stage
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.reading import Json, moment, unreadable_answer
from django_payments_hub.provider_kit.types import CancelRequest, Failure, PaymentFact, PaymentResult, PayRequest
from django_payments_hub.providers.stripe import ids
from django_payments_hub.providers.stripe.amounts import to_wire
from django_payments_hub.providers.stripe.api import PAGE_SIZE, Api, keyed
from django_payments_hub.providers.stripe.errors import ErrorAnswer, translate
from django_payments_hub.providers.stripe.intents import Intents, made_for, marks, nothing_made
from django_payments_hub.providers.stripe.objects import HUB_PAYMENT, metadata, read_session

if TYPE_CHECKING:
    from stripe import StripeClient, StripeObject
    from stripe.params.checkout import SessionCreateParams, SessionListParams

_SKEW = timedelta(minutes=5)
_EXPANDED = ["payment_intent", "payment_intent.payment_method"]


class Sessions:
    """The Checkout Sessions of one account."""

    def __init__(self, api: Api, intents: Intents):
        self._api = api
        self._intents = intents

    def pay(self, request: PayRequest) -> PaymentResult:
        """Make a page for the customer; after an earlier try, the same page as it stands now."""
        params = _params(request)
        answer = self._api.attempt(
            lambda client: client.v1.checkout.sessions.create(params, keyed(request.idempotency_key))
        )
        if isinstance(answer, ErrorAnswer):
            raise nothing_made(answer, recovering=request.recovering)
        session_id = ids.made_session(made_for(request, answer))
        session = self._asked(session_id) if request.recovering else answer
        return _result(self._read(session))

    def cancel(self, request: CancelRequest) -> PaymentResult:
        """Close the page, or void what was authorised through it.

        Stripe refuses to cancel the PaymentIntent of an open session, and closing the session cancels it.
        """
        session_id = ids.session_id(request.provider_session_id)
        answer = self._api.attempt(
            lambda client: client.v1.checkout.sessions.expire(session_id, {}, keyed(request.idempotency_key))
        )
        if not isinstance(answer, ErrorAnswer):
            return PaymentResult(fact=_withdrawn(self._read(ids.same_object(answer, session_id))))
        if answer.status != 400:
            raise translate(answer)
        return self._cancel_closed(self._read(self._asked(session_id)), request, answer)

    def _cancel_closed(self, fact: PaymentFact, request: CancelRequest, answer: ErrorAnswer) -> PaymentResult:
        if fact.stage in (Stage.EXPIRED, Stage.CANCELLED):
            return PaymentResult(fact=_withdrawn(fact))
        if fact.next_action is not None:
            # Still open: the refusal was about something else.
            raise translate(answer)
        if not fact.provider_payment_id:
            failure = Failure(code=FailureCode.INVALID_REQUEST, provider_code=answer.code)
            return PaymentResult(fact=fact, failure=failure)
        result = self._intents.cancel(
            fact.provider_payment_id, key=f"{request.idempotency_key}-intent", reason=request.reason
        )
        return replace(result, fact=replace(result.fact, provider_session_id=fact.provider_session_id))

    def find(self, session_id: str) -> PaymentFact | None:
        """How the payment of a session stands; None when there is no session of this id."""
        session = self._api.find(lambda client: client.v1.checkout.sessions.retrieve(session_id, {"expand": _EXPANDED}))
        return None if session is None else self._read(ids.same_object(session, session_id))

    def of_payment(self, reference: str, since: datetime | None) -> PaymentFact | None:
        """The newest session that carries our reference."""
        begin = None if since is None else since - _SKEW
        for session in self._api.every(_page):
            with unreadable_answer():
                created = moment(session, "created")
                ours = metadata(session, HUB_PAYMENT) == reference
            if ours:
                return self.find(ids.made_session(session))
            # Newest first. Older API versions have no `created` filter for sessions.
            if begin is not None and created is not None and created < begin:
                break
        return None

    def _asked(self, session_id: str) -> Json:
        """The session as it stands, after a call on it that took effect, or may have."""
        with asking():
            session = self._api.call(
                lambda client: client.v1.checkout.sessions.retrieve(session_id, {"expand": _EXPANDED})
            )
            return ids.same_object(session, session_id)

    def _read(self, session: Json) -> PaymentFact:
        with unreadable_answer():
            return read_session(session)


def _page(client: StripeClient, after: str) -> StripeObject:
    params: SessionListParams = {"limit": PAGE_SIZE}
    if after:
        params["starting_after"] = after
    return client.v1.checkout.sessions.list(params)


def _result(fact: PaymentFact) -> PaymentResult:
    if fact.stage is Stage.EXPIRED:
        return PaymentResult(fact=fact, failure=Failure(code=FailureCode.EXPIRED, provider_code="expired"))
    return PaymentResult(fact=fact, failure=fact.failure)


def _withdrawn(fact: PaymentFact) -> PaymentFact:
    return replace(fact, stage=Stage.CANCELLED, next_action=None, expires_at=None)


def _params(request: PayRequest) -> SessionCreateParams:
    manual = request.capture_method is CaptureMethod.MANUAL
    params: SessionCreateParams = {
        "mode": "payment",
        "client_reference_id": request.reference,
        "metadata": marks(request),
        "success_url": _with_session_id(request.return_url),
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.currency.lower(),
                    "unit_amount": to_wire(request.amount_minor, request.currency),
                    # Shown to the customer on the page.
                    "product_data": {"name": request.description or request.reference},
                },
            }
        ],
        "payment_intent_data": {
            "metadata": marks(request),
            "capture_method": "manual" if manual else "automatic",
        },
    }
    if request.description:
        params["payment_intent_data"]["description"] = request.description
    if request.save_method:
        params["payment_intent_data"]["setup_future_usage"] = "off_session"
    if request.cancel_url:
        params["cancel_url"] = request.cancel_url
    if request.expires_at is not None:
        params["expires_at"] = _expiry(request.expires_at, request.first_sent_at or datetime.now(UTC))
    if request.customer_token:
        params["customer"] = request.customer_token
    elif request.payer.email:
        params["customer_email"] = request.payer.email
    return params


def _expiry(wanted: datetime, sent_at: datetime) -> int:
    """What Stripe takes: 30 minutes to 24 hours from now (docs.stripe.com/api/checkout/sessions/create), clocks that
    differ allowed for; counted from the first try, so that every try asks for the same.
    """
    earliest, latest = sent_at + timedelta(minutes=35), sent_at + timedelta(hours=23, minutes=30)
    return int(min(max(wanted, earliest), latest).timestamp())


def _with_session_id(url: str) -> str:
    # Stripe puts the id where the placeholder stands: docs.stripe.com/payments/checkout/custom-success-page.
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, "session_id={CHECKOUT_SESSION_ID}") if part)
    return urlunsplit(parts._replace(query=query))
