"""Taking due rows so that each is worked on by one worker at a time, on every database."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import connections, models, router, transaction
from django.db.models import F
from django.utils import timezone

from django_payments_hub.conf import hub_settings

_Row = TypeVar("_Row", bound=models.Model)


def claim_due(rows: models.QuerySet[_Row], *, limit: int, lease_s: float, now: datetime | None = None) -> list[_Row]:
    """Up to `limit` rows whose `next_attempt_at` has come, oldest first; they are due again when the lease ends.

    Each claim counts as a try. Two workers never claim the same row: where the database can, locked rows are skipped.
    """
    now = now or timezone.now()
    alias = router.db_for_write(rows.model)
    skip = connections[alias].features.has_select_for_update_skip_locked
    with transaction.atomic(using=alias):
        # Without the joins of `rows`, which would lock the joined rows as well.
        due = rows.using(alias).select_related(None).filter(next_attempt_at__lte=now)
        locked = due.order_by("next_attempt_at").select_for_update(skip_locked=skip)[:limit]
        keys = [row.pk for row in locked.only("pk")]
        if not keys:
            return []
        rows.model._default_manager.using(alias).filter(pk__in=keys).update(
            next_attempt_at=now + timedelta(seconds=lease_s), tries=F("tries") + 1
        )
    return list(rows.using(alias).filter(pk__in=keys).order_by("next_attempt_at", "pk"))


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
