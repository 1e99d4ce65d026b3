"""The Stripe provider: what it can do, and which part does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, Mode
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
    ConfirmRequest,
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
    ReturnVisit,
)
from django_payments_hub.providers.stripe import ids, webhooks
from django_payments_hub.providers.stripe.api import Api
from django_payments_hub.providers.stripe.checkout import Sessions
from django_payments_hub.providers.stripe.config import API_VERSION, Config, check_mode
from django_payments_hub.providers.stripe.intents import KEY_WINDOW, Intents
from django_payments_hub.providers.stripe.refunds import Refunds
from django_payments_hub.providers.stripe.saved import SavedMethods

RequestT = TypeVar("RequestT", bound=PaymentRequest)


class Provider(BaseProvider[Config]):
    """One Stripe account (docs.stripe.com/api)."""

    name = "stripe"
    label = "Stripe"
    sdk = "stripe"
    Config = Config
    capabilities = Capabilities(
        flows=frozenset({Flow.TOKEN, Flow.CLIENT, Flow.HOSTED}),
        method_kinds=frozenset(
            {
                MethodKind.CREDIT_CARD,
                MethodKind.DEBIT_CARD,
                MethodKind.WALLET,
                MethodKind.BANK_TRANSFER,
                MethodKind.VOUCHER,
                MethodKind.OTHER,
            }
        ),
        manual_capture=True,
        partial_capture=True,
        cancel=True,
        refund=True,
        partial_refund=True,
        look_up=True,
        saved_methods=True,
        save_flows=frozenset({Flow.TOKEN, Flow.CLIENT, Flow.HOSTED}),
        setup_flows=frozenset({Flow.TOKEN, Flow.CLIENT}),
        finds_savings=True,
        disputes=True,
        webhooks=True,
        # An hour less than Stripe promises, for clocks that differ and for the last try itself.
        key_window_s=int(KEY_WINDOW.total_seconds()) - 3600,
        method_key_window_s=int(KEY_WINDOW.total_seconds()) - 3600,
        # Two exchanges in the token flow; a web server's own limit is mostly 30 s.
        call_deadline_s=28.0,
    )

    def __init__(self, account: AccountConfig):
        super().__init__(account)
        check_mode(self.config, account.mode)
        self._api = Api(self.config)
        self._intents = Intents(self._api, self.config.publishable_key)
        self._sessions = Sessions(self._api, self._intents)
        self._refunds = Refunds(self._api, account.mode)
        self._saved = SavedMethods(self._api, self.config.publishable_key)

    # -- calls -------------------------------------------------------------------------------------------------------

    def pay(self, request: PayRequest) -> PaymentResult:
        """Start a payment in the flow it asks for."""
        pay = {
            Flow.TOKEN: self._intents.pay_with_token,
            Flow.CLIENT: self._intents.pay_in_browser,
            Flow.HOSTED: self._sessions.pay,
        }[request.flow]
        with deadline(self.capabilities.call_deadline_s):
            return pay(request)

    def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """Confirm a PaymentIntent that waits for a method, or for another try."""
        with deadline(self.capabilities.call_deadline_s):
            return self._intents.confirm(request)

    def capture(self, request: CaptureRequest) -> PaymentResult:
        """Take what is held, or part of it; the rest is released."""
        with deadline(self.capabilities.call_deadline_s):
            return self._intents.capture(self._with_intent(request))

    def cancel(self, request: CancelRequest) -> PaymentResult:
        """Close the hosted page, void the authorisation, or withdraw what was never paid."""
        with deadline(self.capabilities.call_deadline_s):
            if request.provider_session_id:
                return self._sessions.cancel(request)
            return self._intents.cancel(request.provider_payment_id, key=request.idempotency_key, reason=request.reason)

    def refund(self, request: RefundRequest) -> RefundResult:
        """Give money back; Stripe answers pending, succeeded or failed."""
        with deadline(self.capabilities.call_deadline_s):
            return self._refunds.refund(self._with_intent(request))

    def look_up(self, request: LookUpRequest) -> PaymentFact | None:
        """By PaymentIntent, by session, or by our reference among what was created since; with its refunds."""
        with deadline(self.capabilities.call_deadline_s):
            fact = self._look_up(request)
            if fact is None or not fact.captured_minor:
                return fact
            released = fact.authorized_minor - fact.captured_minor - fact.capturable_minor
            intent = ids.intent_id(fact.provider_payment_id)
            return replace(fact, refunds=self._refunds.of_intent(intent, released_minor=released))

    def _look_up(self, request: LookUpRequest) -> PaymentFact | None:
        if request.provider_payment_id:
            intent = self._intents.find(ids.intent_id(request.provider_payment_id))
            fact = None if intent is None else self._intents.read(intent)
            return fact and replace(fact, provider_session_id=request.provider_session_id)
        if request.provider_session_id:
            return self._sessions.find(ids.session_id(request.provider_session_id))
        return self._search(request)

    def _search(self, request: LookUpRequest) -> PaymentFact | None:
        found = [self._intents.read(i) for i in self._intents.of_payment(request.reference, request.since)]
        if not found:
            return self._sessions.of_payment(request.reference, request.since)
        # Several tries leave several objects: the one that holds money is the one to know about.
        furthest = max(found, key=lambda fact: (fact.captured_minor, fact.authorized_minor))
        return self._look_up(replace(request, provider_payment_id=furthest.provider_payment_id))

    def look_up_refund(self, request: RefundLookUpRequest) -> RefundFact | None:
        """By its id, or by our reference among the refunds of its payment."""
        with deadline(self.capabilities.call_deadline_s):
            intent = request.provider_payment_id
            if not intent and not request.provider_refund_id:
                intent = self._intent_of(request)
            if not intent and not request.provider_refund_id:
                return None
            return self._refunds.look_up(request, intent)

    def _with_intent(self, request: RequestT) -> RequestT:
        """The request with its PaymentIntent named: a hosted payment may be known by its session alone."""
        if request.provider_payment_id:
            return request
        with asking(when=request.recovering):
            intent = self._intent_of(request)
            if not intent:
                raise Refused("There is no PaymentIntent yet.", code="invalid_object_id")
        return replace(request, provider_payment_id=intent)

    def _intent_of(self, request: PaymentRequest) -> str:
        payment = self._look_up(
            LookUpRequest(
                reference=request.reference,
                amount_minor=request.amount_minor,
                currency=request.currency,
                provider_session_id=request.provider_session_id,
                since=request.since if isinstance(request, RefundLookUpRequest) else None,
            )
        )
        return payment.provider_payment_id if payment else ""

    # -- customers and saved methods ---------------------------------------------------------------------------------

    def create_customer(self, request: CustomerRequest) -> str:
        """The Customer's id."""
        with deadline(self.capabilities.call_deadline_s):
            return self._saved.create_customer(request)

    def save_method(self, request: SaveMethodRequest) -> MethodResult:
        """Through a SetupIntent, with a token given now or by Stripe.js."""
        with deadline(self.capabilities.call_deadline_s):
            return self._saved.save(request)

    def finish_method(self, request: FinishMethodRequest) -> MethodResult:
        """The SetupIntent as it stands."""
        with deadline(self.capabilities.call_deadline_s):
            return self._saved.finish(request)

    def cancel_setup(self, request: FinishMethodRequest) -> MethodResult:
        """Cancel the SetupIntent."""
        with deadline(self.capabilities.call_deadline_s):
            return self._saved.cancel(request)

    def list_methods(self, customer_token: str) -> tuple[MethodFact, ...]:
        """The PaymentMethods attached to the Customer."""
        with deadline(self.capabilities.call_deadline_s):
            return tuple(self._saved.every(customer_token))

    def detach_method(self, request: DetachMethodRequest) -> None:
        """Take the PaymentMethod off its Customer; it can never be used again."""
        with deadline(self.capabilities.call_deadline_s):
            self._saved.detach(request)

    # -- notifications -----------------------------------------------------------------------------------------------

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: float) -> None:
        """Check `Stripe-Signature` against every active secret, and its timestamp in both directions."""
        webhooks.verify(body, headers, self.config, now=now)

    def identify_notice(self, payload: Json, body: bytes) -> NoticeId:
        """The event's id, type and mode."""
        live = payload.get("livemode")
        mode = (Mode.LIVE if live else Mode.TEST) if isinstance(live, bool) else None
        return replace(super().identify_notice(payload, body), mode=mode)

    def parse_webhook(self, payload: Json) -> tuple[Fact, ...]:
        """PaymentIntents, sessions, refunds and disputes as facts."""
        return webhooks.parse(payload)

    def parse_return(self, data: Mapping[str, str]) -> ReturnVisit:
        """`payment_intent` after 3-D Secure and redirects, `session_id` after the hosted page; both are only names."""
        intent, session = data.get("payment_intent", ""), data.get("session_id", "")
        return ReturnVisit(
            provider_payment_id=intent if ids.is_intent_id(intent) else "",
            provider_session_id=session if ids.is_session_id(session) else "",
        )

    # -- small things ------------------------------------------------------------------------------------------------

    def supports(
        self, *, flow: Flow, currency: str, capture_method: CaptureMethod, method_kind: MethodKind | None = None
    ) -> None:
        """As declared; and the client flow only with a publishable key."""
        super().supports(flow=flow, currency=currency, capture_method=capture_method, method_kind=method_kind)
        if flow is Flow.CLIENT and not self.config.publishable_key:
            raise Unsupported("Stripe.js needs PUBLISHABLE_KEY in the account.", code="unsupported_flow")

    def check(self) -> list[str]:
        """Doubts: no publishable key, another API version than the code was written for."""
        doubts = []
        if not all(secret.startswith("whsec_") for secret in self.config.webhook_secrets):
            doubts.append("an entry of WEBHOOK_SECRETS is no signing secret (whsec_...): its notices will be refused.")
        if not self.config.publishable_key:
            doubts.append("PUBLISHABLE_KEY is missing: the client flow is refused.")
        if self.config.api_version != API_VERSION:
            doubts.append(f"API_VERSION is {self.config.api_version}; this code was written for {API_VERSION}.")
        return doubts

    def close(self) -> None:
        """Let go of connections."""
        self._api.close()
