"""The commands that work: sweep, drain, rotate."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_payments_hub import signals
from django_payments_hub.models import EventDelivery, ProviderAccount, WebhookEvent
from django_payments_hub.services import credentials, refunds
from django_payments_hub.testing.sandbox import SandboxClient
from tests.admin.world import one_of_each, pay

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


def run(name: str, **options: Any) -> str:
    out = StringIO()
    call_command(name, stdout=out, stderr=out, **options)
    return out.getvalue()


def test_sweep_carries_out_a_refund_that_no_worker_took(sandbox: SandboxClient) -> None:
    payment = pay("100.00")
    refunds.request(payment.pk, amount="40.00")
    printed = run("payments_sweep")
    payment.refresh_from_db()
    assert "refunds: 1" in printed
    assert payment.refunded_minor == 4000
    assert "refunds: 0" in run("payments_sweep")


def test_drain_applies_notices_and_runs_handlers_without_a_broker(handlers: None) -> None:
    ran: list[str] = []
    signals.on("payment.*", handler_id="tests.drain")(lambda event: ran.append(event.name))
    rows = one_of_each("payment.completed")
    WebhookEvent.objects.update(state="received", body='{"type": "nothing.we.know"}')
    EventDelivery.objects.update(state="pending", handler="tests.drain", next_attempt_at=timezone.now())
    assert run("payments_drain").strip() == "notices: 1, deliveries: 1"
    assert ran == ["payment.completed"]
    assert WebhookEvent.objects.get(pk=rows[WebhookEvent].pk).state == "ignored"
    assert run("payments_drain").strip() == "notices: 0, deliveries: 0"


def test_rotation_moves_all_credentials_to_the_first_key(settings: Any) -> None:
    row = ProviderAccount(alias="own", provider="stripe", mode="test")
    credentials.store(row, {"SECRET_KEY": "sk_test_x"})
    old, new = settings.PAYMENTS_HUB["ENCRYPTION_KEYS"], Fernet.generate_key().decode()
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "ENCRYPTION_KEYS": [new, *old]}
    assert run("payments_rotate_credentials").startswith("1 accounts")
    # then the old key is no longer needed
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "ENCRYPTION_KEYS": [new]}
    row.refresh_from_db()
    assert credentials.decrypt(row.credentials) == {"SECRET_KEY": "sk_test_x"}


def test_rotation_without_the_old_key_fails_and_loses_nothing(settings: Any) -> None:
    row = ProviderAccount(alias="own", provider="stripe", mode="test")
    credentials.store(row, {"SECRET_KEY": "sk_test_x"})
    before = row.credentials
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "ENCRYPTION_KEYS": [Fernet.generate_key().decode()]}
    with pytest.raises(CommandError, match="key"):
        run("payments_rotate_credentials")
    row.refresh_from_db()
    assert row.credentials == before


@pytest.mark.parametrize("seconds", ["0", "-1", "x", "nan"])
def test_the_pause_of_a_watch_is_a_positive_number(seconds: str) -> None:
    with pytest.raises(CommandError):
        call_command("payments_sweep", f"--watch={seconds}")


@pytest.mark.slow
def test_a_watch_sweeps_again_and_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "VAR_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/watch.sqlite3",
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=environment, check=True, timeout=60)
    watch = subprocess.Popen(
        [*manage, "payments_sweep", "--watch", "0.1"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert watch.stdout is not None
        lines = [watch.stdout.readline() for _ in range(2)]
        assert all(line.startswith("operations: 0") for line in lines)
        watch.send_signal(signal.SIGTERM)
        watch.communicate(timeout=20)
        assert watch.returncode == 0
    finally:
        watch.kill()
        watch.wait()
