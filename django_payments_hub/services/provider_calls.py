"""The one door to providers: claim an operation, call with no transaction open, apply the answer as a fact.

A crash between any two steps leaves a row that `resume` finishes: with the same key inside the provider's window, by
looking the result up after it, or by a person (I5-I7, I13).
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import assert_never
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from django_payments_hub import dispatch, registry
from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.payable import UserKey
from django_payments_hub.domain.statuses import (
    EXCLUSIVE_KINDS,
    FailureCode,
    OperationKind,
    OperationState,
    RefundStatus,
    Source,
    Stage,
    Verdict,
)
from django_payments_hub.exceptions import (
    ConfigurationError,
    Misconfigured,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    Refused,
    Throttled,
    Unsupported,
)
from django_payments_hub.failpoints import reach
from django_payments_hub.models import Operation, Payment, ProviderAccount, Refund
from django_payments_hub.provider_kit.types import (
    LookUp,
    PaymentFact,
    PaymentResult,
    RefundFact,
    RefundResult,
    ReturnVisit,
)
from django_payments_hub.registry import AnyProvider
from django_payments_hub.services import accounts, facts, provider_requests
from django_payments_hub.services.books import Books, IllegalMove, Told, open_books
from django_payments_hub.services.claims import backoff_s
from django_payments_hub.services.proofs import finish, proven_state

logger = logging.getLogger("django_payments_hub.provider_calls")

Result = PaymentResult | RefundResult

_NO_MATCH = "idempotency_mismatch"


def provider_of(row: ProviderAccount) -> AnyProvider:
    """The provider of an account's row, built from its decrypted configuration."""
    return registry.build(accounts.of(row).config)


def provider_class(name: str) -> type[AnyProvider]:
    """The class of a provider, to see what an account of it needs; raises ConfigurationError(`unknown_provider`)."""
    return registry.provider_class(name)


def lease_s(row: ProviderAccount) -> float:
    """How long an operation of this account is held: longer than its provider's worst call (I17)."""
    return provider_of(row).capabilities.call_deadline_s + hub_settings().lease_margin_s


def may_send_now(row: ProviderAccount) -> bool:
    """Whether a request may call this account itself: the worker does for slow providers and paused accounts."""
    paused = row.paused_until is not None and row.paused_until > timezone.now()
    return not paused and not provider_of(row).capabilities.runs_in_worker


def open_operation(
    payment: Payment,
    kind: OperationKind,
    *,
    amount_minor: int,
    parameters: dict[str, object] | None = None,
    refund: Refund | None = None,
    claimed: bool = False,
) -> Operation:
    """Write an intended call. Inside the transaction that decides on it; the payment is locked or new.

    Args:
        claimed: this process goes on to `send` it right after the commit, and holds its lease; not where a worker has
            to make the call.
    """
    now = timezone.now()
    claimed = claimed and may_send_now(payment.account)
    lease_until = now + timedelta(seconds=lease_s(payment.account)) if claimed else None
    operation = Operation(
        payment=payment,
        refund=refund,
        kind=kind.value,
        state=(OperationState.SENT if claimed else OperationState.CREATED).value,
        amount_minor=amount_minor,
        currency=payment.currency,
        parameters=parameters or {},
        exclusive_key=payment.pk if kind in EXCLUSIVE_KINDS else None,
        tries=1 if claimed else 0,
        fence=1 if claimed else 0,
        lease_until=lease_until,
        next_attempt_at=lease_until or now,
        first_sent_at=now if claimed else None,
    )
    operation.save(force_insert=True)
    return operation


def claim(operation_id: UUID) -> Operation | None:
    """Take an open operation that nobody holds and that is due; None when there is nothing to do.

    One whose lease ran out was sent by somebody who died: from then on it is in doubt.
    """
    now = timezone.now()
    with transaction.atomic(durable=True):
        operation = Operation.objects.select_for_update().filter(pk=operation_id).first()
        if operation is None or not operation.is_open:
            return None
        if operation.next_attempt_at is None or operation.next_attempt_at > now or _paused(operation):
            return None
        operation.in_doubt = operation.in_doubt or operation.state != OperationState.CREATED
        if operation.tries >= hub_settings().operation_max_tries:
            _park(operation, "tries_exhausted")  # it may be what kills its workers (F53)
            return None
        operation.state = OperationState.SENT.value
        operation.tries += 1
        operation.fence += 1
        operation.first_sent_at = operation.first_sent_at or now
        operation.lease_until = now + timedelta(seconds=lease_s(operation.payment.account))
        operation.next_attempt_at = operation.lease_until
        operation.save()
        return operation


def _park(operation: Operation, attention_code: str) -> None:
    """Leave an open operation to a person: nothing tries it again by itself."""
    if operation.in_doubt:
        operation.state = OperationState.UNKNOWN.value
    operation.lease_until = operation.next_attempt_at = None
    operation.attention_code = attention_code[:60]
    operation.save()


def _paused(operation: Operation) -> bool:
    until = operation.payment.account.paused_until
    return until is not None and until > timezone.now()


def send(operation: Operation, *, actor_id: UserKey = None) -> Payment:
    """Carry out an operation just committed: here when it was claimed, by a worker otherwise.

    Returns the payment as it then stands.
    """
    if operation.state == OperationState.SENT:
        return perform(operation, actor_id=actor_id).payment
    dispatch.start(dispatch.OPERATION, str(operation.pk))
    return operation.payment


def perform(operation: Operation, *, source: Source = Source.CALL, actor_id: UserKey = None) -> Operation:
    """Send a claimed operation and apply the answer. No transaction may be open.

    Returns the operation as it then stands; it never raises for what a provider does.
    """
    told = Told(source=source, account=operation.payment.account, operation_id=operation.pk, actor_id=actor_id)
    reach("operation.before_send")
    try:
        result = _send(operation)
    except ProviderError as error:
        reach("operation.after_answer")
        return _settle_error(operation, error, told)
    reach("operation.after_answer")
    return _settle_result(operation, result, told)


def resume(operation_id: UUID) -> Operation | None:
    """Finish an operation that was left: the sweeper's and the worker's way in.

    Returns None when it is closed, held by somebody else, not due or waiting for a person.
    """
    operation = claim(operation_id)
    if operation is None:
        return None
    if not operation.in_doubt:
        return perform(operation)
    return _recover(operation)


# -- sending ----------------------------------------------------------------------------------------------------------


def _send(operation: Operation) -> Result:
    """The call; whatever it raises that is no ProviderError is a bug, and leaves the outcome unknown."""
    try:
        return _call(provider_of(operation.payment.account), operation)
    except ProviderError:
        raise
    except (ConfigurationError, Unsupported) as error:
        raise Misconfigured(error.message, code=error.code) from error
    except Exception as error:
        logger.exception("The provider's code failed in operation %s.", operation.pk)
        raise OutcomeUnknown(f"{type(error).__name__} in the provider's code.", code="provider_bug") from error


def _call(provider: AnyProvider, operation: Operation) -> Result:
    payment, kind = operation.payment, OperationKind(operation.kind)
    if kind is OperationKind.PAY:
        return provider.pay(provider_requests.pay(payment, operation))
    if kind is OperationKind.CONFIRM:
        return provider.confirm(provider_requests.confirm(payment, operation))
    if kind is OperationKind.CAPTURE:
        return provider.capture(provider_requests.capture(payment, operation))
    if kind is OperationKind.CANCEL:
        return provider.cancel(provider_requests.cancel(payment, operation))
    if kind is OperationKind.REFUND:
        return provider.refund(provider_requests.refund(payment, operation, _refund_of(operation)))
    assert_never(kind)


def _refund_of(operation: Operation) -> Refund:
    return Refund.objects.get(operation=operation)


# -- recovering -------------------------------------------------------------------------------------------------------


def _recover(operation: Operation) -> Operation:
    """An operation that may have happened: look first, send again only inside the key's window."""
    provider = provider_of(operation.payment.account)
    if provider.capabilities.look_up:
        try:
            found = _look_for(provider, operation)
        except ProviderError as error:
            return _settle_error(operation, error, _told(operation))
        settled = _settle_found(operation, found)
        if settled is not None:
            return settled
    if not _inside_window(provider, operation):
        return _leave_to_person(operation, "key_window_passed")
    return perform(operation)


def _told(operation: Operation) -> Told:
    return Told(source=Source.LOOK_UP, account=operation.payment.account, operation_id=operation.pk)


def _look_for(provider: AnyProvider, operation: Operation) -> PaymentFact | RefundFact | None:
    payment = operation.payment
    if operation.kind == OperationKind.REFUND:
        return provider.look_up_refund(provider_requests.look_up_refund(payment, _refund_of(operation)))
    return provider.look_up(provider_requests.look_up(payment))


def _settle_found(operation: Operation, found: PaymentFact | RefundFact | None) -> Operation | None:
    """Apply what was found; the operation when that proves its outcome, else None."""
    if found is None:
        return None
    told = _told(operation)
    try:
        with open_books(operation.payment, told) as books:
            facts.merge(books, found, operation.payment.account)
            mine = books.operation(operation.pk)
            state = proven_state(books.payment, mine) if mine.is_open else OperationState(mine.state)
            if mine.is_open and state is not None:
                finish(mine, state)
    except (facts.Mismatch, IllegalMove) as error:
        return _quarantine(operation, told, error.code)
    return mine if state is not None else None


def _inside_window(provider: AnyProvider, operation: Operation) -> bool:
    """Whether the provider still knows the operation's key; without a key window nothing is sent twice (I13)."""
    if operation.first_sent_at is None:
        return False
    age = timezone.now() - operation.first_sent_at
    return age < timedelta(seconds=provider.capabilities.key_window_s)


# -- settling ---------------------------------------------------------------------------------------------------------


def _settle_result(operation: Operation, result: Result, told: Told) -> Operation:
    """Apply an answer: the fact in any case, the bookkeeping when this call still holds the operation."""
    try:
        with open_books(operation.payment, told) as books:
            verdict = facts.merge(books, result.fact, operation.payment.account)
            mine = books.operation(operation.pk)
            if mine.is_open:
                finish(mine, _result_state(result), provider_code=_provider_code(result))
            mine.payment = books.payment
    except (facts.Mismatch, IllegalMove) as error:
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


def _quarantine(operation: Operation, told: Told, code: str) -> Operation:
    facts.quarantine(operation.payment, told, code)
    return _leave_to_person(operation, f"mismatch_{code}")


def _leave_to_person(operation: Operation, attention_code: str) -> Operation:
    """Stop trying; the outcome stays unknown until somebody decides, or a fact does."""
    with open_books(operation.payment, _told(operation)) as books:
        mine = books.operation(operation.pk)
        if mine.is_open and mine.fence == operation.fence:
            _put_back(mine, OperationState.UNKNOWN, error_code=attention_code)
            _park(mine, attention_code)
        mine.payment = books.payment
    logger.error("Operation %s needs a person: %s.", operation.pk, attention_code)
    return mine


def _settle_error(operation: Operation, error: ProviderError, told: Told) -> Operation:
    """Write down what is known of a call that was not answered."""
    if isinstance(error, Misconfigured):
        accounts.mark_unhealthy(operation.payment.account, error.code)
    if isinstance(error, Throttled):
        accounts.pause(operation.payment.account, error.retry_after_s or backoff_s(operation.tries))
    if error.code == _NO_MATCH:
        return _leave_to_person(operation, _NO_MATCH)
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
    _put_back(operation, state, error_code=error.code, provider_code=error.provider_code)
    operation.next_attempt_at = timezone.now() + timedelta(seconds=_pause_s(operation, error))
    if isinstance(error, Throttled):
        operation.tries -= 1  # the provider did not look at it: not a try
    elif operation.tries >= hub_settings().operation_max_tries:
        operation.next_attempt_at, operation.attention_code = None, "tries_exhausted"
    operation.save()
    if state is OperationState.UNKNOWN and operation.refund_id is not None:
        _mark_refund_under_way(books, _refund_of(operation))


def _mark_refund_under_way(books: Books, row: Refund) -> None:
    if row.status == RefundStatus.PENDING:
        facts.set_refund_status(books, row, RefundStatus.PROCESSING)


def _put_back(operation: Operation, state: OperationState, *, error_code: str, provider_code: str = "") -> None:
    operation.state = state.value
    operation.in_doubt = operation.in_doubt or state is OperationState.UNKNOWN
    operation.lease_until = None
    operation.error_code, operation.provider_code = error_code[:60], provider_code[:100]


def _pause_s(operation: Operation, error: ProviderError) -> float:
    backoff = backoff_s(operation.tries)
    if isinstance(error, Throttled) and error.retry_after_s is not None:
        return error.retry_after_s + min(backoff, 1.0)
    return backoff


def refuse(books: Books, operation: Operation, error: ProviderError) -> None:
    """Close an operation that provably did not and will not happen, and what it was to do with it."""
    kind = OperationKind(operation.kind)
    finish(operation, OperationState.FAILED, error_code=error.code, provider_code=error.provider_code)
    if kind is OperationKind.REFUND:
        facts.set_refund_status(
            books, _refund_of(operation), RefundStatus.FAILED, code=FailureCode.REFUND_REFUSED.value
        )
    elif kind is OperationKind.PAY:
        books.end(Stage.FAILED)
        books.payment.failure_code = _failure_code(error).value
        books.payment.failure_provider_code = error.provider_code[:100]


def _failure_code(error: ProviderError) -> FailureCode:
    try:
        return FailureCode(error.code)
    except ValueError:
        return FailureCode.INVALID_REQUEST


# -- asking -----------------------------------------------------------------------------------------------------------


def ask(payment: Payment, *, source: Source, webhook_event_id: UUID | None = None) -> Verdict:
    """Look a payment up and apply what the provider says. No transaction may be open.

    Raises:
        Unsupported: the provider has no look-up. ProviderError: it could not be asked.
    """
    provider = provider_of(payment.account)
    provider.require("look_up")
    found = provider.look_up(provider_requests.look_up(payment))
    if found is None:
        return Verdict.UNMATCHED
    told = Told(source=source, account=payment.account, webhook_event_id=webhook_event_id)
    return facts.apply(found, payment.account, told)


def ask_by_name(account: ProviderAccount, notice: LookUp, *, source: Source, webhook_event_id: UUID) -> Verdict:
    """Look up the payment a notice names; unmatched when the hub does not know it."""
    payment = payment_named(account, notice)
    if payment is None:
        return Verdict.UNMATCHED
    return ask(payment, source=source, webhook_event_id=webhook_event_id)


def payment_named(account: ProviderAccount, named: LookUp | ReturnVisit) -> Payment | None:
    """The payment of this account that a notice or a returning browser names."""
    return facts.find_by_names(
        account,
        reference=named.reference,
        provider_payment_id=named.provider_payment_id,
        provider_session_id=named.provider_session_id,
    )
