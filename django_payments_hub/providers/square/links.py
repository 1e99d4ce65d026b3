"""Payment links: Square's hosted page (developer.squareup.com/docs/checkout-api).

A link stands for one order of ours. Its payments are known by their note, which is our reference, and by the order's
tenders; the first that completes is the payment. A link moves no money, and one whose address nobody was told cannot be
paid, so asking for it twice does no harm.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django_payments_hub.domain.statuses import FailureCode, NextActionKind, Stage
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.reading import Json, objects, optional_text, text, unreadable_answer
from django_payments_hub.provider_kit.types import (
    CancelRequest,
    Failure,
    NextAction,
    PaymentFact,
    PaymentRequest,
    PaymentResult,
    PayRequest,
)
from django_payments_hub.providers.square import ids
from django_payments_hub.providers.square.api import ONCE, Api, inner
from django_payments_hub.providers.square.errors import ErrorAnswer, translate
from django_payments_hub.providers.square.objects import at_location
from django_payments_hub.providers.square.payments import Payments, best

if TYPE_CHECKING:
    from datetime import datetime

    from square import Square
    from square.requests.checkout_options import CheckoutOptionsParams
    from square.requests.money import MoneyParams
    from square.requests.order import OrderParams
    from square.requests.pre_populated_data import PrePopulatedDataParams

_MAX_NAME = 255


class Links:
    """The payment links of one account's location."""

    def __init__(self, api: Api, payments: Payments):
        self._api = api
        self._payments = payments

    def pay(self, request: PayRequest) -> PaymentResult:
        """Make a page for the customer."""
        answer = self._api.attempt(lambda client: _create(client, request, self._api.config.location_id))
        if isinstance(answer, ErrorAnswer):
            raise translate(answer)
        link = inner(answer, "payment_link")
        with unreadable_answer():
            if text(link, "payment_note") != request.reference:
                raise ids.unexpected("Square answered with another payment's link.")
        return PaymentResult(fact=self._open(link, request))

    def cancel(self, request: CancelRequest) -> PaymentResult:
        """Take the page away, unless it has been paid; a page that is gone already is a success.

        It is looked for a payment before and after: the customer may pay in between.
        """
        link_id = ids.link_id(request.provider_session_id)
        with asking(when=request.recovering):
            link = self._find(link_id)
            order_id = "" if link is None else _order_of(link)
            paid = self._attempt(request, order_id, None)
        if link is not None and not _is_under_way(paid):
            self._delete(link_id)
            with asking():
                paid = self._attempt(request, order_id, None) or self._payments.of_reference(request.reference, None)
        if paid is not None and _is_under_way(paid):
            failure = Failure(code=FailureCode.INVALID_REQUEST, provider_code=paid.stage.name)
            return PaymentResult(fact=replace(paid, provider_session_id=link_id), failure=failure)
        return PaymentResult(fact=self._gone(request, link_id))

    def _delete(self, link_id: str) -> None:
        answer = self._api.attempt(lambda client: client.checkout.payment_links.delete(link_id, request_options=ONCE))
        if not isinstance(answer, ErrorAnswer):
            ids.same_object(answer, link_id)  # anything else that answers with 200 is no proof that it is gone
        elif not answer.is_missing:
            raise translate(answer)

    def look_up(self, request: PaymentRequest, since: datetime | None) -> PaymentFact | None:
        """How the payment of a link stands: by its order's payments, else by our reference on any payment."""
        link_id = ids.link_id(request.provider_session_id)
        link = self._find(link_id)
        order_id = "" if link is None else _order_of(link)
        found = self._attempt(request, order_id, since)
        if found is not None and (link is not None or _is_under_way(found)):
            return replace(found, provider_session_id=link_id)
        return self._gone(request, link_id) if link is None else self._open(link, request)

    def _find(self, link_id: str) -> Json | None:
        link = self._api.find(
            lambda client: client.checkout.payment_links.get(link_id, request_options=ONCE), "payment_link"
        )
        return None if link is None else ids.same_object(link, link_id)

    def _attempt(self, request: PaymentRequest, order_id: str, since: datetime | None) -> PaymentFact | None:
        """The attempt to know about. The order is consistent; the list, which lags, is for a link that is gone."""
        if not order_id:
            return self._payments.of_reference(request.reference, since)
        order = self._api.find(lambda client: client.orders.get(order_id, request_options=ONCE), "order")
        if order is None:
            return self._payments.of_reference(request.reference, since)
        with unreadable_answer():
            if not at_location(order, self._api.config.location_id):
                raise ids.unexpected("Square answered about another location.")
            tenders = objects(order, "tenders") if order.get("tenders") else []
        named = [_payment_of(tender) for tender in tenders]
        return best([self._payments.read(self._payments.retrieve(payment_id)) for payment_id in named])

    def _open(self, link: Json, request: PayRequest | PaymentRequest) -> PaymentFact:
        with unreadable_answer():
            return PaymentFact(
                stage=Stage.OPEN,
                currency=request.currency,
                mode=self._api.mode,
                reference=request.reference,
                provider_session_id=ids.told_id(link),
                amount_minor=request.amount_minor,
                next_action=NextAction(kind=NextActionKind.REDIRECT, url=text(link, "url")),
            )

    def _gone(self, request: PaymentRequest, link_id: str) -> PaymentFact:
        """A link that does not exist any more, and was not paid."""
        return PaymentFact(
            stage=Stage.CANCELLED,
            currency=request.currency,
            mode=self._api.mode,
            reference=request.reference,
            provider_session_id=link_id,
            amount_minor=request.amount_minor,
        )


def _is_under_way(attempt: PaymentFact | None) -> bool:
    """Whether this attempt has brought money, or still may."""
    return attempt is not None and attempt.stage in (Stage.CAPTURED, Stage.PROCESSING)


def _order_of(link: Json) -> str:
    with unreadable_answer():
        return ids.told_id(link, "order_id")


def _payment_of(tender: Json) -> str:
    """The payment behind a tender: `payment_id`, and for payments of the Payments API its own id, too."""
    with unreadable_answer():
        return ids.told_id(tender, "payment_id" if optional_text(tender, "payment_id") else "id")


def _create(client: Square, request: PayRequest, location_id: str) -> object:
    price: MoneyParams = {"amount": request.amount_minor, "currency": request.currency}
    order: OrderParams = {
        "location_id": location_id,
        "reference_id": request.reference,
        "line_items": [
            {
                # Shown to the customer on the page.
                "name": (request.description or request.reference)[:_MAX_NAME],
                "quantity": "1",
                "base_price_money": price,
            }
        ],
    }
    options: CheckoutOptionsParams = {"allow_tipping": False}
    if request.return_url:
        options["redirect_url"] = request.return_url
    more: dict[str, object] = {}
    if request.payer.email:
        buyer: PrePopulatedDataParams = {"buyer_email": request.payer.email}
        more["pre_populated_data"] = buyer
    return client.checkout.payment_links.create(
        idempotency_key=request.idempotency_key,
        order=order,
        checkout_options=options,
        payment_note=request.reference,
        request_options=ONCE,
        **more,
    )
