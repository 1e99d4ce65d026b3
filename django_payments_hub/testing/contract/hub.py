"""The provider behind the hub's services: whatever is lost, doubled or late, one effect, and books that agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from django_payments_hub.domain.statuses import (
    CaptureMethod,
    Flow,
    OperationState,
    PaymentStatus,
    RefundOrigin,
    RefundStatus,
)
from django_payments_hub.models import Operation, Payment, ProviderAccount, Refund, WebhookEvent
from django_payments_hub.services import answers, payments
from django_payments_hub.testing.contract.applies import (
    ON_THE_WIRE,
    TELLS_OF_MONEY,
    AnyProviderClass,
    declares,
    where,
)
from django_payments_hub.testing.contract.bench import PAYING, Books, Deed, Means, Trouble, When
from django_payments_hub.testing.contract.cashier import AMOUNT
from django_payments_hub.testing.contract.hub_base import HubContractBase
from django_payments_hub.testing.contract.hub_world import HubWorld, fact_of, fresh

NEVER_TOO_EARLY = (PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED)
LOST: tuple[tuple[str, When], ...] = (("reset", "before"), ("reset", "after"), ("garbage", "after"))


class _Killed(BaseException):
    """The process ends here, in the middle of whatever it does."""


@dataclass(frozen=True)
class Move:
    """A use case on a payment: what is given, what is done, and what the books say when it was done once."""

    deed: Deed
    given: Callable[[HubWorld], Payment]
    do: Callable[[HubWorld, Payment], object]
    status: PaymentStatus
    leaves: Books

    def __str__(self) -> str:
        return self.deed.value


class HubBooks(HubContractBase):
    """Payments through the services."""

    def parameters(self) -> dict[str, list[Any]]:
        """And the moves that the services make."""
        return {**super().parameters(), "move": moves_of(type(self).provider)}

    # -- with no fault -------------------------------------------------------------------------------------------------

    @where(TELLS_OF_MONEY, declares("look_up"))
    def test_the_books_agree_with_the_providers_own(self, hub: HubWorld, flow: Flow) -> None:
        payment = hub.paid(flow)
        assert payment.status == PaymentStatus.COMPLETED
        assert hub.books(payment) == Books(captured=AMOUNT)
        hub.agrees(payment)

    @where(TELLS_OF_MONEY)
    def test_a_decline_is_a_failed_payment_or_one_that_still_waits(self, hub: HubWorld, flow: Flow) -> None:
        payment = hub.begin(flow, Means.DECLINED)
        if payment.next_action:
            hub.act(payment, Means.DECLINED)
            payment = hub.learned(payment)
        assert payment.status in (PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION, PaymentStatus.PENDING)
        assert hub.books(payment) == Books()
        hub.agrees(payment)

    @where(TELLS_OF_MONEY, declares("refund"))
    def test_a_refund_is_in_both_books(self, hub: HubWorld) -> None:
        payment = hub.paid()
        refund = hub.refunded(payment, AMOUNT)
        hub.converge()
        assert Refund.objects.get(pk=refund.pk).status in (RefundStatus.COMPLETED, RefundStatus.PROCESSING)
        hub.agrees(payment)

    @where(TELLS_OF_MONEY, declares("manual_capture"))
    def test_a_capture_is_in_both_books(self, hub: HubWorld) -> None:
        payment = hub.held()
        assert payment.status == PaymentStatus.AUTHORIZED
        hub.agrees(payment)
        payments.capture(payment.pk)
        assert fresh(payment).status == PaymentStatus.COMPLETED
        hub.agrees(payment)

    # -- lost answers, deaths ------------------------------------------------------------------------------------------

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize(("kind", "when"), LOST, ids=[f"{kind}-{when}" for kind, when in LOST])
    def test_a_payment_whose_answer_is_lost_is_made_once(
        self, hub: HubWorld, calling_flow: Flow, kind: str, when: When
    ) -> None:
        wish = hub.wish(calling_flow)
        hub.bench.script(Trouble(kind=kind, when=when), _last(hub, PAYING[calling_flow]))
        payment = hub.create(wish)
        assert payment.status == PaymentStatus.PROCESSING, "an outcome nobody knows"
        hub.bench.calm()
        self._is_finished(hub, payment)

    @where(ON_THE_WIRE)
    def test_a_payment_whose_holder_dies_with_the_answer_is_made_once(
        self, hub: HubWorld, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wish = hub.wish(flow)
        with monkeypatch.context() as patch:
            patch.setattr(answers, "settle_result", _die)
            with pytest.raises(_Killed):
                hub.create(wish)
        payment = Payment.objects.get()
        self._is_finished(hub, payment)

    def _is_finished(self, hub: HubWorld, payment: Payment) -> None:
        hub.converge()
        payment = fresh(payment)
        if payment.status == PaymentStatus.FAILED and hub.books(payment) == Books():
            return  # made sure that it cannot happen any more
        if payment.next_action and payment.status != PaymentStatus.COMPLETED:
            hub.act(payment)
            payment = hub.learned(payment)
        assert payment.status == PaymentStatus.COMPLETED
        assert hub.books(payment) == Books(captured=AMOUNT)
        hub.agrees(payment)

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize(("kind", "when"), LOST, ids=[f"{kind}-{when}" for kind, when in LOST])
    def test_a_move_whose_answer_is_lost_is_done_once(self, hub: HubWorld, move: Move, kind: str, when: When) -> None:
        payment = move.given(hub)
        hub.bench.script(Trouble(kind=kind, when=when), _last(hub, move.deed))
        move.do(hub, payment)
        assert fresh(payment).status not in NEVER_TOO_EARLY, "a doubt is told as an end"
        assert Operation.objects.latest("created_at").state == OperationState.UNKNOWN
        hub.bench.calm()
        hub.converge()
        self._was_moved(hub, payment, move)

    @where(ON_THE_WIRE)
    def test_a_move_whose_holder_dies_with_the_answer_is_done_once(
        self, hub: HubWorld, move: Move, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment = move.given(hub)
        with monkeypatch.context() as patch:
            patch.setattr(answers, "settle_result", _die)
            with pytest.raises(_Killed):
                move.do(hub, payment)
        hub.converge()
        self._was_moved(hub, payment, move)

    def _was_moved(self, hub: HubWorld, payment: Payment, move: Move) -> None:
        if move.deed is Deed.REFUND and self.provider.capabilities.blind_refunds and not hub.books(payment).refunded:
            left = Operation.objects.latest("created_at")
            assert (left.state, left.next_attempt_at) == (OperationState.UNKNOWN, None), "a refund in doubt goes on"
            return  # a person decides
        assert hub.books(payment) == move.leaves or move.deed is Deed.REFUND
        expected = (move.status, PaymentStatus.COMPLETED) if move.deed is Deed.REFUND else (move.status,)
        assert fresh(payment).status in expected
        hub.agrees(payment)
        assert Operation.objects.latest("created_at").state == OperationState.SUCCEEDED

    @where(ON_THE_WIRE)
    def test_a_throttled_payment_is_made_later_and_once(self, hub: HubWorld) -> None:
        flow = hub.till.paying_flow()
        wish = hub.wish(flow)
        hub.bench.script(Trouble(kind="status", status=429, headers={"Retry-After": "7"}), _last(hub, PAYING[flow]))
        payment = hub.create(wish)
        assert payment.status not in NEVER_TOO_EARLY
        operation = Operation.objects.get(payment=payment)
        assert operation.next_attempt_at is not None
        assert ProviderAccount.objects.get(pk=payment.account_id).paused_until is not None
        hub.bench.calm()
        self._is_finished(hub, payment)

    # -- notices -------------------------------------------------------------------------------------------------------

    @where(declares("webhooks"))
    def test_a_payment_is_completed_by_notices_alone(self, hub: HubWorld, waiting_flow: Flow) -> None:
        payment = hub.begin(waiting_flow)
        hub.act(payment)
        hub.hear(hub.bench.notices())
        hub.converge()
        assert fresh(payment).status == PaymentStatus.COMPLETED
        hub.agrees(payment)

    @where(declares("webhooks"), ON_THE_WIRE)
    def test_a_notice_before_the_answer_is_the_answer(self, hub: HubWorld) -> None:
        flow = hub.till.paying_flow()
        wish = hub.wish(flow)
        hub.bench.script(Trouble(kind="reset", when="after"), _last(hub, PAYING[flow]))
        payment = hub.create(wish)
        hub.bench.calm()
        hub.hear(hub.bench.notices())
        self._is_finished(hub, payment)

    @where(declares("webhooks"))
    def test_notices_doubled_and_backwards_lead_to_the_same_end(self, hub: HubWorld, flow: Flow) -> None:
        payment = hub.begin(flow)
        if payment.next_action:
            hub.act(payment)
        notices = hub.bench.notices()
        hub.hear([*reversed(notices), *notices])
        hub.converge()
        if self.provider.capabilities.refund:
            hub.refunded(payment, AMOUNT)
            hub.converge()
            later = hub.bench.notices()
            hub.hear([*reversed(later), *later])
            hub.converge()
        assert WebhookEvent.objects.count() == len(hub.bench.notices()), "a doubled notice was filed twice"
        assert hub.books(payment).captured == AMOUNT
        hub.agrees(payment)

    @where(declares("webhooks"))
    def test_an_old_notice_does_not_undo_what_came_after_it(self, hub: HubWorld) -> None:
        payment = hub.begin(hub.till.paying_flow(), capture_method=self._later())
        early = hub.bench.notices()
        if payment.next_action:
            hub.act(payment)
            payment = hub.learned(payment)
        if self.provider.capabilities.manual_capture:
            payments.capture(payment.pk)
        hub.hear(early)
        hub.converge()
        assert fresh(payment).status == PaymentStatus.COMPLETED
        hub.agrees(payment)

    def _later(self) -> CaptureMethod:
        return CaptureMethod.MANUAL if self.provider.capabilities.manual_capture else CaptureMethod.AUTOMATIC

    @where(declares("webhooks"), declares("partial_refund"))
    def test_a_refund_made_at_the_provider_is_in_both_books(self, hub: HubWorld) -> None:
        payment = hub.paid()
        hub.bench.forget_notices()
        minor = AMOUNT if self.provider.capabilities.blind_refunds else 300
        hub.bench.dashboard_refund(fact_of(payment), minor)
        hub.hear(hub.bench.notices())
        hub.converge()
        if self.provider.capabilities.blind_refunds:
            payments.sync(payment.pk)  # no notice tells of it
        assert [(row.origin, row.amount_minor) for row in Refund.objects.all()] == [(RefundOrigin.PROVIDER, minor)]
        hub.agrees(payment)


def _die(*_: object) -> None:
    raise _Killed


def _last(hub: HubWorld, deed: Deed) -> str:
    """The wire call of a deed that moves the money."""
    calls = hub.bench.calls_of.get(deed, ())
    return calls[-1] if calls else hub.bench.missing(f"calls_of[{deed}]")


MOVES: tuple[Move, ...] = (
    Move(
        Deed.CAPTURE,
        lambda hub: hub.held(),
        lambda _, payment: payments.capture(payment.pk),
        PaymentStatus.COMPLETED,
        Books(captured=AMOUNT),
    ),
    Move(
        Deed.CANCEL,
        lambda hub: hub.held(),
        lambda _, payment: payments.cancel(payment.pk),
        PaymentStatus.CANCELLED,
        Books(),
    ),
    Move(
        Deed.REFUND,
        lambda hub: hub.paid(),
        lambda hub, payment: hub.refunded(payment, AMOUNT),
        PaymentStatus.REFUNDED,
        Books(captured=AMOUNT, refunded=AMOUNT),
    ),
)


def moves_of(provider: AnyProviderClass) -> list[Move]:
    """The moves that the provider declares."""
    can = provider.capabilities
    declared = {
        Deed.CAPTURE: can.manual_capture,
        Deed.CANCEL: can.manual_capture and can.cancel,
        Deed.REFUND: can.refund,
    }
    return [move for move in MOVES if declared[move.deed]]
