"""I8: the declared moves, as one table a reader can check by eye."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from django_payments_hub.domain.statuses import OperationState, PaymentStatus, RefundStatus
from django_payments_hub.domain.transitions import OPERATION_MOVES, PAYMENT_MOVES, REFUND_MOVES, is_legal

P, R, O = PaymentStatus, RefundStatus, OperationState  # noqa: E741

PAID = {P.COMPLETED, P.PARTIALLY_REFUNDED, P.REFUNDED}
UNPAID_ENDS = {P.FAILED, P.CANCELLED, P.EXPIRED}
UNDER_WAY = {P.PENDING, P.REQUIRES_ACTION, P.PROCESSING, P.AUTHORIZED}


@pytest.mark.parametrize(
    "moves", [PAYMENT_MOVES, REFUND_MOVES, OPERATION_MOVES], ids=["payment", "refund", "operation"]
)
def test_every_status_has_its_line_and_may_stay(moves: dict[Any, frozenset[Any]]) -> None:
    words: Any = type(next(iter(moves)))
    assert set(moves) == set(words)
    assert all(is_legal(moves, word, word) for word in words)


@pytest.mark.parametrize(("old", "new"), list(product(PAID, UNDER_WAY | UNPAID_ENDS)))
def test_money_that_was_taken_is_never_forgotten(old: PaymentStatus, new: PaymentStatus) -> None:
    assert not is_legal(PAYMENT_MOVES, old, new)


@pytest.mark.parametrize(("old", "new"), list(product(UNDER_WAY | UNPAID_ENDS, PAID)))
def test_money_that_was_taken_beats_every_older_news(old: PaymentStatus, new: PaymentStatus) -> None:
    assert is_legal(PAYMENT_MOVES, old, new)


@pytest.mark.parametrize("old", [P.CANCELLED, P.EXPIRED])
def test_what_ended_does_not_begin_again(old: PaymentStatus) -> None:
    assert not any(is_legal(PAYMENT_MOVES, old, new) for new in UNDER_WAY)


def test_a_refund_that_succeeded_can_only_come_back_as_failed() -> None:
    assert {new for new in R if new is not R.COMPLETED and is_legal(REFUND_MOVES, R.COMPLETED, new)} == {R.FAILED}


def test_a_closed_operation_is_never_sent_again() -> None:
    closed = {O.SUCCEEDED, O.DECLINED, O.FAILED}
    again = {O.CREATED, O.SENT, O.UNKNOWN}
    assert not any(is_legal(OPERATION_MOVES, old, new) for old, new in product(closed, again))
    assert not is_legal(OPERATION_MOVES, O.UNKNOWN, O.CREATED), "what may have happened is never proven unsent"
