"""Refunds: of a completed payment, whole or in part. The answer says PENDING; what became of it comes as an event."""

from django_payments_hub.sandbox.square import disputes
from django_payments_hub.sandbox.square.context import (
    Context,
    Period,
    Route,
    listing,
    oldest_first,
    read_period,
    settled,
    words,
)
from django_payments_hub.sandbox.square.errors import REFUND, SquareError
from django_payments_hub.sandbox.square.money import money, read_money
from django_payments_hub.sandbox.square.payment_moves import announce, check_version
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

STATUSES = frozenset({"PENDING", "COMPLETED", "REJECTED", "FAILED"})
_OVER = ("COMPLETED", "REJECTED", "FAILED")


def create(ctx: Context) -> Json:
    """Refund a payment."""
    if ctx.body.boolean("unlinked"):
        raise SquareError("SANDBOX_NOT_SUPPORTED", "Unlinked refunds are not part of the sandbox.", field="unlinked")
    payment = ctx.account.get("payment", ctx.body.required("payment_id"), "payment_id")
    amount = read_money(ctx.body, "amount_money", payment["total_money"]["currency"])
    check_version(payment, ctx.body.text("payment_version_token"), "payment_version_token")
    refund = refund_payment(ctx, payment, amount, ctx.body.text("reason", 192))
    answer = copy_object(refund)
    carry_on(ctx, refund)
    return {"refund": answer}


def refund_payment(ctx: Context, payment: Json, amount: int, reason: str | None) -> Json:
    """Move money back; the refund is pending and announced. Raises SquareError for more than is left."""
    _check(ctx, payment, amount)
    now = ctx.account.now()
    refund: Json = {
        "id": f"{payment['id']}_{random_id(44)}",
        "status": "PENDING",
        "amount_money": money(amount, payment["total_money"]["currency"]),
        "payment_id": payment["id"],
        "order_id": f"{random_id(27)}4F",
        "created_at": now,
        "updated_at": now,
        "location_id": payment["location_id"],
        "destination_type": payment["source_type"],
        **({"reason": reason} if reason is not None else {}),
    }
    ctx.account.table("refund")[refund["id"]] = refund
    ctx.account.touch("refund", refund)
    payment.setdefault("refund_ids", []).append(refund["id"])
    _add_refunded(payment, amount)
    ctx.book("refund", payment, refund["id"], amount)
    ctx.account.emit("refund.created", "refund", refund)
    announce(ctx, payment)
    return refund


def _check(ctx: Context, payment: Json, amount: int) -> None:
    if payment["status"] in ("APPROVED", "PENDING"):
        detail = f"Payment {payment['id']} must be completed before it can be refunded."
        raise _refused("REFUND_ERROR_PAYMENT_NEEDS_COMPLETION", detail)
    if payment["status"] != "COMPLETED":
        raise _refused("PAYMENT_NOT_REFUNDABLE", f"Payment {payment['id']} is {payment['status']}.")
    if any(dispute["state"] != "WON" for dispute in disputes.of(ctx, payment)):
        detail = f"Payment {payment['id']} is disputed: it cannot be refunded."
        raise _refused("PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE", detail)
    left = payment["total_money"]["amount"] - payment.get("refunded_money", {}).get("amount", 0)
    if amount > left:
        detail = "The requested refund amount exceeds the amount available to refund."
        raise _refused("REFUND_AMOUNT_INVALID", detail, "amount_money.amount")


def _refused(code: str, detail: str, field: str | None = None) -> SquareError:
    return SquareError(code, detail, category=REFUND, field=field, executed=True)


def _add_refunded(payment: Json, amount: int) -> None:
    refunded = payment.get("refunded_money", {}).get("amount", 0) + amount
    payment["refunded_money"] = money(refunded, payment["total_money"]["currency"])
    if refunded == 0:
        del payment["refunded_money"]


def carry_on(ctx: Context, refund: Json) -> None:
    """What becomes of a refund just made: as the seller's ``refunds`` says, PENDING leaves it as it is."""
    if ctx.account.refunds != "PENDING":
        set_status(ctx, refund, ctx.account.refunds)


def set_status(ctx: Context, refund: Json, status: str) -> None:
    """News of a refund. Raises ValueError for a refund that is over."""
    before = refund["status"]
    bounced = before == "COMPLETED" and status == "FAILED"
    if before in _OVER and not bounced:
        raise ValueError(f"the refund is {before}")
    refund["status"] = status
    ctx.account.touch("refund", refund)
    payment = ctx.account.get("payment", refund["payment_id"])
    if status in ("REJECTED", "FAILED"):
        amount = refund["amount_money"]["amount"]
        _add_refunded(payment, -amount)
        payment["refund_ids"].remove(refund["id"])
        ctx.book("refund_reversal", payment, refund["id"], amount)
    ctx.account.emit("refund.updated", "refund", refund)
    announce(ctx, payment)


# Operations -----------------------------------------------------------------------------------------------------------


def get(ctx: Context) -> Json:
    """One refund."""
    return {"refund": ctx.account.get("refund", ctx.args["id"])}


def list_(ctx: Context) -> Json:
    """The refunds of a time, newest first; as at Square, a new one may take a while to appear."""
    ascending, period = oldest_first(ctx, "DESC"), read_period(ctx)
    found = [refund for refund in ctx.account.table("refund").values() if _wanted(ctx, period, refund)]
    return listing(ctx, "refunds", found if ascending else found[::-1])


def _wanted(ctx: Context, period: Period, refund: Json) -> bool:
    query = ctx.query
    return (
        settled(ctx, refund)
        and period.holds(refund)
        and query.text("location_id") in (None, refund["location_id"])
        and query.text("status") in (None, refund["status"])
        and query.text("source_type") in (None, refund["destination_type"])
    )


_CREATE = (
    "amount_money app_fee_money app_fee_allocations payment_id destination_id unlinked location_id customer_id reason"
    " payment_version_token team_member_id cash_details external_details"
)
_LIST = (
    "begin_time end_time sort_order cursor location_id status source_type limit updated_at_begin_time"
    " updated_at_end_time sort_field"
)
ROUTES = [
    Route(method="POST", path="/v2/refunds", operation="refunds.create", handler=create, body=words(_CREATE), key=45),
    Route(method="GET", path="/v2/refunds", operation="refunds.list", handler=list_, query=words(_LIST)),
    Route(method="GET", path="/v2/refunds/<id>", operation="refunds.get", handler=get),
]
