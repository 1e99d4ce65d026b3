"""The sweeper: finishes whatever was left, from the database alone (I16).

It is safe to run any number of times at once, and from cron: everything is claimed before it is worked on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import (
    OPEN_OPERATIONS,
    FailureCode,
    OperationKind,
    OperationState,
    RefundStatus,
    Source,
)
from django_payments_hub.exceptions import HubError, NotSent
from django_payments_hub.models import IdempotencyKey, Operation, Refund
from django_payments_hub.services import answers, events, expiry, inbox, method_calls, operations, polling, refunds
from django_payments_hub.services.books import Told, open_books
from django_payments_hub.services.claims import unpaused

logger = logging.getLogger("django_payments_hub.sweeper")

_BATCH = 200


@dataclass(frozen=True, kw_only=True)
class SweepReport:
    """How many rows of each kind were worked on."""

    operations: int
    given_up: int
    refunds: int
    notices: int
    deliveries: int
    expired: int
    looked_up: int
    methods: int
    keys_forgotten: int


def sweep() -> SweepReport:
    """Finish operations without an answer, refunds not begun, notices, deliveries, payments past their expiry, payments
    and refunds the provider has had in hand for long, methods being saved or let go, old keys.

    What is looked up comes first: an approval begins an operation, which this very sweep carries out. Notices come
    after the operations, whose outcome decides whose some of them are.
    """
    return SweepReport(
        looked_up=_each(polling.due(limit=_BATCH), polling.look_again),
        given_up=_each(_unsent_too_long(), _give_up),
        refunds=_each(_refunds_not_begun(), refunds.execute),
        operations=_each(_due_operations(), operations.resume),
        notices=inbox.drain(),
        deliveries=events.drain(),
        expired=_each(expiry.due(limit=_BATCH), expiry.attempt),
        methods=_each(method_calls.due(limit=_BATCH), method_calls.resume),
        keys_forgotten=_forget_old_keys(),
    )


def _each(ids: Iterable[UUID], step: Callable[[UUID], object]) -> int:
    done = 0
    for key in ids:
        try:
            step(key)
        except HubError as error:
            logger.warning("Sweeping %s: %s.", key, error.code)
        except Exception:
            logger.exception("Sweeping %s failed; it is tried again.", key)
        done += 1
    return done


def _due_operations() -> list[UUID]:
    """Open operations whose lease or pause has ended; those of a paused account wait."""
    now = timezone.now()
    return list(
        Operation.objects.filter(
            unpaused("payment__account"),
            state__in=[state.value for state in OPEN_OPERATIONS],
            next_attempt_at__lte=now,
        )
        .order_by("next_attempt_at")
        .values_list("pk", flat=True)[:_BATCH]
    )


def _refunds_not_begun() -> list[UUID]:
    return list(
        Refund.objects.filter(status=RefundStatus.PENDING.value, operation=None)
        .order_by("pk")
        .values_list("pk", flat=True)[:_BATCH]
    )


def _unsent_too_long() -> list[UUID]:
    """Payments that provably never reached their provider, too old to surprise the customer with now."""
    before = timezone.now() - timedelta(seconds=hub_settings().pay_retry_s)
    return list(
        Operation.objects.filter(
            kind__in=[OperationKind.PAY.value, OperationKind.CONFIRM.value],
            state=OperationState.CREATED.value,
            in_doubt=False,
            created_at__lt=before,
        ).values_list("pk", flat=True)[:_BATCH]
    )


def _give_up(operation_id: UUID) -> None:
    found = Operation.objects.get(pk=operation_id)
    with open_books(found.payment_id, Told(source=Source.SYSTEM, operation_id=operation_id)) as books:
        operation = books.operation(operation_id)
        if operation.state == OperationState.CREATED and not operation.in_doubt:
            error = NotSent(code=FailureCode.PROVIDER_UNAVAILABLE.value, provider_code=operation.provider_code)
            answers.refuse(books, operation, error)


def _forget_old_keys() -> int:
    before = timezone.now() - timedelta(seconds=hub_settings().idempotency_retention_s)
    return IdempotencyKey.objects.filter(created_at__lt=before).delete()[0]
