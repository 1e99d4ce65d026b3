"""Operations: every call that may move money."""

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
from django_payments_hub.admin.forms import ReasonForm
from django_payments_hub.models import Operation
from django_payments_hub.services import health, parked


def try_again(model_admin: HubAdmin[Operation], request: HttpRequest, row: Operation) -> HttpResponse:
    """Let a worker look it up and, where that is safe, send it again."""
    page = pages.Page(
        title=_now("Try this operation again"),
        intro=_now("The provider is asked first; it is sent again only while the provider still knows its key."),
        facts=_facts(row),
        submit=_now("Try again"),
    )

    def do() -> str:
        parked.try_again(row.pk, actor=actor(request))
        return _now("A worker tries the operation again.")

    return pages.confirm_and_do(model_admin, request, row, page, do)


def declare_not_happened(model_admin: HubAdmin[Operation], request: HttpRequest, row: Operation) -> HttpResponse:
    """Close it on a person's word, with a reason; the provider is asked once more before."""
    form = ReasonForm(request.POST or None)
    page = pages.Page(
        title=_now("This operation did not happen"),
        intro=_now("Only after you have looked in the provider's own dashboard: what was reserved is released."),
        facts=_facts(row),
        submit=_now("It did not happen"),
        danger=True,
    )
    if request.method != "POST" or not form.is_valid():
        return pages.render(model_admin, request, page, row=row, form=form)
    reason = str(form.cleaned_data["reason"])

    def do() -> str:
        parked.declare_not_happened(row.pk, reason=reason, actor=actor(request))
        return _now("The operation is closed as not happened.")

    return pages.attempt(model_admin, request, row, do)


def _facts(row: Operation) -> list[tuple[object, object]]:
    return [
        (_now("Payment"), row.payment.number),
        (_now("Operation"), row.get_kind_display()),
        (_now("Amount"), display.minor(row.amount_minor, row.currency)),
        (_now("Needs a person"), display.attention(row.attention_code)),
    ]


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
    tools = (
        Tool(
            name="try_again",
            label=_("Try again"),
            permission="resolve_operation",
            view=try_again,
            offered=parked.is_parked,
        ),
        Tool(
            name="not_happened",
            label=_("It did not happen"),
            permission="resolve_operation",
            view=declare_not_happened,
            offered=parked.is_parked,
        ),
    )
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
