"""The JazzCash provider: what it can do, and which part does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, NextActionKind, Verdict
from django_payments_hub.exceptions import Unsupported
from django_payments_hub.provider_kit.base import BaseProvider, Capabilities
from django_payments_hub.provider_kit.http import deadline
from django_payments_hub.provider_kit.pakistan import cnic_last_six, mobile_number, short_reference
from django_payments_hub.provider_kit.reading import Json
from django_payments_hub.provider_kit.types import (
    AccountConfig,
    Acknowledgement,
    Fact,
    FormRequest,
    HostedForm,
    LookUpRequest,
    NextAction,
    NoticeId,
    Payer,
    PaymentFact,
    PaymentResult,
    PayRequest,
    RefundFact,
    RefundLookUpRequest,
    RefundRequest,
    RefundResult,
    ReturnVisit,
)
from django_payments_hub.providers.jazzcash import facts, forms, notices, references
from django_payments_hub.providers.jazzcash.api import Api
from django_payments_hub.providers.jazzcash.config import ORCHESTRATOR, WALLET_CNIC, Config
from django_payments_hub.providers.jazzcash.inquiries import Inquiries
from django_payments_hub.providers.jazzcash.refunds import Refunds
from django_payments_hub.providers.jazzcash.wallet import Wallet

_HOUR_S = 3600
_WALLET_EXPIRY_S = _HOUR_S
"""Whoever is asked on his phone answers within minutes, or not at all."""


class Provider(BaseProvider[Config]):
    """One merchant of JazzCash's payment gateway."""

    name = "jazzcash"
    label = "JazzCash"
    Config = Config
    notice_secrets = notices.SECRETS
    capabilities = Capabilities(
        flows=frozenset({Flow.HOSTED, Flow.DIRECT}),
        method_kinds=frozenset(forms.TXN_TYPES),
        currencies=frozenset({"PKR"}),
        refund=True,
        partial_refund=True,
        blind_refunds=True,
        look_up=True,
        form_posts=True,
        first_form_pays=True,
        national_id=True,
        webhooks=True,
        # A wallet call waits for a person: JazzCash's own examples give it 60 to 65 seconds.
        call_deadline_s=70.0,
        runs_in_worker=True,
    )
    list_lag_s: ClassVar[float] = 600.0
    """After so long an inquiry knows of a call that was made: "wait at least ten minutes"."""

    def __init__(self, account: AccountConfig):
        super().__init__(account)
        # What this account's wallet calls take, so that no national id is asked for or kept for nothing.
        takes_cnic = self.config.wallet_version == WALLET_CNIC
        self.capabilities = replace(type(self).capabilities, national_id=takes_cnic)  # type: ignore[misc]
        self._api = Api(self.config, account.mode, deadline_s=self.capabilities.call_deadline_s)
        inquiries = Inquiries(self._api)
        self._wallet = Wallet(self._api, inquiries, return_url=self._return_url, lag_s=self.list_lag_s)
        self._refunds = Refunds(self._api, inquiries, lag_s=self.list_lag_s)

    # -- calls -------------------------------------------------------------------------------------------------------

    def pay(self, request: PayRequest) -> PaymentResult:
        """Ask the owner of a wallet; or nothing yet, where the customer goes to JazzCash's page."""
        self.supports(
            flow=request.flow,
            currency=request.currency,
            capture_method=request.capture_method,
            method_kind=request.method_kind,
        )
        references.reference(request.reference)
        if request.flow is Flow.HOSTED:
            return PaymentResult(fact=facts.to_be_led_on(request, self.account.mode))
        with deadline(self.capabilities.call_deadline_s):
            return self._wallet.pay(request)

    def hosted_form(self, request: FormRequest) -> HostedForm:
        """The form that leads to JazzCash's page. It carries the password."""
        return forms.hosted(self._api, request, self._return_url or request.return_url)

    def refund(self, request: RefundRequest) -> RefundResult:
        """Give money back, once."""
        with deadline(self.capabilities.call_deadline_s):
            return self._refunds.refund(request)

    def look_up(self, request: LookUpRequest) -> PaymentFact | None:
        """By our reference, which JazzCash knows a payment by."""
        with deadline(self.capabilities.call_deadline_s):
            return self._wallet.look_up(request)

    def look_up_refund(self, request: RefundLookUpRequest) -> RefundFact | None:
        """In the payment, which shows that all of it was given back and nothing less."""
        with deadline(self.capabilities.call_deadline_s):
            return self._refunds.look_up(request)

    # -- notifications -----------------------------------------------------------------------------------------------

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], *, now: float) -> None:
        """Check the hash over the body's fields; it covers no time, so `now` says nothing."""
        notices.verify(body, self.config)

    def identify_notice(self, payload: Json, body: bytes) -> NoticeId:
        """By its hash and its code: the same notice again is the same one."""
        return super().identify_notice({"id": notices.name_of(payload), "type": notices.type_of(payload)}, body)

    def parse_webhook(self, payload: Json) -> tuple[Fact, ...]:
        """A notice proves nothing of an amount: the payment it names is asked about."""
        return notices.parse(payload)

    def acknowledge(self, verdict: Verdict | None) -> Acknowledgement:
        """Signed, as JazzCash wants it."""
        return notices.acknowledgement(self.config)

    def parse_return(self, data: Mapping[str, str]) -> ReturnVisit:
        """The payment that a signed form names; none for any other."""
        return notices.parse_return(data, self.config)

    # -- small things ------------------------------------------------------------------------------------------------

    @property
    def _return_url(self) -> str:
        return self.config.return_url or self.account.return_url

    def supports(
        self, *, flow: Flow, currency: str, capture_method: CaptureMethod, method_kind: MethodKind | None = None
    ) -> None:
        """As declared; but without a page only a wallet can be asked."""
        super().supports(flow=flow, currency=currency, capture_method=capture_method, method_kind=method_kind)
        if flow is Flow.DIRECT and method_kind not in (None, MethodKind.WALLET):
            raise Unsupported(
                f"JazzCash takes a {method_kind.value} on its page alone.", code="unsupported_method_kind"
            )

    def check_payer(self, payer: Payer, *, flow: Flow, method_kind: MethodKind | None) -> None:
        """A wallet is known by its mobile number, and in version 2.0 by its owner's identity card."""
        if flow is not Flow.DIRECT:
            return
        mobile_number(payer.phone)
        if self.capabilities.national_id:
            cnic_last_six(payer.national_id)

    def meanwhile(self, *, flow: Flow, method_kind: MethodKind | None) -> NextAction | None:
        """The owner of the wallet approves on his phone while the call waits for him."""
        return NextAction(kind=NextActionKind.WAIT) if flow is Flow.DIRECT else None

    def make_reference(self, payment_id: str) -> str:
        """`T` and 19 letters and digits of the payment's id."""
        return short_reference(payment_id, prefix="T")

    @property
    def payment_expiry_s(self) -> int:
        """As the account says; JazzCash takes no payment after it."""
        return self.config.expires_after_hours * _HOUR_S

    def expiry_s(self, *, flow: Flow, method_kind: MethodKind | None) -> int:
        """An hour for a wallet that is asked."""
        return min(self.payment_expiry_s, _WALLET_EXPIRY_S) if flow is Flow.DIRECT else self.payment_expiry_s

    def check(self) -> list[str]:
        """Doubts: no way back, refunds that will be refused, an address that serves both modes."""
        doubts = []
        if not self._return_url:
            doubts.append("neither PUBLIC_URL nor RETURN_URL is set: no browser comes back from JazzCash's page.")
        if not self.config.merchant_mpin:
            doubts.append("MERCHANT_MPIN is missing: refunds to wallets will be refused.")
        if self.config.generation == ORCHESTRATOR:
            doubts.append("the orchestrator has one address for both modes: the credentials alone say which it is.")
        return doubts

    def close(self) -> None:
        """Let go of connections."""
        self._api.close()
