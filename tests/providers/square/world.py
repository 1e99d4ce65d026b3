"""What the tests of the hub over Square are made of: payments, time that passes, notices as they were really sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from django_payments_hub.domain.statuses import CaptureMethod, Flow
from django_payments_hub.models import Operation, Payment, Refund, WebhookEvent
from django_payments_hub.services import accounts, inbox, payments, refunds, sweeper
from django_payments_hub.services.payments import NewPayment
from django_payments_hub.testing.sandbox import SandboxClient
from tests.providers.square.harness import OK
from tests.sandbox.receiver import Heard
from tests.services import world

HOOK = "http://testserver/api/payments/webhooks/square/"
KEY = "signature-key-of-the-tests"


def pay(token: str = OK, **more: Any) -> Payment:
    """10.00 USD in the token flow, unless told otherwise."""
    wish: dict[str, Any] = {"amount": "10.00", "currency": "USD", "flow": Flow.TOKEN, "method_token": token, **more}
    return payments.create(NewPayment(account="square", **wish))


def authorize(**more: Any) -> Payment:
    return pay(capture_method=CaptureMethod.MANUAL, **more)


def link(**more: Any) -> Payment:
    return pay("", flow=Flow.HOSTED, return_url="https://shop.example.com/thanks", **more)


def refund(payment: Payment, amount: str = "4.00") -> Refund:
    return refunds.execute(refunds.request(payment.pk, amount=amount, reason="one cup broken").pk)


def converge() -> None:
    """Minutes pass, and the sweeper alone has to find out."""
    for _ in range(4):
        open_ones = Operation.objects.exclude(next_attempt_at=None)
        if not open_ones.exists():
            return
        open_ones.update(first_sent_at=F("first_sent_at") - timedelta(minutes=2))
        world.make_due()
        sweeper.sweep()


def books(sandbox: SandboxClient, payment: Payment) -> dict[str, int]:
    """The sandbox's sums of everything that carries the payment's reference."""
    every: Iterable[Any] = sandbox.ledger(provider="square")["payments"].values()
    found = [sums for sums in every if payment.reference in sums["metadata"].values()]
    names = ("authorized", "captured", "released", "refunded", "disputed")
    return {name: sum(int(sums[name]) for sums in found) for name in names}


def hear(*heard: Heard) -> list[WebhookEvent]:
    """File notices exactly as Square sent them and work through the inbox; the rows as they then stand."""
    for one in heard:
        inbox.receive(accounts.get("square"), one.body, one.headers)
    inbox.drain()
    ids = [one.event["event_id"] for one in heard]
    return list(WebhookEvent.objects.filter(event_id__in=ids).order_by("received_at"))


def hear_again(*heard: Heard) -> list[WebhookEvent]:
    """The same notices applied once more, in this order, as if the inbox had never seen them."""
    again = []
    for one in heard:
        row = WebhookEvent.objects.get(event_id=one.event["event_id"])
        inbox.replay(row.pk)
        inbox.drain()
        row.refresh_from_db()
        again.append(row)
    return again


def make_inbox_due() -> None:
    WebhookEvent.objects.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now() - timedelta(seconds=1))
