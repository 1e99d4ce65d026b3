"""The one place where a status comes from: a pure function of amounts, stage and open operations.

Merging is monotone per provider object, so that the same facts in any order end in the same state (I8, I11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

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


# Phase, and what comes later within it where the provider does not say when.
_DISPUTE_RANK = {
    DisputeStatus.INQUIRY_NEEDS_RESPONSE: (0, 0),
    DisputeStatus.INQUIRY_UNDER_REVIEW: (0, 1),
    DisputeStatus.INQUIRY_CLOSED: (1, 0),
    DisputeStatus.NEEDS_RESPONSE: (2, 0),
    DisputeStatus.UNDER_REVIEW: (2, 1),
    DisputeStatus.CLOSED: (3, 0),
    DisputeStatus.WON: (4, 0),
    DisputeStatus.LOST: (5, 0),
}

DisputeNews = tuple[DisputeStatus, datetime | None]
"""A dispute's status, and when it was told, by the provider's clock; None where it does not say."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)

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


def merge_dispute(known: DisputeNews, told: DisputeNews) -> DisputeNews:
    """The later of the two, a chargeback after its inquiry; where two endings are told, the one that costs money.

    While it is open it goes to and fro between the merchant and the others: there the clock decides.
    """
    return max(known, told, key=_dispute_order)


def _dispute_order(news: DisputeNews) -> tuple[int, datetime, int]:
    status, at = news
    phase, step = _DISPUTE_RANK[status]
    return phase, at or _LONG_AGO, step


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
    if standing.stage is Stage.AUTHORIZED and standing.capturable_minor == 0:
        return PaymentStatus.PROCESSING  # on its way: a capture the provider has not decided yet
    if standing.stage is Stage.DECLINED:
        # With a page or a browser SDK the customer may try another card on the same object.
        tries_again = standing.flow in (Flow.CLIENT, Flow.HOSTED)
        return PaymentStatus.REQUIRES_ACTION if tries_again else PaymentStatus.FAILED
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
