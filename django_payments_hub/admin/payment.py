"""Payments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin import display
from django_payments_hub.admin.base import MAX_FOUND, LedgerAdmin, LedgerInline
from django_payments_hub.admin.changelist import CreatedFilter, attention_filter
from django_payments_hub.admin.payment_bulk import REFUND_SELECTED
from django_payments_hub.admin.payment_tools import TOOLS
from django_payments_hub.admin.vouching_tools import RECEIPT, SETTLE, SURPLUS
from django_payments_hub.models import Dispute, Operation, OrderRef, Payment, Refund, TransactionLog
from django_payments_hub.services import health, receipts

if TYPE_CHECKING:
    _Shown = SafeString | str


class RefundInline(LedgerInline):
    """Money on its way back."""

    model = Refund
    fields = ("badge", "money", "origin", "reason", "requested_by", "provider_id", "attention", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("requested_by").order_by("pk")

    @admin.display(description=_("status"))
    def badge(self, row: Refund) -> _Shown:
        return display.badge(row.status, row.get_status_display())

    @admin.display(description=_("amount"))
    def money(self, row: Refund) -> _Shown:
        return display.money(row.amount)

    @admin.display(description=_("provider's refund id"))
    def provider_id(self, row: Refund) -> _Shown:
        return display.code(row.provider_refund_id)

    @admin.display(description=_("needs a person"))
    def attention(self, row: Refund) -> _Shown:
        return display.attention(row.attention_code)


class OperationInline(LedgerInline):
    """Calls to the provider."""

    model = Operation
    fields = ("kind", "badge", "money", "tries", "error_code", "next_attempt_at", "attention", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).order_by("pk")

    @admin.display(description=_("state"))
    def badge(self, row: Operation) -> _Shown:
        return display.badge(row.state, row.get_state_display())

    @admin.display(description=_("amount"))
    def money(self, row: Operation) -> _Shown:
        return display.minor(row.amount_minor, row.currency)

    @admin.display(description=_("needs a person"))
    def attention(self, row: Operation) -> _Shown:
        return display.attention(row.attention_code)


class LogInline(LedgerInline):
    """What happened, in order."""

    model = TransactionLog
    verbose_name_plural = _("timeline")
    fields = ("created_at", "event", "from_badge", "to_badge", "source", "actor", "details")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("actor").order_by("position")

    @admin.display(description=_("from"))
    def from_badge(self, row: TransactionLog) -> _Shown:
        return display.badge(row.from_status) if row.from_status else ""

    @admin.display(description=_("to"))
    def to_badge(self, row: TransactionLog) -> _Shown:
        return display.badge(row.to_status) if row.to_status else ""

    @admin.display(description=_("data"))
    def details(self, row: TransactionLog) -> _Shown:
        # Amounts in minor units are for programs: each stands there as a decimal, too.
        return display.pairs({name: value for name, value in row.data.items() if not name.endswith("_minor")})


class DisputeInline(LedgerInline):
    """Money the customer's bank took back."""

    model = Dispute
    fields = ("badge", "money", "reason", "provider_id", "evidence_due_at", "created_at")
    readonly_fields = fields

    @admin.display(description=_("status"))
    def badge(self, row: Dispute) -> _Shown:
        return display.badge(row.status, row.get_status_display())

    @admin.display(description=_("amount"))
    def money(self, row: Dispute) -> _Shown:
        return display.money(row.amount)

    @admin.display(description=_("provider's dispute id"))
    def provider_id(self, row: Dispute) -> _Shown:
        return display.code(row.provider_dispute_id)


@admin.register(Payment)
class PaymentAdmin(LedgerAdmin[Payment]):
    """Payments: what was asked, taken and given back, and the buttons that move money."""

    list_display = (
        "number",
        "standing",
        "amount_money",
        "account",
        "order_id",
        "captured_money",
        "refunded_money",
        "created_at",
        "user",
    )
    list_filter = (
        attention_filter(health.payments_for_a_person),
        attention_filter(receipts.waiting, title=_("waiting for money"), parameter="waiting"),
        "status",
        "account",
        "mode",
        CreatedFilter,
    )
    list_select_related = ("account", "order_ref", "user")
    search_fields = ("number", "provider_payment_id", "provider_session_id", "reference")
    search_help_text = _("A number, or an id of the provider, of the order or of a refund; complete, not in part.")
    actions = ("refund_in_full",)
    tools = (RECEIPT, *TOOLS, SURPLUS, SETTLE)
    bulk_tools = (REFUND_SELECTED,)
    inlines = (RefundInline, DisputeInline, OperationInline, LogInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "number",
                    "badge",
                    "attention",
                    "amounts",
                    "account",
                    "order_id",
                    "user",
                    "description",
                    "created_at",
                    "expires_at",
                )
            },
        ),
        (
            _("How it is paid"),
            {"fields": ("flow", "capture_method", "method", "failure", "next_step", "cancel_reason")},
        ),
        (
            _("At the provider"),
            {"fields": ("mode", "stage", "unknown", "reference_code", "payment_code", "session_code")},
        ),
        (
            _("Further data"),
            {
                "classes": ("collapse",),
                "fields": ("payer_data", "more_data", "return_address", "cancel_address", "updated_at"),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        return super().get_queryset(request).select_related("account", "order_ref", "user")

    def search_also(self, term: str) -> Q:
        """By order and by refund; looked up first, because an OR over joined tables reads them whole. And by the
        reference a customer quotes, however he grouped it.
        """
        orders = OrderRef.objects.filter(object_id=term).values_list("pk", flat=True)
        refunds = Refund.objects.filter(Q(number=term.upper()) | Q(provider_refund_id=term)).order_by()
        of_refunds = list(refunds.values_list("payment_id", flat=True)[:MAX_FOUND])
        quoted = Q(reference="".join(term.split()).upper())
        return Q(order_ref__in=list(orders[:MAX_FOUND])) | Q(pk__in=of_refunds) | quoted

    def has_refund_permission(self, request: HttpRequest) -> bool:
        """For the list's action."""
        return self.may(request, "refund_payment")

    @admin.action(description=_("Refund in full…"), permissions=["refund"])
    def refund_in_full(self, request: HttpRequest, queryset: QuerySet[Payment]) -> HttpResponse:
        """Lead to the page that lists the amounts."""
        return self.to_selected(request, queryset, REFUND_SELECTED.name)

    @admin.display(description=_("status"))
    def badge(self, row: Payment) -> _Shown:
        return display.badge(row.status, row.get_status_display())

    @admin.display(description=_("needs a person"))
    def attention(self, row: Payment) -> _Shown:
        return display.attention(row.attention_code)

    @admin.display(description=_("status"))
    def standing(self, row: Payment) -> _Shown:
        return display.status(row.status, row.get_status_display(), row.attention_code)

    @admin.display(description=_("amount"))
    def amount_money(self, row: Payment) -> _Shown:
        return display.money(row.amount)

    @admin.display(description=_("captured"))
    def captured_money(self, row: Payment) -> _Shown:
        return display.money_or_nothing(row.captured)

    @admin.display(description=_("refunded"))
    def refunded_money(self, row: Payment) -> _Shown:
        return display.money_or_nothing(row.refunded)

    @admin.display(description=_("order"))
    def order_id(self, row: Payment) -> _Shown:
        return display.code(row.order_ref.object_id if row.order_ref else "")

    @admin.display(description=_("amounts"))
    def amounts(self, row: Payment) -> _Shown:
        return display.amounts_table(
            [
                (_("Asked for"), row.amount),
                (_("Authorised"), row.authorized),
                (_("Captured"), row.captured),
                (_("Still capturable"), row.capturable),
                (_("Refunded"), row.refunded),
                (_("Reserved for refunds"), row.money(row.refund_reserved_minor - row.refunded_minor)),
                (_("Left to refund"), row.refundable),
                (_("Disputed"), row.disputed),
                (_("Refunded in excess"), row.money(row.excess_minor)),
                (_("Surplus to give back"), row.surplus),
            ]
        )

    @admin.display(description=_("paid with"))
    def method(self, row: Payment) -> _Shown:
        details = row.method_details
        known = [row.get_method_kind_display() if row.method_kind else "", details.get("brand", "")]
        last4 = str(details.get("last4", ""))
        return (
            " ".join([*(str(word) for word in known if word), f"•••• {last4}" if last4 else ""]).strip()
            or display.NOTHING
        )

    @admin.display(description=_("failure"))
    def failure(self, row: Payment) -> _Shown:
        return " / ".join(code for code in (row.failure_code, row.failure_provider_code) if code) or display.NOTHING

    @admin.display(description=_("next action"))
    def next_step(self, row: Payment) -> _Shown:
        # Its kind only: the address or the client secret would let the reader pay, or act, as the customer.
        return str((row.next_action or {}).get("type", "")) or display.NOTHING

    @admin.display(description=_("outcome"))
    def unknown(self, row: Payment) -> _Shown:
        return display.badge("unknown", _("unknown")) if row.outcome_unknown else str(_("known"))

    @admin.display(description=_("our reference"))
    def reference_code(self, row: Payment) -> _Shown:
        return display.reference(row.reference)

    @admin.display(description=_("provider's payment id"))
    def payment_code(self, row: Payment) -> _Shown:
        return display.code(row.provider_payment_id)

    @admin.display(description=_("provider's session id"))
    def session_code(self, row: Payment) -> _Shown:
        return display.code(row.provider_session_id)

    @admin.display(description=_("payer"))
    def payer_data(self, row: Payment) -> _Shown:
        return display.payload(row.payer)

    @admin.display(description=_("metadata"))
    def more_data(self, row: Payment) -> _Shown:
        return display.payload(row.metadata)

    @admin.display(description=_("return address"))
    def return_address(self, row: Payment) -> _Shown:
        return display.code(row.return_url)

    @admin.display(description=_("cancel address"))
    def cancel_address(self, row: Payment) -> _Shown:
        return display.code(row.cancel_url)
