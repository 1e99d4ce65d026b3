"""The admin: one module per model. Pages read; what changes anything calls a service."""

from django_payments_hub.admin import (
    customer,
    dispute,
    event_delivery,
    operation,
    order_ref,
    payment,
    payment_method,
    provider_account,
    refund,
    transaction_log,
    webhook_event,
)

__all__ = [
    "customer",
    "dispute",
    "event_delivery",
    "operation",
    "order_ref",
    "payment",
    "payment_method",
    "provider_account",
    "refund",
    "transaction_log",
    "webhook_event",
]
