"""The one place where a status comes from, and the merges: each is monotone, so order does not matter (I8, I11)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce
from itertools import permutations, product

from hypothesis import given
from hypothesis import strategies as st

from django_payments_hub.domain.derive import (
    Standing,
    active_minor,
    excess_minor,
    merge_dispute,
    merge_refund,
    merge_stage,
    payment_status,
)
from django_payments_hub.domain.statuses import DisputeStatus, Flow, PaymentStatus, RefundStatus, Stage

ENDED_UNPAID = {PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED}
amounts = st.integers(min_value=0, max_value=1000)
standings = st.builds(
    Standing,
    stage=st.sampled_from(Stage),
    flow=st.sampled_from(Flow),
    captured_minor=amounts,
    capturable_minor=amounts,
    refunded_minor=amounts,
    outcome_unknown=st.booleans(),
)


def test_every_order_of_three_stages_ends_in_the_same_one() -> None:
    for told in product(Stage, repeat=3):
        assert len({reduce(merge_stage, order) for order in permutations(told)}) == 1


def test_every_order_of_three_refund_statuses_ends_in_the_same_one() -> None:
    for told in product(RefundStatus, repeat=3):
        assert len({reduce(merge_refund, order) for order in permutations(told)}) == 1


def test_every_order_of_three_dispute_statuses_ends_in_the_same_one() -> None:
    soon, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    for told in product(product(DisputeStatus, (None, soon, later)), repeat=3):
        assert len({reduce(merge_dispute, order) for order in permutations(told)}) == 1


@given(standings)
def test_amounts_decide_before_everything_else(standing: Standing) -> None:
    status = payment_status(standing)
    if standing.captured_minor == 0:
        assert status not in (PaymentStatus.COMPLETED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)
    elif standing.refunded_minor == 0:
        assert status is PaymentStatus.COMPLETED
    elif standing.refunded_minor < standing.captured_minor:
        assert status is PaymentStatus.PARTIALLY_REFUNDED, "a partial refund is never 'refunded' (I2)"
    else:
        assert status is PaymentStatus.REFUNDED


@given(standings)
def test_nothing_counts_as_failed_while_an_outcome_is_unknown(standing: Standing) -> None:
    """I7; what the provider itself refused, or ended, is known."""
    known = {Stage.DECLINED, Stage.FAILED, Stage.CANCELLED, Stage.EXPIRED}
    if standing.outcome_unknown and standing.stage not in known:
        assert payment_status(standing) not in ENDED_UNPAID


def test_a_decline_is_final_for_our_own_try_and_another_try_for_a_page() -> None:
    declined = {flow: payment_status(Standing(stage=Stage.DECLINED, flow=flow)) for flow in Flow}
    assert declined == {
        Flow.TOKEN: PaymentStatus.FAILED,
        Flow.CLIENT: PaymentStatus.REQUIRES_ACTION,
        Flow.HOSTED: PaymentStatus.REQUIRES_ACTION,
        Flow.DIRECT: PaymentStatus.FAILED,
    }


def test_captured_without_an_amount_is_not_paid() -> None:
    assert payment_status(Standing(stage=Stage.CAPTURED, flow=Flow.TOKEN)) is PaymentStatus.PROCESSING


@given(reserved=amounts, captured=amounts)
def test_reserved_never_passes_captured_and_excess(reserved: int, captured: int) -> None:
    excess = excess_minor(reserved_minor=reserved, captured_minor=captured)
    assert excess >= 0
    assert reserved <= captured + excess
    assert excess == 0 or reserved == captured + excess


@given(status=st.sampled_from(PaymentStatus), amount=amounts, captured=amounts, refunded=amounts)
def test_what_a_payment_takes_up_of_its_order_is_never_negative(
    status: PaymentStatus, amount: int, captured: int, refunded: int
) -> None:
    active = active_minor(status=status, amount_minor=amount, captured_minor=captured, refunded_minor=refunded)
    assert active >= 0
    assert active == 0 or status not in ENDED_UNPAID
