"""How orders, authorizations, captures and refunds look over the wire, with their links."""

from django_payments_hub.sandbox.paypal.context import Context
from django_payments_hub.sandbox.wire import Json, copy_object

ORDERS = "/v2/checkout/orders"
PAYMENTS = "/v2/payments"
MINIMAL_PAYMENT = ("id", "status", "status_details", "links")


def order(ctx: Context, obj: Json) -> Json:
    """The whole order."""
    shown = copy_object(obj)
    for unit in shown["purchase_units"]:
        unit["payee"] = unit.get("payee") or ctx.account.payee
        payments = _payments(ctx, obj)
        if payments:
            unit["payments"] = payments
    return {**shown, "links": order_links(ctx, obj)}


def created(ctx: Context, obj: Json) -> Json:
    """An order as creating it answers: all of it, or the least."""
    shown = order(ctx, obj)
    if ctx.full:
        return shown
    paid = any("payments" in unit for unit in shown["purchase_units"])
    return _paid(shown) if paid else _least(shown)


def paid(ctx: Context, obj: Json) -> Json:
    """An order as capturing or authorising it answers."""
    shown = order(ctx, obj)
    return shown if ctx.full else _paid(shown)


def _least(shown: Json) -> Json:
    return {name: shown[name] for name in ("id", "status", "payment_source", "links") if name in shown}


def _paid(shown: Json) -> Json:
    units = [
        {name: unit[name] for name in ("reference_id", "shipping", "payments") if name in unit}
        for unit in shown["purchase_units"]
    ]
    names = ("id", "status", "payment_source", "payer", "links")
    return {**{name: shown[name] for name in names if name in shown}, "purchase_units": units}


def _payments(ctx: Context, obj: Json) -> Json:
    found = {
        "authorizations": [authorization(ctx, item) for item in ctx.account.of("authorization", obj["id"])],
        "captures": [capture(ctx, item) for item in ctx.account.of("capture", obj["id"])],
        "refunds": [refund(ctx, item) for item in ctx.account.of("refund", obj["id"])],
    }
    return {name: items for name, items in found.items() if items}


def order_links(ctx: Context, obj: Json) -> list[Json]:
    """What can be done with an order now."""
    root = f"{ORDERS}/{obj['id']}"
    links = [ctx.link(root, "self")]
    if obj["status"] in ("COMPLETED", "VOIDED"):
        return links
    verb = "capture" if obj["intent"] == "CAPTURE" else "authorize"
    approve = ctx.link(f"/checkoutnow?token={obj['id']}", "approve")
    if obj["status"] == "PAYER_ACTION_REQUIRED":
        return [*links, {**approve, "rel": "payer-action"}]
    middle = [approve] if obj["status"] == "CREATED" else []
    return [*links, *middle, ctx.link(root, "update", "PATCH"), ctx.link(f"{root}/{verb}", verb, "POST")]


def authorization(ctx: Context, obj: Json, *, related: bool = False) -> Json:
    """An authorization; ``related`` adds what Payments v2 and its events tell beyond the order."""
    behind = ctx.account.behind(obj)
    root = f"{PAYMENTS}/authorizations/{obj['id']}"
    links = [ctx.link(root, "self")]
    if obj["status"] in ("CREATED", "PARTIALLY_CAPTURED", "PENDING"):
        links += [ctx.link(f"{root}/{verb}", verb, "POST") for verb in ("capture", "void", "reauthorize")]
    links.append(ctx.link(f"{ORDERS}/{behind.order}", "up"))
    return {**copy_object(obj), **(_related(ctx, behind.order) if related else {}), "links": links}


def capture(ctx: Context, obj: Json, *, related: bool = False) -> Json:
    """A capture; ``related`` adds what Payments v2 and its events tell beyond the order."""
    behind = ctx.account.behind(obj)
    root = f"{PAYMENTS}/captures/{obj['id']}"
    up = f"{PAYMENTS}/authorizations/{behind.parent}" if behind.parent else f"{ORDERS}/{behind.order}"
    links = [ctx.link(root, "self"), ctx.link(f"{root}/refund", "refund", "POST"), ctx.link(up, "up")]
    more = _related(ctx, behind.order, behind.parent) if related else {}
    return {**copy_object(obj), **more, "links": links}


def _related(ctx: Context, order_id: str, authorization_id: str = "") -> Json:
    related = {"order_id": order_id}
    if authorization_id:
        related["authorization_id"] = authorization_id
    return {"payee": ctx.account.payee, "supplementary_data": {"related_ids": related}}


def refund(ctx: Context, obj: Json) -> Json:
    """A refund."""
    parent = ctx.account.behind(obj).parent
    links = [
        ctx.link(f"{PAYMENTS}/refunds/{obj['id']}", "self"),
        ctx.link(f"{PAYMENTS}/captures/{parent}", "up"),
    ]
    return {**copy_object(obj), "links": links}


def least_payment(shown: Json) -> Json:
    """An authorization, a capture or a refund as ``Prefer: return=minimal`` answers."""
    return {name: shown[name] for name in MINIMAL_PAYMENT if name in shown}
