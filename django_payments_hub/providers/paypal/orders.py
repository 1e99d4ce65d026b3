"""Orders: made, approved by the buyer, captured or authorised, looked up, given up.

An order carries our reference as `custom_id` and, for the buyer's statement, as `invoice_id`: PayPal lets an invoice be
paid once only, so that even two orders of one payment could not both bring money.
"""

from __future__ import annotations

from dataclasses import replace

from django_payments_hub.domain.masking import Masked
from django_payments_hub.domain.statuses import CaptureMethod, FailureCode, Stage
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.provider_kit.asking import asking
from django_payments_hub.provider_kit.reading import Json, Unreadable, text, unreadable_answer
from django_payments_hub.provider_kit.types import (
    ConfirmRequest,
    Failure,
    PaymentFact,
    PaymentRequest,
    PaymentResult,
    PayRequest,
)
from django_payments_hub.providers.paypal import ids
from django_payments_hub.providers.paypal.amounts import to_wire
from django_payments_hub.providers.paypal.api import Api
from django_payments_hub.providers.paypal.errors import ErrorAnswer, translate
from django_payments_hub.providers.paypal.objects import is_whole, leading_action, read_order, reference_of

PATH = "/v2/checkout/orders"
_MAX_DESCRIPTION = 127
_UNPAID = (Stage.OPEN, Stage.REQUIRES_ACTION)
_CHOOSE_ANOTHER = frozenset({"INSTRUMENT_DECLINED", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING"})
_NOT_APPROVED = frozenset({"ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"})


class Orders:
    """The orders of one account."""

    def __init__(self, api: Api, brand_name: str):
        self._api = api
        self._brand_name = brand_name

    # -- pay ---------------------------------------------------------------------------------------------------------

    def pay_on_page(self, request: PayRequest) -> PaymentResult:
        """Make an order and lead the buyer to PayPal; after an earlier try, the same order as it stands now."""
        answer = self._made(request, _wallet(request, self._brand_name))
        if isinstance(answer, ErrorAnswer):
            raise translate(answer)
        return _result(self.read(answer))

    def pay_with_token(self, request: PayRequest) -> PaymentResult:
        """Make an order with a method of the vault, which PayPal mostly takes at once, and see it through."""
        answer = self._made(request, _vaulted(request, self._brand_name))
        if isinstance(answer, ErrorAnswer):
            return self._not_made(request, answer)
        fact = self.read(answer)
        waits_for_buyer = fact.stage in _UNPAID and not fact.awaits_confirm
        if fact.awaits_confirm or (waits_for_buyer and answer.get("status") == "CREATED"):
            return self._take(answer, request, key=f"{request.idempotency_key}-take")
        if waits_for_buyer and (request.off_session or fact.next_action is None):
            failure = Failure(code=FailureCode.AUTHENTICATION_REQUIRED, provider_code="PAYER_ACTION_REQUIRED")
            declined = replace(fact, stage=Stage.DECLINED, failure=failure, next_action=None)
            return PaymentResult(fact=declined, failure=failure)
        return _result(fact)

    def _not_made(self, request: PayRequest, answer: ErrorAnswer) -> PaymentResult:
        """The method was refused and no order made; any other error is raised."""
        failure = answer.decline
        if failure is None and answer.is_missing:  # the path names nothing: it is the token that does not exist
            failure = Failure(code=FailureCode.METHOD_NOT_USABLE, provider_code=answer.issue)
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

    def _made(self, request: PayRequest, source: dict[str, object]) -> Json | ErrorAnswer:
        """The order of this operation; the same key leads to the one that was made already."""
        body = Masked(_order_body(request, source))
        answer = self._api.attempt("POST", PATH, body, key=request.idempotency_key)
        if isinstance(answer, ErrorAnswer):
            return answer
        order_id = ids.made(answer)
        with unreadable_answer():
            stale = request.recovering or not is_whole(answer)
        order = self._retrieve_again(order_id) if stale else answer
        return _of_payment(order, request.reference)

    # -- confirm -----------------------------------------------------------------------------------------------------

    def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """Capture or authorise what the buyer has approved; an order that is over already tells how it ended."""
        order_id = ids.object_id(request.provider_session_id)
        with asking(when=request.recovering):
            order = _of_payment(self.retrieve(order_id), request.reference)
        fact = self.read(order)
        if fact.stage not in _UNPAID:
            return _result(fact)
        return self._take(order, request, key=request.idempotency_key)

    def _take(self, order: Json, request: PayRequest | ConfirmRequest, *, key: str) -> PaymentResult:
        order_id = ids.made(order)
        with unreadable_answer():
            verb = _verb(order)
        answer = self._api.attempt("POST", f"{PATH}/{order_id}/{verb}", {}, key=key)
        if isinstance(answer, ErrorAnswer):
            return self._not_taken(order_id, request, answer)
        ids.same_object(answer, order_id)
        with unreadable_answer():
            whole = is_whole(answer)
        taken = answer if whole else self._retrieve_again(order_id)
        return _result(self.read(_of_payment(taken, request.reference)))

    def _not_taken(self, order_id: str, request: PayRequest | ConfirmRequest, answer: ErrorAnswer) -> PaymentResult:
        failure = answer.decline
        if failure is None and not answer.is_about_state:
            raise translate(answer, recovering=request.recovering)
        fact = self.read(_of_payment(self._retrieve_again(order_id), request.reference))
        if fact.stage not in _UNPAID:
            return _result(fact)
        if failure is None:
            return _over(fact, answer)
        # Approved or not: this try is over, and only the buyer's next approval begins another.
        fact = replace(fact, awaits_confirm=False)
        if answer.issue in _NOT_APPROVED:
            return PaymentResult(fact=fact, failure=failure)
        with unreadable_answer():
            onward = (leading_action(answer.links) or fact.next_action) if answer.issue in _CHOOSE_ANOTHER else None
        stage = Stage.DECLINED if onward else Stage.FAILED
        return PaymentResult(fact=replace(fact, stage=stage, failure=failure, next_action=onward), failure=failure)

    # -- looking -----------------------------------------------------------------------------------------------------

    def retrieve(self, order_id: str) -> Json:
        """The order as it stands."""
        return ids.same_object(self._api.call("GET", f"{PATH}/{order_id}"), order_id)

    def _retrieve_again(self, order_id: str) -> Json:
        """The order as it stands after a call about it: not to see it does not undo that call."""
        with asking():
            return self.retrieve(order_id)

    def find(self, order_id: str) -> Json | None:
        """The order as it stands; None when PayPal does not know it, or no longer: unpaid ones lapse after hours."""
        checked = ids.object_id(order_id)
        order = self._api.find(f"{PATH}/{checked}")
        return None if order is None else ids.same_object(order, checked)

    def read(self, order: Json) -> PaymentFact:
        """The order as a fact."""
        with unreadable_answer():
            return read_order(order, self._api.mode)


def same_payment(order: Json, request: PaymentRequest) -> Json:
    """The order, if it carries the reference of the payment asked about; raises OutcomeUnknown(`unexpected_object`)."""
    return _of_payment(order, request.reference)


def _of_payment(order: Json, reference: str) -> Json:
    with unreadable_answer():
        if reference_of(order) != reference:
            raise OutcomeUnknown("PayPal answered with another payment's order.", code="unexpected_object")
    return order


def _over(fact: PaymentFact, answer: ErrorAnswer) -> PaymentResult:
    """PayPal says that the order is over, and yet shows it as open: only one that lapsed is certainly unpaid."""
    if answer.issue != "ORDER_EXPIRED":
        raise OutcomeUnknown("PayPal contradicts itself about an order.", provider_code=answer.issue)
    return _result(replace(fact, stage=Stage.EXPIRED, next_action=None, awaits_confirm=False))


def _result(fact: PaymentFact) -> PaymentResult:
    """The order as the result of a call that meant to pay."""
    if fact.stage in (Stage.CANCELLED, Stage.EXPIRED):
        code = FailureCode.EXPIRED if fact.stage is Stage.EXPIRED else FailureCode.PROCESSING_ERROR
        return PaymentResult(fact=fact, failure=Failure(code=code, provider_code=fact.stage.value))
    return PaymentResult(fact=fact, failure=fact.failure)


def _verb(order: Json) -> str:
    intents = {"CAPTURE": "capture", "AUTHORIZE": "authorize"}
    intent = text(order, "intent")
    if intent not in intents:
        raise Unreadable("intent is not a known word")
    return intents[intent]


# -- what is sent -----------------------------------------------------------------------------------------------------


def _order_body(request: PayRequest, source: dict[str, object]) -> dict[str, object]:
    unit: dict[str, object] = {
        "custom_id": request.reference,
        "invoice_id": request.reference,
        "amount": to_wire(request.amount_minor, request.currency),
    }
    if request.description:
        unit["description"] = request.description[:_MAX_DESCRIPTION]
    manual = request.capture_method is CaptureMethod.MANUAL
    return {
        "intent": "AUTHORIZE" if manual else "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": source},
    }


def _wallet(request: PayRequest, brand_name: str) -> dict[str, object]:
    """The buyer's PayPal account, chosen on PayPal's page; saved there too where he asked for it."""
    if not (request.return_url and request.cancel_url):
        raise Refused("PayPal's page needs addresses to come back to.", code="invalid_request")
    source = _with_page(request, brand_name)
    attributes: dict[str, object] = {}
    if request.save_method:
        attributes["vault"] = {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}
        if request.customer_token:
            attributes["customer"] = {"id": ids.vault_id(request.customer_token)}
    if attributes:
        source["attributes"] = attributes
    if request.payer.email:
        source["email_address"] = request.payer.email
    return source


def _vaulted(request: PayRequest, brand_name: str) -> dict[str, object]:
    """A method of the vault; with addresses for the case that the buyer himself has to approve."""
    may_ask = bool(request.return_url and request.cancel_url) and not request.off_session
    return {"vault_id": ids.vault_id(request.method_token), **(_with_page(request, brand_name) if may_ask else {})}


def _with_page(request: PayRequest, brand_name: str) -> dict[str, object]:
    context = {
        "return_url": request.return_url,
        "cancel_url": request.cancel_url,
        # The hub sells no more than an amount: it asks for no address, and the buyer's approval is the last step.
        "shipping_preference": "NO_SHIPPING",
        "user_action": "PAY_NOW",
    }
    if brand_name:
        context["brand_name"] = brand_name
    return {"experience_context": context}
