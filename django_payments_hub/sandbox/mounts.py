"""What the server and the control API expect of each provider."""

from dataclasses import dataclass, field
from typing import Protocol

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.wire import Json


class ControlError(Exception):
    """A control action that could not be done; ``details`` go into the answer."""

    def __init__(self, message: str, *, status: int = 400, details: Json | None = None) -> None:
        super().__init__(message)
        self.status, self.details = status, details or {}


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A notice that proves where it comes from: by its headers, or by something in its body."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Mount(Protocol):
    """One provider: its API and pages below ``/{name}``, its accounts, its part of the control API."""

    name: str

    def handle(self, request: Request, path: str) -> Response:
        """Answer one request; ``path`` is what follows the mount's prefix. Raises Dropped."""

    def settings(self, base_url: str) -> Json:
        """What an account of a client needs to be pointed here: ``API_BASE``, and what proves this mount's notices."""

    def control(self, action: str, body: Json, base_url: str) -> Json:
        """Do something behind the merchant's back. The object is named in the body by ``payment``, ``session``,
        ``refund``, ``setup`` or ``endpoint``.

        Raises LookupError when the action or the object is not known here, ControlError or ValueError when it fails.
        """

    def sign(self, secret: str, url: str, body: bytes, timestamp: int) -> Signed:
        """A notice to ``url`` as this provider would sign it with the secret."""

    def describe(self, payment: str) -> Json:
        """``status`` of a payment and as ``metadata`` everything of the merchant's on it, for the ledger's summary."""

    def notices(self, event_id: str) -> list[Notice]:
        """What sending an event again has to send; empty when it is none of this provider's."""

    def tick(self) -> None:
        """The clock has moved: expire what is due."""

    def reset(self) -> None:
        """Forget everything."""
