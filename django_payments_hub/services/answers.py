"""What an answer, or its absence, does to the books and to its operation.

The fact is applied in any case; the operation's bookkeeping belongs to whoever holds its lease (I17).
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import (
    FailureCode,
    OperationKind,
    OperationState,
    RefundStatus,
    Source,
    Stage,
)
from django_payments_hub.exceptions import Misconfigured, NotSent, ProviderError, Refused, Throttled
from django_payments_hub.failpoints import reach
from django_payments_hub.models import Operation, Refund
from django_payments_hub.provider_kit.asking import said
from django_payments_hub.provider_kit.types import PaymentFact, PaymentResult, RefundFact, RefundResult
from django_payments_hub.services import accounts, facts
from django_payments_hub.services.books import Books, IllegalMove, Mismatch, Told, open_books
from django_payments_hub.services.claims import backoff_s
from django_payments_hub.services.proofs import finish, park, proven_state, put_back
from django_payments_hub.services.provider_calls import refund_of
from django_payments_hub.services.refund_facts import set_refund_status

logger = logging.getLogger("django_payments_hub.answers")

Result = PaymentResult | RefundResult

_NO_MATCH = "idempotency_mismatch"


def settle_result(operation: Operation, result: Result, told: Told) -> Operation:
    """Apply an answer: the fact in any case, the bookkeeping when this call still holds the operation."""
    try:
        with open_books(operation.payment, told) as books:
            verdict = facts.merge(books, result.fact, operation.payment.account)
            mine = books.operation(operation.pk)
            if mine.is_open:
                if result.fact.occurred_at is not None:
                    mine.parameters["as_of"] = result.fact.occurred_at.isoformat()  # by the provider's clock
                finish(mine, _result_state(result), provider_code=_provider_code(result))
            mine.payment = books.payment
    except (Mismatch, IllegalMove) as error:
        return _quarantine(operation, told, error.code)
    reach("operation.after_commit")
    accounts.mark_healthy(operation.payment.account)
    logger.info("Operation %s %s: %s (%s).", mine.kind, mine.pk, mine.state, verdict.value)
    return mine


def _result_state(result: Result) -> OperationState:
    if isinstance(result, PaymentResult):
        return OperationState.DECLINED if result.failure else OperationState.SUCCEEDED
    failed = result.fact.status in (RefundStatus.FAILED, RefundStatus.CANCELLED)
    return OperationState.DECLINED if failed else OperationState.SUCCEEDED


def _provider_code(result: Result) -> str:
    failure = result.failure if isinstance(result, PaymentResult) else result.fact.failure
    return failure.provider_code if failure else ""


def settle_found(operation: Operation, found: PaymentFact | RefundFact | None) -> Operation | None:
    """Apply what was found; the operation when that proves its outcome, else None."""
    if found is None:
        return None
    told = told_by_look_up(operation)
    try:
        with open_books(operation.payment, told) as books:
            facts.merge(books, found, operation.payment.account)
            mine = books.operation(operation.pk)
            state = proven_state(books.payment, mine) if mine.is_open else OperationState(mine.state)
            if mine.is_open and state is not None:
                finish(mine, state)
    except (Mismatch, IllegalMove) as error:
        return _quarantine(operation, told, error.code)
    return mine if state is not None else None


def settle_error(operation: Operation, error: ProviderError, told: Told) -> Operation:
    """Write down what is known of a call that was not answered."""
    answer = said(error)
    if isinstance(answer, Misconfigured):
        accounts.mark_unhealthy(operation.payment.account, answer.code)
    if isinstance(answer, Throttled):
        accounts.pause(operation.payment.account, answer.retry_after_s or backoff_s(operation.tries))
    if error.code == _NO_MATCH:
        return leave_to_person(operation, _NO_MATCH)
    with open_books(operation.payment, told) as books:
        mine = books.operation(operation.pk)
        if mine.is_open and mine.fence == operation.fence:
            _note_error(books, mine, error)
        mine.payment = books.payment
    logger.warning("Operation %s %s: %s, now %s.", mine.kind, mine.pk, error.code, mine.state)
    return mine


def _note_error(books: Books, operation: Operation, error: ProviderError) -> None:
    if isinstance(error, Refused):
        refuse(books, operation, error)
        return
    happened_for_certain_not = isinstance(error, Misconfigured | Throttled | NotSent) and not operation.in_doubt
    state = OperationState.CREATED if happened_for_certain_not else OperationState.UNKNOWN
    put_back(operation, state, error_code=error.code, provider_code=error.provider_code)
    operation.next_attempt_at = timezone.now() + timedelta(seconds=_pause_s(operation, said(error)))
    if isinstance(said(error), Throttled):
        operation.tries -= 1  # the provider did not look at it: not a try
    elif operation.tries >= hub_settings().operation_max_tries:
        operation.next_attempt_at, operation.attention_code = None, "tries_exhausted"
    operation.save()
    if state is OperationState.UNKNOWN and operation.refund_id is not None:
        _mark_refund_under_way(books, refund_of(operation))


def _mark_refund_under_way(books: Books, row: Refund) -> None:
    if row.status == RefundStatus.PENDING:
        set_refund_status(books, row, RefundStatus.PROCESSING)


def _pause_s(operation: Operation, error: ProviderError) -> float:
    backoff = backoff_s(operation.tries)
    if isinstance(error, Throttled) and error.retry_after_s is not None:
        return error.retry_after_s + min(backoff, 1.0)
    return backoff


def leave_to_person(operation: Operation, attention_code: str) -> Operation:
    """Stop trying; the outcome stays unknown until somebody decides, or a fact does."""
    with open_books(operation.payment, told_by_look_up(operation)) as books:
        mine = books.operation(operation.pk)
        if mine.is_open and mine.fence == operation.fence:
            put_back(mine, OperationState.UNKNOWN, error_code=attention_code)
            park(mine, attention_code)
        mine.payment = books.payment
    logger.error("Operation %s needs a person: %s.", operation.pk, attention_code)
    return mine


def _quarantine(operation: Operation, told: Told, code: str) -> Operation:
    facts.quarantine(operation.payment, told, code)
    return leave_to_person(operation, f"mismatch_{code}")


def refuse(books: Books, operation: Operation, error: ProviderError) -> None:
    """Close an operation that provably did not and will not happen, and what it was to do with it."""
    kind = OperationKind(operation.kind)
    finish(operation, OperationState.FAILED, error_code=error.code, provider_code=error.provider_code)
    if kind is OperationKind.REFUND:
        set_refund_status(books, refund_of(operation), RefundStatus.FAILED, code=FailureCode.REFUND_REFUSED.value)
    elif kind is OperationKind.PAY:
        books.end(Stage.FAILED)
        books.payment.failure_code = _failure_code(error).value
        books.payment.failure_provider_code = error.provider_code[:100]


def _failure_code(error: ProviderError) -> FailureCode:
    try:
        return FailureCode(error.code)
    except ValueError:
        return FailureCode.INVALID_REQUEST


def told_by_look_up(operation: Operation) -> Told:
    return Told(source=Source.LOOK_UP, account=operation.payment.account, operation_id=operation.pk)
