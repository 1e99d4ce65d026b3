"""PayPal's object ids and our references, checked before one enters a path, and again when one comes back."""

from __future__ import annotations

import re
from uuid import UUID

from django_payments_hub.provider_kit.ids import checked, same_object, told
from django_payments_hub.provider_kit.reading import Json, optional_text

__all__ = [
    "is_object_id",
    "made",
    "made_in_vault",
    "object_id",
    "payment_reference",
    "reference_in",
    "same_object",
    "vault_id",
]

# The published documents: orders up to 36 characters, the others without a bound; PayPal's own are 17 capitals and
# digits.
_OBJECT = re.compile(r"[A-Z0-9]{1,36}", re.ASCII)
_VAULT = re.compile(r"[0-9a-zA-Z_-]{1,36}", re.ASCII)


def is_object_id(value: str) -> bool:
    """Whether it looks like the id of an order, an authorization, a capture or a refund."""
    return _OBJECT.fullmatch(value) is not None


def object_id(value: str) -> str:
    """The id, if it looks like one of those; raises Refused(`invalid_object_id`)."""
    return checked(_OBJECT, value, "one of PayPal's objects")


def vault_id(value: str) -> str:
    """The id, if it looks like one of a token or customer of the vault; raises Refused(`invalid_object_id`)."""
    return checked(_VAULT, value, "something in PayPal's vault")


def made(answer: Json) -> str:
    """The id of an order or refund that was just made; raises OutcomeUnknown for anything else."""
    return told(_OBJECT, answer)


def made_in_vault(answer: Json) -> str:
    """The id of a token that was just made; raises OutcomeUnknown for anything else."""
    return told(_VAULT, answer)


def payment_reference(data: Json) -> str:
    """The payment's reference on a purchase unit or on what was made of one; "" on another system's.

    Its second name is the invoice's, where PayPal does not repeat the first.
    """
    return reference_in(optional_text(data, "custom_id") or optional_text(data, "invoice_id"))


def reference_in(value: str) -> str:
    """The hub's reference, which is a UUID; "" for what another system has put there."""
    try:
        return value if str(UUID(value)) == value else ""
    except ValueError:
        return ""
