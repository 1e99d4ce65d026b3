"""EasyPaisa's response codes in the hub's words.

Sources: the guide's table (0000 to 0016), and public clients for the rest; what is in neither is not known, and means
that nobody knows the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django_payments_hub.domain.statuses import FailureCode
from django_payments_hub.exceptions import Misconfigured, OutcomeUnknown, ProviderError, Refused
from django_payments_hub.provider_kit.types import Failure

SUCCESS = "0000"
NO_SUCH_ORDER = "0003"
"""To an inquiry: the order is not known. To a new payment: it is not acceptable, as one that was used before."""

_DECLINES: Mapping[str, FailureCode] = MappingProxyType(
    {
        "0008": FailureCode.METHOD_NOT_USABLE,
        "0009": FailureCode.CARD_DECLINED,
        "0011": FailureCode.AUTHENTICATION_FAILED,
        "0012": FailureCode.AUTHENTICATION_FAILED,
        "0013": FailureCode.INSUFFICIENT_FUNDS,
        "0014": FailureCode.METHOD_NOT_USABLE,
        "0015": FailureCode.EXPIRED,
        "0016": FailureCode.EXPIRED,
        "0029": FailureCode.LIMIT_EXCEEDED,
    }
)
_MERCHANT = frozenset({"0004", "0005", "0006", "0007", "0010", "0023", "0024"})
_REQUEST = frozenset({"0002", "0026", "0027", "0028"})


def failure_of(code: str) -> Failure:
    """Why a payment failed, by the code that goes with it."""
    return Failure(code=_DECLINES.get(code, FailureCode.PROCESSING_ERROR), provider_code=code)


def decline_of(code: str) -> Failure | None:
    """The failure a code of a new payment's answer tells for certain; None for any other code."""
    return failure_of(code) if code in _DECLINES else None


def error_of(code: str) -> ProviderError:
    """The error an answer's code stands for that is neither a success nor a decline."""
    if code in _MERCHANT:
        return Misconfigured(f"EasyPaisa does not accept the store or its credentials ({code}).", provider_code=code)
    if code in _REQUEST:
        return Refused(f"EasyPaisa refused the request ({code}).", provider_code=code)
    return OutcomeUnknown("EasyPaisa answered with a code that decides nothing.", provider_code=code)
