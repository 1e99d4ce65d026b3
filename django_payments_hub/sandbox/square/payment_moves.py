"""What happens to a payment once it is approved. Its money is booked here, in refunds and in disputes."""

from datetime import datetime

from django_payments_hub.sandbox.square import orders
from django_payments_hub.sandbox.square.context import Context, parse_time
from django_payments_hub.sandbox.square.errors import SquareError, invalid
from django_payments_hub.sandbox.square.fields import Fields
from django_payments_hub.sandbox.square.money import money, read_money
from django_payments_hub.sandbox.wire import Json

_OVER = {
    "COMPLETED": "DELAYED_TRANSACTION_CAPTURED",
    "CANCELED": "DELAYED_TRANSACTION_CANCELED",
    "FAILED": "DELAYED_TRANSACTION_FAILED",
}


def check_version(payment: Json, token: str | None, field: str) -> None:
    """Raise SquareError when the caller has seen another version of the payment."""
    if token is not None and token != payment["version_token"]:
        detail = "The `version_token` does not match the current version of the payment."
        raise SquareError("CONFLICT", detail, field=field, status=409)


def require_approved(ctx: Context, payment: Json, verb: str) -> None:
    """Raise SquareError unless the payment is held."""
    if payment["status"] == "APPROVED":
        return
    expired = payment["status"] == "CANCELED" and parse_time(payment["delayed_until"]) <= ctx.account.clock.now()
    code = "DELAYED_TRANSACTION_EXPIRED" if expired else _OVER.get(payment["status"], "BAD_REQUEST")
    detail = f"Payment {payment['id']} cannot be {verb}: its status is {payment['status']}."
    raise SquareError(code, detail, executed=True)


def complete_payment(ctx: Context, payment: Json) -> None:
    """Take the money; what was approved beyond the amount goes back to the buyer."""
    require_approved(ctx, payment, "completed")
    total = payment["total_money"]["amount"]
    ctx.book("capture", payment, payment["id"], total)
    ctx.book("release", payment, payment["id"], payment["approved_money"]["amount"] - total)
    payment["status"] = "COMPLETED"
    payment["receipt_number"] = payment["id"][:4]
    payment["receipt_url"] = f"{ctx.base_url}/square/receipt/{payment['id']}"
    _end_hold(ctx, payment, "CAPTURED", "captured_at")
    orders.paid(ctx, payment)


def cancel_payment(ctx: Context, payment: Json) -> None:
    """Give the money back to the buyer, untaken."""
    require_approved(ctx, payment, "canceled")
    payment["status"] = "CANCELED"
    ctx.book("release", payment, payment["id"], payment["approved_money"]["amount"])
    _end_hold(ctx, payment, "VOIDED", "voided_at")


def _end_hold(ctx: Context, payment: Json, card_status: str, moment: str) -> None:
    payment.pop("capabilities", None)
    if "card_details" in payment:
        payment["card_details"]["status"] = card_status
        payment["card_details"]["card_payment_timeline"][moment] = ctx.account.now()
    announce(ctx, payment)


def announce(ctx: Context, payment: Json) -> None:
    """The payment has changed."""
    ctx.account.touch("payment", payment)
    ctx.account.emit("payment.updated", "payment", payment)


def change_amount(ctx: Context, payment: Json, given: Fields) -> None:
    """Change what a held payment will take; more than was approved is approved anew, and less where Square chooses."""
    require_approved(ctx, payment, "updated")
    currency = payment["total_money"]["currency"]
    amount, tip = payment["amount_money"]["amount"], payment.get("tip_money", {}).get("amount", 0)
    if "amount_money" in given:
        amount = read_money(given, "amount_money", currency)
    if "tip_money" in given:
        tip = read_money(given, "tip_money", currency, lowest=0)
    action = given.choice("delay_action", frozenset({"CANCEL", "COMPLETE"}))
    if not any(name in given for name in ("amount_money", "tip_money", "delay_action")):
        raise SquareError("NO_FIELDS_SET", "The request must set one field at least.", field=given.name("amount_money"))
    _approve(ctx, payment, amount + tip)
    payment["amount_money"], payment["total_money"] = money(amount, currency), money(amount + tip, currency)
    if tip:
        payment["tip_money"] = money(tip, currency)
    payment["delay_action"] = action or payment["delay_action"]
    announce(ctx, payment)


def _approve(ctx: Context, payment: Json, total: int) -> None:
    approved = payment["approved_money"]["amount"]
    card = ctx.account.cards[payment["id"]]
    if total < approved and ctx.account.reauthorizes:
        ctx.book("release", payment, payment["id"], approved - total)
        payment["approved_money"]["amount"] = total
    if total <= approved:
        return
    if card.balance is not None:
        raise invalid("payment.amount_money.amount", "The amount of this payment cannot be edited up.")
    ctx.book("authorize", payment, payment["id"], total - approved)
    payment["approved_money"]["amount"] = total


def settle(ctx: Context, payment: Json, *, succeed: bool) -> None:
    """The bank's answer to a pending payment. Raises ValueError when it is not pending."""
    if payment["status"] != "PENDING":
        raise ValueError(f"the payment is {payment['status']}, not PENDING")
    if succeed:
        total = payment["total_money"]["amount"]
        payment["status"] = "COMPLETED"
        ctx.book("authorize", payment, payment["id"], total)
        ctx.book("capture", payment, payment["id"], total)
        orders.paid(ctx, payment)
    else:
        payment["status"] = "FAILED"
        error = {"category": "PAYMENT_METHOD_ERROR", "code": "INSUFFICIENT_FUNDS", "detail": "The bank returned it."}
        payment["bank_account_details"]["errors"] = [error]
    announce(ctx, payment)


def run_out(ctx: Context) -> None:
    """Do to the held payments what their ``delay_action`` says once their time is over on the sandbox's clock."""
    now: datetime = ctx.account.clock.now()
    for payment in list(ctx.account.table("payment").values()):
        if payment["status"] == "APPROVED" and parse_time(payment["delayed_until"]) <= now:
            (complete_payment if payment["delay_action"] == "COMPLETE" else cancel_payment)(ctx, payment)
