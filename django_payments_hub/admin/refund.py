"""Refunds."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin import display, pages
from django_payments_hub.admin.asking import actor
from django_payments_hub.admin.base import HubAdmin, LedgerAdmin, Tool
from django_payments_hub.admin.changelist import CreatedFilter, attention_filter
from django_payments_hub.admin.vouching_tools import PROOF
from django_payments_hub.models import Refund, TransactionLog
from django_payments_hub.services import hand_refunds, health, refunds


def cancel(model_admin: HubAdmin[Refund], request: HttpRequest, row: Refund) -> HttpResponse:
    """Take back a refund that was not sent yet."""
    page = pages.Page(
        title=_now("Cancel refund %(number)s") % {"number": row.number},
        intro=_now("A refund can be taken back as long as nobody has made it by hand.")
        if row.by_hand
        else _now("A refund can be taken back as long as it was not sent to the provider."),
        facts=[(_now("Payment"), row.payment.number), (_now("Amount"), display.money(row.amount))],
        submit=_now("Cancel the refund"),
        danger=True,
    )

    def do() -> str:
        found = refunds.cancel(row.pk, actor=actor(request))
        return _now("Refund %(number)s is now %(status)s.") % {
            "number": found.number,
            "status": found.get_status_display(),
        }

    return pages.confirm_and_do(model_admin, request, row, page, do)


@admin.register(Refund)
class RefundAdmin(LedgerAdmin[Refund]):
    """Refunds, whether asked for here or at the provider."""

    list_display = (
        "number",
        "standing",
        "amount_money",
        "payment",
        "created_at",
        "account",
        "origin",
        "requested_by",
    )
    list_filter = (
        attention_filter(health.refunds_for_a_person),
        attention_filter(hand_refunds.to_be_paid_out, title=_("to be made by hand"), parameter="to_make"),
        "status",
        "origin",
        "account",
        CreatedFilter,
    )
    list_select_related = ("payment", "account", "requested_by")
    search_fields = ("number", "provider_refund_id")
    search_help_text = _("The number, or the provider's id; complete, not in part.")
    tools = (
        Tool(
            name="cancel",
            label=_("Cancel refund"),
            permission="refund_payment",
            view=cancel,
            offered=refunds.is_cancellable,
        ),
        PROOF,
    )
    fields = (
        "number",
        "badge",
        "attention",
        "amount_money",
        "payment",
        "account",
        "origin",
        "by_hand",
        "proof",
        "reason",
        "provider_id",
        "failure_code",
        "failure_provider_code",
        "requested_by",
        "approved_by",
        "created_at",
        "updated_at",
    )

    @admin.display(description=_("status"))
    def badge(self, row: Refund) -> SafeString | str:
        return display.badge(row.status, row.get_status_display())

    @admin.display(description=_("status"))
    def standing(self, row: Refund) -> SafeString | str:
        return display.status(row.status, row.get_status_display(), row.attention_code)

    @admin.display(description=_("needs a person"))
    def attention(self, row: Refund) -> SafeString | str:
        return display.attention(row.attention_code)

    @admin.display(description=_("amount"))
    def amount_money(self, row: Refund) -> SafeString | str:
        return display.money(row.amount)

    @admin.display(description=_("proof"))
    def proof(self, row: Refund) -> SafeString | str:
        entry = TransactionLog.objects.filter(refund=row, event="refund.completed").order_by("position").first()
        return (display.pairs(entry.data) if entry else "") or display.NOTHING

    @admin.display(description=_("provider's refund id"))
    def provider_id(self, row: Refund) -> SafeString | str:
        return display.code(row.provider_refund_id)
