"""Deliveries of events to the host's handlers."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin import display
from django_payments_hub.admin.base import LedgerAdmin
from django_payments_hub.admin.changelist import CreatedFilter, attention_filter
from django_payments_hub.admin.replay import replay_selected, replay_tool
from django_payments_hub.models import EventDelivery
from django_payments_hub.services import events, health

_PERMISSION = "replay_eventdelivery"


def _badge(row: EventDelivery) -> SafeString:
    return display.badge(row.state, row.get_state_display())


@admin.register(EventDelivery)
class EventDeliveryAdmin(LedgerAdmin[EventDelivery]):
    """Which handler has run for which event."""

    list_display = ("handler", "event", "payment", "badge", "tries", "error", "next_attempt_at", "delivered_at")
    list_filter = (attention_filter(health.deliveries_for_a_person), "state", CreatedFilter)
    list_select_related = ("log__payment",)
    search_fields = ("handler", "log__payment__number")
    search_help_text = _("The handler's id, or the payment's number.")
    actions = ("replay",)
    tools = (replay_tool(_PERMISSION, events.replay),)
    bulk_tools = (replay_selected(_PERMISSION, events.replay, _badge),)
    fields = ("handler", "event", "payment", "log", "badge", "tries", "error", "next_attempt_at", "delivered_at")

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """For the list's action."""
        return self.may(request, _PERMISSION)

    @admin.action(description=_("Replay…"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[EventDelivery]) -> HttpResponse:
        """Lead to the page that lists them."""
        return self.to_selected(request, queryset, "replay")

    @admin.display(description=_("event"))
    def event(self, row: EventDelivery) -> str:
        return row.log.event

    @admin.display(description=_("payment"))
    def payment(self, row: EventDelivery) -> str:
        return row.log.payment.number

    @admin.display(description=_("state"))
    def badge(self, row: EventDelivery) -> SafeString | str:
        return _badge(row)
