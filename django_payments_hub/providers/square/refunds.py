"""Giving money back through Square (developer.squareup.com/reference/square/refunds-api).

A refund in doubt is looked for among those of its payment. Where there is none, it is sent once more, bound to the
version of the payment that was just seen without it: had the first one arrived in the meantime, the payment would have
another version, and Square refuses. So nothing hangs on how long Square knows an idempotency key.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django_payments_hub.exceptions import OutcomeUnknown
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.reading import Json, Unreadable, optional_text, text, unreadable_answer
from django_payments_hub.provider_kit.types import RefundFact, RefundLookUpRequest, RefundRequest, RefundResult
from django_payments_hub.providers.square import ids, lists
from django_payments_hub.providers.square.api import ONCE, Api, inner
from django_payments_hub.providers.square.errors import ErrorAnswer, translate
from django_payments_hub.providers.square.objects import at_location, read_refund, refund_reason, refund_reference
from django_payments_hub.providers.square.payments import Payments

if TYPE_CHECKING:
    from square import Square


class Refunds:
    """The refunds of one account's location."""

    def __init__(self, api: Api, payments: Payments):
        self._api = api
        self._payments = payments

    def refund(self, request: RefundRequest, payment_id: str) -> RefundResult:
        """Send the refund; after an earlier try, look for it first."""
        if not request.recovering:
            return RefundResult(fact=self._made(request, payment_id, version=None))
        with asking():
            payment = self._payments.retrieve(payment_id)
            found = self._of(payment, request, request.first_sent_at)
        if found is not None:
            return RefundResult(fact=found)
        self._payments.wait_for_stragglers(request)
        with unreadable_answer():
            version = text(payment, "version_token")
        return RefundResult(fact=self._made(request, payment_id, version=version))

    def _made(self, request: RefundRequest, payment_id: str, *, version: str | None) -> RefundFact:
        answer = self._api.attempt(lambda client: _create(client, request, payment_id, version))
        if isinstance(answer, ErrorAnswer):
            if version is not None and "IDEMPOTENCY_KEY_REUSED" in answer.codes:
                # The first try did arrive, late; the list will tell.
                raise OutcomeUnknown("Square knows this refund already.", provider_code=answer.code)
            raise translate(answer)
        refund = inner(answer, "refund")
        with unreadable_answer():
            if refund_reference(refund) != request.refund_reference:
                raise ids.unexpected("Square answered with another refund.")
        ids.told_id(refund)
        return self.read(refund, payment_id)

    def look_up(self, request: RefundLookUpRequest, payment_id: str) -> RefundFact | None:
        """By its id, or by our reference among the refunds of the payment."""
        if request.provider_refund_id:
            refund_id = ids.refund_id(request.provider_refund_id)
            refund = self._find(refund_id)
            return None if refund is None else self.read(refund, payment_id)
        payment = self._payments.find(payment_id)
        return None if payment is None else self._of(payment, request, request.since)

    def of_payment(self, payment: Json) -> tuple[RefundFact, ...]:
        """Every refund that a Payment names.

        Raises:
            OutcomeUnknown: `look_up_incomplete`, one of them cannot be had; it may be the one that is looked for.
        """
        payment_id = ids.told_id(payment)
        found = [self._find(refund_id) for refund_id in _named(payment)]
        if None in found:
            raise OutcomeUnknown("Square names a refund that it does not show.", code="look_up_incomplete")
        return tuple(self.read(refund, payment_id) for refund in found if refund is not None)

    def _of(
        self, payment: Json, request: RefundRequest | RefundLookUpRequest, since: datetime | None
    ) -> RefundFact | None:
        """The refund that carries our reference: among those the Payment names, else in the list, which lags."""
        payment_id, reference = ids.told_id(payment), request.refund_reference
        for fact in self.of_payment(payment):
            if fact.reference == reference:
                return fact
        with unreadable_answer():
            for refund in lists.refunds(self._api, since, request.may_arrive_until):
                if refund_reference(refund) == reference and optional_text(refund, "payment_id") == payment_id:
                    return self.read(refund, payment_id)
        return None

    def _find(self, refund_id: str) -> Json | None:
        refund = self._api.find(lambda client: client.refunds.get(refund_id, request_options=ONCE), "refund")
        return None if refund is None else ids.same_object(refund, refund_id)

    def read(self, refund: Json, payment_id: str) -> RefundFact:
        """The fact; raises OutcomeUnknown for a refund of another payment or location."""
        with unreadable_answer():
            fact = read_refund(refund, self._api.mode)
            if payment_id and fact.provider_payment_id != payment_id:
                raise ids.unexpected("Square answered about another payment's refund.")
            if not at_location(refund, self._api.config.location_id):
                raise ids.unexpected("Square answered about another location.")
            return fact


def _named(payment: Json) -> list[str]:
    named = payment.get("refund_ids") or []
    with unreadable_answer():
        if not isinstance(named, list) or not all(isinstance(value, str) for value in named):
            raise Unreadable("refund_ids is not a list of ids")
    return [ids.told_id({"id": value}) for value in named]


def _create(client: Square, request: RefundRequest, payment_id: str, version: str | None) -> object:
    bound = {"payment_version_token": version} if version is not None else {}
    return client.refunds.refund_payment(
        idempotency_key=request.idempotency_key,
        payment_id=payment_id,
        amount_money={"amount": request.refund_minor, "currency": request.currency},
        reason=refund_reason(request.reason, request.refund_reference),
        request_options=ONCE,
        **bound,
    )
