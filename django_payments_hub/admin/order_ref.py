"""Orders, as the hub sees them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin import display
from django_payments_hub.admin.base import LedgerAdmin, LedgerInline
from django_payments_hub.admin.changelist import CreatedFilter
from django_payments_hub.models import OrderRef, Payment


class PaymentInline(LedgerInline):
    """The payments of the order."""

    model = Payment
    fields = ("badge", "amount_money", "captured_money", "refunded_money", "account", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("account").order_by("pk")

    @admin.display(description=_("status"))
    def badge(self, row: Payment) -> SafeString | str:
        return display.badge(row.status, row.get_status_display())

    @admin.display(description=_("amount"))
    def amount_money(self, row: Payment) -> SafeString | str:
        return display.money(row.amount)

    @admin.display(description=_("captured"))
    def captured_money(self, row: Payment) -> SafeString | str:
        return display.money(row.captured)

    @admin.display(description=_("refunded"))
    def refunded_money(self, row: Payment) -> SafeString | str:
        return display.money(row.refunded)


@admin.register(OrderRef)
class OrderRefAdmin(LedgerAdmin[OrderRef]):
    """One row for each order of the host that was to be paid."""

    list_display = ("order_id", "content_type", "total_money", "active_money", "user", "created_at")
    list_filter = (CreatedFilter,)
    list_select_related = ("content_type", "user")
    search_fields = ("object_id",)
    search_help_text = _("The order's id; complete, not in part.")
    fields = ("order_id", "content_type", "user", "total_money", "active_money", "open_money", "created_at")
    inlines = (PaymentInline,)

    @admin.display(description=_("order id"))
    def order_id(self, row: OrderRef) -> SafeString | str:
        return display.code(row.object_id)

    @admin.display(description=_("total"))
    def total_money(self, row: OrderRef) -> SafeString | str:
        return display.money(row.total)

    @admin.display(description=_("sum of active payments"))
    def active_money(self, row: OrderRef) -> SafeString | str:
        return display.minor(row.active_minor, row.currency)

    @admin.display(description=_("still open"))
    def open_money(self, row: OrderRef) -> SafeString | str:
        return display.minor(row.open_minor, row.currency)
