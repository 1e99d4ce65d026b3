"""Ways in which money was once lost or taken twice, each found by a reader of the code; none may come back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import stripe
from django.db import transaction

from django_payments_hub import registry
from django_payments_hub.domain.statuses import Flow, OperationKind, OperationState, PaymentStatus, RefundStatus
from django_payments_hub.exceptions import NotFound, RuleViolation, Unsupported
from django_payments_hub.models import Operation, OrderRef, Payment
from django_payments_hub.services import accounts, facts, orders, parked, payments, refunds
from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_refund_declared_not_happened_that_did_is_booked(sandbox: SandboxClient) -> None:
    payment = world.pay(world.make_order("10.00"))
    refund = refunds.request(payment.pk, amount="5.00")
    refunds.cancel(refund.pk)
    # when the provider says that the money went back all the same
    told = world.refund_fact(payment, "re_late", 500, RefundStatus.COMPLETED, reference=str(refund.pk))
    facts.apply(told, world.account(), world.by_webhook())
    payment = world.fresh(payment)
    assert (payment.refunded_minor, payment.refundable_minor) == (500, 500)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.COMPLETED


def test_money_refunded_twice_because_of_a_wrong_word_is_marked(sandbox: SandboxClient) -> None:
    payment = world.pay(world.make_order("10.00"))
    first = refunds.request(payment.pk)
    refunds.cancel(first.pk)
    refunds.execute(refunds.request(payment.pk).pk)
    told = world.refund_fact(payment, "re_late", 1000, RefundStatus.COMPLETED, reference=str(first.pk))
    facts.apply(told, world.account(), world.by_webhook())
    payment = world.fresh(payment)
    assert (payment.refunded_minor, payment.excess_minor, payment.attention_code) == (2000, 1000, "refunded_in_excess")


def test_a_declined_object_is_withdrawn_before_a_new_try(sandbox: SandboxClient) -> None:
    order = world.make_order("10.00")
    declined = world.pay(order, token="pm_card_chargeDeclined")
    assert declined.status == PaymentStatus.FAILED
    paid = world.pay(order)
    assert paid.status == PaymentStatus.COMPLETED
    assert world.fresh(declined).status == PaymentStatus.CANCELLED
    assert [call["status"] for call in sandbox.calls("payment_intents.cancel")] == [200]


def test_a_withdrawal_in_doubt_does_not_stop_the_new_try(sandbox: SandboxClient) -> None:
    order = world.make_order("10.00")
    declined = world.pay(order, token="pm_card_chargeDeclined")
    sandbox.fault("status", operation="payment_intents.cancel", when="before", status=503)
    assert world.pay(order).status == PaymentStatus.COMPLETED
    assert world.fresh(declined).status == PaymentStatus.FAILED
    world.converge()
    assert world.fresh(declined).status == PaymentStatus.CANCELLED
    assert not Operation.objects.exclude(attention_code="").exists()


def test_an_order_that_brings_more_than_it_costs_is_marked(
    sandbox: SandboxClient, sandbox_process: SandboxProcess
) -> None:
    order = world.make_order("10.00")
    declined = world.pay(order, token="pm_card_chargeDeclined")
    sandbox.fault("status", operation="payment_intents.cancel", when="before", status=503, times=20)
    world.pay(order)
    # when the customer pays the old object, whose secret his browser has kept
    key = accounts.get("stripe").config.values["SECRET_KEY"]
    client = stripe.StripeClient(str(key), base_addresses={"api": sandbox_process.url_of("stripe")})
    client.v1.payment_intents.confirm(
        str(declined.provider_payment_id), {"payment_method": "pm_card_visa", "return_url": "https://shop.example.com"}
    )
    payments.sync(declined.pk)
    declined = world.fresh(declined)
    assert (declined.status, declined.attention_code) == (PaymentStatus.COMPLETED, "order_overpaid")
    assert OrderRef.objects.get().active_minor == 2000


@pytest.mark.parametrize("how", ["process", "confirm"])
def test_an_order_that_changed_is_not_paid_at_its_old_price(sandbox: SandboxClient, how: str) -> None:
    user = world.make_user()
    order = world.make_order("10.00", user=user)
    if how == "process":
        payment = world.pay(order, user=user, defer=True)
    else:
        payment = world.pay(order, user=user, flow=Flow.CLIENT)
    order.lines.update(price=Decimal("500.00"))
    with pytest.raises(RuleViolation) as refused:
        getattr(payments, how)(payment.pk, method_token="pm_card_visa")
    assert refused.value.code == "order_changed"
    assert world.fresh(payment).captured_minor == 0


def test_a_disabled_account_starts_nothing(sandbox: SandboxClient, hub: dict[str, Any], settings: Any) -> None:
    payment = world.recorded()
    world.configure(settings, hub, ACTIVE=False)
    with pytest.raises(NotFound) as refused:
        payments.process(payment.pk, method_token="pm_card_visa")
    assert refused.value.code == "inactive_account"


def test_a_live_shop_takes_no_play_money(sandbox: SandboxClient, hub: dict[str, Any], settings: Any) -> None:
    live = {"PROVIDER": "stripe", "MODE": "live", "SECRET_KEY": "sk_live_1", "WEBHOOK_SECRETS": ["whsec_1"]}
    settings.PAYMENTS_HUB = {**hub, "ACCOUNTS": {**hub["ACCOUNTS"], "real": live}}
    with pytest.raises(NotFound) as refused:
        world.pay(world.make_order())
    assert refused.value.code == "unknown_account"
    assert [account.row.alias for account in accounts.payable_accounts()] == ["real"]


def test_an_order_has_payments_of_one_mode(sandbox: SandboxClient) -> None:
    order = world.make_order("10.00")
    world.pay(order)
    OrderRef.objects.update(mode="live")
    with pytest.raises(RuleViolation) as refused:
        world.pay(order)
    assert refused.value.code == "order_mode_mismatch"


def test_a_new_guest_token_replaces_the_old_one(sandbox: SandboxClient) -> None:
    order = world.make_order("10.00")
    world.pay(order, token="pm_card_chargeDeclined")
    order.guest_token = "another"
    order.save()
    world.pay(order)
    assert OrderRef.objects.get().guest_token_hash == orders.hash_guest_token("another")


def test_no_provider_is_called_inside_a_transaction(sandbox: SandboxClient) -> None:
    payment = world.pay(world.make_order())
    before = len(sandbox.calls())
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        payments.sync(payment.pk)
    assert len(sandbox.calls()) == before


def test_a_confirm_that_never_arrived_is_not_taken_for_the_decline_before_it(sandbox: SandboxClient) -> None:
    payment = world.pay(world.make_order(), flow=Flow.CLIENT)
    payments.confirm(payment.pk, method_token="pm_card_chargeDeclined")
    sandbox.fault("status", operation="payment_intents.confirm", when="before", status=503)
    payments.confirm(payment.pk, method_token="pm_card_visa")
    world.converge()
    assert world.fresh(payment).status == PaymentStatus.COMPLETED
    states = Operation.objects.filter(kind=OperationKind.CONFIRM).order_by("pk").values_list("state", flat=True)
    assert list(states) == [OperationState.DECLINED, OperationState.SUCCEEDED]


def test_what_is_not_declared_is_refused(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "capabilities", replace(provider.capabilities, saved_methods=False))
    user = world.make_user()
    with pytest.raises(Unsupported) as refused:
        world.pay(world.make_order(user=user), user=user, save_method=True)
    assert refused.value.code == "unsupported_saved_methods"


def test_a_parked_operation_of_a_paid_payment_is_not_there(sandbox: SandboxClient) -> None:
    payment: Payment = world.pay(world.make_order())
    operation = world.only_operation(payment, OperationKind.PAY.value)
    assert not parked.is_parked(operation)


@pytest.mark.parametrize("seconds", [900, 86_400, 10 * 86_400])
def test_a_hosted_page_ends_within_what_the_provider_takes(
    sandbox: SandboxClient, hub: dict[str, Any], settings: Any, seconds: int
) -> None:
    settings.PAYMENTS_HUB = {**hub, "PAYMENT_EXPIRY_S": seconds}
    assert world.pay(world.make_order(), flow=Flow.HOSTED).status == PaymentStatus.REQUIRES_ACTION
