"""Receipts: that money came in where no provider tells it, as a line of a bank statement or cash at the door.

A person says so, and it becomes the fact that a provider would have told: status, log, events and the order follow as
with a card. The books only grow: a mistaken receipt is put right by a refund made by hand.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from moneyed import Money

from django_payments_hub.domain.money import format_minor, to_minor
from django_payments_hub.domain.statuses import Mode, PaymentStatus, Stage
from django_payments_hub.exceptions import ConfigurationError, Conflict, RuleViolation
from django_payments_hub.models import Payment, ProviderAccount
from django_payments_hub.provider_kit.types import PaymentFact
from django_payments_hub.services import facts, provider_calls
from django_payments_hub.services.books import Books, open_books
from django_payments_hub.services.new_payments import ABANDONABLE, OnCommit, told_by
from django_payments_hub.services.vouching import checked_moment, checked_note, refuse_own

LATE = "received_late"
"""Attention code of a payment that was given up before its money came in."""

_GIVEN_UP = (PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED)


def record(
    payment_id: UUID,
    *,
    amount: Money | str,
    received_at: datetime,
    note: str,
    actor: AbstractBaseUser,
    accept_difference: bool = False,
    late: bool = False,
    on_commit: OnCommit | None = None,
) -> Payment:
    """Book money that came in for a payment.

    Another amount than is still to come is refused, unless `accept_difference`: then less is captured as it came, and
    the rest of the order is open again; of more, what is to come is captured, and the rest is a surplus: the payment is
    marked `overpaid` until that is given back (`surplus.give_back`).

    Money for a payment that waits for none is refused, unless `late`: it is there, whatever the books thought. One that
    was given up is paid then, and marked for a person, as its order may have been paid otherwise. On one that is paid
    it makes up what came short, and is a surplus beyond that.

    Args:
        amount: all that came in this time. note: what proves it.

    Raises:
        Unsupported: `unsupported_operator_receipts`, the provider tells this itself.
        NotAllowed: `own_payment`.
        RuleViolation: `already_received`, `not_receivable`, `amount_differs` with `expected` and `received`.
        InvalidInput: `invalid_amount`, `in_future`, `proof_required`. Conflict: `operation_in_progress`.
    """
    proof, moment = checked_note(note), checked_moment(received_at, field="received_at")
    with open_books(payment_id, told_by(actor)) as books:
        payment = books.payment
        provider_calls.provider_of(payment.account).require("operator_receipts")
        refuse_own(payment, actor)
        _require_waiting(books, late=late)
        received = to_minor(amount, payment.currency)
        taken = _taken_minor(payment, received, accept_difference=accept_difference)
        books.vouched = _vouched(payment, received, taken, moment, proof)
        books.mark = LATE if payment.status in _GIVEN_UP else ""
        payment.surplus_minor += received - taken
        if taken:
            facts.merge(books, _fact(payment, payment.captured_minor + taken, moment), payment.account)
        if on_commit is not None:
            on_commit(payment.pk)
    return payment


def _require_waiting(books: Books, *, late: bool) -> None:
    payment = books.payment
    if payment.captured_minor > 0 and not late:
        raise RuleViolation(
            "Money for this payment has been received already; more of it is recorded as late.",
            code="already_received",
        )
    if books.operations:
        raise Conflict("Another operation on this payment is under way.", code="operation_in_progress")
    if not late and payment.status not in ABANDONABLE:
        raise RuleViolation(
            "The payment does not wait for money; what came all the same is recorded as late.", code="not_receivable"
        )


def due_minor(payment: Payment) -> int:
    """What was asked for and has not come in."""
    return payment.amount_minor - payment.captured_minor


def _taken_minor(payment: Payment, received_minor: int, *, accept_difference: bool) -> int:
    due = due_minor(payment)
    if due and received_minor != due and not accept_difference:
        expected, received = (format_minor(m, payment.currency) for m in (due, received_minor))
        raise RuleViolation(
            f"{received} {payment.currency} came in, {expected} {payment.currency} were asked for.",
            code="amount_differs",
            details={"expected": expected, "received": received},
        )
    return min(received_minor, due)


def _vouched(
    payment: Payment, received_minor: int, taken_minor: int, moment: datetime, proof: str
) -> dict[str, object]:
    """What the log keeps: amounts for people as decimals, and for programs in minor units."""
    told: dict[str, object] = {
        "amount_received": format_minor(received_minor, payment.currency),
        "received_minor": received_minor,
        "received_at": moment.isoformat(timespec="seconds"),
        "proof": proof,
    }
    surplus_minor = received_minor - taken_minor
    if surplus_minor:
        told |= {"surplus": format_minor(surplus_minor, payment.currency), "surplus_minor": surplus_minor}
    return told


def _fact(payment: Payment, captured_minor: int, occurred_at: datetime) -> PaymentFact:
    return PaymentFact(
        stage=Stage.CAPTURED,
        currency=payment.currency,
        mode=Mode(payment.mode),
        reference=payment.reference,
        provider_payment_id=payment.provider_payment_id or "",
        amount_minor=payment.amount_minor,
        authorized_minor=captured_minor,
        captured_minor=captured_minor,
        occurred_at=occurred_at,
    )


def can_be_received(payment: Payment) -> bool:
    """Whether the payment waits for money that a person would tell of."""
    return payment.status in ABANDONABLE and payment.captured_minor == 0 and _is_told_by_staff(payment.account.provider)


def can_come_late(payment: Payment) -> bool:
    """Whether a person may tell of money although the payment waits for none."""
    is_over = payment.captured_minor > 0 or payment.status in _GIVEN_UP
    return is_over and _is_told_by_staff(payment.account.provider)


def waiting() -> QuerySet[Payment]:
    """Payments that wait for money of which a person would tell."""
    names = ProviderAccount.objects.order_by().values_list("provider", flat=True).distinct()
    told_by_staff = [name for name in names if _is_told_by_staff(name)]
    return Payment.objects.filter(
        status__in=[status.value for status in ABANDONABLE], account__provider__in=told_by_staff
    )


def _is_told_by_staff(provider: str) -> bool:
    try:
        return provider_calls.provider_class(provider).capabilities.operator_receipts
    except ConfigurationError:
        return False  # a provider that is no longer installed
