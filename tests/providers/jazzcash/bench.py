"""JazzCash's bench for the provider contract: the wallet call 2.0, by number and CNIC, and the hosted page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from django_payments_hub.domain.statuses import Mode, NextActionKind
from django_payments_hub.provider_kit.types import AccountConfig, FormRequest, HostedForm, Payer, PaymentFact
from django_payments_hub.providers.jazzcash import Provider
from django_payments_hub.testing.provider_contract import Deed, Means, SandboxBench

OTHER_MERCHANT = "MC10002"
MPIN = "73915284"
PENDING_NUMBER = "03009990001"
CNIC = "42201-6918273-4"
OUTCOMES = {Means.PAYS: "succeed", Means.DECLINED: "fail"}
ERRORS = {400: "110", 401: "101", 403: "101", 404: "109", 422: "110"}
# An inquiry has no amount, and the answer to a refund no more than a code.
_NO_MONEY = frozenset({Deed.LOOK_UP, Deed.LOOK_UP_REFUND, Deed.REFUND})


class JazzCashBench(SandboxBench):
    """`selling`: the account that was last asked for, whose forms the customer posts."""

    selling: AccountConfig
    mount = "jazzcash"
    signs_time = False
    signature_field = "pp_SecureHash"
    note = "pp_Note"
    readable = SandboxBench.readable | {"pp_ResponseMessage"}
    names = SandboxBench.names | {"pp_TxnRefNo"}
    settles_after_s = 800.0  # lease and call of the first try, and ten minutes
    unsaid = {"wrong_amount": _NO_MONEY, "wrong_currency": _NO_MONEY, "wrong_id": _NO_MONEY, "missing_id": _NO_MONEY}
    calls_of = {
        Deed.PAY_DIRECT: ("wallet.pay",),
        Deed.REFUND: ("refund.wallet",),
        Deed.LOOK_UP: ("inquiry",),
        Deed.LOOK_UP_REFUND: ("inquiry",),
    }

    def account(self) -> AccountConfig:
        return self._account(str(self.settings["MERCHANT_ID"]))

    def other_account(self) -> AccountConfig:
        return self._account(OTHER_MERCHANT)

    def roll_secret(self) -> tuple[AccountConfig, AccountConfig]:
        merchant, old = str(self.settings["MERCHANT_ID"]), self.secret
        self.secret = self.sandbox.roll_secret(merchant)
        self.selling = self._with(merchant, [self.secret, old])
        return self.selling, self._with(merchant, [self.secret])

    def _account(self, merchant: str) -> AccountConfig:
        salt = str(self._known(merchant)["integrity_salt"])
        if merchant != OTHER_MERCHANT:
            self.secret = salt
        self.selling = self._with(merchant, [salt])
        return self.selling

    def _with(self, merchant: str, salts: list[str]) -> AccountConfig:
        known = self._known(merchant)
        values = {
            "API_BASE": self.settings["API_BASE"],
            "MERCHANT_ID": merchant,
            "PASSWORD": known["password"],
            "INTEGRITY_SALTS": salts,
            "MERCHANT_MPIN": MPIN,
            "WALLET_VERSION": "2.0",
        }
        return AccountConfig(alias="contract", provider="jazzcash", mode=Mode.TEST, values=values)

    def _known(self, merchant: str) -> dict[str, Any]:
        return self.sandbox.deed("merchant", account=merchant, ipn_url=self.receiver.url, mpin=MPIN)

    # -- the customer

    def payer(self) -> Payer:
        return Payer(phone=PENDING_NUMBER, national_id=CNIC)

    def act(self, fact: PaymentFact, means: Means) -> None:
        outcome = OUTCOMES[means]
        if fact.next_action is None or fact.next_action.kind is not NextActionKind.FORM_POST:
            self.sandbox.deed("settle", payment=fact.reference, outcome=outcome)
            return
        provider = Provider(self.selling)
        try:
            post(provider.hosted_form(form_request_of(fact)))
        finally:
            provider.close()
        led = self.sandbox.deed("pay_session", session=fact.reference, outcome=outcome)
        self.__dict__.setdefault("_returns", {})[fact.reference] = led["return"]["fields"]

    def returned(self, fact: PaymentFact) -> Mapping[str, str]:
        fields: dict[str, str] = self.__dict__["_returns"][fact.reference]
        return fields

    def error_body(self, status: int) -> Mapping[str, Any]:
        return {"pp_ResponseCode": ERRORS.get(status, "199"), "pp_ResponseMessage": "As JazzCash would put it."}


def form_request_of(fact: PaymentFact) -> FormRequest:
    now = datetime.now(UTC)
    return FormRequest(
        reference=fact.reference,
        amount_minor=fact.amount_minor or 12_50,
        currency=fact.currency,
        return_url="http://testserver/back/",
        created_at=now,
        expires_at=now + timedelta(hours=1),
        now=now,
    )


def post(form: HostedForm) -> httpx.Response:
    """As a browser posts it, up to the first redirect."""
    answer = httpx.post(form.url, data=dict(form.fields), follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer
