"""What Stripe's error answers mean (docs.stripe.com/api/errors, docs.stripe.com/error-low-level).

Classified by status and body rather than by the SDK's classes: `RateLimitError` and `APIError` carry no code, and a
400 for a reused key is told from one for a wrong parameter by its type alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django_payments_hub.exceptions import Misconfigured, OutcomeUnknown, ProviderError, Refused, Throttled
from django_payments_hub.provider_kit.http import retry_after_s
from django_payments_hub.provider_kit.reading import Json, optional_mapping
from django_payments_hub.providers.stripe.failures import failure_of, word

_THROTTLED_CODES = frozenset({"rate_limit", "lock_timeout"})
_REFUND_CODES = frozenset({"charge_already_refunded", "balance_insufficient", "insufficient_funds", "charge_disputed"})
_STATE_CODES = frozenset(
    {
        "payment_intent_unexpected_state",
        "charge_already_captured",
        "charge_expired_for_capture",
        "capture_charge_authorization_expired",
    }
)


@dataclass(frozen=True, kw_only=True)
class ErrorAnswer:
    """An answer of status 4xx or 5xx; `error` is its error object, {} when there is none."""

    status: int
    error: Json = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def code(self) -> str:
        """Stripe's error code, "" without one."""
        return word(self.error, "code")

    @property
    def is_decline(self) -> bool:
        """The customer's method was refused."""
        return self.status == 402

    @property
    def is_about_state(self) -> bool:
        """The object is not in a state that allows the call."""
        return self.status == 400 and self.code in _STATE_CODES

    @property
    def is_missing(self) -> bool:
        """The object named in the path does not exist."""
        return self.status == 404 and self.code == "resource_missing"

    @property
    def is_replayed_failure(self) -> bool:
        """A stored 5xx: the first request under this key is over, and every later one gets this again for 24 h."""
        return self.status >= 500 and self.headers.get("idempotent-replayed") == "true"

    @property
    def intent(self) -> Json:
        """The PaymentIntent as it stands after the error, {} when it was not sent along."""
        return optional_mapping(self.error, "payment_intent")


def translate(answer: ErrorAnswer) -> ProviderError:
    """The hub's error for an answer that the caller cannot use."""
    code, status = answer.code, answer.status
    if status == 429 or (status == 400 and code in _THROTTLED_CODES):
        return Throttled(
            "Stripe asks for fewer calls.", retry_after_s=retry_after_s(answer.headers), provider_code=code
        )
    if not answer.error:
        return _unknown(answer)
    if status in (401, 403):
        return Misconfigured("Stripe does not accept the account's secret key for this call.", provider_code=code)
    if status == 402:
        failure = failure_of(answer.error)
        return Refused("Stripe declined.", code=failure.code.value, provider_code=failure.provider_code)
    if status == 400 and word(answer.error, "type") == "idempotency_error":
        return Refused(
            "Stripe knows this idempotency key with other parameters.", code="idempotency_mismatch", provider_code=code
        )
    if status in (400, 404):
        refused = "refund_refused" if code in _REFUND_CODES else "invalid_request"
        return Refused(f"Stripe refused the request ({code or status}).", code=refused, provider_code=code)
    return _unknown(answer)


def _unknown(answer: ErrorAnswer) -> OutcomeUnknown:
    # 409: another request holds the same key. 424, 5xx: Stripe itself calls them indeterminate.
    return OutcomeUnknown(
        f"Stripe answered with status {answer.status}.",
        provider_code=answer.code,
        details={"reason": "status", "status": answer.status, "replayed": answer.is_replayed_failure},
    )
