"""Authorizations and captures (Payments v2): taken, voided, and found again where their order is not known."""

from __future__ import annotations

from dataclasses import replace

from django_payments_hub.domain.statuses import FailureCode, Stage
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.reading import Json, optional_mapping, optional_text, text, unreadable_answer
from django_payments_hub.provider_kit.types import (
    CancelRequest,
    CaptureRequest,
    Failure,
    LookUp,
    PaymentFact,
    PaymentRequest,
    PaymentResult,
    RefundRequest,
)
from django_payments_hub.providers.paypal import ids
from django_payments_hub.providers.paypal.amounts import from_wire, to_wire
from django_payments_hub.providers.paypal.api import Api
from django_payments_hub.providers.paypal.errors import ErrorAnswer, translate
from django_payments_hub.providers.paypal.failures import declined_payment
from django_payments_hub.providers.paypal.objects import (
    DECLINED,
    TAKEN,
    Standing,
    parent_of,
    payments_of,
    read_authorized,
    read_captured,
)
from django_payments_hub.providers.paypal.orders import Orders, same_payment

AUTHORIZATIONS, CAPTURES = "/v2/payments/authorizations", "/v2/payments/captures"
_REFUNDABLE = frozenset({"COMPLETED", "PARTIALLY_REFUNDED"})
_NOT_OURS_ANY_MORE = (Stage.OPEN, Stage.REQUIRES_ACTION, Stage.DECLINED, Stage.FAILED)


class Payments:
    """The authorizations and captures of one account's orders."""

    def __init__(self, api: Api, orders: Orders):
        self._api = api
        self._orders = orders

    # -- capture -----------------------------------------------------------------------------------------------------

    def capture(self, request: CaptureRequest) -> PaymentResult:
        """Take what is held, or a part of it as the last; after an earlier try, look whether that had its effect."""
        authorization_id = ids.object_id(request.provider_payment_id)
        if request.recovering:
            with asking():
                fact = self.look_up(request)
            if fact is not None and (fact.captured_minor > request.captured_minor or not fact.capturable_minor):
                # Held and not to be captured any more: a capture is pending, as one answered so at once.
                under_way = bool(fact.captured_minor) or fact.stage is Stage.AUTHORIZED
                return PaymentResult(fact=fact, failure=None if under_way else _state_failure(fact))
        body = {"amount": to_wire(request.capture_minor, request.currency), "final_capture": request.final}
        answer = self._api.attempt(
            "POST", f"{AUTHORIZATIONS}/{authorization_id}/capture", body, key=request.idempotency_key
        )
        if isinstance(answer, ErrorAnswer):
            return self._not_captured(request, answer)
        return self._captured(request, answer)

    def _not_captured(self, request: CaptureRequest, answer: ErrorAnswer) -> PaymentResult:
        failure = answer.decline
        if failure is None and not answer.is_about_state:
            raise translate(answer, recovering=request.recovering)
        failure = failure or Failure(code=FailureCode.INVALID_REQUEST, provider_code=answer.issue)
        return PaymentResult(fact=self._now_again(request), failure=failure)

    def _captured(self, request: CaptureRequest, capture: Json) -> PaymentResult:
        ids.made(capture)
        with unreadable_answer():
            parent = parent_of(capture)
            status, (amount, currency) = text(capture, "status"), from_wire(capture)
            if parent != ("", "") and parent[1] != request.provider_payment_id:
                raise OutcomeUnknown("PayPal captured another authorization.", code="unexpected_object")
        if status in DECLINED:
            return PaymentResult(fact=self._now_again(request), failure=declined_payment(capture))
        if status not in TAKEN or not request.final:
            return PaymentResult(fact=self._now_again(request))
        captured = request.captured_minor + amount
        return PaymentResult(
            fact=PaymentFact(
                stage=Stage.CAPTURED,
                currency=currency,
                mode=self._api.mode,
                reference=request.reference,
                provider_payment_id=request.provider_payment_id,
                provider_session_id=request.provider_session_id,
                authorized_minor=captured + max(0, request.capturable_minor - amount),
                captured_minor=captured,
            )
        )

    # -- cancel ------------------------------------------------------------------------------------------------------

    def cancel(self, request: CancelRequest) -> PaymentResult:
        """Void an authorization; give up an order that was never paid.

        PayPal has no call for the latter, and needs none: what the buyer has approved moves only when the hub says so.
        """
        with asking(when=request.recovering):
            fact = self._now(request) if request.provider_payment_id else self.look_up(request)
        if fact is None:
            return PaymentResult(fact=_withdrawn(request, self._api))
        if fact.stage in (Stage.CANCELLED, Stage.EXPIRED):
            return PaymentResult(fact=fact)
        if fact.stage in _NOT_OURS_ANY_MORE:
            given_up = replace(fact, stage=Stage.CANCELLED, next_action=None, awaits_confirm=False, failure=None)
            return PaymentResult(fact=given_up)
        if fact.stage is not Stage.AUTHORIZED:
            return PaymentResult(fact=fact, failure=_state_failure(fact))
        return self._void(request, fact)

    def _void(self, request: CancelRequest, fact: PaymentFact) -> PaymentResult:
        authorization_id = ids.object_id(fact.provider_payment_id)
        answer = self._api.attempt("POST", f"{AUTHORIZATIONS}/{authorization_id}/void", key=request.idempotency_key)
        if isinstance(answer, ErrorAnswer):
            if not answer.is_about_state:
                raise translate(answer, recovering=request.recovering)
            fact = self._now_again(request)
            voided = fact.stage in (Stage.CANCELLED, Stage.EXPIRED)
            return PaymentResult(fact=fact, failure=None if voided else _state_failure(fact))
        if answer:  # 200 with the authorization, or 204 with nothing
            ids.same_object(answer, authorization_id)
            with unreadable_answer():
                standing = read_authorized(answer, ())
            if standing.stage not in (Stage.CANCELLED, Stage.EXPIRED):
                raise OutcomeUnknown("PayPal did not void the authorization.", code="unexpected_object")
        return PaymentResult(fact=replace(fact, stage=Stage.CANCELLED, capturable_minor=0))

    # -- looking -----------------------------------------------------------------------------------------------------

    def look_up(self, request: PaymentRequest) -> PaymentFact | None:
        """By the order; where PayPal has forgotten it, by the object that holds the money.

        Orders cannot be listed. Without any id nothing is known here, which proves nothing: within its window the
        order's key still leads to it, and a notice names our reference.
        """
        order = self.order_of(request)
        if order is not None:
            return self._orders.read(order)
        if not request.provider_payment_id:
            return None
        return self._by_payment(request, ids.object_id(request.provider_payment_id))

    def order_of(self, request: PaymentRequest) -> Json | None:
        """The payment's order, by its own id or through the payment that hangs from it; None when PayPal has none."""
        order_id = request.provider_session_id or self._order_behind(request.provider_payment_id)
        order = self._orders.find(order_id) if order_id else None
        return None if order is None else same_payment(order, request)

    def _order_behind(self, payment_id: str) -> str:
        if not payment_id:
            return ""
        found = self._find(ids.object_id(payment_id))
        if found is None:
            return ""
        with unreadable_answer():
            related = optional_mapping(optional_mapping(found[1], "supplementary_data"), "related_ids")
            kind, parent = parent_of(found[1])
            return optional_text(related, "order_id") or (parent if kind == "orders" else "")

    def resolve(self, named: LookUp) -> LookUp | None:
        """The references on a capture or authorization; None where they are another system's."""
        if not ids.is_object_id(named.provider_payment_id):
            return named
        found = self._find(named.provider_payment_id)
        if found is None:
            return named
        with unreadable_answer():
            reference = ids.payment_reference(found[1])
        return LookUp(reference=reference) if reference else None

    def _by_payment(self, request: PaymentRequest, payment_id: str) -> PaymentFact | None:
        found = self._find(payment_id)
        if found is None:
            return None
        kind, payment = found
        with unreadable_answer():
            standing = read_captured(payment) if kind == CAPTURES else read_authorized(payment, ())
            _, currency = from_wire(payment)
            reference = ids.payment_reference(payment)
        if reference not in ("", request.reference):
            raise OutcomeUnknown("PayPal answered with another payment's object.", code="unexpected_object")
        return _fact(standing, request, currency=currency, api=self._api)

    def _find(self, payment_id: str) -> tuple[str, Json] | None:
        for kind in (CAPTURES, AUTHORIZATIONS):
            payment = self._api.find(f"{kind}/{payment_id}")
            if payment is not None:
                return kind, ids.same_object(payment, payment_id)
        return None

    def _now(self, request: PaymentRequest) -> PaymentFact:
        fact = self.look_up(request)
        if fact is None:
            raise OutcomeUnknown("PayPal does not know the payment any more.", code="unexpected_object")
        return fact

    def _now_again(self, request: PaymentRequest) -> PaymentFact:
        """How it stands after a call about it: not to see it does not undo that call."""
        with asking():
            return self._now(request)

    def capture_to_refund(self, request: RefundRequest) -> str:
        """The capture that a refund of the payment is made of; the one it was made of, after an earlier try.

        Raises:
            Refused: none holds so much, and nothing was sent. OutcomeUnknown: which one an earlier try was about cannot
                be told; what is left in a capture proves nothing then, since that try may be what took it.
        """
        with asking(when=request.recovering):
            order = self.order_of(request)
            captures = self._known_capture(request) if order is None else _captures_of(order)
        wanted = TAKEN if request.recovering else _REFUNDABLE
        with unreadable_answer():
            fit = [c for c in captures if text(c, "status") in wanted and from_wire(c)[0] >= request.refund_minor]
        if request.recovering and len(fit) != 1:
            raise OutcomeUnknown("PayPal does not say which capture was refunded.", code="look_up_incomplete")
        if not fit:
            raise Refused("There is no capture to refund.", code="refund_refused")
        return ids.made(fit[0])

    def _known_capture(self, request: PaymentRequest) -> list[Json]:
        """Where PayPal has forgotten the order: the capture the payment is known by. An authorization names none."""
        capture_id = ids.object_id(request.provider_payment_id)
        capture = self._api.find(f"{CAPTURES}/{capture_id}")
        return [] if capture is None else [ids.same_object(capture, capture_id)]


def _captures_of(order: Json) -> list[Json]:
    with unreadable_answer():
        return payments_of(order, "captures")


def _fact(standing: Standing, request: PaymentRequest, *, currency: str, api: Api) -> PaymentFact:
    return PaymentFact(
        stage=standing.stage,
        currency=currency,
        mode=api.mode,
        reference=request.reference,
        provider_payment_id=standing.payment_id,
        provider_session_id=request.provider_session_id,
        authorized_minor=standing.authorized_minor,
        captured_minor=standing.captured_minor,
        capturable_minor=standing.capturable_minor,
        failure=standing.failure,
    )


def _withdrawn(request: CancelRequest, api: Api) -> PaymentFact:
    """An order PayPal has forgotten can be approved by nobody."""
    return PaymentFact(
        stage=Stage.CANCELLED,
        currency=request.currency,
        mode=api.mode,
        reference=request.reference,
        provider_payment_id=request.provider_payment_id,
        provider_session_id=request.provider_session_id,
    )


def _state_failure(fact: PaymentFact) -> Failure:
    return Failure(code=FailureCode.INVALID_REQUEST, provider_code=f"ALREADY_{fact.stage.value.upper()}")
