"""Idempotency-Key: the same request of the same principal is carried out once (I4, S20).

What is kept is a pointer to what the request made. It is set inside the transaction that makes it, with the lease's
token as a fence: a request that lost its lease cannot make anything any more, and one that died after making it has
left the pointer for the next.
"""

from __future__ import annotations

import re
import uuid
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from django_payments_hub.api.strict_json import canonical
from django_payments_hub.conf import hub_settings
from django_payments_hub.exceptions import Conflict, InvalidInput, RuleViolation
from django_payments_hub.models import IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"

_SALT = "django_payments_hub.idempotency"
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?", re.ASCII)
_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Whose key it is, for what, and a digest of what was asked."""

    principal: str
    endpoint: str
    key: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What the request made before. `status_code` is what was answered, 0 when nobody lived to answer; `error_code` is
    that of a decline or a refusal.
    """

    resource_id: UUID
    status_code: int
    error_code: str = ""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to carry the request out, until the lease ends."""

    row_id: UUID
    token: UUID
    resource_type: str

    def attach(self, resource_id: UUID) -> None:
        """Point to what is made; called inside the transaction that makes it.

        Raises:
            Conflict: `idempotency_in_flight`, the lease was lost to another request: the transaction is undone.
        """
        if not self._mine().update(resource_type=self.resource_type, resource_id=resource_id):
            raise _in_flight()

    def finish(self, status_code: int, error_code: str = "") -> None:
        """Keep what was answered."""
        self._mine().update(lease_until=None, status_code=status_code, error_code=error_code)

    def release(self) -> None:
        """Give the key back when nothing was made; else leave the pointer to the next request."""
        if not self._mine().filter(resource_id=None).delete()[0]:
            self._mine().update(lease_until=None)

    def _mine(self) -> QuerySet[IdempotencyKey]:
        return IdempotencyKey.objects.filter(pk=self.row_id, lease_token=self.token)


def checked_key(key: str | None) -> str | None:
    """The key a client sent; None for none.

    Raises:
        InvalidInput: `idempotency_key_missing` when the project demands one, `idempotency_key_invalid`.
    """
    if key is None:
        if hub_settings().idempotency_key_required:
            raise InvalidInput("This request needs an Idempotency-Key.", code="idempotency_key_missing")
        return None
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            "An Idempotency-Key has 1 to 255 printable ASCII characters.", code="idempotency_key_invalid"
        )
    return key


def fingerprint(path: str, body: object) -> str:
    """A digest of what is asked: of the address and of the body, however it was written.

    Keyed with the project's SECRET_KEY: else somebody with the database could try out what a body held, six digits of a
    national id say, whose other fields he knows.
    """
    return salted_hmac(_SALT, path.encode() + b"\n" + canonical(body), algorithm="sha256").hexdigest()


def claim(scope: Scope, resource_type: str) -> Claim | Replay:
    """Take the key, or learn what was made under it.

    Raises:
        RuleViolation: `idempotency_mismatch`. Conflict: `idempotency_in_flight`.
    """
    for _round in range(_ROUNDS):
        taken = _insert(scope, resource_type) or _judge(scope, resource_type)
        if taken is not None:
            return taken
    raise _in_flight()


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=hub_settings().idempotency_lease_s)


def _insert(scope: Scope, resource_type: str) -> Claim | None:
    row = IdempotencyKey(
        principal=scope.principal,
        endpoint=scope.endpoint,
        key=scope.key,
        fingerprint=scope.fingerprint,
        lease_token=uuid.uuid4(),
        lease_until=_lease_end(),
    )
    try:
        # A savepoint only where a transaction is open, as in a host's TestCase: each costs two round trips.
        with transaction.atomic() if transaction.get_connection().in_atomic_block else nullcontext():
            row.save(force_insert=True)
    except IntegrityError:
        return None
    return Claim(row_id=row.pk, token=row.lease_token, resource_type=resource_type)


def _judge(scope: Scope, resource_type: str) -> Claim | Replay | None:
    """What an existing row means; None when it has just gone or changed hands, so that it is looked at again."""
    row = IdempotencyKey.objects.filter(principal=scope.principal, endpoint=scope.endpoint, key=scope.key).first()
    if row is None:
        return None
    if row.fingerprint != scope.fingerprint:
        raise RuleViolation("The Idempotency-Key was used with another request.", code="idempotency_mismatch")
    if row.lease_until is not None and row.lease_until > timezone.now():
        raise _in_flight()
    if row.resource_id is not None:
        return Replay(resource_id=row.resource_id, status_code=row.status_code, error_code=row.error_code)
    return _take_over(row, resource_type)


def _take_over(row: IdempotencyKey, resource_type: str) -> Claim | None:
    """Take the key of a request that died. That it made nothing is checked again in the statement that takes it:
    the row may have been attached since it was read.
    """
    token = uuid.uuid4()
    mine = IdempotencyKey.objects.filter(pk=row.pk, lease_token=row.lease_token, resource_id=None)
    if not mine.update(lease_token=token, lease_until=_lease_end()):
        return None
    return Claim(row_id=row.pk, token=token, resource_type=resource_type)


def _in_flight() -> Conflict:
    return Conflict("A request with this Idempotency-Key is under way.", code="idempotency_in_flight")
