"""Operations: every call that may move money."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin import display
from django_payments_hub.admin.base import LedgerAdmin
from django_payments_hub.admin.changelist import CreatedFilter, attention_filter
from django_payments_hub.models import Operation
from django_payments_hub.services import health


@admin.register(Operation)
class OperationAdmin(LedgerAdmin[Operation]):
    """What was to be done at a provider, and what is known of it."""

    list_display = (
        "short_id",
        "kind",
        "badge",
        "amount_money",
        "payment",
        "tries",
        "error_code",
        "created_at",
        "attention",
    )
    list_filter = (attention_filter(health.operations_for_a_person), "state", "kind", "in_doubt", CreatedFilter)
    list_select_related = ("payment",)
    search_fields = ("payment__number",)
    search_help_text = _("The payment's number, or the operation's id.")
    fields = (
        "key",
        "kind",
        "badge",
        "attention",
        "amount_money",
        "payment",
        "refund",
        "in_doubt",
        "tries",
        "error_code",
        "provider_code",
        "first_sent_at",
        "lease_until",
        "next_attempt_at",
        "finished_at",
        "created_at",
        "call_parameters",
    )

    @admin.display(description=_("operation"))
    def short_id(self, row: Operation) -> str:
        return str(row.pk)[-12:]

    @admin.display(description=_("key at the provider"))
    def key(self, row: Operation) -> SafeString | str:
        return display.code(str(row.pk))

    @admin.display(description=_("state"))
    def badge(self, row: Operation) -> SafeString | str:
        return display.badge(row.state, row.get_state_display())

    @admin.display(description=_("needs a person"))
    def attention(self, row: Operation) -> SafeString | str:
        return display.attention(row.attention_code)

    @admin.display(description=_("amount"))
    def amount_money(self, row: Operation) -> SafeString | str:
        return display.minor(row.amount_minor, row.currency)

    @admin.display(description=_("parameters"))
    def call_parameters(self, row: Operation) -> SafeString | str:
        return display.payload(row.parameters)
