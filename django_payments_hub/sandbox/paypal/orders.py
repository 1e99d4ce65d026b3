"""Orders v2: create, show, patch, confirm, authorize, capture."""

import re

from django_payments_hub.sandbox.paypal import ids, order_flow, purchase, views
from django_payments_hub.sandbox.paypal.account import Behind
from django_payments_hub.sandbox.paypal.context import ORDERS_WINDOW, Context, Reply, Route
from django_payments_hub.sandbox.paypal.errors import PayPalError, invalid, missing
from django_payments_hub.sandbox.paypal.purchase import Source
from django_payments_hub.sandbox.paypal.reading import Body
from django_payments_hub.sandbox.wire import Json

_UNIT_PATH = re.compile(r"/purchase_units/(?:@reference_id=='([^']*)'|\d+)(?:/(\w+))?")
_PATCHABLE = ("amount", "custom_id", "description", "invoice_id", "soft_descriptor")


def create(ctx: Context) -> Reply:
    """An order. With a saved payment method it is paid at once, with PayPal's wallet the buyer is sent to PayPal."""
    ctx.body.only(frozenset({"application_context", "intent", "payer", "payment_source", "purchase_units",
                             "processing_instruction"}))  # fmt: skip
    intent = ctx.body.choice("intent", ("CAPTURE", "AUTHORIZE"))
    if intent is None:
        raise missing("/intent")
    units = purchase.read_units(ctx.body)
    context = purchase.read_experience(ctx.body.child("application_context"))
    source = purchase.read_source(ctx.body)
    if source is not None and ctx.request_id is None:
        text = (
            "A PayPal-Request-Id is required if you are trying to process payment for an Order. Please specify a "
            "PayPal-Request-Id or Create the Order without a 'payment_source' specified."
        )
        raise PayPalError("PAYPAL_REQUEST_ID_REQUIRED", text, status=400)
    order = _new(ctx, intent, units, source, context)
    if source is None:
        return Reply(status=201, body=views.created(ctx, order))
    if source.token is None:
        return Reply(body=views.created(ctx, order))
    try:
        order_flow.pay(ctx, order, order_flow.saved_buyer(ctx, source.token))
    except PayPalError:
        # An order that is paid in one step and refused has never been
        del ctx.account.table("order")[order["id"]]
        raise
    return Reply(status=201, body=views.created(ctx, order))


def _new(ctx: Context, intent: str, units: list[Json], source: Source | None, context: Json) -> Json:
    now = ids.now(ctx.world.clock)
    order: Json = {
        "id": ids.resource_id(),
        "intent": intent,
        "status": "CREATED",
        "purchase_units": units,
        "create_time": now,
        "update_time": now,
    }
    behind = Behind(expires=ctx.world.clock.now() + order_flow.LIFETIME, context=context)
    behind.order = order["id"]
    if source is not None:
        order["payment_source"] = {"paypal": {}}
        behind.vault = source.vault
        if source.token is None:
            order["status"] = "PAYER_ACTION_REQUIRED"
            behind.context = source.context or context
    return ctx.account.add("order", order, behind)


def show(ctx: Context) -> Reply:
    """One order."""
    return Reply(body=views.order(ctx, order_flow.live(ctx, ctx.args["id"])))


def patch(ctx: Context) -> Reply:
    """Change an order that is not completed; no body in the answer."""
    order = order_flow.live(ctx, ctx.args["id"])
    if order["status"] in ("COMPLETED", "VOIDED"):
        raise PayPalError("ORDER_ALREADY_COMPLETED", "The order cannot be patched after it is completed.")
    for change in ctx.body.children("operations", 100):
        _patch(ctx, order, change)
    return Reply(status=204)


def _patch(ctx: Context, order: Json, change: Body) -> None:
    op = change.choice("op", ("add", "remove", "replace", "move", "copy", "test"))
    if op is None:
        raise missing(change.where("op"))
    path = change.text("path", 1000)
    if path is None:
        text = "Please specify a 'path' for the field for which the operation needs to be performed."
        raise PayPalError("PATCH_PATH_REQUIRED", text, field=change.where("path"))
    if op != "remove" and "value" not in change.data:
        raise PayPalError("PATCH_VALUE_REQUIRED", "Please specify a 'value' to for the field that is being patched.")
    match = _UNIT_PATH.fullmatch(path)
    if match is None or match[2] not in (None, *_PATCHABLE) or op in ("move", "copy", "test"):
        raise PayPalError("NOT_PATCHABLE", "Cannot be patched.", field=path)
    unit = order["purchase_units"][0]
    if match[1] not in (None, unit["reference_id"]):
        text = "Filter expression value is incorrect. Please check the value of the reference_id and try again."
        raise PayPalError("REFERENCE_ID_NOT_FOUND", text, field=path)
    _change_unit(unit, op, match[2], change.data.get("value"))
    ctx.account.touch(order)


def _change_unit(unit: Json, op: str, name: str | None, value: object) -> None:
    if name is not None and (name in unit) == (op == "add") and op != "replace":
        text = (
            "The operation cannot be honored. Cannot add a property that's already present, use replace. Cannot remove "
            "a property thats not present, use add. Cannot replace a property thats not present, use add."
        )
        raise invalid("INVALID_PATCH_OPERATION", text, f"/purchase_units/0/{name}")
    if op == "remove":
        if name in (None, "amount"):
            raise PayPalError("NOT_PATCHABLE", "Cannot be patched.")
        del unit[str(name)]
        return
    changed = value if name is None else {**unit, name: value}
    if not isinstance(changed, dict):
        raise invalid("INVALID_PARAMETER_SYNTAX", "The value of a field does not conform.", "/value")
    kept = purchase.read_unit(Body(changed, "/purchase_units/0"))
    unit.clear()
    unit.update(kept)


def confirm(ctx: Context) -> Reply:
    """Name the payment source of an order, and send the buyer to approve it."""
    order = order_flow.live(ctx, ctx.args["id"])
    ctx.body.only(frozenset({"application_context", "payment_source", "processing_instruction"}))
    source = purchase.read_source(ctx.body)
    if source is None:
        raise missing("/payment_source")
    if order["status"] in ("COMPLETED", "VOIDED"):
        text = "An order with status = 'COMPLETED' cannot be confirmed again."
        raise PayPalError("ORDER_CANNOT_BE_CONFIRMED", text)
    if order["status"] == "APPROVED":
        text = (
            "The payment has already been approved.  Please capture the order, or create and confirm a new order with "
            "this payment source."
        )
        raise PayPalError("PAYMENT_ALREADY_APPROVED", text)
    behind = ctx.account.behind(order)
    behind.vault = source.vault
    if source.token is not None:
        order_flow.approve(ctx, order, order_flow.saved_buyer(ctx, source.token))
        return Reply(body=views.order(ctx, order))
    context = purchase.read_experience(ctx.body.child("application_context"))
    behind.context = source.context or context or behind.context
    ctx.account.touch(order, status="PAYER_ACTION_REQUIRED", payment_source={"paypal": {}})
    return Reply(body=views.order(ctx, order))


def capture(ctx: Context) -> Reply:
    """Take the payment of an approved order of intent CAPTURE."""
    return _take(ctx, "CAPTURE")


def authorize(ctx: Context) -> Reply:
    """Authorise the payment of an approved order of intent AUTHORIZE."""
    return _take(ctx, "AUTHORIZE")


def _take(ctx: Context, intent: str) -> Reply:
    order = order_flow.live(ctx, ctx.args["id"])
    ctx.body.only(frozenset({"payment_source", "amount"} if intent == "AUTHORIZE" else {"payment_source"}))
    source = purchase.read_source(ctx.body)
    order_flow.check_takeable(order, intent, has_source=source is not None and source.token is not None)
    if source is not None and source.token is not None:
        buyer = order_flow.saved_buyer(ctx, source.token)
    else:
        buyer = order_flow.buyer_of(ctx, order)
    order_flow.pay(ctx, order, buyer)
    return Reply(status=201, body=views.paid(ctx, order))


def _latest(ctx: Context, order_id: str) -> Json:
    return views.created(ctx, ctx.account.get("order", order_id))


def _latest_paid(ctx: Context, order_id: str) -> Json:
    return views.paid(ctx, ctx.account.get("order", order_id))


_ROOT = "/v2/checkout/orders"
ROUTES = [
    Route(
        method="POST",
        path=_ROOT,
        operation="orders.create",
        handler=create,
        window=ORDERS_WINDOW,
        again=_latest,
    ),
    Route(method="GET", path=f"{_ROOT}/<id>", operation="orders.get", handler=show),
    Route(method="PATCH", path=f"{_ROOT}/<id>", operation="orders.patch", handler=patch),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/confirm-payment-source",
        operation="orders.confirm",
        handler=confirm,
        window=ORDERS_WINDOW,
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/authorize",
        operation="orders.authorize",
        handler=authorize,
        window=ORDERS_WINDOW,
        again=_latest_paid,
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/capture",
        operation="orders.capture",
        handler=capture,
        window=ORDERS_WINDOW,
        again=_latest_paid,
    ),
]
