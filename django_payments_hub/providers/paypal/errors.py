"""What PayPal's error answers mean (developer.paypal.com/api/rest/responses, .../reference/orders/v2/errors)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django_payments_hub.exceptions import Misconfigured, OutcomeUnknown, ProviderError, Refused, Throttled
from django_payments_hub.provider_kit.http import retry_after_s
from django_payments_hub.provider_kit.reading import Json
from django_payments_hub.provider_kit.types import Failure
from django_payments_hub.providers.paypal.failures import DECLINES, failure_of
from django_payments_hub.providers.paypal.words import word

# Issues that say how the object stands, so that looking at it tells the rest.
_STATE_ISSUES = frozenset(
    {
        "ORDER_ALREADY_CAPTURED",
        "ORDER_ALREADY_AUTHORIZED",
        "ORDER_COMPLETED_OR_VOIDED",
        "ORDER_EXPIRED",
        "AUTHORIZATION_ALREADY_CAPTURED",
        "AUTHORIZATION_VOIDED",
        "AUTHORIZATION_EXPIRED",
        "MAX_CAPTURE_AMOUNT_EXCEEDED",
        "MAX_CAPTURE_COUNT_EXCEEDED",
        "PREVIOUSLY_CAPTURED",
        "PREVIOUSLY_VOIDED",
    }
)
_REFUND_ISSUES = frozenset(
    {
        "CAPTURE_FULLY_REFUNDED",
        "REFUND_NOT_ALLOWED",
        "REFUND_TIME_LIMIT_EXCEEDED",
        "REFUND_AMOUNT_EXCEEDED",
        "REFUND_AMOUNT_TOO_LOW",
        "REFUND_FAILED_INSUFFICIENT_FUNDS",
        "PARTIAL_REFUND_NOT_ALLOWED",
        "MAX_NUMBER_OF_REFUNDS_EXCEEDED",
        "PENDING_CAPTURE",
        "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK",
        "TRANSACTION_DISPUTED",
        "REFUND_IS_RESTRICTED",
    }
)
# Something else with the same key or on the same object is not over, or an earlier try may have had its effect.
_OPEN_ISSUES = frozenset({"ORDER_COMPLETION_IN_PROGRESS", "PREVIOUS_REQUEST_IN_PROGRESS", "DUPLICATE_INVOICE_ID"})
_KEY_ISSUES = frozenset({"DUPLICATE_REQUEST_ID", "IDEMPOTENCY_KEY_REUSED", "PAYPAL_REQUEST_ID_REUSED"})


@dataclass(frozen=True, kw_only=True)
class ErrorAnswer:
    """An answer of status 4xx or 5xx; `body` is its JSON object, {} when there is none."""

    status: int
    body: Json = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def issue(self) -> str:
        """The first issue PayPal names, else the error's name; "" without one."""
        details = self.body.get("details")
        first = details[0] if isinstance(details, list) and details and isinstance(details[0], Mapping) else {}
        return word(first, "issue") or word(self.body, "name")

    @property
    def links(self) -> list[Json]:
        """Where to go on, {rel, href}."""
        links = self.body.get("links")
        return [link for link in links if isinstance(link, Mapping)] if isinstance(links, list) else []

    @property
    def decline(self) -> Failure | None:
        """Why the customer's method was refused; None when this is no decline."""
        return failure_of(self.issue) if self.status == 422 and self.issue in DECLINES else None

    @property
    def is_about_state(self) -> bool:
        """The object is not in a state that allows the call."""
        return self.status == 422 and self.issue in _STATE_ISSUES

    @property
    def is_missing(self) -> bool:
        """The object named in the path does not exist."""
        return self.status == 404 and word(self.body, "name") in ("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")


def translate(answer: ErrorAnswer, *, recovering: bool = False) -> ProviderError:
    """The hub's error for an answer that the caller cannot use.

    Args:
        recovering: an earlier try may have had its effect. That the object worked on is not there does not decide it:
            it was, and another merchant's credentials would be answered the same.
    """
    issue, status = answer.issue, answer.status
    if recovering and answer.is_missing:
        return _unknown(answer)
    if status == 429:
        return Throttled(
            "PayPal asks for fewer calls.", retry_after_s=retry_after_s(answer.headers), provider_code=issue
        )
    if status in (401, 403) and answer.body:
        return Misconfigured("PayPal does not accept the account's credentials for this call.", provider_code=issue)
    if not word(answer.body, "name") or issue in _OPEN_ISSUES:
        return _unknown(answer)
    if status in (400, 404, 405, 415, 422):
        return _refusal(answer)
    return _unknown(answer)


def _refusal(answer: ErrorAnswer) -> Refused:
    issue = answer.issue
    if issue in _KEY_ISSUES:
        return Refused(
            "PayPal knows this request id with another request.", code="idempotency_mismatch", provider_code=issue
        )
    if issue in _REFUND_ISSUES:
        return Refused(f"PayPal refused the refund ({issue}).", code="refund_refused", provider_code=issue)
    decline = answer.decline
    code = decline.code.value if decline else "invalid_request"
    return Refused(f"PayPal refused the request ({issue}).", code=code, provider_code=issue)


def _unknown(answer: ErrorAnswer) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"PayPal answered with status {answer.status}.",
        provider_code=answer.issue,
        details={"reason": "status", "status": answer.status},
    )
