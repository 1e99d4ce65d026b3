"""Merchants at every provider that moves money, for tests that hold for all of them.

A test asks for the fixture `merchant` (tests/merchant_fixtures.py) and buys from it in words that no provider owns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User

from django_payments_hub.domain.statuses import CaptureMethod, Flow, PaymentStatus, RefundStatus, Source
from django_payments_hub.models import Payment, PaymentMethod, Refund
from django_payments_hub.services import methods, operations, payments, provider_calls
from django_payments_hub.services.methods import NewMethod
from django_payments_hub.testing.sandbox import PaymentSums, SandboxClient, SandboxError


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """One account, and how a customer pays it.

    `pays` and `declines` are what a new payment is wished with; `buyer` and `poor_buyer` who then approves it on the
    provider's page, "" where the token says it all. `sends_again`: a payment that never arrived is made after all; a
    provider without a window for its keys has it given up for certain. `keeps` is the token a method is saved with by
    itself, "" where that is done on the provider's page; `keep_call` and `detach_call` are what then keeps it and lets
    it go there. `in_worker`: the provider's calls are made by a worker. `finds_refunds`: what came of a part in doubt
    shows at the provider; else a person finds out. `values`: the account's keys, pointed at the sandbox.
    """

    alias: str
    pays: Mapping[str, object]
    declines: Mapping[str, object]
    declined_status: PaymentStatus = PaymentStatus.FAILED
    sends_again: bool = True
    keeps: str = ""
    keep_call: str = ""
    detach_call: str = ""
    buyer: str = ""
    poor_buyer: str = ""
    currency: str = "USD"
    in_worker: bool = False
    finds_refunds: bool = True
    values: Mapping[str, object] = field(default_factory=dict, repr=False)

    def wish(
        self, *, declines: bool = False, manual: bool = False, amount: str = "100.00", **more: Any
    ) -> payments.NewPayment:
        """A payment without an order, of USD where the provider takes them."""
        how: dict[str, Any] = {**(self.declines if declines else self.pays), **more}
        capture_method = CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC
        return payments.NewPayment(
            account=self.alias, amount=amount, currency=self.currency, capture_method=capture_method, **how
        )

    def begin(self, **wish: Any) -> Payment:
        """Ask for a payment, as far as our own request goes; where a worker makes the call, he has come by."""
        payment = payments.create(self.wish(**wish))
        if self.in_worker:
            operations.resume(payment.operations.get().pk)
            payment.refresh_from_db()
        return payment

    def approve(self, sandbox: SandboxClient, payment: Payment, *, declines: bool = False) -> None:
        """Do what is left to the customer."""
        if self.buyer:
            sandbox.pay_session(str(payment.provider_session_id), card=self.poor_buyer if declines else self.buyer)

    def pay(self, sandbox: SandboxClient, **wish: Any) -> Payment:
        """A payment that is completed, or authorised."""
        payment = self.begin(**wish)
        if self.buyer:
            self.approve(sandbox, payment)
            payment = payments.confirm(payment.pk)
        wanted = PaymentStatus.AUTHORIZED if wish.get("manual") else PaymentStatus.COMPLETED
        assert payment.status == wanted, (payment.status, payment.failure_code)
        return payment

    def begin_saving(self, user: User) -> PaymentMethod:
        """Ask for a method to be saved by itself, as far as our own request goes."""
        return methods.save(
            NewMethod(account=self.alias, user=user, method_token=self.keeps, return_url="https://shop.example.com/w")
        )

    def save(self, sandbox: SandboxClient, user: User) -> PaymentMethod:
        """Do so, with what is left to the customer."""
        method = self.begin_saving(user)
        if self.keeps:
            return method
        sandbox.complete_setup(method.provider_setup_id)
        return methods.confirm(method.pk)

    def entries(self, sandbox: SandboxClient) -> list[PaymentSums]:
        """What the provider's own books hold of money that moved."""
        sums = sandbox.ledger(provider=self.alias)["payments"].values()
        return [entry for entry in sums if entry["authorized"] or entry["captured"]]

    def entry(self, sandbox: SandboxClient, payment: Payment) -> PaymentSums:
        """What the provider's own books say of one payment."""
        (found,) = [row for row in self.entries(sandbox) if payment.reference in row["metadata"].values()]
        return found

    def settle_refunds(self, sandbox: SandboxClient) -> None:
        """Let the provider finish every refund it has in hand, and ask it."""
        for refund in Refund.objects.filter(payment__account__alias=self.alias, status=RefundStatus.PROCESSING.value):
            with suppress(SandboxError):  # finished by itself already
                sandbox.refund_status(str(refund.provider_refund_id), "succeeded")
            provider_calls.ask_refund(refund, source=Source.LOOK_UP)


def stripe(sandbox: SandboxClient) -> Merchant:
    """Stripe: a card's token."""
    return Merchant(
        alias="stripe",
        pays={"flow": Flow.TOKEN, "method_token": "pm_card_visa"},
        keeps="pm_card_visa",
        keep_call="setup_intents.confirm",
        detach_call="payment_methods.detach",
        declines={"flow": Flow.TOKEN, "method_token": "pm_card_chargeDeclined"},
        values=sandbox.settings("stripe"),
    )


def square(sandbox: SandboxClient) -> Merchant:
    """Square: a nonce."""
    location = str(sandbox.deed("seller", account="token-demo")["location_id"])
    return Merchant(
        alias="square",
        pays={"flow": Flow.TOKEN, "method_token": "cnon:card-nonce-ok"},
        keeps="cnon:card-nonce-ok",
        keep_call="cards.create",
        detach_call="cards.disable",
        declines={"flow": Flow.TOKEN, "method_token": "cnon:card-nonce-declined"},
        sends_again=False,
        values={**sandbox.settings("square"), "LOCATION_ID": location},
    )


def paypal(sandbox: SandboxClient) -> Merchant:
    """PayPal: an order that the buyer approves and the hub captures."""
    known = sandbox.settings("paypal")
    return Merchant(
        alias="paypal",
        pays={"flow": Flow.HOSTED},
        keep_call="payment_tokens.create",
        detach_call="payment_tokens.delete",
        declines={"flow": Flow.HOSTED},
        declined_status=PaymentStatus.REQUIRES_ACTION,
        buyer="pays",
        poor_buyer="declined",
        values=known,
    )


def jazzcash(sandbox: SandboxClient) -> Merchant:
    """JazzCash: a wallet whose owner approves at once."""
    return Merchant(
        alias="jazzcash",
        pays={"flow": Flow.DIRECT, "payer": {"phone": "03123456789"}},
        declines={"flow": Flow.DIRECT, "payer": {"phone": "03120000095"}},
        sends_again=False,
        currency="PKR",
        in_worker=True,
        finds_refunds=False,
        values={**sandbox.settings("jazzcash"), "WALLET_VERSION": "1.1"},
    )


def easypaisa(sandbox: SandboxClient) -> Merchant:
    """EasyPaisa: a mobile account whose owner approves at once."""
    return Merchant(
        alias="easypaisa",
        pays={"flow": Flow.DIRECT, "payer": {"phone": "03451234567"}},
        declines={"flow": Flow.DIRECT, "payer": {"phone": "03450000009"}},
        sends_again=False,
        currency="PKR",
        in_worker=True,
        values=sandbox.settings("easypaisa"),
    )


MERCHANTS: dict[str, Callable[[SandboxClient], Merchant]] = {
    "stripe": stripe,
    "paypal": paypal,
    "square": square,
    "jazzcash": jazzcash,
    "easypaisa": easypaisa,
}
REFUNDING = ("stripe", "paypal", "square", "jazzcash")
"""Those whose refunds are made by a call."""

HOLDING = KEEPING = ("stripe", "paypal", "square")
"""Those that can hold an amount and take it later, and those that keep a payment method."""
