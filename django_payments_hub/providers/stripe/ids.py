"""Stripe's object ids, checked before one enters a path, and again when one comes back."""

from __future__ import annotations

import re

from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.provider_kit.reading import Json, text, unreadable_answer

_INTENT = re.compile(r"pi_[A-Za-z0-9_]{1,200}", re.ASCII)
_SESSION = re.compile(r"cs_[A-Za-z0-9_]{1,200}", re.ASCII)
# `pyr_` refunds a payment that is not a card's.
_REFUND = re.compile(r"(?:re|pyr)_[A-Za-z0-9_]{1,200}", re.ASCII)


def is_intent_id(value: str) -> bool:
    """Whether it looks like a PaymentIntent's id."""
    return _INTENT.fullmatch(value) is not None


def is_session_id(value: str) -> bool:
    """Whether it looks like a Checkout Session's id."""
    return _SESSION.fullmatch(value) is not None


def intent_id(value: str) -> str:
    """The id, if it is one of a PaymentIntent; raises Refused(`invalid_object_id`)."""
    return _checked(_INTENT, value, "a PaymentIntent")


def session_id(value: str) -> str:
    """The id, if it is one of a Checkout Session; raises Refused(`invalid_object_id`)."""
    return _checked(_SESSION, value, "a Checkout Session")


def refund_id(value: str) -> str:
    """The id, if it is one of a Refund; raises Refused(`invalid_object_id`)."""
    return _checked(_REFUND, value, "a Refund")


def _checked(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise Refused(f"Not the id of {what}.", code="invalid_object_id")
    return value


def same_object(answer: Json, asked: str) -> Json:
    """The answer, if it is about the object asked for; raises OutcomeUnknown(`unexpected_object`)."""
    with unreadable_answer():
        if text(answer, "id") != asked:
            raise OutcomeUnknown("Stripe answered about another object.", code="unexpected_object")
    return answer


def made_intent(answer: Json) -> str:
    """The id of a PaymentIntent that was just made; raises OutcomeUnknown for anything else."""
    return _made(_INTENT, answer)


def made_session(answer: Json) -> str:
    """The id of a Checkout Session that was just made; raises OutcomeUnknown for anything else."""
    return _made(_SESSION, answer)


def made_refund(answer: Json) -> str:
    """The id of a Refund that was just made; raises OutcomeUnknown for anything else."""
    return _made(_REFUND, answer)


def _made(pattern: re.Pattern[str], answer: Json) -> str:
    with unreadable_answer():
        value = text(answer, "id")
    if not pattern.fullmatch(value):
        raise OutcomeUnknown("Stripe answered with an object of another kind.", code="unexpected_object")
    return value
