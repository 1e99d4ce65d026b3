"""The mark of a payment that needs a person: taken away when somebody has done what was to be done."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser

from django_payments_hub.exceptions import RuleViolation
from django_payments_hub.models import Payment
from django_payments_hub.services.books import EXCESS, SURPLUS, open_books
from django_payments_hub.services.new_payments import told_by
from django_payments_hub.services.vouching import checked_note, refuse_own


def settle(payment_id: UUID, *, note: str, actor: AbstractBaseUser) -> Payment:
    """Take the mark away and keep in the log what was done about it. No amount changes.

    A mark that its cause still puts there stays: more refunded than captured, or a surplus that was not given back, as
    long as the amounts say so. A surplus under another mark is marked when that one is settled.

    Raises:
        NotAllowed: `own_payment`. RuleViolation: `no_attention`, `still_in_excess`, `surplus_left`.
        InvalidInput: `proof_required`.
    """
    done = checked_note(note)
    with open_books(payment_id, told_by(actor)) as books:
        payment = books.payment
        refuse_own(payment, actor)
        if not payment.attention_code:
            raise RuleViolation("Nothing of this payment waits for a person.", code="no_attention")
        if payment.attention_code == EXCESS and payment.excess_minor > 0:
            raise RuleViolation("More is refunded than was captured.", code="still_in_excess")
        if payment.attention_code == SURPLUS and payment.surplus_minor > 0:
            raise RuleViolation("Record that the surplus was given back.", code="surplus_left")
        data: dict[str, object] = {"settled": payment.attention_code, "proof": done}
        payment.attention_code = ""
        books.note("payment.updated", from_status=payment.status, to_status=payment.status, data=data)
    return payment
