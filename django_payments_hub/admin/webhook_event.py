"""The inbox."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin import display
from django_payments_hub.admin.base import LedgerAdmin
from django_payments_hub.admin.changelist import CreatedFilter, attention_filter
from django_payments_hub.admin.redaction import shown_json
from django_payments_hub.admin.replay import replay_selected, replay_tool
from django_payments_hub.models import WebhookEvent
from django_payments_hub.services import health, inbox

_PERMISSION = "replay_webhookevent"


def _badge(row: WebhookEvent) -> SafeString:
    return display.badge(row.state, row.get_state_display())


@admin.register(WebhookEvent)
class WebhookEventAdmin(LedgerAdmin[WebhookEvent]):
    """Notices of the providers and what became of them."""

    list_display = ("event_code", "event_type", "badge", "verdict", "account", "tries", "error_code", "received_at")
    list_filter = (attention_filter(health.notices_for_a_person), "state", "account", CreatedFilter)
    list_select_related = ("account",)
    search_fields = ("event_id", "event_type")
    search_help_text = _("The event's id or its type; complete, not in part.")
    actions = ("replay",)
    tools = (replay_tool(_PERMISSION, inbox.replay),)
    bulk_tools = (replay_selected(_PERMISSION, inbox.replay, _badge),)
    fields = (
        "event_code",
        "event_type",
        "account",
        "badge",
        "verdict",
        "error_code",
        "tries",
        "next_attempt_at",
        "received_at",
        "processed_at",
        "payload",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        found = super().get_queryset(request)
        listing = request.resolver_match is not None and "object_id" not in request.resolver_match.kwargs
        return found.defer("body") if listing else found

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """For the list's action."""
        return self.may(request, _PERMISSION)

    @admin.action(description=_("Replay…"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> HttpResponse:
        """Lead to the page that lists them."""
        return self.to_selected(request, queryset, "replay")

    @admin.display(description=_("event id"))
    def event_code(self, row: WebhookEvent) -> SafeString | str:
        return display.code(row.event_id)

    @admin.display(description=_("state"))
    def badge(self, row: WebhookEvent) -> SafeString | str:
        return _badge(row)

    @admin.display(description=_("payload"))
    def payload(self, row: WebhookEvent) -> SafeString | str:
        return display.preformatted(shown_json(row.body))
