"""The events of orders and payments, with the resources they carry.

Source of the names: developer.paypal.com/api/rest/webhooks/event-names.
"""

from django_payments_hub.sandbox.paypal import views
from django_payments_hub.sandbox.paypal.context import Context
from django_payments_hub.sandbox.wire import Json

TYPES = {
    "CHECKOUT.ORDER.APPROVED": "An order has been approved by buyer.",
    "CHECKOUT.ORDER.COMPLETED": "A checkout order is processed.",
    "CHECKOUT.ORDER.VOIDED": "A checkout order is voided.",
    "CUSTOMER.DISPUTE.CREATED": "A dispute is created.",
    "CUSTOMER.DISPUTE.RESOLVED": "A dispute is resolved.",
    "CUSTOMER.DISPUTE.UPDATED": "A dispute is updated.",
    "PAYMENT.AUTHORIZATION.CREATED": "A payment authorization is created, approved or executed.",
    "PAYMENT.AUTHORIZATION.VOIDED": "A payment authorization is voided, or its time is over.",
    "PAYMENT.CAPTURE.COMPLETED": "A payment capture completes.",
    "PAYMENT.CAPTURE.DECLINED": "A payment capture is declined.",
    "PAYMENT.CAPTURE.DENIED": "A payment capture is denied.",
    "PAYMENT.CAPTURE.PENDING": "The state of a payment capture changes to pending.",
    "PAYMENT.CAPTURE.REFUNDED": "A merchant refunds a payment capture.",
    "PAYMENT.CAPTURE.REVERSED": "PayPal reverses a payment capture.",
    "PAYMENT.REFUND.COMPLETED": "A refund completes.",
    "PAYMENT.REFUND.FAILED": "A refund fails.",
    "PAYMENT.REFUND.PENDING": "A refund is pending.",
    "VAULT.PAYMENT-TOKEN.CREATED": "A payment token is created to save a payment method.",
    "VAULT.PAYMENT-TOKEN.DELETED": "A payment token is deleted.",
}


def order(ctx: Context, type_: str, obj: Json) -> None:
    """CHECKOUT.ORDER.*: the resource is the whole order."""
    ctx.account.emit(type_, "checkout-order", views.order(ctx, obj), TYPES[type_])


def capture(ctx: Context, type_: str, obj: Json) -> None:
    """PAYMENT.CAPTURE.*, but for those that tell of a refund."""
    amount = obj["amount"]
    summary = f"Payment {type_.rpartition('.')[2].lower()} for {amount['currency_code']} {amount['value']}"
    ctx.account.emit(type_, "capture", views.capture(ctx, obj, related=True), summary)


def authorization(ctx: Context, type_: str, obj: Json) -> None:
    """PAYMENT.AUTHORIZATION.*."""
    amount = obj["amount"]
    done = type_.rpartition(".")[2].lower()
    summary = f"A payment authorization was {done} for {amount['currency_code']} {amount['value']}"
    ctx.account.emit(type_, "authorization", views.authorization(ctx, obj, related=True), summary)


def refund(ctx: Context, type_: str, obj: Json) -> None:
    """PAYMENT.REFUND.*, PAYMENT.CAPTURE.REFUNDED and PAYMENT.CAPTURE.REVERSED: the resource is the refund."""
    amount = obj["amount"]
    summary = f"A {amount['currency_code']} {amount['value']} capture payment was {type_.rpartition('.')[2].lower()}"
    ctx.account.emit(type_, "refund", views.refund(ctx, obj), summary)
