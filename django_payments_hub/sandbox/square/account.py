"""One Square seller: objects, cards, payment tokens and the events not sent yet."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django_payments_hub.sandbox.clock import Clock
from django_payments_hub.sandbox.square.cards import Card, Nonce
from django_payments_hub.sandbox.square.errors import not_found
from django_payments_hub.sandbox.square.money import COUNTRIES
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

NONCE_LIFETIME = timedelta(hours=24)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def derived_id(prefix: str, secret: str, length: int = 11) -> str:
    """An id that follows from a token without giving it away."""
    digest = hashlib.sha256(f"{prefix}:{secret}".encode()).digest()
    return prefix + "".join(_ALPHABET[byte % 32] for byte in digest[:length])


def merchant_id(token: str) -> str:
    """The seller whom an access token opens."""
    return derived_id("ML", token)


def rfc3339(moment: datetime) -> str:
    """A time as Square writes it, with milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


@dataclass(kw_only=True)
class Account:
    """All state of one seller. Callers hold the sandbox's state lock.

    ``refunds`` says what becomes of a new refund, ``list_lag_s`` how long lists and searches do not show what is new,
    ``reauthorizes`` whether a held payment whose amount is lowered is approved anew.
    """

    id: str
    clock: Clock
    tables: dict[str, dict[str, Json]] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    nonces: dict[str, Nonce] = field(default_factory=dict)
    used_sources: set[str] = field(default_factory=set)
    verified: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    signing: dict[str, tuple[str, str]] = field(default_factory=dict)
    outbox: list[Json] = field(default_factory=list)
    refunds: str = "COMPLETED"
    list_lag_s: float = 0.0
    reauthorizes: bool = False

    def __post_init__(self) -> None:
        self.add_location(derived_id("L", self.id, 12), "USD")

    def now(self) -> str:
        """The sandbox's present."""
        return rfc3339(self.clock.now())

    def add_location(self, location_id: str, currency: str, name: str = "Sandbox") -> Json:
        """Open a location, or change the currency of one."""
        location: Json = {
            "id": location_id,
            "name": name,
            "address": {"address_line_1": "1 Sandbox Street", "country": COUNTRIES.get(currency, "US")},
            "business_name": "Sandbox",
            "capabilities": ["CREDIT_CARD_PROCESSING"],
            "country": COUNTRIES.get(currency, "US"),
            "created_at": self.now()[:19] + "Z",
            "currency": currency,
            "language_code": "en-US",
            "merchant_id": self.id,
            "status": "ACTIVE",
            "timezone": "Etc/UTC",
            "type": "PHYSICAL",
        }
        self.table("location")[location_id] = location
        return location

    @property
    def main_location(self) -> Json:
        """The location that stands in when a call names none."""
        return next(iter(self.table("location").values()))

    def table(self, kind: str) -> dict[str, Json]:
        """The objects of a kind by id, in order of creation."""
        return self.tables.setdefault(kind, {})

    def find(self, kind: str, object_id: str) -> Json | None:
        """An object, or None."""
        return self.table(kind).get(object_id)

    def get(self, kind: str, object_id: str, field: str | None = None) -> Json:
        """An object. Raises SquareError 404; ``field`` is the parameter that named it."""
        found = self.find(kind, object_id)
        if found is None:
            raise not_found(kind.replace("_", " "), object_id, field)
        return found

    def newest(self, kind: str) -> Iterator[Json]:
        """The objects of a kind, newest first."""
        return reversed(self.table(kind).values())

    def touch(self, kind: str, obj: Json) -> None:
        """An object has changed: a new version of it, and its time."""
        self.versions[obj["id"]] = self.versions.get(obj["id"], 0) + 1
        obj["updated_at"] = self.now()
        if kind == "payment":
            obj["version_token"] = f"{random_id(43)}6o"

    def new_nonce(self, card: Card) -> str:
        """A payment token as the Web Payments SDK gets it: good for one use, within a day."""
        token = f"cnon:CBASE{random_id(30)}" if card.kind == "CARD" else f"bauth:{random_id(22)}"
        self.nonces[token] = Nonce(card=card, expires=self.clock.now() + NONCE_LIFETIME)
        return token

    # Events -----------------------------------------------------------------------------------------------------------

    def emit(
        self, type_: str, kind: str, obj: Json, *, object_id: str | None = None, with_location: bool = False
    ) -> None:
        """Record an event with a snapshot of the object; it is sent once the call is done."""
        snapshot, object_id = copy_object(obj), object_id or obj["id"]
        if kind in ("payment", "refund"):
            snapshot["version"] = self.versions[obj["id"]]
        event: Json = {"merchant_id": self.id}
        if with_location:
            event["location_id"] = obj["location_id"]
        event |= {"type": type_, "event_id": str(uuid.uuid4()), "created_at": self.now()}
        event["data"] = {"type": kind, "id": object_id, "object": {kind: snapshot}}
        self.table("event")[event["event_id"]] = event
        self.outbox.append(event)

    def take_outbox(self) -> list[Json]:
        """The events not announced yet."""
        taken, self.outbox = self.outbox, []
        return taken

    def subscriptions_for(self, type_: str) -> list[Json]:
        """The enabled subscriptions to a type of event."""
        table = self.table("subscription").values()
        return [one for one in table if one["enabled"] and type_ in one["event_types"]]
