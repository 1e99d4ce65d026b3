"""The Square provider: what it can do, and which part does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind
from django_payments_hub.exceptions import Refused, Unsupported
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.base import BaseProvider, Capabilities
from django_payments_hub.provider_kit.http import deadline
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    MethodResult,
    SaveMethodRequest,
)
from django_payments_hub.provider_kit.reading import Json
from django_payments_hub.provider_kit.types import (
    AccountConfig,
    CancelRequest,
    CaptureRequest,
    Fact,
    LookUpRequest,
    MethodFact,
    NoticeId,
    PaymentFact,
    PaymentRequest,
    PaymentResult,
    PayRequest,
    RefundFact,
    RefundLookUpRequest,
    RefundRequest,
    RefundResult,
)
from django_payments_hub.providers.square import ids, webhooks
from django_payments_hub.providers.square.api import Api
from django_payments_hub.providers.square.cards import Cards
from django_payments_hub.providers.square.config import API_VERSION, Config, check_mode
from django_payments_hub.providers.square.links import Links
from django_payments_hub.providers.square.payments import Payments
from django_payments_hub.providers.square.refunds import Refunds


class Provider(BaseProvider[Config]):
    """One location of a Square seller (developer.squareup.com/reference/square)."""

    name = "square"
    label = "Square"
    sdk = "square"
    Config = Config
    capabilities = Capabilities(
        flows=frozenset({Flow.TOKEN, Flow.HOSTED}),
        method_kinds=frozenset(
            {MethodKind.CREDIT_CARD, MethodKind.DEBIT_CARD, MethodKind.WALLET, MethodKind.BANK_TRANSFER}
        ),
        # Of the countries Square is in; a location takes its own alone (developer.squareup.com/docs/international).
        currencies=frozenset({"AUD", "CAD", "EUR", "GBP", "JPY", "USD"}),
        manual_capture=True,
        partial_capture=True,
        cancel=True,
        refund=True,
        partial_refund=True,
        look_up=True,
        saved_methods=True,
        save_flows=frozenset({Flow.TOKEN, Flow.HOSTED}),
        setup_flows=frozenset({Flow.TOKEN}),
        finds_savings=True,
        disputes=True,
        webhooks=True,
        # How long a key is known is not published: nothing is sent twice on the strength of its key.
        key_window_s=0,
        recovers_itself=True,
        call_deadline_s=28.0,
    )
    list_lag_s: ClassVar[float] = 15.0
    """After so long, a list shows what was there: "several seconds", says ListPayments."""

    def __init__(self, account: AccountConfig):
        super().__init__(account)
        check_mode(self.config, account.mode)
        self._api = Api(self.config, account.mode)
        self._payments = Payments(self._api, list_lag_s=self.list_lag_s)
        self._links = Links(self._api, self._payments)
        self._refunds = Refunds(self._api, self._payments)
        self._cards = Cards(self._api)

    # -- calls -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _call(self) -> Iterator[None]:
        """One call, bounded in time; what loading the SDK takes of a process's first one does not count."""
        self._api.load()
        with deadline(self.capabilities.call_deadline_s):
            yield

    def pay(self, request: PayRequest) -> PaymentResult:
        """Charge or hold with a token, or make a payment link."""
        self.supports(flow=request.flow, currency=request.currency, capture_method=request.capture_method)
        with self._call():
            if request.flow is Flow.HOSTED:
                return self._links.pay(request)
            return self._payments.pay(request)

    def capture(self, request: CaptureRequest) -> PaymentResult:
        """Take what is held, or part of it; the rest is released."""
        with self._call():
            return self._payments.capture(request)

    def cancel(self, request: CancelRequest) -> PaymentResult:
        """Void what is held, or take the payment link away."""
        with self._call():
            if request.provider_session_id:
                return self._links.cancel(request)
            return self._payments.cancel(request)

    def refund(self, request: RefundRequest) -> RefundResult:
        """Give money back; Square answers PENDING, and a notice tells the end."""
        with self._call():
            return self._refunds.refund(request, self._payment_of(request))

    def look_up(self, request: LookUpRequest) -> PaymentFact | None:
        """By its id, by the payment link, or by our reference among what was made since; with its refunds."""
        with self._call():
            if request.provider_payment_id:
                return self._known(request)
            if request.provider_session_id:
                fact = self._links.look_up(request, request.since)
            else:
                fact = self._payments.of_reference(request.reference, request.since, request.may_arrive_until)
            if fact is None or not fact.captured_minor:
                return fact
            return self._known(replace(request, provider_payment_id=fact.provider_payment_id))

    def _known(self, request: LookUpRequest) -> PaymentFact | None:
        payment = self._payments.find(ids.payment_id(request.provider_payment_id))
        if payment is None:
            return None
        fact = replace(self._payments.read(payment), provider_session_id=request.provider_session_id)
        return replace(fact, refunds=self._refunds.of_payment(payment)) if fact.captured_minor else fact

    def look_up_refund(self, request: RefundLookUpRequest) -> RefundFact | None:
        """By its id, or by our reference among the refunds of its payment."""
        with self._call():
            payment_id = request.provider_payment_id and ids.payment_id(request.provider_payment_id)
            if not payment_id and not request.provider_refund_id:
                payment_id = self._payment_of(request)
            return self._refunds.look_up(request, payment_id)

    def _payment_of(self, request: PaymentRequest) -> str:
        """The id of the payment: a hosted one may be known by its link alone."""
        if request.provider_payment_id:
            return ids.payment_id(request.provider_payment_id)
        with asking(when=request.recovering):
            fact = self._links.look_up(request, None) if request.provider_session_id else None
            if fact is None or not fact.provider_payment_id:
                raise Refused("There is no payment yet.", code="invalid_object_id")
        return ids.payment_id(fact.provider_payment_id)

    # -- customers and saved methods ---------------------------------------------------------------------------------

    def create_customer(self, request: CustomerRequest) -> str:
        """Make the customer in the seller's directory."""
        with self._call():
            return self._cards.create_customer(request)

    def save_method(self, request: SaveMethodRequest) -> MethodResult:
        """Keep the card of a token, or the one a payment was made with."""
        with self._call():
            return self._cards.save(request)

    def finish_method(self, request: FinishMethodRequest) -> MethodResult:
        """Saving is one step; this finds what it made."""
        with self._call():
            return self._cards.finish(request)

    def list_methods(self, customer_token: str) -> tuple[MethodFact, ...]:
        """The cards on file of a customer."""
        with self._call():
            return self._cards.list(customer_token)

    def detach_method(self, request: DetachMethodRequest) -> None:
        """Disable the card on file."""
        with self._call():
            self._cards.detach(request)

    # -- notifications -----------------------------------------------------------------------------------------------

    @property
    def _webhook_url(self) -> str:
        return self.config.webhook_url or self.account.webhook_url

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: float) -> None:
        """Check the signature against every active key; it covers no time, so `now` says nothing."""
        webhooks.verify(body, headers, self.config, url=self._webhook_url, mode=self.account.mode)

    def identify_notice(self, payload: Json, body: bytes) -> NoticeId:
        """The event's id and type; a notice does not say its mode."""
        event_id = payload.get("event_id")
        named = {**payload, "id": event_id} if isinstance(event_id, str) else {**payload, "id": None}
        return super().identify_notice(named, body)

    def parse_webhook(self, payload: Json) -> tuple[Fact, ...]:
        """Payments, refunds and disputes of this account's location as facts."""
        return webhooks.parse(payload, self.config, self.account.mode)

    # -- small things ------------------------------------------------------------------------------------------------

    def supports(
        self, *, flow: Flow, currency: str, capture_method: CaptureMethod, method_kind: MethodKind | None = None
    ) -> None:
        """As declared; but a payment link takes the money at once."""
        super().supports(flow=flow, currency=currency, capture_method=capture_method, method_kind=method_kind)
        if flow is Flow.HOSTED and capture_method is CaptureMethod.MANUAL:
            raise Unsupported("A payment link of Square's cannot capture later.", code="unsupported_capture_method")

    def check(self) -> list[str]:
        """Doubts: no application id, no notification URL, another API version than the code was written for."""
        doubts = []
        if not self.config.application_id:
            doubts.append("APPLICATION_ID is missing: the Web Payments SDK in the browser needs it.")
        if not self._webhook_url:
            doubts.append("neither PUBLIC_URL nor WEBHOOK_URL is set: every notice will be refused.")
        if self.config.api_version != API_VERSION:
            doubts.append(f"API_VERSION is {self.config.api_version}; this code was written for {API_VERSION}.")
        return doubts

    def close(self) -> None:
        """Let go of connections."""
        self._api.close()
