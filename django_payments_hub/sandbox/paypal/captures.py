"""The money of an order: authorizations and captures. What moves it is booked in the ledger here and in refunds."""

from datetime import timedelta

from django_payments_hub.sandbox.paypal import events, ids, money
from django_payments_hub.sandbox.paypal.account import Behind
from django_payments_hub.sandbox.paypal.buyers import Buyer
from django_payments_hub.sandbox.paypal.context import Context, marks
from django_payments_hub.sandbox.paypal.errors import PayPalError
from django_payments_hub.sandbox.wire import Json

AUTHORIZATION = timedelta(days=29)
HONOUR = timedelta(days=3)
_PROTECTED: Json = {"status": "ELIGIBLE", "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"]}


def check_invoice(ctx: Context, invoice_id: str | None, order_id: str) -> None:
    """An invoice is paid once; a capture may repeat the invoice of its own order. Raises PayPalError."""
    if invoice_id is None:
        return
    for kind in ("capture", "authorization"):
        for obj in ctx.account.table(kind).values():
            other = ctx.account.behind(obj).order != order_id
            if other and obj.get("invoice_id") == invoice_id and obj["status"] not in ("DECLINED", "DENIED", "VOIDED"):
                text = (
                    "Duplicate Invoice ID detected. To avoid a potential duplicate transaction your account setting "
                    "requires that Invoice Id be unique for each transaction."
                )
                raise PayPalError("DUPLICATE_INVOICE_ID", text, value=invoice_id, field="/invoice_id")


def of_order(ctx: Context, order: Json, buyer: Buyer) -> Json:
    """The one capture of an order of intent CAPTURE, whatever becomes of it."""
    unit = order["purchase_units"][0]
    amount = money.minor_of(unit["amount"])
    capture = _new_capture(ctx, amount, unit["amount"]["currency_code"], marks(unit), final=True)
    behind = Behind(order=order["id"], payment=capture["id"], buyer=buyer)
    ctx.account.add("capture", capture, behind)
    arrive(ctx, capture, buyer)
    return capture


def _new_capture(ctx: Context, minor: int, currency: str, given: dict[str, str], *, final: bool) -> Json:
    now = ids.now(ctx.world.clock)
    kept = {name: value for name, value in given.items() if name != "reference_id"}
    return {
        "id": ids.resource_id(),
        "status": "COMPLETED",
        "amount": money.money(minor, currency),
        "final_capture": final,
        "disbursement_mode": "INSTANT",
        "seller_protection": _PROTECTED,
        **kept,
        "create_time": now,
        "update_time": now,
    }


def arrive(ctx: Context, capture: Json, buyer: Buyer) -> None:
    """What the buyer's money does when it is captured: it comes, it is awaited, it is declined."""
    if buyer.declined:
        response = {"avs_code": "U", "cvv_code": "N", "response_code": "5120"}
        capture.update(status="DECLINED", seller_protection={"status": "NOT_ELIGIBLE"}, processor_response=response)
        events.capture(ctx, "PAYMENT.CAPTURE.DECLINED", capture)
    elif buyer.pending is not None:
        capture.update(status="PENDING", status_details={"reason": buyer.pending})
        events.capture(ctx, "PAYMENT.CAPTURE.PENDING", capture)
    else:
        complete(ctx, capture)


def complete(ctx: Context, capture: Json) -> None:
    """The money is there."""
    amount, currency = money.minor_of(capture["amount"]), capture["amount"]["currency_code"]
    capture.pop("status_details", None)
    capture["seller_receivable_breakdown"] = breakdown(amount, currency)
    ctx.account.touch(capture, status="COMPLETED")
    ctx.book("capture", capture, capture["id"], amount, currency)
    events.capture(ctx, "PAYMENT.CAPTURE.COMPLETED", capture)


def settle(ctx: Context, capture: Json, *, succeed: bool) -> None:
    """News of a pending capture. Raises ValueError when it is not pending."""
    if capture["status"] != "PENDING":
        raise ValueError(f"the capture is {capture['status']}, not PENDING")
    if succeed:
        complete(ctx, capture)
        return
    capture.pop("status_details", None)
    ctx.account.touch(capture, status="DECLINED")
    if ctx.account.behind(capture).parent:
        # What was authorised is not held for a capture that never came
        ctx.book(
            "release", capture, capture["id"], money.minor_of(capture["amount"]), capture["amount"]["currency_code"]
        )
    events.capture(ctx, "PAYMENT.CAPTURE.DENIED", capture)


def fee(minor: int, currency: str) -> int:
    """PayPal's fee: 3.49 % and 49 hundredths."""
    return min(minor, minor * 349 // 10000 + (49 if money.places(currency) else 0))


def breakdown(minor: int, currency: str) -> Json:
    """What the merchant receives of a capture."""
    cost = fee(minor, currency)
    return {
        "gross_amount": money.money(minor, currency),
        "paypal_fee": money.money(cost, currency),
        "net_amount": money.money(minor - cost, currency),
    }


# Authorizations -------------------------------------------------------------------------------------------------------


def authorization_of(ctx: Context, order: Json, buyer: Buyer) -> Json:
    """The one authorization of an order of intent AUTHORIZE."""
    unit = order["purchase_units"][0]
    kept = {name: value for name, value in marks(unit).items() if name != "reference_id"}
    obj = new_authorization(ctx, unit["amount"], kept, Behind(order=order["id"], buyer=buyer))
    if buyer.declined:
        obj["status"] = "DENIED"
        return obj
    amount = money.minor_of(obj["amount"])
    ctx.book("authorize", obj, obj["id"], amount, obj["amount"]["currency_code"])
    events.authorization(ctx, "PAYMENT.AUTHORIZATION.CREATED", obj)
    return obj


def new_authorization(ctx: Context, amount: Json, kept: dict[str, str], behind: Behind) -> Json:
    """Keep a new authorization; it is no movement yet."""
    now = ctx.world.clock.now()
    obj: Json = {
        "id": ids.resource_id(),
        "status": "CREATED",
        "amount": money.money(money.minor_of(amount), amount["currency_code"]),
        **kept,
        "seller_protection": _PROTECTED,
        "expiration_time": (now + AUTHORIZATION).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "create_time": ids.now(ctx.world.clock),
        "update_time": ids.now(ctx.world.clock),
    }
    behind.payment = behind.payment or obj["id"]
    behind.expires = now + AUTHORIZATION
    return ctx.account.add("authorization", obj, behind)


def capture_of(ctx: Context, authorization: Json, minor: int, given: dict[str, str], *, final: bool) -> Json:
    """A capture of an authorization, with all that follows for the two."""
    source = ctx.account.behind(authorization)
    buyer = source.buyer
    currency = authorization["amount"]["currency_code"]
    capture = _new_capture(ctx, minor, currency, {**marks(authorization), **given}, final=final)
    behind = Behind(order=source.order, parent=authorization["id"], payment=source.payment, buyer=buyer)
    ctx.account.add("capture", capture, behind)
    if buyer is not None:
        ctx.delay_s = buyer.delay_s
        arrive(ctx, capture, buyer)
    return capture
