"""Refund several payments in full, after a page that says how much goes back of each."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from moneyed import Money

from django_payments_hub.admin import pages
from django_payments_hub.admin.asking import actor
from django_payments_hub.admin.base import BulkTool, HubAdmin
from django_payments_hub.admin.display import badge, money, money_or_nothing, money_text
from django_payments_hub.admin.form_tokens import new_token, once
from django_payments_hub.admin.forms import SelectedRefundForm
from django_payments_hub.admin.words import sentence
from django_payments_hub.domain.money import format_minor
from django_payments_hub.exceptions import Conflict, HubError
from django_payments_hub.models import Payment, Refund
from django_payments_hub.services import refunds

_PURPOSE = "refund_selected"
_Admin = HubAdmin[Payment]


def refund_selected(model_admin: _Admin, request: HttpRequest, rows: list[Payment]) -> HttpResponse:
    """GET lists the amounts, POST refunds exactly these; what changed meanwhile is left alone."""
    form = SelectedRefundForm(request.POST or None)
    token = request.POST.get("token") or new_token(request.user.pk, _PURPOSE)
    page = _page(rows, token)
    if request.method != "POST" or page.blocked or not form.is_valid():
        return pages.render(model_admin, request, page, form=None if page.blocked else form)
    for payment in rows:
        if payment.refundable_minor > 0 or _shown(request, payment):
            _refund_one(model_admin, request, payment, token, str(form.cleaned_data["reason"]))
    return model_admin.back()


def _page(rows: list[Payment], token: str) -> pages.Page:
    refundable = [payment for payment in rows if payment.refundable_minor > 0]
    count = len(refundable)
    page = pages.Page(
        title=_("Refund in full"),
        intro=ngettext("%(count)d payment is refunded: %(sums)s.", "%(count)d payments are refunded: %(sums)s.", count)
        % {"count": count, "sums": _sums(refundable)},
        columns=(_("Payment"), _("Status"), _("Captured"), _("Refunded"), _("Goes back")),
        lines=[_line(payment) for payment in rows],
        hidden={
            "token": token,
            "ids": ".".join(str(payment.pk) for payment in rows),
            **{f"amount_{payment.pk}": str(payment.refundable_minor) for payment in refundable},
        },
        submit=ngettext("Refund %(count)d payment", "Refund %(count)d payments", count) % {"count": count},
        danger=True,
    )
    if refundable:
        return page
    return replace(page, blocked=True, intro=_("Nothing of these payments is left to refund."))


def _line(payment: Payment) -> tuple[object, ...]:
    return (
        payment.number,
        badge(payment.status, payment.get_status_display()),
        money(payment.captured),
        money(payment.refunded),
        money_or_nothing(payment.refundable),
    )


def _sums(rows: list[Payment]) -> str:
    sums: dict[str, Money] = {}
    for payment in rows:
        known = sums.get(payment.currency)
        sums[payment.currency] = payment.refundable if known is None else known + payment.refundable
    return ", ".join(money_text(total) for total in sums.values())


def _shown(request: HttpRequest, payment: Payment) -> str:
    return request.POST.get(f"amount_{payment.pk}", "")


def _refund_one(model_admin: _Admin, request: HttpRequest, payment: Payment, token: str, reason: str) -> None:
    try:
        refund = _request(request, payment, token, reason)
    except HubError as error:
        text = _("%(number)s: %(reason)s") % {"number": payment.number, "reason": sentence(error)}
        model_admin.message_user(request, text, messages.ERROR)
        return
    text = _("%(number)s: refund %(refund)s of %(amount)s is requested.") % {
        "number": payment.number,
        "refund": refund.number,
        "amount": money_text(refund.amount),
    }
    model_admin.done(request, payment, text)


def _request(request: HttpRequest, payment: Payment, token: str, reason: str) -> Refund:
    on_commit = once(token, user_id=request.user.pk, purpose=_PURPOSE, part=payment.pk, resource_type="Refund")
    shown = _shown(request, payment)
    if shown != str(payment.refundable_minor):
        raise Conflict(code="amount_changed")
    return refunds.request(
        payment.pk,
        amount=format_minor(payment.refundable_minor, payment.currency),
        reason=reason,
        actor=actor(request),
        on_commit=on_commit,
    )


REFUND_SELECTED: BulkTool[Payment] = BulkTool(name="refund", permission="refund_payment", view=refund_selected)
