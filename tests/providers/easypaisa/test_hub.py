"""EasyPaisa in the hub: a browser that posts both forms, a phone that asks, a voucher, hints, and staff's refunds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from django_payments_hub.domain.statuses import MethodKind, OperationState, PaymentStatus, RefundStatus
from django_payments_hub.exceptions import Conflict, RuleViolation, Unsupported
from django_payments_hub.models import Payment, Refund, WebhookEvent
from django_payments_hub.services import expiry, orders, payments, refunds, sweeper
from django_payments_hub.testing.sandbox import SandboxClient
from tests.providers.easypaisa.till import (
    HOST_PAGE,
    at_the_till,
    begin,
    called,
    check_out,
    form_on,
    page_of,
    path_of,
    submit,
)
from tests.services import world
from tests.services.world import fresh, make_order, make_user, only_operation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shop")]

HOOK = "/api/payments/webhooks/easypaisa/"
PAYS, NO_MONEY, FAILED_AFTER_ALL, LOST = "03451234567", "03450000013", "03457770000", "03458880000"


# -- the hosted checkout ----------------------------------------------------------------------------------------------


def test_a_browser_posts_both_forms_and_the_inquiry_makes_it_paid(sandbox: SandboxClient) -> None:
    payment = begin()
    answer = check_out(payment, sandbox)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{HOST_PAGE}?payment_id={payment.pk}"
    assert fresh(payment).captured_minor == 0  # a return proves nothing
    sweeper.sweep()
    row = fresh(payment)
    assert (row.status, row.captured_minor, row.method_kind) == (PaymentStatus.COMPLETED, 150_000, "wallet")


def test_a_forged_return_makes_nothing_paid(sandbox: SandboxClient) -> None:
    payment = begin()
    forged = {"status": "0000", "desc": "SUCCESS", "orderRefNumber": payment.reference}
    for url in (f"/api/payments/return/{payment.pk}/", "/api/payments/return/easypaisa/"):
        assert Client().get(url, forged).status_code == 303
        assert Client().post(url, forged).status_code == 303
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.REQUIRES_ACTION


def test_a_customer_without_money_fails(sandbox: SandboxClient) -> None:
    payment = begin()
    check_out(payment, sandbox, "fail")
    sweeper.sweep()
    assert (fresh(payment).status, fresh(payment).captured_minor) == (PaymentStatus.FAILED, 0)


def test_an_order_changed_on_the_way_is_not_taken(sandbox: SandboxClient) -> None:
    payment = begin()
    refused = submit(form_on(page_of(payment)), amount="1.0")
    assert "status=0023" in refused.headers["Location"]


def test_an_order_changed_without_its_hash_is_quarantined(sandbox: SandboxClient) -> None:
    # given a store that takes orders without a hash, and a customer who pays one rupee
    payment = begin()
    target, fields = form_on(page_of(payment))
    submit((target, {name: value for name, value in fields.items() if name != "merchantHashedReq"}), amount="1.0")
    led = sandbox.deed("pay_session", session=payment.reference, outcome="succeed", confirm=False)
    submit(form_on(Client().get(path_of(led["return"]["url"]), led["return"]["fields"])))
    payments.sync(payment.pk)
    row = fresh(payment)
    assert (row.captured_minor, row.attention_code) == (0, "mismatch_amount")
    # and it is not given up either, also when nobody holds it any more
    Payment.objects.filter(pk=payment.pk).update(led_on_at=timezone.now() - timedelta(minutes=3))
    with pytest.raises(RuleViolation) as refused:
        payments.cancel(payment.pk)
    assert refused.value.code == "contradicted"
    assert fresh(payment).status == PaymentStatus.REQUIRES_ACTION


def test_nobody_pays_twice_who_goes_to_another_tab(sandbox: SandboxClient) -> None:
    user = make_user()
    order = make_order("1500.00", user=user, currency="PKR")
    payment = begin(terms=orders.terms_of(order, user), user=user)
    form = at_the_till(payment, sandbox)
    # when the second form is out, nothing takes the payment's place
    with pytest.raises(Conflict) as refused:
        begin(terms=orders.terms_of(order, user), user=user)
    assert refused.value.code == "payment_in_progress"
    with pytest.raises(Conflict):
        payments.cancel(payment.pk)
    # and it can still be posted
    submit(form)
    payments.sync(payment.pk)
    assert fresh(payment).status == PaymentStatus.COMPLETED


def test_paid_after_it_was_given_up_is_paid(sandbox: SandboxClient) -> None:
    payment = begin()
    form = at_the_till(payment, sandbox)
    Payment.objects.filter(pk=payment.pk).update(led_on_at=timezone.now() - timedelta(minutes=3))
    assert payments.cancel(payment.pk).status == PaymentStatus.CANCELLED
    landed = urlsplit(submit(form).headers["Location"])
    Client().get(landed.path, dict(parse_qsl(landed.query)))
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.COMPLETED


# -- hints ------------------------------------------------------------------------------------------------------------


def test_its_notice_makes_the_hub_ask(sandbox: SandboxClient, shop: str) -> None:
    payment = begin()
    submit(at_the_till(payment, sandbox))
    url = f"https://easypay.easypaisa.com.pk/easypay-service/rest/v1/order-status/20002/{payment.reference}"
    assert Client().get(HOOK, {"url": url}).status_code == 200
    assert fresh(payment).captured_minor == 0
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.COMPLETED
    assert not WebhookEvent.objects.exists()


def test_a_forged_notice_makes_nothing_paid_and_fetches_nothing(sandbox: SandboxClient, httpserver_hits: Any) -> None:
    payment = begin()
    for data in (
        {"url": f"{httpserver_hits.url}/{payment.reference}"},
        {"order_id": payment.reference, "transaction_status": "PAID"},
    ):
        assert Client().get(HOOK, data).status_code == 200
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.REQUIRES_ACTION
    assert httpserver_hits.seen == []


# -- the phone --------------------------------------------------------------------------------------------------------


def test_a_customer_who_approves_at_once_has_paid(sandbox: SandboxClient) -> None:
    payment = called(PAYS)
    assert (payment.status, payment.captured_minor) == (PaymentStatus.COMPLETED, 150_000)


def test_a_customer_without_money_is_declined(sandbox: SandboxClient) -> None:
    payment = called(NO_MONEY)
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "insufficient_funds")


def test_accepted_and_failed_is_failed(sandbox: SandboxClient) -> None:
    assert called(FAILED_AFTER_ALL).status == PaymentStatus.FAILED


def test_a_customer_who_takes_his_time_is_asked_about_until_he_has_paid(sandbox: SandboxClient) -> None:
    payment = called()
    assert payment.next_action is not None
    assert (payment.status, payment.next_action["type"]) == (PaymentStatus.REQUIRES_ACTION, "wait")
    with pytest.raises(Unsupported):
        payments.cancel(payment.pk)
    sandbox.deed("settle", payment=payment.reference, outcome="succeed")
    Payment.objects.filter(pk=payment.pk).update(created_at=timezone.now() - timedelta(seconds=31))
    sweeper.sweep()
    assert fresh(payment).status == PaymentStatus.COMPLETED


def test_a_customer_who_never_answers_has_had_his_time(sandbox: SandboxClient) -> None:
    payment = called()
    Payment.objects.filter(pk=payment.pk).update(expires_at=timezone.now() - timedelta(minutes=16))
    expiry.expire(payment.pk)
    assert fresh(payment).status == PaymentStatus.EXPIRED


def test_a_doubt_is_looked_up_and_the_call_not_made_again(sandbox: SandboxClient) -> None:
    payment = called(LOST)
    assert (payment.status, only_operation(payment, "pay").state) == (PaymentStatus.PROCESSING, OperationState.UNKNOWN)
    sandbox.deed("settle", payment=payment.reference, outcome="succeed")
    world.converge()
    assert fresh(payment).status == PaymentStatus.COMPLETED
    assert len(sandbox.calls("ma.pay")) == 1


def test_a_voucher_is_paid_at_a_shop(sandbox: SandboxClient) -> None:
    payment = called(method_kind=MethodKind.VOUCHER)
    assert payment.next_action is not None
    assert payment.next_action["type"] == "instructions"
    assert payment.next_action["fields"]["token"]
    assert payment.expires_at is not None
    assert payment.expires_at - payment.created_at > timedelta(days=2)
    sandbox.deed("settle", payment=payment.reference, outcome="succeed")
    assert payments.sync(payment.pk).status == PaymentStatus.COMPLETED


def test_a_waf_in_between_leaves_the_outcome_unknown(sandbox: SandboxClient) -> None:
    sandbox.fault("waf", operation="ma.pay", when="after", provider="easypaisa")
    payment = called(PAYS)
    assert payment.status == PaymentStatus.PROCESSING
    world.converge()
    assert fresh(payment).status == PaymentStatus.COMPLETED


# -- refunds ----------------------------------------------------------------------------------------------------------


def test_a_refund_is_made_by_hand_and_proven(sandbox: SandboxClient) -> None:
    payment = called(PAYS)
    calls = len(sandbox.calls())
    refund = refunds.request(payment.pk, amount="500.00", reason="broken cup")
    row = Refund.objects.get(pk=refund.pk)
    assert (row.by_hand, row.status) == (True, RefundStatus.PROCESSING)
    assert len(sandbox.calls()) == calls


def test_a_payment_reversed_at_easypaisa_is_refunded(sandbox: SandboxClient) -> None:
    payment = called(PAYS)
    sandbox.deed("reverse", payment=payment.reference)
    assert payments.sync(payment.pk).status == PaymentStatus.REFUNDED
    assert payments.sync(payment.pk).refunded_minor == 150_000
    assert Refund.objects.count() == 1


def test_of_a_payment_reversed_with_a_refund_under_way_the_rest_is_booked(sandbox: SandboxClient) -> None:
    # given one rupee that staff is asked to give back
    payment = called(PAYS)
    refunds.request(payment.pk, amount="1.00", reason="broken cup")
    # when all of it is given back at EasyPaisa, and that is told twice
    sandbox.deed("reverse", payment=payment.reference)
    payments.sync(payment.pk)
    payments.sync(payment.pk)
    # then no more than the rupee is left
    row = fresh(payment)
    assert (row.refunded_minor, row.refund_reserved_minor) == (149_900, 150_000)
    assert sorted(Refund.objects.values_list("amount_minor", "by_hand")) == [(100, True), (149_900, False)]
