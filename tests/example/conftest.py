"""The demo shop under test: its shelves filled, and visitors with browsers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from example_project.shop.catalogue import CATALOGUE, CUSTOMER, FINANCE, SUPPORT, Person
from example_project.shop.management.commands.seed import write_person, write_product
from example_project.shop.models import Order, Product
from tests.example.browsers import chromium, page, stack  # noqa: F401 - fixtures
from tests.services.conftest import hub  # noqa: F401 - what the core is tested in, the shop is tested in

LogIn = Callable[[Person], Client]
Buy = Callable[..., Order]


@pytest.fixture
def products(transactional_db: None) -> dict[str, Product]:
    """The catalogue by slug."""
    return {item.slug: write_product(item) for item in CATALOGUE}


@pytest.fixture
def people(transactional_db: None) -> dict[str, User]:
    """The logins by name."""
    return {person.username: write_person(person) for person in (CUSTOMER, SUPPORT, FINANCE)}


@pytest.fixture
def log_in(people: dict[str, User]) -> LogIn:
    """A browser of somebody who is logged in."""

    def log_in(person: Person) -> Client:
        browser = Client(enforce_csrf_checks=False)
        browser.force_login(people[person.username])
        return browser

    return log_in


@pytest.fixture
def buy(products: dict[str, Product]) -> Buy:
    """Order a product with a browser, by the shop's form."""

    def buy(browser: Client, slug: str = "stoneware-mug", **values: Any) -> Order:
        known = set(Order.objects.values_list("pk", flat=True))
        filled = {"quantity": 1, "email": "guest@example.com", **values}
        answer = browser.post(f"/products/{slug}/", filled)
        order = Order.objects.exclude(pk__in=known).get()
        assert (answer.status_code, answer["Location"]) == (302, f"/orders/{order.pk}/")
        return order

    return buy
