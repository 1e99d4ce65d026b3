"""A wallet as its provider plays it: a hosted form with a second one, a call that waits for the telephone, no keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from django_payments_hub.domain.statuses import Flow, MethodKind, NextActionKind, PaymentStatus, RefundStatus, Stage
from django_payments_hub.exceptions import InvalidInput, ProviderError
from django_payments_hub.models import Payment
from django_payments_hub.provider_kit.base import BaseConfig, BaseProvider, Capabilities, secret
from django_payments_hub.provider_kit.types import (
    FormRequest,
    HostedForm,
    LookUp,
    LookUpRequest,
    NextAction,
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
from django_payments_hub.services import accounts, payments

PASSWORD = "merchants-own-password"
TILL = "https://till.wallet.example/Confirm"
DOOR = "https://wallet.example/Index"
CNIC = "42201-6918273-4"


@dataclass
class Wallet:
    """What the provider knows, and what it was asked."""

    payments: dict[str, Stage] = field(default_factory=dict)
    refunds: dict[str, RefundStatus] = field(default_factory=dict)
    amount_minor: int | None = None
    error: ProviderError | None = None
    stage: Stage = Stage.CAPTURED
    asked: list[str] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)

    def answer(self, request: Any) -> None:
        self.sent.append(request)
        if self.error is not None:
            raise self.error


WALLET = Wallet()


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    password: str = secret()


class Provider(BaseProvider[Config]):
    name = "tests.services.wallet"
    label = "Wallet"
    Config = Config
    capabilities = Capabilities(
        flows=frozenset({Flow.HOSTED, Flow.DIRECT}),
        method_kinds=frozenset({MethodKind.WALLET, MethodKind.VOUCHER}),
        currencies=frozenset({"PKR"}),
        refund=True,
        partial_refund=True,
        look_up=True,
        form_posts=True,
        national_id=True,
        unsigned_webhooks=True,
        webhook_verbs=frozenset({"GET"}),
        runs_in_worker=True,
        call_deadline_s=5.0,
    )

    def expiry_s(self, *, flow: Flow, method_kind: MethodKind | None) -> int | None:
        return 300 if flow is Flow.DIRECT else 3600

    def meanwhile(self, *, flow: Flow, method_kind: MethodKind | None) -> NextAction | None:
        return NextAction(kind=NextActionKind.WAIT) if flow is Flow.DIRECT else None

    def check_payer(self, payer: Payer, *, flow: Flow, method_kind: MethodKind | None) -> None:
        if flow is Flow.DIRECT and not re.fullmatch(r"03[0-9]{9}", payer.phone):
            raise InvalidInput("A number looks like 03001234567.", field="payer.phone", code="invalid_phone")
        if flow is Flow.DIRECT and not re.fullmatch(r"[0-9]{5}-[0-9]{7}-[0-9]", payer.national_id):
            raise InvalidInput("It has 13 digits.", field="payer.national_id", code="invalid_national_id")

    def pay(self, request: PayRequest) -> PaymentResult:
        if request.flow is Flow.HOSTED:
            form = NextAction(kind=NextActionKind.FORM_POST)
            return PaymentResult(fact=self._fact(request.reference, Stage.OPEN, request.amount_minor, form))
        WALLET.answer(request)
        WALLET.payments[request.reference] = WALLET.stage
        action = None if WALLET.stage is Stage.CAPTURED else NextAction(kind=NextActionKind.WAIT)
        return PaymentResult(fact=self._fact(request.reference, WALLET.stage, request.amount_minor, action))

    def hosted_form(self, request: FormRequest) -> HostedForm:
        fields = {"order": request.reference, "password": self.config.password, "back": request.return_url}
        return HostedForm(url=DOOR, fields=fields)

    def following_form(self, request: FormRequest, data: Mapping[str, str]) -> HostedForm | None:
        token = data.get("auth_token", "")
        return HostedForm(url=TILL, fields={"auth_token": token}) if token else None

    def look_up(self, request: LookUpRequest) -> PaymentFact | None:
        WALLET.asked.append(request.reference)
        if WALLET.error is not None:
            raise WALLET.error
        stage = WALLET.payments.get(request.reference)
        return None if stage is None else self._fact(request.reference, stage, request.amount_minor)

    def refund(self, request: RefundRequest) -> RefundResult:
        WALLET.answer(request)
        return RefundResult(fact=self._refund(request.refund_reference, request.refund_minor, request.reference))

    def look_up_refund(self, request: RefundLookUpRequest) -> RefundFact | None:
        if request.refund_reference not in WALLET.refunds:
            return None
        return self._refund(request.refund_reference, request.amount_minor, request.reference)

    def parse_return(self, data: Mapping[str, str]) -> ReturnVisit:
        return ReturnVisit(reference=data.get("order", ""))

    def parse_hint(self, data: Mapping[str, str]) -> LookUp | None:
        order = data.get("order", "")
        return LookUp(reference=order) if order else None

    def _fact(self, reference: str, stage: Stage, amount_minor: int, action: NextAction | None = None) -> PaymentFact:
        taken = amount_minor if stage is Stage.CAPTURED else 0
        return PaymentFact(
            stage=stage,
            currency="PKR",
            mode=self.account.mode,
            reference=reference,
            provider_session_id=reference,
            amount_minor=WALLET.amount_minor or amount_minor,
            authorized_minor=taken,
            captured_minor=taken,
            next_action=action,
        )

    def _refund(self, reference: str, minor: int, payment: str) -> RefundFact:
        return RefundFact(
            provider_refund_id=f"r-{reference}",
            status=WALLET.refunds.get(reference, RefundStatus.COMPLETED),
            amount_minor=minor,
            currency="PKR",
            mode=self.account.mode,
            reference=reference,
            payment_reference=payment,
        )


def offer_wallet(settings: Any) -> Wallet:
    """Add the account `wallet`, at a provider that knows nothing yet."""
    WALLET.__init__()  # type: ignore[misc]
    hub = settings.PAYMENTS_HUB
    known = {"PROVIDER": "tests.services.wallet", "MODE": "test", "PASSWORD": PASSWORD}
    settings.PAYMENTS_HUB = {**hub, "ACCOUNTS": {**hub["ACCOUNTS"], "wallet": known}}
    accounts.forget()
    return WALLET


def wish(flow: Flow = Flow.HOSTED, **more: Any) -> payments.NewPayment:
    """1,500 rupees, without an order unless one is named."""
    if more.get("terms") is None:
        more |= {"amount": "1500.00", "currency": "PKR"}
    if flow is Flow.DIRECT:
        more.setdefault("payer", {"phone": "03001234567", "national_id": CNIC})
        more.setdefault("method_kind", MethodKind.WALLET)
    return payments.NewPayment(account="wallet", flow=flow, **more)


def begin(flow: Flow = Flow.HOSTED, **more: Any) -> Payment:
    """A payment as its request leaves it."""
    return payments.create(wish(flow, **more))


def led_on(payment: Payment, seconds_ago: float = 1) -> None:
    """As if the form that ends at the till had been given out so long ago."""
    Payment.objects.filter(pk=payment.pk).update(led_on_at=timezone.now() - timedelta(seconds=seconds_ago))


def run_out(payment: Payment) -> None:
    """As if the payment's time were over."""
    Payment.objects.filter(pk=payment.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def paid(payment: Payment) -> Payment:
    """The same, captured: looked up after the customer paid."""
    WALLET.payments[payment.reference] = Stage.CAPTURED
    found = payments.sync(payment.pk)
    assert found.status == PaymentStatus.COMPLETED
    return found
