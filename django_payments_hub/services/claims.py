"""Taking due rows so that each is worked on by one worker at a time, on every database."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import connections, models, router, transaction
from django.db.models import F, Q
from django.utils import timezone

from django_payments_hub.conf import hub_settings
from django_payments_hub.models import Payment

logger = logging.getLogger("django_payments_hub.claims")

_Row = TypeVar("_Row", bound=models.Model)

EXHAUSTED = "tries_exhausted"
"""Last error of a row that was claimed for the last time and never finished."""


def claim_due(
    rows: models.QuerySet[_Row], *, limit: int, lease_s: float, max_tries: int, given_up: Mapping[str, object]
) -> list[_Row]:
    """Up to `limit` rows whose `next_attempt_at` has come, oldest first; they are due again when the lease ends.

    Each claim counts as a try. Two workers never claim the same row: where the database can, locked rows are skipped.
    A row that was tried before comes alone: it may be what kills its workers, and takes no other with it (F53).

    Args:
        max_tries: a due row with so many was claimed and never finished: it is not handed out again.
        given_up: the columns such a row gets.
    """
    now = timezone.now()
    alias = router.db_for_write(rows.model)
    skip = connections[alias].features.has_select_for_update_skip_locked
    every = rows.model._default_manager.using(alias)
    with transaction.atomic(using=alias):
        # Without the joins of `rows`, which would lock the joined rows as well.
        due = rows.using(alias).select_related(None).filter(next_attempt_at__lte=now).order_by("next_attempt_at")
        tries = dict(due.select_for_update(skip_locked=skip).values_list("pk", "tries")[:limit])
        spent = [key for key, count in tries.items() if count >= max_tries]
        if spent:
            every.filter(pk__in=spent).update(next_attempt_at=None, **given_up)
            logger.error("Given up after %s tries: %s of %s.", max_tries, len(spent), rows.model.__name__)
        keys = _safe_together({key: count for key, count in tries.items() if count < max_tries})
        if keys:
            leased_until = now + timedelta(seconds=lease_s)
            every.filter(pk__in=keys).update(next_attempt_at=leased_until, tries=F("tries") + 1)
    return list(rows.using(alias).filter(pk__in=keys).order_by("next_attempt_at", "pk")) if keys else []


def _safe_together(tries: Mapping[object, int]) -> list[object]:
    """The oldest row alone when it was tried before, else all that were not."""
    oldest = next(iter(tries), None)
    if oldest is None or tries[oldest] > 0:
        return [] if oldest is None else [oldest]
    return [key for key, count in tries.items() if count == 0]


def may_look_at(payment: Payment) -> bool:
    """Whether the sweeper's pause with a payment, and that of its account, is over; read just now."""
    now = timezone.now()
    return all(until is None or until <= now for until in (payment.expiry_attempt_at, payment.account.paused_until))


def claim_payment(payment: Payment, *, pause_s: float, tries: int = 0) -> bool:
    """Take a payment the sweeper may look at, for `pause_s`; False when somebody else has taken it since.

    Args:
        payment: as it was read when `may_look_at` was asked, without a lock.
        tries: by how many its `expiry_tries` grow.
    """
    unchanged = Payment.objects.filter(pk=payment.pk, expiry_attempt_at=payment.expiry_attempt_at)
    until = timezone.now() + timedelta(seconds=pause_s)
    return unchanged.update(expiry_attempt_at=until, expiry_tries=F("expiry_tries") + tries) == 1


def unpaused(account: str) -> Q:
    """Rows whose account, at this path, may be called now."""
    return Q(**{f"{account}__paused_until": None}) | Q(**{f"{account}__paused_until__lte": timezone.now()})


def backoff_s(tries: int) -> float:
    """The pause after so many tries: doubling from RETRY_BASE_S to RETRY_MAX_S, with jitter (I23)."""
    settings = hub_settings()
    longest: float = min(settings.retry_max_s, settings.retry_base_s * 2.0 ** min(tries, 20))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


def next_try(tries: int, max_tries: int) -> datetime | None:
    """When to try again; None when a person has to look."""
    if tries >= max_tries:
        return None
    return timezone.now() + timedelta(seconds=backoff_s(tries))
