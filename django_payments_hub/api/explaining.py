"""Why a payment stands where it stands, and what happens next."""

from __future__ import annotations

from django_payments_hub.api import messages
from django_payments_hub.domain.statuses import (
    OPEN_OPERATIONS,
    CaptureMethod,
    OperationKind,
    OperationState,
    PaymentStatus,
)
from django_payments_hub.models import Operation, Payment


def explanation_of(payment: Payment) -> dict[str, object]:
    """The values of an `ExplanationOutput`, staff's included."""
    states = [state.value for state in OPEN_OPERATIONS]
    operations = list(Operation.objects.filter(payment=payment, state__in=states).order_by("pk"))
    attention_code = payment.attention_code or next(
        (row.attention_code for row in operations if row.attention_code), ""
    )
    explanation, following = _standing(payment, operations)
    if attention_code:
        following = messages.NEEDS_A_PERSON
    elif any(row.state == OperationState.CREATED for row in operations):
        following = messages.BEING_SENT
    attempts = [row.next_attempt_at for row in operations if row.next_attempt_at]
    return {
        "id": payment.pk,
        "status": PaymentStatus(payment.status),
        "explanation": explanation,
        "next": following,
        "next_attempt_at": min(attempts, default=None),
        "expires_at": payment.expires_at,
        "attention_code": attention_code,
        "operations": operations,
    }


def _standing(payment: Payment, operations: list[Operation]) -> tuple[messages.Text, messages.Text]:
    """Why it stands so, and what follows, before what is wrong with an operation is looked at."""
    status = PaymentStatus(payment.status)
    if status is PaymentStatus.REQUIRES_ACTION and any(row.kind == OperationKind.CONFIRM for row in operations):
        # An earlier decline, which led to this approval, is no news any more.
        held = payment.capture_method == CaptureMethod.MANUAL
        approved = messages.APPROVED_AND_HELD if held else messages.APPROVED
        return approved, messages.STANDING[PaymentStatus.PROCESSING][1]
    explanation, following = messages.STANDING[status]
    return messages.failure_message(payment.failure_code) or explanation, following
