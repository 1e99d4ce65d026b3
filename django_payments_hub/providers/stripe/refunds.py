"""Giving money back through Stripe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.reading import Json, unreadable_answer
from django_payments_hub.provider_kit.types import RefundFact, RefundLookUpRequest, RefundRequest, RefundResult
from django_payments_hub.providers.stripe import ids
from django_payments_hub.providers.stripe.amounts import to_wire
from django_payments_hub.providers.stripe.api import PAGE_SIZE, Api, keyed
from django_payments_hub.providers.stripe.objects import (
    HUB_OPERATION,
    HUB_PAYMENT,
    HUB_REFUND,
    id_of,
    may_be_release,
    metadata,
    read_refund,
)

if TYPE_CHECKING:
    from stripe import StripeClient, StripeObject
    from stripe.params import RefundCreateParams, RefundListParams

_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})


class Refunds:
    """Refund calls of one account; `mode` because a Refund does not say its own."""

    def __init__(self, api: Api, mode: Mode):
        self._api = api
        self._mode = mode

    def refund(self, request: RefundRequest) -> RefundResult:
        """Send the refund; after an earlier try, look for it first."""
        intent = ids.intent_id(request.provider_payment_id)
        with asking():
            found = self._find(intent, request.refund_reference) if request.recovering else None
        refund = found or self._make(request, intent)
        ids.made_refund(refund)
        return RefundResult(fact=self._read(refund, intent))

    def _make(self, request: RefundRequest, intent: str) -> Json:
        params, key = _params(request, intent), request.idempotency_key
        refund = self._api.call(lambda client: client.v1.refunds.create(params, keyed(key)))
        with unreadable_answer():
            if metadata(refund, HUB_REFUND) != request.refund_reference:
                raise OutcomeUnknown("Stripe answered with another refund.", code="unexpected_object")
        return refund

    def look_up(self, request: RefundLookUpRequest, intent: str) -> RefundFact | None:
        """By its id, or by our reference among the refunds of the PaymentIntent `intent`."""
        if request.provider_refund_id:
            refund_id = ids.refund_id(request.provider_refund_id)
            refund = self._api.find(lambda client: client.v1.refunds.retrieve(refund_id))
            if refund is not None:
                ids.same_object(refund, refund_id)
        elif intent:
            refund = self._find(ids.intent_id(intent), request.refund_reference)
        else:
            raise Refused("A refund is looked up by its id, or within its payment.", code="invalid_object_id")
        return None if refund is None else self._read(refund, intent)

    def of_intent(self, intent: str, *, released_minor: int) -> tuple[RefundFact, ...]:
        """Every refund of a PaymentIntent that gave money back.

        A capture of less than was held leaves a refund object over the rest, `released_minor`, though no money moved.
        """
        rows = self._list(intent)
        facts = tuple(self._read(refund, intent) for refund in rows)
        release = next(
            (
                fact
                for refund, fact in zip(rows, facts, strict=True)
                if may_be_release(refund) and fact.amount_minor == released_minor
            ),
            None,
        )
        return tuple(fact for fact in facts if fact is not release)

    def _find(self, intent: str, reference: str) -> Json | None:
        # The list is consistent; search lags by up to a minute (docs.stripe.com/search).
        return next((r for r in self._list(intent) if metadata(r, HUB_REFUND) == reference), None)

    def _list(self, intent: str) -> list[Json]:
        def page(client: StripeClient, after: str) -> StripeObject:
            params: RefundListParams = {"payment_intent": intent, "limit": PAGE_SIZE}
            if after:
                params["starting_after"] = after
            return client.v1.refunds.list(params)

        with unreadable_answer():
            return list(self._api.every(page))

    def _read(self, refund: Json, intent: str) -> RefundFact:
        with unreadable_answer():
            if intent and id_of(refund, "payment_intent") != intent:
                raise OutcomeUnknown("Stripe answered about another payment's refund.", code="unexpected_object")
            return read_refund(refund, self._mode)


def _params(request: RefundRequest, intent: str) -> RefundCreateParams:
    params: RefundCreateParams = {
        "payment_intent": intent,
        "amount": to_wire(request.refund_minor, request.currency),
        "metadata": {
            HUB_REFUND: request.refund_reference,
            HUB_PAYMENT: request.reference,
            HUB_OPERATION: request.idempotency_key,
        },
    }
    # Free text is not Stripe's business; its three words are checked by its fraud models.
    if request.reason in _REASONS:
        params["reason"] = request.reason
    return params
