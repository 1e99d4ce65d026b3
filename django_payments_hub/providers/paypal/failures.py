"""PayPal's words for a decline as the hub's.

Sources: developer.paypal.com/api/rest/reference/orders/v2/errors, developer.paypal.com/api/handle-payment-failures, and
for processor codes developer.paypal.com/docs/api/orders/v2 (`processor_response`).
"""

from __future__ import annotations

from django_payments_hub.domain.statuses import FailureCode
from django_payments_hub.provider_kit.reading import Json, optional_mapping
from django_payments_hub.provider_kit.types import Failure
from django_payments_hub.providers.paypal.words import word

_F = FailureCode

DECLINES = {
    "INSTRUMENT_DECLINED": _F.CARD_DECLINED,
    "PAYMENT_SOURCE_DECLINED_BY_PROCESSOR": _F.CARD_DECLINED,
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING": _F.CARD_DECLINED,
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": _F.LIMIT_EXCEEDED,
    "CARD_EXPIRED": _F.EXPIRED_CARD,
    "REFERENCED_CARD_EXPIRED": _F.EXPIRED_CARD,
    "TRANSACTION_REFUSED": _F.CARD_DECLINED,
    "DECLINED_DUE_TO_RELATED_TXN": _F.CARD_DECLINED,
    "AUTHORIZATION_DENIED": _F.CARD_DECLINED,
    "COMPLIANCE_VIOLATION": _F.FRAUD_SUSPECTED,
    "PAYEE_BLOCKED_TRANSACTION": _F.FRAUD_SUSPECTED,
    "TRANSACTION_BLOCKED_BY_PAYEE": _F.FRAUD_SUSPECTED,
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": _F.METHOD_NOT_USABLE,
    "PAYER_ACCOUNT_RESTRICTED": _F.METHOD_NOT_USABLE,
    "PAYER_CANNOT_PAY": _F.METHOD_NOT_USABLE,
    "DOMESTIC_TRANSACTION_REQUIRED": _F.METHOD_NOT_USABLE,
    "AGREEMENT_ALREADY_CANCELLED": _F.METHOD_NOT_USABLE,
    "BILLING_AGREEMENT_NOT_FOUND": _F.METHOD_NOT_USABLE,
    "CARD_BRAND_NOT_SUPPORTED": _F.METHOD_NOT_USABLE,
    "PAYMENT_SOURCE_CANNOT_BE_USED": _F.METHOD_NOT_USABLE,
    "PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED": _F.METHOD_NOT_USABLE,
    "MISMATCHED_VAULT_ID_TO_PAYMENT_SOURCE": _F.METHOD_NOT_USABLE,
    "INVALID_VAULT_ID": _F.METHOD_NOT_USABLE,
    "TOKEN_EXPIRED": _F.METHOD_NOT_USABLE,
    "TOKEN_ID_NOT_FOUND": _F.METHOD_NOT_USABLE,
    "TRANSACTION_LIMIT_EXCEEDED": _F.LIMIT_EXCEEDED,
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": _F.LIMIT_EXCEEDED,
    "PAYER_ACTION_REQUIRED": _F.AUTHENTICATION_REQUIRED,
    "ORDER_NOT_APPROVED": _F.AUTHENTICATION_REQUIRED,
}
"""Issues of a 422 by which the customer's method, not our request, was refused."""

_PROCESSOR = {
    "5100": _F.CARD_DECLINED,
    "5110": _F.INCORRECT_CVC,
    "00N7": _F.INCORRECT_CVC,
    "5120": _F.INSUFFICIENT_FUNDS,
    "5400": _F.EXPIRED_CARD,
    "5180": _F.INCORRECT_NUMBER,
    "1330": _F.INCORRECT_NUMBER,
    "9500": _F.FRAUD_SUSPECTED,
    "9520": _F.FRAUD_SUSPECTED,
}


def failure_of(issue: str) -> Failure:
    """The failure that an issue of an error answer tells."""
    return Failure(code=DECLINES.get(issue, _F.CARD_DECLINED), provider_code=issue)


def declined_payment(payment: Json) -> Failure:
    """Why a capture or authorization was declined, from the processor's code or the reason where there is one."""
    code = word(optional_mapping(payment, "processor_response"), "response_code")
    reason = word(optional_mapping(payment, "status_details"), "reason")
    return Failure(code=_PROCESSOR.get(code, _F.CARD_DECLINED), provider_code=code or reason or word(payment, "status"))
