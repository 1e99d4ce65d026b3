"""A payment that EasyPaisa knows and nobody has paid yet: what its customer is told, and that it is not given up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from django_payments_hub.domain.statuses import Flow, MethodKind, PaymentStatus
from django_payments_hub.exceptions import Conflict, Unsupported
from django_payments_hub.models import Payment
from django_payments_hub.provider_kit.reading import Json
from django_payments_hub.providers.easypaisa import Provider
from django_payments_hub.services import orders, payments
from django_payments_hub.testing.sandbox import SandboxClient
from tests.providers.easypaisa.till import begin, called, form_on, page_of, path_of, submit
from tests.providers.easypaisa.world import answer
from tests.services.world import fresh, make_order, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shop")]


def told_pending(payment: Payment, store: str, **changes: object) -> Payment:
    """The payment after an inquiry that says PENDING, and neither how nor by which number."""
    amount = f"{payment.amount_minor / 100:.2f}"
    asked = {"orderId": payment.reference, "storeId": store, "transactionAmount": amount, "paymentMode": None}
    reply = answer(transactionStatus="PENDING", **{**asked, **changes})

    def call(_self: Provider, _path: str, _body: object) -> Json:
        return reply

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Provider, "_call", call)
        payments.sync(payment.pk)
    return fresh(payment)


def test_a_voucher_keeps_its_number_where_an_inquiry_does_not_tell_it(shop: str) -> None:
    payment = called(method_kind=MethodKind.VOUCHER)
    instructions = payment.next_action
    assert instructions is not None
    assert instructions["fields"]["token"]
    row = told_pending(payment, shop)
    assert (row.status, row.next_action) == (PaymentStatus.REQUIRES_ACTION, instructions)


@pytest.mark.parametrize("changes", [{}, {"paymentMode": "MA"}, {"paymentMode": "OTC"}])
def test_a_customer_whose_order_is_known_before_the_second_form_still_gets_it(
    sandbox: SandboxClient, shop: str, changes: dict[str, Any]
) -> None:
    # given a customer on EasyPaisa's page, and an inquiry that tells of him
    payment = begin(Flow.HOSTED)
    submit(form_on(page_of(payment)))
    led = sandbox.deed("pay_session", session=payment.reference, outcome="succeed", confirm=False)
    row = told_pending(payment, shop, **changes)
    assert row.next_action is not None
    assert row.next_action["type"] == "wait"
    # when he comes back with his token
    back = Client().get(path_of(led["return"]["url"]), led["return"]["fields"])
    # then he is led on, and can pay
    assert fresh(payment).led_on_at is not None
    submit(form_on(back))
    assert payments.sync(payment.pk).status == PaymentStatus.COMPLETED


def test_a_return_without_a_token_leads_a_customer_who_waits_to_no_form(shop: str) -> None:
    payment = told_pending(begin(Flow.HOSTED), shop)
    returned = {"status": "0000", "desc": "0000", "orderRefNumber": payment.reference}
    assert Client().get(f"/api/payments/return/{payment.pk}/", returned).status_code == 303
    assert fresh(payment).led_on_at is None


def test_a_phone_that_is_asked_is_sent_no_form(shop: str) -> None:
    payment = called()
    assert Client().get(f"/api/payments/return/{payment.pk}/", {"auth_token": "abc"}).status_code == 303
    assert fresh(payment).led_on_at is None


@pytest.mark.parametrize("kind", [None, MethodKind.VOUCHER])
@pytest.mark.parametrize("led_on", [False, True])
def test_what_easypaisa_knows_is_not_given_up(shop: str, kind: MethodKind | None, led_on: bool) -> None:
    user = make_user()
    order = make_order("1500.00", user=user, currency="PKR")
    payment = begin(terms=orders.terms_of(order, user), user=user, method_kind=kind)
    if led_on:  # and the hold is over
        Payment.objects.filter(pk=payment.pk).update(led_on_at=timezone.now() - timedelta(minutes=3))
    told_pending(payment, shop)
    with pytest.raises(Unsupported):
        payments.cancel(payment.pk)
    with pytest.raises(Conflict):
        begin(terms=orders.terms_of(order, user), user=user)
    assert fresh(payment).status == PaymentStatus.REQUIRES_ACTION
