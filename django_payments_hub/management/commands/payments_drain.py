"""Apply notices and deliver events now, without a broker."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from django_payments_hub.services import events, inbox


class Command(BaseCommand):
    """`manage.py payments_drain`."""

    help = "Apply every due webhook event and run every due handler; needs no broker and no worker."

    def handle(self, *args: object, **options: object) -> None:
        """Notices first: they cause the events."""
        notices = inbox.drain()
        deliveries = events.drain()
        self.stdout.write(f"notices: {notices}, deliveries: {deliveries}")
