"""I10, F34: the same event fifty times at once, through a real web server: fifty answers of 2xx, one effect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from example_project.stack import Stack
from tests.brokers.services import DATABASES

pytestmark = [pytest.mark.slow, pytest.mark.services]

PAY = """
import json, os
from django_payments_hub.testing.sandbox import SandboxClient
from tests.merchants import MERCHANTS
sandbox = SandboxClient(os.environ["SANDBOX_URL"])
print("json", json.dumps(MERCHANTS["%s"](sandbox).pay(sandbox).provider_payment_id))
"""

CONVERGES_S = 60
"""What is promised of a row whose message was lost (I16)."""

TELLING = {"stripe": "refund.created", "square": "refund.created", "paypal": "PAYMENT.CAPTURE.REFUNDED"}

WATCH = f"""
import json, time
from django_payments_hub.models import Payment, Refund, TransactionLog, WebhookEvent
gives_up = time.monotonic() + {CONVERGES_S}
while WebhookEvent.objects.exclude(next_attempt_at=None).exists() and time.monotonic() < gives_up:
    time.sleep(0.1)
payment = Payment.objects.get()
print("json", json.dumps({{"refunded": payment.refunded_minor, "refunds": Refund.objects.count(),
    "reserved": payment.refund_reserved_minor, "told": TransactionLog.objects.filter(refund__isnull=False).count(),
    "filed": WebhookEvent.objects.count(), "open": WebhookEvent.objects.exclude(next_attempt_at=None).count()}}))
"""


@pytest.fixture
def stack(database_kind: str, tmp_path: Path) -> Iterator[Stack]:
    with (
        DATABASES[database_kind]() as database,
        Stack(var_dir=tmp_path / "stack", env={"DATABASE_URL": database}) as started,
    ):
        started.sandbox.policy(hold=True)
        yield started


def told(stack: Stack, script: str) -> Any:
    output = stack.manage("shell", "-c", script, timeout_s=CONVERGES_S + 30)
    line = next(line for line in output.splitlines() if line.startswith("json "))
    return json.loads(line[5:])


@pytest.mark.parametrize(
    ("database_kind", "provider"),
    [("postgres", "stripe"), ("mariadb", "stripe"), ("postgres", "square"), ("mariadb", "paypal")],
)
def test_an_event_delivered_fifty_times_at_once_is_applied_once(stack: Stack, provider: str) -> None:
    # given a refund made in the dashboard, of which nobody was told yet
    payment = told(stack, PAY % provider)
    stack.sandbox.external_refund(payment, 2_500)
    held = [event for event in stack.sandbox.held() if event["type"] == TELLING[provider]]
    assert len(held) == 1, stack.sandbox.held()
    # when its event arrives fifty times at once
    answers = stack.sandbox.send(held[0]["event_id"], times=50, concurrently=True)
    # then each is acknowledged, one is filed and one is applied
    assert [code for code in answers if code is None or not 200 <= code < 300] == []
    assert len(answers) == 50
    found = told(stack, WATCH)
    assert (found["refunds"], found["reserved"], found["filed"], found["open"]) == (1, 2_500, 1, 0)
    assert found["told"] == 1
