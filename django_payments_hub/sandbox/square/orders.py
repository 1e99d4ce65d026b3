"""Orders: what a payment pays. Square makes one for every payment that names none."""

from django_payments_hub.sandbox.square.context import Context, Route, page, words
from django_payments_hub.sandbox.square.errors import SquareError, invalid, missing
from django_payments_hub.sandbox.square.fields import Fields
from django_payments_hub.sandbox.square.money import money, read_money
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

STATES = frozenset({"OPEN", "COMPLETED", "CANCELED", "DRAFT"})
_ORDER = words(
    "location_id reference_id customer_id line_items metadata ticket_name pricing_options source fulfillments taxes"
    " discounts service_charges state"
)
_LINE = words("name quantity base_price_money note uid variation_name metadata item_type")


def new_order(ctx: Context, location: Json, lines: list[Json], *, state: str, texts: Json | None = None) -> Json:
    """An order of these lines, not paid yet."""
    currency, now = location["currency"], ctx.account.now()
    total = money(sum(line["total_money"]["amount"] for line in lines), currency)
    none = money(0, currency)
    amounts = {f"{part}_money": none for part in ("tax", "discount", "tip", "service_charge")}
    order: Json = {
        "id": f"{random_id(27)}4F",
        "location_id": location["id"],
        "line_items": lines,
        "created_at": now,
        "updated_at": now,
        "state": state,
        "version": 1,
        **{f"total_{name}": value for name, value in amounts.items()},
        "total_money": total,
        "net_amounts": {"total_money": total, **amounts},
        "net_amount_due_money": dict(total),
        "source": {"name": "Sandbox"},
        **{name: value for name, value in (texts or {}).items() if value is not None},
    }
    ctx.account.table("order")[order["id"]] = order
    return order


def line(name: str, amount: int, quantity: int, currency: str) -> Json:
    """One line item; ``amount`` is the price of one."""
    none, total = money(0, currency), money(amount * quantity, currency)
    return {
        "uid": random_id(21),
        "name": name,
        "quantity": str(quantity),
        "item_type": "ITEM",
        "base_price_money": money(amount, currency),
        "variation_total_price_money": total,
        "gross_sales_money": total,
        "total_tax_money": none,
        "total_discount_money": none,
        "total_service_charge_money": none,
        "total_money": total,
    }


def read_order(ctx: Context, given: Fields, *, state: str) -> Json:
    """The order that a body describes. Raises SquareError."""
    given.only(_ORDER)
    location = ctx.account.get("location", given.required("location_id"), given.name("location_id"))
    lines = [_read_line(item, location["currency"]) for item in given.children("line_items")]
    if not lines:
        raise missing(given.name("line_items"))
    texts = {"reference_id": given.text("reference_id", 40), "customer_id": given.text("customer_id", 191)}
    texts["ticket_name"] = given.text("ticket_name", 30)
    metadata = given.child("metadata")
    return new_order(
        ctx, location, lines, state=state, texts={**texts, "metadata": metadata.data if metadata else None}
    )


def _read_line(item: Fields, currency: str) -> Json:
    item.only(_LINE)
    quantity = item.required("quantity", 12)
    if not (quantity.isascii() and quantity.isdecimal() and int(quantity)):
        raise invalid(item.name("quantity"), "Quantities are whole numbers in the sandbox.")
    amount = read_money(item, "base_price_money", currency, lowest=0)
    return line(item.text("name", 512) or "", amount, int(quantity), currency)


def check_payable(order: Json, location: Json, amount: int) -> None:
    """Raise SquareError unless a payment of the amount at the location can pay the order."""
    if order["location_id"] != location["id"]:
        raise SquareError("LOCATION_MISMATCH", "The order belongs to another location.", field="location_id")
    if order["state"] != "OPEN":
        raise invalid("order_id", f"The order is {order['state']}: it cannot be paid.", "BAD_REQUEST")
    if amount != order["net_amount_due_money"]["amount"]:
        detail = "The amount of the payment does not match what is due on the order."
        raise SquareError("PAYMENT_AMOUNT_MISMATCH", detail, category="PAYMENT_METHOD_ERROR", field="amount_money")


def of_payment(ctx: Context, payment: Json) -> Json:
    """The order that Square makes for a payment without one."""
    location = ctx.account.get("location", payment["location_id"])
    total = payment["total_money"]
    return new_order(ctx, location, [line("Custom Amount", total["amount"], 1, total["currency"])], state="OPEN")


def paid(ctx: Context, payment: Json) -> None:
    """A payment of the order is completed: its tender goes on the order, which is done when nothing is due."""
    order = ctx.account.get("order", payment["order_id"])
    tender: Json = {
        "id": payment["id"],
        "location_id": order["location_id"],
        "transaction_id": order["id"],
        "created_at": payment["created_at"],
        "amount_money": payment["total_money"],
        "type": "CARD" if payment["source_type"] == "CARD" else "BANK_ACCOUNT",
        "payment_id": payment["id"],
    }
    if "card_details" in payment:
        shown = payment["card_details"]
        tender["card_details"] = {"status": "CAPTURED", "card": shown["card"], "entry_method": shown["entry_method"]}
    order.setdefault("tenders", []).append(tender)
    due = order["net_amount_due_money"]
    due["amount"] = max(0, due["amount"] - payment["total_money"]["amount"])
    linked = any(link["order_id"] == order["id"] for link in ctx.account.newest("payment_link"))
    if due["amount"] == 0:
        # A link's order stays open until it is fulfilled, which nobody does here
        order["state"] = "OPEN" if linked else "COMPLETED"
        if not linked:
            order["closed_at"] = ctx.account.now()
    changed(ctx, order)


def changed(ctx: Context, order: Json) -> None:
    """A new version of an order."""
    order["version"] += 1
    order["updated_at"] = ctx.account.now()
    summary = {name: order[name] for name in ("location_id", "state", "version", "created_at", "updated_at")}
    event = {"order_id": order["id"], **summary}
    ctx.account.emit("order.updated", "order_updated", event, object_id=order["id"])


# Operations -----------------------------------------------------------------------------------------------------------


def create(ctx: Context) -> Json:
    """An order to pay later."""
    return {"order": read_order(ctx, ctx.body.required_child("order"), state="OPEN")}


def get(ctx: Context) -> Json:
    """One order."""
    return {"order": ctx.account.get("order", ctx.args["id"])}


def batch_get(ctx: Context) -> Json:
    """Several orders; those that do not exist are left out."""
    ids = ctx.body.texts("order_ids")
    if not ids:
        raise missing("order_ids")
    found = [order for order_id in ids[:100] if (order := ctx.account.find("order", order_id)) is not None]
    wanted = ctx.body.text("location_id")
    return {"orders": [copy_object(order) for order in found if wanted in (None, order["location_id"])]}


def search(ctx: Context) -> Json:
    """The orders of some locations, newest first, by state."""
    locations = ctx.body.texts("location_ids")
    if not locations:
        raise missing("location_ids")
    states = _states(ctx.body)
    found = [
        order
        for order in ctx.account.newest("order")
        if order["location_id"] in locations and (not states or order["state"] in states)
    ]
    return page("orders", found, ctx.body.integer("limit") or 500, ctx.body.text("cursor"))


def _states(body: Fields) -> list[str]:
    query = body.child("query")
    chosen = query.child("filter") if query else None
    by_state = chosen.child("state_filter") if chosen else None
    states = (by_state.texts("states") if by_state else None) or []
    for state in states:
        if state not in STATES:
            raise invalid("query.filter.state_filter.states", f"`{state}` is no state.", "INVALID_ENUM_VALUE")
    return states


_ROOT = "/v2/orders"
ROUTES = [
    Route(
        method="POST",
        path=_ROOT,
        operation="orders.create",
        handler=create,
        body=words("order"),
        key=192,
        key_required=False,
    ),
    Route(method="GET", path=f"{_ROOT}/<id>", operation="orders.get", handler=get),
    Route(
        method="POST",
        path=f"{_ROOT}/batch-retrieve",
        operation="orders.batch_get",
        handler=batch_get,
        body=words("location_id order_ids"),
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/search",
        operation="orders.search",
        handler=search,
        body=words("location_ids cursor query limit return_entries"),
    ),
]
