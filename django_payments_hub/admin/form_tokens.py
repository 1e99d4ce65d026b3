"""One form, one effect: a double click, a reload or the back button must not move money twice.

A form carries a signed token of its own, bound to the user and the object. Its use is written down as an
`IdempotencyKey` inside the transaction that records the refund or capture; a second use finds it there, under the
payment's lock, and undoes itself. The token runs out before the sweeper forgets keys.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

from django.core import signing
from django.db import IntegrityError, transaction

from django_payments_hub.conf import hub_settings
from django_payments_hub.exceptions import Conflict, InvalidInput
from django_payments_hub.models import IdempotencyKey

_SALT = "payments_hub.admin.form"
_MAX_AGE_S = 12 * 3600


def new_token(user_id: object, purpose: str) -> str:
    """A token for one form: `purpose` names what it does and to which object."""
    return signing.dumps([str(user_id), purpose, uuid4().hex], salt=_SALT)


def once(token: str, *, user_id: object, purpose: str, part: UUID, resource_type: str) -> Callable[[UUID], None]:
    """The `on_commit` of a service: remembers the token's use, or undoes the transaction when it was used before.

    Args:
        part: the object acted on; a form for several objects is used once for each.

    Raises:
        InvalidInput: `form_expired`, at once: the token is not this user's or too old.
        Conflict: `form_already_used`, from the returned function.
    """
    nonce = _nonce(token, user_id, purpose)

    def remember(resource_id: UUID) -> None:
        row = IdempotencyKey(
            principal=f"admin:{user_id}",
            endpoint=f"admin.{part}",
            key=nonce,
            fingerprint="",
            lease_token=uuid4(),
            lease_until=None,
            resource_type=resource_type,
            resource_id=resource_id,
        )
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            raise Conflict("This form was sent before.", code="form_already_used") from None

    return remember


def _nonce(token: str, user_id: object, purpose: str) -> str:
    max_age_s = min(_MAX_AGE_S, hub_settings().idempotency_retention_s)
    try:
        owner, wanted, nonce = signing.loads(token, salt=_SALT, max_age=max_age_s)
    except (signing.BadSignature, ValueError, TypeError):
        raise InvalidInput("The form has run out.", code="form_expired") from None
    if (owner, wanted) != (str(user_id), purpose):
        raise InvalidInput("The form belongs to somebody else.", code="form_expired")
    return str(nonce)
