"""What the admin says of an error: a sentence for the person in front of it, never a provider's own text."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_payments_hub.exceptions import HubError

_SENTENCES: dict[str, Promise] = {
    "form_already_used": gettext_lazy("This form was sent before; nothing was done a second time."),
    "form_expired": gettext_lazy("This form is too old or not yours. Please begin again."),
    "not_refundable": gettext_lazy("Nothing of this payment is left to refund."),
    "refund_exceeds_captured": gettext_lazy("That is more than is left of the payment."),
    "operation_in_progress": gettext_lazy("Something else is under way with this payment. Please wait and look again."),
    "not_capturable": gettext_lazy("Nothing of this payment can be captured."),
    "amount_exceeds_capturable": gettext_lazy("That is more than is held."),
    "not_cancellable": gettext_lazy("The payment can no longer be cancelled."),
    "refund_not_cancellable": gettext_lazy("The refund can no longer be cancelled."),
    "invalid_amount": gettext_lazy("Please give a positive amount such as 12.50, with the decimals of the currency."),
    "amount_changed": gettext_lazy("What can be refunded has changed meanwhile."),
    "inactive_account": gettext_lazy("The account is not active."),
    "operation_not_parked": gettext_lazy("The operation does not wait for a person any more."),
    "operation_happened": gettext_lazy("The provider shows that it did happen; the books follow the provider."),
    "provider_unavailable": gettext_lazy("The provider cannot be reached; nothing was changed."),
    "provider_throttled": gettext_lazy("The provider wants fewer calls; please try again later."),
    "provider_misconfigured": gettext_lazy("The provider refuses the account's credentials."),
    "outcome_unknown": gettext_lazy("The provider's answer was lost; the outcome is being looked up."),
}


def sentence(error: HubError) -> str:
    """The error in words, with its code for support."""
    known = _SENTENCES.get(error.code)
    text = str(known) if known is not None else _("It was refused: %(message)s") % {"message": error.message}
    return _("%(text)s (%(code)s)") % {"text": text, "code": error.code}
