"""Stripe's words for a decline as the hub's (docs.stripe.com/declines/codes, docs.stripe.com/error-codes)."""

from __future__ import annotations

import re

from django_payments_hub.domain.statuses import FailureCode
from django_payments_hub.provider_kit.reading import Json
from django_payments_hub.provider_kit.types import Failure

_F = FailureCode
_CODES = {
    "insufficient_funds": _F.INSUFFICIENT_FUNDS,
    "expired_card": _F.EXPIRED_CARD,
    "invalid_expiry_month": _F.EXPIRED_CARD,
    "invalid_expiry_year": _F.EXPIRED_CARD,
    "incorrect_cvc": _F.INCORRECT_CVC,
    "invalid_cvc": _F.INCORRECT_CVC,
    "incorrect_number": _F.INCORRECT_NUMBER,
    "invalid_number": _F.INCORRECT_NUMBER,
    "invalid_account": _F.INCORRECT_NUMBER,
    "authentication_required": _F.AUTHENTICATION_REQUIRED,
    "authentication_not_handled": _F.AUTHENTICATION_REQUIRED,
    "payment_intent_authentication_failure": _F.AUTHENTICATION_FAILED,
    "setup_intent_authentication_failure": _F.AUTHENTICATION_FAILED,
    "mobile_device_authentication_required": _F.AUTHENTICATION_REQUIRED,
    "fraudulent": _F.FRAUD_SUSPECTED,
    "merchant_blacklist": _F.FRAUD_SUSPECTED,
    "stolen_card": _F.FRAUD_SUSPECTED,
    "lost_card": _F.FRAUD_SUSPECTED,
    "pickup_card": _F.FRAUD_SUSPECTED,
    "card_velocity_exceeded": _F.LIMIT_EXCEEDED,
    "withdrawal_count_limit_exceeded": _F.LIMIT_EXCEEDED,
    "card_decline_rate_limit_exceeded": _F.LIMIT_EXCEEDED,
    "card_not_supported": _F.METHOD_NOT_USABLE,
    "currency_not_supported": _F.METHOD_NOT_USABLE,
    "invalid_payment_method": _F.METHOD_NOT_USABLE,
    "payment_method_unactivated": _F.METHOD_NOT_USABLE,
    "payment_method_provider_decline": _F.CARD_DECLINED,
    "testmode_decline": _F.METHOD_NOT_USABLE,
    "live_mode_test_card": _F.METHOD_NOT_USABLE,
    "processing_error": _F.PROCESSING_ERROR,
    "issuer_not_available": _F.PROCESSING_ERROR,
    "reenter_transaction": _F.PROCESSING_ERROR,
    "try_again_later": _F.PROCESSING_ERROR,
    "payment_method_provider_timeout": _F.PROCESSING_ERROR,
    "payment_intent_payment_attempt_expired": _F.EXPIRED,
    "payment_intent_payment_attempt_failed": _F.CARD_DECLINED,
    "payment_method_customer_decline": _F.CANCELLED_BY_CUSTOMER,
}
_WORD = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


def failure_of(error: Json) -> Failure:
    """The failure an error object tells: its decline code where there is one, else its code."""
    words = [w for w in (word(error, "decline_code"), word(error, "code")) if w]
    known = next((_CODES[w] for w in words if w in _CODES), FailureCode.CARD_DECLINED)
    return Failure(code=known, provider_code=words[0] if words else "")


def word(error: Json, key: str) -> str:
    """A code of Stripe's; "" for anything that does not look like one, so that no free text is ever carried on."""
    value = error.get(key)
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
