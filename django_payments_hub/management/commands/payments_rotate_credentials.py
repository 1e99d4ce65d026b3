"""Encrypt the stored credentials anew."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from django_payments_hub.exceptions import HubError
from django_payments_hub.services import credentials


class Command(BaseCommand):
    """`manage.py payments_rotate_credentials`."""

    help = (
        "Encrypt the credentials of all accounts under the first of ENCRYPTION_KEYS. "
        "Put the new key first, run this, then remove the old key. It may be interrupted and repeated."
    )

    def handle(self, *args: object, **options: object) -> None:
        """Rotate, and say how many."""
        try:
            rotated = credentials.rotate()
        except HubError as error:
            raise CommandError(f"{error.message} ({error.code})") from None
        self.stdout.write(f"{rotated} accounts are encrypted under the first key.")
