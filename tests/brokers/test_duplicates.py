"""I10, F34: the same event fifty times at once, through a real web server: fifty answers of 2xx, one effect."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from example_project.stack import Stack
from tests.brokers.services import DATABASES

pytestmark = [pytest.mark.slow, pytest.mark.services]

PAY = """
from django_payments_hub.domain.statuses import Flow
from django_payments_hub.services import payments
payment = payments.create(payments.NewPayment(
    account="stripe", amount="100.00", currency="USD", flow=Flow.TOKEN, method_token="pm_card_visa"))
print("json", '"%s"' % payment.provider_payment_id)
"""

LOOK = """
import json
from django_payments_hub.models import Payment, Refund, TransactionLog, WebhookEvent
payment = Payment.objects.get()
print("json", json.dumps({"refunded": payment.refunded_minor, "refunds": Refund.objects.count(),
    "told": TransactionLog.objects.filter(event="refund.completed").count(),
    "filed": WebhookEvent.objects.count(), "open": WebhookEvent.objects.exclude(next_attempt_at=None).count()}))
"""


@pytest.fixture(params=list(DATABASES))
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    with (
        DATABASES[request.param]() as database,
        Stack(var_dir=tmp_path / "stack", env={"DATABASE_URL": database}) as started,
    ):
        started.sandbox.policy(hold=True)
        yield started


def told(stack: Stack, script: str) -> Any:
    line = next(line for line in stack.manage("shell", "-c", script).splitlines() if line.startswith("json "))
    return json.loads(line[5:])


def test_an_event_delivered_fifty_times_at_once_is_applied_once(stack: Stack) -> None:
    # given a refund made in the dashboard, of which nobody was told yet
    intent = told(stack, PAY)
    refund = stack.sandbox.external_refund(intent, 2_500)
    held = [event for event in stack.sandbox.held() if event["type"] == "refund.created"]
    assert [event["type"] for event in held] == ["refund.created"], stack.sandbox.held()
    # when its event arrives fifty times at once
    answers = stack.sandbox.send(held[0]["event_id"], times=50, concurrently=True)
    # then each is acknowledged, one is filed and one is applied
    assert [code for code in answers if code is None or not 200 <= code < 300] == []
    assert len(answers) == 50
    deadline = time.monotonic() + 30
    while (found := told(stack, LOOK))["open"]:
        assert time.monotonic() < deadline, found
    assert found == {"refunded": 2_500, "refunds": 1, "told": 1, "filed": 1, "open": 0}
    assert refund["amount"] == 2_500
