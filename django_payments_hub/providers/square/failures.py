"""Square's words for a decline as the hub's (developer.squareup.com/reference/square/enums/ErrorCode)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django_payments_hub.domain.statuses import FailureCode
from django_payments_hub.provider_kit.reading import Json
from django_payments_hub.provider_kit.types import Failure

_F = FailureCode
_CODES = {
    "INSUFFICIENT_FUNDS": _F.INSUFFICIENT_FUNDS,
    "CARD_EXPIRED": _F.EXPIRED_CARD,
    "EXPIRATION_FAILURE": _F.EXPIRED_CARD,
    "BAD_EXPIRATION": _F.EXPIRED_CARD,
    "INVALID_EXPIRATION": _F.EXPIRED_CARD,
    "INVALID_EXPIRATION_YEAR": _F.EXPIRED_CARD,
    "INVALID_EXPIRATION_DATE": _F.EXPIRED_CARD,
    "CVV_FAILURE": _F.INCORRECT_CVC,
    "VERIFY_CVV_FAILURE": _F.INCORRECT_CVC,
    "PAN_FAILURE": _F.INCORRECT_NUMBER,
    "INVALID_ACCOUNT": _F.INCORRECT_NUMBER,
    "INVALID_CARD": _F.INCORRECT_NUMBER,
    "INVALID_CARD_DATA": _F.METHOD_NOT_USABLE,
    "CARD_DECLINED_VERIFICATION_REQUIRED": _F.AUTHENTICATION_REQUIRED,
    "VOICE_FAILURE": _F.FRAUD_SUSPECTED,
    "TRANSACTION_LIMIT": _F.LIMIT_EXCEEDED,
    "AMOUNT_TOO_HIGH": _F.LIMIT_EXCEEDED,
    "PAYMENT_LIMIT_EXCEEDED": _F.LIMIT_EXCEEDED,
    "ALLOWABLE_PIN_TRIES_EXCEEDED": _F.LIMIT_EXCEEDED,
    "CARDHOLDER_INSUFFICIENT_PERMISSIONS": _F.METHOD_NOT_USABLE,
    "CARD_NOT_SUPPORTED": _F.METHOD_NOT_USABLE,
    "CARD_MISMATCH": _F.METHOD_NOT_USABLE,
    "CARD_PRESENCE_REQUIRED": _F.METHOD_NOT_USABLE,
    "CHIP_INSERTION_REQUIRED": _F.METHOD_NOT_USABLE,
    "CURRENCY_MISMATCH": _F.METHOD_NOT_USABLE,
    "UNSUPPORTED_CARD_BRAND": _F.METHOD_NOT_USABLE,
    "UNSUPPORTED_ENTRY_METHOD": _F.METHOD_NOT_USABLE,
    "UNSUPPORTED_SOURCE_TYPE": _F.METHOD_NOT_USABLE,
    "UNSUPPORTED_INSTRUMENT_TYPE": _F.METHOD_NOT_USABLE,
    "MANUALLY_ENTERED_PAYMENT_NOT_SUPPORTED": _F.METHOD_NOT_USABLE,
    "ACCOUNT_UNUSABLE": _F.METHOD_NOT_USABLE,
    "BUYER_REFUSED_PAYMENT": _F.CANCELLED_BY_CUSTOMER,
    "RESERVATION_DECLINED": _F.CARD_DECLINED,
    "INVALID_FEES": _F.PROCESSING_ERROR,
    "TEMPORARY_ERROR": _F.PROCESSING_ERROR,
    "INVALID_LOCATION": _F.PROVIDER_MISCONFIGURED,
    "INSUFFICIENT_PERMISSIONS": _F.PROVIDER_MISCONFIGURED,
    "PAYMENT_AMOUNT_MISMATCH": _F.INVALID_REQUEST,
    "DELAYED_TRANSACTION_EXPIRED": _F.EXPIRED,
}
# Of the category INVALID_REQUEST_ERROR, yet about what the customer gave: a new token or another card helps.
_TOKEN_CODES = {
    "CARD_TOKEN_EXPIRED": _F.METHOD_NOT_USABLE,
    "CARD_TOKEN_USED": _F.METHOD_NOT_USABLE,
    "SOURCE_EXPIRED": _F.METHOD_NOT_USABLE,
    "SOURCE_USED": _F.METHOD_NOT_USABLE,
    "INVALID_ENCRYPTED_CARD": _F.METHOD_NOT_USABLE,
    "INVALID_CARD": _F.INCORRECT_NUMBER,
    "INVALID_CARD_DATA": _F.METHOD_NOT_USABLE,
    "CARD_EXPIRED": _F.EXPIRED_CARD,
}
_METHOD_CODES = frozenset(
    {
        "NOT_FOUND",
        "INVALID_VALUE",
        "BAD_REQUEST",
        "VALUE_REGEX_MISMATCH",
        "CUSTOMER_NOT_FOUND",
        "UNSUPPORTED_SOURCE_TYPE",
    }
)
"""Codes that tell of the method when Square names its field: a token it does not know, another customer's card."""

_METHOD_FIELDS = frozenset({"source_id", "customer_id"})
_METHOD_CATEGORY = "PAYMENT_METHOD_ERROR"
OPEN_CODES = frozenset({"TEMPORARY_ERROR", "REQUEST_TIMEOUT"})
"""Codes that decide nothing, whatever their category: the call may have been carried out, and may be made again."""

SELLER_CODES = frozenset(
    {"INVALID_LOCATION", "INSUFFICIENT_PERMISSIONS", "CARD_PROCESSING_NOT_ENABLED", "APPLICATION_DISABLED"}
)
"""What the seller has to put right: no other card helps the customer."""

_NOT_OF_METHOD = OPEN_CODES | SELLER_CODES | {"PAYMENT_AMOUNT_MISMATCH"}
"""Codes that Square files under the category of declines, or could, and that say nothing of the customer's method."""
_WORD = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)


def tells_of_method(error: Json) -> bool:
    """Whether an error is about the customer's method rather than about the request."""
    code = word(error, "code")
    if code in _NOT_OF_METHOD:
        return False
    if word(error, "category") == _METHOD_CATEGORY or code in _TOKEN_CODES:
        return True
    return code in _METHOD_CODES and error.get("field") in _METHOD_FIELDS


def failure_of(errors: Sequence[Json]) -> Failure:
    """The failure these errors tell: the first code that says more than "declined"."""
    codes = [code for code in (word(error, "code") for error in errors) if code]
    told = next((code for code in codes if _meaning(code) is not None), codes[0] if codes else "")
    meaning = _meaning(told)
    if meaning is None:
        meaning = _F.METHOD_NOT_USABLE if told in _METHOD_CODES else _F.CARD_DECLINED
    return Failure(code=meaning, provider_code=told)


def _meaning(code: str) -> FailureCode | None:
    return _CODES.get(code) or _TOKEN_CODES.get(code)


def word(error: Json, key: str) -> str:
    """A word of Square's; "" for anything that does not look like one, so that no free text is ever carried on."""
    value = error.get(key)
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
