"""Stripe's documented test cards and tokens, and what each does (docs.stripe.com/testing)."""

from dataclasses import dataclass
from typing import Literal

Authentication = Literal["supported", "optional", "required", "unless_set_up", "on_session"]


@dataclass(frozen=True, kw_only=True)
class Decline:
    """Why a charge fails: the error code, the issuer's decline code and the message for the customer."""

    code: str
    decline_code: str | None = None
    message: str = "Your card was declined."


@dataclass(frozen=True, kw_only=True)
class Card:
    """One test card. ``authentication`` says when 3-D Secure is asked for; ``decline`` strikes at each charge."""

    number: str
    kind: Literal["card", "us_bank_account"] = "card"
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: Decline | None = None
    declines_setup: bool = False
    authentication: Authentication = "supported"
    dispute: str | None = None
    refund: Literal["succeeded", "pending", "fails"] = "succeeded"

    @property
    def last4(self) -> str:
        """The digits that may be shown."""
        return self.number[-4:]


INSUFFICIENT = Decline(
    code="card_declined", decline_code="insufficient_funds", message="Your card has insufficient funds."
)
INSUFFICIENT_BALANCE = Decline(
    code="insufficient_funds", message="The customer's account has insufficient funds to cover this payment."
)
GENERIC = Decline(code="card_declined", decline_code="generic_decline")
LIVE_CARD = Decline(
    code="card_declined",
    decline_code="test_mode_live_card",
    message="Your card was declined. Your request was in test mode, but used a non test (live) card.",
)
EXPIRED = Decline(code="expired_card", message="Your card has expired.")
INCORRECT_CVC = Decline(code="incorrect_cvc", message="Your card's security code is incorrect.")
PROCESSING_ERROR = Decline(
    code="processing_error",
    message="An error occurred while processing your card. Try again in a little bit.",
)
INCORRECT_NUMBER = Decline(code="incorrect_number", message="Your card number is incorrect.")
NOT_AUTHENTICATED = Decline(
    code="payment_intent_authentication_failure",
    message="The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
    "PaymentMethod to attempt to fulfill this PaymentIntent again.",
)
AUTHENTICATION_REQUIRED = Decline(
    code="authentication_required",
    decline_code="authentication_required",
    message="Your card was declined. This transaction requires authentication.",
)


def _declined(decline_code: str) -> Decline:
    return Decline(code="card_declined", decline_code=decline_code)


_NAMED: dict[str, Card] = {
    "visa": Card(number="4242424242424242"),
    "visa_debit": Card(number="4000056655665556", funding="debit"),
    "mastercard": Card(number="5555555555554444", brand="mastercard"),
    "mastercard_debit": Card(number="5200828282828210", brand="mastercard", funding="debit"),
    "mastercard_prepaid": Card(number="5105105105105100", brand="mastercard", funding="prepaid"),
    "amex": Card(number="378282246310005", brand="amex"),
    "discover": Card(number="6011111111111117", brand="discover"),
    "diners": Card(number="3056930009020004", brand="diners"),
    "jcb": Card(number="3566002020360505", brand="jcb", country="JP"),
    "unionpay": Card(number="6200000000000005", brand="unionpay", country="CN"),
    "bypassPending": Card(number="4000000000000077"),
    "chargeDeclined": Card(number="4000000000000002", decline=GENERIC, declines_setup=True),
    "visa_chargeDeclinedInsufficientFunds": Card(number="4000000000009995", decline=INSUFFICIENT, declines_setup=True),
    "visa_chargeDeclinedLostCard": Card(number="4000000000009987", decline=_declined("lost_card"), declines_setup=True),
    "visa_chargeDeclinedStolenCard": Card(
        number="4000000000009979", decline=_declined("stolen_card"), declines_setup=True
    ),
    "chargeDeclinedExpiredCard": Card(number="4000000000000069", decline=EXPIRED, declines_setup=True),
    "chargeDeclinedIncorrectCvc": Card(number="4000000000000127", decline=INCORRECT_CVC, declines_setup=True),
    "chargeDeclinedProcessingError": Card(number="4000000000000119", decline=PROCESSING_ERROR, declines_setup=True),
    "visa_chargeDeclinedVelocityLimitExceeded": Card(
        number="4000000000006975", decline=_declined("card_velocity_exceeded"), declines_setup=True
    ),
    "chargeDeclinedFraudulent": Card(number="4100000000000019", decline=_declined("fraudulent"), declines_setup=True),
    "chargeCustomerFail": Card(number="4000000000000341", decline=GENERIC),
    "riskLevelElevated": Card(number="4000000000009235"),
    "threeDSecure2Required": Card(number="4000000000003220", authentication="required", country="IE"),
    "threeDSecureRequired": Card(number="4000000000003063", authentication="required"),
    "threeDSecureRequiredChargeDeclined": Card(
        number="4000008400001629", authentication="required", decline=GENERIC, country="US"
    ),
    "threeDSecureOptional": Card(number="4000000000003055", authentication="optional"),
    "authenticationRequired": Card(number="4000002760003184", authentication="required", country="DE"),
    "authenticationRequiredOnSetup": Card(number="4000002500003155", authentication="unless_set_up", country="FR"),
    "authenticationRequiredSetupForOffSession": Card(
        number="4000003800000446", authentication="on_session", country="FR"
    ),
    "authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        number="4000008260003178", authentication="required", decline=INSUFFICIENT, country="GB"
    ),
    "createDispute": Card(number="4000000000000259", dispute="fraudulent"),
    "createDisputeProductNotReceived": Card(number="4000000000002685", dispute="product_not_received"),
    "pendingRefund": Card(number="4000000000007726", refund="pending"),
    "refundFail": Card(number="4000000000005126", refund="fails"),
}
_ALIASES = {
    "visa_chargeDeclined": "chargeDeclined",
    "chargeDeclinedInsufficientFunds": "visa_chargeDeclinedInsufficientFunds",
    "chargeDeclinedLostCard": "visa_chargeDeclinedLostCard",
    "chargeDeclinedStolenCard": "visa_chargeDeclinedStolenCard",
    "visa_chargeDeclinedExpiredCard": "chargeDeclinedExpiredCard",
    "visa_chargeDeclinedIncorrectCvc": "chargeDeclinedIncorrectCvc",
    "visa_chargeDeclinedProcessingError": "chargeDeclinedProcessingError",
    "visa_chargeDeclinedFraudulent": "chargeDeclinedFraudulent",
    "radarBlock": "chargeDeclinedFraudulent",
    "chargeDeclinedVelocityLimitExceeded": "visa_chargeDeclinedVelocityLimitExceeded",
}
_BANKS: dict[str, Card] = {
    "success": Card(number="000123456789", kind="us_bank_account"),
    "insufficientFunds": Card(number="000222222227", kind="us_bank_account", decline=INSUFFICIENT_BALANCE),
}
BY_NUMBER: dict[str, Card] = {card.number: card for card in _NAMED.values()}


def by_token(token: str) -> Card | None:
    """The card behind ``pm_card_...`` or ``tok_...``, or None when it is no documented token."""
    if token.startswith("pm_usBankAccount_"):
        return _BANKS.get(token.removeprefix("pm_usBankAccount_"))
    for prefix in ("pm_card_", "tok_"):
        if token.startswith(prefix):
            name = token.removeprefix(prefix)
            return _NAMED.get(_ALIASES.get(name, name))
    return None


def by_number(number: str) -> Card:
    """The card with this number; a number that is no test card is declined, as Stripe does in test mode."""
    known = BY_NUMBER.get(number)
    if known is not None:
        return known
    decline = LIVE_CARD if luhn_ok(number) else INCORRECT_NUMBER
    return Card(number=number, brand="unknown", decline=decline, declines_setup=True)


def luhn_ok(number: str) -> bool:
    """The check digit of a card number."""
    if not (number.isascii() and number.isdecimal() and 12 <= len(number) <= 19):
        return False
    digits = [int(digit) for digit in reversed(number)]
    return sum(d if n % 2 == 0 else d * 2 - 9 * (d > 4) for n, d in enumerate(digits)) % 10 == 0
