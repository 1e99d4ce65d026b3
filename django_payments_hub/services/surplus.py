"""A surplus: money that came in beyond what was asked for, and goes back outside the hub."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from moneyed import Money

from django_payments_hub.domain.money import format_minor, to_minor
from django_payments_hub.exceptions import RuleViolation
from django_payments_hub.models import Payment
from django_payments_hub.services.books import open_books
from django_payments_hub.services.new_payments import OnCommit, told_by
from django_payments_hub.services.vouching import checked_moment, checked_note, refuse_own


def give_back(
    payment_id: UUID,
    *,
    amount: Money | str | None = None,
    paid_at: datetime,
    note: str,
    actor: AbstractBaseUser,
    on_commit: OnCommit | None = None,
) -> Payment:
    """Record that a surplus was given back, all that is left of it unless an amount is given.

    The mark `overpaid` goes with the last of it.

    Args:
        note: what proves that the customer has the money. paid_at: when it was given back.

    Raises:
        NotAllowed: `own_payment`. RuleViolation: `no_surplus`, `surplus_exceeded`.
        InvalidInput: `invalid_amount`, `in_future`, `proof_required`.
    """
    proof, moment = checked_note(note), checked_moment(paid_at, field="paid_at")
    with open_books(payment_id, told_by(actor)) as books:
        payment = books.payment
        refuse_own(payment, actor)
        if payment.surplus_minor == 0:
            raise RuleViolation("Nothing of this payment is a surplus.", code="no_surplus")
        returned = payment.surplus_minor if amount is None else to_minor(amount, payment.currency)
        if returned > payment.surplus_minor:
            raise RuleViolation("That is more than the surplus.", code="surplus_exceeded")
        payment.surplus_minor -= returned
        books.vouched = {
            "surplus_returned": format_minor(returned, payment.currency),
            "surplus_returned_minor": returned,
            "paid_at": moment.isoformat(timespec="seconds"),
            "proof": proof,
        }
        if on_commit is not None:
            on_commit(payment.pk)
    return payment
