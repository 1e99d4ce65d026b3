"""What people vouch for where the provider says so: money that came in, and money given back by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from django_payments_hub.domain.money import format_minor
from django_payments_hub.domain.statuses import Flow, PaymentStatus, RefundStatus
from django_payments_hub.exceptions import NotAllowed, RuleViolation, Unsupported
from django_payments_hub.models import Payment, Refund
from django_payments_hub.services import hand_refunds, payments, receipts, refunds
from django_payments_hub.testing.contract.applies import declares, lacks, where
from django_payments_hub.testing.contract.base import Connect
from django_payments_hub.testing.contract.bench import Bench
from django_payments_hub.testing.contract.cashier import AMOUNT, Cashier
from django_payments_hub.testing.contract.hub_base import HubContractBase, ProjectSettings, project
from django_payments_hub.testing.contract.hub_world import HubWorld, fresh
from django_payments_hub.testing.contract.payments import currency_of

RECEIVED = where(declares("operator_receipts"))
BY_HAND = where(declares("operator_receipts"), declares("operator_refunds"), lacks("refund"))
Taking = Callable[[str], AbstractContextManager[HubWorld]]
_LAST_DIGIT_COUNTS = 12_511


class HubReceipts(HubContractBase):
    """Nothing is there before a member of staff says so; then it is there once, and as much as he says."""

    @RECEIVED
    def test_money_is_there_when_staff_has_seen_it_and_not_before(self, hub: HubWorld, waiting_flow: Flow) -> None:
        payment = hub.begin(waiting_flow)
        assert payment.status == PaymentStatus.REQUIRES_ACTION
        hub.converge()
        assert fresh(payment).captured_minor == 0
        assert receive(payment).status == PaymentStatus.COMPLETED
        assert fresh(payment).captured_minor == AMOUNT
        _is_refused("already_received", lambda: receive(payment))

    @RECEIVED
    @where(declares("cancel"))
    def test_what_was_withdrawn_does_not_receive_money(self, hub: HubWorld, waiting_flow: Flow) -> None:
        payment = payments.cancel(hub.begin(waiting_flow).pk)
        assert payment.status == PaymentStatus.CANCELLED
        _is_refused("not_receivable", lambda: receive(payment))

    @RECEIVED
    def test_another_amount_is_taken_only_when_staff_insists(self, hub: HubWorld, waiting_flow: Flow) -> None:
        short, over = hub.begin(waiting_flow), hub.begin(waiting_flow)
        for payment, minor in ((short, AMOUNT - 1), (over, AMOUNT + 1)):
            _is_refused("amount_differs", lambda p=payment, m=minor: receive(p, m))  # type: ignore[misc]
            assert fresh(payment).captured_minor == 0
        assert receive(short, AMOUNT - 1, accept_difference=True).captured_minor == AMOUNT - 1
        row = receive(over, AMOUNT + 1, accept_difference=True)
        assert (row.captured_minor, row.attention_code) == (AMOUNT, "overpaid")

    @RECEIVED
    def test_who_pays_does_not_vouch_for_it(self, hub: HubWorld, waiting_flow: Flow) -> None:
        payment = hub.begin(waiting_flow, user=clerk())
        with pytest.raises(NotAllowed) as caught:
            receive(payment)
        assert (caught.value.code, fresh(payment).captured_minor) == ("own_payment", 0)

    @BY_HAND
    def test_a_refund_by_hand_is_over_when_its_proof_is_told_and_told_once(
        self, hub: HubWorld, waiting_flow: Flow
    ) -> None:
        payment = hub.begin(waiting_flow)
        receive(payment)
        refund = refunds.request(payment.pk)
        hub.converge()
        assert Refund.objects.get().status == RefundStatus.PROCESSING
        assert prove(refund).status == RefundStatus.COMPLETED
        _is_refused("refund_already_completed", lambda: prove(refund))
        assert (fresh(payment).status, fresh(payment).refunded_minor) == (PaymentStatus.REFUNDED, AMOUNT)

    @BY_HAND
    def test_who_was_paid_back_does_not_vouch_for_it(self, hub: HubWorld, waiting_flow: Flow) -> None:
        payment = hub.begin(waiting_flow, user=clerk())
        receive(payment, actor=clerk("other-clerk"))
        refund = refunds.request(payment.pk)
        with pytest.raises(NotAllowed):
            prove(refund)
        assert Refund.objects.get().status == RefundStatus.PROCESSING

    # -- amounts -------------------------------------------------------------------------------------------------------

    @pytest.fixture
    def taking(self, bench: Bench, connect: Connect, settings: ProjectSettings, nobody_listens: None) -> Taking:
        """The services on an account that takes a currency."""
        return lambda currency: project(bench, Cashier(connect(bench.account_for(currency)), bench), settings)

    @RECEIVED
    @pytest.mark.parametrize("decimals", [0, 2, 3])
    def test_what_came_in_and_went_back_is_the_same_in_every_currency(
        self, taking: Taking, waiting_flow: Flow, decimals: int
    ) -> None:
        currency = currency_of(self.provider.capabilities.currencies, decimals)
        with taking(currency or "USD") as hub:
            if currency is None:
                _is_not_taken(hub, waiting_flow, decimals)
                return
            self._comes_in_and_goes_back(hub, waiting_flow, currency)

    def _comes_in_and_goes_back(self, hub: HubWorld, flow: Flow, currency: str) -> None:
        minor = _LAST_DIGIT_COUNTS
        payment = hub.begin(flow, currency=currency, amount=format_minor(minor, currency))
        row = receive(payment, minor)
        assert (row.captured_minor, row.currency, row.status) == (minor, currency, PaymentStatus.COMPLETED)
        can = self.provider.capabilities
        if can.operator_refunds and not can.refund:
            refund = prove(refunds.request(row.pk))
            assert (refund.amount_minor, refund.currency) == (minor, currency)
            assert fresh(row).refundable_minor == 0


def _is_not_taken(hub: HubWorld, flow: Flow, decimals: int) -> None:
    currency = currency_of(frozenset(), decimals)
    assert currency is not None
    with pytest.raises(Unsupported) as caught:
        hub.begin(flow, currency=currency, amount=format_minor(AMOUNT, currency))
    assert caught.value.code == "unsupported_currency"


def _is_refused(code: str, ask: Callable[[], object]) -> None:
    with pytest.raises(RuleViolation) as caught:
        ask()
    assert caught.value.code == code


def clerk(name: str = "clerk") -> Any:  # noqa: ANN401 - the project's own user model
    """A member of staff."""
    return get_user_model().objects.get_or_create(username=name)[0]


def receive(payment: Payment, minor: int = AMOUNT, *, actor: Any = None, **more: Any) -> Payment:  # noqa: ANN401
    """Staff says that so much came in."""
    return receipts.record(
        payment.pk,
        amount=format_minor(minor, payment.currency),
        received_at=timezone.now() - timedelta(hours=1),
        note="statement 7, line 4",
        actor=actor or clerk(),
        **more,
    )


def prove(refund: Refund) -> Refund:
    """Staff says that it was given back."""
    return hand_refunds.record_proof(
        refund.pk, note="statement 8, line 1", paid_at=timezone.now() - timedelta(minutes=5), actor=clerk()
    )
