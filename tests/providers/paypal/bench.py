"""PayPal's bench for the provider contract."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django_payments_hub.domain.statuses import Flow, Mode
from django_payments_hub.provider_kit.method_types import FinishMethodRequest, MethodResult, SaveMethodRequest
from django_payments_hub.provider_kit.types import AccountConfig, PaymentFact
from django_payments_hub.providers.paypal import Provider
from django_payments_hub.testing.provider_contract import Deed, Means, SandboxBench, Token

CLIENT, OTHER_CLIENT = "contract-main-client", "contract-other-client"
BUYERS = {Means.PAYS: "pays", Means.DECLINED: "declined"}
ERRORS = {  # developer.paypal.com/api/rest/responses, and the published documents' own examples
    400: ("INVALID_REQUEST", "INVALID_PARAMETER_VALUE"),
    401: ("AUTHENTICATION_FAILURE", ""),
    403: ("NOT_AUTHORIZED", "PERMISSION_DENIED"),
    404: ("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"),
    409: ("RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS"),
    422: ("UNPROCESSABLE_ENTITY", "CURRENCY_MISMATCH"),
    429: ("RATE_LIMIT_REACHED", ""),
}


class PayPalBench(SandboxBench):
    mount = "paypal"
    confirms = Flow.HOSTED
    found_by_reference = False
    unsaid = {"wrong_id": frozenset({Deed.CAPTURE})}  # the answer is about the capture, which is new
    calls_of = {
        Deed.PAY_TOKEN: ("orders.create",),
        Deed.PAY_HOSTED: ("orders.create",),
        Deed.CONFIRM: ("orders.capture",),
        Deed.CAPTURE: ("authorizations.capture",),
        Deed.CANCEL: ("authorizations.void",),
        Deed.WITHDRAW: ("orders.get",),  # there is nothing to call off: what the hub never captures never moves
        Deed.REFUND: ("captures.refund",),
        Deed.LOOK_UP: ("orders.get",),
        Deed.LOOK_UP_REFUND: ("refunds.get",),
        Deed.DETACH: ("payment_tokens.delete",),
    }

    def account(self) -> AccountConfig:
        self.secret = self._webhook(CLIENT)
        return self._account(CLIENT, [self.secret])

    def other_account(self) -> AccountConfig:
        return self._account(OTHER_CLIENT, [self._webhook(OTHER_CLIENT)])

    def roll_secret(self) -> tuple[AccountConfig, AccountConfig]:
        old = self._webhook(CLIENT)
        self.secret = self.sandbox.roll_secret(old, overlap=False)
        return self._account(CLIENT, [old, self.secret]), self._account(CLIENT, [self.secret])

    def _account(self, client_id: str, webhook_ids: list[str]) -> AccountConfig:
        values = {
            **self.settings,
            "CLIENT_ID": client_id,
            "CLIENT_SECRET": f"secret-of-{client_id}",
            "WEBHOOK_IDS": webhook_ids,
        }
        return AccountConfig(alias="contract", provider="paypal", mode=Mode.TEST, values=values)

    def _webhook(self, client_id: str) -> str:
        known: dict[str, str] = self.__dict__.setdefault("_webhooks", {})
        if client_id not in known:
            known[client_id] = str(self.sandbox.deed("webhook", account=client_id, url=self.receiver.url)["id"])
        return known[client_id]

    # -- the customer

    def token(self, means: Means) -> Token:
        """What the vault keeps of this buyer: saved on its own, since one who is declined can pay nothing."""
        provider = Provider(self.account())
        key, shop = str(uuid.uuid4()), "https://shop.example/"
        request = SaveMethodRequest(idempotency_key=key, reference=key, return_url=shop, cancel_url=shop)
        setup = provider.save_method(request).provider_setup_id
        self.sandbox.pay_session(setup, BUYERS[means])
        finish = FinishMethodRequest(idempotency_key=key, reference=key, provider_setup_id=setup)
        kept = provider.finish_method(finish).method
        provider.close()
        assert kept is not None
        return Token(method_token=kept.provider_method_id, customer_token=kept.provider_customer_id, saved=True)

    def act(self, fact: PaymentFact, means: Means) -> None:
        self.sandbox.pay_session(fact.provider_session_id, BUYERS[means])

    def complete_setup(self, begun: MethodResult, means: Means) -> None:
        self.sandbox.pay_session(begun.provider_setup_id, BUYERS[means])

    def returned(self, fact: PaymentFact) -> Mapping[str, str]:
        url = self.sandbox.deed("pay_session", session=fact.provider_session_id, card="pays")["url"]
        return dict(parse_qsl(urlsplit(url).query))

    def error_body(self, status: int) -> Mapping[str, Any]:
        name, issue = ERRORS.get(status, ("INTERNAL_SERVER_ERROR", ""))
        body: dict[str, Any] = {"name": name, "message": "As PayPal would put it.", "debug_id": "b1d1f06c7246c"}
        return {**body, "details": [{"issue": issue, "description": "As PayPal would put it."}]} if issue else body
