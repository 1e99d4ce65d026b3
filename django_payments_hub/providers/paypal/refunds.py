"""Giving money back through PayPal: of the capture, whichever object the payment is known by.

A refund carries its own reference as `invoice_id` and the payment's as `custom_id`.
"""

from __future__ import annotations

from django_payments_hub.exceptions import OutcomeUnknown
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.reading import Json, optional_text, unreadable_answer
from django_payments_hub.provider_kit.types import (
    PaymentRequest,
    RefundFact,
    RefundLookUpRequest,
    RefundRequest,
    RefundResult,
)
from django_payments_hub.providers.paypal import ids
from django_payments_hub.providers.paypal.amounts import to_wire
from django_payments_hub.providers.paypal.api import Api
from django_payments_hub.providers.paypal.errors import ErrorAnswer, translate
from django_payments_hub.providers.paypal.objects import payments_of
from django_payments_hub.providers.paypal.payments import CAPTURES, Payments
from django_payments_hub.providers.paypal.refund_objects import read_refund, refund_reference

REFUNDS = "/v2/payments/refunds"
_MAX_NOTE = 255


class Refunds:
    """The refunds of one account."""

    def __init__(self, api: Api, payments: Payments):
        self._api = api
        self._payments = payments

    def refund(self, request: RefundRequest) -> RefundResult:
        """Send the refund; after an earlier try, look for it first."""
        found = self._find_again(request) if request.recovering else None
        refund = found or self._made(request)
        return RefundResult(fact=self._read(refund, request.reference))

    def _made(self, request: RefundRequest) -> Json:
        capture_id = self._payments.capture_to_refund(request)
        answer = self._api.attempt(
            "POST", f"{CAPTURES}/{capture_id}/refund", _body(request), key=request.idempotency_key
        )
        if isinstance(answer, ErrorAnswer):
            if answer.issue != "DUPLICATE_INVOICE_ID":
                raise translate(answer, recovering=request.recovering)
            # An earlier try was made after all.
            found = self._find_again(request)
            if found is None:
                raise translate(answer)
            return found
        ids.made(answer)
        with unreadable_answer():
            if refund_reference(answer) != request.refund_reference:
                raise OutcomeUnknown("PayPal answered with another refund.", code="unexpected_object")
        return answer

    def _find_again(self, request: RefundRequest) -> Json | None:
        with asking():
            return self._find(request, request.refund_reference)

    def look_up(self, request: RefundLookUpRequest) -> RefundFact | None:
        """By its id, or by our reference among the refunds of the payment's order."""
        if request.provider_refund_id:
            refund_id = ids.object_id(request.provider_refund_id)
            refund = self._api.find(f"{REFUNDS}/{refund_id}")
            if refund is not None:
                ids.same_object(refund, refund_id)
        else:
            refund = self._find(request, request.refund_reference)
        return None if refund is None else self._read(refund, request.reference)

    def _find(self, request: PaymentRequest, reference: str) -> Json | None:
        order = self._payments.order_of(request)
        if order is None:
            return None
        with unreadable_answer():
            return next((r for r in payments_of(order, "refunds") if refund_reference(r) == reference), None)

    def _read(self, refund: Json, payment: str) -> RefundFact:
        with unreadable_answer():
            told = ids.reference_in(optional_text(refund, "custom_id"))
            if told not in ("", payment):
                raise OutcomeUnknown("PayPal answered with another payment's refund.", code="unexpected_object")
            return read_refund(refund, self._api.mode, payment=payment)


def _body(request: RefundRequest) -> dict[str, object]:
    body: dict[str, object] = {
        "amount": to_wire(request.refund_minor, request.currency),
        "invoice_id": request.refund_reference,
        "custom_id": request.reference,
    }
    if request.reason:
        body["note_to_payer"] = " ".join(request.reason.split())[:_MAX_NOTE]
    return body
