"""PayPal accounts kept in its vault (Vault v3): saved on PayPal's page, listed, let go.

PayPal makes the customer while the first method is saved. A setup token is what the buyer approves; it is exchanged
once for the payment token that is kept.
"""

from __future__ import annotations

from django_payments_hub.domain.statuses import FailureCode
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.provider_kit.method_types import (
    DetachMethodRequest,
    FinishMethodRequest,
    MethodResult,
    SaveMethodRequest,
)
from django_payments_hub.provider_kit.reading import Json, objects, optional_integer, text, unreadable_answer
from django_payments_hub.provider_kit.types import Failure, MethodFact
from django_payments_hub.providers.paypal import ids
from django_payments_hub.providers.paypal.api import Api
from django_payments_hub.providers.paypal.errors import ErrorAnswer, translate
from django_payments_hub.providers.paypal.methods import customer_of, vaulted_method
from django_payments_hub.providers.paypal.objects import leading_action

SETUP_TOKENS, PAYMENT_TOKENS = "/v3/vault/setup-tokens", "/v3/vault/payment-tokens"
_WAITING = frozenset({"CREATED", "PAYER_ACTION_REQUIRED"})
_LAPSED = MethodResult(failure=Failure(code=FailureCode.EXPIRED, provider_code="RESOURCE_NOT_FOUND"))
_PAGE_SIZE = 5
_MAX_PAGES = 20


class Vault:
    """The methods one account keeps at PayPal."""

    def __init__(self, api: Api, brand_name: str):
        self._api = api
        self._brand_name = brand_name

    def begin(self, request: SaveMethodRequest) -> MethodResult:
        """Make a setup token and lead the buyer to PayPal; the same key leads to the one that was made already."""
        if not (request.return_url and request.cancel_url):
            raise Refused("PayPal's page needs addresses to come back to.", code="invalid_request")
        token = self._api.call("POST", SETUP_TOKENS, self._setup_body(request), key=request.idempotency_key)
        setup_id = ids.made_in_vault(token)
        return _waiting(token, setup_id)

    def _setup_body(self, request: SaveMethodRequest) -> dict[str, object]:
        context = {
            "return_url": request.return_url,
            "cancel_url": request.cancel_url,
            "shipping_preference": "NO_SHIPPING",
        }
        if self._brand_name:
            context["brand_name"] = self._brand_name
        wallet = {"usage_type": "MERCHANT", "customer_type": "CONSUMER", "experience_context": context}
        body: dict[str, object] = {"payment_source": {"paypal": wallet}}
        if request.customer_token:
            body["customer"] = {"id": ids.vault_id(request.customer_token)}
        return body

    def finish(self, request: FinishMethodRequest) -> MethodResult:
        """Exchange an approved setup token for what is kept; one still waiting says where the buyer has to go."""
        if not request.provider_setup_id:
            return MethodResult()  # PayPal lists no setup tokens: one whose answer was lost is nobody's to approve
        setup_id = ids.vault_id(request.provider_setup_id)
        setup = self._setup(setup_id)
        if setup is None:
            return _LAPSED
        with unreadable_answer():
            status = text(setup, "status")
        if status in _WAITING:
            return _waiting(setup, setup_id)
        if status not in ("APPROVED", "VAULTED"):
            return MethodResult(failure=Failure(code=FailureCode.METHOD_NOT_USABLE, provider_code="SETUP_FAILED"))
        return self._exchange(request, setup, setup_id)

    def give_up(self, request: FinishMethodRequest) -> MethodResult:
        """Never exchange it; what an earlier try has exchanged is told."""
        setup_id = ids.vault_id(request.provider_setup_id)
        setup = self._setup(setup_id)
        if setup is not None and setup.get("status") == "VAULTED":
            return self._exchange(request, setup, setup_id)
        return _LAPSED

    def _setup(self, setup_id: str) -> Json | None:
        setup = self._api.find(f"{SETUP_TOKENS}/{setup_id}")
        return None if setup is None else ids.same_object(setup, setup_id)

    def _exchange(self, request: FinishMethodRequest, setup: Json, setup_id: str) -> MethodResult:
        # The published document's enumeration lacks the word; PayPal's guide to saving for later has it
        # (developer.paypal.com/docs/checkout/save-payment-methods/purchase-later/payment-tokens-api/paypal).
        body = {"payment_source": {"token": {"id": setup_id, "type": "SETUP_TOKEN"}}}
        answer = self._api.attempt("POST", PAYMENT_TOKENS, body, key=request.idempotency_key)
        if not isinstance(answer, ErrorAnswer):
            return self._kept(request, answer)
        if setup.get("status") == "VAULTED" and answer.status in (404, 422):
            # Exchanged by an earlier try whose key PayPal has forgotten: its customer's only method is what it became.
            with unreadable_answer():
                customer = customer_of(setup) or request.customer_token
            kept = self.list(customer) if customer else ()
            if len(kept) == 1:
                return MethodResult(method=kept[0], provider_customer_id=customer)
            if kept:
                raise OutcomeUnknown("PayPal does not say which method it has saved.", code="look_up_incomplete")
        if answer.decline:
            return MethodResult(failure=answer.decline)
        raise translate(answer)

    def _kept(self, request: FinishMethodRequest, token: Json) -> MethodResult:
        ids.made_in_vault(token)
        with unreadable_answer():
            method = vaulted_method(token)
        if request.customer_token and method.provider_customer_id not in ("", request.customer_token):
            raise OutcomeUnknown("PayPal saved the method for another customer.", code="unexpected_object")
        return MethodResult(method=method, provider_customer_id=method.provider_customer_id)

    def list(self, customer_token: str) -> tuple[MethodFact, ...]:
        """Every method kept for a customer.

        Raises:
            OutcomeUnknown: `look_up_incomplete`, after 100 of them.
        """
        customer, kept = ids.vault_id(customer_token), list[MethodFact]()
        for page in range(1, _MAX_PAGES + 1):
            query = {"customer_id": customer, "page_size": str(_PAGE_SIZE), "page": str(page), "total_required": "true"}
            found = self._api.find(PAYMENT_TOKENS, query)
            if found is None:
                return tuple(kept)
            with unreadable_answer():
                here = [vaulted_method(token) for token in _tokens(found)]
                pages = optional_integer(found, "total_pages")
            kept += here
            if page >= pages if pages else not here:  # without their number, until one is empty
                return tuple(kept)
        raise OutcomeUnknown("Too many methods to list.", code="look_up_incomplete")

    def detach(self, request: DetachMethodRequest) -> None:
        """Let PayPal forget a method of this customer's."""
        method_id = ids.vault_id(request.provider_method_id)
        if request.customer_token and not self.belongs(method_id, request.customer_token):
            return
        answer = self._api.attempt("DELETE", f"{PAYMENT_TOKENS}/{method_id}", key=request.idempotency_key)
        if isinstance(answer, ErrorAnswer) and not answer.is_missing:
            raise translate(answer)

    def belongs(self, method_id: str, customer_token: str) -> bool:
        """Whether the vault keeps this method.

        Raises:
            Refused: `foreign_method`, it does, for another customer than this one, "" being none (S26).
        """
        checked = ids.vault_id(method_id)
        token = self._api.find(f"{PAYMENT_TOKENS}/{checked}")
        if token is None:
            return False
        ids.same_object(token, checked)
        with unreadable_answer():
            owner = customer_of(token)
        if owner not in ("", customer_token):
            raise Refused("The method is another customer's.", code="foreign_method")
        return True


def _tokens(page: Json) -> list[Json]:
    return objects(page, "payment_tokens") if page.get("payment_tokens") else []


def _waiting(token: Json, setup_id: str) -> MethodResult:
    with unreadable_answer():
        links = objects(token, "links") if token.get("links") else []
        return MethodResult(
            next_action=leading_action(links), provider_setup_id=setup_id, provider_customer_id=customer_of(token)
        )
