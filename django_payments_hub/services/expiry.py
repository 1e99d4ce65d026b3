"""Payments past their expiry: withdrawn, so that nobody pays an order that was given up.

A try is claimed and followed by a growing pause; after `OPERATION_MAX_TRIES` the payment waits for a person. Where the
provider withdraws nothing, it is asked every hour until it says that the payment has ended, however long that takes.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import OPEN_OPERATIONS, Source, Stage
from django_payments_hub.exceptions import Throttled
from django_payments_hub.models import Operation, Payment
from django_payments_hub.services import giving_up, payments, provider_calls
from django_payments_hub.services.books import Told, open_books
from django_payments_hub.services.claims import claim_payment, may_look_at, unpaused
from django_payments_hub.services.locking import read_payment
from django_payments_hub.services.new_payments import ABANDONABLE

logger = logging.getLogger("django_payments_hub.expiry")

_FIRST_PAUSE_S = 60.0
_LONGEST_PAUSE_S = 3600.0


class _MovedOnError(Exception):
    """Between two locks the payment became one that is not to be withdrawn."""


def due(*, limit: int) -> list[UUID]:
    """Payments to withdraw now. An open operation goes first: it is finished, or parked, on its own."""
    now = timezone.now()
    open_states = [state.value for state in OPEN_OPERATIONS]
    under_way = Operation.objects.filter(payment=OuterRef("pk"), state__in=open_states).order_by()
    return list(
        Payment.objects.filter(
            Q(expiry_attempt_at=None, expiry_tries=0) | Q(expiry_attempt_at__lte=now),
            ~Exists(under_way),
            unpaused("account"),
            status__in=[status.value for status in ABANDONABLE],
            expires_at__lte=now,
        )
        .order_by("expires_at")
        .values_list("pk", flat=True)[:limit]
    )


def attempt(payment_id: UUID) -> None:
    """Try to withdraw a payment that is due, unless another sweep does, or its account has been paused.

    Raises:
        HubError: it did not work this time.
    """
    payment = read_payment(payment_id)
    if not may_look_at(payment):
        return
    if payment.expiry_tries >= hub_settings().operation_max_tries:
        _park(payment_id)
        return
    waits = _known_to_provider(payment) and not _withdraws(payment)
    pause_s = _LONGEST_PAUSE_S if waits else min(_FIRST_PAUSE_S * 2**payment.expiry_tries, _LONGEST_PAUSE_S)
    if not claim_payment(payment, pause_s=pause_s, tries=1):
        return
    try:
        expire(payment_id)
    except Throttled:
        _not_a_try(payment_id)  # the provider did not look at it
        raise
    if waits:
        _not_a_try(payment_id)


def _not_a_try(payment_id: UUID) -> None:
    Payment.objects.filter(pk=payment_id).update(expiry_tries=F("expiry_tries") - 1)


def _park(payment_id: UUID) -> None:
    with open_books(payment_id, Told(source=Source.SYSTEM)) as books:
        Payment.objects.filter(pk=payment_id).update(expiry_attempt_at=None)
        if not _is_over(books.payment):
            return
        if not books.payment.attention_code:
            books.payment.attention_code = "expiry_stuck"
    logger.error("Payment %s cannot be withdrawn and needs a person.", payment_id)


def expire(payment_id: UUID) -> Payment:
    """Withdraw a payment past its expiry; one that is not, or no longer, stays as it is.

    What its provider never heard of ends `expired` here. Anything else is looked up first and then cancelled there, and
    ends as the provider says: `cancelled` with the `cancel_reason` "expired", or `expired` where it ran out by itself.
    At a provider that withdraws nothing it stays until it has run out there.

    Raises:
        Unsupported, ProviderError: from the look-up. RuleViolation, Conflict: as `payments.cancel`.
    """
    payment = read_payment(payment_id)
    if not _is_over(payment):
        return payment
    if giving_up.can_be_given_up(payment):
        with suppress(_MovedOnError):
            giving_up.give_up(payment_id, Stage.EXPIRED, Told(source=Source.SYSTEM), on_commit=_check_is_over)
        return read_payment(payment_id)
    if _known_to_provider(payment) and provider_calls.provider_of(payment.account).capabilities.look_up:
        provider_calls.ask(payment, source=Source.LOOK_UP)
    if _left_to_provider(payment_id) and _withdraws(payment):
        with suppress(_MovedOnError):
            payments.cancel(payment_id, reason="expired", on_commit=_check_is_over)
    return read_payment(payment_id)


def _left_to_provider(payment_id: UUID) -> bool:
    """Whether the provider has to withdraw it; what it never heard of ends here.

    Judged under lock: it may have been started since it was looked at.
    """
    with open_books(payment_id, Told(source=Source.SYSTEM)) as books:
        if not _is_over(books.payment):
            return False
        if _known_to_provider(books.payment):
            return True
        if not books.operations:
            books.end(Stage.EXPIRED)
        return False


def _check_is_over(payment_id: UUID) -> None:
    # Reads the locked row itself: a snapshot may be older than the lock.
    if not _is_over(Payment.objects.select_for_update().get(pk=payment_id)):
        raise _MovedOnError


def _is_over(payment: Payment) -> bool:
    return payment.status in ABANDONABLE and payment.expires_at is not None and payment.expires_at <= timezone.now()


def _withdraws(payment: Payment) -> bool:
    return provider_calls.provider_of(payment.account).capabilities.cancel


def _known_to_provider(payment: Payment) -> bool:
    return bool(payment.provider_payment_id or payment.provider_session_id)
