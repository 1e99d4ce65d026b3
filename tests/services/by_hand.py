"""The account `manual`, its payments, and the people who vouch for money."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from django_payments_hub.domain.statuses import MethodKind
from django_payments_hub.models import Payment, TransactionLog
from django_payments_hub.services import accounts, orders, payments, receipts
from django_payments_hub.services.payments import NewPayment
from tests.services.world import make_order, make_user

ACCOUNT: dict[str, object] = {
    "PROVIDER": "manual",
    "MODE": "test",
    "METHODS": ["cash", "bank_transfer", "cheque"],
    "BANK_DETAILS": {"account_holder": "Tea Ltd", "iban": "DE89 3704 0044 0532 0130 00"},
    "CHEQUE_DETAILS": "Payable to Tea Ltd",
}


def offer_manual(settings: Any, **changes: object) -> None:
    """Add the account `manual` to those of the test's settings."""
    hub = settings.PAYMENTS_HUB
    settings.PAYMENTS_HUB = {**hub, "ACCOUNTS": {**hub["ACCOUNTS"], "manual": {**ACCOUNT, **changes}}}
    accounts.forget()


def promise(amount: str = "10.00", *, kind: MethodKind | None = MethodKind.BANK_TRANSFER, **more: Any) -> Payment:
    """A payment the customer has instructions for; of a new order of this price with `user=`."""
    if (user := more.get("user")) is not None:
        more.setdefault("terms", orders.terms_of(make_order(amount, user=user), user))
    if more.get("terms") is None:
        more |= {"amount": amount, "currency": "USD"}
    return payments.create(NewPayment(account="manual", method_kind=kind, **more))


def clerk(**more: Any) -> User:
    return make_user(is_staff=True, **more)


def receive(payment: Payment, amount: str = "10.00", *, by: User | None = None, **more: Any) -> Payment:
    """A clerk tells that money came in an hour ago."""
    told: dict[str, Any] = {"received_at": ago(hours=1), "note": "statement 7, line 4", **more}
    return receipts.record(payment.pk, amount=amount, actor=by or clerk(), **told)


def ago(**time: int) -> datetime:
    return timezone.now() - timedelta(**time)


def last_entry(payment: Payment, event: str) -> TransactionLog:
    return TransactionLog.objects.filter(payment=payment, event=event).latest("position")
