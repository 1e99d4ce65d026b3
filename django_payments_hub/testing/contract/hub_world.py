"""A project whose only account is the bench's: what customers, workers and the sweeper do in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F
from django.utils import timezone

from django_payments_hub.domain.money import format_minor
from django_payments_hub.domain.statuses import (
    CaptureMethod,
    Flow,
    MethodStatus,
    Mode,
    NextActionKind,
    OperationState,
    RefundStatus,
    Stage,
)
from django_payments_hub.models import (
    Customer,
    EventDelivery,
    Operation,
    Payment,
    PaymentMethod,
    ProviderAccount,
    Refund,
    WebhookEvent,
)
from django_payments_hub.provider_kit.types import NextAction, PaymentFact
from django_payments_hub.services import accounts, inbox, operations, payments, refunds, sweeper
from django_payments_hub.testing.contract.bench import Bench, Books, Means, Notice, Token
from django_payments_hub.testing.contract.cashier import AMOUNT, CANCEL_URL, Cashier

ALIAS = "contract"
_ROUNDS = 15


@dataclass(frozen=True)
class HubWorld:
    """The hub's services over one bench. Nothing runs by itself: a test says when the sweeper comes."""

    bench: Bench
    till: Cashier

    # -- use cases -----------------------------------------------------------------------------------------------------

    def wish(self, flow: Flow, means: Means = Means.PAYS, **more: Any) -> payments.NewPayment:
        """A payment of 12.50 without an order."""
        wanted: dict[str, Any] = {
            "amount": format_minor(AMOUNT, self.till.currency),
            "currency": self.till.currency,
            "flow": flow,
            "method_kind": self.till.method_kind,
            "cancel_url": CANCEL_URL,
            "description": "Two cups of tea",
        }
        if flow is Flow.DIRECT:
            payer = self.bench.payer()
            wanted["payer"] = {"phone": payer.phone, "national_id": payer.national_id}
        if flow is Flow.TOKEN:
            wanted |= self._with_token(self.bench.token(means))
        return payments.NewPayment(account=ALIAS, **{**wanted, **more})

    def _with_token(self, token: Token) -> dict[str, Any]:
        if not token.saved:
            return {"method_token": token.method_token}
        user = get_user_model().objects.create_user(f"ann-{token.method_token}")
        account = accounts.get(ALIAS).row
        customer = Customer.objects.create(
            user=user, account=account, mode=Mode.TEST.value, provider_customer_id=token.customer_token
        )
        method = PaymentMethod.objects.create(
            user=user,
            account=account,
            customer=customer,
            mode=Mode.TEST.value,
            status=MethodStatus.ACTIVE.value,
            provider_method_id=token.method_token,
        )
        return {"user": user, "payment_method": method}

    def begin(self, flow: Flow, means: Means = Means.PAYS, **more: Any) -> Payment:
        """The payment after the request that makes it."""
        return self.create(self.wish(flow, means, **more))

    def create(self, wish: payments.NewPayment) -> Payment:
        """The payment after its first call: a worker makes that of a slow provider."""
        payment = payments.create(wish)
        left = Operation.objects.filter(payment=payment, state=OperationState.CREATED.value).first()
        if left is not None and self.till.provider.capabilities.runs_in_worker:
            operations.resume(left.pk)
        return fresh(payment)

    def act(self, payment: Payment, means: Means = Means.PAYS) -> None:
        """The customer's part."""
        self.bench.act(fact_of(payment), means)

    def paid(self, flow: Flow | None = None, **more: Any) -> Payment:
        """A payment that the customer has paid, and the hub knows it."""
        payment = self.begin(flow or self.till.paying_flow(), **more)
        if payment.next_action:
            self.act(payment)
            payment = self.learned(payment)
        return payment

    def held(self) -> Payment:
        """A payment that is authorised."""
        return self.paid(self.till.holding_flow(), capture_method=CaptureMethod.MANUAL)

    def refunded(self, payment: Payment, minor: int) -> Refund:
        """A refund, asked for and carried out by a worker."""
        asked = refunds.request(payment.pk, amount=format_minor(minor, payment.currency), reason="broken cup")
        return refunds.execute(asked.pk)

    # -- learning ------------------------------------------------------------------------------------------------------

    def learned(self, payment: Payment) -> Payment:
        """Ask the provider, and let the sweeper finish what follows from the answer."""
        try:
            payments.sync(payment.pk)
        finally:
            self.converge()
        return fresh(payment)

    def hear(self, notices: list[Notice]) -> None:
        """File notices as they came, and work through the inbox."""
        for notice in notices:
            inbox.receive(accounts.get(ALIAS), notice.body, notice.headers)
        inbox.drain()

    def converge(self) -> None:
        """Time passes and the sweeper runs, until nothing is left to do."""
        for _ in range(_ROUNDS):
            waiting = Operation.objects.filter(next_attempt_at__isnull=False).exists()
            notices = WebhookEvent.objects.filter(next_attempt_at__isnull=False).exists()
            if not waiting and not notices:
                return
            make_due(self.bench.settles_after_s)
            sweeper.sweep()

    # -- judging -------------------------------------------------------------------------------------------------------

    def books(self, payment: Payment) -> Books:
        """Where the money really is."""
        return self.bench.books(payment.reference)

    def agrees(self, payment: Payment) -> None:
        """Fails unless the hub's books say of the money what the provider's own say."""
        row, books = fresh(payment), self.books(payment)
        assert row.attention_code == "", row.attention_code
        assert (row.captured_minor, row.capturable_minor) == (books.captured, books.held)
        told = row.refunded_minor + _under_way(row)
        assert row.refunded_minor <= books.refunded <= told if _under_way(row) else told == books.refunded


def fact_of(payment: Payment) -> PaymentFact:
    """What the hub knows of a payment, as the customer's browser has it."""
    action = payment.next_action or {}
    return PaymentFact(
        stage=Stage(payment.stage),
        currency=payment.currency,
        mode=Mode(payment.mode),
        reference=payment.reference,
        provider_payment_id=payment.provider_payment_id or "",
        provider_session_id=payment.provider_session_id or "",
        amount_minor=payment.amount_minor,
        next_action=NextAction(
            kind=NextActionKind(action["type"]), url=str(action["url"]), fields=dict(action["fields"])
        )
        if action
        else None,
    )


def fresh(payment: Payment) -> Payment:
    """The row as it is now."""
    return Payment.objects.select_related("account").get(pk=payment.pk)


def make_due(seconds: float = 0.0) -> None:
    """Let every pause and lease of the hub end, and what was sent be so much older: how a test waits."""
    past = timezone.now() - timedelta(seconds=1)
    open_ones = Operation.objects.filter(next_attempt_at__isnull=False)
    open_ones.filter(lease_until__isnull=False).update(lease_until=past)
    open_ones.filter(first_sent_at__isnull=False).update(first_sent_at=F("first_sent_at") - timedelta(seconds=seconds))
    open_ones.update(next_attempt_at=past)
    for rows in (WebhookEvent, EventDelivery):
        rows.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=past)
    ProviderAccount.objects.filter(paused_until__isnull=False).update(paused_until=past)
    accounts.forget()


def _under_way(payment: Payment) -> int:
    rows = Refund.objects.filter(payment=payment, status=RefundStatus.PROCESSING.value)
    return sum(row.amount_minor for row in rows)
