"""`manage.py seed`: products and logins, safe to repeat."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import CommandError, call_command

from example_project.shop.catalogue import CATALOGUE, PEOPLE
from example_project.shop.models import Product

pytestmark = pytest.mark.django_db


def test_seeding_twice_makes_everything_once(settings: Any, django_user_model: Any) -> None:
    settings.DEBUG = True
    for _ in range(2):
        call_command("seed", verbosity=0)
    assert set(Product.objects.values_list("slug", flat=True)) == {item.slug for item in CATALOGUE}
    assert set(django_user_model.objects.values_list("username", flat=True)) == {p.username for p in PEOPLE}


def test_the_logins_may_do_what_their_work_needs(settings: Any, django_user_model: Any) -> None:
    settings.DEBUG = True
    call_command("seed", verbosity=0)
    users = {user.username: user for user in django_user_model.objects.all()}
    allowed = {
        name: {
            what for what in ("view", "refund", "capture", "cancel") if user.has_perm(f"payments_hub.{what}_payment")
        }
        for name, user in users.items()
    }
    assert allowed == {
        "customer": set(),
        "support": {"view", "refund"},
        "finance": {"view", "refund", "capture", "cancel"},
    }
    assert {name: user.is_staff for name, user in users.items()} == {
        "customer": False,
        "support": True,
        "finance": True,
    }
    assert all(users[person.username].check_password(person.password) for person in PEOPLE)


def test_published_passwords_stay_out_of_production(settings: Any, django_user_model: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG"):
        call_command("seed")
    assert not django_user_model.objects.exists()


def test_every_product_has_a_picture() -> None:
    assert CATALOGUE
    assert [item.slug for item in CATALOGUE if not finders.find(f"shop/img/{item.slug}.svg")] == []
