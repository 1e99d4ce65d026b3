"""The way of a payment through the API, against the sandbox."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from django_payments_hub.models import Payment
from django_payments_hub.services import refunds
from tests.api.client import Api
from tests.services.world import books_of, make_order

VISA, DECLINED, SECURE = "pm_card_visa", "pm_card_chargeDeclined", "pm_card_threeDSecure2Required"


def pay(api: Api, user: User, token: str = VISA, **more: Any) -> Any:
    order = make_order("12.50", user=user)
    return api.post(body={"order_id": str(order.pk), "payment_method_token": token, **more})


def test_a_card_payment_is_created_and_read_back(api, customer, sandbox) -> None:
    created = pay(api, customer, metadata={"cart": "17"}, description="Two teapots")
    assert created.status == 201, created.body
    body = created.body
    assert (body["status"], body["amount"], body["captured"], body["currency"]) == (
        "completed",
        "12.50",
        "12.50",
        "USD",
    )
    assert body["method"] == {
        "kind": "credit_card",
        "brand": "visa",
        "last4": "4242",
        "expiry_month": body["method"]["expiry_month"],
        "expiry_year": body["method"]["expiry_year"],
    }
    assert (body["metadata"], body["description"]) == ({"cart": "17"}, "Two teapots")
    assert api.get(f"{body['id']}/").body == body
    assert api.get().body["results"] == [body]
    assert books_of(sandbox, Payment.objects.get(pk=body["id"]))["captured"] == 1250


def test_refund(api, customer, staff, sandbox) -> None:
    payment = pay(api, customer).body
    finance = Api(staff("finance"))
    part = finance.post(f"{payment['id']}/refund/", {"amount": "5.00", "reason": "broken"})
    assert (part.status, part.body["status"], part.body["amount"]) == (202, "pending", "5.00"), part.body
    refunds.execute(part.body["id"])
    assert api.get(f"refunds/{part.body['id']}/").body["status"] == "completed"
    assert api.get(f"{payment['id']}/").body["refundable"] == "7.50"
    too_much = finance.post("refunds/", {"payment_id": payment["id"], "amount": "7.51"})
    assert (too_much.status, too_much.code) == (422, "refund_exceeds_captured")
