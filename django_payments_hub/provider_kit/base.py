"""The base of every provider: what it may declare, and the small steps it fills in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from importlib.util import find_spec
from typing import ClassVar, Generic

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, Verdict
from django_payments_hub.exceptions import ConfigurationError, Unsupported
from django_payments_hub.provider_kit.capabilities import Capabilities
from django_payments_hub.provider_kit.config import BaseConfig, ConfigT, address, parse_config, public, secret
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    MethodResult,
    SaveMethodRequest,
)
from django_payments_hub.provider_kit.types import (
    AccountConfig,
    Acknowledgement,
    CancelRequest,
    CaptureRequest,
    ConfirmRequest,
    Fact,
    FormRequest,
    HostedForm,
    LookUp,
    LookUpRequest,
    MethodFact,
    NextAction,
    NoticeId,
    Payer,
    PaymentFact,
    PaymentResult,
    PayRequest,
    RefundFact,
    RefundLookUpRequest,
    RefundRequest,
    RefundResult,
    ReturnVisit,
)

__all__ = ["BaseConfig", "BaseProvider", "Capabilities", "address", "parse_config", "public", "secret"]


class BaseProvider(Generic[ConfigT]):
    """One merchant account at one provider.

    A subclass is named `Provider`, declares `capabilities` and `Config`, and fills in the steps it declares. It keeps
    no state but its client, saves nothing, redirects nobody and reads no settings. A call returns a result, or raises
    a `ProviderError`: in doubt `OutcomeUnknown`. A decline is a result.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    sdk: ClassVar[str] = ""
    """The module of the provider's SDK, which the extra of the provider's name installs; "" for none."""
    capabilities: ClassVar[Capabilities]
    notice_secrets: ClassVar[frozenset[str]] = frozenset()
    """Names in notices, at any depth, whose values are not kept: they are null by the time one is parsed."""
    Config: type[ConfigT]

    def __init__(self, account: AccountConfig):
        if self.sdk and find_spec(self.sdk) is None:
            raise ConfigurationError(
                f"The package {self.sdk!r} is not installed: pip install 'django-payments-hub[{self.name}]'.",
                code="sdk_missing",
            )
        self.account = account
        self.config: ConfigT = parse_config(self.Config, account)

    # -- calls -------------------------------------------------------------------------------------------------------

    def pay(self, request: PayRequest) -> PaymentResult:
        """Start a payment, and in the token flow try it."""
        raise self.unsupported("pay")

    def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """Try a payment that waits for a method or for the customer's approval."""
        raise self.unsupported("confirm")

    def capture(self, request: CaptureRequest) -> PaymentResult:
        """Take money that is held."""
        raise self.unsupported("capture")

    def cancel(self, request: CancelRequest) -> PaymentResult:
        """Void or withdraw; an object that is cancelled already is a success."""
        raise self.unsupported("cancel")

    def refund(self, request: RefundRequest) -> RefundResult:
        """Give money back."""
        raise self.unsupported("refund")

    def look_up(self, request: LookUpRequest) -> PaymentFact | None:
        """How the payment stands; None when the provider certainly does not know it."""
        raise self.unsupported("look_up")

    def look_up_refund(self, request: RefundLookUpRequest) -> RefundFact | None:
        """How the refund stands; None when the provider certainly does not know it."""
        raise self.unsupported("look_up")

    # -- forms -------------------------------------------------------------------------------------------------------

    def hosted_form(self, request: FormRequest) -> HostedForm:
        """The form that leads the customer to the provider's page; made without a call, each time it is shown.

        `pay` then makes no call either: its fact is open, with a next action `form_post` that carries nothing.
        """
        raise self.unsupported("form_posts")

    def following_form(self, request: FormRequest, data: Mapping[str, str]) -> HostedForm | None:
        """The form to be posted next by a browser that is back with `data` (its query or form); None for none."""
        return None

    # -- customers and saved methods ---------------------------------------------------------------------------------

    def create_customer(self, request: CustomerRequest) -> str:
        """Make the provider's customer; its id, "" where the provider makes it while a method is saved."""
        raise self.unsupported("saved_methods")

    def save_method(self, request: SaveMethodRequest) -> MethodResult:
        """Keep a method for a customer, or begin to: with a token given now, on a page, in the browser's SDK."""
        raise self.unsupported("saved_methods")

    def finish_method(self, request: FinishMethodRequest) -> MethodResult:
        """How a saving that was begun stands, finished where the customer has done his part; empty for none."""
        raise self.unsupported("saved_methods")

    def cancel_setup(self, request: FinishMethodRequest) -> MethodResult:
        """Give up a saving, so that the customer cannot finish it any more; how it stands then: it may be finished.

        Without a way to do that at the provider, it is only looked at.
        """
        return self.finish_method(request)

    def list_methods(self, customer_token: str) -> tuple[MethodFact, ...]:
        """Every method the provider keeps for a customer."""
        raise self.unsupported("saved_methods")

    def detach_method(self, request: DetachMethodRequest) -> None:
        """Let the provider forget a method."""
        raise self.unsupported("saved_methods")

    # -- notifications -----------------------------------------------------------------------------------------------

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: float) -> None:
        """Prove that the provider sent exactly these bytes; `headers` by lower-case name, `now` in Unix seconds.

        Raises:
            InvalidSignature: not proven. VerificationUnavailable: cannot be judged at the moment.
        """
        raise self.unsupported("webhooks")

    def identify_notice(self, payload: Mapping[str, object], body: bytes) -> NoticeId:
        """The id and type a notice is filed under; one without an id is named by its content."""
        event_id, event_type = payload.get("id"), payload.get("type")
        return NoticeId(
            event_id=event_id if isinstance(event_id, str) and event_id else hashlib.sha256(body).hexdigest(),
            event_type=event_type if isinstance(event_type, str) else "",
        )

    def parse_webhook(self, payload: Mapping[str, object]) -> tuple[Fact, ...]:
        """The facts a verified notice tells; none for a type that does not matter.

        Raises:
            MalformedNotice: a type that matters, in a shape that cannot be read.
        """
        raise self.unsupported("webhooks")

    def resolve(self, named: LookUp) -> LookUp | None:
        """What the hub may know a payment by that a notice names by an object of the provider's alone.

        Asked for where the hub knows none of the names; None when the object is certainly none of the hub's.
        """
        return named

    def parse_hint(self, data: Mapping[str, str]) -> LookUp | None:
        """Which payment an unsigned notice names; `data` is its query or form, of which nothing else is believed."""
        raise self.unsupported("unsigned_webhooks")

    def acknowledge(self, verdict: Verdict | None) -> Acknowledgement:
        """What the provider wants to read as the answer; `verdict` is None when the notice was only filed."""
        return Acknowledgement()

    def parse_return(self, data: Mapping[str, str]) -> ReturnVisit:
        """Which payment a returning browser speaks of; `data` is its query or form."""
        return ReturnVisit()

    # -- small things ------------------------------------------------------------------------------------------------

    def make_reference(self, payment_id: str) -> str:
        """Our reference in the form the provider takes; the payment's id itself unless it needs another shape."""
        return payment_id

    def public_values(self) -> dict[str, str]:
        """The configuration a browser may see."""
        return {f.name: str(getattr(self.config, f.name)) for f in fields(self.config) if f.metadata.get("public")}

    @property
    def payment_expiry_s(self) -> int | None:
        """After how many seconds an unpaid payment is withdrawn; None for the project's `PAYMENT_EXPIRY_S`."""
        return None

    def expiry_s(self, *, flow: Flow, method_kind: MethodKind | None) -> int | None:
        """The same for a payment made in this way; shorter, say, where a customer is asked on his phone."""
        return self.payment_expiry_s

    def meanwhile(self, *, flow: Flow, method_kind: MethodKind | None) -> NextAction | None:
        """What the customer has to do while the call that starts his payment is under way; None for nothing."""
        return None

    def check_payer(self, payer: Payer, *, flow: Flow, method_kind: MethodKind | None) -> None:
        """Refuse a payer of whom the provider needs to know more, before any work.

        Raises:
            InvalidInput: `invalid_phone`, `invalid_national_id`; the message does not repeat the value.
        """

    def check(self) -> list[str]:
        """What is doubtful about this configuration, in sentences without secrets; read by the system checks."""
        return []

    def close(self) -> None:
        """Let go of connections."""

    def default_flow(self, *, has_token: bool) -> Flow:
        """The flow of a payment that names none: by its token, else the most that is done for us."""
        if has_token:
            return Flow.TOKEN
        ranked = (Flow.HOSTED, Flow.DIRECT, Flow.CLIENT)
        return next((flow for flow in ranked if flow in self.capabilities.flows), Flow.HOSTED)

    def supports(
        self, *, flow: Flow, currency: str, capture_method: CaptureMethod, method_kind: MethodKind | None = None
    ) -> None:
        """Refuse what is not declared, before any work.

        Raises:
            Unsupported: `unsupported_flow`, `unsupported_currency`, `unsupported_capture_method` or
                `unsupported_method_kind`.
        """
        if flow not in self.capabilities.flows:
            raise Unsupported(f"{self.label} has no {flow.value} flow.", code="unsupported_flow")
        if self.capabilities.currencies and currency not in self.capabilities.currencies:
            raise Unsupported(f"{self.label} does not take {currency}.", code="unsupported_currency")
        if capture_method is CaptureMethod.MANUAL and not self.capabilities.manual_capture:
            raise Unsupported(f"{self.label} cannot capture later.", code="unsupported_capture_method")
        if method_kind is not None and method_kind not in self.capabilities.method_kinds:
            raise Unsupported(f"{self.label} has no {method_kind.value}.", code="unsupported_method_kind")

    def require(self, capability: str) -> None:
        """Refuse a capability that is not declared; raises Unsupported(`unsupported_<capability>`)."""
        if not getattr(self.capabilities, capability):
            raise self.unsupported(capability)

    def unsupported(self, capability: str) -> Unsupported:
        """The error for something this provider does not do."""
        return Unsupported(
            f"{self.label} does not support {capability.replace('_', ' ')}.", code=f"unsupported_{capability}"
        )
