"""Square's bench for the provider contract."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import Any

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.provider_kit.types import AccountConfig, PaymentFact
from django_payments_hub.testing.provider_contract import Deed, Means, SandboxBench, Token
from django_payments_hub.testing.sandbox import SandboxError

TOKEN, OTHER_TOKEN = "EAAAl_contract_main", "EAAAl_contract_other"
NONCES = {  # developer.squareup.com/docs/devtools/sandbox/payments
    Means.PAYS: "cnon:card-nonce-ok",
    Means.DECLINED: "cnon:card-nonce-declined",
    Means.INSUFFICIENT_FUNDS: "bnon:bank-nonce-insufficient-funds",
}
NUMBERS = {Means.PAYS: "4111111111111111", Means.DECLINED: "4000000000000002"}
ERRORS = {
    400: ("INVALID_REQUEST_ERROR", "BAD_REQUEST"),
    401: ("AUTHENTICATION_ERROR", "UNAUTHORIZED"),
    403: ("AUTHENTICATION_ERROR", "FORBIDDEN"),
    404: ("INVALID_REQUEST_ERROR", "NOT_FOUND"),
    409: ("INVALID_REQUEST_ERROR", "CONFLICT"),
    422: ("INVALID_REQUEST_ERROR", "UNPROCESSABLE_ENTITY"),
    429: ("RATE_LIMIT_ERROR", "RATE_LIMITED"),
}


class SquareBench(SandboxBench):
    mount = "square"
    signs_time = False
    settles_after_s = 77.0  # lease and call of the first try, and the lag of the lists
    unsaid = {  # a link holds neither a status nor money
        "unknown_status": frozenset({Deed.PAY_HOSTED, Deed.WITHDRAW}),
        "wrong_amount": frozenset({Deed.PAY_HOSTED, Deed.WITHDRAW}),
        "wrong_currency": frozenset({Deed.PAY_HOSTED, Deed.WITHDRAW}),
    }
    calls_of = {
        Deed.PAY_TOKEN: ("payments.create",),
        Deed.PAY_HOSTED: ("payment_links.create",),
        Deed.CAPTURE: ("payments.update", "payments.complete"),
        Deed.CANCEL: ("payments.cancel",),
        Deed.WITHDRAW: ("payment_links.delete",),
        Deed.REFUND: ("refunds.create",),
        Deed.LOOK_UP: ("payments.get",),
        Deed.LOOK_UP_REFUND: ("refunds.get",),
        Deed.CREATE_CUSTOMER: ("customers.create",),
        Deed.SAVE_METHOD: ("cards.create",),
        Deed.DETACH: ("cards.disable",),
    }

    def account(self) -> AccountConfig:
        self.secret = str(self._subscription(TOKEN)["signature_key"])
        return self._account(TOKEN, [self.secret])

    def other_account(self) -> AccountConfig:
        return self._account(OTHER_TOKEN, [str(self._subscription(OTHER_TOKEN)["signature_key"])])

    def account_for(self, currency: str) -> AccountConfig:
        location = self.sandbox.deed("seller", account=TOKEN)["location_id"]
        self.sandbox.deed("location", account=TOKEN, id=location, currency=currency)
        return self.account()

    def roll_secret(self) -> tuple[AccountConfig, AccountConfig]:
        subscription = self._subscription(TOKEN)
        old, self.secret = str(subscription["signature_key"]), self.sandbox.roll_secret(str(subscription["id"]))
        return self._account(TOKEN, [old, self.secret]), self._account(TOKEN, [self.secret])

    def _account(self, token: str, secrets: list[str]) -> AccountConfig:
        values = {
            **self.settings,
            "ACCESS_TOKEN": token,
            "LOCATION_ID": self.sandbox.deed("seller", account=token)["location_id"],
            "WEBHOOK_SECRETS": secrets,
            "WEBHOOK_URL": self.receiver.url,
        }
        return AccountConfig(alias="contract", provider="square", mode=Mode.TEST, values=values)

    def _subscription(self, token: str) -> dict[str, Any]:
        known: dict[str, dict[str, Any]] = self.__dict__.setdefault("_subscriptions", {})
        if token not in known:
            known[token] = self.sandbox.deed("subscription", account=token, url=self.receiver.url)
        return known[token]

    # -- the customer

    def token(self, means: Means) -> Token:
        return Token(method_token=NONCES[means])

    def act(self, fact: PaymentFact, means: Means) -> None:
        with suppress(SandboxError) if means is Means.DECLINED else nullcontext():
            self.sandbox.pay_session(fact.provider_session_id, NUMBERS[means])

    def returned(self, fact: PaymentFact) -> Mapping[str, str]:
        link = self._get(f"/v2/online-checkout/payment-links/{fact.provider_session_id}")["payment_link"]
        # developer.squareup.com/docs/checkout-api/optional-checkout-configurations
        return {"transactionId": link["order_id"], "orderId": link["order_id"]}

    def _get(self, path: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        request = urllib.request.Request(self.settings["API_BASE"] + path, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            answer: dict[str, Any] = json.loads(response.read())
        return answer

    def error_body(self, status: int) -> Mapping[str, Any]:
        category, code = ERRORS.get(status, ("API_ERROR", "INTERNAL_SERVER_ERROR"))
        return {"errors": [{"category": category, "code": code, "detail": "As Square would put it."}]}
