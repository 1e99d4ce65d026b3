"""From what JazzCash says of a payment to a fact, or to the admission that nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django_payments_hub.domain.statuses import FailureCode, Flow, MethodKind, Mode, NextActionKind, RefundStatus, Stage
from django_payments_hub.provider_kit.types import (
    Failure,
    MethodFact,
    NextAction,
    PaymentFact,
    PaymentRequest,
    PayRequest,
    RefundFact,
)
from django_payments_hub.providers.jazzcash import codes
from django_payments_hub.providers.jazzcash.forms import KINDS
from django_payments_hub.providers.jazzcash.inquiries import Told, contradictory

_NOTHING = frozenset({""})
_COMPLETED = frozenset({"completed"})
_PENDING = frozenset({"pending"})
_REVERSED = frozenset({"reversed"})
_REFUNDED = frozenset({"refunded"})
_ENDED = frozenset({"failed", "dropped", "cancelled", "canceled", "expired", "rejected", "declined"})
_VOUCHER = "124"

_MARGIN = timedelta(minutes=15)
_VOUCHER_MARGIN = timedelta(days=1)
"""How long after its expiry a payment that still waits counts as expired: counters report once a day."""

Asked = PayRequest | PaymentRequest


def of(told: Told, request: Asked, mode: Mode) -> PaymentFact:
    """The fact of what JazzCash says of a payment.

    Raises:
        OutcomeUnknown: `contradictory_answer`.
    """
    if told.code == codes.PAID and told.status in _NOTHING | _COMPLETED:
        return paid(told, request, mode)
    if told.code == codes.REFUNDED and told.status in _NOTHING | _COMPLETED | _REFUNDED:
        return _given_back(told, request, mode)
    if told.code in codes.DISPUTED or told.code == codes.AWAITING_REVERSAL:
        return _paid_before(told, request, mode)
    if told.code == codes.REVERSED and told.status in _NOTHING | _REVERSED | _ENDED:
        return _given_back(told, request, mode) if _was_captured(request) else failed(told, request, mode)
    if told.code in codes.PENDING | _NOTHING and told.status in _PENDING:
        return waiting(told, request, mode)
    if told.code in codes.PENDING and told.status in _NOTHING:
        return waiting(told, request, mode)
    if told.code in codes.DECLINES and told.status in _NOTHING | _ENDED:
        return failed(told, request, mode)
    if told.code in codes.OPEN | _NOTHING and told.status in _ENDED:
        return failed(told, request, mode)
    raise contradictory(told)


def paid(told: Told, request: Asked, mode: Mode) -> PaymentFact:
    """The whole amount was taken: the one JazzCash names, or the one that was asked for."""
    amount = request.amount_minor if told.amount_minor is None else told.amount_minor
    return replace(
        _about(told, request, mode, Stage.CAPTURED),
        provider_payment_id=request.reference,
        authorized_minor=amount,
        captured_minor=amount,
        method=_method(told, request),
    )


def waiting(told: Told, request: Asked, mode: Mode) -> PaymentFact:
    """The customer has something to do; past its expiry, and a while, he does not do it any more."""
    margin = _VOUCHER_MARGIN if told.code == _VOUCHER else _MARGIN
    if is_over(request, margin):
        return _about(told, request, mode, Stage.EXPIRED)
    action = NextAction(kind=NextActionKind.WAIT)
    if told.code == _VOUCHER:
        number = {"voucher_number": told.number} if told.number else {}
        action = NextAction(kind=NextActionKind.INSTRUCTIONS, fields={"method": MethodKind.VOUCHER.value, **number})
    return replace(
        _about(told, request, mode, Stage.REQUIRES_ACTION), next_action=action, expires_at=request.expires_at
    )


def failed(told: Told, request: Asked, mode: Mode) -> PaymentFact:
    """No money moved, and none will under this reference."""
    return replace(_about(told, request, mode, Stage.FAILED), failure=codes.failure(told.code))


def to_be_led_on(request: Asked, mode: Mode) -> PaymentFact:
    """JazzCash has never heard of it: the customer has not posted the form yet, or never will."""
    untold = Told(code="")
    if is_over(request, _MARGIN):
        return _about(untold, request, mode, Stage.EXPIRED)
    action = NextAction(kind=NextActionKind.FORM_POST)
    return replace(_about(untold, request, mode, Stage.OPEN), next_action=action)


def never_made(request: Asked, mode: Mode) -> PaymentFact:
    """The call has never reached JazzCash, and cannot any more."""
    failure = Failure(code=FailureCode.PROVIDER_UNAVAILABLE, provider_code=codes.NOT_THERE)
    return replace(_about(Told(code=""), request, mode, Stage.FAILED), failure=failure)


def is_over(request: Asked, margin: timedelta = _MARGIN) -> bool:
    """Whether the payment's expiry lies so far back that JazzCash takes no money for it any more."""
    return request.expires_at is not None and datetime.now(UTC) > request.expires_at + margin


def _paid_before(told: Told, request: Asked, mode: Mode) -> PaymentFact:
    """Disputed, or to be reversed: the money is here as long as that lasts; of what never was, nobody knows."""
    if not _was_captured(request):
        raise contradictory(told)
    return paid(told, request, mode)


def _given_back(told: Told, request: Asked, mode: Mode) -> PaymentFact:
    """Refunded or reversed as a whole. Which refunds that was JazzCash does not say: the hub books what it does not
    know of.
    """
    fact = paid(told, request, mode)
    if isinstance(request, PaymentRequest) and request.refunded_minor >= fact.captured_minor:
        return fact
    refund = RefundFact(
        provider_refund_id=f"{request.reference}-{told.code}",
        status=RefundStatus.COMPLETED,
        amount_minor=fact.captured_minor,
        currency=fact.currency,
        mode=mode,
        payment_reference=request.reference,
        provider_payment_id=request.reference,
        whole=True,
    )
    return replace(fact, refunds=(refund,))


def _was_captured(request: Asked) -> bool:
    return isinstance(request, PaymentRequest) and request.captured_minor > 0


def _about(told: Told, request: Asked, mode: Mode, stage: Stage) -> PaymentFact:
    return PaymentFact(
        stage=stage,
        currency=told.currency or request.currency,
        mode=mode,
        reference=request.reference,
        provider_session_id=request.reference,
        amount_minor=told.amount_minor,
    )


def _method(told: Told, request: Asked) -> MethodFact | None:
    kind = KINDS.get(told.txn_type) or request.method_kind
    if kind is None and request.flow is Flow.DIRECT:
        kind = MethodKind.WALLET
    return MethodFact(kind=kind) if kind else None
