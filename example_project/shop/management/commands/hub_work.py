"""What the hub still has to do, as JSON; the demo waits until it is nothing."""

import json
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, Model

from django_payments_hub.domain.statuses import OPEN_OPERATIONS
from django_payments_hub.models import EventDelivery, Operation, WebhookEvent


class Command(BaseCommand):
    """`manage.py hub_work`."""

    help = "Prints how many notices and deliveries are in which state, and how many operations are open."

    def handle(self, *args: Any, **options: Any) -> None:
        work = {
            "notices": states(WebhookEvent),
            "deliveries": states(EventDelivery),
            "open_operations": Operation.objects.filter(state__in=[state.value for state in OPEN_OPERATIONS]).count(),
        }
        self.stdout.write(json.dumps(work))


def states(model: type[Model]) -> dict[str, int]:
    """Number of rows by state."""
    counted = model._default_manager.order_by("state").values("state").annotate(rows=Count("pk"))
    return {row["state"]: row["rows"] for row in counted}
