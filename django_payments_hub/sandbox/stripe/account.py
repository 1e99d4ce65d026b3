"""One Stripe test account: its objects, its cards and the events it has yet to send."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django_payments_hub.sandbox.clock import Clock
from django_payments_hub.sandbox.delivery import Notice, Signer
from django_payments_hub.sandbox.stripe.cards import Card
from django_payments_hub.sandbox.stripe.errors import not_found
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

if TYPE_CHECKING:
    from django_payments_hub.sandbox.stripe.listener import Listener

API_VERSION = "2026-10-28.endive"
# What Stripe calls each kind in "No such ...", and the parameter that it blames where the id stood in the path
NAMES = {
    "payment_intent": ("payment_intent", "intent"),
    "payment_method": ("PaymentMethod", "payment_method"),
    "setup_intent": ("setupintent", "intent"),
    "checkout.session": ("checkout.session", "session"),
    "event": ("event", "id"),
    "balance_transaction": ("balance transaction", "id"),
    "webhook_endpoint": ("webhook endpoint", "webhook_endpoint"),
}


@dataclass
class Account:
    """All state of one account. Callers hold the sandbox's state lock."""

    id: str
    clock: Clock
    tables: dict[str, dict[str, Json]] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    set_up: set[str] = field(default_factory=set)
    used_up: set[str] = field(default_factory=set)
    authenticated: set[str] = field(default_factory=set)
    secrets: dict[str, list[str]] = field(default_factory=dict)
    outbox: list[Json] = field(default_factory=list)
    resend: list[tuple[Json, str | None]] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    listeners: list["Listener"] = field(default_factory=list)
    listener_secret: str = field(default_factory=lambda: f"whsec_{secrets.token_hex(32)}")
    request: Json = field(default_factory=lambda: {"id": None, "idempotency_key": None})

    def new(self, kind: str, prefix: str, fields: Json) -> Json:
        """Create and keep an object with the fields that all of Stripe's objects share."""
        obj = {
            "id": f"{prefix}_{random_id()}",
            "object": kind,
            "created": self.clock.timestamp(),
            "livemode": False,
            **fields,
        }
        self.table(kind)[obj["id"]] = obj
        return obj

    def table(self, kind: str) -> dict[str, Json]:
        """The objects of a kind by id, in order of creation."""
        return self.tables.setdefault(kind, {})

    def find(self, kind: str, object_id: str) -> Json | None:
        """An object, or None."""
        return self.table(kind).get(object_id)

    def get(self, kind: str, object_id: str, param: str | None = None) -> Json:
        """An object named by the path, or by a parameter. Raises StripeError (404, or 400 for a parameter)."""
        found = self.find(kind, object_id)
        if found is None:
            name, blamed = NAMES.get(kind, (kind, kind))
            raise not_found(name, object_id, param or blamed, in_path=param is None)
        return found

    def newest(self, kind: str) -> Iterator[Json]:
        """The objects of a kind, newest first."""
        return reversed(self.table(kind).values())

    # Events -----------------------------------------------------------------------------------------------------------

    def emit(self, type_: str, obj: Json, previous: Json | None = None) -> None:
        """Record an event with a snapshot of the object; it is sent once the call is done."""
        data: Json = {"object": copy_object(obj)}
        if previous is not None:
            data["previous_attributes"] = copy_object(previous)
        fields = {
            "api_version": API_VERSION,
            "data": data,
            "pending_webhooks": 0,
            "request": dict(self.request),
            "type": type_,
        }
        event = self.new("event", "evt", fields)
        event["pending_webhooks"] = len(self.endpoints_for(type_))
        self.outbox.append(event)

    def take_outbox(self) -> list[Json]:
        """The events not announced yet."""
        taken, self.outbox = self.outbox, []
        return taken

    def endpoints_for(self, type_: str) -> list[Json]:
        """The enabled endpoints that listen to an event type."""
        return [
            endpoint
            for endpoint in self.table("webhook_endpoint").values()
            if endpoint["status"] == "enabled"
            and ("*" in endpoint["enabled_events"] or type_ in endpoint["enabled_events"])
        ]


def signature_header(secrets: list[str], body: bytes, timestamp: int) -> str:
    """A ``Stripe-Signature`` header: one v1 per active secret of the endpoint."""
    signed = str(timestamp).encode() + b"." + body
    digests = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests)])


def signer(secrets: list[str]) -> Signer:
    """Signs with the secrets as they are at the time of sending."""

    def sign(body: bytes, timestamp: int) -> dict[str, str]:
        return {
            "Stripe-Signature": signature_header(secrets, body, timestamp),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }

    return sign


__all__ = ["API_VERSION", "Account", "Notice", "signature_header", "signer"]
