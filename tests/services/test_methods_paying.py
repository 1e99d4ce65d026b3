"""Paying with a saved method, on and off session, and saving the one paid with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from django_payments_hub import dispatch, registry, tasks
from django_payments_hub.domain.statuses import Flow, MethodKind, MethodStatus, PaymentStatus
from django_payments_hub.exceptions import (
    HubError,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    RuleViolation,
    Unsupported,
)
from django_payments_hub.models import Customer, Operation, Payment, PaymentMethod, TransactionLog
from django_payments_hub.provider_kit.types import MethodFact
from django_payments_hub.services import facts, methods, payments, sweeper
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world
from tests.services.saved import ASKS_ALWAYS, ASKS_ONCE, DECLINED, MASTERCARD, converge, fresh, kept, save

pytestmark = pytest.mark.django_db(transaction=True)


def pay_with(method: PaymentMethod, **more: Any) -> Payment:
    user = more.pop("user", method.user)
    return payments.create(world.wanted(token=more.pop("token", ""), user=user, payment_method=method, **more))


# -- with a saved method ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off_session", [False, True])
def test_a_saved_method_pays_again_and_again(sandbox: SandboxClient, off_session: bool) -> None:
    method = save(world.make_user())
    for _ in range(2):
        payment = pay_with(method, off_session=off_session)
        assert (payment.status, payment.captured_minor) == (PaymentStatus.COMPLETED, 1000)
        assert (payment.payment_method_id, payment.customer_id) == (method.pk, method.customer_id)
        assert payment.method_details["last4"] == "4242"
    assert len(sandbox.calls("customers.create")) == 1
    assert PaymentMethod.objects.count() == 1


def test_an_order_is_paid_with_a_saved_method(sandbox: SandboxClient) -> None:
    user = world.make_user()
    payment = payments.create(world.wanted(world.make_order(user=user), token="", user=user, payment_method=save(user)))
    assert payment.status == PaymentStatus.COMPLETED


def test_one_that_asks_each_time_asks_its_customer_and_declines_without_him(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), ASKS_ALWAYS)
    sandbox.complete_setup(method.provider_setup_id)
    method = methods.confirm(method.pk)
    there = pay_with(method, return_url="https://shop.example.com/thanks")
    assert there.status == PaymentStatus.REQUIRES_ACTION
    assert there.next_action
    assert there.next_action["type"] == "redirect"
    sandbox.complete_action(str(there.provider_payment_id))
    assert payments.sync(there.pk).status == PaymentStatus.COMPLETED
    away = pay_with(method, off_session=True)
    assert (away.status, away.failure_code) == (PaymentStatus.FAILED, "authentication_required")
    assert fresh(method).status == MethodStatus.ACTIVE


def test_a_payment_with_a_saved_method_is_not_confirmed_with_another_token(sandbox: SandboxClient) -> None:
    # given a payment with a saved card that waits for its customer
    method = save(world.make_user(), ASKS_ALWAYS)
    sandbox.complete_setup(method.provider_setup_id)
    payment = pay_with(methods.confirm(method.pk), return_url="https://shop.example.com/thanks")
    before = sandbox.calls()
    # when another card's token is brought
    with pytest.raises(InvalidInput) as refused:
        payments.confirm(payment.pk, method_token=MASTERCARD)
    # then nothing is sent: what the books say it is paid with is what it is paid with
    assert refused.value.field == "payment_method_token"
    assert sandbox.calls() == before


def test_one_that_was_set_up_is_not_asked_for_again_off_session(sandbox: SandboxClient) -> None:
    method = save(world.make_user(), ASKS_ONCE)
    sandbox.complete_setup(method.provider_setup_id)
    assert pay_with(methods.confirm(method.pk), off_session=True).status == PaymentStatus.COMPLETED


@pytest.mark.parametrize("more", [{"defer": True}, {"save_method": True}])
def test_what_needs_the_customer_is_refused_without_him(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        payments.create(world.wanted(user=world.make_user(), off_session=True, **more))
    assert refused.value.field == "off_session"
    assert not Payment.objects.exists()


def test_only_ones_own_active_method_of_the_account_is_found(sandbox: SandboxClient) -> None:
    user = world.make_user()
    mine, theirs = save(user), save(world.make_user())
    gone = save(user, MASTERCARD)
    methods.detach(gone.pk)
    waiting = save(user, ASKS_ALWAYS)
    moved = save(user, "pm_card_amex")
    PaymentMethod.objects.filter(pk=moved.pk).update(mode="live")
    for method, who in ((theirs, user), (gone, user), (waiting, user), (mine, None), (fresh(moved), user)):
        with pytest.raises(NotFound) as refused:
            pay_with(method, user=who)
        assert refused.value.code == "unknown_payment_method"
    assert not Payment.objects.exists()


def test_usable_says_the_same_of_what_is_foreign_and_what_is_absent(sandbox: SandboxClient) -> None:
    user, theirs = world.make_user(), save(world.make_user())
    texts = set()
    for key in (theirs.pk, user.payments_hub_customers.model().pk):
        with pytest.raises(NotFound) as refused:
            methods.usable(key, user=user)
        texts.add((refused.value.code, refused.value.message))
    assert len(texts) == 1
    assert methods.usable(theirs.pk, user=theirs.user) == theirs


@pytest.mark.parametrize(
    "more", [{"token": "pm_card_visa"}, {"save_method": True}, {"flow": Flow.HOSTED}, {"flow": Flow.CLIENT}]
)
def test_a_saved_method_goes_with_nothing_beside_it(sandbox: SandboxClient, more: dict[str, Any]) -> None:
    method = save(world.make_user())
    with pytest.raises(InvalidInput):
        pay_with(method, **more)
    assert not Payment.objects.exists()


def test_a_recorded_payment_is_started_with_its_saved_method(sandbox: SandboxClient) -> None:
    method = save(world.make_user())
    payment = pay_with(method, defer=True)
    assert (payment.status, payment.payment_method_id) == (PaymentStatus.PENDING, method.pk)
    assert payment.method_kind == MethodKind.CREDIT_CARD
    with pytest.raises(InvalidInput):
        payments.process(payment.pk, method_token="pm_card_visa")
    assert payments.process(payment.pk).status == PaymentStatus.COMPLETED


def test_a_recorded_payment_whose_method_was_let_go_is_not_started(sandbox: SandboxClient) -> None:
    method = save(world.make_user())
    payment = pay_with(method, defer=True)
    assert methods.detach(method.pk).status == MethodStatus.DETACHING  # the payment may still need it
    with pytest.raises(RuleViolation) as refused:
        payments.process(payment.pk)
    assert refused.value.code == "method_not_active"
    payments.cancel(payment.pk)
    converge()
    assert fresh(method).status == MethodStatus.DETACHED


def test_the_token_is_not_kept_with_the_operation(sandbox: SandboxClient) -> None:
    payment = pay_with(save(world.make_user()))
    assert "method_token" not in Operation.objects.get(payment=payment).parameters


def test_a_lost_answer_with_a_saved_method_is_one_payment(sandbox: SandboxClient) -> None:
    method = save(world.make_user())
    sandbox.fault("reset", operation="payment_intents.confirm", when="after")
    payment = pay_with(method, off_session=True)
    assert payment.status == PaymentStatus.PROCESSING
    # meanwhile it is let go: the provider is told only when the payment does not need it any more
    assert methods.detach(method.pk).status == MethodStatus.DETACHING
    assert kept(method.customer) == [method.provider_method_id]
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.COMPLETED
    assert world.books_of(sandbox, payment)["captured"] == 1000
    converge()
    assert fresh(method).status == MethodStatus.DETACHED
    assert kept(method.customer) == []


# -- saving the one paid with -----------------------------------------------------------------------------------------


def test_the_method_paid_with_is_saved_where_the_customer_asked(sandbox: SandboxClient) -> None:
    user = world.make_user()
    payment = world.pay(user=user, save_method=True)
    method = PaymentMethod.objects.get()
    assert (method.status, method.user, method.is_default) == (MethodStatus.ACTIVE, user, True)
    assert payment.payment_method_id == method.pk
    assert TransactionLog.objects.get(payment=payment, event="payment.method_saved").data == {"method": str(method.pk)}
    told = method.consent
    assert (told["by"], told["how"], told["payment"]) == ("customer", "payment", str(payment.pk))
    assert kept(method.customer) == [method.provider_method_id]
    assert pay_with(method, off_session=True).status == PaymentStatus.COMPLETED


def test_nothing_is_saved_where_nobody_asked(sandbox: SandboxClient) -> None:
    user = world.make_user()
    payment = world.pay(user=user)
    assert (payment.status, payment.customer_id) == (PaymentStatus.COMPLETED, None)
    save(user, MASTERCARD)
    world.pay(user=user)
    assert PaymentMethod.objects.count() == 1


def test_a_declined_payment_saves_nothing(sandbox: SandboxClient) -> None:
    payment = world.pay(user=world.make_user(), save_method=True, token=DECLINED)
    assert payment.status == PaymentStatus.FAILED
    assert not PaymentMethod.objects.exists()
    assert kept(Customer.objects.get()) == []


def test_the_same_card_saved_with_two_payments_is_one_method(sandbox: SandboxClient) -> None:
    user = world.make_user()
    first, second = (world.pay(user=user, save_method=True) for _ in range(2))
    assert first.payment_method_id == second.payment_method_id
    converge()
    method = PaymentMethod.objects.get(status=MethodStatus.ACTIVE.value)
    assert kept(method.customer) == [method.provider_method_id]


def test_one_saved_on_the_page_is_learned_of_by_looking(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.make_user()
    payment = world.pay(user=user, flow=Flow.HOSTED, token="", save_method=True)
    sandbox.pay_session(str(payment.provider_session_id))
    (paid_with,) = sandbox.ledger(provider="stripe")["payments"]
    started = world.started(monkeypatch)
    # the notice tells that it is paid, and names the method only
    world.hear(
        "payment_intent.succeeded",
        {
            "id": paid_with,
            "object": "payment_intent",
            "status": "succeeded",
            "amount": 1000,
            "amount_received": 1000,
            "currency": "usd",
            "livemode": False,
            "payment_method": "pm_named",
            "metadata": {"hub_payment": str(payment.pk)},
        },
    )
    assert world.fresh(payment).status == PaymentStatus.COMPLETED
    assert not PaymentMethod.objects.exists()
    # so a look-up is asked for, and saves it
    assert (dispatch.SYNC, str(payment.pk)) in started
    tasks.sync_payment(str(payment.pk))
    assert PaymentMethod.objects.get().is_active


def test_the_sweeper_learns_of_one_that_no_notice_told(sandbox: SandboxClient) -> None:
    payment = world.pay(user=world.make_user(), flow=Flow.CLIENT, token="", save_method=True)
    told = world.captured_fact(payment)
    facts.apply(told, payment.account, world.by_webhook())
    assert (world.fresh(payment).status, world.fresh(payment).payment_method_id) == (PaymentStatus.COMPLETED, None)
    before = len(world.lookups(sandbox))
    sweeper.sweep()
    assert len(world.lookups(sandbox)) > before
    before = len(world.lookups(sandbox))
    sweeper.sweep()  # not again before the hour is over
    assert len(world.lookups(sandbox)) == before


def test_a_look_up_saves_what_was_paid_on_the_page(sandbox: SandboxClient) -> None:
    payment = world.pay(user=world.make_user(), flow=Flow.HOSTED, token="", save_method=True)
    sandbox.pay_session(str(payment.provider_session_id))
    payments.sync(payment.pk)
    method = PaymentMethod.objects.get()
    assert (method.status, world.fresh(payment).payment_method_id) == (MethodStatus.ACTIVE, method.pk)


def test_a_recorded_payment_still_saves_its_method_when_it_is_started(sandbox: SandboxClient) -> None:
    payment = world.pay(user=world.make_user(), save_method=True, defer=True, token="")
    payments.process(payment.pk, method_token="pm_card_visa")
    assert PaymentMethod.objects.get().is_active


def test_a_guest_saves_nothing(sandbox: SandboxClient) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.pay(world.make_order(), save_method=True)
    assert refused.value.code == "user_required"
    assert sandbox.calls() == []


def test_a_customer_that_cannot_be_made_leaves_no_payment(sandbox: SandboxClient) -> None:
    sandbox.fault("status", operation="customers.create", status=500)
    with pytest.raises(OutcomeUnknown):
        world.pay(user=world.make_user(), save_method=True)
    assert not Payment.objects.exists()
    assert world.pay(user=Customer.objects.get().user, save_method=True).status == PaymentStatus.COMPLETED
    assert len({call["idempotency_key"] for call in sandbox.calls("customers.create")}) <= 2


@pytest.mark.parametrize("wrong", ["customer", "owner"])
def test_a_fact_about_anothers_method_keeps_nothing_and_the_money_stays(sandbox: SandboxClient, wrong: str) -> None:
    theirs = save(world.make_user())
    payment = world.recorded(user=world.make_user(), save_method=True)
    method = MethodFact(
        kind=MethodKind.CREDIT_CARD,
        provider_method_id="pm_new" if wrong == "customer" else str(theirs.provider_method_id),
        provider_customer_id="cus_of_somebody_else" if wrong == "customer" else "",
        reusable=True,
    )
    for _ in range(2):
        facts.apply(world.captured_fact(payment, method=method), payment.account, world.by_webhook())
    after = world.fresh(payment)
    assert (after.status, after.payment_method_id) == (PaymentStatus.COMPLETED, None)
    assert TransactionLog.objects.filter(payment=payment, event="payment.method_refused").count() == 1
    assert PaymentMethod.objects.get() == theirs


def test_a_provider_without_the_capability_refuses_loudly(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "capabilities", replace(provider.capabilities, saved_methods=False))
    with pytest.raises(HubError) as refused:
        world.pay(user=world.make_user(), save_method=True)
    assert isinstance(refused.value, Unsupported)
    assert refused.value.code == "unsupported_saved_methods"
    assert not Payment.objects.exists()
