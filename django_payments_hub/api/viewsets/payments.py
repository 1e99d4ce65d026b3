"""`/`, `/checkout/`, `/{id}/` and what is done with one payment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from django_payments_hub.api import throttling
from django_payments_hub.api.contracts import Contract
from django_payments_hub.api.explaining import explanation_of
from django_payments_hub.api.filters import PAYMENT_FILTERS, filtered
from django_payments_hub.api.new_payments import new_payment
from django_payments_hub.api.outcomes import Outcome, Told, last_operation, of_operation, of_start, operations_of
from django_payments_hub.api.pagination import page
from django_payments_hub.api.serializers.inputs import (
    CancelInput,
    CaptureInput,
    CheckoutInput,
    NothingInput,
    PaymentInput,
    RefundActionInput,
    StartInput,
)
from django_payments_hub.api.serializers.outputs import (
    ExplanationOutput,
    LogOutput,
    PaymentErrorOutput,
    PaymentOutput,
    PaymentStatusOutput,
)
from django_payments_hub.api.serializers.vouching import ReceiptInput, SurplusInput
from django_payments_hub.api.viewsets.base import HubViewSet
from django_payments_hub.api.viewsets.refunds import REFUND_ANSWERS, refund_once
from django_payments_hub.domain.statuses import Flow, OperationKind, PaymentStatus
from django_payments_hub.models import Operation, Payment, TransactionLog
from django_payments_hub.services import payments, receipts, surplus
from django_payments_hub.services.payments import OnCommit

_STARTED = {202: PaymentOutput, 402: PaymentErrorOutput, 422: PaymentErrorOutput, 502: PaymentErrorOutput}
_CALLED = {200: PaymentOutput, **_STARTED}

Work = tuple[Payment, Operation | None]
"""A payment, and what a request did with it at the provider."""


class PaymentViewSet(HubViewSet):
    """Payments."""

    contracts = {
        "list": Contract(summary="List payments", gives={200: PaymentOutput}, pages=True, filters=PAYMENT_FILTERS),
        "create": Contract(
            summary="Create a payment", takes=PaymentInput, gives={201: PaymentOutput, **_STARTED}, once=True
        ),
        "checkout": Contract(
            summary="Create a hosted checkout", takes=CheckoutInput, gives={201: PaymentOutput, **_STARTED}, once=True
        ),
        "retrieve": Contract(summary="One payment", gives={200: PaymentOutput}),
        "standing": Contract(summary="Status of a payment", gives={200: PaymentStatusOutput}),
        "logs": Contract(summary="Audit trail of a payment", gives={200: LogOutput}, pages=True),
        "explain": Contract(summary="Why a payment stands as it does", gives={200: ExplanationOutput}),
        "process": Contract(summary="Start a deferred payment", takes=StartInput, gives=_CALLED, once=True),
        "confirm": Contract(summary="Try a waiting payment", takes=StartInput, gives=_CALLED, once=True),
        "capture": Contract(summary="Capture held money", takes=CaptureInput, gives=_CALLED, once=True),
        "cancel": Contract(summary="Cancel a payment", takes=CancelInput, gives=_CALLED, once=True),
        "receipt": Contract(
            summary="Record money that came in", takes=ReceiptInput, gives={200: PaymentOutput}, once=True
        ),
        "surplus": Contract(
            summary="Record a surplus given back", takes=SurplusInput, gives={200: PaymentOutput}, once=True
        ),
        "refund": Contract(summary="Refund a payment", takes=RefundActionInput, gives=REFUND_ANSWERS, once=True),
        "sync": Contract(summary="Ask the provider", takes=NothingInput, gives={200: PaymentOutput}),
    }

    # -- looking -----------------------------------------------------------------------------------------------------

    def list(self, request: Request) -> Response:
        rows = self.policy.visible_payments(self.actor).select_related("account", "order_ref")
        return page(request, filtered(rows, request.query_params, PAYMENT_FILTERS), partial(self._many, PaymentOutput))

    def retrieve(self, request: Request, payment_id: str) -> Response:
        return Response(self.shown(PaymentOutput, self.visible_payment(payment_id)))

    def standing(self, request: Request, payment_id: str) -> Response:
        return Response(self.shown(PaymentStatusOutput, self.visible_payment(payment_id)))

    def logs(self, request: Request, payment_id: str) -> Response:
        payment = self.payment_for(payment_id, "logs")
        rows = TransactionLog.objects.filter(payment=payment).select_related("payment", "actor")
        return page(request, filtered(rows, request.query_params, ()), partial(self._many, LogOutput))

    def explain(self, request: Request, payment_id: str) -> Response:
        payment = self.payment_for(payment_id, "explain")
        found = ExplanationOutput(explanation_of(payment)).data
        hidden = self.policy.hidden_fields(self.actor, payment)
        return Response({name: value for name, value in found.items() if name not in hidden})

    def _many(self, serializer: type[Any], rows: object) -> object:
        return self.shown(serializer, rows, many=True)

    # -- starting ----------------------------------------------------------------------------------------------------

    def create(self, request: Request) -> Response:
        return self._create(self.body())

    def checkout(self, request: Request) -> Response:
        return self._create({**self.body(), "flow": Flow.HOSTED})

    def _create(self, data: dict[str, Any]) -> Response:
        def act(on_commit: OnCommit | None) -> Payment:
            wanted = new_payment(self.actor, self.policy, data)
            return self.trying(lambda: payments.create(wanted, on_commit=on_commit))

        return self.once("payment", act, self.visible_payment, partial(self._started, done=201))

    def process(self, request: Request, payment_id: str) -> Response:
        return self._start(payment_id, "process", payments.process)

    def confirm(self, request: Request, payment_id: str) -> Response:
        return self._start(payment_id, "confirm", payments.confirm)

    def _start(self, payment_id: str, action: str, step: Callable[..., Payment]) -> Response:
        payment, data = self.payment_for(payment_id, action), self.body()

        def act(on_commit: OnCommit | None) -> Payment:
            throttling.count_order(payment.order_ref)
            throttling.count_method(payment.payment_method_id)
            token = data.get("payment_method_token", "")
            return self.trying(lambda: step(payment.pk, method_token=token, actor=self.actor.user, on_commit=on_commit))

        return self.once("payment", act, partial(self.payment_for, action=action), self._started)

    def _started(self, payment: Payment, done: int = 200) -> Told:
        return self._told(of_start(payment, done=done), payment)

    # -- working on --------------------------------------------------------------------------------------------------

    def capture(self, request: Request, payment_id: str) -> Response:
        payment, data = self.payment_for(payment_id, "capture"), self.body()
        step = partial(
            payments.capture, payment.pk, amount=data.get("amount"), final=data["final"], actor=self.actor.user
        )
        return self._work(payment, OperationKind.CAPTURE, step)

    def cancel(self, request: Request, payment_id: str) -> Response:
        payment, data = self.payment_for(payment_id, "cancel"), self.body()
        step = partial(payments.cancel, payment.pk, reason=data["reason"], actor=self.actor.user)
        return self._work(payment, OperationKind.CANCEL, step)

    def _work(self, payment: Payment, kind: OperationKind, step: Callable[..., Payment]) -> Response:
        """Answer by the operation that this request made: another may have made the payment's last one."""

        def act(on_commit: OnCommit | None) -> Work:
            known: list[UUID] = []

            def pointed(payment_id: UUID) -> None:
                # Under the payment's lock. A cancellation points before it opens its operation, a capture after.
                known.extend(operations_of(payment, kind))
                if on_commit is not None:
                    on_commit(known[-1] if kind is OperationKind.CAPTURE else payment_id)

            after = step(on_commit=pointed)
            if kind is OperationKind.CAPTURE:
                return after, Operation.objects.get(pk=known[-1])
            made = [pk for pk in operations_of(payment, kind) if pk not in known]
            return after, Operation.objects.get(pk=made[0]) if made else None

        def read(pointer: UUID) -> Work:
            operation = Operation.objects.filter(pk=pointer).first()
            found = self.payment_for(operation.payment_id if operation else pointer, kind.value)
            return found, operation or last_operation(found, kind)

        return self.once("operation", act, read, self._worked)

    def _worked(self, work: Work) -> Told:
        payment, operation = work
        is_capture = operation is not None and operation.kind == OperationKind.CAPTURE
        if payment.status == PaymentStatus.CANCELLED and not is_capture:
            return self._told(Outcome(status=200), payment)
        return self._told(of_operation(operation), payment)

    def refund(self, request: Request, payment_id: str) -> Response:
        payment, data = self.payment_for(payment_id, "refund"), self.body()
        return refund_once(self, payment, data)

    def receipt(self, request: Request, payment_id: str) -> Response:
        payment, data = self.payment_for(payment_id, "receipt"), self.body()
        return self._vouch(payment, "receipt", partial(receipts.record, payment.pk, **data))

    def surplus(self, request: Request, payment_id: str) -> Response:
        payment, data = self.payment_for(payment_id, "surplus"), self.body()
        return self._vouch(payment, "surplus", partial(surplus.give_back, payment.pk, **data))

    def _vouch(self, payment: Payment, action: str, record: Callable[..., Payment]) -> Response:
        self.refuse_own(payment)

        def act(on_commit: OnCommit | None) -> Payment:
            return record(actor=self.user, on_commit=on_commit)

        read = partial(self.payment_for, action=action)
        return self.once("payment", act, read, partial(self._told, Outcome(status=200)))

    def sync(self, request: Request, payment_id: str) -> Response:
        payment = self.payment_for(payment_id, "sync")
        self.body()
        return self._told(Outcome(status=200), payments.sync(payment.pk)).response()

    def _told(self, outcome: Outcome, payment: Payment) -> Told:
        return Told(outcome=outcome, resource=self.shown(PaymentOutput, payment), name="payment")
