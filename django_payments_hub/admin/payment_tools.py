"""The buttons of a payment: refund, capture, cancel, sync."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_payments_hub.admin import pages
from django_payments_hub.admin.asking import Deed, OnCommit, Values, actor, asked_twice
from django_payments_hub.admin.base import HubAdmin, Tool
from django_payments_hub.admin.display import badge, money, money_text
from django_payments_hub.admin.forms import AmountForm, CaptureForm, ReasonForm, RefundForm
from django_payments_hub.domain.money import from_minor, to_minor
from django_payments_hub.domain.statuses import PaymentStatus
from django_payments_hub.models import Payment
from django_payments_hub.services import payments, refunds

_Admin = HubAdmin[Payment]

_CANCELLABLE = frozenset(
    {PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING, PaymentStatus.AUTHORIZED}
)


def refund(model_admin: _Admin, request: HttpRequest, payment: Payment) -> HttpResponse:
    """Ask how much and why, show it once more, then request the refund."""
    form = RefundForm(request.POST or None, limit_minor=payment.refundable_minor, currency=payment.currency)
    page = pages.Page(
        title=_("Refund payment %(number)s") % {"number": payment.number},
        facts=_refund_facts(payment),
        submit=_("Continue"),
        danger=True,
        blocked=payment.refundable_minor <= 0,
        intro="" if payment.refundable_minor > 0 else _("Nothing of this payment is left to refund."),
    )

    def do(values: Values, on_commit: OnCommit) -> str:
        row = refunds.request(
            payment.pk, amount=values["amount"], reason=values["reason"], actor=actor(request), on_commit=on_commit
        )
        by_hand = _("Refund %(number)s of %(amount)s is to be made by hand; then record its proof.")
        by_worker = _("Refund %(number)s of %(amount)s is requested; a worker carries it out.")
        words = by_hand if row.by_hand else by_worker
        return words % {"number": row.number, "amount": money_text(row.amount)}

    return _asked_twice(model_admin, request, payment, form=form, page=page, submit=_("Refund %(amount)s"), do=do)


def capture(model_admin: _Admin, request: HttpRequest, payment: Payment) -> HttpResponse:
    """Ask how much of the held money is taken, show it once more, then capture it."""
    form = CaptureForm(request.POST or None, limit_minor=payment.capturable_minor, currency=payment.currency)
    nothing = payment.capturable_minor <= 0
    page = pages.Page(
        title=_("Capture payment %(number)s") % {"number": payment.number},
        intro=_("Nothing of this payment can be captured.")
        if nothing
        else _("What is not captured is released to the customer."),
        facts=[
            *_facts(payment),
            (_("Authorised"), money(payment.authorized)),
            (_("Still capturable"), money(payment.capturable)),
        ],
        submit=_("Continue"),
        blocked=nothing,
    )

    def do(values: Values, on_commit: OnCommit) -> str:
        return _standing(
            payments.capture(payment.pk, amount=values["amount"], actor=actor(request), on_commit=on_commit)
        )

    return _asked_twice(model_admin, request, payment, form=form, page=page, submit=_("Capture %(amount)s"), do=do)


def cancel(model_admin: _Admin, request: HttpRequest, payment: Payment) -> HttpResponse:
    """Void or withdraw, with a reason. Sent twice it is refused the second time: there is nothing left to cancel."""
    form = ReasonForm(request.POST or None)
    page = pages.Page(
        title=_("Cancel payment %(number)s") % {"number": payment.number},
        intro=_("What is held is released, and the customer can no longer pay this payment."),
        facts=[*_facts(payment), (_("Held"), money(payment.capturable))],
        submit=_("Cancel the payment"),
        danger=True,
    )
    if request.method != "POST" or not form.is_valid():
        return pages.render(model_admin, request, page, row=payment, form=form)
    reason = str(form.cleaned_data["reason"])

    def do() -> str:
        return _standing(payments.cancel(payment.pk, reason=reason, actor=actor(request)))

    return pages.attempt(model_admin, request, payment, do)


def sync(model_admin: _Admin, request: HttpRequest, payment: Payment) -> HttpResponse:
    """Ask the provider how the payment stands."""
    page = pages.Page(
        title=_("Sync payment %(number)s") % {"number": payment.number},
        intro=_("The provider is asked how this payment stands, and the books follow."),
        facts=_facts(payment),
        submit=_("Ask the provider"),
    )
    return pages.confirm_and_do(model_admin, request, payment, page, lambda: _standing(payments.sync(payment.pk)))


def _asked_twice(
    model_admin: _Admin,
    request: HttpRequest,
    payment: Payment,
    *,
    form: AmountForm,
    page: pages.Page,
    submit: str,
    do: Callable[[Values, OnCommit], str],
) -> HttpResponse:
    def again(values: Values) -> tuple[str, list[tuple[object, object]]]:
        amount = from_minor(to_minor(values["amount"], payment.currency), payment.currency)
        lines = ((field.label, money(amount) if field.name == "amount" else values[field.name]) for field in form)
        return submit % {"amount": money_text(amount)}, [(_("Payment"), payment.number), *lines]

    return asked_twice(model_admin, request, payment, Deed(form=form, page=page, again=again, do=do))


def _facts(payment: Payment) -> list[tuple[object, object]]:
    return [
        (_("Status"), badge(payment.status, payment.get_status_display())),
        (_("Amount"), money(payment.amount)),
    ]


def _refund_facts(payment: Payment) -> list[tuple[object, object]]:
    under_way = from_minor(payment.refund_reserved_minor - payment.refunded_minor, payment.currency)
    return [
        *_facts(payment),
        (_("Captured"), money(payment.captured)),
        (_("Refunded"), money(payment.refunded)),
        (_("Refunds under way"), money(under_way)),
        (_("Left to refund"), money(payment.refundable)),
    ]


def _standing(payment: Payment) -> str:
    return _("Payment %(number)s is now %(status)s.") % {
        "number": payment.number,
        "status": payment.get_status_display(),
    }


TOOLS: tuple[Tool[Payment], ...] = (
    Tool(
        name="refund",
        label=gettext_lazy("Refund"),
        permission="refund_payment",
        view=refund,
        offered=lambda payment: payment.refundable_minor > 0,
    ),
    Tool(
        name="capture",
        label=gettext_lazy("Capture"),
        permission="capture_payment",
        view=capture,
        offered=lambda payment: payment.capturable_minor > 0,
    ),
    Tool(
        name="cancel",
        label=gettext_lazy("Cancel payment"),
        permission="cancel_payment",
        view=cancel,
        offered=lambda payment: payment.status in _CANCELLABLE,
    ),
    Tool(name="sync", label=gettext_lazy("Sync"), permission="sync_payment", view=sync),
)
