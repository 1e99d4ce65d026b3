"""What the shop does when a payment is complete: outside the money's transaction, at least once."""

from django_payments_hub.domain.statuses import PaymentStatus
from django_payments_hub.signals import Event, on
from example_project.shop.models import Receipt

_NOT_NEW = (PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)


@on("payment.completed", handler_id="shop.write_receipt")
def write_receipt(event: Event) -> None:
    """Write the receipt. A handler may run twice for one event: the event's id is the receipt's key."""
    payment = event.payment
    if payment.order_ref is None or event.from_status in _NOT_NEW:
        return  # a refund that failed makes a payment complete again, which is no new payment
    Receipt.objects.get_or_create(
        event_id=event.id,
        defaults={
            "order_id": payment.order_ref.object_id,
            "payment_number": payment.number,
            "amount_minor": event.amounts["captured_minor"],
            "currency": payment.currency,
        },
    )
