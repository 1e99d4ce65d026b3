"""Fill the demo shop: products and logins. Safe to repeat."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from example_project.shop.catalogue import CATALOGUE, PEOPLE, Item, Person
from example_project.shop.models import Product


class Command(BaseCommand):
    """`manage.py seed`."""

    help = "Fills the demo shop with products and with the logins customer, support and finance."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--migrate", action="store_true", help="make the tables first")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's logins have published passwords: seed runs with DEBUG on only.")
        if options["migrate"]:
            call_command("migrate", verbosity=0)
        with transaction.atomic():
            for item in CATALOGUE:
                write_product(item)
            for person in PEOPLE:
                write_person(person)
        self.stdout.write(f"{len(CATALOGUE)} products, {len(PEOPLE)} logins.")


def write_product(item: Item) -> Product:
    """Make or update a product."""
    values = {"name": item.name, "description": item.description, "price": item.price, "currency": item.currency}
    product, _ = Product.objects.update_or_create(slug=item.slug, defaults=values)
    return product


def write_person(person: Person) -> User:
    """Make or update a login, with its published password and its permissions."""
    user, _ = get_user_model().objects.update_or_create(
        username=person.username,
        defaults={
            "first_name": person.first_name,
            "email": f"{person.username}@example.com",
            "is_staff": person.is_staff,
        },
    )
    user.set_password(person.password)
    user.save(update_fields=["password"])
    user.user_permissions.set(permissions(person))
    return user


def permissions(person: Person) -> list[Permission]:
    """The rows of a person's permissions; raises CommandError when one does not exist."""
    found = list(Permission.objects.filter(content_type__app_label="payments_hub", codename__in=person.permissions))
    missing = set(person.permissions) - {row.codename for row in found}
    if missing:
        raise CommandError(f"The hub has no permission {', '.join(sorted(missing))}.")
    return found
