"""Customers."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin import display
from django_payments_hub.admin.base import LedgerAdmin
from django_payments_hub.admin.changelist import CreatedFilter
from django_payments_hub.models import Customer


@admin.register(Customer)
class CustomerAdmin(LedgerAdmin[Customer]):
    """Users as a provider knows them."""

    list_display = ("provider_id", "user", "account", "mode", "made_at", "created_at")
    list_filter = ("account", CreatedFilter)
    list_select_related = ("user", "account")
    search_fields = ("provider_customer_id",)
    search_help_text = _("The provider's id; complete, not in part.")
    fields = ("provider_id", "user", "account", "mode", "made_at", "created_at")

    @admin.display(description=_("provider's customer id"))
    def provider_id(self, row: Customer) -> SafeString | str:
        return display.code(row.provider_customer_id)
