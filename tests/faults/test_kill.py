"""F18: the process dies by kill -9 at each named place; the sweeper converges to exactly one effect."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils import timezone

from django_payments_hub.domain.statuses import CaptureMethod, Flow, OperationState, PaymentStatus, RefundStatus
from django_payments_hub.models import Operation, Payment
from django_payments_hub.services import payments, refunds, sweeper
from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.postgres, pytest.mark.mariadb]

PLACES = ["operation.before_send", "operation.after_answer", "operation.after_commit"]


def database_url() -> str:
    """The test database, as another process reaches it."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    scheme = {"postgresql": "postgres", "mysql": "mysql"}[connection.vendor]
    login = quote(at["USER"]) + (f":{quote(at['PASSWORD'])}" if at["PASSWORD"] else "")
    return f"{scheme}://{login}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


def die(place: str, sandbox: SandboxProcess, what: str, argument: str) -> None:
    """Run the use case in a process that is killed at `place`, and see that it was."""
    env = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "STRIPE_API_BASE": sandbox.stripe_url,
        "CELERY_BROKER_URL": "memory://",
        "PAYMENTS_HUB_TEST_FAILPOINTS": "1",
        "HUB_FAILPOINT": f"{place}:kill9",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults.act", what, argument],
        env=env,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


def let_leases_end() -> None:
    """The time until the lease of the dead process ends, without waiting for it."""
    past = timezone.now() - timedelta(seconds=1)
    Operation.objects.exclude(lease_until=None).update(lease_until=past, next_attempt_at=past)


def converge() -> None:
    for _ in range(3):
        let_leases_end()
        sweeper.sweep()


def paid(**changes: object) -> Payment:
    wanted: dict[str, object] = {
        "account": "stripe",
        "amount": "100.00",
        "currency": "USD",
        "flow": Flow.TOKEN,
        "method_token": "pm_card_visa",
    }
    return payments.create(payments.NewPayment(**{**wanted, **changes}))  # type: ignore[arg-type]


def only_entry(sandbox: SandboxClient) -> dict[str, object]:
    """The one payment that the sandbox's ledger holds."""
    entries = sandbox.ledger(provider="stripe")["payments"]
    moved = [entry for entry in entries.values() if entry["authorized"] or entry["captured"]]
    assert len(moved) == 1
    return dict(moved[0])


@pytest.mark.parametrize("place", PLACES)
def test_a_payment_is_charged_once(place: str, sandbox: SandboxClient, sandbox_process: SandboxProcess) -> None:
    die(place, sandbox_process, "pay", "pm_card_visa")
    converge()
    payment = Payment.objects.get()
    assert (payment.status, payment.captured_minor) == (PaymentStatus.COMPLETED, 10_000)
    assert only_entry(sandbox)["captured"] == 10_000
    assert Operation.objects.get().state == OperationState.SUCCEEDED


@pytest.mark.parametrize("place", PLACES)
def test_a_decline_stays_a_decline(place: str, sandbox: SandboxClient, sandbox_process: SandboxProcess) -> None:
    die(place, sandbox_process, "pay", "pm_card_chargeDeclined")
    converge()
    payment = Payment.objects.get()
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "card_declined")
    assert Operation.objects.get().state == OperationState.DECLINED
    assert sandbox.ledger(provider="stripe")["totals"].get("usd", {}).get("captured", 0) == 0


@pytest.mark.parametrize("place", PLACES)
def test_a_part_is_captured_once(place: str, sandbox: SandboxClient, sandbox_process: SandboxProcess) -> None:
    payment = paid(capture_method=CaptureMethod.MANUAL)
    die(place, sandbox_process, "capture", str(payment.pk))
    converge()
    payment.refresh_from_db()
    assert (payment.status, payment.captured_minor, payment.capturable_minor) == (PaymentStatus.COMPLETED, 7_000, 0)
    assert only_entry(sandbox)["captured"] == 7_000


@pytest.mark.parametrize("place", PLACES)
def test_an_authorisation_is_cancelled(place: str, sandbox: SandboxClient, sandbox_process: SandboxProcess) -> None:
    payment = paid(capture_method=CaptureMethod.MANUAL)
    die(place, sandbox_process, "cancel", str(payment.pk))
    converge()
    payment.refresh_from_db()
    assert (payment.status, payment.captured_minor) == (PaymentStatus.CANCELLED, 0)
    assert only_entry(sandbox)["captured"] == 0


@pytest.mark.parametrize("place", PLACES)
def test_a_refund_is_made_once(place: str, sandbox: SandboxClient, sandbox_process: SandboxProcess) -> None:
    payment = paid()
    refund = refunds.request(payment.pk, amount="40.00")
    die(place, sandbox_process, "refund", str(refund.pk))
    converge()
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert refund.status == RefundStatus.COMPLETED
    assert (payment.refunded_minor, payment.refund_reserved_minor) == (4_000, 4_000)
    assert only_entry(sandbox)["refunded"] == 4_000
