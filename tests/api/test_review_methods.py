"""What a second reading of `methods/` and of what staff vouches for found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from django_payments_hub.models import PaymentMethod
from tests.api.client import Api
from tests.services.saved import save
from tests.services.world import make_order


def clerk_who_may(user: User, *names: str) -> User:
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="payments_hub", codename__in=names))
    return User.objects.get(pk=user.pk)


def body_for(customer: User | str) -> dict[str, object]:
    key = customer if isinstance(customer, str) else str(customer.pk)
    at = (timezone.now() - timedelta(hours=1)).isoformat()
    return {
        "payment_method_token": "pm_card_visa",
        "customer_id": key,
        "consent": {"text": "Keep my card.", "given_at": at, "how": "phone"},
    }


def test_staff_that_may_save_but_not_look_is_answered_the_same_again(
    customer: User, staff: Callable[[str], User]
) -> None:
    clerk = Api(clerk_who_may(staff("finance"), "add_paymentmethod"))
    body = body_for(customer)
    first, again = (clerk.post("methods/", body, key="once-1") for _ in range(2))
    assert (first.status, again.status) == (201, 201), again.body
    assert PaymentMethod.objects.count() == 1


@pytest.mark.parametrize("key", ["9" * 30, "-1", "1.5", "1e3", "0x1", "None"])
def test_a_strange_customer_is_404(staff: Callable[[str], User], key: str) -> None:
    result = Api(staff("admin")).post("methods/", body_for(key))
    assert (result.status, result.code) == (404, "unknown_customer"), result.body


def test_of_a_customer_who_is_away_nothing_is_put_off(customer: User, staff: Callable[[str], User]) -> None:
    method = save(customer)
    body = {"amount": "9.00", "currency": "USD", "payment_method": str(method.pk), "off_session": True, "defer": True}
    result = Api(staff("admin")).post("", body)
    assert (result.status, result.code) == (400, "invalid_input"), result.body


def test_a_guest_who_logs_in_starts_the_payment_of_his_order(api: Api, customer: User) -> None:
    order = make_order()
    guest = Api(customer, token=order.guest_token)
    made = guest.post(body={"order_id": str(order.pk), "account": "stripe", "flow": "token", "defer": True})
    assert made.status == 201, made.body
    body = {"payment_method_token": "pm_card_visa"}
    paid = guest.post(f"{made.body['id']}/process/", body)
    assert (paid.status, paid.body.get("status")) == (200, "completed"), paid.body
