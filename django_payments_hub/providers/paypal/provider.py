"""The PayPal provider: what it can do, and which part does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django_payments_hub.domain.statuses import Flow, MethodKind
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
    LookUp,
    LookUpRequest,
    MethodFact,
    NoticeId,
    PaymentFact,
    PaymentResult,
    PayRequest,
    RefundFact,
    RefundLookUpRequest,
    RefundRequest,
    RefundResult,
    ReturnVisit,
)
from django_payments_hub.providers.paypal import ids, webhooks
from django_payments_hub.providers.paypal.amounts import CURRENCIES
from django_payments_hub.providers.paypal.api import Api
from django_payments_hub.providers.paypal.config import POSTBACK, Config, check_mode, uses_sandbox
from django_payments_hub.providers.paypal.orders import Orders
from django_payments_hub.providers.paypal.payments import Payments
from django_payments_hub.providers.paypal.refunds import Refunds
from django_payments_hub.providers.paypal.vault import Vault
from django_payments_hub.providers.paypal.verification import Verifier

_HOUR_S = 3600


class Provider(BaseProvider[Config]):
    """One PayPal account (developer.paypal.com/docs/api/orders/v2, payments/v2, vault/v3)."""

    name = "paypal"
    label = "PayPal"
    sdk = "paypalrestsdk"
    Config = Config
    capabilities = Capabilities(
        flows=frozenset({Flow.HOSTED, Flow.TOKEN}),
        save_flows=frozenset({Flow.HOSTED}),  # the token flow pays with what is saved already
        setup_flows=frozenset({Flow.HOSTED}),
        method_kinds=frozenset({MethodKind.WALLET, MethodKind.CREDIT_CARD, MethodKind.DEBIT_CARD, MethodKind.OTHER}),
        currencies=CURRENCIES,
        manual_capture=True,
        partial_capture=True,
        confirms_approved=True,
        cancel=True,
        refund=True,
        partial_refund=True,
        look_up=True,
        saved_methods=True,
        disputes=True,
        webhooks=True,
        # Orders keep a key for 6 hours, payments for 45 days: the shorter, less an hour for clocks that differ and for
        # the last try itself. Past it the order tells by itself what became of a capture or a refund.
        key_window_s=5 * _HOUR_S,
        # The vault keeps one for 3 hours.
        method_key_window_s=2 * _HOUR_S,
        # A token, an order and its capture; a web server's own limit is mostly 30 s.
        call_deadline_s=28.0,
    )

    def __init__(self, account: AccountConfig):
        super().__init__(account)
        check_mode(self.config, account.mode)
        self._api = Api(self.config, account.mode)
        self._orders = Orders(self._api, self.config.brand_name)
        self._payments = Payments(self._api, self._orders)
        self._refunds = Refunds(self._api, self._payments)
        self._vault = Vault(self._api, self.config.brand_name)
        self._verifier = Verifier(self.config, self._api)

    # -- calls -------------------------------------------------------------------------------------------------------

    def pay(self, request: PayRequest) -> PaymentResult:
        """Make an order: for the buyer to approve on PayPal's page, or paid at once with a method of the vault."""
        with deadline(self.capabilities.call_deadline_s):
            if request.flow is not Flow.TOKEN:
                return self._orders.pay_on_page(request)
            if not request.saved:
                # PayPal takes a token of its vault from anybody, without its customer's id.
                with asking(when=request.recovering):
                    self._vault.belongs(request.method_token, request.customer_token)
            return self._orders.pay_with_token(request)

    def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """Capture, or authorise, an order that the buyer has approved."""
        with deadline(self.capabilities.call_deadline_s):
            return self._orders.confirm(request)

    def capture(self, request: CaptureRequest) -> PaymentResult:
        """Take what is held, or part of it; the rest is released."""
        with deadline(self.capabilities.call_deadline_s):
            return self._payments.capture(request)

    def cancel(self, request: CancelRequest) -> PaymentResult:
        """Void the authorisation, or give up an order that was never paid."""
        with deadline(self.capabilities.call_deadline_s):
            return self._payments.cancel(request)

    def refund(self, request: RefundRequest) -> RefundResult:
        """Give money back; PayPal answers pending, completed or failed."""
        with deadline(self.capabilities.call_deadline_s):
            return self._refunds.refund(request)

    def look_up(self, request: LookUpRequest) -> PaymentFact | None:
        """By order, capture or authorization, with its refunds; an order cannot be found by our reference."""
        with deadline(self.capabilities.call_deadline_s):
            return self._payments.look_up(request)

    def look_up_refund(self, request: RefundLookUpRequest) -> RefundFact | None:
        """By its id, or by our reference among the refunds of its order."""
        with deadline(self.capabilities.call_deadline_s):
            return self._refunds.look_up(request)

    # -- customers and saved methods ---------------------------------------------------------------------------------

    def create_customer(self, request: CustomerRequest) -> str:
        """Nothing to do: PayPal makes the customer while the first method is saved."""
        return ""

    def save_method(self, request: SaveMethodRequest) -> MethodResult:
        """Lead the customer to PayPal's page, where he lets his account be kept."""
        if request.method_token:
            raise self.unsupported("saving_by_token")
        with deadline(self.capabilities.call_deadline_s):
            return self._vault.begin(request)

    def finish_method(self, request: FinishMethodRequest) -> MethodResult:
        """Exchange what the customer has approved for a method that is kept."""
        with deadline(self.capabilities.call_deadline_s):
            return self._vault.finish(request)

    def cancel_setup(self, request: FinishMethodRequest) -> MethodResult:
        """Leave a setup token to lapse: what the buyer approves is kept only when we exchange it."""
        with deadline(self.capabilities.call_deadline_s):
            return self._vault.give_up(request)

    def list_methods(self, customer_token: str) -> tuple[MethodFact, ...]:
        """Every method the vault keeps for the customer."""
        with deadline(self.capabilities.call_deadline_s):
            return self._vault.list(customer_token)

    def detach_method(self, request: DetachMethodRequest) -> None:
        """Delete a method of this customer's from the vault."""
        with deadline(self.capabilities.call_deadline_s):
            self._vault.detach(request)

    # -- notifications -----------------------------------------------------------------------------------------------

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: float) -> None:
        """Check the signature under PayPal's certificate, or ask PayPal where the account says so."""
        self._verifier.verify(body, headers, now=now)

    def identify_notice(self, payload: Json, body: bytes) -> NoticeId:
        """The event's id and type; PayPal does not say the mode."""
        named = super().identify_notice(payload, body)
        kind = payload.get("event_type")
        return NoticeId(event_id=named.event_id, event_type=kind if isinstance(kind, str) else "")

    def parse_webhook(self, payload: Json) -> tuple[Fact, ...]:
        """Orders, authorizations, captures, refunds and disputes as facts.

        What is signed of a notice is a checksum that another body can have: it proves neither money nor an end.
        """
        told = webhooks.parse(payload, self.account.mode)
        return tuple(
            replace(fact, hearsay=True) if isinstance(fact, PaymentFact | RefundFact) else fact for fact in told
        )

    def resolve(self, named: LookUp) -> LookUp | None:
        """A refund PayPal makes by itself names its capture alone, which an authorised payment is not known by."""
        with deadline(self.capabilities.call_deadline_s):
            return self._payments.resolve(named)

    def parse_return(self, data: Mapping[str, str]) -> ReturnVisit:
        """`token` is the order the buyer comes back from; only a name."""
        order = data.get("token", "")
        return ReturnVisit(provider_session_id=order if ids.is_object_id(order) else "")

    # -- small things ------------------------------------------------------------------------------------------------

    def check(self) -> list[str]:
        """Doubts: PayPal is asked about each notice, or a sandbox is without its authority."""
        doubts = []
        if self.config.webhook_verification == POSTBACK:
            doubts.append("WEBHOOK_VERIFICATION is 'postback': a notice is heard only while PayPal answers.")
        if uses_sandbox(self.config, self.account.mode) and not self.config.webhook_root_certificate:
            doubts.append("WEBHOOK_ROOT_CERTIFICATE is missing: the sandbox's notices will be refused.")
        return doubts

    def close(self) -> None:
        """Let go of connections."""
        self._api.close()
        self._verifier.close()
