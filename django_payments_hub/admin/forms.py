"""The forms behind the buttons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin.display import money_text
from django_payments_hub.admin.words import sentence
from django_payments_hub.domain.money import format_minor, from_minor, to_minor
from django_payments_hub.exceptions import InvalidInput, RequestError
from django_payments_hub.services.vouching import MAX_NOTE, MAX_REASON, checked_moment, checked_note, checked_reason

_T = TypeVar("_T")
_LOCAL = "%Y-%m-%dT%H:%M"  # what an input of type datetime-local shows


class ReasonForm(forms.Form):
    """Why it is done; kept in the books."""

    reason = forms.CharField(
        label=_("Reason"), max_length=MAX_REASON, widget=AdminTextareaWidget(attrs={"rows": 2, "class": "hub-reason"})
    )

    def clean_reason(self) -> str:
        """One line, as a line break could forge a log line (S18); without a card number."""
        text = _as_form_error(lambda: checked_reason(str(self.cleaned_data["reason"])))
        if not text.isprintable():
            raise forms.ValidationError(_("Please use printable characters only."))
        return text


class AmountForm(forms.Form):
    """An amount of a payment's currency, at most `limit_minor`."""

    amount_label: Promise = _("Amount")

    amount = forms.CharField(widget=AdminTextInputWidget(attrs={"inputmode": "decimal", "class": "hub-amount-input"}))

    def __init__(self, *args: Any, limit_minor: int, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limit_minor, self.currency = limit_minor, currency
        self.fields["amount"].label = str(self.amount_label)
        self.fields["amount"].initial = format_minor(limit_minor, currency)
        self.fields["amount"].help_text = _("In %(currency)s, at most %(limit)s.") % {
            "currency": currency,
            "limit": money_text(from_minor(limit_minor, currency)),
        }

    def clean_amount(self) -> str:
        """The decimal string as services take it."""
        try:
            wanted = to_minor(str(self.cleaned_data["amount"]).strip(), self.currency)
        except InvalidInput as error:
            raise forms.ValidationError(sentence(error)) from None
        if wanted > self.limit_minor:
            raise forms.ValidationError(_("That is more than is left."))
        return format_minor(wanted, self.currency)


class RefundForm(AmountForm, ReasonForm):
    """How much goes back, and why."""

    amount_label = _("Amount to refund")

    field_order = ("amount", "reason")


class CaptureForm(AmountForm):
    """How much of the held money is taken."""

    amount_label = _("Amount to capture")


class SelectedRefundForm(ReasonForm):
    """One reason for all the refunds of a page."""


class SettledForm(ReasonForm):
    """What somebody did about a payment that needed a person."""

    field_order = ("reason",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = _("What was done about it")


class ProofForm(forms.Form):
    """When it was, and what proves it; kept in the books."""

    moment_label: Promise = _("Given back at")

    moment = forms.DateTimeField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_LOCAL))
    note = forms.CharField(
        label=_("Proof"),
        max_length=MAX_NOTE,
        widget=AdminTextareaWidget(attrs={"rows": 2, "class": "hub-reason"}),
        help_text=_("Such as the line of a statement, or the number of a receipt."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["moment"].label = str(self.moment_label)
        self.fields["moment"].initial = timezone.now
        self.fields["moment"].help_text = _("In the time zone %(zone)s.") % {"zone": timezone.get_current_timezone()}

    def clean_moment(self) -> datetime:
        """Not in the future."""
        return _as_form_error(lambda: checked_moment(self.cleaned_data["moment"], field="moment"))

    def clean_note(self) -> str:
        """One line, without a card number."""
        return _as_form_error(lambda: checked_note(str(self.cleaned_data["note"])))


class SurplusForm(AmountForm, ProofForm):
    """How much of a surplus was given back, when, and what proves it."""

    amount_label = _("Amount given back")

    field_order = ("amount", "moment", "note")


class ReceiptForm(ProofForm):
    """How much came in; another amount than is to come only when that is accepted.

    `late`: the payment waits for none, and somebody has to say that he knows.
    """

    moment_label = _("Came in at")

    amount = forms.CharField(
        label=_("Amount that came in"),
        widget=AdminTextInputWidget(attrs={"inputmode": "decimal", "class": "hub-amount-input"}),
    )
    accept_difference = forms.BooleanField(
        label=_("Accept another amount"),
        required=False,
        help_text=_("Of less, the rest stays open. A surplus is written down, and somebody has to give it back."),
    )

    late = forms.BooleanField(
        label=_("Book it all the same"),
        help_text=_(
            "It makes up what came short; what is more is a surplus. Look first whether it was recorded before."
        ),
    )

    field_order = ("amount", "accept_difference", "late", "moment", "note")

    def __init__(self, *args: Any, expected_minor: int, currency: str, late: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected_minor, self.currency = expected_minor, currency
        if not late:
            del self.fields["late"]
        if not expected_minor:
            del self.fields["accept_difference"]
        self.fields["amount"].initial = format_minor(expected_minor, currency) if expected_minor else ""
        self.fields["amount"].help_text = _("In %(currency)s; %(expected)s are still to come.") % {
            "currency": currency,
            "expected": money_text(from_minor(expected_minor, currency)),
        }

    def clean_amount(self) -> str:
        """The decimal string as services take it."""
        text = str(self.cleaned_data["amount"]).strip()
        return format_minor(_as_form_error(lambda: to_minor(text, self.currency)), self.currency)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        amount = cleaned.get("amount")
        differs = amount is not None and self.expected_minor and to_minor(amount, self.currency) != self.expected_minor
        if differs and not cleaned.get("accept_difference"):
            self.add_error("accept_difference", _("That is not what was asked for. Tick this to book it all the same."))
        return cleaned


def _as_form_error(check: Callable[[], _T]) -> _T:
    try:
        return check()
    except RequestError as error:
        raise forms.ValidationError(sentence(error)) from None
