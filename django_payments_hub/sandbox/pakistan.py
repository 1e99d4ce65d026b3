"""What the sandboxes of Pakistan's wallets have in common: their time, their merchants, the numbers of their phones."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from django_payments_hub.sandbox.clock import Clock
from django_payments_hub.sandbox.ledger import Kind
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.wire import Json, copy_object

PKT = timezone(timedelta(hours=5), "PKT")
MOBILE = re.compile(r"03[0-9]{9}")


def derived(purpose: str, merchant: str, alphabet: str, length: int) -> str:
    """A credential that follows from a merchant's id, so that it is the same after a reset."""
    digest = hashlib.sha256(f"{purpose}:{merchant}".encode()).digest()
    return "".join(alphabet[byte % len(alphabet)] for byte in digest[:length])


def read_time(text: str, pattern: str) -> datetime | None:
    """A time of Pakistan's in digits; None when it is none."""
    try:
        moment = datetime.strptime(text, pattern).replace(tzinfo=PKT)
    except ValueError:
        return None
    # strptime takes "2026112" for a date too
    return moment if moment.strftime(pattern) == text else None


def digits(length: int) -> str:
    """A number nobody has seen before."""
    return "".join(secrets.choice("0123456789") for _ in range(length))


@dataclass(kw_only=True)
class Merchant:
    """A merchant's objects and the events not sent yet. Callers hold the sandbox's state lock."""

    id: str
    clock: Clock
    ipn_url: str = ""
    base_url: str = ""
    tables: dict[str, dict[str, Json]] = field(default_factory=dict)
    outbox: list[Json] = field(default_factory=list)

    def table(self, kind: str) -> dict[str, Json]:
        """The objects of a kind by id, in order of creation."""
        return self.tables.setdefault(kind, {})

    def find(self, kind: str, object_id: str) -> Json | None:
        """An object, or None."""
        return self.table(kind).get(object_id)

    def now(self) -> datetime:
        """The present in Pakistan."""
        return self.clock.now().astimezone(PKT)

    def emit(self, type_: str, about: Json) -> None:
        """Record news of a payment, as it is now; they are sent once the call is done."""
        event: Json = {"id": f"ipn_{secrets.token_hex(8)}", "type": type_, "about": copy_object(about)}
        self.table("event")[event["id"]] = event
        self.outbox.append(event)

    def take_outbox(self) -> list[Json]:
        """The events not announced yet."""
        taken, self.outbox = self.outbox, []
        return taken


def book(
    world: World,
    *,
    provider: str,
    merchant: Merchant,
    kind: Kind,
    payment: str,
    amount: int,
    metadata: dict[str, str],
    object_id: str = "",
) -> None:
    """Write a movement of paisa into the ledger."""
    world.ledger.append(
        provider=provider,
        account=merchant.id,
        kind=kind,
        payment=payment,
        object_id=object_id or payment,
        amount_minor=amount,
        currency="PKR",
        at=world.clock.now().isoformat(),
        metadata=metadata,
    )
