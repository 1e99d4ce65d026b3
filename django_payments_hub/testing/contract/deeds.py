"""The deeds of a provider as the suite tries them: how each is prepared and done, and what it should leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django_payments_hub.domain.statuses import Flow
from django_payments_hub.provider_kit.types import (
    CancelRequest,
    CaptureRequest,
    ConfirmRequest,
    LookUpRequest,
    PaymentFact,
    PaymentResult,
    PayRequest,
    RefundFact,
    RefundLookUpRequest,
    RefundRequest,
    RefundResult,
)
from django_payments_hub.testing.contract.applies import AnyProviderClass, confirms
from django_payments_hub.testing.contract.bench import PAYING, Bench, Books, Deed, Means
from django_payments_hub.testing.contract.cashier import AMOUNT, AnyProvider, Cashier, Request

Answer = PaymentResult | RefundResult | PaymentFact | RefundFact | None
Told = PaymentFact | RefundFact
PART = 500
# An answer about these has to be about the object asked for; of a new one nobody can know the name.
ABOUT_A_KNOWN_OBJECT = (Deed.CONFIRM, Deed.CAPTURE, Deed.CANCEL, Deed.LOOK_UP)
# The names in these come from the hub's rows, which a mistake or an attacker may have filled.
BY_NAME = (*ABOUT_A_KNOWN_OBJECT, Deed.WITHDRAW, Deed.REFUND, Deed.LOOK_UP_REFUND)


@dataclass(frozen=True)
class Doing:
    """One deed. `prepare` makes what it works on and gives the request; `leaves` is what the books say when it was done
    exactly once; `moves` is False for a question.
    """

    deed: Deed
    prepare: Callable[[Cashier], Request]
    leaves: Books
    flow: Flow | None = None
    moves: bool = True

    def __str__(self) -> str:
        return self.deed.value

    def wire(self, bench: Bench) -> tuple[str, ...]:
        """The wire calls it takes, in order."""
        calls = bench.calls_of.get(self.deed, ())
        return calls or bench.missing(f"calls_of[{self.deed}]")

    def run(self, provider: AnyProvider, request: Request) -> Answer:
        """Do it."""
        match request:
            case PayRequest():
                return provider.pay(request)
            case ConfirmRequest():
                return provider.confirm(request)
            case CaptureRequest():
                return provider.capture(request)
            case CancelRequest():
                return provider.cancel(request)
            case RefundRequest():
                return provider.refund(request)
            case LookUpRequest():
                return provider.look_up(request)
            case _:
                return provider.look_up_refund(request)

    @property
    def waits(self) -> bool:
        """Whether what it makes waits for the customer, and moves nothing before."""
        return self.flow is not None and self.flow is not Flow.TOKEN


def told(answer: Answer) -> Told:
    """The fact of an answer; fails where there is none."""
    fact = answer.fact if isinstance(answer, PaymentResult | RefundResult) else answer
    assert fact is not None, "the provider does not know what it was asked about"
    return fact


def doings_of(provider: AnyProviderClass) -> list[Doing]:
    """Every deed the provider declares."""
    can = provider.capabilities
    found = [_pay(flow) for flow in calling_flows(provider)]
    if confirms(provider):
        found.append(Doing(Deed.CONFIRM, _to_confirm, Books(captured=AMOUNT)))
    if can.manual_capture:
        part = PART if can.partial_capture else AMOUNT
        found.append(
            Doing(
                Deed.CAPTURE,
                lambda till: till.capture_request(till.held(), part),
                Books(captured=part),
            )
        )
    if can.cancel and can.manual_capture:
        found.append(Doing(Deed.CANCEL, lambda till: till.cancel_request(till.held()), Books()))
    if can.cancel and (flow := _open_flow(can.flows)):
        found.append(Doing(Deed.WITHDRAW, lambda till: till.cancel_request(till.waiting(flow)), Books()))
    if can.refund:
        back = _back(provider)
        found.append(
            Doing(
                Deed.REFUND,
                lambda till: till.refund_request(till.paid(), back),
                Books(captured=AMOUNT, refunded=back),
            )
        )
    if can.look_up:
        paid = Books(captured=AMOUNT)
        found.append(Doing(Deed.LOOK_UP, lambda till: till.look_up_request(till.paid()), paid, moves=False))
    if can.look_up and can.refund:
        back = _back(provider)
        left = Books(captured=AMOUNT, refunded=back)
        found.append(Doing(Deed.LOOK_UP_REFUND, lambda till: _known_refund(till, back), left, moves=False))
    return found


def _back(provider: AnyProviderClass) -> int:
    """What is given back: a part, unless the provider shows only the whole."""
    can = provider.capabilities
    return PART if can.partial_refund and not can.blind_refunds else AMOUNT


def calling_flows(provider: AnyProviderClass) -> list[Flow]:
    """The flows in which a payment is begun by a call; a form is posted by the browser."""
    can = provider.capabilities
    return sorted(can.flows - {Flow.HOSTED} if can.form_posts else can.flows)


def _pay(flow: Flow) -> Doing:
    moved = Books(captured=AMOUNT) if flow is Flow.TOKEN else Books()
    return Doing(PAYING[flow], lambda till: till.pay_request(flow), moved, flow)


def _open_flow(flows: frozenset[Flow]) -> Flow | None:
    """A flow whose payments wait for the customer."""
    return next((flow for flow in (Flow.HOSTED, Flow.CLIENT, Flow.DIRECT) if flow in flows), None)


def _to_confirm(till: Cashier) -> ConfirmRequest:
    flow = till.bench.confirms
    if flow is None:
        till.bench.missing("confirms")
    fact = till.waiting(flow)
    if flow is not Flow.CLIENT:
        till.bench.act(fact, Means.PAYS)
        known = till.found(fact)
        assert known.awaits_confirm, "an approved payment does not say that it awaits the hub's confirmation"
        return till.confirm_request(known)
    return till.confirm_request(fact, till.bench.token(Means.PAYS).method_token)


def _known_refund(till: Cashier, minor: int) -> RefundLookUpRequest:
    request = till.refund_request(till.paid(), minor)
    return till.refund_look_up_request(request, till.provider.refund(request).fact.provider_refund_id)
