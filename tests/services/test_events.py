"""I19: the host is told at least once, after the commit, under a stable id; whoever fails there stops nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from django_payments_hub import signals
from django_payments_hub.domain.statuses import DeliveryState, PaymentStatus, RefundStatus, Stage
from django_payments_hub.models import EventDelivery, Payment, TransactionLog
from django_payments_hub.services import events, facts, health
from django_payments_hub.services.books import open_books
from django_payments_hub.signals import SIGNALS, Event, on
from example_project.shop.models import Order
from tests.services import world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("handlers")]


class Heard:
    """A handler that remembers what it was told and fails so often first."""

    def __init__(self, failures: int = 0):
        self.left, self.events = failures, list[Event]()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if self.left:
            self.left -= 1
            raise RuntimeError("the mail server is down")


def listen(pattern: str, name: str, *, failures: int = 0) -> Heard:
    heard = Heard(failures)
    on(pattern, handler_id=name)(heard)
    return heard


def complete(payment: Payment) -> None:
    facts.apply(world.captured_fact(payment), payment.account, world.by_webhook())


@pytest.fixture
def receiver() -> Iterator[Callable[[str, Callable[..., object]], None]]:
    """Connects Django receivers for the length of a test."""
    connected: list[tuple[str, Callable[..., object]]] = []

    def connect(name: str, function: Callable[..., object]) -> None:
        SIGNALS[name].connect(function, weak=False)
        connected.append((name, function))

    yield connect
    for name, function in connected:
        SIGNALS[name].disconnect(function)


def test_a_handler_is_told_of_its_event_and_no_other() -> None:
    paid, everything, refunded = listen("payment.completed", "a"), listen("payment.*", "b"), listen("refund.*", "c")
    payment = world.recorded()
    complete(payment)
    events.drain()
    [event] = paid.events
    assert (event.name, event.from_status, event.to_status) == ("payment.completed", "pending", "completed")
    assert (event.payment, event.refund, event.amounts["captured_minor"]) == (payment, None, 1000)
    assert [event.name for event in everything.events] == ["payment.created", "payment.completed"]
    assert refunded.events == []
    assert set(EventDelivery.objects.values_list("state", flat=True)) == {DeliveryState.DELIVERED}


def test_a_handler_runs_outside_every_transaction() -> None:
    open_blocks: list[bool] = []
    on("payment.completed", handler_id="a")(
        lambda event: open_blocks.append(transaction.get_connection().in_atomic_block)
    )
    complete(world.recorded())
    events.drain()
    assert open_blocks == [False]


def test_a_handler_that_fails_is_told_again_under_the_same_id_and_stops_nobody() -> None:
    failing, other = listen("payment.completed", "a", failures=2), listen("payment.completed", "b")
    payment = world.recorded()
    complete(payment)
    for _ in range(4):
        world.make_due()
        events.drain()
    assert len(failing.events) == 3
    assert len({event.id for event in failing.events}) == 1
    assert len(other.events) == 1
    assert world.fresh(payment).status == PaymentStatus.COMPLETED
    delivery = EventDelivery.objects.get(handler="a")
    assert (delivery.state, delivery.tries, delivery.error) == (DeliveryState.DELIVERED, 3, "")


def test_a_handler_that_never_works_waits_for_a_person_and_can_be_told_again() -> None:
    """I23."""
    failing = listen("payment.completed", "a", failures=10)
    complete(world.recorded())
    for _ in range(15):
        world.make_due()
        events.drain()
    delivery = EventDelivery.objects.get(handler="a")
    assert (delivery.state, delivery.tries, delivery.next_attempt_at) == (DeliveryState.FAILED, 10, None)
    assert delivery.error == "RuntimeError"
    assert "mail server" not in delivery.error, "what an exception says may be anything"
    events.replay(delivery.pk)
    events.drain()
    delivery.refresh_from_db()
    assert (delivery.state, len(failing.events)) == (DeliveryState.DELIVERED, 11)


def test_a_handler_this_process_does_not_know_is_waited_for() -> None:
    """Two versions at once: the old one leaves what it does not know to the new one."""
    listen("payment.completed", "a")
    complete(world.recorded())
    signals.off("a")
    events.drain()
    delivery = EventDelivery.objects.get(handler="a")
    assert (delivery.state, delivery.error) == (DeliveryState.PENDING, "LookupError")
    heard = listen("payment.completed", "a")
    world.make_due()
    events.drain()
    assert len(heard.events) == 1


def test_what_was_rolled_back_is_told_to_nobody() -> None:
    heard = listen("payment.*", "a")
    payment = world.recorded()
    events.drain()

    def fail_after_merging() -> None:
        with open_books(payment, world.by_webhook()) as books:
            facts.merge(books, world.captured_fact(payment), payment.account)
            raise KeyError

    with pytest.raises(KeyError):
        fail_after_merging()
    events.drain()
    assert [event.name for event in heard.events] == ["payment.created"]
    assert world.fresh(payment).status == PaymentStatus.PENDING


# -- Django signals ---------------------------------------------------------------------------------------------------


def test_signals_of_the_same_names_are_sent(receiver: Any) -> None:
    told: list[Any] = []
    receiver("payment.completed", lambda sender, event, **_: told.append((sender, event.payment.status)))
    complete(world.recorded())
    events.drain()
    assert told == [(Payment, "completed")]


def test_a_receiver_that_raises_does_not_stop_the_next_one(receiver: Any) -> None:
    told: list[str] = []

    def fail(**_: Any) -> None:
        told.append("first")
        raise RuntimeError

    receiver("payment.completed", fail)
    receiver("payment.completed", lambda **_: told.append("second"))
    complete(world.recorded())
    events.drain()
    assert told == ["first", "second"]
    delivery = EventDelivery.objects.get(handler=signals.SIGNAL_HANDLER)
    assert (delivery.state, delivery.error) == (DeliveryState.PENDING, "RuntimeError"), "and the first is called again"


# -- the order's own hook ---------------------------------------------------------------------------------------------


@pytest.fixture
def broken_hook(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The order's hook writes, and then raises; until the returned function mends it."""
    whole = Order.on_payment_update
    broken = [True]

    def hook(order: Order, payment: Payment) -> None:
        whole(order, payment)
        if broken:
            raise RuntimeError("a bug of the host's")

    monkeypatch.setattr(Order, "on_payment_update", hook)
    return broken.clear


def test_a_hook_that_raises_leaves_the_fact_standing_and_is_repeated(broken_hook: Callable[[], None]) -> None:
    order = world.make_order()
    payment = world.recorded(order=order)
    complete(payment)
    assert world.fresh(payment).status == PaymentStatus.COMPLETED
    order.refresh_from_db()
    assert (order.status, order.paid_minor) == (Order.Status.OPEN, 0), "what the hook wrote is rolled back"
    delivery = EventDelivery.objects.get(handler=events.ORDER_HOOK)
    assert delivery.log == payment.log.first()
    broken_hook()
    world.make_due()
    events.drain()
    order.refresh_from_db()
    delivery.refresh_from_db()
    assert (order.status, delivery.state) == (Order.Status.PAID, DeliveryState.DELIVERED)


def test_a_hook_repeated_late_sees_the_payment_as_it_is_by_then(broken_hook: Callable[[], None]) -> None:
    order = world.make_order()
    payment = world.recorded(order=order)
    complete(payment)
    broken_hook()
    refund = world.refund_fact(payment, "re_1", 1000, RefundStatus.COMPLETED)
    facts.apply(refund, payment.account, world.by_webhook())
    world.make_due()
    events.drain()
    order.refresh_from_db()
    assert (order.status, order.paid_minor) == (Order.Status.REFUNDED, 0)


def test_a_hook_that_breaks_its_transaction_takes_only_itself_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def hook(_: Order, payment: Payment) -> None:
        Payment.objects.filter(pk=payment.pk).update(amount_minor=-5)  # refused by the database

    monkeypatch.setattr(Order, "on_payment_update", hook)
    payment = world.recorded(order=world.make_order())
    complete(payment)
    row = world.fresh(payment)
    assert (row.status, row.amount_minor) == (PaymentStatus.COMPLETED, 1000)
    assert EventDelivery.objects.filter(handler=events.ORDER_HOOK).count() == 1


def test_the_hook_is_called_inside_the_transaction_with_the_order_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bool, str]] = []
    monkeypatch.setattr(
        Order,
        "on_payment_update",
        lambda _, payment: seen.append((transaction.get_connection().in_atomic_block, payment.status)),
    )
    complete(world.recorded(order=world.make_order()))
    assert seen == [(True, "completed")]


def test_details_are_no_news_to_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(Order, "on_payment_update", lambda _, payment: seen.append(payment.status))
    payment = world.recorded(order=world.make_order())
    fact = world.payment_fact(payment, Stage.OPEN, provider_payment_id="pi_1")
    facts.apply(fact, payment.account, world.by_webhook())
    assert world.fresh(payment).provider_payment_id == "pi_1"
    assert seen == []
    assert TransactionLog.objects.count() == 1


# -- the heartbeat ----------------------------------------------------------------------------------------------------


def test_the_age_of_the_oldest_due_delivery_tells_whether_anybody_drains() -> None:
    """F25."""
    assert health.overdue_deliveries_s() == 0
    listen("payment.completed", "a")
    complete(world.recorded())
    world.make_due()
    assert 1 <= health.overdue_deliveries_s() < 60
    events.drain()
    assert health.overdue_deliveries_s() == 0
