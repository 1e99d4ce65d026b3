"""Many at once, on real threads: one customer, one default, one effect; letting go against paying."""

from __future__ import annotations

from functools import partial

import pytest

from django_payments_hub.domain.statuses import MethodStatus, PaymentStatus
from django_payments_hub.exceptions import NotFound, OutcomeUnknown
from django_payments_hub.models import Customer, Payment, PaymentMethod
from django_payments_hub.services import accounts, customers, method_calls, methods, payments, sweeper
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world
from tests.services.saved import ASKS_ALWAYS, MASTERCARD, converge, fresh, kept, make_due, save

pytestmark = pytest.mark.django_db(transaction=True)


def errors(results: list[object]) -> list[Exception]:
    return [result for result in results if isinstance(result, Exception)]


def test_ten_who_need_a_customer_make_one(sandbox: SandboxClient) -> None:
    user, account = world.make_user(email="ada@example.com"), accounts.get("stripe")
    results = world.at_once([partial(customers.ensure, user, account)] * 10)
    assert not errors(results)
    assert {str(result) for result in results} == {Customer.objects.get().provider_customer_id}
    assert len(sandbox.calls("customers.create")) == 1


def test_a_customer_whose_maker_died_is_made_by_the_others_once(sandbox: SandboxClient) -> None:
    user, account = world.make_user(), accounts.get("stripe")
    sandbox.fault("reset", operation="customers.create", when="after")
    with pytest.raises(OutcomeUnknown):
        customers.ensure(user, account)
    results = world.at_once([partial(customers.ensure, user, account)] * 5)
    assert not errors(results)
    assert world.effects(sandbox, "customers.create") == 1


def test_of_many_defaults_at_once_one_is(sandbox: SandboxClient) -> None:
    """S26."""
    user = world.make_user()
    rows = [save(user, token) for token in ("pm_card_visa", MASTERCARD, "pm_card_amex", "pm_card_discover")]
    results = world.at_once([partial(methods.set_default, row.pk) for row in rows * 3])
    assert not errors(results)
    assert PaymentMethod.objects.filter(user=user, default_key__isnull=False).count() == 1


def test_of_two_first_cards_at_once_one_is_the_default(sandbox: SandboxClient) -> None:
    user = world.make_user()
    results = world.at_once([partial(save, user, token) for token in ("pm_card_visa", MASTERCARD)])
    assert not errors(results)
    assert PaymentMethod.objects.filter(status=MethodStatus.ACTIVE.value).count() == 2
    assert PaymentMethod.objects.filter(default_key__isnull=False).count() == 1


def test_the_same_card_saved_at_once_is_one_method(sandbox: SandboxClient) -> None:
    user = world.make_user()
    results = world.at_once([partial(save, user)] * 4)
    assert not errors(results)
    (method,) = PaymentMethod.objects.filter(status=MethodStatus.ACTIVE.value)
    converge()
    assert kept(method.customer) == [method.provider_method_id]


def test_customers_who_come_back_twice_finish_once(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), ASKS_ALWAYS)
    sandbox.complete_setup(method.provider_setup_id)
    results = world.at_once([partial(methods.confirm, method.pk)] * 5)
    assert not errors(results)
    assert methods.confirm(method.pk).status == MethodStatus.ACTIVE


def test_sweepers_at_once_save_and_let_go_once(sandbox: SandboxClient) -> None:
    user = world.make_user()
    gone = save(user)
    sandbox.fault("reset", operation="payment_methods.detach", when="before")
    sandbox.fault("reset", operation="setup_intents.create", when="before")
    methods.detach(gone.pk)
    lost = save(user, MASTERCARD)
    make_due()
    results = world.at_once([sweeper.sweep] * 3)
    assert not errors(results)
    assert (fresh(gone).status, fresh(lost).status) == (MethodStatus.DETACHED, MethodStatus.ACTIVE)
    assert world.effects(sandbox, "payment_methods.detach") == 1
    assert world.effects(sandbox, "setup_intents.create") == 2


def test_letting_go_against_paying_ends_with_either_and_loses_nothing(sandbox: SandboxClient) -> None:
    for _ in range(6):
        method = save(world.make_user())
        wanted = world.wanted(token="", user=method.user, payment_method=method, off_session=True)
        paid, gone = world.at_once([partial(payments.create, wanted), partial(methods.detach, method.pk)])
        assert isinstance(gone, PaymentMethod)
        # either it was paid, and the provider was told afterwards, or there is no payment at all
        if isinstance(paid, Payment):
            assert paid.status == PaymentStatus.COMPLETED, paid.failure_code
        else:
            assert isinstance(paid, NotFound)
            assert not Payment.objects.filter(payment_method=method).exists()
        converge(2)
        assert fresh(method).status == MethodStatus.DETACHED
        assert kept(method.customer) == []


def test_five_deliveries_of_one_row_are_one(sandbox: SandboxClient) -> None:
    sandbox.fault("reset", operation="setup_intents.confirm", when="before")
    method = save(world.make_user())
    make_due()
    results = world.at_once([partial(method_calls.resume, method.pk)] * 5)
    assert sum(result is not None for result in results) == 1, results
    assert fresh(method).status == MethodStatus.ACTIVE
    assert world.effects(sandbox, "setup_intents.confirm") == 1
