"""Stripe's own way of counting three currencies, and what it asks of three-decimal ones.

Source: docs.stripe.com/currencies, "Zero-decimal currencies", "Special cases", "Three-decimal currencies". ISK and UGX
have no decimals but are sent with two, which must be 00; MGA is sent without decimals. (HUF and TWD are special for
payouts only.)
"""

from __future__ import annotations

from django_payments_hub.domain.money import exponent
from django_payments_hub.exceptions import Refused
from django_payments_hub.provider_kit.reading import Unreadable

_SENT_WITH_TWO_MORE = frozenset({"ISK", "UGX"})
_SENT_WITH_TWO_LESS = frozenset({"MGA"})
_THREE_DECIMALS = 3


def to_wire(amount_minor: int, currency: str) -> int:
    """Minor units (ISO 4217) as Stripe counts them.

    Raises:
        Refused: `invalid_amount`, when Stripe cannot express the amount.
    """
    if exponent(currency) == _THREE_DECIMALS and amount_minor % 10:
        raise Refused(f"Stripe takes {currency} amounts whose last decimal is 0 only.", code="invalid_amount")
    if currency in _SENT_WITH_TWO_MORE:
        return amount_minor * 100
    if currency not in _SENT_WITH_TWO_LESS:
        return amount_minor
    whole, rest = divmod(amount_minor, 100)
    if rest:
        raise Refused(f"Stripe takes {currency} amounts without decimals only.", code="invalid_amount")
    return whole


def from_wire(amount: int, currency: str) -> int:
    """What Stripe tells, in minor units (ISO 4217); raises Unreadable where they cannot express it."""
    if currency in _SENT_WITH_TWO_LESS:
        return amount * 100
    if currency not in _SENT_WITH_TWO_MORE:
        return amount
    whole, rest = divmod(amount, 100)
    if rest:
        raise Unreadable(f"amount has decimals that {currency} has not")
    return whole
