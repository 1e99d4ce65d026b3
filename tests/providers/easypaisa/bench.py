"""EasyPaisa's bench for the provider contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from django_payments_hub.domain.statuses import Mode, NextActionKind
from django_payments_hub.provider_kit.types import AccountConfig, FormRequest, HostedForm, Payer, PaymentFact
from django_payments_hub.providers.easypaisa import Provider
from django_payments_hub.testing.provider_contract import Deed, Means, SandboxBench

OTHER_STORE = "10002"
PENDING_NUMBER = "03459990001"
OUTCOMES = {Means.PAYS: "succeed", Means.DECLINED: "fail"}
ERRORS = {400: "0002", 401: "0010", 403: "0010", 404: "0002", 409: "0001", 422: "0028", 429: "0001"}


class EasyPaisaBench(SandboxBench):
    mount = "easypaisa"
    settles_after_s = 780.0  # lease and call of the first try, and ten minutes
    unsaid = {  # an order is accepted or not: the answer has neither a status nor money
        "unknown_status": frozenset({Deed.PAY_DIRECT}),
        "wrong_currency": frozenset({Deed.PAY_DIRECT, Deed.LOOK_UP}),
        "wrong_amount": frozenset({Deed.PAY_DIRECT}),
    }
    readable = SandboxBench.readable | {"responseDesc"}
    names = SandboxBench.names | {"orderId", "orderRefNumber", "auth_token"}
    calls_of = {
        Deed.PAY_DIRECT: ("ma.pay",),
        Deed.LOOK_UP: ("inquire",),
    }

    def account(self) -> AccountConfig:
        return self._account(str(self.settings["STORE_ID"]))

    def other_account(self) -> AccountConfig:
        return self._account(OTHER_STORE)

    def _account(self, store: str) -> AccountConfig:
        known = self.sandbox.deed("store", account=store, ipn_url=self.receiver.url)
        values = {
            "API_BASE": self.settings["API_BASE"],
            "STORE_ID": store,
            "USERNAME": known["username"],
            "PASSWORD": known["password"],
            "HASH_KEY": known["hash_key"],
            "ACCOUNT_NUM": known["account_num"],
        }
        return AccountConfig(alias="contract", provider="easypaisa", mode=Mode.TEST, values=values)

    # -- the customer

    def payer(self) -> Payer:
        return Payer(phone=PENDING_NUMBER, email="ann@example.com")

    def act(self, fact: PaymentFact, means: Means) -> None:
        outcome = OUTCOMES[means]
        if fact.next_action is None or fact.next_action.kind is not NextActionKind.FORM_POST:
            self.sandbox.deed("settle", payment=fact.provider_session_id, outcome=outcome)
            return
        store = Provider(self.account())
        try:
            self.check_out(store, form_request_of(fact), outcome)
        finally:
            store.close()

    def check_out(self, store: Provider, request: FormRequest, outcome: str = "succeed") -> Mapping[str, str]:
        """Both forms, posted as a browser does; what the last answer leads back with."""
        post(store.hosted_form(request))
        led: dict[str, Any] = self.sandbox.deed(
            "pay_session", session=request.reference, outcome=outcome, confirm=False
        )
        confirm = store.following_form(request, led["return"]["fields"])
        assert confirm is not None
        answer = post(confirm)
        return dict(parse_qsl(urlsplit(answer.headers.get("Location", "")).query))

    def returned(self, fact: PaymentFact) -> Mapping[str, str]:
        return {"status": "0000", "desc": "0000", "orderRefNumber": fact.reference}

    def error_body(self, status: int) -> Mapping[str, Any]:
        return {"responseCode": ERRORS.get(status, "0001"), "responseDesc": "As EasyPaisa would put it."}


def form_request_of(fact: PaymentFact) -> FormRequest:
    now = datetime.now(UTC)
    return FormRequest(
        reference=fact.reference,
        amount_minor=fact.amount_minor or 0,
        currency=fact.currency,
        return_url="http://testserver/back/",
        created_at=now,
        expires_at=now + timedelta(hours=1),
        now=now,
    )


def post(form: HostedForm) -> httpx.Response:
    """As a browser posts it, up to the first redirect."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return httpx.post(form.url, content=urlencode(dict(form.fields)), headers=headers, follow_redirects=False)
