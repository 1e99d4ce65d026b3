"""The forms behind the buttons."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_payments_hub.admin.display import money_text
from django_payments_hub.admin.words import sentence
from django_payments_hub.domain.money import format_minor, from_minor, to_minor
from django_payments_hub.exceptions import InvalidInput


class ReasonForm(forms.Form):
    """Why it is done; kept in the books."""

    reason = forms.CharField(
        label=_("Reason"), max_length=200, widget=AdminTextareaWidget(attrs={"rows": 2, "class": "hub-reason"})
    )

    def clean_reason(self) -> str:
        """One line: a line break could forge a log line (S18)."""
        text = " ".join(str(self.cleaned_data["reason"]).split())
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
