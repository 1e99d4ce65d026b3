"""One business account, as one client id sees it: its objects and the events it has yet to send."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django_payments_hub.sandbox.clock import Clock
from django_payments_hub.sandbox.paypal import ids
from django_payments_hub.sandbox.paypal.buyers import Buyer
from django_payments_hub.sandbox.paypal.errors import not_found
from django_payments_hub.sandbox.wire import Json, copy_object

_PAYER = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(kw_only=True)
class Behind:
    """What PayPal knows of an object and does not show."""

    buyer: Buyer | None = None
    expires: datetime | None = None
    context: Json = field(default_factory=dict)
    """Where the buyer returns to, and how the page looks."""
    vault: Json = field(default_factory=dict)
    """What is to be saved when the payment succeeds: ``customer``, ``attributes``."""
    order: str = ""
    parent: str = ""
    """Of a capture its authorization, of a refund its capture, of a reauthorization the first authorization."""
    payment: str = ""
    """Under this id the ledger books its money."""
    expired: bool = False
    created: datetime | None = None


@dataclass
class Account:
    """All state of one account. Callers hold the sandbox's state lock."""

    id: str
    clock: Clock
    tables: dict[str, dict[str, Json]] = field(default_factory=dict)
    hidden: dict[str, Behind] = field(default_factory=dict)
    outbox: list[Json] = field(default_factory=list)
    resend: list[tuple[Json, str]] = field(default_factory=list)

    @property
    def merchant_id(self) -> str:
        """The payee: always the same one for a client id."""
        digest = hashlib.sha256(self.id.encode()).digest()
        return "".join(_PAYER[byte % len(_PAYER)] for byte in digest[:13])

    @property
    def payee(self) -> Json:
        """The merchant as orders show him."""
        return {"email_address": "merchant@shop.example", "merchant_id": self.merchant_id}

    def table(self, kind: str) -> dict[str, Json]:
        """The objects of a kind by id, in order of creation."""
        return self.tables.setdefault(kind, {})

    def add(self, kind: str, obj: Json, behind: Behind | None = None, *, key: str = "id") -> Json:
        """Keep a new object."""
        self.table(kind)[obj[key]] = obj
        self.hidden[obj[key]] = behind or Behind()
        self.hidden[obj[key]].created = self.clock.now()
        return obj

    def find(self, kind: str, object_id: str) -> Json | None:
        """An object, or None."""
        return self.table(kind).get(object_id)

    def get(self, kind: str, object_id: str) -> Json:
        """An object named by the path. Raises PayPalError (404)."""
        found = self.find(kind, object_id)
        if found is None:
            raise not_found()
        return found

    def behind(self, obj: Json) -> Behind:
        """What PayPal knows of an object and does not show."""
        return self.hidden[obj["id"]]

    def of(self, kind: str, order_id: str) -> Iterator[Json]:
        """The objects of a kind that belong to an order, in order of creation."""
        return (obj for obj in self.table(kind).values() if self.behind(obj).order == order_id)

    def touch(self, obj: Json, **changes: object) -> None:
        """Change an object and note when: PayPal's times are whole seconds, and no two changes fall into one here."""
        obj.update(changes, update_time=max(ids.now(self.clock), ids.after(obj.get("update_time", ""))))

    def emit(self, type_: str, resource_type: str, resource: Json, summary: str, version: str = "2.0") -> None:
        """Record an event with a snapshot of its resource; it is sent once the call is done."""
        event_id = ids.event_id()
        event: Json = {
            "id": event_id,
            "event_version": "1.0",
            "create_time": self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "resource_type": resource_type,
            "resource_version": version,
            "event_type": type_,
            "summary": summary,
            "resource": copy_object(resource),
        }
        self.add("event", event)
        self.outbox.append(event)

    def take_outbox(self) -> list[Json]:
        """The events not announced yet."""
        taken, self.outbox = self.outbox, []
        return taken
