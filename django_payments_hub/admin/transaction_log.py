"""The audit trail."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin import display
from django_payments_hub.admin.base import LedgerAdmin
from django_payments_hub.admin.changelist import CreatedFilter
from django_payments_hub.models import TransactionLog


@admin.register(TransactionLog)
class TransactionLogAdmin(LedgerAdmin[TransactionLog]):
    """Who changed what, when and through which door."""

    list_display = ("created_at", "event", "payment", "from_badge", "to_badge", "source", "actor")
    list_filter = ("source", CreatedFilter)  # one on `event` would read the whole table for its choices
    list_select_related = ("payment", "actor")
    search_fields = ("payment__number", "event")
    search_help_text = _("The payment's number, or the name of an event.")
    fields = (
        "payment",
        "position",
        "event",
        "from_badge",
        "to_badge",
        "source",
        "actor",
        "refund",
        "dispute",
        "operation",
        "webhook_event",
        "amounts_after",
        "details",
        "created_at",
    )

    @admin.display(description=_("from"))
    def from_badge(self, row: TransactionLog) -> SafeString | str:
        return display.badge(row.from_status) if row.from_status else ""

    @admin.display(description=_("to"))
    def to_badge(self, row: TransactionLog) -> SafeString | str:
        return display.badge(row.to_status) if row.to_status else ""

    @admin.display(description=_("amounts after it"))
    def amounts_after(self, row: TransactionLog) -> SafeString | str:
        named = {name: value for name, value in row.amounts.items() if isinstance(value, int)}
        return display.amounts_table(
            [(name.removesuffix("_minor").replace("_", " "), row.payment.money(value)) for name, value in named.items()]
        )

    @admin.display(description=_("data"))
    def details(self, row: TransactionLog) -> SafeString | str:
        return display.payload(row.data)
