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
    "own_payment": gettext_lazy("This is a payment of your own: somebody else has to vouch for it."),
    "already_received": gettext_lazy("The money for this payment has been recorded already."),
    "not_receivable": gettext_lazy("The payment does not wait for money."),
    "no_surplus": gettext_lazy("Nothing of this payment is a surplus."),
    "surplus_exceeded": gettext_lazy("That is more than is left of the surplus."),
    "surplus_left": gettext_lazy("The surplus has to be given back first: record that with its own button."),
    "amount_differs": gettext_lazy("Another amount came in than was asked for."),
    "in_future": gettext_lazy("That lies in the future."),
    "proof_required": gettext_lazy("Please say what proves it."),
    "control": gettext_lazy("Please use printable characters only."),
    "card_number_refused": gettext_lazy("Never write a card number here."),
    "no_attention": gettext_lazy("Nothing of this payment waits for a person any more."),
    "still_in_excess": gettext_lazy("More is refunded than was captured: the mark stays as long as that is so."),
    "refund_not_by_hand": gettext_lazy("The provider makes this refund, and tells of it."),
    "refund_already_completed": gettext_lazy("The refund is completed."),
    "refund_ended": gettext_lazy("The refund has ended without being made."),
    "inactive_account": gettext_lazy("The account is not active."),
    "operation_not_parked": gettext_lazy("The operation does not wait for a person any more."),
    "method_not_parked": gettext_lazy("The payment method does not wait for a person any more."),
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
