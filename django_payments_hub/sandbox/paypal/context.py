"""What a handler works with: the account, the body and the books."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from django_payments_hub.sandbox.ledger import Kind
from django_payments_hub.sandbox.paypal.account import Account
from django_payments_hub.sandbox.paypal.reading import Body
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.wire import Json

if TYPE_CHECKING:
    from django_payments_hub.sandbox.paypal.mount import PayPalMount

ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
ORDERS_WINDOW = timedelta(hours=6)
PAYMENTS_WINDOW = timedelta(days=45)
VAULT_WINDOW = timedelta(hours=3)


@dataclass(kw_only=True)
class Context:
    """One unit of work on one account; the state lock is held. ``full`` is ``Prefer: return=representation``."""

    world: World
    mount: "PayPalMount"
    account: Account
    base_url: str
    """Of the mount, without a slash at its end."""
    body: Body = field(default_factory=Body)
    args: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    full: bool = False
    request_id: str | None = None
    mock: str | None = None
    delay_s: float = 0.0
    """The answer is held back so long, after the lock is let go."""

    def link(self, path: str, rel: str, method: str = "GET") -> Json:
        """A HATEOAS link to a path of the API."""
        return {"href": f"{self.base_url}{path}", "rel": rel, "method": method}

    def book(self, kind: Kind, payment: Json, object_id: str, minor: int, currency: str) -> None:
        """Write one movement into the ledger; ``payment`` is any authorization, capture or refund of it."""
        if minor <= 0:
            return
        self.world.ledger.append(
            provider="paypal",
            account=self.account.id,
            kind=kind,
            payment=self.account.behind(payment).payment,
            object_id=object_id,
            amount_minor=minor,
            currency=currency,
            at=self.world.clock.now().isoformat(),
            metadata=marks(payment),
        )


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a handler answers: no body at all for None."""

    status: int = 200
    body: Json | None = None


Handler = Callable[[Context], Reply]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation. ``window``: how long PayPal-Request-Id is kept. ``again`` tells the latest state for a repeated
    call from the id in the first answer, with ``again_status``.
    """

    method: str
    path: str
    operation: str
    handler: Handler
    window: timedelta | None = None
    again: Callable[[Context, str], Json] | None = None
    again_status: int = 200


def marks(obj: Json) -> dict[str, str]:
    """What the merchant wrote on an object."""
    names = ("custom_id", "invoice_id", "reference_id")
    return {name: str(obj[name]) for name in names if obj.get(name) is not None}
