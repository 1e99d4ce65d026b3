"""Customers and the methods kept for them: Customer, SetupIntent, PaymentMethod.

A method is kept through a SetupIntent rather than attached by itself, so that the bank is asked for the customer's
consent to later payments where it wants that (docs.stripe.com/payments/save-and-reuse). Like a payment it is created
unconfirmed and confirmed by its id: Stripe replays its own 500 for 24 hours under a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from django_payments_hub.domain.statuses import FailureCode, NextActionKind
from django_payments_hub.exceptions import OutcomeUnknown, Unsupported
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    MethodResult,
    SaveMethodRequest,
)
from django_payments_hub.provider_kit.reading import (
    Json,
    Unreadable,
    optional_mapping,
    optional_text,
    text,
    unreadable_answer,
)
from django_payments_hub.provider_kit.types import Failure, MethodFact, NextAction
from django_payments_hub.providers.stripe import ids
from django_payments_hub.providers.stripe.api import PAGE_SIZE, Api, keyed
from django_payments_hub.providers.stripe.errors import ErrorAnswer, translate
from django_payments_hub.providers.stripe.failures import failure_of
from django_payments_hub.providers.stripe.methods import read_method
from django_payments_hub.providers.stripe.objects import client_action, id_of, metadata

if TYPE_CHECKING:
    from stripe import StripeClient, StripeObject
    from stripe.params import (
        CustomerCreateParams,
        CustomerListParams,
        CustomerPaymentMethodListParams,
        SetupIntentConfirmParams,
        SetupIntentCreateParams,
        SetupIntentListParams,
    )

    from django_payments_hub.providers.stripe.api import Call

HUB_CUSTOMER = "hub_customer"
HUB_METHOD = "hub_method"

_EXPANDED = ["payment_method"]
_MOST_CUSTOMERS = 1000
"""How many customers are looked through for one whose answer was lost."""

# docs.stripe.com/payments/paymentintents/lifecycle
_STATUSES = frozenset(
    {
        "requires_payment_method",
        "requires_confirmation",
        "requires_action",
        "processing",
        "succeeded",
        "canceled",
    }
)

_CANCELED = Failure(code=FailureCode.EXPIRED, provider_code="canceled")


class SavedMethods:
    """The customers of one account and the methods kept for them."""

    def __init__(self, api: Api, publishable_key: str):
        self._api = api
        self._publishable_key = publishable_key

    # -- customers ---------------------------------------------------------------------------------------------------

    def create_customer(self, request: CustomerRequest) -> str:
        """Make the Customer; after an earlier try, the one that carries our mark."""
        with asking():
            found = self._marked_customer(request) if request.recovering else ""
        if found:
            return found
        params: CustomerCreateParams = {"metadata": {HUB_CUSTOMER: request.reference}}
        if request.payer.name:
            params["name"] = request.payer.name
        if request.payer.email:
            params["email"] = request.payer.email
        answer = self._create_customer(params, request.idempotency_key)
        if request.recovering and isinstance(answer, ErrorAnswer) and answer.is_replayed_failure:
            answer = self._create_customer(params, f"{request.idempotency_key}-again")  # none carries our mark
        if isinstance(answer, ErrorAnswer):
            raise translate(answer)
        with unreadable_answer():
            if metadata(answer, HUB_CUSTOMER) != request.reference:
                raise OutcomeUnknown("Stripe answered with another customer.", code="unexpected_object")
        return ids.made_customer(answer)

    def _create_customer(self, params: CustomerCreateParams, key: str) -> Json | ErrorAnswer:
        return self._api.attempt(lambda client: client.v1.customers.create(params, keyed(key)))

    def _marked_customer(self, request: CustomerRequest) -> str:
        def page(client: StripeClient, after: str) -> StripeObject:
            params: CustomerListParams = {"limit": PAGE_SIZE}
            if request.payer.email:
                params["email"] = request.payer.email
            if after:
                params["starting_after"] = after
            return client.v1.customers.list(params)

        newest = islice(self._api.every(page), _MOST_CUSTOMERS)
        found = next((made for made in newest if metadata(made, HUB_CUSTOMER) == request.reference), None)
        return ids.made_customer(found) if found else ""

    # -- saving ------------------------------------------------------------------------------------------------------

    def save(self, request: SaveMethodRequest) -> MethodResult:
        """With a token: set it up now. Without: begin, and let Stripe.js finish it with the client secret."""
        if not request.method_token and not self._publishable_key:
            raise Unsupported("Stripe.js needs PUBLISHABLE_KEY in the account.", code="unsupported_setup_flow")
        setup = self._made(request)
        setup_id = ids.made_setup(setup)
        with unreadable_answer():
            status = text(setup, "status")
            if status not in _STATUSES:
                raise Unreadable("status is not a known word")
        if not (request.method_token and status == "requires_confirmation"):
            return self._result(self._asked(setup_id), request.customer_token)
        answer = self._confirm(setup_id, request, request.idempotency_key)
        if isinstance(answer, ErrorAnswer) and answer.is_replayed_failure:
            answer = self._confirm(setup_id, request, f"{request.idempotency_key}-again")  # it was not confirmed
        return self._answered(answer, setup_id, request.customer_token)

    def _made(self, request: SaveMethodRequest) -> Json:
        with asking():
            found = self._marked_setup(request.customer_token, request.reference) if request.recovering else None
        if found is not None:
            return found
        params, key = _setup_params(request), f"{request.idempotency_key}-create"
        answer = self._create_setup(params, key)
        if request.recovering and isinstance(answer, ErrorAnswer) and answer.is_replayed_failure:
            answer = self._create_setup(params, f"{key}-again")  # none carries our mark
        if isinstance(answer, ErrorAnswer):
            raise translate(answer)
        with unreadable_answer():
            if metadata(answer, HUB_METHOD) != request.reference:
                raise OutcomeUnknown("Stripe answered with another setup.", code="unexpected_object")
        return answer

    def _create_setup(self, params: SetupIntentCreateParams, key: str) -> Json | ErrorAnswer:
        return self._api.attempt(lambda client: client.v1.setup_intents.create(params, keyed(key)))

    def _marked_setup(self, customer_token: str, reference: str) -> Json | None:
        customer = ids.customer_id(customer_token)

        def page(client: StripeClient, after: str) -> StripeObject:
            params: SetupIntentListParams = {"customer": customer, "limit": PAGE_SIZE}
            if after:
                params["starting_after"] = after
            return client.v1.setup_intents.list(params)

        return next((made for made in self._api.every(page) if metadata(made, HUB_METHOD) == reference), None)

    def _confirm(self, setup_id: str, request: SaveMethodRequest, key: str) -> Json | ErrorAnswer:
        params: SetupIntentConfirmParams = {"expand": _EXPANDED}
        if request.return_url:
            params["return_url"] = request.return_url
        return self._api.attempt(lambda client: client.v1.setup_intents.confirm(setup_id, params, keyed(key)))

    def finish(self, request: FinishMethodRequest) -> MethodResult:
        """The SetupIntent as it stands: Stripe and the customer finish it between them."""
        if not request.provider_setup_id:
            return self._found(request)
        return self._result(self._retrieve(ids.setup_id(request.provider_setup_id)), request.customer_token)

    def _found(self, request: FinishMethodRequest) -> MethodResult:
        customer = request.customer_token
        with asking():
            made = self._marked_setup(customer, request.reference) if customer else None
        if made is None:
            return MethodResult()
        setup = self._asked(ids.made_setup(made))
        with unreadable_answer():
            unconfirmed = text(setup, "status") == "requires_confirmation" and not _in_browser(setup)
        if unconfirmed:  # nobody but us could, and we no longer may
            return MethodResult(failure=_CANCELED, provider_setup_id=ids.made_setup(setup))
        return self._result(setup, customer)

    def cancel(self, request: FinishMethodRequest) -> MethodResult:
        """Cancel the SetupIntent, so that no page left open can finish it; one that is over tells how it ended."""
        setup_id = ids.setup_id(request.provider_setup_id)
        answer = self._cancel(setup_id, f"{request.idempotency_key}-cancel")
        if isinstance(answer, ErrorAnswer) and answer.is_replayed_failure:
            answer = self._cancel(setup_id, f"{request.idempotency_key}-cancel-again")
        if isinstance(answer, ErrorAnswer) and answer.is_missing:
            return MethodResult(failure=_CANCELED, provider_setup_id=setup_id)
        return self._answered(answer, setup_id, request.customer_token)

    def _cancel(self, setup_id: str, key: str) -> Json | ErrorAnswer:
        return self._api.attempt(lambda client: client.v1.setup_intents.cancel(setup_id, {}, keyed(key)))

    def _retrieve(self, setup_id: str) -> Json:
        call: Call = lambda client: client.v1.setup_intents.retrieve(setup_id, {"expand": _EXPANDED})  # noqa: E731
        return ids.same_object(self._api.call(call), setup_id)

    def _asked(self, setup_id: str) -> Json:
        """The SetupIntent as it stands, after a call on it that took effect, or may have."""
        with asking():
            return self._retrieve(setup_id)

    def _answered(self, answer: Json | ErrorAnswer, setup_id: str, customer: str) -> MethodResult:
        if not isinstance(answer, ErrorAnswer):
            return self._result(ids.same_object(answer, setup_id), customer)
        if answer.is_decline:
            return MethodResult(failure=failure_of(answer.error), provider_setup_id=setup_id)
        if answer.code == "setup_intent_unexpected_state":
            return self._result(self._asked(setup_id), customer)
        raise translate(answer)

    def _result(self, setup: Json, customer: str) -> MethodResult:
        with unreadable_answer():
            setup_id, status = text(setup, "id"), text(setup, "status")
            if id_of(setup, "customer") != customer:
                raise OutcomeUnknown("Stripe answered about another customer.", code="unexpected_object")
            if status == "succeeded":
                return MethodResult(method=_kept(setup, customer), provider_setup_id=setup_id)
            if status == "canceled":
                return MethodResult(failure=_CANCELED, provider_setup_id=setup_id)
            return self._open(setup, setup_id, status)

    def _open(self, setup: Json, setup_id: str, status: str) -> MethodResult:
        error = optional_mapping(setup, "last_setup_error")
        if status == "requires_action":
            return MethodResult(next_action=self._action(setup), provider_setup_id=setup_id)
        if status == "processing":
            return MethodResult(provider_setup_id=setup_id)
        if status not in _STATUSES:
            raise Unreadable("status is not a known word")
        # With Stripe.js the customer may try another card; a token of ours has had its only try.
        if error and not _in_browser(setup):
            return MethodResult(failure=failure_of(error), provider_setup_id=setup_id)
        return MethodResult(next_action=client_action(setup, self._publishable_key), provider_setup_id=setup_id)

    def _action(self, setup: Json) -> NextAction | None:
        action = optional_mapping(setup, "next_action")
        url = optional_text(optional_mapping(action, "redirect_to_url"), "url")
        if optional_text(action, "type") == "redirect_to_url" and url:
            return NextAction(kind=NextActionKind.REDIRECT, url=url)
        return client_action(setup, self._publishable_key)

    # -- keeping and letting go --------------------------------------------------------------------------------------

    def every(self, customer_token: str) -> Iterator[MethodFact]:
        """Every method attached to the Customer, the newest first."""
        customer = ids.customer_id(customer_token)

        def page(client: StripeClient, after: str) -> StripeObject:
            params: CustomerPaymentMethodListParams = {"limit": PAGE_SIZE}
            if after:
                params["starting_after"] = after
            return client.v1.customers.payment_methods.list(customer, params)

        for method in self._api.every(page):
            with unreadable_answer():
                yield read_method(method)

    def detach(self, request: DetachMethodRequest) -> None:
        """Take the method off its Customer; one that is off it, or unknown, is off it."""
        method_id = ids.method_id(request.provider_method_id)
        answer = self._detach(method_id, request.idempotency_key)
        if isinstance(answer, ErrorAnswer) and answer.is_replayed_failure:
            if not self._is_attached(method_id):
                return
            answer = self._detach(method_id, f"{request.idempotency_key}-again")
        if not isinstance(answer, ErrorAnswer) or answer.is_missing:
            return
        if answer.status != 400 or self._is_attached(method_id):
            raise translate(answer)

    def _detach(self, method_id: str, key: str) -> Json | ErrorAnswer:
        return self._api.attempt(lambda client: client.v1.payment_methods.detach(method_id, {}, keyed(key)))

    def _is_attached(self, method_id: str) -> bool:
        with asking():
            method = self._api.find(lambda client: client.v1.payment_methods.retrieve(method_id))
        return method is not None and bool(id_of(method, "customer"))


def _kept(setup: Json, customer: str) -> MethodFact:
    fact = read_method(optional_mapping(setup, "payment_method"))
    if fact.provider_customer_id != customer:
        raise OutcomeUnknown("Stripe keeps the method for another customer.", code="unexpected_object")
    return fact


def _in_browser(setup: Json) -> bool:
    return metadata(setup, _FLOW) == "client"


_FLOW = "hub_flow"


def _setup_params(request: SaveMethodRequest) -> SetupIntentCreateParams:
    params: SetupIntentCreateParams = {
        "customer": ids.customer_id(request.customer_token),
        "usage": "off_session",
        "metadata": {HUB_METHOD: request.reference, _FLOW: "token" if request.method_token else "client"},
        # Methods that redirect cannot be confirmed without an address to come back to.
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "always" if request.return_url else "never"},
    }
    if request.method_token:
        params["payment_method"] = request.method_token
    return params
