"""The buttons with which staff vouches: money came in, money was given back by hand, a matter is settled."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_payments_hub.admin import display, pages
from django_payments_hub.admin.asking import Deed, OnCommit, Values, actor, asked_twice
from django_payments_hub.admin.base import HubAdmin, Tool
from django_payments_hub.admin.forms import ProofForm, ReceiptForm, SettledForm, SurplusForm
from django_payments_hub.admin.words import sentence
from django_payments_hub.domain.money import from_minor, to_minor
from django_payments_hub.domain.statuses import RefundStatus
from django_payments_hub.exceptions import NotAllowed
from django_payments_hub.models import Payment, Refund
from django_payments_hub.services import attention, hand_refunds, receipts, surplus
from django_payments_hub.services.vouching import refuse_own

_Lines = list[tuple[object, object]]


def receipt(model_admin: HubAdmin[Payment], request: HttpRequest, payment: Payment) -> HttpResponse:
    """Ask how much came in, when and what proves it, show it once more, then book it."""
    late = receipts.can_come_late(payment)
    due = receipts.due_minor(payment)
    form = ReceiptForm(request.POST or None, expected_minor=due, currency=payment.currency, late=late)
    refused = _own(request, payment)
    waits_for_none = _("This payment does not wait for money that a person would tell of.")
    if not refused and not late and not receipts.can_be_received(payment):
        refused = waits_for_none
    page = pages.Page(
        title=_("Record money for payment %(number)s") % {"number": payment.number},
        facts=[*_payment_lines(payment), (_("Reference"), display.code(payment.reference))],
        submit=_("Continue"),
        intro=refused or (waits_for_none if late else ""),
        blocked=bool(refused),
    )

    def again(values: Values) -> tuple[str, _Lines]:
        came_in = to_minor(values["amount"], payment.currency)
        amount = from_minor(came_in, payment.currency)
        lines = [*_payment_lines(payment), (_("Came in"), display.money(amount)), *_difference(payment, came_in)]
        submit = _("Record %(amount)s") % {"amount": display.money_text(amount)}
        return submit, [*lines, *_vouched(form)]

    def do(values: Values, on_commit: OnCommit) -> str:
        after = receipts.record(
            payment.pk,
            amount=values["amount"],
            received_at=form.cleaned_data["moment"],
            note=values["note"],
            accept_difference=form.cleaned_data.get("accept_difference", False),
            late=form.cleaned_data.get("late", False),
            actor=actor(request),
            on_commit=on_commit,
        )
        told = {"number": after.number, "status": after.get_status_display()}
        return _("Payment %(number)s is now %(status)s.") % told

    return asked_twice(model_admin, request, payment, Deed(form=form, page=page, again=again, do=do))


def given_back(model_admin: HubAdmin[Payment], request: HttpRequest, payment: Payment) -> HttpResponse:
    """Ask how much of the surplus was given back, when and what proves it, show it once more, then book it."""
    form = SurplusForm(request.POST or None, limit_minor=payment.surplus_minor, currency=payment.currency)
    refused = _own(request, payment)
    if not refused and not payment.surplus_minor:
        refused = _("Nothing of this payment is a surplus.")
    page = pages.Page(
        title=_("Record what was given back of the surplus of payment %(number)s") % {"number": payment.number},
        facts=_payment_lines(payment),
        submit=_("Continue"),
        intro=refused,
        blocked=bool(refused),
    )

    def again(values: Values) -> tuple[str, _Lines]:
        amount = from_minor(to_minor(values["amount"], payment.currency), payment.currency)
        submit = _("Record %(amount)s as given back") % {"amount": display.money_text(amount)}
        return submit, [*_payment_lines(payment), (_("Given back"), display.money(amount)), *_vouched(form)]

    def do(values: Values, on_commit: OnCommit) -> str:
        after = surplus.give_back(
            payment.pk,
            amount=values["amount"],
            paid_at=form.cleaned_data["moment"],
            note=values["note"],
            actor=actor(request),
            on_commit=on_commit,
        )
        told = {"number": after.number, "left": display.money_text(after.surplus)}
        return _("Of the surplus of payment %(number)s %(left)s are left.") % told

    return asked_twice(model_admin, request, payment, Deed(form=form, page=page, again=again, do=do))


def proof(model_admin: HubAdmin[Refund], request: HttpRequest, row: Refund) -> HttpResponse:
    """Ask when the money was given back and what proves it, show it once more, then complete the refund."""
    form = ProofForm(request.POST or None)
    refused = _own(request, row.payment)
    if not refused and not _is_to_be_made(row):
        refused = _("This refund does not wait for somebody to make it.")
    lines: _Lines = [
        (_("Payment"), row.payment.number),
        (_("Amount"), display.money(row.amount)),
        (_("Reason"), row.reason or display.NOTHING),
    ]
    page = pages.Page(
        title=_("Record that refund %(number)s was made") % {"number": row.number},
        facts=lines,
        submit=_("Continue"),
        intro=refused,
        blocked=bool(refused),
    )

    def again(_values: Values) -> tuple[str, _Lines]:
        submit = _("Record the refund of %(amount)s") % {"amount": display.money_text(row.amount)}
        return submit, [*lines, *_vouched(form)]

    def do(values: Values, on_commit: OnCommit) -> str:
        moment = form.cleaned_data["moment"]
        after = hand_refunds.record_proof(
            row.pk, note=values["note"], paid_at=moment, actor=actor(request), on_commit=on_commit
        )
        told = {"number": after.number, "status": after.get_status_display()}
        return _("Refund %(number)s is now %(status)s.") % told

    return asked_twice(model_admin, request, row, Deed(form=form, page=page, again=again, do=do))


def settle(model_admin: HubAdmin[Payment], request: HttpRequest, payment: Payment) -> HttpResponse:
    """Ask what was done about it, and take the mark away."""
    form = SettledForm(request.POST or None)
    page = pages.Page(
        title=_("Settle payment %(number)s") % {"number": payment.number},
        intro=_("The mark goes away; the log keeps what was done."),
        facts=[*_payment_lines(payment), (_("Needs a person"), display.attention(payment.attention_code))],
        submit=_("It is settled"),
        blocked=not payment.attention_code,
    )
    if request.method != "POST" or page.blocked or not form.is_valid():
        return pages.render(model_admin, request, page, row=payment, form=None if page.blocked else form)

    def do() -> str:
        attention.settle(payment.pk, note=str(form.cleaned_data["reason"]), actor=actor(request))
        return _("Payment %(number)s no longer needs a person.") % {"number": payment.number}

    return pages.attempt(model_admin, request, payment, do)


def _own(request: HttpRequest, payment: Payment) -> str:
    """Why this user may not vouch for it; "" when he may."""
    try:
        refuse_own(payment, actor(request))
    except NotAllowed as error:
        return sentence(error)
    return ""


def _payment_lines(payment: Payment) -> _Lines:
    lines: _Lines = [
        (_("Payment"), payment.number),
        (_("Status"), display.badge(payment.status, payment.get_status_display())),
        (_("Paid with"), payment.get_method_kind_display() if payment.method_kind else display.NOTHING),
        (_("Asked for"), display.money(payment.amount)),
    ]
    known = ((_("Captured"), payment.captured), (_("Surplus"), payment.surplus))
    return [*lines, *((label, display.money(amount)) for label, amount in known if amount)]


def _difference(payment: Payment, came_in: int) -> _Lines:
    """The rule for another amount, in a line."""
    due = receipts.due_minor(payment)
    if came_in < due:
        return [(_("Stays open"), display.minor(due - came_in, payment.currency))]
    if came_in > due:
        return [(_("Surplus to be given back"), display.minor(came_in - due, payment.currency))]
    return []


def _vouched(form: ProofForm) -> _Lines:
    moment = timezone.localtime(form.cleaned_data["moment"])
    return [
        (form.fields["moment"].label, date_format(moment, "DATETIME_FORMAT")),
        (form.fields["note"].label, form.cleaned_data["note"]),
    ]


def _is_to_be_made(row: Refund) -> bool:
    return row.by_hand and row.status == RefundStatus.PROCESSING


RECEIPT: Tool[Payment] = Tool(
    name="receipt",
    label=gettext_lazy("Record money"),
    permission="receive_payment",
    view=receipt,
    offered=lambda payment: receipts.can_be_received(payment) or receipts.can_come_late(payment),
)

SURPLUS: Tool[Payment] = Tool(
    name="surplus",
    label=gettext_lazy("Surplus given back"),
    permission="prove_refund",
    view=given_back,
    offered=lambda payment: payment.surplus_minor > 0,
)

SETTLE: Tool[Payment] = Tool(
    name="settle",
    label=gettext_lazy("Settle"),
    permission="settle_payment",
    view=settle,
    offered=lambda payment: bool(payment.attention_code),
)

PROOF: Tool[Refund] = Tool(
    name="proof",
    label=gettext_lazy("Record proof"),
    permission="prove_refund",
    view=proof,
    offered=_is_to_be_made,
)
