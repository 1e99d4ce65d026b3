"""What Square's error answers mean (developer.squareup.com/docs/build-basics/general-considerations/handling-errors).

Classified by category and code over all errors of the answer: a decline can stand beside others, and its HTTP status
is 400, 402 or 404. What leaves the outcome open wins over everything beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django_payments_hub.exceptions import Misconfigured, OutcomeUnknown, ProviderError, Refused, Throttled
from django_payments_hub.provider_kit.reading import Json
from django_payments_hub.provider_kit.types import Failure
from django_payments_hub.providers.square.failures import OPEN_CODES, SELLER_CODES, failure_of, tells_of_method, word

_STATE_CODES = frozenset({"VERSION_MISMATCH", "CONFLICT"})
_REFUND_CODES = frozenset(
    {
        "REFUND_AMOUNT_INVALID",
        "PAYMENT_NOT_REFUNDABLE",
        "PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE",
        "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION",
        "REFUND_DECLINED",
        "INSUFFICIENT_PERMISSIONS_FOR_REFUND",
    }
)
_INDEFINITE = frozenset({408, 409, 424, 425})
_THROTTLED = "RATE_LIMIT_ERROR"
_OPEN_CATEGORIES = ("API_ERROR", "EXTERNAL_VENDOR_ERROR")


@dataclass(frozen=True, kw_only=True)
class ErrorAnswer:
    """An answer of status 4xx or 5xx; `errors` is its list, empty when there is none that can be read."""

    status: int
    errors: Sequence[Json] = field(repr=False)

    @property
    def codes(self) -> list[str]:
        """Square's error codes, in its order."""
        return [code for code in (word(error, "code") for error in self.errors) if code]

    @property
    def code(self) -> str:
        """The first of them, "" without one."""
        return next(iter(self.codes), "")

    @property
    def is_definite(self) -> bool:
        """Square has looked at the request and said no."""
        return bool(self.errors) and 400 <= self.status < 500 and self.status not in _INDEFINITE and not self._is_open

    @property
    def _is_open(self) -> bool:
        return any(map(self.has_category, _OPEN_CATEGORIES)) or bool(OPEN_CODES.intersection(self.codes))

    @property
    def is_missing(self) -> bool:
        """The object named does not exist."""
        return self.is_definite and self.status == 404

    @property
    def is_about_version(self) -> bool:
        """The object has changed since it was read; nothing happened, and a fresh look tells how to go on."""
        return 400 <= self.status < 500 and bool(_STATE_CODES.intersection(self.codes))

    @property
    def decline(self) -> Failure | None:
        """The customer's method was refused: why; None when the answer is about something else."""
        if not self.is_definite or self.status in (401, 403) or self.has_category(_THROTTLED):
            return None
        told = [error for error in self.errors if tells_of_method(error)]
        return failure_of(told) if told else None

    def has_category(self, category: str) -> bool:
        """Whether one of the errors is of this category."""
        return any(word(error, "category") == category for error in self.errors)


def translate(answer: ErrorAnswer) -> ProviderError:
    """The hub's error for an answer that the caller cannot use."""
    code = answer.code
    if not answer.is_definite:
        return _unknown(answer)
    if answer.has_category(_THROTTLED):
        return Throttled("Square asks for fewer calls.", provider_code=code)
    if answer.status in (401, 403) or answer.has_category("AUTHENTICATION_ERROR"):
        return Misconfigured("Square does not accept the account's access token for this call.", provider_code=code)
    if answer.is_about_version:
        return _unknown(answer)
    if "IDEMPOTENCY_KEY_REUSED" in answer.codes:
        return Refused(
            "Square knows this idempotency key with other parameters.", code="idempotency_mismatch", provider_code=code
        )
    if answer.has_category("REFUND_ERROR") or _REFUND_CODES.intersection(answer.codes):
        return Refused(f"Square refused the refund ({code}).", code="refund_refused", provider_code=code)
    failure = answer.decline
    if failure is not None:
        return Refused("Square declined.", code=failure.code.value, provider_code=failure.provider_code)
    if SELLER_CODES.intersection(answer.codes):
        return Misconfigured(f"Square does not take payments for this account ({code}).", provider_code=code)
    return Refused(f"Square refused the request ({code}).", code="invalid_request", provider_code=code)


def _unknown(answer: ErrorAnswer) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"Square answered with status {answer.status}.",
        provider_code=answer.code,
        details={"reason": "status", "status": answer.status},
    )
