"""The API in front of a real sandbox: clients that speak JSON, and people who may do this or that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache

from django_payments_hub.testing.sandbox import SandboxClient
from tests.api.client import Api
from tests.services.world import make_user

ROLES: dict[str, list[str]] = {
    "support": ["view_payment", "view_transactionlog", "view_paymentmethod"],
    "finance": ["view_payment", "refund_payment", "capture_payment", "cancel_payment", "sync_payment"],
    "approver": ["view_payment", "approve_refund"],
    "cashier": ["view_payment", "receive_payment", "prove_refund"],
}


@pytest.fixture
def world(
    hub_on_sandbox: dict[str, Any], sandbox: SandboxClient, no_worker: None, transactional_db: None
) -> Iterator[None]:
    """What every call needs; each fixture that makes somebody who calls brings it."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def change(settings: Any) -> Callable[..., None]:
    """Change keys of `PAYMENTS_HUB` for this test."""

    def apply(**values: object) -> None:
        settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, **values}

    return apply


@pytest.fixture
def customer(world: None) -> User:
    return make_user()


@pytest.fixture
def other(world: None) -> User:
    return make_user()


@pytest.fixture
def staff(world: None) -> Callable[[str], User]:
    """A member of staff in a role; `admin` may do everything."""

    def make(role: str) -> User:
        user = make_user(is_staff=True, is_superuser=role == "admin")
        names = ROLES.get(role, [])
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="payments_hub", codename__in=names))
        return user

    return make


@pytest.fixture
def api(customer: User) -> Api:
    """The API as the customer uses it."""
    return Api(customer)
