"""The address of the hub's page that posts a form: nobody guesses it, and it opens nothing but that page.

The page shows what must not be public (a merchant's password, where a provider wants it posted by the browser), so a
payment's id alone does not lead there: the address is signed with the project's SECRET_KEY.
"""

from __future__ import annotations

from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.urls import NoReverseMatch, reverse

from django_payments_hub.conf import hub_settings
from django_payments_hub.models import Payment

_SALT = "django_payments_hub.form"


def address_of(payment: Payment) -> str:
    """Where the payment's form is posted from; "" when the project does not say how it is reached."""
    base = hub_settings().public_url.rstrip("/")
    if not base:
        return ""
    signature = Signer(salt=_SALT).signature(str(payment.pk))
    try:
        return base + reverse("payments_hub:form", kwargs={"payment_id": payment.pk, "signature": signature})
    except NoReverseMatch:
        return ""


def is_genuine(payment_id: UUID, signature: str) -> bool:
    """Whether the hub made this address."""
    try:
        Signer(salt=_SALT).unsign(f"{payment_id}:{signature}")
    except BadSignature:
        return False
    return True
