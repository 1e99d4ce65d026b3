"""What a provider has had in hand for long is looked up again, so that nothing waits for a lost notice for ever (F15).

Hourly for a day, then daily, until the provider says how it ended. A customer on the provider's page may have paid, or
approved, with the notice and his return both lost: asked about hourly until the payment expires; one whose phone
asks him, every half minute. One who came back is asked about by the next sweep, whether or not a message reached a
worker (I16); so is one of which an unsigned notice hinted that it was paid, also after it was given up.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from django_payments_hub.domain.statuses import OPEN_OPERATIONS, NextActionKind, PaymentStatus, RefundStatus, Source
from django_payments_hub.models import Payment, Refund
from django_payments_hub.models.base import first_id_at
from django_payments_hub.services import provider_calls
from django_payments_hub.services.claims import claim_payment, may_look_at, unpaused

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_HINTED = timedelta(minutes=10)
_HINTS_LIVE = timedelta(days=30)
_ON_THE_PHONE = timedelta(seconds=30)
_ON_A_PAGE = timedelta(minutes=10)


def due(*, limit: int) -> list[UUID]:
    """Payments to look up, or with refunds to look up. What has an open operation is finished by that."""
    now = timezone.now()
    wanted = _payments(now) | _on_a_page(now)
    payments = wanted.filter(unpaused("account"), _attempt_due(now)).order_by("pk")
    # By itself: no index serves this one and the others at once.
    waiting = _on_the_phone(now).filter(unpaused("account"), _attempt_due(now)).order_by("pk")
    savings = _methods_to_learn(now).filter(unpaused("account"), _attempt_due(now)).order_by("pk")
    refunds = _refunds(now).filter(unpaused("account"), _attempt_due(now, "payment__")).order_by("pk")
    hinted = Payment.objects.filter(unpaused("account"), look_up_at__lte=now).order_by("look_up_at")
    ids = [
        *hinted.values_list("pk", flat=True)[:limit],
        *payments.values_list("pk", flat=True)[:limit],
        *waiting.values_list("pk", flat=True)[:limit],
        *savings.values_list("pk", flat=True)[:limit],
        *refunds.values_list("payment_id", flat=True)[:limit],
    ]
    return list(dict.fromkeys(ids))


def _attempt_due(now: datetime, path: str = "") -> Q:
    return Q(**{f"{path}expiry_attempt_at": None}) | Q(**{f"{path}expiry_attempt_at__lte": now})


def _payments(now: datetime) -> QuerySet[Payment]:
    return Payment.objects.filter(
        Q(created_at__lte=now - _HOUR) | Q(expiry_attempt_at__lte=now),
        status=PaymentStatus.PROCESSING.value,
        outcome_unknown=False,
    )


def _on_a_page(now: datetime) -> QuerySet[Payment]:
    """Being paid on the provider's page, as far as is known here; past its expiry it is withdrawn instead."""
    return Payment.objects.filter(
        Q(created_at__lte=now - _ON_A_PAGE) | Q(expiry_attempt_at__lte=now),
        status=PaymentStatus.REQUIRES_ACTION.value,
        provider_session_id__isnull=False,
        expires_at__gt=now,
    )


def _on_the_phone(now: datetime) -> QuerySet[Payment]:
    """Asked on the customer's phone, where it takes a minute."""
    return Payment.objects.filter(
        Q(created_at__lte=now - _ON_THE_PHONE) | Q(expiry_attempt_at__lte=now),
        status=PaymentStatus.REQUIRES_ACTION.value,
        next_action__type=NextActionKind.WAIT.value,
        expires_at__gt=now,
    )


def _methods_to_learn(now: datetime) -> QuerySet[Payment]:
    """Paid, and the method is to be saved, of which no notice has told enough; asked about for a day."""
    paid = [PaymentStatus.COMPLETED.value, PaymentStatus.AUTHORIZED.value]
    # By the key, which is ordered by time, so that the day's rows alone are read.
    return Payment.objects.filter(
        pk__gte=first_id_at(now - _DAY), status__in=paid, customer__isnull=False, payment_method=None
    )


def _refunds(now: datetime) -> QuerySet[Refund]:
    """Not those made by hand: the provider knows nothing of them."""
    under_way = Refund.objects.filter(status=RefundStatus.PROCESSING.value, by_hand=False, created_at__lte=now - _HOUR)
    return under_way.exclude(operation__state__in=[state.value for state in OPEN_OPERATIONS])


def look_soon(payment: Payment) -> None:
    """Make a payment due for the next sweep; says when to ask, and nothing about money.

    Past its expiry its pauses are those of withdrawing it, which nobody outside may shorten.
    """
    now = timezone.now()
    waiting = Payment.objects.filter(
        Q(expiry_attempt_at=None) | Q(expiry_attempt_at__gt=now),
        pk=payment.pk,
        status__in=[PaymentStatus.REQUIRES_ACTION.value, PaymentStatus.PROCESSING.value],
        expires_at__gt=now,
    )
    waiting.update(expiry_attempt_at=now)


def look_again(payment_id: UUID) -> None:
    """Look up a payment that is due and its refunds, where the provider can be asked and no other sweep does it.

    Raises:
        ProviderError: it could not be asked.
    """
    now = timezone.now()
    payment = Payment.objects.select_related("account").get(pk=payment_id)
    if payment.look_up_at is not None and payment.look_up_at <= now:
        _follow_hint(payment, now)
        return
    refunds = list(_refunds(now).filter(payment=payment).order_by("pk"))
    newest = max([payment.created_at, *(refund.created_at for refund in refunds)])
    pause = _HOUR if newest > now - _DAY else _DAY
    if payment.status == PaymentStatus.REQUIRES_ACTION and payment.expires_at is not None:
        pause = min(pause, payment.expires_at - now)  # then it is withdrawn
    waits = (payment.next_action or {}).get("type") == NextActionKind.WAIT
    pause = min(pause, _ON_THE_PHONE) if waits else pause
    every = (_payments(now), _on_a_page(now), _on_the_phone(now), _methods_to_learn(now))
    mine = [rows.filter(pk=payment_id) for rows in every]
    wanted = any(rows.exists() for rows in mine)  # before the claim, which puts it off
    if not may_look_at(payment) or not claim_payment(payment, pause_s=pause.total_seconds()):
        return
    if not provider_calls.provider_of(payment.account).capabilities.look_up:
        return
    if wanted:
        provider_calls.ask(payment, source=Source.LOOK_UP)
    for refund in refunds:
        refund.payment = payment
        provider_calls.ask_refund(refund, source=Source.LOOK_UP)


def _follow_hint(payment: Payment, now: datetime) -> None:
    """Ask about a payment that was hinted at; what cannot be asked now is asked again for a month."""
    over = payment.captured_minor >= payment.amount_minor or payment.created_at < now - _HINTS_LIVE
    again_at = None if over else now + _HINTED
    mine = Payment.objects.filter(pk=payment.pk, look_up_at=payment.look_up_at)
    if not provider_calls.may_call(payment.account) or mine.update(look_up_at=again_at) != 1 or over:
        return
    payment.look_up_at = again_at
    provider_calls.ask(payment, source=Source.LOOK_UP)
