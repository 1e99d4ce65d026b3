"""Operations that wait for a person: try again, or say that it did not happen.

That it did happen is for the provider to say: a look-up or a notice closes the operation by itself.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone

from django_payments_hub import dispatch
from django_payments_hub.domain.statuses import FailureCode, Source
from django_payments_hub.exceptions import NotFound, NotSent, RuleViolation
from django_payments_hub.models import Operation
from django_payments_hub.services import answers, provider_calls
from django_payments_hub.services.books import Books, Told, open_books
from django_payments_hub.services.vouching import checked_reason

DECLARED = "declared_not_happened"
"""Error code of an operation that a person closed."""


def is_parked(operation: Operation) -> bool:
    """Whether nothing but a person moves this operation on."""
    return operation.is_open and operation.next_attempt_at is None


def try_again(operation_id: UUID, *, actor: AbstractBaseUser | None = None) -> None:
    """Let a worker look the operation up and, where that is safe, send it again.

    Raises:
        RuleViolation: `operation_not_parked`.
    """
    with open_books(_payment_id(operation_id), _told(operation_id, actor), durable=True) as books:
        operation = _parked(books, operation_id)
        operation.tries, operation.attention_code, operation.next_attempt_at = 0, "", timezone.now()
        operation.save()
        books.note("operation.resolved", data={"decision": "try_again"})
    dispatch.start(dispatch.OPERATION, str(operation_id))


def declare_not_happened(operation_id: UUID, *, reason: str, actor: AbstractBaseUser | None = None) -> Operation:
    """Close an operation on a person's word that it had no effect; a refund's reservation is released.

    The provider is asked first where it can be: what it says goes before the person's word.

    Raises:
        RuleViolation: `operation_not_parked`, `card_number_refused`; `operation_happened` when the provider shows its
            effect.
        ProviderError: the provider can be asked, but not now.
    """
    reason = checked_reason(reason)
    operation = Operation.objects.select_related("payment__account").filter(pk=operation_id).first()
    if operation is None:
        raise NotFound("There is no such operation.")
    if provider_calls.provider_of(operation.payment.account).capabilities.look_up:
        found = provider_calls.find(operation)
        if answers.settle_found(operation, found) is not None:
            raise RuleViolation("The provider shows that it did happen.", code="operation_happened")
    with open_books(operation.payment, _told(operation_id, actor), durable=True) as books:
        mine = _parked(books, operation_id)
        answers.refuse(books, mine, NotSent(code=FailureCode.PROVIDER_UNAVAILABLE.value, provider_code=DECLARED))
        books.note("operation.resolved", data={"decision": DECLARED, "reason": reason})
        mine.payment = books.payment
    return mine


def _parked(books: Books, operation_id: UUID) -> Operation:
    operation = books.operation(operation_id)
    if not is_parked(operation):
        raise RuleViolation("The operation does not wait for a person.", code="operation_not_parked")
    return operation


def _payment_id(operation_id: UUID) -> UUID:
    found = Operation.objects.filter(pk=operation_id).values_list("payment_id", flat=True).first()
    if found is None:
        raise NotFound("There is no such operation.")
    return found


def _told(operation_id: UUID, actor: AbstractBaseUser | None) -> Told:
    return Told(source=Source.OPERATOR, operation_id=operation_id, actor_id=actor.pk if actor else None)
