"""An order follows its payments, in the transaction that changes them; its receipt follows afterwards, once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models.deletion import ProtectedError
from django.test.utils import CaptureQueriesContext

from django_payments_hub.domain.statuses import DeliveryState, RefundStatus, Stage
from django_payments_hub.models import EventDelivery, Payment
from django_payments_hub.services import events, facts, payments, refunds
from django_payments_hub.testing.sandbox import SandboxClient
from example_project.shop.models import Order, Receipt
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)

HANDLER = "shop.write_receipt"


def state(order: Order) -> tuple[str, str]:
    order.refresh_from_db()
    return order.status, str(order.paid.amount)


def transactions(captured: CaptureQueriesContext) -> list[list[str]]:
    """The statements of each outermost transaction that was committed."""
    found: list[list[str]] = []
    inside: list[str] | None = None
    for query in captured.captured_queries:
        sql = query["sql"]
        if sql.startswith("BEGIN"):
            inside = []
        elif sql == "COMMIT" and inside is not None:
            found.append(inside)
            inside = None
        elif inside is not None:
            inside.append(sql)
    return found


def is_paid_update(sql: str) -> bool:
    return sql.startswith("UPDATE") and "shop_order" in sql and "'paid'" in sql


def is_completion(sql: str) -> bool:
    return sql.startswith("UPDATE") and "payments_hub_payment" in sql and "'completed'" in sql


def test_an_order_becomes_paid_in_the_transaction_of_its_payment(sandbox: SandboxClient) -> None:
    # given an open order
    order = world.make_order("24.50")
    # when its payment completes
    with CaptureQueriesContext(connection) as captured:
        payment = world.pay(order)
    # then both rows were written between the same BEGIN and COMMIT
    assert (payment.status, state(order)) == ("completed", ("paid", "24.50"))
    (both,) = [block for block in transactions(captured) if any(map(is_completion, block))]
    assert any(map(is_paid_update, both))


def test_an_order_stays_open_when_the_transaction_of_its_payment_fails(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a payment that was started and whose fact is told while the log cannot be written
    order = world.make_order("24.50")
    payment = world.recorded(order=order)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is full")  # a fault inside the transaction that no component can be asked for

    monkeypatch.setattr(events, "append", broken)
    # when the fact is applied
    with pytest.raises(RuntimeError, match="disk is full"):
        facts.apply(world.captured_fact(payment), payment.account, world.by_webhook(payment.account))
    # then neither row has changed
    assert state(order) == ("open", "0.00")
    assert world.fresh(payment).captured_minor == 0


def test_a_reserved_order_is_paid_by_its_capture(sandbox: SandboxClient) -> None:
    order = world.make_order("89.00")
    payment = world.authorize(order=order)
    assert state(order) == ("reserved", "0.00")
    payments.capture(payment.pk, amount="60.00")
    assert state(order) == ("part", "60.00")


def test_a_released_reservation_leaves_the_order_open(sandbox: SandboxClient) -> None:
    order = world.make_order("89.00")
    payments.cancel(world.authorize(order=order).pk)
    assert state(order) == ("open", "0.00")


def test_a_decline_leaves_the_order_open_for_another_card(sandbox: SandboxClient) -> None:
    order = world.make_order("12.90")
    assert world.pay(order, token="pm_card_chargeDeclined").status == "failed"
    assert state(order) == ("open", "0.00")
    assert world.pay(order).status == "completed"
    assert state(order) == ("paid", "12.90")


def test_refunds_reduce_what_was_paid_until_all_is_given_back(sandbox: SandboxClient) -> None:
    order = world.make_order("149.95")
    payment = world.pay(order)
    refunds.execute(refunds.request(payment.pk, amount="49.95").pk)
    assert state(order) == ("paid", "100.00")
    refunds.execute(refunds.request(payment.pk).pk)
    assert state(order) == ("refunded", "0.00")


def test_an_order_with_payments_cannot_be_deleted(sandbox: SandboxClient) -> None:
    # given one order with a payment, even a declined one, and one without
    paid, bare = world.make_order("10.00"), world.make_order("10.00")
    world.pay(paid, token="pm_card_chargeDeclined")
    # when both are to be deleted
    with pytest.raises(ProtectedError):
        paid.delete()
    with pytest.raises(ProtectedError):
        Order.objects.filter(pk=paid.pk).delete()
    bare.delete()
    # then the one with the payment is kept
    assert list(Order.objects.all()) == [paid]
    assert Payment.objects.count() == 1


def test_an_order_knows_who_may_pay_it(django_user_model: Any) -> None:
    owner, other, clerk = (world.make_user(), world.make_user(), world.make_user(is_staff=True))
    owned, of_guest = world.make_order(user=owner), world.make_order()
    assert owned.payable(None) is None
    assert owned.payable(other) is None
    for user in (owner, clerk):
        payable = owned.payable(user)
        assert payable is not None
        assert (payable.owner_id, payable.guest_token) == (owner.pk, "")
    payable = of_guest.payable(None)
    assert payable is not None
    assert (payable.owner_id, payable.guest_token) == (None, of_guest.guest_token)


# -- receipts ---------------------------------------------------------------------------------------------------------


def deliver_again() -> None:
    EventDelivery.objects.filter(handler=HANDLER).update(state=DeliveryState.PENDING.value)
    world.make_due()
    EventDelivery.objects.filter(handler=HANDLER).update(next_attempt_at=world.account().created_at)
    events.drain()


def test_a_receipt_is_written_once_however_often_the_event_comes(sandbox: SandboxClient) -> None:
    order = world.make_order("24.50")
    payment = world.pay(order)
    assert not Receipt.objects.exists()  # a handler's work is no part of the payment's transaction
    events.drain()
    deliver_again()
    receipt = Receipt.objects.get()
    assert (receipt.order, receipt.payment_number, str(receipt.amount.amount)) == (order, payment.number, "24.50")
    delivery = EventDelivery.objects.get(handler=HANDLER)
    assert (delivery.tries, delivery.state, delivery.error) == (2, "delivered", "")


def test_a_refund_that_failed_is_no_second_sale(sandbox: SandboxClient) -> None:
    # given a payment with its receipt, refunded
    payment = world.pay(world.make_order("10.00"))
    account = payment.account
    facts.apply(world.refund_fact(payment, "re_1", 1000, RefundStatus.COMPLETED), account, world.by_webhook(account))
    # when the refund fails after all and the payment is complete again
    facts.apply(world.refund_fact(payment, "re_1", 1000, RefundStatus.FAILED), account, world.by_webhook(account))
    assert world.fresh(payment).status == "completed"
    events.drain()
    # then there is the one receipt
    assert EventDelivery.objects.filter(handler=HANDLER, state=DeliveryState.DELIVERED.value).count() == 2
    assert Receipt.objects.count() == 1


def test_a_payment_without_an_order_has_no_receipt(sandbox: SandboxClient) -> None:
    payment = world.pay()
    events.drain()
    assert (payment.status, payment.stage) == ("completed", Stage.CAPTURED)
    assert not Receipt.objects.exists()
