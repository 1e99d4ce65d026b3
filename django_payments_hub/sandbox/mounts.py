"""What the server and the control API expect of each provider."""

from typing import Protocol

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.wire import Json


class ControlError(Exception):
    """A control action that could not be done; ``details`` go into the answer."""

    def __init__(self, message: str, *, status: int = 400, details: Json | None = None) -> None:
        super().__init__(message)
        self.status, self.details = status, details or {}


class Mount(Protocol):
    """One provider: its API and pages below ``/{name}``, its accounts, its part of the control API."""

    name: str

    def handle(self, request: Request, path: str) -> Response:
        """Answer one request; ``path`` is what follows the mount's prefix. Raises Dropped."""

    def control(self, action: str, body: Json, base_url: str) -> Json:
        """Do a provider's own control action. Raises ControlError, LookupError, ValueError."""

    def describe(self, payment: str) -> Json:
        """``status`` and ``metadata`` of a payment, for the ledger's summary; empty when it is unknown."""

    def notices(self, event_id: str) -> list[Notice]:
        """What sending an event again has to send; empty when it is none of this provider's."""

    def tick(self) -> None:
        """The clock has moved: expire what is due."""

    def reset(self) -> None:
        """Forget everything."""
