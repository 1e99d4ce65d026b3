"""Operations that wait for a person: the ways out, and what they do to the books."""

from __future__ import annotations

import pytest

from django_payments_hub.domain.statuses import OperationKind, OperationState, PaymentStatus, RefundStatus
from django_payments_hub.exceptions import NotFound, RuleViolation
from django_payments_hub.models import Operation, Payment, Refund, TransactionLog
from django_payments_hub.models.base import new_id
from django_payments_hub.services import parked, payments, refunds
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)

A_WEEK_S = 7 * 86_400


def lost_refund(sandbox: SandboxClient, when: str) -> tuple[Payment, Refund, Operation]:
    """A refund whose answer was lost `before` or `after` its effect, parked because the key's window has passed."""
    payment = world.pay(world.make_order("100.00"))
    refund = refunds.request(payment.pk, amount="40.00")
    sandbox.fault("reset", operation="refunds.create", when=when)  # type: ignore[arg-type]
    refunds.execute(refund.pk)
    operation = world.only_operation(payment, OperationKind.REFUND.value)
    world.age_operation(operation, A_WEEK_S)
    if when == "before":
        world.make_due()
        assert world.resume(operation.pk) is not None
        operation.refresh_from_db()
        assert operation.attention_code == "key_window_passed"
    else:
        Operation.objects.filter(pk=operation.pk).update(next_attempt_at=None, attention_code="tries_exhausted")
        operation.refresh_from_db()
    assert parked.is_parked(operation)
    return payment, refund, operation


def test_what_did_not_happen_releases_its_reservation(sandbox: SandboxClient) -> None:
    payment, refund, operation = lost_refund(sandbox, "before")
    clerk = world.make_user(is_staff=True)
    parked.declare_not_happened(operation.pk, reason="not in the dashboard", actor=clerk)
    refund.refresh_from_db()
    operation.refresh_from_db()
    assert (refund.status, operation.state) == (RefundStatus.FAILED, OperationState.FAILED)
    assert world.fresh(payment).refundable_minor == 10_000
    row = TransactionLog.objects.get(event="operation.resolved")
    assert (row.actor, row.data["reason"], row.operation_id) == (clerk, "not in the dashboard", operation.pk)
    # and the customer can have his money after all
    again = refunds.request(payment.pk, amount="40.00")
    assert refunds.execute(again.pk).status == RefundStatus.COMPLETED
    assert world.books_of(sandbox, payment)["refunded"] == 4_000


def test_the_provider_is_asked_before_a_person_is_believed(sandbox: SandboxClient) -> None:
    payment, refund, operation = lost_refund(sandbox, "after")
    with pytest.raises(RuleViolation) as refused:
        parked.declare_not_happened(operation.pk, reason="I did not look")
    assert refused.value.code == "operation_happened"
    refund.refresh_from_db()
    operation.refresh_from_db()
    assert (refund.status, operation.state) == (RefundStatus.COMPLETED, OperationState.SUCCEEDED)
    assert world.fresh(payment).refunded_minor == 4_000


def test_a_payment_that_never_was_gives_its_order_back(sandbox: SandboxClient) -> None:
    order = world.make_order("100.00")
    sandbox.fault("reset", operation="payment_intents.create", when="before")
    payment = world.pay(order)
    operation = world.only_operation(payment, OperationKind.PAY.value)
    world.age_operation(operation, A_WEEK_S)
    world.make_due()
    world.resume(operation.pk)
    parked.declare_not_happened(operation.pk, reason="not in the dashboard")
    assert world.fresh(payment).status == PaymentStatus.FAILED
    assert world.pay(order).status == PaymentStatus.COMPLETED


def test_a_second_try_looks_first(sandbox: SandboxClient) -> None:
    payment, _refund, operation = lost_refund(sandbox, "after")
    parked.try_again(operation.pk)
    world.resume(operation.pk)
    assert world.fresh(payment).refunded_minor == 4_000
    assert world.effects(sandbox, "refunds.create") == 1


@pytest.mark.parametrize("decide", [parked.try_again, lambda key: parked.declare_not_happened(key, reason="x")])
def test_only_what_waits_for_a_person_is_decided(sandbox: SandboxClient, decide) -> None:
    payment = world.pay(world.make_order())
    with pytest.raises(RuleViolation) as refused:
        decide(world.only_operation(payment, OperationKind.PAY.value).pk)
    assert refused.value.code in ("operation_not_parked", "operation_happened")
    with pytest.raises(NotFound):
        decide(new_id())
    assert payments.sync(payment.pk).status == PaymentStatus.COMPLETED
