"""`/refunds/` and `/refunds/{id}/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from django_payments_hub.api.contracts import Contract
from django_payments_hub.api.filters import REFUND_FILTERS, filtered
from django_payments_hub.api.outcomes import Told, of_refund
from django_payments_hub.api.pagination import page
from django_payments_hub.api.serializers.inputs import NothingInput, RefundInput
from django_payments_hub.api.serializers.outputs import RefundErrorOutput, RefundOutput
from django_payments_hub.api.serializers.vouching import ProofInput
from django_payments_hub.api.viewsets.base import HubViewSet, key_of
from django_payments_hub.exceptions import NotFound
from django_payments_hub.models import Payment, Refund
from django_payments_hub.services import hand_refunds, refunds
from django_payments_hub.services.payments import OnCommit

REFUND_ANSWERS = {200: RefundOutput, 202: RefundOutput, 422: RefundErrorOutput}


def visible_refund(view: HubViewSet, refund_id: object) -> Refund:
    """The refund of this id; raises NotFound for one the actor does not see."""
    rows = view.policy.visible_refunds(view.actor).select_related("payment__order_ref", "payment__account")
    refund = rows.filter(pk=key_of(refund_id)).first()
    if refund is None:
        raise NotFound("There is no such refund.")
    return refund


def refund_once(view: HubViewSet, payment: Payment, data: dict[str, Any]) -> Response:
    """Request a refund of a payment that the actor may refund."""

    def act(on_commit: OnCommit | None) -> Refund:
        reason, amount = data["reason"], data.get("amount")
        return refunds.request(payment.pk, amount=amount, reason=reason, actor=view.actor.user, on_commit=on_commit)

    return view.once("refund", act, lambda key: visible_refund(view, key), lambda refund: _told(view, refund))


def _told(view: HubViewSet, refund: Refund) -> Told:
    return Told(outcome=of_refund(refund), resource=view.shown(RefundOutput, refund), name="refund")


class RefundViewSet(HubViewSet):
    """Refunds."""

    contracts = {
        "list": Contract(summary="List refunds", gives={200: RefundOutput}, pages=True, filters=REFUND_FILTERS),
        "create": Contract(summary="Request a refund", takes=RefundInput, gives=REFUND_ANSWERS, once=True),
        "retrieve": Contract(summary="One refund", gives={200: RefundOutput}),
        "process": Contract(summary="Carry a refund out now", takes=NothingInput, gives=REFUND_ANSWERS, once=True),
        "cancel": Contract(summary="Take back an unsent refund", takes=NothingInput, gives=REFUND_ANSWERS, once=True),
        "proof": Contract(
            summary="Record a refund made by hand", takes=ProofInput, gives={200: RefundOutput}, once=True
        ),
    }

    def list(self, request: Request) -> Response:
        rows = self.policy.visible_refunds(self.actor).select_related("payment__order_ref")
        return page(request, filtered(rows, request.query_params, REFUND_FILTERS), self._many)

    def retrieve(self, request: Request, refund_id: str) -> Response:
        return Response(self.shown(RefundOutput, visible_refund(self, refund_id)))

    def _many(self, rows: Sequence[Refund]) -> object:
        return self.shown(RefundOutput, rows, many=True)

    def create(self, request: Request) -> Response:
        data = self.body()
        return refund_once(self, self.payment_for(data["payment_id"], "refund"), data)

    def process(self, request: Request, refund_id: str) -> Response:
        refund = self._refund(refund_id)

        def act(on_commit: OnCommit | None) -> Refund:
            if on_commit is not None:
                on_commit(refund.pk)  # a worker carries it out in any case: repeating the request adds nothing
            return refunds.execute(refund.pk)

        return self._once(act)

    def cancel(self, request: Request, refund_id: str) -> Response:
        refund = self._refund(refund_id)
        return self._once(lambda on_commit: refunds.cancel(refund.pk, actor=self.actor.user, on_commit=on_commit))

    def proof(self, request: Request, refund_id: str) -> Response:
        refund = visible_refund(self, refund_id)
        self.allow("proof", refund.payment)
        data = self.body()
        self.refuse_own(refund.payment)
        return self._once(
            lambda on_commit: hand_refunds.record_proof(refund.pk, **data, actor=self.user, on_commit=on_commit)
        )

    def _refund(self, refund_id: object) -> Refund:
        """A refund the actor may work on; the body must be empty."""
        refund = visible_refund(self, refund_id)
        self.allow("refund", refund.payment)
        self.body()
        return refund

    def _once(self, act: Callable[[OnCommit | None], Refund]) -> Response:
        return self.once("refund", act, lambda key: visible_refund(self, key), lambda refund: _told(self, refund))
