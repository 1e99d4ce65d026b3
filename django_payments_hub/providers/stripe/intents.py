"""Calls on PaymentIntents.

A payment is created unconfirmed and then confirmed by its id, in two calls. Stripe replays its own 500 for 24 hours
under an idempotency key: had one call done both, nobody could learn what became of it, while an unconfirmed object
moves no money and can always be looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django_payments_hub.domain.statuses import CaptureMethod, FailureCode, Flow, NextActionKind, Stage
from django_payments_hub.exceptions import OutcomeUnknown, ProviderError, Refused
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.reading import Json, optional_text, unreadable_answer
from django_payments_hub.provider_kit.types import (
    CaptureRequest,
    ConfirmRequest,
    Failure,
    PaymentFact,
    PaymentResult,
    PayRequest,
)
from django_payments_hub.providers.stripe import ids
from django_payments_hub.providers.stripe.amounts import to_wire
from django_payments_hub.providers.stripe.api import PAGE_SIZE, Api, keyed
from django_payments_hub.providers.stripe.errors import ErrorAnswer, translate
from django_payments_hub.providers.stripe.failures import failure_of
from django_payments_hub.providers.stripe.objects import (
    HUB_OPERATION,
    HUB_PAYMENT,
    client_action,
    metadata,
    read_intent,
)

if TYPE_CHECKING:
    from stripe import StripeClient, StripeObject
    from stripe.params import (
        PaymentIntentCancelParams,
        PaymentIntentCaptureParams,
        PaymentIntentConfirmParams,
        PaymentIntentCreateParams,
        PaymentIntentListParams,
        PaymentIntentListParamsCreated,
    )

    from django_payments_hub.providers.stripe.api import Call

EXPANDED = ["payment_method"]
KEY_WINDOW = timedelta(hours=24)
_SKEW = timedelta(minutes=5)
_CANCEL_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer", "abandoned"})
_OURS_TO_WITHDRAW = Failure(code=FailureCode.PROVIDER_UNAVAILABLE, provider_code="api_error")


class Intents:
    """The PaymentIntents of one account."""

    def __init__(self, api: Api, publishable_key: str):
        self._api = api
        self._publishable_key = publishable_key

    # -- pay ---------------------------------------------------------------------------------------------------------

    def pay_with_token(self, request: PayRequest) -> PaymentResult:
        """Create with the token, then confirm."""
        intent = self._made(request)
        intent_id = ids.made_intent(intent)
        with unreadable_answer():
            waits = read_intent(intent).stage is Stage.OPEN
        if not waits:
            return self.result(self._asked(intent_id))
        answer = self._confirm(intent_id, _pay_confirm_params(request), request.idempotency_key)
        if isinstance(answer, ErrorAnswer):
            if answer.is_replayed_failure:
                return self._withdraw(intent_id, request.idempotency_key)
            if answer.is_missing:
                raise OutcomeUnknown("Stripe does not know what it just made.", code="unexpected_object")
        return self._answered(answer, intent_id)

    def pay_in_browser(self, request: PayRequest) -> PaymentResult:
        """Create; Stripe.js confirms it with the client secret."""
        intent = self._made(request)
        ids.made_intent(intent)
        result = self.result(intent)
        if result.fact.stage not in (Stage.OPEN, Stage.DECLINED):
            return result
        action = client_action(intent, self._publishable_key)
        return replace(result, fact=replace(result.fact, next_action=action))

    def _made(self, request: PayRequest) -> Json:
        """The PaymentIntent of this operation: found, after an earlier try, or created under a key of its own."""
        with asking():
            found = self._of_operation(request) if request.recovering else None
        if found is not None:
            return self._asked(ids.made_intent(found))
        params, key = _create_params(request), f"{request.idempotency_key}-create"
        answer = self._api.attempt(lambda client: client.v1.payment_intents.create(params, keyed(key)))
        if isinstance(answer, ErrorAnswer):
            raise nothing_made(answer, recovering=request.recovering)
        return made_for(request, answer)

    def _of_operation(self, request: PayRequest) -> Json | None:
        since, until = request.first_sent_at, None
        if since is not None:
            until = since + KEY_WINDOW + _SKEW
        candidates = self._created_between(since, until)
        return next((i for i in candidates if metadata(i, HUB_OPERATION) == request.idempotency_key), None)

    def _withdraw(self, intent_id: str, key: str) -> PaymentResult:
        """The confirmation failed at Stripe, and will for as long as its key lives: make sure that nothing happens."""
        intent = self._asked(intent_id)
        with unreadable_answer():
            waits = read_intent(intent).stage is Stage.OPEN
        if not waits:
            return self.result(intent)
        with asking():  # until it is withdrawn, nobody knows what the confirmation came to
            result = self.cancel(intent_id, key=f"{key}-withdraw", reason="abandoned")
        withdrawn = result.fact.stage is Stage.CANCELLED
        return replace(result, failure=_OURS_TO_WITHDRAW) if withdrawn else self.result(self._asked(intent_id))

    # -- confirm, capture, cancel ------------------------------------------------------------------------------------

    def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """Confirm one that waits, with a method given now or the one it has."""
        intent_id = ids.intent_id(request.provider_payment_id)
        if request.recovering:
            result = self.result(self._asked(intent_id))
            # A decline found here may be an older one: the key answers for this try, and the state allows one success.
            if result.fact.stage not in (Stage.OPEN, Stage.DECLINED):
                return result
        params: PaymentIntentConfirmParams = {"expand": EXPANDED}
        if request.method_token:
            params["payment_method"] = request.method_token
        if request.return_url:
            params["return_url"] = request.return_url
        return self._answered(self._confirm(intent_id, params, request.idempotency_key), intent_id)

    def _confirm(self, intent_id: str, params: PaymentIntentConfirmParams, key: str) -> Json | ErrorAnswer:
        return self._api.attempt(lambda client: client.v1.payment_intents.confirm(intent_id, params, keyed(key)))

    def capture(self, request: CaptureRequest) -> PaymentResult:
        """Take the amount; the rest is released unless another capture is announced."""
        intent_id = ids.intent_id(request.provider_payment_id)
        if request.recovering:
            result = self.result(self._asked(intent_id))
            if result.fact.stage is not Stage.AUTHORIZED or result.fact.captured_minor > request.captured_minor:
                return result
        params: PaymentIntentCaptureParams = {
            "amount_to_capture": to_wire(request.capture_minor, request.currency),
            "expand": EXPANDED,
        }
        # Stripe's default is final, and `final_capture` is an error on accounts without multicapture.
        if not request.final:
            params["final_capture"] = False
        answer = self._api.attempt(
            lambda client: client.v1.payment_intents.capture(intent_id, params, keyed(request.idempotency_key))
        )
        return self._answered(answer, intent_id)

    def cancel(self, intent_id: str, *, key: str, reason: str) -> PaymentResult:
        """Void or withdraw; cancelled already is a success, captured is a failure with the true state."""
        params: PaymentIntentCancelParams = {}
        if reason in _CANCEL_REASONS:
            params["cancellation_reason"] = reason
        checked = ids.intent_id(intent_id)
        answer = self._api.attempt(lambda client: client.v1.payment_intents.cancel(checked, params, keyed(key)))
        result = self._answered(answer, checked)
        if result.fact.stage in (Stage.CANCELLED, Stage.EXPIRED):
            return replace(result, failure=None)
        code = answer.code if isinstance(answer, ErrorAnswer) else ""
        return replace(result, failure=Failure(code=FailureCode.INVALID_REQUEST, provider_code=code))

    # -- reading -----------------------------------------------------------------------------------------------------

    def _asked(self, intent_id: str) -> Json:
        """The PaymentIntent as it stands, after a call on it that took effect, or may have."""
        with asking():
            return ids.same_object(self._api.call(_retrieval(intent_id)), intent_id)

    def find(self, intent_id: str) -> Json | None:
        """The PaymentIntent as it stands; None when there is none of this id."""
        intent = self._api.find(_retrieval(intent_id))
        return None if intent is None else ids.same_object(intent, intent_id)

    def of_payment(self, reference: str, since: datetime | None) -> list[Json]:
        """Every PaymentIntent that carries our reference, the newest first."""
        return [i for i in self._created_between(since, None) if metadata(i, HUB_PAYMENT) == reference]

    def _created_between(self, since: datetime | None, until: datetime | None) -> Iterator[Json]:
        window: PaymentIntentListParamsCreated = {}
        if since is not None:
            window["gte"] = int((since - _SKEW).timestamp())
        if until is not None:
            window["lte"] = int(until.timestamp())

        # The list is consistent; search lags by up to a minute (docs.stripe.com/search).
        def page(client: StripeClient, after: str) -> StripeObject:
            params: PaymentIntentListParams = {"limit": PAGE_SIZE}
            if window:
                params["created"] = window
            if after:
                params["starting_after"] = after
            return client.v1.payment_intents.list(params)

        return self._api.every(page)

    def read(self, intent: Json) -> PaymentFact:
        """The fact, its next action completed with the publishable key that Stripe.js needs."""
        with unreadable_answer():
            fact = read_intent(intent)
            if fact.next_action and fact.next_action.kind is NextActionKind.CLIENT_SECRET:
                return replace(fact, next_action=client_action(intent, self._publishable_key))
        return fact

    def result(self, intent: Json) -> PaymentResult:
        """The object as the result of a call that meant to pay."""
        fact = self.read(intent)
        if fact.stage in (Stage.CANCELLED, Stage.EXPIRED):
            code = FailureCode.EXPIRED if fact.stage is Stage.EXPIRED else FailureCode.PROCESSING_ERROR
            with unreadable_answer():
                reason = optional_text(intent, "cancellation_reason")
            return PaymentResult(fact=fact, failure=Failure(code=code, provider_code=reason or "canceled"))
        return PaymentResult(fact=fact, failure=fact.failure)

    def _answered(self, answer: Json | ErrorAnswer, intent_id: str) -> PaymentResult:
        if not isinstance(answer, ErrorAnswer):
            return self.result(ids.same_object(answer, intent_id))
        if not (answer.is_decline or answer.is_about_state):
            raise translate(answer)
        intent = ids.same_object(answer.intent, intent_id) if answer.intent else self._asked(intent_id)
        result = self.result(intent)
        if answer.is_decline:
            failure = failure_of(answer.error)
            return PaymentResult(fact=replace(result.fact, failure=failure), failure=failure)
        return result


def nothing_made(answer: ErrorAnswer, *, recovering: bool) -> ProviderError:
    """The error for a creation that failed.

    When Stripe replays its failure, no object of this key can ever become known, so nobody can pay it: definite.
    """
    if recovering and answer.is_replayed_failure:
        return Refused("Stripe failed to make the object.", code="provider_unavailable", provider_code=answer.code)
    return translate(answer)


def made_for(request: PayRequest, answer: Json) -> Json:
    """The new object, if it carries the mark it was made with; raises OutcomeUnknown(`unexpected_object`)."""
    with unreadable_answer():
        if metadata(answer, HUB_OPERATION) != request.idempotency_key:
            raise OutcomeUnknown("Stripe answered with another payment's object.", code="unexpected_object")
    return answer


def _retrieval(intent_id: str) -> Call:
    return lambda client: client.v1.payment_intents.retrieve(intent_id, {"expand": EXPANDED})


def marks(request: PayRequest) -> dict[str, str]:
    """The metadata by which an object is known as ours again; the caller's own cannot overwrite it."""
    return {**request.metadata, HUB_PAYMENT: request.reference, HUB_OPERATION: request.idempotency_key}


def _create_params(request: PayRequest) -> PaymentIntentCreateParams:
    params: PaymentIntentCreateParams = {
        "amount": to_wire(request.amount_minor, request.currency),
        "currency": request.currency.lower(),
        "capture_method": "manual" if request.capture_method is CaptureMethod.MANUAL else "automatic",
        "automatic_payment_methods": {"enabled": True},
        "metadata": marks(request),
    }
    if request.flow is Flow.TOKEN:
        params["payment_method"] = request.method_token
        # Methods that redirect cannot be confirmed without an address to come back to.
        params["automatic_payment_methods"] = {
            "enabled": True,
            "allow_redirects": "always" if _may_redirect(request) else "never",
        }
    if request.customer_token:
        params["customer"] = request.customer_token
    if request.save_method and not request.off_session:
        params["setup_future_usage"] = "off_session"
    if request.description:
        params["description"] = request.description
    if request.payer.email:
        params["receipt_email"] = request.payer.email
    return params


def _may_redirect(request: PayRequest) -> bool:
    return bool(request.return_url) and not request.off_session


def _pay_confirm_params(request: PayRequest) -> PaymentIntentConfirmParams:
    params: PaymentIntentConfirmParams = {"expand": EXPANDED}
    if _may_redirect(request):
        params["return_url"] = request.return_url
    if request.off_session:
        params["off_session"] = True
    return params
