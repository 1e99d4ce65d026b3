"""What waits for its form is given up after its provider was asked, and never while its customer is at the till."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import Flow, OperationKind, PaymentStatus, Stage
from django_payments_hub.exceptions import Conflict, OutcomeUnknown, RuleViolation
from django_payments_hub.models import Payment
from django_payments_hub.services import expiry, operations, orders, payments, provider_calls, sweeper
from tests.services.wallet import Wallet, begin, led_on, offer_wallet, paid, run_out
from tests.services.world import fresh, make_order, make_user, only_operation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def wallet(hub: dict[str, Any], settings: Any) -> Wallet:
    return offer_wallet(settings)


def test_what_the_provider_does_not_know_is_cancelled_here(wallet: Wallet) -> None:
    payment = begin()
    assert payments.cancel(payment.pk, reason="changed my mind").status == PaymentStatus.CANCELLED
    assert wallet.asked == [payment.reference]
    row = fresh(payment)
    assert (row.next_action, row.cancel_reason) == (None, "changed my mind")


def test_what_was_paid_meanwhile_is_not_cancelled(wallet: Wallet) -> None:
    payment = begin()
    wallet.payments[payment.reference] = Stage.CAPTURED
    with pytest.raises(RuleViolation) as refused:
        payments.cancel(payment.pk)
    assert refused.value.code == "not_cancellable"
    assert fresh(payment).status == PaymentStatus.COMPLETED


def test_what_the_customer_is_about_to_pay_there_is_not_cancelled(wallet: Wallet) -> None:
    payment = begin()
    wallet.payments[payment.reference] = Stage.PROCESSING
    with pytest.raises(RuleViolation):
        payments.cancel(payment.pk)
    assert fresh(payment).status == PaymentStatus.PROCESSING


def test_what_cannot_be_asked_about_is_not_cancelled(wallet: Wallet) -> None:
    payment = begin()
    wallet.error = OutcomeUnknown()
    with pytest.raises(OutcomeUnknown):
        payments.cancel(payment.pk)
    assert fresh(payment).status == PaymentStatus.REQUIRES_ACTION


def test_what_the_provider_withdraws_never_is_asked_about_until_it_has_ended(wallet: Wallet) -> None:
    # given a voucher that the provider still takes for pending a day after it ran out
    wallet.stage = Stage.REQUIRES_ACTION
    payment = begin(Flow.DIRECT)
    operations.resume(only_operation(payment, OperationKind.PAY).pk)
    run_out(payment)
    for _ in range(hub_settings().operation_max_tries + 2):
        sweeper.sweep()
        assert (fresh(payment).status, fresh(payment).attention_code) == (PaymentStatus.REQUIRES_ACTION, "")
        Payment.objects.filter(pk=payment.pk).update(expiry_attempt_at=timezone.now())
    # when it says at last that nobody paid
    wallet.payments[payment.reference] = Stage.EXPIRED
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.EXPIRED


@pytest.mark.parametrize("how", ["cancel", "expire"])
def test_what_the_provider_contradicts_is_not_given_up(wallet: Wallet, how: str) -> None:
    # given a payment of which the provider says another amount
    payment = begin()
    wallet.payments[payment.reference], wallet.amount_minor = Stage.OPEN, 1
    run_out(payment)
    with pytest.raises(RuleViolation) as refused:
        payments.cancel(payment.pk) if how == "cancel" else expiry.expire(payment.pk)
    assert refused.value.code == "contradicted"
    row = fresh(payment)
    assert (row.status, row.attention_code) == (PaymentStatus.REQUIRES_ACTION, "mismatch_amount")


@pytest.mark.parametrize("how", ["cancel", "expire"])
def test_nobody_at_the_till_is_given_up(wallet: Wallet, how: str) -> None:
    payment = begin()
    led_on(payment)
    run_out(payment)
    with pytest.raises(Conflict) as refused:
        payments.cancel(payment.pk) if how == "cancel" else expiry.expire(payment.pk)
    assert refused.value.code == "payment_in_progress"
    assert (fresh(payment).status, wallet.asked) == (PaymentStatus.REQUIRES_ACTION, [])
    led_on(payment, 121)
    expiry.expire(payment.pk)
    assert fresh(payment).status == PaymentStatus.EXPIRED


def test_who_is_led_on_while_the_provider_is_asked_is_not_given_up(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = begin()
    ask = provider_calls.ask

    def ask_slowly(row: Payment, **more: Any) -> object:
        verdict = ask(row, **more)
        led_on(payment)
        return verdict

    monkeypatch.setattr(provider_calls, "ask", ask_slowly)
    with pytest.raises(Conflict):
        payments.cancel(payment.pk)
    assert fresh(payment).status == PaymentStatus.REQUIRES_ACTION


def test_a_second_payment_waits_for_whoever_is_at_the_till(wallet: Wallet) -> None:
    user = make_user()
    order = make_order("1500.00", user=user, currency="PKR")

    def another() -> Payment:
        return begin(terms=orders.terms_of(order, user), user=user)

    first = another()
    led_on(first)
    with pytest.raises(Conflict) as refused:
        another()
    assert refused.value.code == "payment_in_progress"
    # and when he has been there for long without paying
    led_on(first, 121)
    second = another()
    assert (fresh(first).status, second.status) == (PaymentStatus.CANCELLED, PaymentStatus.REQUIRES_ACTION)


def test_the_sweep_lets_a_payment_expire_that_nobody_paid(wallet: Wallet) -> None:
    payment = begin()
    run_out(payment)
    sweeper.sweep()
    assert (fresh(payment).status, wallet.asked) == (PaymentStatus.EXPIRED, [payment.reference])


def test_the_sweep_finds_what_was_paid_in_the_last_moment(wallet: Wallet) -> None:
    payment = begin()
    wallet.payments[payment.reference] = Stage.CAPTURED
    run_out(payment)
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.COMPLETED


def test_a_form_posted_after_all_is_paid(wallet: Wallet) -> None:
    payment = begin()
    payments.cancel(payment.pk)
    assert paid(payment).captured_minor == payment.amount_minor


def test_a_second_payment_waits_for_a_provider_that_cannot_be_asked(wallet: Wallet) -> None:
    user = make_user()
    terms = orders.terms_of(make_order("1500.00", user=user, currency="PKR"), user)
    begin(terms=terms, user=user)
    wallet.error = OutcomeUnknown()
    with pytest.raises(Conflict) as refused:
        begin(terms=terms, user=user)
    assert refused.value.code == "payment_in_progress"


def test_a_second_payment_waits_for_whoever_is_asked_on_his_phone(wallet: Wallet) -> None:
    user = make_user()
    terms = orders.terms_of(make_order("1500.00", user=user, currency="PKR"), user)
    payment = begin(Flow.DIRECT, terms=terms, user=user)
    wallet.stage = Stage.REQUIRES_ACTION
    operations.resume(only_operation(payment, "pay").pk)
    assert fresh(payment).status == PaymentStatus.REQUIRES_ACTION
    with pytest.raises(Conflict) as refused:
        begin(Flow.DIRECT, terms=terms, user=user)
    assert refused.value.code == "payment_in_progress"
