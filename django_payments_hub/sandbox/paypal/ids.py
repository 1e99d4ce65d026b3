"""PayPal's ids, by the patterns of its published documents."""

import secrets
from datetime import datetime, timedelta

from django_payments_hub.sandbox.clock import Clock

_TIME = "%Y-%m-%dT%H:%M:%SZ"

_CAPITALS = "0123456789ABCDEFGHJKLMNOPRSTUVWXY"
_PAYER = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_SMALL = "0123456789abcdefghijklmnopqrstuvwxyz"


def _pick(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def resource_id() -> str:
    """Of an order, an authorization, a capture, a refund, a webhook, a setup token."""
    return _pick("123456789", 1) + _pick(_CAPITALS, 15) + _pick("ABCDEFGHJKLMNPRSTUVWXY", 1)


def payer_id() -> str:
    """Of an account, a buyer's or a merchant's."""
    return _pick(_PAYER, 13)


def token_id() -> str:
    """Of a saved payment method."""
    return _pick(_SMALL, 17)


def customer_id() -> str:
    """Of a customer in the vault."""
    return _pick(_SMALL.upper(), 10)


def event_id() -> str:
    """Of an event."""
    return f"WH-{resource_id()}-{resource_id()}"


def dispute_id() -> str:
    """Of a dispute."""
    return f"PP-D-{_pick('123456789', 1)}{_pick('0123456789', 5)}"


def debug_id() -> str:
    """What PayPal's support asks for."""
    return secrets.token_hex(7)[:13]


def now(clock: Clock) -> str:
    """The present as PayPal writes times."""
    return clock.now().strftime(_TIME)


def after(moment: str) -> str:
    """The next moment that PayPal can write; "" after none."""
    return (datetime.fromisoformat(moment) + timedelta(seconds=1)).strftime(_TIME) if moment else ""
