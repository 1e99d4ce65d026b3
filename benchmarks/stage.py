"""What the measurements in this process play on: a sandbox, a customer and his orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from django_payments_hub.testing.sandbox import SandboxProcess

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from django_payments_hub.services.payments import NewPayment
    from example_project.shop.models import Order

CARD = "pm_card_visa"


@contextmanager
def sandbox() -> Iterator[str]:
    """A sandbox to which the account `stripe` of this process points; yields Stripe's base address."""
    from django.conf import settings
    from django.test import override_settings

    declared = settings.PAYMENTS_HUB
    with SandboxProcess() as process:
        account = {**declared["ACCOUNTS"]["stripe"], "API_BASE": process.url_of("stripe")}
        with override_settings(PAYMENTS_HUB={**declared, "ACCOUNTS": {"stripe": account}}):
            yield process.url_of("stripe")


def customer(name: str, **more: bool) -> User:
    """The user of this name."""
    from django.contrib.auth.models import User

    return User.objects.get_or_create(username=name, defaults=more)[0]


def order(user: User) -> Order:
    """A new order of 42.00 USD."""
    from example_project.shop.models import Order, OrderLine, Product

    product, _ = Product.objects.get_or_create(slug="benchmark", defaults={"name": "Tea", "price": Decimal("42.00")})
    made = Order.objects.create(user=user)
    OrderLine.objects.create(order=made, product=product, quantity=1, price=product.price)
    return made


def wish(user: User) -> NewPayment:
    """To pay a new order of his by card, in the token flow."""
    from django_payments_hub.domain.statuses import Flow
    from django_payments_hub.services import orders
    from django_payments_hub.services.payments import NewPayment

    terms = orders.terms_of(order(user), user)
    return NewPayment(account="stripe", terms=terms, user=user, flow=Flow.TOKEN, method_token=CARD)
