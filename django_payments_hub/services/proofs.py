"""Which open operations the state of a payment proves to be over.

Only operations nobody is working on are closed here; one in flight is closed by whoever holds its lease.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from django_payments_hub.domain.statuses import OperationKind, OperationState, RefundStatus, Stage
from django_payments_hub.models import Operation, Payment, Refund
from django_payments_hub.services.books import Books

NATIONAL_ID = "national_id"
"""Where an operation keeps the payer's national id, encrypted."""

_ANSWERED = frozenset({Stage.REQUIRES_ACTION, Stage.PROCESSING, Stage.AUTHORIZED, Stage.CAPTURED})
_REFUSED = frozenset({Stage.DECLINED, Stage.FAILED})
_ENDED = frozenset({Stage.CANCELLED, Stage.EXPIRED})


def close_proven(books: Books) -> None:
    """Close every open operation in doubt whose outcome the payment now shows."""
    now = timezone.now()
    for operation in books.operations:
        if _is_abandoned(operation, now) and (state := proven_state(books.payment, operation)) is not None:
            finish(operation, state)


def _is_abandoned(operation: Operation, now: datetime) -> bool:
    if operation.state == OperationState.UNKNOWN:
        return True
    return operation.state == OperationState.SENT and operation.lease_until is not None and operation.lease_until < now


def proven_state(payment: Payment, operation: Operation) -> OperationState | None:
    """The outcome of the operation as far as the payment proves it."""
    kind, stage = OperationKind(operation.kind), Stage(payment.stage)
    if kind is OperationKind.REFUND:
        return _refund_state(operation)
    if kind is OperationKind.CANCEL:
        return OperationState.SUCCEEDED if stage in _ENDED else _lost(stage is Stage.CAPTURED)
    if kind is OperationKind.CAPTURE:
        target = int(operation.parameters.get("captured_after_minor", payment.amount_minor))
        return OperationState.SUCCEEDED if payment.captured_minor >= target else _lost(stage in _ENDED)
    if stage.value == operation.parameters.get("stage_before"):
        return None
    if stage in _ANSWERED:
        return OperationState.SUCCEEDED
    if stage in _REFUSED:
        return OperationState.DECLINED
    return _lost(stage in _ENDED)


def _lost(certain: bool) -> OperationState | None:
    return OperationState.FAILED if certain else None


def _refund_state(operation: Operation) -> OperationState | None:
    refund = Refund.objects.get(operation=operation)
    if refund.status == RefundStatus.COMPLETED:
        return OperationState.SUCCEEDED
    if refund.status in (RefundStatus.FAILED, RefundStatus.CANCELLED):
        return OperationState.DECLINED
    return OperationState.SUCCEEDED if refund.provider_refund_id else None


def finish(operation: Operation, state: OperationState, *, error_code: str = "", provider_code: str = "") -> None:
    """Write an operation's final state; the payment is free for the next one."""
    operation.state = state.value
    operation.exclusive_key = operation.lease_until = operation.next_attempt_at = None
    operation.finished_at = timezone.now()
    operation.error_code, operation.provider_code = error_code[:60], provider_code[:100]
    operation.attention_code = ""
    for secret in ("method_token", NATIONAL_ID):  # not kept longer than needed
        operation.parameters.pop(secret, None)
    operation.save()


def forget_if_in_doubt(operation: Operation) -> None:
    """Let go of a national id once the call may have happened: it is not made again with one. The caller saves."""
    if operation.in_doubt:
        operation.parameters.pop(NATIONAL_ID, None)


def park(operation: Operation, attention_code: str) -> None:
    """Leave an open operation to a person: nothing tries it again by itself."""
    if operation.in_doubt:
        operation.state = OperationState.UNKNOWN.value
    forget_if_in_doubt(operation)
    operation.lease_until = operation.next_attempt_at = None
    operation.attention_code = attention_code[:60]
    operation.save()


def put_back(operation: Operation, state: OperationState, *, error_code: str, provider_code: str = "") -> None:
    """Give up the lease; the operation stays open in this state. The caller says when it is next due, and saves."""
    operation.state = state.value
    operation.in_doubt = operation.in_doubt or state is OperationState.UNKNOWN
    forget_if_in_doubt(operation)
    if not operation.in_doubt:
        operation.first_sent_at = None  # it was not, and what counts from then begins with the try that is
    operation.lease_until = None
    operation.error_code, operation.provider_code = error_code[:60], provider_code[:100]
