"""The one place where a status comes from: a pure function of amounts, stage and open operations.

Merging is monotone per provider object, so that the same facts in any order end in the same state (I8, I11).
"""

from __future__ import annotations

from dataclasses import dataclass

from django_payments_hub.domain.statuses import DisputeStatus, Flow, PaymentStatus, RefundStatus, Stage

_STAGE_RANK = {
    stage: rank
    for rank, stages in enumerate(
        (
            (Stage.OPEN,),
            (Stage.REQUIRES_ACTION,),
            (Stage.PROCESSING,),
            (Stage.DECLINED,),
            (Stage.FAILED,),
            (Stage.AUTHORIZED,),
            (Stage.EXPIRED,),
            (Stage.CANCELLED,),
            (Stage.CAPTURED,),
        )
    )
    for stage in stages
}

_REFUND_RANK = {
    RefundStatus.REQUIRES_APPROVAL: 0,
    RefundStatus.PENDING: 1,
    RefundStatus.PROCESSING: 2,
    RefundStatus.COMPLETED: 3,
    RefundStatus.CANCELLED: 4,
    RefundStatus.FAILED: 5,
}


_DISPUTE_RANK = {
    DisputeStatus.NEEDS_RESPONSE: 0,
    DisputeStatus.UNDER_REVIEW: 1,
    DisputeStatus.CLOSED: 2,
    DisputeStatus.WON: 3,
    DisputeStatus.LOST: 4,
}

WITHHELD_DISPUTES = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW, DisputeStatus.LOST})
"""Disputes whose amount the merchant does not have."""

_ENDED_UNPAID = frozenset({PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED})


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Everything a payment's status depends on; amounts in minor units."""

    stage: Stage
    flow: Flow
    captured_minor: int = 0
    capturable_minor: int = 0
    refunded_minor: int = 0
    outcome_unknown: bool = False


def merge_stage(known: Stage, told: Stage) -> Stage:
    """The further of the two stages."""
    return max(known, told, key=_STAGE_RANK.__getitem__)


def merge_refund(known: RefundStatus, told: RefundStatus) -> RefundStatus:
    """The later of the two; a definite failure outranks success because it can follow it (F16)."""
    return max(known, told, key=_REFUND_RANK.__getitem__)


def merge_dispute(known: DisputeStatus, told: DisputeStatus) -> DisputeStatus:
    """The later of the two; where two endings are told, the one that costs money."""
    return max(known, told, key=_DISPUTE_RANK.__getitem__)


def is_newer(*, known: tuple[Stage, int], told: tuple[Stage, int]) -> bool:
    """Whether the told (stage, captured amount) lies further on than the known one."""
    return (_STAGE_RANK[told[0]], told[1]) > (_STAGE_RANK[known[0]], known[1])


def payment_status(standing: Standing) -> PaymentStatus:
    """The status of a payment that stands like this. Amounts decide first, then what is final, then the rest."""
    if standing.captured_minor > 0:
        return _paid_status(standing)
    if standing.stage is Stage.CANCELLED:
        return PaymentStatus.CANCELLED
    if standing.stage is Stage.EXPIRED:
        return PaymentStatus.EXPIRED
    status = _unpaid_status(standing)
    # What failed stays so: all that can be in doubt then is its withdrawal.
    if standing.outcome_unknown and status is not PaymentStatus.FAILED:
        return PaymentStatus.PROCESSING
    return status


def _paid_status(standing: Standing) -> PaymentStatus:
    if standing.refunded_minor <= 0:
        return PaymentStatus.COMPLETED
    if standing.refunded_minor < standing.captured_minor:
        return PaymentStatus.PARTIALLY_REFUNDED
    return PaymentStatus.REFUNDED


def _unpaid_status(standing: Standing) -> PaymentStatus:
    if standing.stage is Stage.DECLINED:
        # With a page or a browser SDK the customer may try another card on the same object.
        return PaymentStatus.FAILED if standing.flow is Flow.TOKEN else PaymentStatus.REQUIRES_ACTION
    return {
        Stage.OPEN: PaymentStatus.PENDING,
        Stage.REQUIRES_ACTION: PaymentStatus.REQUIRES_ACTION,
        Stage.PROCESSING: PaymentStatus.PROCESSING,
        Stage.FAILED: PaymentStatus.FAILED,
        Stage.AUTHORIZED: PaymentStatus.AUTHORIZED,
        # The provider calls it captured but names no amount: not paid until it does.
        Stage.CAPTURED: PaymentStatus.PROCESSING,
    }[standing.stage]


def excess_minor(*, reserved_minor: int, captured_minor: int) -> int:
    """By how much refunds told by the provider exceed what was captured; 0 in a healthy book."""
    return max(0, reserved_minor - captured_minor)


def active_minor(*, status: PaymentStatus, amount_minor: int, captured_minor: int, refunded_minor: int) -> int:
    """What the payment takes up of its order: all of it while it may bring money, then what it brought and kept."""
    if status in _ENDED_UNPAID:
        return 0
    if captured_minor > 0:
        return max(0, captured_minor - refunded_minor)
    return amount_minor
