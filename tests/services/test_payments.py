"""Creating, starting, confirming, capturing and cancelling, through the sandbox: amounts, orders, guests, new tries."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from moneyed import Money

from django_payments_hub.domain.payable import Payable
from django_payments_hub.domain.statuses import CaptureMethod, Flow, OperationState, PaymentStatus
from django_payments_hub.exceptions import Conflict, HubError, InvalidInput, NotFound, RuleViolation, Unsupported
from django_payments_hub.models import Operation, OrderRef, Payment
from django_payments_hub.services import orders, payments, sweeper
from django_payments_hub.testing.sandbox import SandboxClient
from example_project.shop.models import Order
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)

THREE_D_SECURE = "pm_card_threeDSecure2Required"


def refused(kind: type[HubError], code: str, step: Callable[[], object]) -> None:
    """The step raises this error, and makes no payment and no call."""
    before = Payment.objects.count()
    with pytest.raises(kind) as error:
        step()
    assert error.value.code == code
    assert Payment.objects.count() == before


@pytest.fixture
def deposits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop whose orders may be paid in parts."""
    whole = Order.payable

    def in_parts(order: Order, user: Any) -> Payable | None:
        known = whole(order, user)
        return known and Payable(
            amount=known.amount, owner_id=known.owner_id, guest_token=known.guest_token, allow_partial=True
        )

    monkeypatch.setattr(Order, "payable", in_parts)


# -- who pays what ----------------------------------------------------------------------------------------------------


def test_an_order_is_paid_by_its_owner(sandbox: SandboxClient) -> None:
    user = world.make_user()
    order = world.make_order("12.50", user=user)
    payment = world.pay(order, user=user)
    assert (payment.status, payment.amount) == (PaymentStatus.COMPLETED, Money("12.50", "USD"))
    assert (payment.user_id, payment.captured_minor, payment.mode) == (user.pk, 1250, "test")
    order.refresh_from_db()
    assert (order.status, order.paid_minor) == (Order.Status.PAID, 1250)


def test_a_guest_pays_with_the_orders_token(sandbox: SandboxClient) -> None:
    order = world.make_order()
    payment = world.pay(order)
    assert (payment.status, payment.user_id) == (PaymentStatus.COMPLETED, None)
    ref = OrderRef.objects.get()
    assert ref.guest_token_hash == orders.hash_guest_token(order.guest_token)
    assert order.guest_token not in ref.guest_token_hash


@pytest.mark.parametrize("token", ["", "x", "wrong-token"])
def test_without_the_token_a_guests_order_looks_absent(token: str) -> None:
    refused(NotFound, "unknown_order", lambda: orders.terms_of(world.make_order(), None, guest_token=token))


@pytest.mark.parametrize(("token", "of_the_order"), [("", ""), ("x", ""), ("", "x"), ("x", "y")])
def test_an_order_without_a_token_is_closed_to_guests(token: str, of_the_order: str) -> None:
    assert not orders.guest_token_fits(token, orders.hash_guest_token(of_the_order))
    assert orders.guest_token_fits("x", orders.hash_guest_token("x"))


def test_the_order_of_somebody_else_looks_absent() -> None:
    owner, other = world.make_user(), world.make_user()
    order = world.make_order(user=owner)
    refused(NotFound, "unknown_order", lambda: orders.terms_of(order, other))
    refused(NotFound, "unknown_order", lambda: orders.terms_of(order, None, guest_token=order.guest_token))


@pytest.mark.parametrize("order_id", ["", "nothing", "00000000-0000-0000-0000-000000000000", "\x00", "9" * 500])
def test_an_order_that_is_not_there(order_id: str) -> None:
    refused(NotFound, "unknown_order", lambda: orders.find_order(order_id))


def test_an_order_of_nothing_is_not_payable() -> None:
    order = Order.objects.create()
    refused(RuleViolation, "order_not_payable", lambda: orders.terms_of(order, None, guest_token=order.guest_token))


def test_a_payment_without_an_order(sandbox: SandboxClient) -> None:
    payment = world.pay(amount="3.210", currency="KWD")
    assert (payment.status, payment.amount_minor, payment.order_ref) == (PaymentStatus.COMPLETED, 3210, None)


@pytest.mark.parametrize("amount", [None, "0", "-1", "1e1", "NaN", "0.001"])
def test_a_payment_without_an_order_needs_a_sound_amount(amount: str | None) -> None:
    refused(InvalidInput, "invalid_amount", lambda: world.pay(amount=amount, currency="USD"))


def test_the_price_is_the_orders_not_the_clients(sandbox: SandboxClient) -> None:
    """S4."""
    order = world.make_order("10.00")
    refused(RuleViolation, "amount_mismatch", lambda: world.pay(order, amount="0.01"))
    refused(RuleViolation, "amount_exceeds_order", lambda: world.pay(order, amount="10.01"))
    refused(InvalidInput, "currency_mismatch", lambda: world.pay(order, amount=Money("10", "EUR")))
    refused(InvalidInput, "invalid_amount", lambda: world.pay(order, amount="-10.00"))
    assert world.pay(order, amount="10.00").captured_minor == 1000
    assert len(sandbox.calls("payment_intents.create")) == 1


def test_a_paid_order_is_not_paid_again(sandbox: SandboxClient) -> None:
    order = world.make_order()
    world.pay(order)
    refused(RuleViolation, "order_already_paid", lambda: world.pay(order))


def test_deposits_add_up_to_the_order_and_no_further(sandbox: SandboxClient, deposits: None) -> None:
    order = world.make_order("10.00")
    assert world.pay(order, amount="3.00").captured_minor == 300
    assert world.pay(order, amount="2.00").captured_minor == 200
    refused(RuleViolation, "amount_exceeds_order", lambda: world.pay(order, amount="5.01"))
    assert world.pay(order).captured_minor == 500, "without an amount: all that is open"
    refused(RuleViolation, "order_already_paid", lambda: world.pay(order, amount="0.01"))
    assert OrderRef.objects.get().active_minor == 1000


def test_what_was_refunded_can_be_paid_again(sandbox: SandboxClient) -> None:
    order = world.make_order("10.00")
    first = world.pay(order)
    from django_payments_hub.services import refunds

    refunds.execute(refunds.request(first.pk).pk)
    assert OrderRef.objects.get().active_minor == 0
    assert world.pay(order).status == PaymentStatus.COMPLETED


def test_an_order_that_changed_its_currency_after_a_payment_is_refused(sandbox: SandboxClient) -> None:
    order = world.make_order("10.00")
    world.pay(order)
    Order.objects.filter(pk=order.pk).update(currency="EUR")
    order.refresh_from_db()
    refused(RuleViolation, "currency_mismatch", lambda: world.pay(order))


def test_an_order_that_grew_after_it_was_paid_is_paid_the_rest(sandbox: SandboxClient) -> None:
    """F51."""
    order = world.make_order("10.00")
    world.pay(order)
    order.lines.update(quantity=2)
    assert world.pay(order).captured_minor == 1000


def test_what_the_provider_does_not_do_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from django_payments_hub import registry

    provider = registry.provider_class("stripe")
    less = replace(
        provider.capabilities, flows=frozenset({Flow.TOKEN}), currencies=frozenset({"USD"}), manual_capture=False
    )
    monkeypatch.setattr(provider, "capabilities", less)
    refused(Unsupported, "unsupported_flow", lambda: world.pay(flow=Flow.HOSTED))
    refused(Unsupported, "unsupported_currency", lambda: world.pay(currency="EUR"))
    refused(Unsupported, "unsupported_capture_method", world.authorize)


def test_the_token_flow_needs_a_token() -> None:
    with pytest.raises(InvalidInput) as error:
        world.pay(token="")
    assert error.value.field == "payment_method_token"


def test_inside_a_transaction_of_the_callers_nothing_is_begun() -> None:
    """I5, I6: what must be committed before the call cannot be, and says so."""
    with pytest.raises(RuntimeError), transaction.atomic():
        world.pay()
    assert Payment.objects.count() == 0


def test_a_callback_that_raises_undoes_the_payment(sandbox: SandboxClient) -> None:
    def fail(_: object) -> None:
        raise KeyError("the key was taken meanwhile")

    with pytest.raises(KeyError):
        payments.create(world.wanted(world.make_order()), on_commit=fail)
    assert (Payment.objects.count(), OrderRef.objects.count()) == (0, 0)
    assert sandbox.calls() == []


# -- recorded first ---------------------------------------------------------------------------------------------------


def test_a_deferred_payment_is_started_once(sandbox: SandboxClient) -> None:
    payment = world.recorded(order=world.make_order())
    assert (payment.status, sandbox.calls()) == (PaymentStatus.PENDING, [])
    assert payments.process(payment.pk, method_token="pm_card_visa").status == PaymentStatus.COMPLETED
    refused(RuleViolation, "not_pending", lambda: payments.process(payment.pk, method_token="pm_card_visa"))
    assert world.books_of(sandbox, payment)["captured"] == 1000


def test_a_deferred_payment_counts_in_its_order(sandbox: SandboxClient) -> None:
    order = world.make_order()
    first = world.recorded(order=order)
    second = world.pay(order)
    assert world.fresh(first).status == PaymentStatus.CANCELLED
    assert second.status == PaymentStatus.COMPLETED
    refused(RuleViolation, "not_pending", lambda: payments.process(first.pk, method_token="pm_card_visa"))


def test_a_deferred_payment_needs_its_token_when_it_starts() -> None:
    payment = world.recorded()
    with pytest.raises(InvalidInput):
        payments.process(payment.pk)
    assert not Operation.objects.exists()


@pytest.mark.parametrize("quantity", [2, 3])
def test_an_order_that_changed_its_price_is_not_paid_at_the_old_one(sandbox: SandboxClient, quantity: int) -> None:
    """F51."""
    order = world.make_order("10.00")
    payment = world.recorded(order=order)
    order.lines.update(quantity=quantity)
    refused(RuleViolation, "order_changed", lambda: payments.process(payment.pk, method_token="pm_card_visa"))
    assert sandbox.calls() == []
    assert world.pay(order).captured_minor == 1000 * quantity


def test_a_payment_that_is_not_there() -> None:
    from django_payments_hub.models.base import new_id

    for step in (payments.process, payments.confirm, payments.capture, payments.cancel, payments.sync):
        with pytest.raises(NotFound):
            step(new_id())


# -- a new try --------------------------------------------------------------------------------------------------------


def test_a_new_try_withdraws_the_one_left_behind_at_its_provider(sandbox: SandboxClient) -> None:
    order = world.make_order()
    first = world.pay(order, token=THREE_D_SECURE)
    assert first.status == PaymentStatus.REQUIRES_ACTION
    second = world.pay(order)
    assert second.status == PaymentStatus.COMPLETED
    row = world.fresh(first)
    assert (row.status, row.cancel_reason) == (PaymentStatus.CANCELLED, "abandoned")
    assert world.effects(sandbox, "payment_intents.cancel") == 1


def test_a_new_try_after_a_decline(sandbox: SandboxClient) -> None:
    order = world.make_order()
    first = world.pay(order, token="pm_card_chargeDeclined")
    assert first.status == PaymentStatus.FAILED
    assert world.pay(order).status == PaymentStatus.COMPLETED
    assert OrderRef.objects.get().active_minor == 1000
    # nobody who kept the first one's secret can pay it as well
    assert world.effects(sandbox, "payment_intents.cancel") == 1


def test_a_payment_whose_outcome_is_unknown_blocks_a_new_try(sandbox: SandboxClient) -> None:
    """F1, F50: nobody knows whether the first one was charged."""
    order = world.make_order()
    sandbox.fault("reset", operation="payment_intents.confirm", when="after")
    first = world.pay(order)
    refused(Conflict, "payment_in_progress", lambda: world.pay(order))
    world.converge()
    refused(RuleViolation, "order_already_paid", lambda: world.pay(order))
    assert world.books_of(sandbox, first)["captured"] == 1000


def test_an_abandoned_one_that_cannot_be_withdrawn_blocks_a_new_try(sandbox: SandboxClient) -> None:
    order = world.make_order()
    first = world.pay(order, token=THREE_D_SECURE)
    sandbox.fault("reset", operation="payment_intents.cancel", when="before")
    refused(Conflict, "payment_in_progress", lambda: world.pay(order))
    world.converge()
    assert world.fresh(first).status == PaymentStatus.CANCELLED
    assert world.pay(order).status == PaymentStatus.COMPLETED


def test_an_abandoned_one_paid_at_the_last_moment_is_kept(sandbox: SandboxClient) -> None:
    order = world.make_order()
    first = world.pay(order, token=THREE_D_SECURE)
    sandbox.complete_action(first.provider_payment_id or "")
    refused(RuleViolation, "order_already_paid", lambda: world.pay(order))
    assert world.fresh(first).status == PaymentStatus.COMPLETED
    assert sandbox.ledger()["totals"]["usd"]["captured"] == 1000


@pytest.mark.parametrize("amount", ["0.01", "10.01"])
def test_a_new_try_with_a_wrong_amount_leaves_the_first_one_alone(sandbox: SandboxClient, amount: str) -> None:
    order = world.make_order()
    first = world.pay(order, token=THREE_D_SECURE)
    with pytest.raises((RuleViolation, Conflict)):
        world.pay(order, amount=amount)
    assert world.fresh(first).status == PaymentStatus.REQUIRES_ACTION


# -- 3-D Secure -------------------------------------------------------------------------------------------------------


def test_the_customer_authenticates_and_the_payment_is_complete(sandbox: SandboxClient) -> None:
    payment = world.pay(token=THREE_D_SECURE)
    assert payment.status == PaymentStatus.REQUIRES_ACTION
    assert payment.next_action is not None
    sandbox.complete_action(payment.provider_payment_id or "")
    assert payments.sync(payment.pk).status == PaymentStatus.COMPLETED
    assert world.fresh(payment).next_action is None


def test_an_authentication_that_fails(sandbox: SandboxClient) -> None:
    payment = world.pay(token=THREE_D_SECURE)
    sandbox.complete_action(payment.provider_payment_id or "", "fail")
    row = payments.sync(payment.pk)
    assert (row.status, row.failure_code) == (PaymentStatus.FAILED, "authentication_failed")


def test_a_waiting_payment_is_confirmed_with_another_card(sandbox: SandboxClient) -> None:
    payment = world.pay(flow=Flow.CLIENT, token="")
    assert payment.status == PaymentStatus.REQUIRES_ACTION
    assert payments.confirm(payment.pk, method_token="pm_card_chargeDeclined").failure_code == "card_declined"
    row = payments.confirm(payment.pk, method_token="pm_card_visa")
    assert (row.status, row.failure_code) == (PaymentStatus.COMPLETED, "")
    refused(RuleViolation, "not_confirmable", lambda: payments.confirm(payment.pk))


def test_a_hosted_payment_is_paid_on_the_providers_page(sandbox: SandboxClient) -> None:
    payment = world.pay(world.make_order(), flow=Flow.HOSTED, token="")
    assert payment.status == PaymentStatus.REQUIRES_ACTION
    assert payment.next_action is not None
    assert payment.next_action["type"] == "redirect"
    sandbox.pay_session(payment.provider_session_id or "")
    assert payments.sync(payment.pk).status == PaymentStatus.COMPLETED


# -- capture and cancel -----------------------------------------------------------------------------------------------


def test_a_part_is_captured_and_the_rest_released(sandbox: SandboxClient) -> None:
    payment = world.authorize(order=world.make_order())
    assert (payment.status, payment.capturable_minor) == (PaymentStatus.AUTHORIZED, 1000)
    row = payments.capture(payment.pk, amount=Money("6.00", "USD"))
    assert (row.captured_minor, row.capturable_minor, row.authorized_minor) == (600, 0, 1000)
    assert row.status == PaymentStatus.COMPLETED
    assert OrderRef.objects.get().active_minor == 600
    refused(RuleViolation, "not_capturable", lambda: payments.capture(payment.pk))


def test_more_than_is_held_is_not_captured(sandbox: SandboxClient) -> None:
    payment = world.authorize()
    refused(RuleViolation, "amount_exceeds_capturable", lambda: payments.capture(payment.pk, amount="10.01"))
    refused(InvalidInput, "invalid_amount", lambda: payments.capture(payment.pk, amount="0"))
    refused(
        Unsupported,
        "unsupported_several_captures",
        lambda: payments.capture(payment.pk, amount="1.00", final=False),
    )
    assert effects(sandbox) == 0
    assert not Operation.objects.exclude(state=OperationState.SUCCEEDED).exists()


def effects(sandbox: SandboxClient) -> int:
    return world.effects(sandbox, "payment_intents.capture")


def test_what_is_held_is_voided(sandbox: SandboxClient) -> None:
    payment = world.authorize(order=world.make_order())
    row = payments.cancel(payment.pk, reason="requested_by_customer")
    assert (row.status, row.capturable_minor, row.authorized_minor) == (PaymentStatus.CANCELLED, 0, 1000)
    assert world.books_of(sandbox, payment)["released"] == 1000
    assert OrderRef.objects.get().active_minor == 0
    for step in (payments.cancel, payments.capture):
        with pytest.raises(RuleViolation):
            step(payment.pk)


def test_what_was_captured_is_not_cancelled(sandbox: SandboxClient) -> None:
    payment = world.pay()
    refused(RuleViolation, "not_cancellable", lambda: payments.cancel(payment.pk))


def test_what_the_provider_never_heard_of_is_withdrawn_here_alone(sandbox: SandboxClient) -> None:
    payment = world.recorded(order=world.make_order())
    assert payments.cancel(payment.pk).status == PaymentStatus.CANCELLED
    assert sandbox.calls() == []
    assert OrderRef.objects.get().active_minor == 0


def test_an_authorisation_captured_in_the_dashboard_is_not_cancelled_here(sandbox: SandboxClient) -> None:
    payment = world.authorize()
    _capture_behind_the_hub(payment)
    row = payments.cancel(payment.pk)
    assert (row.status, row.captured_minor) == (PaymentStatus.COMPLETED, 1000)


def _capture_behind_the_hub(payment: Payment) -> None:
    import stripe

    from django_payments_hub.services import accounts

    config = accounts.get("stripe").config
    http = stripe.RequestsClient()
    client = stripe.StripeClient(
        str(config.values["SECRET_KEY"]), base_addresses={"api": str(config.values["API_BASE"])}, http_client=http
    )
    client.v1.payment_intents.capture(payment.provider_payment_id or "")
    http.close()


def test_a_cancellation_of_a_failed_payment_that_is_lost_stays_failed_until_it_is_known(sandbox: SandboxClient) -> None:
    payment = world.pay(token="pm_card_chargeDeclined")
    sandbox.fault("reset", operation="payment_intents.cancel", when="after")
    assert payments.cancel(payment.pk).status == PaymentStatus.FAILED
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.CANCELLED


def test_an_open_operation_excludes_every_other(sandbox: SandboxClient) -> None:
    """I18."""
    from django_payments_hub.services import refunds

    payment = world.authorize()
    sandbox.fault("reset", operation="payment_intents.capture", when="after")
    payments.capture(payment.pk, amount="7.00")
    for step in (payments.capture, payments.cancel, refunds.request):
        with pytest.raises((Conflict, RuleViolation)) as error:
            step(payment.pk)
        assert error.value.code == "operation_in_progress"
    world.converge()
    assert effects(sandbox) == 1
    assert world.fresh(payment).captured_minor == 700


def test_money_of_the_payment_in_units_of_its_currency(sandbox: SandboxClient) -> None:
    payment = world.pay(amount="500", currency="JPY")
    assert payment.amount == payment.captured == payment.refundable == Money(Decimal(500), "JPY")
    assert payment.capturable == payment.refunded == payment.disputed == Money(0, "JPY")
    assert payment.authorized.amount == 500


def test_a_sweep_leaves_what_is_settled_alone(sandbox: SandboxClient) -> None:
    world.pay(capture_method=CaptureMethod.AUTOMATIC)
    calls = len(sandbox.calls())
    world.make_due()
    sweeper.sweep()
    assert len(sandbox.calls()) == calls
