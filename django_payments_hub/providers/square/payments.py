"""Calls on Payments (developer.squareup.com/reference/square/payments-api).

How long Square knows an idempotency key is not published, so a payment is never asked for twice. One in doubt is looked
for by our reference; where there is none, Square is told to cancel whatever the key may have made, and then it is
certain that nothing will be charged.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django_payments_hub.domain.statuses import CaptureMethod, FailureCode, Stage
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.reading import Json, optional_text, unreadable_answer
from django_payments_hub.provider_kit.types import (
    CancelRequest,
    CaptureRequest,
    Failure,
    PaymentFact,
    PaymentRequest,
    PaymentResult,
    PayRequest,
)
from django_payments_hub.providers.square import ids, lists
from django_payments_hub.providers.square.api import ONCE, Api, inner
from django_payments_hub.providers.square.errors import ErrorAnswer, translate
from django_payments_hub.providers.square.objects import (
    at_location,
    made_at,
    money,
    payment_reference,
    read_payment,
)

if TYPE_CHECKING:
    from square import Square
    from square.requests.payment import PaymentParams

_MAX_NOTE = 500
_MAX_MAIL = 255
_ENDED = (Stage.CANCELLED, Stage.EXPIRED)
_EDIT_DOWN, _EDIT_UP = "EDIT_AMOUNT_DOWN", "EDIT_AMOUNT_UP"
_BY_WORTH = (Stage.CAPTURED, Stage.AUTHORIZED, Stage.PROCESSING)


class Payments:
    """The Payments of one account's location.

    `list_lag_s`: how long after it was made a payment may be missing from Square's lists, in seconds.
    """

    def __init__(self, api: Api, *, list_lag_s: float):
        self._api = api
        self._list_lag = timedelta(seconds=list_lag_s)

    # -- pay ---------------------------------------------------------------------------------------------------------

    def pay(self, request: PayRequest) -> PaymentResult:
        """Charge the token, or hold the amount; after an earlier try, find out what came of it."""
        if request.recovering:
            return self._settle(request)
        answer = self._api.attempt(lambda client: _create(client, request, self._api.config.location_id))
        if isinstance(answer, ErrorAnswer):
            return self._not_made(request, answer)
        payment = inner(answer, "payment")
        with unreadable_answer():
            if payment_reference(payment) != request.reference:
                raise ids.unexpected("Square answered with another payment.")
            made_for = money(payment, "total_money")[0]
        ids.told_id(payment)
        return result_of(replace(self.read(payment), amount_minor=made_for))

    def _not_made(self, request: PayRequest, answer: ErrorAnswer) -> PaymentResult:
        """A decline is a result; a payment of status FAILED may come along with it."""
        failure = answer.decline
        if failure is None:
            raise translate(answer)
        fact = PaymentFact(
            stage=Stage.FAILED,
            currency=request.currency,
            mode=self._api.mode,
            reference=request.reference,
            amount_minor=request.amount_minor,
            failure=failure,
        )
        return PaymentResult(fact=fact, failure=failure)

    def _settle(self, request: PayRequest) -> PaymentResult:
        """Bring a payment in doubt to an end: as it stands at Square, or certainly not made.

        Raises:
            Refused: `provider_unavailable`; nothing was charged, and nothing will be.
            OutcomeUnknown: not to be known yet.
        """
        with asking():
            found = self._asked_for(request)
        if found is not None:
            return result_of(found)
        self.wait_for_stragglers(request)
        key = request.idempotency_key
        answer = self._api.attempt(
            lambda client: client.payments.cancel_by_idempotency_key(idempotency_key=key, request_options=ONCE)
        )
        with asking():
            if isinstance(answer, ErrorAnswer):
                # It exists after all, and is past cancelling: the list, which lags by seconds, will tell.
                raise translate(answer)
            found = self._asked_for(request)
        if found is not None:
            return result_of(found)
        raise Refused("Square never made this payment.", code="provider_unavailable")

    def _asked_for(self, request: PayRequest) -> PaymentFact | None:
        """The payment as it was made: nothing is captured of one that is in doubt, so its amount is still the whole."""
        found = self.of_reference(request.reference, request.first_sent_at, request.may_arrive_until)
        return found and replace(found, amount_minor=found.authorized_minor or None)

    def wait_for_stragglers(self, request: PayRequest | PaymentRequest) -> None:
        """Raise OutcomeUnknown(`too_early`) while a first try may still be on its way, or not be listed yet."""
        until = request.may_arrive_until
        if until is None or datetime.now(UTC) < until + self._list_lag:
            raise OutcomeUnknown("The request may still reach Square.", code="too_early")

    # -- capture, cancel ---------------------------------------------------------------------------------------------

    def capture(self, request: CaptureRequest) -> PaymentResult:
        """Complete the payment, lowered first where a part is taken. State decides: there is no key for this call."""
        payment_id = ids.payment_id(request.provider_payment_id)
        with asking(when=request.recovering):
            payment = self.retrieve(payment_id)
        fact = self.read(payment)
        if fact.stage is not Stage.AUTHORIZED:
            return _captured(fact, request)
        if fact.capturable_minor != request.capture_minor:
            payment = self._change_amount(payment, request)
        token = _version(payment)
        answer = self._api.attempt(
            lambda client: client.payments.complete(payment_id, version_token=token, request_options=ONCE)
        )
        if isinstance(answer, ErrorAnswer):
            return self._not_moved(answer, payment_id, request)
        taken = self._about(answer, payment_id)
        if taken.captured_minor != request.capture_minor:
            raise ids.unexpected("Square has not taken the amount as asked.")
        return _captured(taken, request)

    def _change_amount(self, payment: Json, request: CaptureRequest) -> Json:
        with unreadable_answer():
            payment_id, current = ids.told_id(payment), money(payment, "total_money")[0]
        needed = _EDIT_DOWN if request.capture_minor < current else _EDIT_UP
        if not _may(payment, needed):
            raise Refused("Square does not let this payment's amount be changed.", code="unsupported_partial_capture")
        changed: PaymentParams = {"amount_money": {"amount": request.capture_minor, "currency": request.currency}}
        if token := _version(payment):
            changed["version_token"] = token
        key = f"{request.idempotency_key}-amount"
        answer = self._api.attempt(
            lambda client: client.payments.update(
                payment_id, idempotency_key=key, payment=changed, request_options=ONCE
            )
        )
        if isinstance(answer, ErrorAnswer):
            raise translate(answer)
        updated = ids.same_object(inner(answer, "payment"), payment_id)
        with unreadable_answer():
            if money(updated, "total_money") != (request.capture_minor, request.currency):
                raise ids.unexpected("Square has not changed the amount as asked.")
        return updated

    def cancel(self, request: CancelRequest) -> PaymentResult:
        """Void what is held; cancelled already is a success, captured is a failure with the true state."""
        return self.void(ids.payment_id(request.provider_payment_id))

    def void(self, payment_id: str) -> PaymentResult:
        """As `cancel`."""
        answer = self._api.attempt(lambda client: client.payments.cancel(payment_id, request_options=ONCE))
        if not isinstance(answer, ErrorAnswer):
            return _ended(self._about(answer, payment_id), "")
        if not answer.is_definite or answer.status in (401, 403):
            raise translate(answer)
        with asking():
            fact = self.read(self.retrieve(payment_id))
        if fact.stage in (Stage.AUTHORIZED, Stage.PROCESSING):
            raise translate(answer)
        return _ended(fact, answer.code)

    def _not_moved(self, answer: ErrorAnswer, payment_id: str, request: CaptureRequest) -> PaymentResult:
        if not answer.is_definite or answer.status in (401, 403):
            raise translate(answer)
        with asking():
            fact = self.read(self.retrieve(payment_id))
        if fact.stage is not Stage.AUTHORIZED:
            return _captured(fact, request)
        failure = answer.decline
        if failure is None:
            raise translate(answer)
        return PaymentResult(fact=fact, failure=failure)

    def _about(self, answer: Json, payment_id: str) -> PaymentFact:
        return self.read(ids.same_object(inner(answer, "payment"), payment_id))

    # -- reading -----------------------------------------------------------------------------------------------------

    def retrieve(self, payment_id: str) -> Json:
        """The Payment as it stands."""
        payment = self._api.call(lambda client: client.payments.get(payment_id, request_options=ONCE), "payment")
        return ids.same_object(payment, payment_id)

    def find(self, payment_id: str) -> Json | None:
        """The Payment as it stands; None when there is none of this id."""
        payment = self._api.find(lambda client: client.payments.get(payment_id, request_options=ONCE), "payment")
        return None if payment is None else ids.same_object(payment, payment_id)

    def of_reference(self, reference: str, since: datetime | None, until: datetime | None = None) -> PaymentFact | None:
        """The payment made in this time that carries our reference, the one with money first. The list lags."""
        listed = lists.payments(self._api, since or made_at(reference), until)
        with unreadable_answer():
            found = [self.read(payment) for payment in listed if payment_reference(payment) == reference]
        return best(found)

    def read(self, payment: Json) -> PaymentFact:
        """The fact; raises OutcomeUnknown for a payment of another location."""
        with unreadable_answer():
            if not at_location(payment, self._api.config.location_id):
                raise ids.unexpected("Square answered about another location.")
            return read_payment(payment, self._api.mode)


def best(found: list[PaymentFact]) -> PaymentFact | None:
    """Of several attempts the one that tells most: where money is, else the newest (they come newest first)."""
    for stage in _BY_WORTH:
        for fact in found:
            if fact.stage is stage:
                return fact
    return found[0] if found else None


def result_of(fact: PaymentFact) -> PaymentResult:
    """The fact as the result of a call that meant to pay."""
    if fact.stage in _ENDED:
        code = FailureCode.EXPIRED if fact.stage is Stage.EXPIRED else FailureCode.PROCESSING_ERROR
        return PaymentResult(fact=fact, failure=Failure(code=code, provider_code="CANCELED"))
    return PaymentResult(fact=fact, failure=fact.failure)


def _captured(fact: PaymentFact, request: CaptureRequest) -> PaymentResult:
    if fact.captured_minor >= request.captured_minor + request.capture_minor:
        # Whatever became of `approved_money`: this is the payment that was authorised in full and taken in part.
        whole = max(fact.authorized_minor, request.amount_minor)
        return PaymentResult(fact=replace(fact, amount_minor=whole, authorized_minor=whole))
    return PaymentResult(fact=fact, failure=Failure(code=FailureCode.INVALID_REQUEST, provider_code=fact.stage.name))


def _ended(fact: PaymentFact, code: str) -> PaymentResult:
    if fact.stage in _ENDED or fact.stage is Stage.FAILED:
        return PaymentResult(fact=fact)
    return PaymentResult(fact=fact, failure=Failure(code=FailureCode.INVALID_REQUEST, provider_code=code))


def _source(request: PayRequest) -> str:
    """A card on file is taken from the hub's own rows alone: they know whose it is, a stranger's word does not."""
    return (ids.source_id if request.saved else ids.one_time_token)(request.method_token)


def _create(client: Square, request: PayRequest, location_id: str) -> object:
    manual = request.capture_method is CaptureMethod.MANUAL
    more: dict[str, object] = {}
    # A link's payments are known by a note that is our reference alone: see `objects.is_of_link`.
    if request.description and request.description != request.reference:
        more["note"] = request.description[:_MAX_NOTE]
    if request.customer_token:
        more["customer_id"] = ids.customer_id(request.customer_token)
    if request.payer.email:
        more["buyer_email_address"] = request.payer.email[:_MAX_MAIL]
    return client.payments.create(
        source_id=_source(request),
        idempotency_key=request.idempotency_key,
        amount_money={"amount": request.amount_minor, "currency": request.currency},
        autocomplete=not manual,
        location_id=location_id,
        reference_id=request.reference,
        customer_details={"customer_initiated": not request.off_session},
        request_options=ONCE,
        **more,
    )


def _version(payment: Json) -> str | None:
    with unreadable_answer():
        return optional_text(payment, "version_token") or None


def _may(payment: Json, capability: str) -> bool:
    granted = payment.get("capabilities")
    return isinstance(granted, list) and capability in granted
