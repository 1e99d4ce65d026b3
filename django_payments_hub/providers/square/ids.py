"""Square's object ids, checked before one enters a path (the SDK does not quote them), and when one comes back."""

from __future__ import annotations

import re

from django_payments_hub.exceptions import Refused
from django_payments_hub.provider_kit.ids import checked, same_object, told, unexpected
from django_payments_hub.provider_kit.reading import Json

__all__ = [
    "card_id",
    "customer_id",
    "link_id",
    "one_time_token",
    "payment_id",
    "refund_id",
    "same_object",
    "source_id",
    "told_id",
    "unexpected",
]

# The lengths are those of the published document (connect.squareup.com, components.schemas).
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,192}", re.ASCII)
_REFUND = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)
_CARD = re.compile(r"(?:[a-z]{2,8}:)?[A-Za-z0-9_-]{1,64}", re.ASCII)
_CUSTOMER = re.compile(r"[A-Za-z0-9_-]{1,191}", re.ASCII)
# `CASH` and `EXTERNAL` record money that Square never moves: never to be had by a customer's word.
_SOURCE = re.compile(r"[!-~]{1,16384}", re.ASCII)
_NO_SOURCES = frozenset({"CASH", "EXTERNAL"})
_KEPT = ("ccof:", "gftc:")


def payment_id(value: str) -> str:
    """The id, if it can be one of a payment; raises Refused(`invalid_object_id`)."""
    return checked(_PLAIN, value, "a payment")


def link_id(value: str) -> str:
    """The id, if it can be one of a payment link; raises Refused(`invalid_object_id`)."""
    return checked(_PLAIN, value, "a payment link")


def refund_id(value: str) -> str:
    """The id, if it can be one of a refund; raises Refused(`invalid_object_id`)."""
    return checked(_REFUND, value, "a refund")


def card_id(value: str) -> str:
    """The id, if it can be one of a card on file; raises Refused(`invalid_object_id`)."""
    return checked(_CARD, value, "a card on file")


def customer_id(value: str) -> str:
    """The id, if it can be one of a customer; raises Refused(`invalid_object_id`)."""
    return checked(_CUSTOMER, value, "a customer")


def source_id(value: str) -> str:
    """The token, if it can be one of the Web Payments SDK or of a card on file; raises Refused(`invalid_token`)."""
    if not _SOURCE.fullmatch(value) or value.upper() in _NO_SOURCES:
        raise Refused("Not a payment token.", code="invalid_token")
    return value


def one_time_token(value: str) -> str:
    """The token, if it was made for one use (`cnon:...`); raises Refused(`invalid_token`).

    A card on file and a gift card have ids that can be paid with, too, and a card can be kept by the id of a payment
    made with it, which stands on every receipt: none of them is to be had by a customer's word (S26).
    """
    token = source_id(value)
    if ":" not in token or token.lower().startswith(_KEPT):
        raise Refused("Not a one-time payment token.", code="invalid_token")
    return token


def told_id(answer: Json, key: str = "id") -> str:
    """An id that Square tells, fit to enter a path; raises OutcomeUnknown for anything else."""
    return told(_REFUND, answer, key)
