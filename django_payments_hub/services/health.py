"""What waits for a person, and what is overdue: one definition for the admin and the doctor."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils import timezone

from django_payments_hub.domain.statuses import OPEN_OPERATIONS, DeliveryState, DisputeStatus, InboxState, RefundStatus
from django_payments_hub.models import (
    Dispute,
    EventDelivery,
    Operation,
    Payment,
    PaymentMethod,
    ProviderAccount,
    Refund,
    WebhookEvent,
)

_Row = TypeVar("_Row", bound=Model)

_OPEN = [state.value for state in OPEN_OPERATIONS]


def operations_for_a_person() -> QuerySet[Operation]:
    """Open operations that are no longer tried."""
    return Operation.objects.filter(state__in=_OPEN).exclude(attention_code="")


def payments_for_a_person() -> QuerySet[Payment]:
    """Payments that are marked, or that have an operation which is."""
    stuck = operations_for_a_person().filter(payment=OuterRef("pk")).order_by()
    return Payment.objects.filter(~Q(attention_code="") | Exists(stuck))


def refunds_for_a_person() -> QuerySet[Refund]:
    """Refunds that are marked, and those that somebody has to make by hand."""
    by_hand = Q(by_hand=True, status=RefundStatus.PROCESSING.value)
    return Refund.objects.filter(~Q(attention_code="") | by_hand)


def disputes_for_a_person() -> QuerySet[Dispute]:
    """Disputes and inquiries that want evidence."""
    wanting = (DisputeStatus.INQUIRY_NEEDS_RESPONSE, DisputeStatus.NEEDS_RESPONSE)
    return Dispute.objects.filter(status__in=[status.value for status in wanting])


def notices_for_a_person() -> QuerySet[WebhookEvent]:
    """Notices that contradict the books, that failed, or that never found their payment."""
    left = Q(state=InboxState.UNMATCHED.value, next_attempt_at=None)
    return WebhookEvent.objects.filter(
        left | Q(state__in=[InboxState.QUARANTINED.value, InboxState.FAILED.value]),
    )


def deliveries_for_a_person() -> QuerySet[EventDelivery]:
    """Deliveries whose handler failed for good."""
    return EventDelivery.objects.filter(state=DeliveryState.FAILED.value)


def accounts_for_a_person() -> QuerySet[ProviderAccount]:
    """Accounts in use whose credentials the provider refuses."""
    return ProviderAccount.objects.filter(is_active=True, unhealthy_since__isnull=False)


def methods_for_a_person() -> QuerySet[PaymentMethod]:
    """Methods being saved or let go that are no longer tried."""
    return PaymentMethod.objects.exclude(attention_code="")


def overdue_s(rows: QuerySet[_Row], *, now: datetime | None = None) -> float:
    """Age of the longest overdue row in seconds, 0 when none is: the heartbeat of whoever works on them (F25)."""
    now = now or timezone.now()
    first: datetime | None = (
        rows.filter(next_attempt_at__lte=now)
        .order_by("next_attempt_at")
        .values_list("next_attempt_at", flat=True)
        .first()
    )
    return (now - first).total_seconds() if first else 0.0


def overdue_operations_s() -> float:
    """Of open operations, those of a paused account left out."""
    now = timezone.now()
    unpaused = Q(payment__account__paused_until=None) | Q(payment__account__paused_until__lte=now)
    return overdue_s(Operation.objects.filter(unpaused, state__in=_OPEN), now=now)


def overdue_notices_s() -> float:
    """Of the inbox."""
    return overdue_s(WebhookEvent.objects.all())


def overdue_deliveries_s() -> float:
    """Of the deliveries to the host's handlers."""
    return overdue_s(EventDelivery.objects.filter(state=DeliveryState.PENDING.value))
