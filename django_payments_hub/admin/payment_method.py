"""Saved payment methods."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin import display
from django_payments_hub.admin.base import LedgerAdmin
from django_payments_hub.admin.changelist import CreatedFilter
from django_payments_hub.models import PaymentMethod


@admin.register(PaymentMethod)
class PaymentMethodAdmin(LedgerAdmin[PaymentMethod]):
    """What a receipt shows of a method; its token stays hidden."""

    list_display = ("name", "kind", "user", "account", "expiry", "default", "is_active", "created_at")
    list_filter = ("kind", "is_active", "account", CreatedFilter)
    list_select_related = ("user", "account")
    search_fields = ("provider_method_id",)
    search_help_text = _("The provider's id; complete, not in part.")
    fields = (
        "name",
        "kind",
        "user",
        "account",
        "customer",
        "expiry",
        "default",
        "is_active",
        "token",
        "consent_data",
        "more_data",
        "created_at",
    )

    @admin.display(description=_("method"))
    def name(self, row: PaymentMethod) -> str:
        return f"{row.brand} •••• {row.last4}" if row.last4 else str(row)

    @admin.display(description=_("expires"))
    def expiry(self, row: PaymentMethod) -> str:
        return f"{row.expiry_month:02}/{row.expiry_year}" if row.expiry_month and row.expiry_year else ""

    @admin.display(description=_("default"), boolean=True)
    def default(self, row: PaymentMethod) -> bool:
        return row.is_default

    @admin.display(description=_("provider's method id"))
    def token(self, row: PaymentMethod) -> str:
        return display.hidden_tail(row.provider_method_id)

    @admin.display(description=_("consent"))
    def consent_data(self, row: PaymentMethod) -> SafeString | str:
        return display.payload(row.consent)

    @admin.display(description=_("metadata"))
    def more_data(self, row: PaymentMethod) -> SafeString | str:
        return display.payload(row.metadata)
