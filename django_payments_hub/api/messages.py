"""What a customer is told, by error code: short, kind, and without a word of what goes on inside."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_payments_hub.domain.statuses import FailureCode, PaymentStatus

_F, _P = FailureCode, PaymentStatus
Text = str | Promise

_FAILURES: Mapping[FailureCode, Text] = {
    _F.CARD_DECLINED: _("Your card was declined. Please use another one, or ask your bank."),
    _F.INSUFFICIENT_FUNDS: _("There is not enough money on this card or account. Please use another one."),
    _F.EXPIRED_CARD: _("Your card has expired. Please use another one."),
    _F.INCORRECT_CVC: _("The security code of the card is not right. Please check it and try again."),
    _F.INCORRECT_NUMBER: _("The number of the card or account is not right. Please check it and try again."),
    _F.AUTHENTICATION_REQUIRED: _("Your bank wants you to confirm this payment. Please try again and confirm it."),
    _F.AUTHENTICATION_FAILED: _("Your bank could not confirm that it was you. Please try again."),
    _F.FRAUD_SUSPECTED: _(
        "Your card was declined. Please use another one, or ask your bank."
    ),  # not to tip off a thief
    _F.LIMIT_EXCEEDED: _("This payment is over the limit of your card or account. Please use another one."),
    _F.METHOD_NOT_USABLE: _("This payment method cannot be used here. Please use another one."),
    _F.CANCELLED_BY_CUSTOMER: _("You cancelled the payment."),
    _F.EXPIRED: _("The time for this payment has run out. Please start again."),
    _F.REFUND_REFUSED: _("The refund could not be made."),
    _F.INVALID_REQUEST: _("The payment could not be made. You have not been charged."),
    _F.PROCESSING_ERROR: _("Something went wrong at the bank. Please try again in a moment."),
    _F.PROVIDER_MISCONFIGURED: _("Payments are not possible at the moment. You will not be charged twice."),
    _F.PROVIDER_UNAVAILABLE: _("Payments are not possible at the moment. You will not be charged twice."),
}

_ERRORS: Mapping[str, Text] = {
    "account_not_usable": _("This way of paying is not available."),
    "already_received": _("The money for this payment has been received already."),
    "amount_differs": _("Another amount came in than was asked for."),
    "amount_exceeds_capturable": _("The amount is more than is held."),
    "amount_exceeds_order": _("The amount is more than is left to pay."),
    "amount_mismatch": _("The amount is not the one of your order."),
    "ambiguous_account": _("Please choose how to pay."),
    "authentication_failed": _("Please sign in again."),
    "card_number_refused": _("For your safety, never send a card number here. Nothing was stored."),
    "conflict": _("Something else is going on with this payment. Please wait a moment."),
    "csrf_failed": _("Your session is not valid any more. Please load the page again."),
    "customer_in_progress": _("Your request is being worked on. Please wait a moment."),
    "currency_mismatch": _("This order is in another currency."),
    "idempotency_in_flight": _("Your request is being worked on. Please wait a moment."),
    "idempotency_mismatch": _("This request was made before with other details."),
    "inactive_account": _("This way of paying is not available."),
    "invalid_amount": _("The amount is not valid."),
    "in_future": _("The date lies in the future."),
    "method_kind_required": _("Please choose how to pay."),
    "method_not_active": _("This payment method is not saved any more. Please use another one."),
    "no_surplus": _("Nothing of this payment is to be given back."),
    "not_authenticated": _("Please sign in."),
    "not_cancellable": _("This payment can no longer be cancelled."),
    "not_capturable": _("Nothing of this payment can be captured."),
    "not_confirmable": _("This payment does not wait for a confirmation."),
    "not_pending": _("This payment has been started already."),
    "not_receivable": _("This payment does not wait for money."),
    "not_refundable": _("Nothing of this payment is left to refund."),
    "operation_in_progress": _("Something else is going on with this payment. Please wait a moment."),
    "order_already_paid": _("This order is paid."),
    "order_not_payable": _("There is nothing to pay for this order."),
    "outcome_unknown": _("We do not know yet whether this went through. Please wait a moment."),
    "own_payment": _("You cannot do this with a payment of your own."),
    "payment_in_progress": _("Another payment of this order is under way. Please wait a moment."),
    "proof_required": _("Please say what proves it."),
    "refund_already_completed": _("This refund is completed."),
    "refund_ended": _("This refund has ended without being made."),
    "refund_exceeds_captured": _("The amount is more than is left to refund."),
    "refund_not_cancellable": _("This refund can no longer be cancelled."),
    "refund_not_by_hand": _("This refund is made by the provider."),
    "return_url_not_allowed": _("The shop's address to come back to is not valid."),
    "surplus_exceeded": _("The amount is more than is to be given back."),
    "throttled": _("That was too often. Please wait a moment."),
    "unknown_account": _("This way of paying is not available."),
    "unknown_customer": _("There is no such customer."),
    "unknown_payment_method": _("There is no such payment method."),
    "unsupported_save_flow": _("A payment method cannot be saved in this way here."),
    "unsupported_setup_flow": _("A payment method cannot be saved in this way here."),
    "user_required": _("Please sign in to save a payment method."),
    "unknown_order": _("There is no such order."),
    **{code.value: text for code, text in _FAILURES.items()},
}

_BY_STATUS: Mapping[int, Text] = {
    400: _("Something in the request is not right."),
    401: _("Please sign in."),
    402: _("The payment was declined."),
    403: _("You may not do this."),
    404: _("There is no such thing here."),
    409: _("Something else is going on. Please wait a moment."),
    413: _("The request is too large."),
    422: _("This is not possible."),
    429: _("That was too often. Please wait a moment."),
    503: _("This is not possible at the moment. Please try again in a moment."),
}
_FALLBACK = _("Something went wrong on our side. Please try again later.")

STANDING: Mapping[PaymentStatus, tuple[Text, Text]] = {
    _P.PENDING: (_("The payment has not begun."), _("It can be started.")),
    _P.REQUIRES_ACTION: (_("The payment waits for the customer."), _("The customer follows the next action.")),
    _P.PROCESSING: (
        _("The payment is under way; its outcome is not known yet."),
        _("The provider's answer is awaited and looked up; nothing has to be done."),
    ),
    _P.AUTHORIZED: (_("The money is held on the customer's side."), _("It is captured or the payment is cancelled.")),
    _P.COMPLETED: (_("The payment was made."), _("Nothing; it can be refunded.")),
    _P.PARTIALLY_REFUNDED: (_("A part of the payment was given back."), _("Nothing; the rest can be refunded.")),
    _P.REFUNDED: (_("The whole payment was given back."), _("Nothing.")),
    _P.FAILED: (_("The payment was declined or could not be made."), _("Nothing; a new payment can be made.")),
    _P.CANCELLED: (_("The payment was cancelled."), _("Nothing; a new payment can be made.")),
    _P.EXPIRED: (_("The payment was not made in time."), _("Nothing; a new payment can be made.")),
}
"""Why a payment stands where it stands, and what comes next."""

APPROVED = _("The customer has approved; the money is being taken.")
APPROVED_AND_HELD = _("The customer has approved; the money is being held.")
BEING_SENT = _("The provider has not been reached yet; it is tried again by itself.")
NEEDS_A_PERSON = _("Somebody has to look at this payment.")


def error_message(code: str, status: int) -> Text:
    """The sentence for an error code, or for its kind."""
    return _ERRORS.get(code) or _BY_STATUS.get(status, _FALLBACK)


def failure_message(code: str) -> Text:
    """The sentence for a failure code; "" for none."""
    return error_message(code, 402) if code else ""
