"""A customer's approval at a provider that moves nothing by itself becomes one operation of the hub's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_payments_hub.domain.statuses import (
    FailureCode,
    Flow,
    OperationKind,
    OperationState,
    PaymentStatus,
    Stage,
    Verdict,
)
from django_payments_hub.exceptions import Conflict
from django_payments_hub.models import Operation, Payment
from django_payments_hub.provider_kit.types import Failure, PaymentResult
from django_payments_hub.services import answers, facts, operations, orders, payments
from example_project.shop.models import Order
from tests.services import world

DECLINED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hub_on_sandbox", "no_worker")]


@pytest.fixture
def payment() -> Payment:
    return world.recorded()


def approve(payment: Payment, stage: Stage = Stage.REQUIRES_ACTION, **more: Any) -> Verdict:
    fact = world.payment_fact(payment, stage, awaits_confirm=True, **more)
    return facts.apply(fact, world.account(), world.by_webhook())


def confirmations(payment: Payment) -> list[Operation]:
    return list(Operation.objects.filter(payment=payment, kind=OperationKind.CONFIRM.value))


def test_an_approval_writes_the_operation_that_confirms(payment: Payment) -> None:
    approve(payment)
    (operation,) = confirmations(payment)
    assert (operation.state, operation.tries, operation.first_sent_at) == (OperationState.CREATED, 0, None)
    assert (operation.amount_minor, operation.exclusive_key) == (payment.amount_minor, payment.pk)
    assert operation.next_attempt_at is not None


def test_the_same_approval_told_again_writes_no_second_one(payment: Payment) -> None:
    for _ in range(3):
        approve(payment)
    assert len(confirmations(payment)) == 1


def test_approvals_told_at_once_write_one_operation(payment: Payment) -> None:
    verdicts = world.at_once([lambda: approve(payment) for _ in range(8)])
    assert all(isinstance(verdict, Verdict) for verdict in verdicts)
    assert len(confirmations(payment)) == 1


def test_an_approval_after_the_expiry_is_left_to_the_withdrawal(payment: Payment) -> None:
    Payment.objects.filter(pk=payment.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    approve(payment)
    assert confirmations(payment) == []


@pytest.mark.parametrize("stage", [Stage.CANCELLED, Stage.EXPIRED, Stage.FAILED])
def test_an_approval_of_what_is_over_confirms_nothing(payment: Payment, stage: Stage) -> None:
    facts.apply(world.payment_fact(payment, stage), world.account(), world.by_webhook())
    approve(payment)
    assert confirmations(payment) == []


def test_an_approval_of_what_is_paid_confirms_nothing(payment: Payment) -> None:
    facts.apply(world.captured_fact(payment), world.account(), world.by_webhook())
    approve(payment)
    assert confirmations(payment) == []
    assert world.fresh(payment).status == PaymentStatus.COMPLETED


def test_while_a_withdrawal_is_under_way_nothing_is_confirmed(payment: Payment) -> None:
    facts.apply(world.payment_fact(payment, Stage.REQUIRES_ACTION), world.account(), world.by_webhook())
    Operation.objects.create(
        payment=payment,
        kind=OperationKind.CANCEL.value,
        state=OperationState.SENT.value,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        exclusive_key=payment.pk,
    )
    approve(payment)
    assert confirmations(payment) == []


def test_after_a_refused_try_another_approval_confirms_again(payment: Payment) -> None:
    approve(payment)
    (first,) = confirmations(payment)
    Operation.objects.filter(pk=first.pk).update(state=OperationState.DECLINED.value, exclusive_key=None)
    approve(payment)
    assert len(confirmations(payment)) == 2


def declined(payment: Payment) -> None:
    """The confirmation that is open ends so."""
    (operation,) = [row for row in confirmations(payment) if row.is_open]
    fact = world.payment_fact(payment, Stage.DECLINED, occurred_at=DECLINED_AT)
    failure = Failure(code=FailureCode.CARD_DECLINED)
    answers.settle_result(operation, PaymentResult(fact=fact, failure=failure), world.by_webhook())


@pytest.mark.parametrize(
    ("approved_after_s", "confirms"), [(None, False), (-60, False), (0, False), (1, True)], ids=str
)
def test_after_a_decline_only_a_newer_approval_confirms_again(
    payment: Payment, approved_after_s: int | None, confirms: bool
) -> None:
    """By the provider's clock: an old approval may be told late, or be shown for ever."""
    Payment.objects.filter(pk=payment.pk).update(flow=Flow.HOSTED.value)
    approve(payment, occurred_at=DECLINED_AT - timedelta(seconds=5))
    declined(payment)
    at = None if approved_after_s is None else DECLINED_AT + timedelta(seconds=approved_after_s)
    for _ in range(2):
        approve(payment, occurred_at=at)
    assert len(confirmations(payment)) == (2 if confirms else 1)


def test_what_is_declined_again_and_again_waits_for_a_person(payment: Payment) -> None:
    Payment.objects.filter(pk=payment.pk).update(flow=Flow.HOSTED.value)
    for n in range(12):
        approve(payment, occurred_at=DECLINED_AT + timedelta(seconds=n + 1))
        if any(row.is_open for row in confirmations(payment)):
            declined(payment)
    assert len(confirmations(payment)) == 10
    assert world.fresh(payment).attention_code == "confirm_refused"


def test_an_approval_of_an_order_that_costs_something_else_by_now_confirms_nothing() -> None:
    """F51: as when the customer asks for the confirmation himself."""
    user = world.make_user()
    order = world.make_order("10.00", user=user)
    payment = world.recorded(order=order, user=user, token="")
    order.lines.update(price=12)
    approve(payment)
    assert confirmations(payment) == []
    assert world.fresh(payment).status == PaymentStatus.REQUIRES_ACTION
    # and once it costs the same again, the next word of the approval confirms it
    order.lines.update(price=10)
    approve(payment)
    assert len(confirmations(payment)) == 1


def test_an_order_that_cannot_be_asked_loses_no_approval(monkeypatch: pytest.MonkeyPatch) -> None:
    user = world.make_user()
    payment = world.recorded(order=world.make_order(user=user), user=user, token="")
    monkeypatch.setattr(Order, "payable", lambda *_: 1 / 0)
    approve(payment)
    assert confirmations(payment) == []
    assert world.fresh(payment).status == PaymentStatus.REQUIRES_ACTION
    monkeypatch.undo()
    approve(payment)
    assert len(confirmations(payment)) == 1


def test_a_guests_order_paid_by_somebody_who_logged_in_is_confirmed() -> None:
    order = world.make_order()
    terms = orders.terms_of(order, None, guest_token=order.guest_token)
    payment = world.recorded(user=world.make_user(), token="", terms=terms)
    approve(payment)
    assert len(confirmations(payment)) == 1


def test_a_withdrawal_takes_back_a_confirmation_nobody_has_begun(payment: Payment) -> None:
    approve(payment)
    (operation,) = confirmations(payment)
    payments.cancel(payment.pk)
    assert operations.resume(operation.pk) is None
    (after,) = confirmations(payment)
    assert (after.state, after.tries, after.error_code) == (OperationState.FAILED, 0, "cancelled")


def test_a_confirmation_that_was_begun_is_not_overtaken_by_a_withdrawal(payment: Payment) -> None:
    approve(payment)
    (operation,) = confirmations(payment)
    assert operations.claim(operation.pk) is not None
    with pytest.raises(Conflict) as refused:
        payments.cancel(payment.pk)
    assert refused.value.code == "operation_in_progress"
    assert world.fresh(payment).status == PaymentStatus.REQUIRES_ACTION


def test_an_approval_that_proves_a_lost_call_is_confirmed_at_once(payment: Payment) -> None:
    Operation.objects.create(
        payment=payment,
        kind=OperationKind.PAY.value,
        state=OperationState.UNKNOWN.value,
        in_doubt=True,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        exclusive_key=payment.pk,
    )
    approve(payment)
    assert world.only_operation(payment, "pay").state == OperationState.SUCCEEDED
    assert len(confirmations(payment)) == 1


def test_what_is_refused_again_and_again_waits_for_a_person(payment: Payment) -> None:
    for _ in range(3):
        approve(payment)
        Operation.objects.filter(payment=payment, state=OperationState.CREATED.value).update(
            state=OperationState.FAILED.value, exclusive_key=None
        )
    approve(payment)
    assert len(confirmations(payment)) == 3
    assert world.fresh(payment).attention_code == "confirm_refused"
