"""Drives one provider as the hub's services do: builds the requests, takes payments where a test needs them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, TypeVar

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, Stage
from django_payments_hub.exceptions import OutcomeUnknown, Throttled, Unsupported
from django_payments_hub.provider_kit.base import BaseProvider
from django_payments_hub.provider_kit.types import (
    CancelRequest,
    CaptureRequest,
    ConfirmRequest,
    FormRequest,
    LookUpRequest,
    Payer,
    PaymentFact,
    PaymentRequest,
    PaymentResult,
    PayRequest,
    RefundFact,
    RefundLookUpRequest,
    RefundRequest,
)
from django_payments_hub.testing.contract.bench import Bench, Means

AnyProvider = BaseProvider[Any]
AMOUNT = 12_50
RETURN_URL = "https://shop.example/back/?n=1"
CANCEL_URL = "https://shop.example/left/"
_LET_GO_S = 10.0
_LEASE_MARGIN_S = 5.0
_FASTEST = (Flow.TOKEN, Flow.DIRECT, Flow.CLIENT, Flow.HOSTED)

RequestT = TypeVar("RequestT", bound="Request")
AnswerT = TypeVar("AnswerT")
Request = (
    PayRequest | ConfirmRequest | CaptureRequest | CancelRequest | RefundRequest | LookUpRequest | RefundLookUpRequest
)


class Row(TypedDict):
    """What is known of how a payment was begun."""

    flow: Flow | None
    method_kind: MethodKind | None
    created_at: datetime | None
    expires_at: datetime | None


class Named(Row):
    """What names an existing payment in every request about it."""

    reference: str
    amount_minor: int
    currency: str
    provider_payment_id: str
    provider_session_id: str
    captured_minor: int
    capturable_minor: int
    refunded_minor: int


class Cashier:
    """One provider and its bench. `currency` is the first of those that the provider takes, USD before others."""

    def __init__(self, provider: AnyProvider, bench: Bench):
        self.provider, self.bench = provider, bench
        self.currency = default_currency(provider)
        self._requests: dict[str, PayRequest] = {}
        self._asked_back: dict[str, int] = {}

    # -- requests ------------------------------------------------------------------------------------------------------

    def pay_request(self, flow: Flow, means: Means = Means.PAYS, **changes: object) -> PayRequest:
        """A payment of 12.50 by its own reference, in this flow."""
        request = PayRequest(
            idempotency_key=str(uuid.uuid4()),
            reference=self.provider.make_reference(str(uuid.uuid4())),
            amount_minor=AMOUNT,
            currency=self.currency,
            flow=flow,
            capture_method=CaptureMethod.AUTOMATIC,
            method_kind=self.method_kind,
            description="Two cups of tea",
            return_url=RETURN_URL,
            cancel_url=CANCEL_URL,
            payer=self.bench.payer() if flow is Flow.DIRECT else Payer(),
            created_at=datetime.now(UTC),
            expires_at=datetime.now(UTC) + timedelta(hours=1),
        )
        if flow is Flow.TOKEN:
            token = self.bench.token(means)
            request = replace(
                request, method_token=token.method_token, customer_token=token.customer_token, saved=token.saved
            )
        request = replace(request, **changes)  # type: ignore[arg-type]  # the tests' own names
        self._requests[request.reference] = request
        return request

    def form_request(self, request: PayRequest) -> FormRequest:
        """The form of this payment."""
        now = datetime.now(UTC)
        return FormRequest(
            reference=request.reference,
            amount_minor=request.amount_minor,
            currency=request.currency,
            method_kind=request.method_kind,
            description=request.description,
            return_url=request.return_url,
            created_at=request.created_at or now,
            expires_at=request.expires_at or now,
            now=now,
        )

    @property
    def method_kind(self) -> MethodKind | None:
        """Named where payment is direct, since there is no page on which the customer could choose."""
        capabilities = self.provider.capabilities
        if capabilities.flows != {Flow.DIRECT}:
            return None
        return min(capabilities.method_kinds, default=None)

    def named(self, fact: PaymentFact, *, amount_minor: int = AMOUNT) -> Named:
        """The names of a payment, as the hub would have kept them."""
        return {
            "reference": fact.reference,
            "amount_minor": fact.amount_minor or amount_minor,
            "currency": fact.currency,
            "provider_payment_id": fact.provider_payment_id,
            "provider_session_id": fact.provider_session_id,
            "captured_minor": fact.captured_minor,
            "capturable_minor": fact.capturable_minor,
            "refunded_minor": self._asked_back.get(fact.reference, 0),
            **self._row(fact.reference),
        }

    def _row(self, reference: str) -> Row:
        """What the hub's row would hold of a payment besides."""
        begun = self._requests.get(reference)
        if begun is None:
            return {"flow": None, "method_kind": None, "created_at": None, "expires_at": None}
        return {
            "flow": begun.flow,
            "method_kind": begun.method_kind,
            "created_at": begun.created_at,
            "expires_at": begun.expires_at,
        }

    def confirm_request(self, fact: PaymentFact, method_token: str = "") -> ConfirmRequest:
        """Try this payment."""
        return ConfirmRequest(
            **self.named(fact), idempotency_key=_key(), method_token=method_token, return_url=RETURN_URL
        )

    def capture_request(self, fact: PaymentFact, minor: int, *, final: bool = True) -> CaptureRequest:
        """Take so much of it."""
        return CaptureRequest(**self.named(fact), idempotency_key=_key(), capture_minor=minor, final=final)

    def cancel_request(self, fact: PaymentFact) -> CancelRequest:
        """Void or withdraw it."""
        return CancelRequest(**self.named(fact), idempotency_key=_key(), reason="no longer wanted")

    def refund_request(self, fact: PaymentFact, minor: int) -> RefundRequest:
        """Give so much of it back."""
        names = self.named(fact)
        self._asked_back[fact.reference] = names["refunded_minor"] + minor
        return RefundRequest(
            **names,
            idempotency_key=_key(),
            refund_reference=str(uuid.uuid4()),
            refund_minor=minor,
            reason="broken cup",
        )

    def look_up_request(self, fact: PaymentFact) -> LookUpRequest:
        """How does it stand?"""
        return LookUpRequest(**self.named(fact), since=datetime.now(UTC) - timedelta(minutes=1))

    def question(self, request: Request) -> LookUpRequest:
        """How does the payment stand that this request is about, as far as its names are known?"""
        return LookUpRequest(
            reference=request.reference,
            amount_minor=request.amount_minor,
            currency=request.currency,
            provider_payment_id=request.provider_payment_id if isinstance(request, PaymentRequest) else "",
            provider_session_id=request.provider_session_id if isinstance(request, PaymentRequest) else "",
            since=datetime.now(UTC) - timedelta(minutes=1),
            recovering=request.recovering,
            first_sent_at=request.first_sent_at,
            may_arrive_until=request.may_arrive_until,
            **self._row(request.reference),
        )

    def refund_look_up_request(self, request: RefundRequest, provider_refund_id: str = "") -> RefundLookUpRequest:
        """How does this refund stand?"""
        return RefundLookUpRequest(
            reference=request.reference,
            amount_minor=request.amount_minor,
            currency=request.currency,
            provider_payment_id=request.provider_payment_id,
            provider_session_id=request.provider_session_id,
            captured_minor=request.captured_minor,
            refund_reference=request.refund_reference,
            refund_minor=request.refund_minor,
            provider_refund_id=provider_refund_id,
            recovering=request.recovering,
            first_sent_at=request.first_sent_at,
            may_arrive_until=request.may_arrive_until,
            **self._row(request.reference),
            since=datetime.now(UTC) - timedelta(minutes=1),
        )

    def takes_later(self, flow: Flow) -> bool:
        """Whether a payment in this flow can be captured later."""
        try:
            self.provider.supports(
                flow=flow,
                currency=self.currency,
                capture_method=CaptureMethod.MANUAL,
                method_kind=self.method_kind,
            )
        except Unsupported:
            return False
        return True

    # -- payments ------------------------------------------------------------------------------------------------------

    def start(self, flow: Flow, **changes: object) -> PaymentResult:
        """The answer to a payment begun in this flow."""
        return self.provider.pay(self.pay_request(flow, **changes))  # type: ignore[arg-type]

    def waiting(self, flow: Flow, **changes: object) -> PaymentFact:
        """A payment that waits for the customer."""
        fact = self.start(flow, **changes).fact
        assert fact.next_action is not None, f"a payment in the {flow} flow asks the customer for nothing: {fact}"
        return fact

    def paid(self, flow: Flow | None = None, **changes: object) -> PaymentFact:
        """A payment the customer has paid, as the provider then tells it."""
        flow = flow or self.paying_flow()
        fact = self.start(flow, **changes).fact
        if fact.stage in (Stage.CAPTURED, Stage.AUTHORIZED):
            return fact
        self.bench.act(fact, Means.PAYS)
        return self.completed(fact)

    def completed(self, fact: PaymentFact) -> PaymentFact:
        """How it stands after the customer's part, confirmed where the provider waits for that."""
        known = self.found(fact)
        if not known.awaits_confirm:
            return known
        return self.provider.confirm(self.confirm_request(known)).fact

    def held(self, flow: Flow | None = None, **changes: object) -> PaymentFact:
        """A payment that is authorised and not captured."""
        fact = self.paid(flow or self.holding_flow(), capture_method=CaptureMethod.MANUAL, **changes)
        assert fact.stage is Stage.AUTHORIZED, f"a payment to be captured later is {fact.stage}, not authorized"
        return fact

    def found(self, fact: PaymentFact) -> PaymentFact:
        """The payment looked up."""
        found = self.provider.look_up(self.look_up_request(fact))
        assert found is not None, "the provider does not know a payment it has just made"
        return found

    def paying_flow(self) -> Flow:
        """The flow in which a test that only needs a payment gets one fastest."""
        return next(flow for flow in _FASTEST if flow in self.flows)

    def holding_flow(self) -> Flow:
        """The same for a payment that is captured later."""
        return next(flow for flow in _FASTEST if flow in self.flows and self.takes_later(flow))

    @property
    def flows(self) -> frozenset[Flow]:
        """The declared ones."""
        return self.provider.capabilities.flows

    # -- a later try ---------------------------------------------------------------------------------------------------

    def again(self, request: RequestT) -> RequestT:
        """The request as it is sent some time after a try whose outcome nobody knows."""
        sent_at = datetime.now(UTC) - timedelta(seconds=self.bench.settles_after_s)
        # As the services have it: a lease that is a little longer than a call, and the call that it may end with.
        arrived_by = sent_at + timedelta(seconds=2 * self.provider.capabilities.call_deadline_s + _LEASE_MARGIN_S)
        return replace(request, recovering=True, first_sent_at=sent_at, may_arrive_until=arrived_by)

    def look_up_refund(self, request: RefundRequest, provider_refund_id: str = "") -> RefundFact | None:
        """The refund looked up, by its id or by our reference."""
        return self.provider.look_up_refund(self.refund_look_up_request(request, provider_refund_id))


def let_go(ask: Callable[[], AnswerT]) -> AnswerT:
    """The answer, asked for again while the provider still works on an earlier try."""
    ends_at = time.monotonic() + _LET_GO_S
    while True:
        try:
            return ask()
        except (OutcomeUnknown, Throttled):
            if time.monotonic() > ends_at:
                raise
            time.sleep(0.05)


def default_currency(provider: AnyProvider) -> str:
    """USD, or the first one the provider takes."""
    taken = provider.capabilities.currencies
    return "USD" if not taken or "USD" in taken else min(taken)


def _key() -> str:
    return str(uuid.uuid4())
