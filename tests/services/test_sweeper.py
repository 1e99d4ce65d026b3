"""What the sweeper finds in the database and finishes: rows that kill, and what the provider has in hand."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from django_payments_hub import registry, signals
from django_payments_hub.conf import beat_schedule, hub_settings
from django_payments_hub.domain.statuses import DeliveryState, Flow, InboxState, PaymentStatus, RefundStatus, Stage
from django_payments_hub.models import EventDelivery, Payment, Refund, WebhookEvent
from django_payments_hub.models.base import first_id_at, new_id
from django_payments_hub.services import accounts, events, facts, inbox, polling, refunds, sweeper
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)


# -- rows that kill their workers -------------------------------------------------------------------------------------


def work_and_die(step: Any) -> None:
    """One worker's life; the leases of the one before have run out, in the order in which they were taken."""
    for model in (EventDelivery, WebhookEvent):
        waiting = model._default_manager.filter(next_attempt_at__isnull=False)
        waiting.update(next_attempt_at=F("next_attempt_at") - timedelta(hours=1))
    try:
        while step():
            pass
    except SystemExit:
        pass  # as a worker that is killed: nothing is written down


def test_a_handler_that_kills_its_worker_is_given_up_and_takes_no_other_with_it(
    sandbox: SandboxClient, handlers: None
) -> None:
    ran: list[object] = []

    @signals.on("payment.created", handler_id="killer")
    def killer(event: signals.Event) -> None:
        raise SystemExit

    @signals.on("payment.completed", handler_id="innocent")
    def innocent(event: signals.Event) -> None:
        ran.append(event.id)

    world.pay()
    for _ in range(3):
        work_and_die(events.deliver_due)
    assert len(ran) == 1

    for _ in range(hub_settings().delivery_max_tries):
        work_and_die(events.deliver_due)
    left = EventDelivery.objects.get(handler="killer")
    assert (left.state, left.error, left.next_attempt_at) == (DeliveryState.FAILED, "tries_exhausted", None)
    assert left.tries == hub_settings().delivery_max_tries


def test_a_notice_that_kills_its_worker_is_given_up_and_takes_no_other_with_it(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for event_id in ("evt_killer", "evt_innocent"):
        body = world.notice("customer.created", {"object": "customer"}, event_id=event_id)
        inbox.receive(accounts.get("stripe"), body, world.signed(body))
    real = inbox.process

    def process(event: WebhookEvent) -> InboxState:
        if event.event_id == "evt_killer":
            raise SystemExit
        return real(event)

    monkeypatch.setattr(inbox, "process", process)
    for _ in range(hub_settings().inbox_max_tries + 2):
        work_and_die(inbox.process_due)

    states = dict(WebhookEvent.objects.values_list("event_id", "state"))
    assert states == {"evt_killer": InboxState.FAILED, "evt_innocent": InboxState.IGNORED}
    assert WebhookEvent.objects.get(event_id="evt_killer").error_code == "tries_exhausted"


def test_a_delivery_that_was_given_up_can_be_replayed(sandbox: SandboxClient, handlers: None) -> None:
    ran: list[object] = []

    @signals.on("payment.completed", handler_id="late")
    def late(event: signals.Event) -> None:
        ran.append(event.id)

    world.pay()
    EventDelivery.objects.update(tries=hub_settings().delivery_max_tries)
    assert events.drain() == 0
    delivery = EventDelivery.objects.get()
    assert delivery.state == DeliveryState.FAILED

    events.replay(delivery.pk)
    events.drain()

    assert len(ran) == 1


def test_rows_that_were_never_tried_are_taken_together(sandbox: SandboxClient) -> None:
    for number in range(3):
        body = world.notice("customer.created", {"object": "customer"}, event_id=f"evt_{number}")
        inbox.receive(accounts.get("stripe"), body, world.signed(body))
    WebhookEvent.objects.filter(event_id="evt_1").update(tries=1)

    assert inbox.process_due() == 2
    assert inbox.process_due() == 1


# -- what the provider has in hand ------------------------------------------------------------------------------------


def made_ago(row: Payment | Refund, **ago: float) -> None:
    type(row).objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(**ago))


def in_hand(**ago: float) -> Payment:
    """A hosted payment the bank has not answered yet."""
    payment = world.pay(flow=Flow.HOSTED)
    told = world.payment_fact(
        payment, Stage.PROCESSING, provider_payment_id="", provider_session_id=payment.provider_session_id
    )
    facts.apply(told, world.account(), world.by_webhook())
    made_ago(payment, **ago)
    assert world.fresh(payment).status == PaymentStatus.PROCESSING
    return payment


def test_a_payment_in_processing_needs_no_notice_to_end(sandbox: SandboxClient) -> None:
    payment = in_hand(hours=2)
    sandbox.pay_session(str(payment.provider_session_id))  # nobody tells the hub

    assert sweeper.sweep().looked_up == 1

    assert world.fresh(payment).status == PaymentStatus.COMPLETED


@pytest.mark.parametrize(("age", "pause"), [(timedelta(hours=2), 1), (timedelta(days=9), 24)])
def test_a_payment_in_processing_is_looked_up_hourly_then_daily(
    sandbox: SandboxClient, age: timedelta, pause: int
) -> None:
    payment = in_hand(seconds=age.total_seconds())
    before = len(world.lookups(sandbox))

    for _ in range(3):
        sweeper.sweep()

    assert len(world.lookups(sandbox)) - before == 1
    due_at = world.fresh(payment).expiry_attempt_at
    assert due_at is not None
    assert abs(due_at - timezone.now() - timedelta(hours=pause)) < timedelta(minutes=1)


def test_a_payment_on_the_providers_page_needs_neither_notice_nor_return(sandbox: SandboxClient) -> None:
    payment = world.pay(flow=Flow.HOSTED)
    sandbox.pay_session(str(payment.provider_session_id))  # nobody tells the hub, nobody comes back
    assert sweeper.sweep().looked_up == 0  # he may still be typing
    made_ago(payment, minutes=11)

    assert sweeper.sweep().looked_up == 1

    assert world.fresh(payment).status == PaymentStatus.COMPLETED


def test_a_look_at_the_page_does_not_put_the_expiry_off(sandbox: SandboxClient) -> None:
    payment = world.pay(flow=Flow.HOSTED)
    ends = timezone.now() + timedelta(minutes=20)
    Payment.objects.filter(pk=payment.pk).update(expires_at=ends)
    made_ago(payment, minutes=11)

    sweeper.sweep()

    due_at = world.fresh(payment).expiry_attempt_at
    assert due_at is not None
    assert due_at <= ends + timedelta(seconds=1)


def test_a_payment_that_has_just_begun_is_not_looked_up(sandbox: SandboxClient) -> None:
    in_hand(minutes=50)
    before = len(sandbox.calls())

    sweeper.sweep()

    assert len(sandbox.calls()) == before


def test_a_refund_in_processing_needs_no_notice_to_end(sandbox: SandboxClient) -> None:
    payment = world.pay(token="pm_card_pendingRefund")
    refund = refunds.execute(refunds.request(payment.pk, amount="4.00").pk)
    assert refund.status == RefundStatus.PROCESSING
    sandbox.refund_status(str(refund.provider_refund_id), "succeeded")  # nobody tells the hub
    sweeper.sweep()
    refund.refresh_from_db()
    assert refund.status == RefundStatus.PROCESSING

    made_ago(refund, hours=2)
    sweeper.sweep()

    refund.refresh_from_db()
    assert (refund.status, world.fresh(payment).refunded_minor) == (RefundStatus.COMPLETED, 400)


def test_a_paused_account_is_not_asked(sandbox: SandboxClient) -> None:
    in_hand(hours=2)
    before = len(sandbox.calls())
    accounts.pause(world.account(), 3600)

    assert sweeper.sweep().looked_up == 0

    assert len(sandbox.calls()) == before


def test_a_provider_without_a_look_up_is_not_asked(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    in_hand(hours=2)
    before = len(sandbox.calls())
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "capabilities", replace(provider.capabilities, look_up=False))

    sweeper.sweep()

    assert len(sandbox.calls()) == before
    assert polling.due(limit=10) == []


def test_two_sweeps_at_once_look_a_payment_up_once(sandbox: SandboxClient) -> None:
    payment = in_hand(hours=2)
    before = len(world.lookups(sandbox))

    results = world.at_once([lambda: polling.look_again(payment.pk)] * 3)

    assert results == [None, None, None]
    assert len(world.lookups(sandbox)) - before == 1


# -- the schedule -----------------------------------------------------------------------------------------------------


def test_a_sweep_that_nobody_took_in_time_expires() -> None:
    (entry,) = beat_schedule(sweep_every_s=15).values()
    assert (entry["schedule"], entry["options"]["expires"]) == (timedelta(seconds=15), 15)


def test_the_first_key_of_a_moment_parts_what_was_made_before_it_from_what_comes_after() -> None:
    """By it the sweeper reads the last day of payments, and not all of them."""
    before = new_id()
    time.sleep(0.002)
    first = first_id_at(timezone.now())
    time.sleep(0.002)
    assert before < first < new_id()
