"""What JazzCash's response codes mean, for the call they answer and for a payment that was asked about.

The table is the one of the sandbox's documentation page ("Response Codes"). A code that stands nowhere here decides
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from django_payments_hub.domain.statuses import FailureCode
from django_payments_hub.provider_kit.types import Failure

_F = FailureCode

DONE = "000"
PAID = "121"
NOT_THERE = "109"
AWAITING_REVERSAL = "119"
REVERSED = "122"
DISPUTED = frozenset({"126", "128"})
REFUNDED = "131"
PENDING = frozenset({"124", "157", "210"})
"""A voucher waits to be paid at a counter, a wallet for its owner's MPIN, a card for its bank."""

BAD_CREDENTIALS = frozenset({"101", "111", "115", "117"})
"""Of the merchant: his password, his salt, what he may do. No other wallet helps the customer."""

BAD_REQUEST = frozenset({"110", "135"})

OPEN = frozenset(
    {
        *("055", "058", "062", "063"),  # the host behind the wallet: out of reach, or too slow
        *("118", "127", "134", "199", "999"),  # maintenance, time-out, system error, "failure"
        *("401", "403", "406", "407", "417", "422", "429", "431", "432"),  # the same of the card's side; doubled
    }
)
"""They say that something went wrong, and nothing of whether money moved: the payment has to be asked about."""

DECLINES: Mapping[str, FailureCode] = {
    "001": _F.LIMIT_EXCEEDED,
    "002": _F.METHOD_NOT_USABLE,
    "003": _F.METHOD_NOT_USABLE,
    "004": _F.INSUFFICIENT_FUNDS,
    "014": _F.METHOD_NOT_USABLE,
    "015": _F.METHOD_NOT_USABLE,
    "016": _F.METHOD_NOT_USABLE,
    "024": _F.AUTHENTICATION_FAILED,
    "059": _F.CARD_DECLINED,
    "060": _F.AUTHENTICATION_FAILED,
    "066": _F.METHOD_NOT_USABLE,
    "067": _F.METHOD_NOT_USABLE,
    "095": _F.CARD_DECLINED,
    "102": _F.METHOD_NOT_USABLE,
    "103": _F.METHOD_NOT_USABLE,
    "104": _F.METHOD_NOT_USABLE,
    "105": _F.LIMIT_EXCEEDED,
    "106": _F.LIMIT_EXCEEDED,
    "107": _F.LIMIT_EXCEEDED,
    "108": _F.METHOD_NOT_USABLE,
    "112": _F.CANCELLED_BY_CUSTOMER,
    "113": _F.EXPIRED,
    "116": _F.EXPIRED,
    "129": _F.EXPIRED,
    "132": _F.REFUND_REFUSED,
    "402": _F.CARD_DECLINED,
    "404": _F.EXPIRED_CARD,
    "405": _F.INSUFFICIENT_FUNDS,
    "408": _F.METHOD_NOT_USABLE,
    "409": _F.CARD_DECLINED,
    "410": _F.CANCELLED_BY_CUSTOMER,
    "411": _F.FRAUD_SUSPECTED,
    "412": _F.CANCELLED_BY_CUSTOMER,
    "414": _F.CARD_DECLINED,
    "415": _F.AUTHENTICATION_FAILED,
    "416": _F.INCORRECT_CVC,
    "419": _F.METHOD_NOT_USABLE,
    "421": _F.LIMIT_EXCEEDED,
    "423": _F.CARD_DECLINED,
    "424": _F.INCORRECT_CVC,
    "425": _F.INCORRECT_CVC,
    "426": _F.CARD_DECLINED,
    "430": _F.CARD_DECLINED,
}
_CODE = re.compile(r"[0-9]{3}", re.ASCII)


def is_code(value: object) -> bool:
    """Whether it looks like a response code: three digits, so that no free text is ever carried on."""
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def failure(code: str) -> Failure:
    """The failure a code tells; for one without a meaning of its own `processing_error`."""
    return Failure(code=DECLINES.get(code, _F.PROCESSING_ERROR), provider_code=code)
