"""Refunds: over the API, from PayPal's dashboard, and money that PayPal itself takes back."""

from django_payments_hub.sandbox.paypal import events, ids, money, views
from django_payments_hub.sandbox.paypal.account import Behind
from django_payments_hub.sandbox.paypal.context import PAYMENTS_WINDOW, Context, Reply, Route
from django_payments_hub.sandbox.paypal.errors import PayPalError
from django_payments_hub.sandbox.wire import Json

FIELDS = frozenset({"amount", "custom_id", "invoice_id", "note_to_payer", "payment_instruction"})


def create(ctx: Context) -> Reply:
    """Refund a capture: all that is left of it, or an amount."""
    capture = ctx.account.get("capture", ctx.args["id"])
    ctx.body.only(FIELDS)
    given = {
        name: value
        for name, longest in (("invoice_id", 127), ("custom_id", 127), ("note_to_payer", 255))
        if (value := ctx.body.text(name, longest)) is not None
    }
    amount = ctx.body.amount("amount", payments=True)
    if amount is not None and amount.currency != capture["amount"]["currency_code"]:
        text = "Refund must be in the same currency as the capture"
        raise PayPalError("REFUND_CAPTURE_CURRENCY_MISMATCH", text, field="/amount/currency_code")
    refund = refund_capture(ctx, capture, amount.minor if amount else None, given)
    shown = views.refund(ctx, refund)
    return Reply(status=201, body=shown if ctx.full else views.least_payment(shown))


def refundable(ctx: Context, capture: Json) -> int:
    """What is left of a capture, in minor units."""
    return money.minor_of(capture["amount"]) - _taken(ctx, capture, ("COMPLETED", "PENDING"))


def _taken(ctx: Context, capture: Json, statuses: tuple[str, ...]) -> int:
    return sum(
        money.minor_of(refund["amount"])
        for refund in ctx.account.table("refund").values()
        if ctx.account.behind(refund).parent == capture["id"] and refund["status"] in statuses
    )


def refund_capture(ctx: Context, capture: Json, minor: int | None, given: dict[str, str]) -> Json:
    """Make a refund; ``minor`` None is all that is left. Raises PayPalError."""
    left = refundable(ctx, capture)
    _check(ctx, capture, left, minor, given.get("invoice_id"))
    refund = _new(ctx, capture, left if minor is None else minor, given)
    buyer = ctx.account.behind(capture).buyer
    if buyer is not None and buyer.refund_pending:
        refund.update(status="PENDING", status_details={"reason": "ECHECK"})
        events.refund(ctx, "PAYMENT.REFUND.PENDING", refund)
        return refund
    _complete(ctx, capture, refund, "PAYMENT.CAPTURE.REFUNDED")
    return refund


def _check(ctx: Context, capture: Json, left: int, minor: int | None, invoice_id: str | None) -> None:
    if capture["status"] == "PENDING":
        text = (
            "Cannot initiate a refund as the capture is pending. Capture is typically pending when the payer has "
            "funded the transaction using e-check/bank funded."
        )
        raise PayPalError("PENDING_CAPTURE", text)
    if capture["status"] in ("DECLINED", "FAILED"):
        raise PayPalError("REFUND_NOT_ALLOWED", "Capture cannot be refunded.")
    if left <= 0:
        raise PayPalError("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded")
    if minor is not None and minor > left:
        text = "The refund amount must be less than or equal to the capture amount that has not yet been refunded."
        raise PayPalError("REFUND_AMOUNT_EXCEEDED", text, field="/amount/value")
    if minor is not None and minor < left and _disputed(ctx, capture):
        text = (
            "Partial refunds cannot be offered at this time because there is an open case on this transaction. Visit "
            "the PayPal Resolution Center to review this case."
        )
        raise PayPalError("TRANSACTION_DISPUTED", text)
    used = (refund.get("invoice_id") for refund in ctx.account.table("refund").values() if refund["status"] != "FAILED")
    if invoice_id is not None and invoice_id in used:
        raise PayPalError("DUPLICATE_INVOICE_ID", "Invoice ID was previously used to refund a capture.")


def _disputed(ctx: Context, capture: Json) -> bool:
    return any(
        dispute["status"] != "RESOLVED"
        and any(part["seller_transaction_id"] == capture["id"] for part in dispute["disputed_transactions"])
        for dispute in ctx.account.table("dispute").values()
    )


def _new(ctx: Context, capture: Json, minor: int, given: dict[str, str]) -> Json:
    now, currency = ids.now(ctx.world.clock), capture["amount"]["currency_code"]
    behind = ctx.account.behind(capture)
    # The fee on the part that is refunded stays with PayPal
    total = _taken(ctx, capture, ("COMPLETED", "PENDING")) + minor
    refund: Json = {
        "id": ids.resource_id(),
        "status": "COMPLETED",
        "amount": money.money(minor, currency),
        **given,
        "seller_payable_breakdown": {
            "gross_amount": money.money(minor, currency),
            "paypal_fee": money.money(0, currency),
            "net_amount": money.money(minor, currency),
            "total_refunded_amount": money.money(total, currency),
        },
        "create_time": now,
        "update_time": now,
    }
    kept = Behind(order=behind.order, parent=capture["id"], payment=behind.payment, buyer=behind.buyer)
    return ctx.account.add("refund", refund, kept)


def _complete(ctx: Context, capture: Json, refund: Json, type_: str) -> None:
    refund.pop("status_details", None)
    ctx.account.touch(refund, status="COMPLETED")
    _restate(ctx, capture)
    ctx.book("refund", refund, refund["id"], money.minor_of(refund["amount"]), refund["amount"]["currency_code"])
    events.refund(ctx, type_, refund)


def _restate(ctx: Context, capture: Json) -> None:
    """The capture's status follows the refunds that are done."""
    done = _taken(ctx, capture, ("COMPLETED",))
    whole = done >= money.minor_of(capture["amount"])
    ctx.account.touch(capture, status="REFUNDED" if whole else "PARTIALLY_REFUNDED" if done else "COMPLETED")


def set_status(ctx: Context, refund: Json, *, succeed: bool) -> None:
    """News of a refund: a pending one ends, a completed one turns out to have failed. Raises ValueError."""
    capture = ctx.account.get("capture", ctx.account.behind(refund).parent)
    before = refund["status"]
    if before == "FAILED" or (before == "COMPLETED" and succeed):
        raise ValueError(f"the refund is {before}")
    if succeed:
        _complete(ctx, capture, refund, "PAYMENT.REFUND.COMPLETED")
        events.refund(ctx, "PAYMENT.CAPTURE.REFUNDED", refund)
        return
    refund.pop("status_details", None)
    ctx.account.touch(refund, status="FAILED")
    _restate(ctx, capture)
    if before == "COMPLETED":
        minor, currency = money.minor_of(refund["amount"]), refund["amount"]["currency_code"]
        ctx.book("refund_reversal", refund, refund["id"], minor, currency)
    events.refund(ctx, "PAYMENT.REFUND.FAILED", refund)


def reverse(ctx: Context, capture: Json, minor: int | None) -> Json:
    """PayPal takes the money back without being asked: a bank's reversal, say. Raises PayPalError."""
    left = refundable(ctx, capture)
    _check(ctx, capture, left, minor, None)
    refund = _new(ctx, capture, left if minor is None else minor, {})
    _complete(ctx, capture, refund, "PAYMENT.CAPTURE.REVERSED")
    return refund


def show(ctx: Context) -> Reply:
    """One refund."""
    return Reply(body=views.refund(ctx, ctx.account.get("refund", ctx.args["id"])))


def show_capture(ctx: Context) -> Reply:
    """One capture."""
    return Reply(body=views.capture(ctx, ctx.account.get("capture", ctx.args["id"]), related=True))


def _latest(ctx: Context, refund_id: str) -> Json:
    shown = views.refund(ctx, ctx.account.get("refund", refund_id))
    return shown if ctx.full else views.least_payment(shown)


_ROOT = "/v2/payments"
ROUTES = [
    Route(method="GET", path=f"{_ROOT}/captures/<id>", operation="captures.get", handler=show_capture),
    Route(
        method="POST",
        path=f"{_ROOT}/captures/<id>/refund",
        operation="captures.refund",
        handler=create,
        window=PAYMENTS_WINDOW,
        again=_latest,
        again_status=201,
    ),
    Route(method="GET", path=f"{_ROOT}/refunds/<id>", operation="refunds.get", handler=show),
]
