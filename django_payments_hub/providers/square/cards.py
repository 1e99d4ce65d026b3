"""Customers and cards on file (developer.squareup.com/docs/cards-api/overview)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django_payments_hub.exceptions import Refused
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    MethodResult,
    SaveMethodRequest,
)
from django_payments_hub.provider_kit.reading import Json, flag, optional_text, unreadable_answer
from django_payments_hub.provider_kit.types import MethodFact
from django_payments_hub.providers.square import ids
from django_payments_hub.providers.square.api import ONCE, Api, inner
from django_payments_hub.providers.square.errors import ErrorAnswer, translate
from django_payments_hub.providers.square.methods import read_card_on_file

if TYPE_CHECKING:
    from square import Square

_MAX_NAME = 300


class Cards:
    """The customers and their cards of one account."""

    def __init__(self, api: Api):
        self._api = api

    # -- customers ---------------------------------------------------------------------------------------------------

    def create_customer(self, request: CustomerRequest) -> str:
        """The id of the customer, made once per reference. The search lags by up to a minute; the key covers that."""
        with asking():
            found = self._customer_of(request.reference) if request.recovering else None
        customer = found or self._api.call(lambda client: _create_customer(client, request), "customer")
        with unreadable_answer():
            if optional_text(customer, "reference_id") != request.reference:
                raise ids.unexpected("Square answered with another customer.")
        return ids.customer_id(ids.told_id(customer))

    def _customer_of(self, reference: str) -> Json | None:
        def page(client: Square, cursor: str | None) -> object:
            query = {"filter": {"reference_id": {"exact": reference}}}
            more = {"cursor": cursor} if cursor else {}
            return client.customers.search(query=query, request_options=ONCE, **more)

        return next(self._api.every(page, "customers"), None)

    # -- cards -------------------------------------------------------------------------------------------------------

    def save(self, request: SaveMethodRequest) -> MethodResult:
        """Keep the card of a token, or of a payment, for a customer; a refused card is a failure, not an error."""
        customer = ids.customer_id(request.customer_token)
        with asking():
            found = self._of_reference(customer, request.reference) if request.recovering else None
        if found is not None:
            return MethodResult(method=found, provider_customer_id=customer)
        paid = request.payment_token
        source = ids.payment_id(paid) if paid else ids.one_time_token(request.method_token)
        return self._kept(source, customer, request.reference, request.idempotency_key)

    def _kept(self, source: str, customer: str, reference: str, key: str) -> MethodResult:
        answer = self._api.attempt(
            lambda client: client.cards.create(
                idempotency_key=key,
                source_id=source,
                card={"customer_id": customer, "reference_id": reference},
                request_options=ONCE,
            )
        )
        if isinstance(answer, ErrorAnswer):
            failure = answer.decline
            if failure is None:
                raise translate(answer)
            return MethodResult(failure=failure, provider_customer_id=customer)
        return MethodResult(method=self._read(inner(answer, "card"), customer), provider_customer_id=customer)

    def finish(self, request: FinishMethodRequest) -> MethodResult:
        """The card that was kept under our reference; nothing where there is none."""
        if not request.customer_token:
            return MethodResult()
        customer = ids.customer_id(request.customer_token)
        with asking():
            found = self._of_reference(customer, request.reference)
        return MethodResult(method=found, provider_customer_id=customer)

    def list(self, customer_token: str) -> tuple[MethodFact, ...]:
        """Every card that is kept for a customer and can be used."""
        customer = ids.customer_id(customer_token)
        return tuple(self._read(card, customer) for card in self._enabled(customer))

    def detach(self, request: DetachMethodRequest) -> None:
        """Disable the card; one that is disabled or gone is a success."""
        card_id = ids.card_id(request.provider_method_id)
        answer = self._api.attempt(lambda client: client.cards.disable(card_id, request_options=ONCE))
        if not isinstance(answer, ErrorAnswer):
            ids.same_object(inner(answer, "card"), card_id)
            return
        if answer.is_missing:
            return
        error = translate(answer)
        if not isinstance(error, Refused):
            raise error
        with asking():
            disabled = self._is_disabled(card_id)
        if not disabled:
            raise error

    def _is_disabled(self, card_id: str) -> bool:
        card = self._api.find(lambda client: client.cards.get(card_id, request_options=ONCE), "card")
        with unreadable_answer():
            return card is None or not flag(card, "enabled")

    def _of_reference(self, customer: str, reference: str) -> MethodFact | None:
        for card in self._enabled(customer):
            with unreadable_answer():
                if optional_text(card, "reference_id") == reference:
                    return self._read(card, customer)
        return None

    def _enabled(self, customer: str) -> Iterator[Json]:
        def page(client: Square, cursor: str | None) -> object:
            return client.cards.list(cursor=cursor, customer_id=customer, request_options=ONCE)

        with unreadable_answer():
            for card in self._api.every(page, "cards"):
                if flag(card, "enabled"):
                    yield card

    def _read(self, card: Json, customer: str) -> MethodFact:
        with unreadable_answer():
            fact = read_card_on_file(card)
        if fact.provider_customer_id != customer:
            raise ids.unexpected("Square answered about another customer's card.")
        return fact


def _create_customer(client: Square, request: CustomerRequest) -> object:
    payer = request.payer
    # Square wants a name, an address or a number; our reference is better than none of them.
    named: dict[str, str] = {"given_name": (payer.name or f"Customer {request.reference}")[:_MAX_NAME]}
    if payer.email:
        named["email_address"] = payer.email
    return client.customers.create(
        idempotency_key=request.idempotency_key,
        reference_id=request.reference,
        request_options=ONCE,
        **named,
    )
