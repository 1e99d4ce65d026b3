"""What the host's order tells the hub about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from moneyed import Money

UserKey = int | str | UUID | None
"""Primary key of a user of the host, whatever its type; None for nobody."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the order, for receipts and hosted pages."""

    name: str
    quantity: int
    unit_amount: Money


@dataclass(frozen=True, kw_only=True)
class Payable:
    """What is to be paid, by whom.

    Args:
        amount: the whole price of the order; the hub never takes a price from a client.
        owner_id: primary key of the user the order belongs to; None for a guest.
        guest_token: the secret a guest proves the order with; "" when guests may not pay it.
        allow_partial: a payment may be for less than what is still open, such as a deposit.
        email: the customer's address, for the provider's receipt.
    """

    amount: Money
    owner_id: UserKey = None
    guest_token: str = field(default="", repr=False)
    allow_partial: bool = False
    description: str = ""
    email: str = ""
    lines: tuple[Line, ...] = ()


class PayableOrder(Protocol):
    """The protocol of `PAYMENTS_HUB["ORDER_MODEL"]`.

    `on_payment_update(payment)` is optional: it runs inside the transaction that changes the payment, in a savepoint.
    """

    def payable(self, user: object | None) -> Payable | None:
        """What this user (None: a guest) is to pay; None when this order is not for him to pay or not payable."""
