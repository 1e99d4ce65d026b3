"""Unsigned notices: each is only a hint to ask how a payment stands (I14).

Nothing of one is kept or believed but which payment it names. Hints of one payment come to one question of the next
sweep. A worker is woken before that, but not more often in a minute than a shop could need: whoever sends more only
delays what is asked anyway.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from django.core.cache import cache
from django.utils import timezone

from django_payments_hub import dispatch
from django_payments_hub.models import Payment, ProviderAccount
from django_payments_hub.services import provider_calls

logger = logging.getLogger("django_payments_hub.hints")

_EVERY_S = 10
"""A worker is woken for a payment at most so often because of hints."""

_PER_MINUTE = 120
"""Hints of one account in a minute that wake a worker."""


def take(account: ProviderAccount, data: Mapping[str, str]) -> bool:
    """Queue a look-up of the payment that a hint names; whether one was queued."""
    provider = provider_calls.provider_of(account)
    provider.require("unsigned_webhooks")
    named = provider.parse_hint(data)
    payment = provider_calls.payment_named(account, named) if named is not None else None
    return payment is not None and ask_soon(payment)


def ask_soon(payment: Payment) -> bool:
    """Have a payment looked up that may have been paid since, also one that was given up; whether that was queued."""
    if payment.captured_minor >= payment.amount_minor:
        return False
    # First of all, and whatever is under way: the sweep asks, also where nobody is woken, and once however many hint.
    Payment.objects.filter(pk=payment.pk).update(look_up_at=timezone.now())
    if provider_calls.may_call(payment.account) and _may_wake(payment):
        dispatch.start(dispatch.SYNC, str(payment.pk))
    return True


def _may_wake(payment: Payment) -> bool:
    try:
        return _is_first(payment) and _has_room(payment.account)
    except Exception as error:  # noqa: BLE001 - each cache has errors of its own
        logger.warning("The cache does not answer (%s): the sweep asks about payment %s.", error, payment.pk)
        return False


def _is_first(payment: Payment) -> bool:
    return cache.add(f"payments_hub:hint:{payment.pk}", 1, _EVERY_S)


def _has_room(account: ProviderAccount) -> bool:
    key = f"payments_hub:hints:{account.pk}:{int(time.time() // 60)}"
    cache.add(key, 0, 120)
    try:
        return cache.incr(key) <= _PER_MINUTE
    except ValueError:  # dropped from the cache in between
        return True
