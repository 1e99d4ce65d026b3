"""What a provider has had in hand for long is looked up again, so that nothing waits for a lost notice for ever (F15).

Hourly for a day, then daily, until the provider says how it ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from django_payments_hub.domain.statuses import OPEN_OPERATIONS, PaymentStatus, RefundStatus, Source
from django_payments_hub.models import Payment, Refund
from django_payments_hub.services import provider_calls
from django_payments_hub.services.claims import claim_payment, may_look_at, unpaused

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def due(*, limit: int) -> list[UUID]:
    """Payments to look up, or with refunds to look up. What has an open operation is finished by that."""
    now = timezone.now()
    payments = _payments(now).filter(unpaused("account"), _attempt_due(now)).order_by("pk")
    refunds = _refunds(now).filter(unpaused("account"), _attempt_due(now, "payment__")).order_by("pk")
    ids = [*payments.values_list("pk", flat=True)[:limit], *refunds.values_list("payment_id", flat=True)[:limit]]
    return list(dict.fromkeys(ids))


def _attempt_due(now: datetime, path: str = "") -> Q:
    return Q(**{f"{path}expiry_attempt_at": None}) | Q(**{f"{path}expiry_attempt_at__lte": now})


def _payments(now: datetime) -> QuerySet[Payment]:
    return Payment.objects.filter(
        status=PaymentStatus.PROCESSING.value, outcome_unknown=False, created_at__lte=now - _HOUR
    )


def _refunds(now: datetime) -> QuerySet[Refund]:
    return Refund.objects.filter(status=RefundStatus.PROCESSING.value, created_at__lte=now - _HOUR).exclude(
        operation__state__in=[state.value for state in OPEN_OPERATIONS]
    )


def look_again(payment_id: UUID) -> None:
    """Look up a payment that is due and its refunds, where the provider can be asked and no other sweep does it.

    Raises:
        ProviderError: it could not be asked.
    """
    now = timezone.now()
    payment = Payment.objects.select_related("account").get(pk=payment_id)
    refunds = list(_refunds(now).filter(payment=payment).order_by("pk"))
    newest = max([payment.created_at, *(refund.created_at for refund in refunds)])
    pause = _HOUR if newest > now - _DAY else _DAY
    if not may_look_at(payment) or not claim_payment(payment, pause_s=pause.total_seconds()):
        return
    if not provider_calls.provider_of(payment.account).capabilities.look_up:
        return
    if _payments(now).filter(pk=payment_id).exists():
        provider_calls.ask(payment, source=Source.LOOK_UP)
    for refund in refunds:
        refund.payment = payment
        provider_calls.ask_refund(refund, source=Source.LOOK_UP)
