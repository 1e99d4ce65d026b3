"""Disputes."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin import display
from django_payments_hub.admin.base import LedgerAdmin
from django_payments_hub.admin.changelist import CreatedFilter, attention_filter
from django_payments_hub.models import Dispute
from django_payments_hub.services import health


@admin.register(Dispute)
class DisputeAdmin(LedgerAdmin[Dispute]):
    """Money a customer's bank took back, until it is settled."""

    list_display = (
        "provider_id",
        "badge",
        "amount_money",
        "payment",
        "account",
        "reason",
        "evidence_due_at",
        "created_at",
    )
    list_filter = (attention_filter(health.disputes_for_a_person), "status", "account", CreatedFilter)
    list_select_related = ("payment", "account")
    search_fields = ("provider_dispute_id", "payment__number")
    search_help_text = _("The provider's id, or the payment's number.")
    fields = (
        "provider_id",
        "badge",
        "amount_money",
        "payment",
        "account",
        "reason",
        "evidence_due_at",
        "created_at",
        "updated_at",
    )

    @admin.display(description=_("provider's dispute id"))
    def provider_id(self, row: Dispute) -> SafeString | str:
        return display.code(row.provider_dispute_id)

    @admin.display(description=_("status"))
    def badge(self, row: Dispute) -> SafeString | str:
        return display.badge(row.status, row.get_status_display())

    @admin.display(description=_("amount"))
    def amount_money(self, row: Dispute) -> SafeString | str:
        return display.money(row.amount)
