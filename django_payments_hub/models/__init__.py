"""The schema of the hub."""

from django_payments_hub.models.customer import Customer
from django_payments_hub.models.dispute import Dispute
from django_payments_hub.models.event_delivery import EventDelivery
from django_payments_hub.models.idempotency_key import IdempotencyKey
from django_payments_hub.models.operation import Operation
from django_payments_hub.models.order_ref import OrderRef
from django_payments_hub.models.payment import Payment
from django_payments_hub.models.payment_method import PaymentMethod
from django_payments_hub.models.provider_account import ProviderAccount
from django_payments_hub.models.refund import Refund
from django_payments_hub.models.transaction_log import TransactionLog
from django_payments_hub.models.webhook_event import WebhookEvent

__all__ = [
    "Customer",
    "Dispute",
    "EventDelivery",
    "IdempotencyKey",
    "Operation",
    "OrderRef",
    "Payment",
    "PaymentMethod",
    "ProviderAccount",
    "Refund",
    "TransactionLog",
    "WebhookEvent",
]
