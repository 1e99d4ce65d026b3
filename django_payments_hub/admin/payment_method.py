"""Saved payment methods."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin import display, pages
from django_payments_hub.admin.base import HubAdmin, LedgerAdmin, Tool
from django_payments_hub.admin.changelist import CreatedFilter, attention_filter
from django_payments_hub.domain.statuses import MethodStatus
from django_payments_hub.models import PaymentMethod
from django_payments_hub.services import health, methods


def masked(row: PaymentMethod) -> str:
    """What a receipt shows."""
    return f"{row.brand} •••• {row.last4}" if row.last4 else str(row)


def _is_there(row: PaymentMethod) -> bool:
    return MethodStatus(row.status) in methods.VISIBLE


def detach(model_admin: HubAdmin[PaymentMethod], request: HttpRequest, row: PaymentMethod) -> HttpResponse:
    """Let the method go, here and at the provider; the row stays."""
    page = pages.Page(
        title=_now("Let payment method go"),
        intro=_now("Nobody can pay with it any more, and the provider is told to forget it. This cannot be undone."),
        facts=[
            (_now("Payment method"), masked(row)),
            (_now("Customer"), row.user),
            (_now("Account"), row.account),
            (_now("Default"), _now("yes") if row.is_default else _now("no")),
        ],
        submit=_now("Let it go"),
        danger=True,
    )

    def do() -> str:
        gone = methods.detach(row.pk)
        if gone.status == MethodStatus.DETACHED:
            return _now("The payment method is let go.")
        return _now("The payment method is let go; the provider is told as soon as it can be.")

    return pages.confirm_and_do(model_admin, request, row, page, do)


def try_again(model_admin: HubAdmin[PaymentMethod], request: HttpRequest, row: PaymentMethod) -> HttpResponse:
    """Do anew what is no longer tried, with the same key at the provider."""
    page = pages.Page(
        title=_now("Try again"),
        intro=_now("What is to be done with this payment method is tried again, as often as before."),
        facts=[
            (_now("Payment method"), masked(row)),
            (_now("Status"), row.get_status_display()),
            (_now("Needs a person"), display.attention(row.attention_code)),
        ],
        submit=_now("Try again"),
    )

    def do() -> str:
        after = methods.try_again(row.pk)
        return _now("It was tried again: %(status)s.") % {"status": after.get_status_display()}

    return pages.confirm_and_do(model_admin, request, row, page, do)


@admin.register(PaymentMethod)
class PaymentMethodAdmin(LedgerAdmin[PaymentMethod]):
    """What a receipt shows of a method; its token stays hidden."""

    list_display = ("name", "badge", "user", "expiry", "default", "kind", "account", "created_at")
    list_filter = (attention_filter(health.methods_for_a_person), "kind", "status", "account", CreatedFilter)
    list_select_related = ("user", "account")
    search_fields = ("provider_method_id",)
    search_help_text = _("The provider's id; complete, not in part.")
    tools = (
        Tool(name="detach", label=_("Let it go"), permission="delete_paymentmethod", view=detach, offered=_is_there),
        Tool(
            name="try_again",
            label=_("Try again"),
            permission="resolve_operation",
            view=try_again,
            offered=lambda row: bool(row.attention_code),
        ),
    )
    fields = (
        "name",
        "kind",
        "badge",
        "attention",
        "user",
        "account",
        "customer",
        "expiry",
        "default",
        "token",
        "failure_code",
        "error_code",
        "replaced_by",
        "consent_data",
        "more_data",
        "in_doubt",
        "tries",
        "next_attempt_at",
        "created_at",
        "detached_at",
    )

    @admin.display(description=_("method"))
    def name(self, row: PaymentMethod) -> str:
        return masked(row)

    @admin.display(description=_("status"))
    def badge(self, row: PaymentMethod) -> SafeString | str:
        return display.status(row.status, row.get_status_display(), row.attention_code)

    @admin.display(description=_("needs a person"))
    def attention(self, row: PaymentMethod) -> SafeString | str:
        return display.attention(row.attention_code)

    @admin.display(description=_("expires"))
    def expiry(self, row: PaymentMethod) -> SafeString | str:
        if not (row.expiry_month and row.expiry_year):
            return ""
        text = f"{row.expiry_month:02}/{row.expiry_year}"
        return display.badge("failed", _now("%(date)s, expired") % {"date": text}) if row.is_expired else text

    @admin.display(description=_("default"), boolean=True)
    def default(self, row: PaymentMethod) -> bool:
        return row.is_default

    @admin.display(description=_("provider's method id"))
    def token(self, row: PaymentMethod) -> str:
        return display.hidden_tail(row.provider_method_id) if row.provider_method_id else display.NOTHING

    @admin.display(description=_("consent"))
    def consent_data(self, row: PaymentMethod) -> SafeString | str:
        return display.payload(row.consent)

    @admin.display(description=_("metadata"))
    def more_data(self, row: PaymentMethod) -> SafeString | str:
        return display.payload(row.metadata)
