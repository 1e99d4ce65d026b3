"""Stripe's object ids, checked before one enters a path, and again when one comes back."""

from __future__ import annotations

import re

from django_payments_hub.provider_kit.ids import checked, same_object, told
from django_payments_hub.provider_kit.reading import Json

__all__ = [
    "customer_id",
    "intent_id",
    "is_intent_id",
    "is_session_id",
    "made_customer",
    "made_intent",
    "made_refund",
    "made_session",
    "made_setup",
    "method_id",
    "refund_id",
    "same_object",
    "session_id",
    "setup_id",
]

_INTENT = re.compile(r"pi_[A-Za-z0-9_]{1,200}", re.ASCII)
_SESSION = re.compile(r"cs_[A-Za-z0-9_]{1,200}", re.ASCII)
# `pyr_` refunds a payment that is not a card's.
_REFUND = re.compile(r"(?:re|pyr)_[A-Za-z0-9_]{1,200}", re.ASCII)
_CUSTOMER = re.compile(r"cus_[A-Za-z0-9_]{1,200}", re.ASCII)
_SETUP = re.compile(r"seti_[A-Za-z0-9_]{1,200}", re.ASCII)
# Cards saved before PaymentMethods keep their ids (docs.stripe.com/payments/payment-methods/transitioning).
_METHOD = re.compile(r"(?:pm|card|src|ba)_[A-Za-z0-9_]{1,200}", re.ASCII)


def is_intent_id(value: str) -> bool:
    """Whether it looks like a PaymentIntent's id."""
    return _INTENT.fullmatch(value) is not None


def is_session_id(value: str) -> bool:
    """Whether it looks like a Checkout Session's id."""
    return _SESSION.fullmatch(value) is not None


def intent_id(value: str) -> str:
    """The id, if it is one of a PaymentIntent; raises Refused(`invalid_object_id`)."""
    return checked(_INTENT, value, "a PaymentIntent")


def session_id(value: str) -> str:
    """The id, if it is one of a Checkout Session; raises Refused(`invalid_object_id`)."""
    return checked(_SESSION, value, "a Checkout Session")


def refund_id(value: str) -> str:
    """The id, if it is one of a Refund; raises Refused(`invalid_object_id`)."""
    return checked(_REFUND, value, "a Refund")


def customer_id(value: str) -> str:
    """The id, if it is one of a Customer; raises Refused(`invalid_object_id`)."""
    return checked(_CUSTOMER, value, "a Customer")


def setup_id(value: str) -> str:
    """The id, if it is one of a SetupIntent; raises Refused(`invalid_object_id`)."""
    return checked(_SETUP, value, "a SetupIntent")


def method_id(value: str) -> str:
    """The id, if it is one of a PaymentMethod; raises Refused(`invalid_object_id`)."""
    return checked(_METHOD, value, "a PaymentMethod")


def made_intent(answer: Json) -> str:
    """The id of a PaymentIntent that was just made; raises OutcomeUnknown for anything else."""
    return told(_INTENT, answer)


def made_session(answer: Json) -> str:
    """The id of a Checkout Session that was just made; raises OutcomeUnknown for anything else."""
    return told(_SESSION, answer)


def made_refund(answer: Json) -> str:
    """The id of a Refund that was just made; raises OutcomeUnknown for anything else."""
    return told(_REFUND, answer)


def made_customer(answer: Json) -> str:
    """The id of a Customer; raises OutcomeUnknown for anything else."""
    return told(_CUSTOMER, answer)


def made_setup(answer: Json) -> str:
    """The id of a SetupIntent; raises OutcomeUnknown for anything else."""
    return told(_SETUP, answer)
