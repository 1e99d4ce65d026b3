"""What holds for saved methods at every provider: kept once whatever is lost, with a payment and by itself; let go."""

from __future__ import annotations

from functools import partial
from typing import Literal

import pytest

from django_payments_hub.domain.statuses import MethodStatus, PaymentStatus
from django_payments_hub.models import Customer, Payment, PaymentMethod, TransactionLog
from django_payments_hub.services import methods, payments
from django_payments_hub.testing.sandbox import SandboxClient
from tests.merchant_fixtures import only
from tests.merchants import KEEPING, Merchant
from tests.services import world
from tests.services.saved import converge, fresh, kept

pytestmark = [pytest.mark.django_db(transaction=True), only(KEEPING)]


def one_active() -> PaymentMethod:
    return PaymentMethod.objects.get(status=MethodStatus.ACTIVE.value)


def pay_and_save(merchant: Merchant, sandbox: SandboxClient) -> Payment:
    return merchant.pay(sandbox, user=world.make_user(email="ada@example.com"), save_method=True)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_of_saving_keeps_one_method(
    merchant: Merchant, sandbox: SandboxClient, when: Literal["before", "after"]
) -> None:
    sandbox.fault("reset", operation=merchant.keep_call, when=when)
    begun = merchant.save(sandbox, world.make_user())
    assert begun.status == MethodStatus.PENDING
    converge()
    method = fresh(begun)
    assert (method.status, method.attention_code) == (MethodStatus.ACTIVE, "")
    assert kept(method.customer) == [method.provider_method_id]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_of_letting_go_is_let_go(
    merchant: Merchant, sandbox: SandboxClient, when: Literal["before", "after"]
) -> None:
    method = merchant.save(sandbox, world.make_user())
    sandbox.fault("reset", operation=merchant.detach_call, when=when)
    assert methods.detach(method.pk).status == MethodStatus.DETACHING
    converge()
    assert fresh(method).status == MethodStatus.DETACHED
    assert kept(method.customer) == []


@pytest.mark.parametrize("when", [None, "before", "after"])
def test_the_method_paid_with_is_kept_though_the_answer_of_keeping_it_is_lost(
    merchant: Merchant, sandbox: SandboxClient, when: Literal["before", "after"] | None
) -> None:
    # given a provider that keeps it while it pays, or by a call of its own, which is lost
    if when is not None:
        sandbox.fault("reset", operation=merchant.keep_call, when=when)
    payment = pay_and_save(merchant, sandbox)
    # when everything is finished
    converge()
    # then the payment stands, and its method is kept once
    method = one_active()
    assert kept(method.customer) == [method.provider_method_id]
    after = world.fresh(payment)
    assert (after.status, after.payment_method_id) == (PaymentStatus.COMPLETED, method.pk)
    (told,) = TransactionLog.objects.filter(payment=payment, event="payment.method_saved")
    assert told.data == {"method": str(method.pk)}
    assert (method.is_default, method.consent["payment"]) == (True, str(payment.pk))


def test_of_two_payments_that_save_at_once_one_method_is_left(merchant: Merchant, sandbox: SandboxClient) -> None:
    # given two payments of one user, both begun before either is paid
    user = world.make_user()
    begun = [merchant.begin(user=user, save_method=True) for _ in range(2)]
    for payment in begun:
        merchant.approve(sandbox, payment)
        if merchant.buyer:
            payment = payments.confirm(payment.pk)
    # when everything is finished
    converge()
    # then nothing is left that could be charged and that no row knows
    method = one_active()
    assert kept(method.customer) == [method.provider_method_id]
    assert world.effects(sandbox, merchant.detach_call) == 1
    assert {world.fresh(payment).status for payment in begun} == {PaymentStatus.COMPLETED}


def test_of_two_savings_at_once_each_is_kept_for_the_one_customer(merchant: Merchant, sandbox: SandboxClient) -> None:
    user = world.make_user()
    results = world.at_once([partial(merchant.begin_saving, user)] * 2)
    assert {getattr(row, "status", row) for row in results} <= {MethodStatus.PENDING, MethodStatus.ACTIVE}
    for row in results:
        assert isinstance(row, PaymentMethod)
        if row.provider_setup_id and fresh(row).status == MethodStatus.PENDING:
            sandbox.complete_setup(row.provider_setup_id)
            methods.confirm(row.pk)
    converge()
    method = one_active()  # the same card, or account, twice
    assert Customer.objects.get().provider_customer_id
    assert kept(method.customer) == [method.provider_method_id]


def test_a_payment_whose_method_cannot_be_kept_is_paid_all_the_same(merchant: Merchant, sandbox: SandboxClient) -> None:
    sandbox.fault("status", operation=merchant.keep_call, status=400, times=99)
    payment = pay_and_save(merchant, sandbox)
    converge()
    after = world.fresh(payment)
    assert after.status == PaymentStatus.COMPLETED
    refused = TransactionLog.objects.filter(payment=payment, event="payment.method_refused").count()
    assert (after.payment_method_id is None) == bool(refused)
    assert not PaymentMethod.objects.filter(status=MethodStatus.PENDING.value).exists()
