"""What staff sends that vouches for money."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from django_payments_hub.api.serializers.fields import AmountField, FlagField, MomentField, StrictSerializer, TextField
from django_payments_hub.services.vouching import MAX_NOTE


class ReceiptInput(StrictSerializer):
    """Money that came in for a payment."""

    amount = AmountField(help_text=_("All that came in, in major units."))
    received_at = MomentField(help_text=_("When it came in; not in the future."))
    note = TextField(
        max_length=MAX_NOTE, allow_blank=True, help_text=_("What proves it, such as the line of the statement.")
    )
    accept_difference = FlagField(
        default=False, help_text=_("Book it although another amount came in than was asked for.")
    )
    late = FlagField(
        default=False,
        help_text=_("Book it although the payment waits for none: it was paid, withdrawn, or has expired."),
    )


class SurplusInput(StrictSerializer):
    """A surplus that somebody gave back."""

    amount = AmountField(required=False, help_text=_("In major units; all that is left of it when left out."))
    paid_at = MomentField(help_text=_("When the money was given back; not in the future."))
    note = TextField(max_length=MAX_NOTE, allow_blank=True, help_text=_("What proves it, such as a transfer's number."))


class ProofInput(StrictSerializer):
    """A refund that somebody made by hand."""

    paid_at = MomentField(help_text=_("When the money was given back; not in the future."))
    note = TextField(max_length=MAX_NOTE, allow_blank=True, help_text=_("What proves it, such as a transfer's number."))
