"""Operations: intended calls, committed before they are sent, finished whatever happens in between (I5-I7, I13).

A crash between any two steps leaves a row that `resume` finishes: by looking the result up, with the same key inside
the provider's window, or by a person.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from django_payments_hub import dispatch
from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.payable import UserKey
from django_payments_hub.domain.statuses import EXCLUSIVE_KINDS, Flow, OperationKind, OperationState, Source
from django_payments_hub.exceptions import ProviderError
from django_payments_hub.failpoints import reach
from django_payments_hub.models import Operation, Payment, Refund
from django_payments_hub.services import answers, provider_calls
from django_payments_hub.services.books import Told
from django_payments_hub.services.locking import again_as_victim
from django_payments_hub.services.proofs import forget_if_in_doubt, park
from django_payments_hub.services.provider_calls import lease_s, may_send_now

_EXHAUSTED = "tries_exhausted"


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
    claimed = claimed and may_send_now(payment.account, at_once=_needs_no_call(payment, kind))
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


def _needs_no_call(payment: Payment, kind: OperationKind) -> bool:
    """Whether nothing is sent: where the hub's page posts a form, there is nothing to say before."""
    posts = provider_calls.provider_of(payment.account).capabilities.form_posts
    return posts and kind is OperationKind.PAY and payment.flow == Flow.HOSTED


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
        if operation.tries < hub_settings().operation_max_tries:
            return _lend(operation, now)
        if not operation.in_doubt:
            park(operation, _EXHAUSTED)
            return None
    answers.leave_to_person(operation, _EXHAUSTED)  # it may be what kills its workers (F53)
    return None


def _lend(operation: Operation, now: datetime) -> Operation:
    forget_if_in_doubt(operation)
    operation.state = OperationState.SENT.value
    operation.tries += 1
    operation.fence += 1
    operation.first_sent_at = operation.first_sent_at or now
    operation.lease_until = now + timedelta(seconds=lease_s(operation.payment.account))
    operation.next_attempt_at = operation.lease_until
    operation.save()
    return operation


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
    if operation.lease_until is None or operation.lease_until <= timezone.now():
        return operation  # stopped for so long that somebody else may hold it by now (I17)
    try:
        result = provider_calls.call(operation)
    except ProviderError as error:
        reach("operation.after_answer")
        refusal = error
        return again_as_victim(lambda: answers.settle_error(operation, refusal, told))
    reach("operation.after_answer")
    return again_as_victim(lambda: answers.settle_result(operation, result, told))


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


def _recover(operation: Operation) -> Operation:
    """An operation that may have happened: look first, send again only while the provider knows its key.

    Some providers need no key for that: their call finds out what came of the first one, and ends it.
    """
    capabilities = provider_calls.provider_of(operation.payment.account).capabilities
    if capabilities.look_up:
        try:
            found = provider_calls.find(operation)
        except ProviderError as error:
            return answers.settle_error(operation, error, answers.told_by_look_up(operation))
        settled = answers.settle_found(operation, found)
        if settled is not None:
            return settled
    repeatable = capabilities.recovers_itself or _needs_no_call(operation.payment, OperationKind(operation.kind))
    if not (repeatable or provider_calls.knows_key(operation)):
        return answers.leave_to_person(operation, "key_window_passed")
    return perform(operation)
