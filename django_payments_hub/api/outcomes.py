"""What a payment, an operation or a refund means as an HTTP answer.

Done is 2xx; an outcome that is not known yet is 202 with the resource; a decline is 402 and a refusal 422, as an error
with the resource beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from rest_framework.response import Response

from django_payments_hub.api.errors import Problem
from django_payments_hub.domain.statuses import (
    FailureCode,
    MethodStatus,
    OperationKind,
    OperationState,
    PaymentStatus,
    RefundStatus,
    Stage,
)
from django_payments_hub.exceptions import Misconfigured
from django_payments_hub.models import Operation, Payment, PaymentMethod, Refund

_WITHDRAWN = (PaymentStatus.CANCELLED, PaymentStatus.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The status to answer with; `problem` when it did not work out."""

    status: int
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """An outcome, and the resource as the actor sees it, under its name where an error stands beside it."""

    outcome: Outcome
    resource: object
    name: str

    def response(self) -> Response:
        """The answer."""
        problem = self.outcome.problem
        if problem is None:
            return Response(self.resource, status=self.outcome.status)
        return Response({**problem.body(), self.name: self.resource}, status=self.outcome.status)


def of_replay(status_code: int, error_code: str, now: Outcome) -> Outcome:
    """What was final is answered as it was; what was not known then, or answered by nobody, as it is now."""
    if 200 <= status_code < 300 and status_code != 202 and now.status < 300:
        return Outcome(status=status_code)
    if now.problem is not None and (now.status, now.problem.code) == (status_code, error_code):
        return now
    if 400 <= status_code < 500 and error_code:
        detail = "The payment was declined." if status_code == 402 else "The provider refused the request."
        return _problem(status_code, error_code, detail)
    return now


def of_start(payment: Payment, *, done: int = 200) -> Outcome:
    """What became of creating, processing or confirming a payment."""
    status = PaymentStatus(payment.status)
    declined = status is PaymentStatus.FAILED or Stage(payment.stage) is Stage.DECLINED
    if payment.failure_code and (declined or status in _WITHDRAWN):
        return _declined(payment.failure_code)
    if status is PaymentStatus.PROCESSING:
        return Outcome(status=202)
    if status is PaymentStatus.PENDING:
        operation = last_operation(payment, OperationKind.PAY, OperationKind.CONFIRM)
        return Outcome(status=done) if operation is None else of_operation(operation, done=done)
    return Outcome(status=done)


def of_operation(operation: Operation | None, *, done: int = 200) -> Outcome:
    """What became of one call to the provider."""
    if operation is None or operation.state == OperationState.SUCCEEDED:
        return Outcome(status=done)
    if operation.state == OperationState.DECLINED:
        return _declined(FailureCode.CARD_DECLINED.value)
    if operation.state == OperationState.FAILED:
        return _problem(422, FailureCode.INVALID_REQUEST.value, "The provider refused the request.")
    if operation.error_code == Misconfigured.code:
        return _problem(502, Misconfigured.code, "The provider does not accept the account's credentials.")
    return Outcome(status=202)


def of_refund(refund: Refund) -> Outcome:
    """What became of a refund."""
    if refund.status == RefundStatus.FAILED:
        return _problem(
            422, refund.failure_code or FailureCode.REFUND_REFUSED.value, "The provider refused the refund."
        )
    return Outcome(status=202 if refund.status in (RefundStatus.PENDING, RefundStatus.PROCESSING) else 200)


def of_method(method: PaymentMethod, *, done: int = 200) -> Outcome:
    """What became of saving a method."""
    status = MethodStatus(method.status)
    if status is MethodStatus.FAILED:
        code = method.failure_code or FailureCode.INVALID_REQUEST.value
        refused = code in (FailureCode.INVALID_REQUEST, FailureCode.METHOD_NOT_USABLE)
        return _problem(422 if refused else 402, code, "The payment method was not saved.")
    if status is not MethodStatus.PENDING or method.next_action:
        return Outcome(status=done)
    if method.error_code == Misconfigured.code:
        return _problem(502, Misconfigured.code, "The provider does not accept the account's credentials.")
    return Outcome(status=202)


def operations_of(payment: Payment, kind: OperationKind) -> list[UUID]:
    """The ids of its operations of a kind, oldest first."""
    return [
        *Operation.objects.filter(payment_id=payment.pk, kind=kind.value).order_by("pk").values_list("pk", flat=True)
    ]


def last_operation(payment: Payment, *kinds: OperationKind) -> Operation | None:
    """The newest operation of these kinds."""
    words = [kind.value for kind in kinds]
    return Operation.objects.filter(payment_id=payment.pk, kind__in=words).order_by("-pk").first()


def _declined(code: str) -> Outcome:
    if code == FailureCode.INVALID_REQUEST:
        return _problem(422, code, "The provider refused the request; are token and amount right?")
    return _problem(402, code, "The payment was declined.")


def _problem(status: int, code: str, detail: str) -> Outcome:
    return Outcome(status=status, problem=Problem(status=status, code=code, detail=detail))
