"""Stripe's bench for the provider contract."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django_payments_hub.domain.statuses import Flow, Mode, NextActionKind
from django_payments_hub.provider_kit.method_types import MethodResult
from django_payments_hub.provider_kit.types import AccountConfig, PaymentFact
from django_payments_hub.testing.provider_contract import Deed, Means, SandboxBench, Token
from django_payments_hub.testing.sandbox import SandboxError

KEY, OTHER_KEY = "sk_test_contract_main", "sk_test_contract_other"
PUBLISHABLE = "pk_test_contract_main"
TOKENS = {  # docs.stripe.com/testing
    Means.PAYS: "pm_card_visa",
    Means.DECLINED: "pm_card_chargeDeclined",
    Means.INSUFFICIENT_FUNDS: "pm_card_visa_chargeDeclinedInsufficientFunds",
    Means.NEEDS_CUSTOMER: "pm_card_threeDSecure2Required",
}
NUMBERS = {Means.PAYS: "4242424242424242", Means.DECLINED: "4000000000000002"}
ERRORS = {
    400: ("invalid_request_error", "parameter_invalid_integer"),
    401: ("invalid_request_error", "api_key_expired"),
    403: ("invalid_request_error", "more_permissions_required"),
    404: ("invalid_request_error", "resource_missing"),
    409: ("idempotency_error", "idempotency_key_in_use"),
    429: ("invalid_request_error", "rate_limit"),
}


class StripeBench(SandboxBench):
    mount = "stripe"
    confirms = Flow.CLIENT
    calls_of = {
        Deed.PAY_TOKEN: ("payment_intents.create", "payment_intents.confirm"),
        Deed.PAY_CLIENT: ("payment_intents.create",),
        Deed.PAY_HOSTED: ("checkout.sessions.create",),
        Deed.CONFIRM: ("payment_intents.confirm",),
        Deed.CAPTURE: ("payment_intents.capture",),
        Deed.CANCEL: ("payment_intents.cancel",),
        Deed.WITHDRAW: ("checkout.sessions.expire",),
        Deed.REFUND: ("refunds.create",),
        Deed.LOOK_UP: ("payment_intents.retrieve",),
        Deed.LOOK_UP_REFUND: ("refunds.retrieve",),
        Deed.CREATE_CUSTOMER: ("customers.create",),
        Deed.SAVE_METHOD: ("setup_intents.create", "setup_intents.confirm"),
        Deed.DETACH: ("payment_methods.detach",),
    }
    _endpoints: dict[str, dict[str, Any]]

    def account(self) -> AccountConfig:
        self.secret = self._endpoint(KEY)["secret"]
        return self._account(KEY, [self.secret])

    def other_account(self) -> AccountConfig:
        return self._account(OTHER_KEY, [self._endpoint(OTHER_KEY)["secret"]])

    def roll_secret(self) -> tuple[AccountConfig, AccountConfig]:
        endpoint = self._endpoint(KEY)
        old, self.secret = endpoint["secret"], self.sandbox.roll_secret(endpoint["id"], overlap=False)
        return self._account(KEY, [old, self.secret]), self._account(KEY, [self.secret])

    def _account(self, key: str, secrets: list[str]) -> AccountConfig:
        values = {**self.settings, "SECRET_KEY": key, "WEBHOOK_SECRETS": secrets, "PUBLISHABLE_KEY": PUBLISHABLE}
        return AccountConfig(alias="contract", provider="stripe", mode=Mode.TEST, values=values)

    def _endpoint(self, key: str) -> dict[str, Any]:
        known: dict[str, dict[str, Any]] = self.__dict__.setdefault("_endpoints", {})
        if key not in known:
            wanted = {"url": self.receiver.url, "enabled_events[]": "*"}
            known[key] = self._post("/v1/webhook_endpoints", key, wanted)
        return known[key]

    def _post(self, path: str, key: str, form: Mapping[str, str]) -> dict[str, Any]:
        """A call of Stripe's API past the provider: by the merchant in the dashboard, or by Stripe.js in a browser."""
        request = urllib.request.Request(
            self.settings["API_BASE"] + path,
            data=urllib.parse.urlencode(form).encode(),
            headers={"Authorization": f"Bearer {key}"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            answer: dict[str, Any] = json.loads(response.read())
        return answer

    # -- the customer

    def token(self, means: Means) -> Token:
        return Token(method_token=TOKENS[means])

    def act(self, fact: PaymentFact, means: Means) -> None:
        action = fact.next_action
        assert action is not None
        if action.kind is NextActionKind.CLIENT_SECRET:
            self._stripe_js(fact, dict(action.fields), means)
        elif fact.provider_session_id:
            with suppress(SandboxError) if means is Means.DECLINED else nullcontext():
                self.sandbox.pay_session(fact.provider_session_id, NUMBERS[means])
        else:
            self.sandbox.complete_action(fact.provider_payment_id)

    def _stripe_js(self, fact: PaymentFact, fields: dict[str, str], means: Means) -> None:
        form = {"client_secret": fields["client_secret"], "payment_method": TOKENS[means]}
        try:
            self._post(f"/v1/payment_intents/{fact.provider_payment_id}/confirm", fields["publishable_key"], form)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 402 or means is Means.PAYS:
                    raise

    def complete_setup(self, begun: MethodResult, means: Means) -> None:
        assert begun.next_action is not None
        fields = dict(begun.next_action.fields)
        form = {"client_secret": fields["client_secret"], "payment_method": TOKENS[means]}
        self._post(f"/v1/setup_intents/{begun.provider_setup_id}/confirm", fields["publishable_key"], form)

    def returned(self, fact: PaymentFact) -> Mapping[str, str]:
        request = urllib.request.Request(fact.next_action.url if fact.next_action else "")
        opener = urllib.request.build_opener(_Stays())
        with opener.open(request, timeout=10) as response:
            return dict(parse_qsl(urlsplit(response.headers["Location"]).query))

    def error_body(self, status: int) -> Mapping[str, Any]:
        type_, code = ERRORS.get(status, ("api_error", ""))
        return {"error": {"type": type_, "code": code, "message": "As Stripe would put it."}}


class _Stays(urllib.request.HTTPErrorProcessor):
    """A browser that shows where it is led and does not go."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response
