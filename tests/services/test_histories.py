"""I2: after any history the columns equal the sums of the rows, and replaying the log rebuilds the payment.

Hypothesis tells a payment arbitrary true facts, in any order, between requests of the hub's own.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from django_payments_hub.domain.derive import WITHHELD_DISPUTES
from django_payments_hub.domain.statuses import (
    RESERVING_REFUNDS,
    CaptureMethod,
    DisputeStatus,
    FailureCode,
    Flow,
    PaymentStatus,
    RefundStatus,
    Stage,
)
from django_payments_hub.exceptions import RequestError
from django_payments_hub.models import Payment, TransactionLog
from django_payments_hub.provider_kit.types import Failure
from django_payments_hub.services import facts, refunds
from tests.services import world

pytestmark = pytest.mark.usefixtures("handlers")

TOTAL = 1000
parts = st.integers(min_value=1, max_value=TOTAL)
names = st.integers(min_value=1, max_value=4)
flows = st.sampled_from([Flow.TOKEN, Flow.CLIENT, Flow.HOSTED])
DECLINED = Failure(code=FailureCode.CARD_DECLINED, provider_code="x")

steps = st.one_of(
    st.tuples(st.just("stage"), st.sampled_from([Stage.OPEN, Stage.REQUIRES_ACTION, Stage.PROCESSING, Stage.DECLINED])),
    st.tuples(st.just("end"), st.sampled_from([Stage.CANCELLED, Stage.EXPIRED, Stage.FAILED])),
    st.tuples(st.just("authorize")),
    st.tuples(st.just("capture"), parts),
    st.tuples(st.just("refund"), names, parts, st.sampled_from(
        [RefundStatus.PENDING, RefundStatus.PROCESSING, RefundStatus.COMPLETED, RefundStatus.FAILED]
    )),
    st.tuples(st.just("dispute"), names, parts, st.sampled_from(DisputeStatus)),
    st.tuples(st.just("request"), parts),
    st.tuples(st.just("withdraw")),
    st.tuples(st.just("lie"), parts),
)  # fmt: skip


class History:
    """One payment and everything it is told."""

    def __init__(self, flow: Flow):
        self.payment = world.recorded(order=world.make_order(), flow=flow, capture_method=CaptureMethod.MANUAL)
        self.refunds: dict[int, int] = {}
        self.disputes: dict[int, int] = {}

    def take(self, step: tuple[Any, ...]) -> None:
        getattr(self, f"_{step[0]}")(*step[1:])

    def _tell(self, fact: Any) -> None:
        facts.apply(fact, self.payment.account, world.by_webhook(self.payment.account))

    def _stage(self, stage: Stage) -> None:
        failure = DECLINED if stage is Stage.DECLINED else None
        self._tell(world.payment_fact(self.payment, stage, failure=failure))

    def _end(self, stage: Stage) -> None:
        self._tell(world.payment_fact(self.payment, stage))

    def _authorize(self) -> None:
        self._tell(world.authorized_fact(self.payment))

    def _capture(self, minor: int) -> None:
        self._tell(world.captured_fact(self.payment, minor, authorized_minor=TOTAL))

    def _refund(self, name: int, minor: int, status: RefundStatus) -> None:
        minor = self.refunds.setdefault(name, minor)  # a refund keeps its amount
        self._tell(world.refund_fact(self.payment, f"re_{name}-{self.payment.pk}", minor, status))

    def _dispute(self, name: int, minor: int, status: DisputeStatus) -> None:
        self._tell(world.dispute_fact(self.payment, f"dp_{name}-{self.payment.pk}", minor, status))

    def _request(self, minor: int) -> None:
        with suppress(RequestError):
            refunds.request(self.payment.pk, amount=f"{minor // 100}.{minor % 100:02}")

    def _withdraw(self) -> None:
        for refund in self.payment.refunds.filter(status=RefundStatus.PENDING, origin="hub"):
            refunds.cancel(refund.pk)

    def _lie(self, minor: int) -> None:
        self._tell(world.captured_fact(self.payment, minor, currency="EUR"))
        self._tell(world.captured_fact(self.payment, TOTAL + minor))


def check(payment: Payment) -> None:
    row = world.fresh(payment)
    columns_equal_rows(row)
    limits_hold(row)
    log_rebuilds(row)


def columns_equal_rows(row: Payment) -> None:
    known = list(row.refunds.all())
    assert row.refunded_minor == sum(r.amount_minor for r in known if r.status == RefundStatus.COMPLETED)
    assert row.refund_reserved_minor == sum(r.amount_minor for r in known if r.status in RESERVING_REFUNDS)
    assert row.disputed_minor == sum(d.amount_minor for d in row.disputes.all() if d.status in WITHHELD_DISPUTES)
    assert row.order_ref is not None
    others = Payment.objects.filter(order_ref=row.order_ref).count()
    assert others == 1
    unpaid = row.status in (PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED)
    kept = max(0, row.captured_minor - row.refunded_minor) if row.captured_minor else row.amount_minor
    assert row.order_ref.active_minor == (0 if unpaid else kept)


def limits_hold(row: Payment) -> None:
    assert 0 <= row.captured_minor + row.capturable_minor <= row.authorized_minor <= row.amount_minor == TOTAL
    assert row.refund_reserved_minor <= row.captured_minor + row.excess_minor
    if row.captured_minor and 0 < row.refunded_minor < row.captured_minor:
        assert row.status == PaymentStatus.PARTIALLY_REFUNDED
    if row.refunded_minor == 0 and row.captured_minor:
        assert row.status == PaymentStatus.COMPLETED
    if not row.captured_minor:
        assert row.status not in (PaymentStatus.COMPLETED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)


def log_rebuilds(row: Payment) -> None:
    entries = list(row.log.order_by("position"))
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[-1].amounts == {name: getattr(row, name) for name in world.AMOUNTS}
    status = ""
    for entry in (entry for entry in entries if entry.refund_id is None and entry.dispute_id is None):
        if entry.to_status:
            assert entry.from_status == status
            status = entry.to_status
    assert status == row.status
    for refund in row.refunds.all():
        last = TransactionLog.objects.filter(refund=refund).order_by("-position").first()
        assert last is not None
        assert last.to_status == refund.status


class HistoriesTest(HypothesisTestCase):
    """Each example in a transaction of its own, rolled back after it."""

    @given(flow=flows, history=st.lists(steps, max_size=12))
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    def test_any_history_leaves_books_that_agree_with_themselves(self, flow: Flow, history: list[Any]) -> None:
        told = History(flow)
        for step in history:
            told.take(step)
        check(told.payment)


@pytest.mark.slow
class LongHistoriesTest(HypothesisTestCase):
    """The same, longer and more often."""

    @given(flow=flows, history=st.lists(steps, min_size=5, max_size=40))
    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    def test_long_histories_leave_books_that_agree_with_themselves(self, flow: Flow, history: list[Any]) -> None:
        told = History(flow)
        for step in history:
            told.take(step)
            check(told.payment)
