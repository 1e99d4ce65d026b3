"""I17, I18: any number of deliveries is one effect, and operations on one payment exclude each other.

Real threads, each with its own connection, against whatever database DATABASE_URL names.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import close_old_connections
from django.utils import timezone

from django_payments_hub.domain.statuses import OperationState, PaymentStatus, RefundStatus
from django_payments_hub.exceptions import Conflict, RuleViolation
from django_payments_hub.models import Operation, OrderRef, Payment, Refund, TransactionLog, WebhookEvent
from django_payments_hub.services import accounts, inbox, operations, payments, refunds, sweeper
from django_payments_hub.testing.sandbox import SandboxClient
from example_project.shop.models import Order
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)


def test_five_deliveries_of_a_refund_are_one(sandbox: SandboxClient) -> None:
    payment = world.pay()
    refund = refunds.request(payment.pk, amount="4.00")
    results = world.at_once([partial(refunds.execute, refund.pk)] * 5)
    assert not [result for result in results if isinstance(result, Exception)]
    world.converge()
    refund.refresh_from_db()
    assert refund.status == RefundStatus.COMPLETED
    assert Operation.objects.filter(refund=refund).count() == 1
    assert len(sandbox.calls("refunds.create")) == 1
    assert world.books_of(sandbox, payment)["refunded"] == 400


def test_five_deliveries_of_an_operation_in_doubt_are_one(sandbox: SandboxClient) -> None:
    sandbox.fault("reset", operation="payment_intents.confirm", when="before")
    payment = world.pay()
    operation = world.only_operation(payment, "pay")
    world.make_due()
    results = world.at_once([partial(operations.resume, operation.pk)] * 5)
    assert sum(result is not None for result in results) == 1, results
    assert world.fresh(payment).status == PaymentStatus.COMPLETED
    assert world.effects(sandbox, "payment_intents.confirm") == 1


def test_sweepers_at_once_are_one(sandbox: SandboxClient) -> None:
    """F26: three beats, or cron beside beat."""
    sandbox.fault("reset", operation="payment_intents.confirm", when="before", times=3)
    lost = [world.pay() for _ in range(3)]
    paid = [world.pay() for _ in range(3)]
    for payment in paid:
        refunds.request(payment.pk, amount="4.00")
    world.make_due()
    results = world.at_once([sweeper.sweep] * 3)
    assert not [result for result in results if isinstance(result, Exception)]
    world.converge()
    assert {world.fresh(payment).status for payment in lost} == {PaymentStatus.COMPLETED}
    assert {world.fresh(payment).refunded_minor for payment in paid} == {400}
    assert world.effects(sandbox, "refunds.create") == 3
    assert world.effects(sandbox, "payment_intents.confirm") == 6


def test_a_holder_that_outlived_its_lease_may_not_send(sandbox: SandboxClient) -> None:
    """I17: SIGSTOP before the call, SIGCONT after the lease."""
    payment = world.authorize()
    sandbox.fault("status", operation="payment_intents.capture", status=429, body={"error": {}})
    payments.capture(payment.pk)
    world.make_due()
    zombie = operations.claim(world.only_operation(payment, "capture").pk)
    assert zombie is not None
    zombie.lease_until = timezone.now() - timedelta(seconds=1)
    world.make_due()
    assert operations.resume(zombie.pk) is not None
    calls = len(sandbox.calls())
    operations.perform(zombie)
    assert len(sandbox.calls()) == calls
    assert world.books_of(sandbox, payment)["captured"] == 1000 == world.fresh(payment).captured_minor


def test_the_bookkeeping_of_a_holder_that_lost_its_lease_is_not_taken(sandbox: SandboxClient) -> None:
    """The call of the zombie fails while a second holder works: the operation is the second one's."""
    payment = world.authorize()
    sandbox.fault("status", operation="payment_intents.capture", status=429, body={"error": {}})
    payments.capture(payment.pk)
    world.make_due()
    zombie = operations.claim(world.only_operation(payment, "capture").pk)
    assert zombie is not None
    world.make_due()
    second = operations.claim(zombie.pk)
    assert second is not None
    assert second.fence == zombie.fence + 1
    sandbox.fault("status", operation="payment_intents.capture", status=400, body={"error": {"type": "x", "code": "y"}})
    operations.perform(zombie)
    row = world.only_operation(payment, "capture")
    assert (row.state, row.fence, row.error_code) == (OperationState.SENT, second.fence, "provider_throttled")


def test_a_true_answer_of_a_late_holder_is_applied_once(sandbox: SandboxClient) -> None:
    payment = world.authorize()
    sandbox.fault("status", operation="payment_intents.capture", status=429, body={"error": {}})
    payments.capture(payment.pk)
    world.make_due()
    zombie = operations.claim(world.only_operation(payment, "capture").pk)
    assert zombie is not None
    Operation.objects.filter(pk=zombie.pk).update(fence=zombie.fence + 1)  # somebody else has it by now
    operations.perform(zombie)
    row = world.fresh(payment)
    assert (row.captured_minor, row.status) == (1000, PaymentStatus.COMPLETED)
    assert row.log.filter(to_status="completed").count() == 1


@pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_cancel_against_capture_is_exactly_one_of_them(sandbox: SandboxClient, rounds: int) -> None:
    """I18."""
    for _ in range(rounds):
        payment = world.authorize()
        results = world.at_once([partial(payments.capture, payment.pk), partial(payments.cancel, payment.pk)])
        refused = [result for result in results if isinstance(result, Exception)]
        assert len(refused) == 1, results
        assert isinstance(refused[0], Conflict | RuleViolation)
        row, books = world.fresh(payment), world.books_of(sandbox, payment)
        assert sorted((books["captured"], books["released"])) == [0, 1000]
        assert row.captured_minor == books["captured"]
        assert row.status == (PaymentStatus.COMPLETED if books["captured"] else PaymentStatus.CANCELLED)


def test_two_captures_at_once_are_one(sandbox: SandboxClient) -> None:
    payment = world.authorize()
    results = world.at_once([partial(payments.capture, payment.pk, amount="5.00")] * 4)
    assert sum(isinstance(result, Payment) for result in results) == 1, results
    assert world.books_of(sandbox, payment)["captured"] == 500 == world.fresh(payment).captured_minor


def test_refund_against_refund_never_passes_what_was_captured(sandbox: SandboxClient) -> None:
    """I1; the hundred payments are in tests/concurrency."""
    payment = world.pay()
    jobs = [partial(refunds.request, payment.pk, amount="6.00")] * 6
    results = world.at_once(jobs)
    assert sum(isinstance(result, Refund) for result in results) == 1, results
    assert world.fresh(payment).refund_reserved_minor == 600


def test_an_order_paid_from_several_tabs_is_paid_once(sandbox: SandboxClient) -> None:
    """F50; also the very first payment of an order, whose OrderRef is made by whoever is first."""
    order = world.make_order()
    results = world.at_once([partial(world.pay, order)] * 5)
    others = [result for result in results if not isinstance(result, Payment)]
    assert len(others) >= 1
    assert all(isinstance(result, Conflict | RuleViolation) for result in others), others
    world.converge()
    captured = sandbox.ledger()["totals"]["usd"]["captured"]
    assert captured == 1000
    assert OrderRef.objects.get().active_minor == 1000
    order.refresh_from_db()
    assert order.status == Order.Status.PAID


def test_a_deferred_payment_processed_twice_at_once_is_charged_once(sandbox: SandboxClient) -> None:
    payment = world.recorded()
    results = world.at_once([partial(payments.process, payment.pk, method_token="pm_card_visa")] * 4)
    assert sum(isinstance(result, Payment) for result in results) == 1, results
    assert world.books_of(sandbox, payment)["captured"] == 1000


def test_one_event_in_many_copies_at_once_is_one_effect(sandbox: SandboxClient) -> None:
    """I10, F34."""
    payment = world.pay()
    external = sandbox.external_refund(payment.provider_payment_id or "", 400)
    data = {
        "id": external["id"],
        "object": "refund",
        "balance_transaction": "txn_1",
        "amount": 400,
        "currency": "usd",
        "status": "succeeded",
        "payment_intent": payment.provider_payment_id,
        "metadata": {},
    }
    account = accounts.get("stripe")
    bodies = [world.notice("charge.refund.updated", data, event_id=f"evt_{n % 2}") for n in range(10)]
    results = world.at_once([partial(inbox.receive, account, body, world.signed(body)) for body in bodies])
    assert not [result for result in results if isinstance(result, Exception)], results
    assert WebhookEvent.objects.count() == 2
    world.at_once([inbox.drain] * 3)
    assert Refund.objects.count() == 1
    assert world.fresh(payment).refunded_minor == 400
    assert TransactionLog.objects.filter(event="refund.completed").count() == 1
    close_old_connections()
