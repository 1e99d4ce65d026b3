"""Builds the requests about customers and saved methods, from the rows and from nothing else.

The same rows make the same request, so that a repeated call carries the same parameters under its key.
"""

from __future__ import annotations

from django_payments_hub.models import Customer, PaymentMethod
from django_payments_hub.provider_kit.method_types import (
    CustomerRequest,
    DetachMethodRequest,
    FinishMethodRequest,
    SaveMethodRequest,
)
from django_payments_hub.provider_kit.types import Payer

UNNAMED = "unnamed"
"""Parameter of a method: it is saved for a customer whom the provider makes for it."""
ANEW = "anew"
"""Parameter of a method: for a customer who has got his id meanwhile it is begun again, under a key of its own."""


def customer(row: Customer, *, recovering: bool) -> CustomerRequest:
    """Make this customer."""
    payer = Payer(name=str(row.payer.get("name", "")), email=str(row.payer.get("email", "")))
    refused = row.payer.get("refused")  # what was refused before had another key, and another payer
    key = f"{row.pk}-{refused}" if refused else str(row.pk)
    return CustomerRequest(idempotency_key=key, reference=str(row.pk), payer=payer, recovering=recovering)


def save(row: PaymentMethod) -> SaveMethodRequest:
    """Keep this method, or begin to."""
    known = row.parameters
    return SaveMethodRequest(
        idempotency_key=f"{row.pk}-anew" if known.get(ANEW) else str(row.pk),
        reference=str(row.pk),
        customer_token="" if known.get(UNNAMED) else row.customer.provider_customer_id or "",
        method_token=str(known.get("method_token", "")),
        payment_token=str(known.get("payment_token", "")),
        return_url=str(known.get("return_url", "")),
        cancel_url=str(known.get("cancel_url", "")),
        recovering=row.in_doubt,
    )


def finish(row: PaymentMethod) -> FinishMethodRequest:
    """See how the saving of this method stands."""
    return FinishMethodRequest(
        idempotency_key=f"{row.pk}-finish",
        reference=str(row.pk),
        provider_setup_id=row.provider_setup_id,
        customer_token=row.customer.provider_customer_id or "",
    )


def detach(row: PaymentMethod) -> DetachMethodRequest:
    """Let the provider forget this method."""
    return DetachMethodRequest(
        idempotency_key=f"{row.pk}-detach",
        provider_method_id=row.provider_method_id or "",
        customer_token=str(row.parameters.get("customer_token", "")) or row.customer.provider_customer_id or "",
    )
