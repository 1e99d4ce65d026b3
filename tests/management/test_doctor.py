"""The doctor: silent about what is right, exit code 1 for what is wrong, and never a secret."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_payments_hub.conf import beat_schedule
from django_payments_hub.models import (
    Dispute,
    EventDelivery,
    Operation,
    Payment,
    ProviderAccount,
    Refund,
    TransactionLog,
    WebhookEvent,
)
from django_payments_hub.services import accounts, credentials
from tests.admin.world import one_of_each

pytestmark = pytest.mark.django_db


def examine(**options: Any) -> tuple[bool, str]:
    """Whether the doctor is content, and what he printed."""
    out = StringIO()
    try:
        call_command("payments_doctor", stdout=out, **options)
    except CommandError:
        return False, out.getvalue()
    return True, out.getvalue()


def test_the_exit_code_tells_what_was_found() -> None:
    healthy()
    ProviderAccount.objects.update(unhealthy_since=timezone.now())
    with pytest.raises(CommandError) as failed:
        call_command("payments_doctor", stdout=StringIO())
    assert failed.value.returncode == 1


def healthy() -> dict[type[Any], Any]:
    """A row of every model with nothing to complain about."""
    rows = one_of_each("plain")
    Payment.objects.update(attention_code="")
    Refund.objects.update(attention_code="")
    Operation.objects.update(attention_code="", state="succeeded", next_attempt_at=None)
    WebhookEvent.objects.update(state="processed", next_attempt_at=None)
    EventDelivery.objects.update(state="delivered", next_attempt_at=None)
    Dispute.objects.update(status="won")
    return rows


@pytest.fixture
def broker_url() -> Iterator[Any]:
    before = current_app.conf.broker_url

    def use(url: str) -> None:
        current_app.conf.update(broker_url=url)

    yield use
    current_app.conf.update(broker_url=before)


def test_a_healthy_project_passes() -> None:
    healthy()
    content, printed = examine()
    assert content, printed
    assert "FAIL" not in printed
    assert "nothing waits for a person" in printed
    # and with --quiet only the notes remain
    assert "ok  " not in examine(quiet=True)[1]


AGO = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("model", "changes", "told"),
    [
        (Operation, {"state": "unknown"}, "overdue: operations"),
        (WebhookEvent, {"state": "received"}, "overdue: notices"),
        (EventDelivery, {"state": "pending"}, "overdue: deliveries"),
    ],
)
def test_work_that_nobody_takes_is_wrong(model: Any, changes: dict[str, Any], told: str) -> None:
    row = healthy()[model]
    due = model.objects.filter(pk=row.pk)
    # due just now: a worker may be about to take it
    due.update(**changes, next_attempt_at=timezone.now() - timedelta(seconds=1))
    assert examine()[0]
    due.update(next_attempt_at=timezone.now() - AGO)
    content, printed = examine()
    assert not content
    assert f"FAIL  {told}: the oldest is due for 600 s" in printed


def test_operations_of_a_paused_account_are_not_overdue() -> None:
    row = healthy()[Operation]
    Operation.objects.filter(pk=row.pk).update(state="created", next_attempt_at=timezone.now() - AGO)
    ProviderAccount.objects.update(paused_until=timezone.now() + AGO)
    accounts.forget()
    content, printed = examine()
    assert content, printed
    assert "paused by the provider" in printed


@pytest.mark.parametrize(
    ("model", "changes", "told"),
    [
        (Payment, {"attention_code": "mismatch_amount"}, "1 payments"),
        (Refund, {"attention_code": "x"}, "1 refunds"),
        (Operation, {"state": "unknown", "attention_code": "tries_exhausted"}, "1 operations"),
        (Dispute, {"status": "needs_response"}, "1 disputes"),
        (WebhookEvent, {"state": "quarantined"}, "1 webhook events"),
        (WebhookEvent, {"state": "unmatched"}, "1 webhook events"),
        (EventDelivery, {"state": "failed"}, "1 deliveries"),
    ],
)
def test_what_waits_for_a_person_is_wrong(model: Any, changes: dict[str, str], told: str) -> None:
    row = healthy()[model]
    model.objects.filter(pk=row.pk).update(**changes)
    content, printed = examine()
    assert not content
    assert f"FAIL  people: {told}" in printed


def test_accounts_that_cannot_work_are_wrong(settings: Any) -> None:
    healthy()
    ProviderAccount.objects.update(unhealthy_since=timezone.now(), unhealthy_code="provider_misconfigured")
    accounts.forget()
    content, printed = examine()
    assert (content, "FAIL  accounts: stripe (stripe, test, settings): the provider refuses" in printed) == (
        False,
        True,
    )
    # nor does one whose credentials nobody can read
    row = ProviderAccount(alias="own", provider="stripe", mode="test")
    credentials.store(row, {"SECRET_KEY": "sk_test_canary"})
    settings.PAYMENTS_HUB = {
        **settings.PAYMENTS_HUB,
        "ENCRYPTION_KEYS": ["TtGmaOVKDVU8BXt9P8RrB3iHm0TDRVwcnnrxS2iVsYI="],
    }
    accounts.forget()
    content, printed = examine()
    assert (content, "credentials_unreadable" in printed) == (False, True)


def test_settings_that_are_wrong_are_named(settings: Any) -> None:
    healthy()
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "SWEEP_INTERVAL_S": 600}
    content, printed = examine()
    assert (content, "payments_hub.E005" in printed) == (False, True)


def test_a_settings_key_that_is_unknown_does_not_end_the_examination(settings: Any) -> None:
    healthy()
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "ACOUNTS": {}}
    accounts.forget()
    content, printed = examine()
    assert not content
    assert "Did you mean 'ACCOUNTS'?" in printed
    assert "broker" in printed


def test_a_broker_that_swallows_packets_is_given_up_after_the_deadline(broker_url: Any) -> None:
    healthy()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # it takes the connection and never says a word
        broker_url(f"amqp://user:canarypassword@127.0.0.1:{silent.getsockname()[1]}//")
        started = time.monotonic()
        content, printed = examine(deadline=0.5)
    assert time.monotonic() - started < 5
    assert (content, "amqp does not answer within 0.5 s" in printed) == (False, True)
    assert "canarypassword" not in printed


def test_a_broker_that_is_down_is_wrong(broker_url: Any) -> None:
    healthy()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        broker_url(f"amqp://user:canarypassword@127.0.0.1:{nobody.getsockname()[1]}//")
        content, printed = examine()
    assert (content, "FAIL  broker: amqp" in printed) == (False, True)
    assert "canarypassword" not in printed


def test_a_broker_that_nobody_named_is_said_to_be_celerys_default(
    broker_url: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a project that never says which broker it has
    healthy()
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    broker_url(None)
    # when the doctor looks, whether or not something answers there
    _, printed = examine()
    # then it is not passed over
    assert "broker: amqp (no CELERY_BROKER_URL: Celery's default is used)" in printed
    assert "ok    broker" not in printed


@pytest.mark.parametrize(
    ("schedule", "content", "told"),
    [
        ({}, True, "note  sweeper: not in CELERY_BEAT_SCHEDULE"),
        (beat_schedule(), True, "ok    sweeper: scheduled every 20 s"),
        (beat_schedule(sweep_every_s=3600), False, "FAIL  sweeper: runs every 3600 s"),
    ],
)
def test_the_sweepers_schedule_is_judged(schedule: Any, content: bool, told: str) -> None:
    healthy()
    before, current_app.conf.beat_schedule = current_app.conf.beat_schedule, schedule
    try:
        found, printed = examine()
    finally:
        current_app.conf.beat_schedule = before
    assert (found, told in printed) == (content, True), printed


def test_no_secret_is_printed(settings: Any) -> None:
    one_of_each("plain")
    hub = settings.PAYMENTS_HUB
    stripe = {**hub["ACCOUNTS"]["stripe"], "SECRET_KEY": "sk_live_canary", "WEBHOOK_SECRETS": ["whsec_canary"]}
    settings.PAYMENTS_HUB = {**hub, "ACCOUNTS": {"stripe": stripe}}
    accounts.forget()
    content, printed = examine()
    assert not content
    assert "canary" not in printed
    assert not [key for key in hub["ENCRYPTION_KEYS"] if key in printed]
    assert TransactionLog.objects.exists()
