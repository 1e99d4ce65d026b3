"""What goes through every mount: the call as received, the answer as given, and ids."""

import json
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Provider objects are kept and served in their wire form, so their shape is the provider's, not a type of ours.
Json = dict[str, Any]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def random_id(length: int = 24) -> str:
    """Letters and digits, unguessable."""
    return "".join(_ALPHABET[byte % 62] for byte in secrets.token_bytes(length))


def copy_object(value: Json) -> Json:
    """A deep copy of a JSON object (copy.deepcopy costs ten times as much)."""
    return {key: _copy(item) for key, item in value.items()}


def _copy(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def plain_error(_status: int) -> Json:
    """The body of an error that no call gave rise to, where a mount has no other."""
    return {"error": {"type": "api_error", "message": "An error."}}


@dataclass(frozen=True, kw_only=True)
class Call:
    """One API call as it was received and understood. ``error_body`` writes an error as its provider does."""

    provider: str
    operation: str
    account: str
    method: str
    path: str
    params: Json = field(default_factory=dict)
    idempotency_key: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    connection: socket.socket | None = None
    error_body: Callable[[int], Json] = plain_error
    # Puts one lie (a kind of fault) into an answer, where the provider's fields are not such as others have
    distort: Callable[[str, Json], Json] | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer. ``executed`` says whether the call got past validation, so that its result is final."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    executed: bool = True
    effect: bool = False
    replayed: bool = False

    def json(self) -> Json | None:
        """The body as a JSON object, or None when it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


def encode(body: Json) -> bytes:
    """A JSON object as bytes."""
    return json.dumps(body).encode()


def json_answer(status: int, body: Json, **kwargs: Any) -> Answer:
    """An answer carrying a JSON object."""
    return Answer(status=status, body=encode(body), **kwargs)
