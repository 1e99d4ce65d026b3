"""What the tests of the core are made of: orders, payments, facts, and a look into the sandbox's books."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from django_payments_hub import dispatch, registry
from django_payments_hub.domain.statuses import (
    CaptureMethod,
    DisputeStatus,
    Flow,
    Mode,
    RefundStatus,
    Source,
    Stage,
)
from django_payments_hub.models import EventDelivery, Operation, Payment, ProviderAccount, Refund, WebhookEvent
from django_payments_hub.provider_kit.types import DisputeFact, PaymentFact, RefundFact
from django_payments_hub.services import accounts, inbox, operations, orders, payments, sweeper
from django_payments_hub.services.books import AMOUNT_FIELDS, Told
from django_payments_hub.services.payments import NewPayment
from django_payments_hub.testing.sandbox import SandboxClient
from example_project.shop.models import Order, OrderLine, Product

AMOUNTS = ("amount_minor", *AMOUNT_FIELDS)
MUTATIONS = ("payment_intents.create", "payment_intents.confirm", "payment_intents.capture", "payment_intents.cancel")

_numbers = iter(range(1, 10**9))


def make_user(**more: Any) -> User:
    return get_user_model().objects.create_user(f"user{next(_numbers)}-{id(more)}", **more)


def make_order(price: str = "10.00", *, user: User | None = None, currency: str = "USD", quantity: int = 1) -> Order:
    product, _ = Product.objects.get_or_create(slug=f"p-{price}-{currency}", defaults={"name": "Tea", "price": price})
    order = Order.objects.create(user=user, currency=currency)
    OrderLine.objects.create(order=order, product=product, quantity=quantity, price=Decimal(price))
    return order


def wanted(order: Order | None = None, *, token: str = "pm_card_visa", user: User | None = None, **more: Any) -> Any:
    """A wish for a payment in the token flow: of the order, or of 10.00 USD without one."""
    if order is not None:
        guest = "" if user is not None else order.guest_token
        more.setdefault("terms", orders.terms_of(order, user, guest_token=guest))
    else:
        more.setdefault("amount", "10.00")
        more.setdefault("currency", "USD")
    flow = more.pop("flow", Flow.TOKEN)
    return NewPayment(account="stripe", user=user, flow=flow, method_token=token, **more)


def pay(order: Order | None = None, **more: Any) -> Payment:
    return payments.create(wanted(order, **more))


def authorize(**more: Any) -> Payment:
    return pay(capture_method=CaptureMethod.MANUAL, **more)


def account() -> ProviderAccount:
    return accounts.get("stripe").row


def recorded(**more: Any) -> Payment:
    """A payment that was recorded and never started, for facts told from outside."""
    return pay(defer=True, **more)


def configure(settings: Any, hub: dict[str, Any], **changes: object) -> None:
    """The account `stripe` with other values, as after a change of the project's settings."""
    close_providers()
    settings.PAYMENTS_HUB = {**hub, "ACCOUNTS": {"stripe": {**hub["ACCOUNTS"]["stripe"], **changes}}}


def close_providers() -> None:
    """Let go of connections, lest the garbage collector complain about them in some later test."""
    for _, provider in registry._built.values():
        provider.close()
    registry.forget()


# -- facts ------------------------------------------------------------------------------------------------------------


def payment_fact(payment: Payment, stage: Stage, **more: Any) -> PaymentFact:
    """A fact about a payment, in its own words, unless told otherwise."""
    told: dict[str, Any] = {
        "currency": payment.currency,
        "mode": Mode(payment.mode),
        "reference": payment.reference,
        "provider_payment_id": payment.provider_payment_id or f"pi_{payment.reference}",
        "amount_minor": payment.amount_minor,
    }
    return PaymentFact(stage=stage, **{**told, **more})


def captured_fact(payment: Payment, minor: int | None = None, **more: Any) -> PaymentFact:
    minor = payment.amount_minor if minor is None else minor
    more.setdefault("authorized_minor", minor)
    return payment_fact(payment, Stage.CAPTURED, captured_minor=minor, **more)


def authorized_fact(payment: Payment, **more: Any) -> PaymentFact:
    minor = payment.amount_minor
    return payment_fact(payment, Stage.AUTHORIZED, authorized_minor=minor, capturable_minor=minor, **more)


def refund_fact(payment: Payment, refund_id: str, minor: int, status: RefundStatus, **more: Any) -> RefundFact:
    told: dict[str, Any] = {
        "amount_minor": minor,
        "currency": payment.currency,
        "mode": Mode(payment.mode),
        "payment_reference": payment.reference,
    }
    return RefundFact(provider_refund_id=refund_id, status=status, **{**told, **more})


def dispute_fact(payment: Payment, dispute_id: str, minor: int, status: DisputeStatus, **more: Any) -> DisputeFact:
    told: dict[str, Any] = {
        "amount_minor": minor,
        "currency": payment.currency,
        "mode": Mode(payment.mode),
        "payment_reference": payment.reference,
    }
    return DisputeFact(provider_dispute_id=dispute_id, status=status, **{**told, **more})


def by_webhook(row: ProviderAccount | None = None) -> Told:
    return Told(source=Source.WEBHOOK, account=row or account())


# -- time -------------------------------------------------------------------------------------------------------------


def make_due(*, expired_leases: bool = True) -> None:
    """Let every pause and lease of the hub end: the tests' way of waiting."""
    past = timezone.now() - timedelta(seconds=1)
    open_ones = Operation.objects.filter(next_attempt_at__isnull=False)
    if expired_leases:
        open_ones.filter(lease_until__isnull=False).update(lease_until=past)
    open_ones.update(next_attempt_at=past)
    WebhookEvent.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=past)
    EventDelivery.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=past)
    ProviderAccount.objects.filter(paused_until__isnull=False).update(paused_until=past)
    accounts.forget()


def converge(rounds: int = 12) -> None:
    """Sweep until no operation is open, or nothing moves any more."""
    for _ in range(rounds):
        if not Operation.objects.filter(next_attempt_at__isnull=False).exists() and not _refunds_waiting():
            return
        make_due()
        sweeper.sweep()


def _refunds_waiting() -> bool:
    return Refund.objects.filter(status=RefundStatus.PENDING.value, operation=None).exists()


def age_operation(operation: Operation, seconds: float) -> None:
    """As if this operation had first been sent so long ago."""
    Operation.objects.filter(pk=operation.pk).update(first_sent_at=timezone.now() - timedelta(seconds=seconds))


# -- looking ----------------------------------------------------------------------------------------------------------


def fresh(payment: Payment) -> Payment:
    return Payment.objects.select_related("account", "order_ref").get(pk=payment.pk)


def only_operation(payment: Payment, kind: str) -> Operation:
    return Operation.objects.get(payment=payment, kind=kind)


def amounts(payment: Payment) -> dict[str, int]:
    row = fresh(payment)
    return {name: getattr(row, name) for name in AMOUNTS}


def books_of(sandbox: SandboxClient, payment: Payment) -> Any:
    """The sandbox's sums of all objects that carry the payment's reference."""
    found: list[Any] = [
        sums
        for sums in sandbox.ledger(provider="stripe")["payments"].values()
        if sums["metadata"].get("hub_payment") == payment.reference
    ]
    names = ("authorized", "captured", "released", "refunded", "disputed")
    return {name: sum(int(sums[name]) for sums in found) for name in names}


def effects(sandbox: SandboxClient, operation: str) -> int:
    """Calls of this kind that took effect at the sandbox."""
    return len([call for call in sandbox.calls(operation) if call["effect"]])


def mutating_calls(sandbox: SandboxClient) -> list[Any]:
    return [call for call in sandbox.calls() if call["method"] == "POST"]


def lookups(sandbox: SandboxClient) -> list[Any]:
    return [call for call in sandbox.calls() if call["method"] == "GET"]


def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What is handed to the broker from now on: each task with its arguments."""
    messages: list[tuple[str, ...]] = []
    monkeypatch.setattr(dispatch, "_publish", lambda message: messages.append((message.task, *message.args)))
    return messages


# -- threads ----------------------------------------------------------------------------------------------------------


def at_once(jobs: Iterable[Callable[[], object]]) -> list[object]:
    """Run the jobs in threads that start together; what each returned or raised, in order."""
    todo = list(jobs)
    barrier, results = threading.Barrier(len(todo)), list[object](todo)

    def run(place: int, job: Callable[[], object]) -> None:
        try:
            barrier.wait(20)
            results[place] = job()
        except Exception as error:  # noqa: BLE001 - handed to the test, which judges it
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(i, job)) for i, job in enumerate(todo)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return results


def resume(operation_id: UUID) -> Operation | None:
    return operations.resume(operation_id)


# -- notices ----------------------------------------------------------------------------------------------------------

WEBHOOK_SECRET = "whsec_demo"


def notice(kind: str, data: dict[str, object], *, event_id: str = "", livemode: bool = False) -> bytes:
    """The body of a Stripe event."""
    return json.dumps(
        {
            "id": event_id or f"evt_{next(_numbers)}",
            "object": "event",
            "type": kind,
            "livemode": livemode,
            "created": int(time.time()),
            "data": {"object": data},
        }
    ).encode()


def signed(body: bytes, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    """The headers Stripe would send with it, made here by hand: no code of the hub's takes part."""
    at = int(time.time())
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={at},v1={digest}"}


def hear(kind: str, data: dict[str, object], **more: Any) -> WebhookEvent:
    """File a signed notice and work through the inbox; the row as it then stands."""
    body = notice(kind, data, **more)
    inbox.receive(accounts.get("stripe"), body, signed(body))
    inbox.drain()
    return WebhookEvent.objects.get(event_id=json.loads(body)["id"])
