"""Tasks: load an id, call a service. How often they run does not matter, and neither does what a message says."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from celery import current_app

from django_payments_hub import dispatch, tasks
from django_payments_hub.domain.statuses import PaymentStatus, RefundStatus
from django_payments_hub.models import Payment, Refund
from django_payments_hub.models.base import new_id
from django_payments_hub.services import refunds
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hub_on_sandbox", "no_worker")]

WITH_AN_ID = [tasks.execute_refund, tasks.resume_operation, tasks.resume_method, tasks.sync_payment]
ALL = [*WITH_AN_ID, tasks.drain_inbox, tasks.drain_events, tasks.sweep]


@pytest.mark.parametrize("task", ALL, ids=lambda task: task.name)
def test_a_task_is_acknowledged_after_it_ran_and_given_back_when_its_process_dies(task: Any) -> None:
    assert (task.acks_late, task.reject_on_worker_lost, task.ignore_result) == (True, True, True)
    assert 0 < task.max_retries <= 10
    assert current_app.tasks[task.name] is not None


def test_what_is_dispatched_is_registered() -> None:
    names = {dispatch.INBOX, dispatch.EVENTS, dispatch.REFUND, dispatch.OPERATION, dispatch.SYNC}
    assert names <= {task.name for task in ALL}


@pytest.mark.parametrize("task", WITH_AN_ID, ids=lambda task: task.name)
@pytest.mark.parametrize("junk", ["", "x", None, 7, {"a": 1}, "1 OR 1=1", ["x"]], ids=repr)
def test_a_message_that_names_no_id_is_dropped(task: Any, junk: object) -> None:
    """S22."""
    task(junk)


@pytest.mark.parametrize("task", WITH_AN_ID, ids=lambda task: task.name)
def test_a_message_about_a_row_that_is_not_there_is_dropped(task: Any) -> None:
    task(str(new_id()))


def test_a_refund_is_carried_out_once_however_often_its_task_runs(sandbox: SandboxClient) -> None:
    """I17."""
    payment = world.pay()
    refund = refunds.request(payment.pk)
    world.at_once([partial(tasks.execute_refund, str(refund.pk))] * 5)
    tasks.execute_refund(str(refund.pk))
    assert Refund.objects.get().status == RefundStatus.COMPLETED
    assert len(sandbox.calls("refunds.create")) == 1


def test_an_operation_of_a_paused_account_is_sent_by_its_task(sandbox: SandboxClient) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from django_payments_hub.models import ProviderAccount
    from django_payments_hub.services import accounts

    row = world.account()
    ProviderAccount.objects.filter(pk=row.pk).update(paused_until=timezone.now() + timedelta(hours=1))
    accounts.forget()
    payment = world.pay()
    assert (payment.status, sandbox.calls()) == (PaymentStatus.PENDING, [])
    operation = world.only_operation(payment, "pay")
    tasks.resume_operation(str(operation.pk))
    assert sandbox.calls() == []
    world.make_due()
    tasks.resume_operation(str(operation.pk))
    assert world.fresh(payment).status == PaymentStatus.COMPLETED


def test_a_returning_browser_has_its_payment_looked_up(sandbox: SandboxClient) -> None:
    payment = world.pay(token="pm_card_threeDSecure2Required")
    sandbox.complete_action(payment.provider_payment_id or "")
    tasks.sync_payment(str(payment.pk))
    assert world.fresh(payment).status == PaymentStatus.COMPLETED


def test_drainers_and_the_sweep_work_without_anybody_having_asked(sandbox: SandboxClient) -> None:
    for _ in range(2):
        world.pay(world.make_order())
    for task in (tasks.drain_inbox, tasks.drain_events, tasks.sweep):
        task()
    assert set(Payment.objects.values_list("status", flat=True)) == {"completed"}
