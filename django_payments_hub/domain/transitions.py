"""Which status may follow which. Everything not listed is illegal and is refused where facts are applied.

Late reversals are edges of their own: a refund that succeeded and then failed, money that arrives after a decline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django_payments_hub.domain.statuses import OperationState, PaymentStatus, RefundStatus

_Word = TypeVar("_Word")
_P, _R, _O = PaymentStatus, RefundStatus, OperationState

_ENDED_UNPAID = frozenset({_P.FAILED, _P.CANCELLED, _P.EXPIRED})
_PAID = frozenset({_P.COMPLETED, _P.PARTIALLY_REFUNDED, _P.REFUNDED})
_UNDER_WAY = frozenset({_P.PENDING, _P.REQUIRES_ACTION, _P.PROCESSING, _P.AUTHORIZED})

PAYMENT_MOVES: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    _P.PENDING: _UNDER_WAY | _PAID | _ENDED_UNPAID,
    _P.REQUIRES_ACTION: _UNDER_WAY | _PAID | _ENDED_UNPAID,
    # An unknown outcome falls back to where the payment stood when the call turns out never to have happened.
    _P.PROCESSING: _UNDER_WAY | _PAID | _ENDED_UNPAID,
    _P.AUTHORIZED: frozenset({_P.PROCESSING}) | _PAID | frozenset({_P.CANCELLED, _P.EXPIRED, _P.FAILED}),
    # Money seen at the provider beats an earlier "no": late authorisations and captures are true facts.
    _P.FAILED: frozenset({_P.AUTHORIZED, _P.CANCELLED, _P.EXPIRED}) | _PAID,
    _P.CANCELLED: _PAID,
    _P.EXPIRED: frozenset({_P.CANCELLED}) | _PAID,
    _P.COMPLETED: frozenset({_P.PARTIALLY_REFUNDED, _P.REFUNDED}),
    # Backwards only when a refund is reversed, or when more is captured.
    _P.PARTIALLY_REFUNDED: frozenset({_P.COMPLETED, _P.REFUNDED}),
    _P.REFUNDED: frozenset({_P.PARTIALLY_REFUNDED, _P.COMPLETED}),
}

REFUND_MOVES: Mapping[RefundStatus, frozenset[RefundStatus]] = {
    _R.REQUIRES_APPROVAL: frozenset({_R.PENDING, _R.CANCELLED}),
    _R.PENDING: frozenset({_R.PROCESSING, _R.COMPLETED, _R.FAILED, _R.CANCELLED}),
    _R.PROCESSING: frozenset({_R.COMPLETED, _R.FAILED, _R.CANCELLED}),
    # A refund can come back days after it succeeded (closed account): F16.
    _R.COMPLETED: frozenset({_R.FAILED}),
    # Our own word, from before the provider had named the refund; its word goes first (I20).
    _R.FAILED: frozenset({_R.PROCESSING, _R.COMPLETED}),
    _R.CANCELLED: frozenset({_R.PROCESSING, _R.COMPLETED, _R.FAILED}),
}

_FINAL = frozenset({_O.SUCCEEDED, _O.DECLINED, _O.FAILED})

OPERATION_MOVES: Mapping[OperationState, frozenset[OperationState]] = {
    _O.CREATED: frozenset({_O.SENT}) | _FINAL,
    # Back to created only on proof that nothing happened: not sent, throttled, misconfigured.
    _O.SENT: frozenset({_O.CREATED, _O.UNKNOWN}) | _FINAL,
    _O.UNKNOWN: frozenset({_O.SENT}) | _FINAL,
    _O.SUCCEEDED: frozenset(),
    _O.DECLINED: frozenset({_O.SUCCEEDED}),
    # A late true answer may still show that it happened after all.
    _O.FAILED: frozenset({_O.SUCCEEDED}),
}


def is_legal(moves: Mapping[_Word, frozenset[_Word]], old: _Word, new: _Word) -> bool:
    """Whether `new` may follow `old`; staying is always legal."""
    return old == new or new in moves[old]
