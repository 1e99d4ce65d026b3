"""Somebody else's order looks like one that is not there, even where the shop's `payable()` looks at nobody (S3)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User

from django_payments_hub.api import permissions
from django_payments_hub.api.permissions import Actor, DefaultAccessPolicy
from django_payments_hub.domain.payable import Payable
from django_payments_hub.models import Payment
from django_payments_hub.services.orders import Terms
from example_project.shop.models import Order
from tests.api.client import Answer, Api
from tests.services.world import make_order


@pytest.fixture(autouse=True)
def shop_that_looks_at_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def payable(order: Order, user: object) -> Payable:
        token = "" if order.user_id else order.guest_token
        return Payable(amount=order.total, owner_id=order.user_id, guest_token=token)

    monkeypatch.setattr(Order, "payable", payable)


def told(result: Answer) -> tuple[int, Any]:
    return result.status, result.body


@pytest.mark.parametrize("price", ["10.00", "0.00"])
@pytest.mark.parametrize("more", [{}, {"currency": "JPY"}, {"account": "nobody"}, {"amount": "999"}], ids=str)
@pytest.mark.parametrize("path", ["", "checkout/"])
def test_it_is_answered_like_one_that_is_not_there(api, customer, other, path, more, price) -> None:
    # given orders of a customer and of a guest
    absent = str(uuid.uuid4())
    for order in (make_order(price, user=customer), make_order(price)):
        for nosy in (Api(other), Api(token="guessed"), Api(other, token="guessed")):
            # when somebody else names one, then the answer is, to the letter, that for an id of no order
            theirs = nosy.post(path, {"order_id": str(order.pk), **more})
            assert told(theirs) == told(nosy.post(path, {"order_id": absent, **more}))
            assert theirs.code == "unknown_order"
    assert not Payment.objects.exists()


def test_who_may_know_of_it_is_told_why(api, customer, staff) -> None:
    priced, free, guests = make_order(user=customer), make_order("0.00", user=customer), make_order("0.00")
    assert api.post(body={"order_id": str(free.pk)}).code == "order_not_payable"
    assert Api(token=guests.guest_token).post(body={"order_id": str(guests.pk)}).code == "order_not_payable"
    # staff who see all payments may know of the order, and not pay it
    for order, code in ((priced, "permission_denied"), (free, "order_not_payable")):
        assert Api(staff("support")).post(body={"order_id": str(order.pk)}).code == code
    assert Api(staff("nothing")).post(body={"order_id": str(priced.pk)}).code == "unknown_order"


class NobodyPays(DefaultAccessPolicy):
    """Nobody may pay anything."""

    def may_pay_order(self, actor: Actor, terms: Terms) -> bool:
        return False


def test_the_owner_whom_the_policy_forbids_is_told_so(api, customer, other, change) -> None:
    change(ACCESS_POLICY=f"{__name__}.NobodyPays")
    order = str(make_order(user=customer).pk)
    assert (api.post(body={"order_id": order}).status, Api(other).post(body={"order_id": order}).status) == (403, 404)


# -- the policy of a marketplace, as the documentation has it ---------------------------------------------------------


class SellerPolicy(DefaultAccessPolicy):
    """Whoever wrote the note on an order sells it; the example of `permissions`, with this shop's order."""

    def may(self, actor: Actor, action: str, payment: Payment | None = None) -> bool:
        if action in {"capture", "refund"} and payment and self.is_seller(actor, payment):
            return True
        return super().may(actor, action, payment)

    def is_seller(self, actor: Actor, payment: Payment) -> bool:
        if actor.user is None or payment.order_ref is None:
            return False
        return Order.objects.filter(
            pk=payment.order_ref.object_id, user__groups__name=actor.user.get_username()
        ).exists()


def test_nobody_makes_himself_the_seller_by_metadata(api, customer: User, change) -> None:
    change(ACCESS_POLICY=f"{__name__}.SellerPolicy")
    body = {"order_id": str(make_order(user=customer).pk), "payment_method_token": "pm_card_visa"}
    made = api.post(body={**body, "metadata": {"seller": str(customer.pk)}})
    assert api.post(f"{made.body['id']}/refund/").status == 403
    # and the seller of the order is one
    customer.groups.create(name=customer.get_username())
    assert api.post(f"{made.body['id']}/refund/").status == 202


def test_the_documented_policy_asks_the_order_alone() -> None:
    example = str(permissions.__doc__).partition("```python")[2].partition("```")[0]
    assert "Order.objects" in example
    assert "metadata" not in example
