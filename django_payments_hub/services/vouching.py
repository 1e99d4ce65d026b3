"""What a person vouches for: who may, when it was, and the words he gives for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone

from django_payments_hub.domain.card_data import holds_card_number
from django_payments_hub.exceptions import InvalidInput, NotAllowed, RuleViolation
from django_payments_hub.models import Payment

MAX_NOTE = 500
MAX_REASON = 200


def refuse_own(payment: Payment, actor: AbstractBaseUser) -> None:
    """Nobody vouches for his own money.

    By user, by the owner of the order, and by the mail address a guest gave: staff may order as a guest.

    Raises:
        NotAllowed: `own_payment`.
    """
    address = str(getattr(actor, actor.get_email_field_name(), "") or "").casefold()
    is_guest_of_that_name = bool(address) and address == str(payment.payer.get("email", "")).casefold()
    if str(actor.pk) in _owners(payment) or is_guest_of_that_name:
        raise NotAllowed("Nobody may vouch for a payment of his own.", code="own_payment")


def _owners(payment: Payment) -> Iterator[str]:
    order_user_id = payment.order_ref.user_id if payment.order_ref else None
    return (str(key) for key in (payment.user_id, payment.owner_id, order_user_id) if key is not None)


def checked_note(note: str) -> str:
    """The proof in one line of printable text: a statement's line, a receipt's number.

    Raises:
        InvalidInput: `proof_required`, `control`, `max_length`. RuleViolation: `card_number_refused` (S10).
    """
    text = " ".join(note.split())
    if not text:
        raise InvalidInput(
            "Say what proves it, such as the line of the statement.", field="note", code="proof_required"
        )
    if not text.isprintable():
        raise InvalidInput("Control characters are not allowed.", field="note", code="control")
    if len(text) > MAX_NOTE:
        raise InvalidInput(f"The note has more than {MAX_NOTE} characters.", field="note", code="max_length")
    if holds_card_number(text):
        raise RuleViolation("A card number stands in the note.", code="card_number_refused")
    return text


def checked_reason(reason: str) -> str:
    """Why something is done, in one line as it is kept and passed on to the provider; "" for no reason.

    Raises:
        RuleViolation: `card_number_refused` (S10).
    """
    text = " ".join(reason.split())
    if holds_card_number(text):
        raise RuleViolation("A card number stands in the reason.", code="card_number_refused")
    return text[:MAX_REASON]


def checked_moment(moment: datetime, *, field: str) -> datetime:
    """A moment with its time zone, not in the future.

    Raises:
        InvalidInput: `in_future`, or `invalid_input` for one without a time zone.
    """
    if timezone.is_naive(moment):
        raise InvalidInput("The moment lacks its time zone.", field=field)
    if moment > timezone.now():
        raise InvalidInput("That is in the future.", field=field, code="in_future")
    return moment
