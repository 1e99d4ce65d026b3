"""The doctor's look into the tables: accounts, work that is overdue, and what waits for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from django_payments_hub.conf import hub_settings
from django_payments_hub.exceptions import ConfigurationError, HubError
from django_payments_hub.management.findings import Finding, advice, ok, wrong
from django_payments_hub.models import ProviderAccount
from django_payments_hub.services import accounts, health
from django_payments_hub.services.provider_calls import provider_of

_MANY = 1000
_PATIENCE = 3  # so many sweeps may pass before due work counts as overdue


def accounts_in_use() -> Iterator[Finding]:
    """Whether each account's provider can be built, and what it thinks of itself."""
    try:
        accounts.sync_settings_accounts()
    except ConfigurationError as error:
        yield wrong(f"{error.message} ({error.code})")
    rows = list(ProviderAccount.objects.filter(is_active=True).order_by("alias"))
    if not rows:
        yield wrong("no account is active")
    for row in rows:
        yield from _account(row)


def _account(row: ProviderAccount) -> Iterator[Finding]:
    name = f"{row.alias} ({row.provider}, {row.mode}, {row.origin})"
    try:
        sentences = provider_of(row).check()
    except HubError as error:
        yield wrong(f"{name}: {error.message} ({error.code})")
        return
    yield from (advice(f"{name}: {sentence}") for sentence in sentences)
    if row.unhealthy_since is not None:
        yield wrong(
            f"{name}: the provider refuses it since {row.unhealthy_since:%Y-%m-%d %H:%M} UTC ({row.unhealthy_code})"
        )
    elif row.paused_until is not None and row.paused_until > timezone.now():
        yield advice(f"{name}: paused by the provider until {row.paused_until:%H:%M:%S} UTC")
    elif not sentences:
        yield ok(name)


def overdue_work() -> Iterator[Finding]:
    """Age of the oldest due row of each queue: a worker that is alive but takes nothing shows here (F25)."""
    patience_s = _PATIENCE * hub_settings().sweep_interval_s
    queues: tuple[tuple[str, Callable[[], float]], ...] = (
        ("operations", health.overdue_operations_s),
        ("notices", health.overdue_notices_s),
        ("deliveries", health.overdue_deliveries_s),
    )
    for name, age_of in queues:
        age_s = age_of()
        if age_s > patience_s:
            yield wrong(f"{name}: the oldest is due for {age_s:.0f} s; does a worker run, and the sweeper?")
        else:
            yield ok(f"{name}: the oldest is due for {age_s:.0f} s" if age_s else f"{name}: nothing is due")


def waiting_for_people() -> Iterator[Finding]:
    """How many of each kind wait for somebody to decide."""
    kinds: tuple[tuple[str, QuerySet[Any]], ...] = (
        ("payments", health.payments_for_a_person()),
        ("refunds", health.refunds_for_a_person()),
        ("operations", health.operations_for_a_person()),
        ("disputes", health.disputes_for_a_person()),
        ("webhook events", health.notices_for_a_person()),
        ("deliveries", health.deliveries_for_a_person()),
    )
    waiting = [(name, rows.order_by()[:_MANY].count()) for name, rows in kinds]
    for name, count in waiting:
        if count:
            yield wrong(f"{count}{'+' if count == _MANY else ''} {name}: see the admin, filter 'needs a person'")
    if not any(count for _, count in waiting):
        yield ok("nothing waits for a person")
