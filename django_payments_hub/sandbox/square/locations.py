"""The seller: merchant and locations."""

from django_payments_hub.sandbox.square.context import Context, Route
from django_payments_hub.sandbox.wire import Json


def list_(ctx: Context) -> Json:
    """All locations."""
    return {"locations": list(ctx.account.table("location").values())}


def get(ctx: Context) -> Json:
    """One location; ``main`` stands for the seller's first."""
    if ctx.args["id"] == "main":
        return {"location": ctx.account.main_location}
    return {"location": ctx.account.get("location", ctx.args["id"])}


def _merchant(ctx: Context) -> Json:
    main = ctx.account.main_location
    return {
        "id": ctx.account.id,
        "business_name": "Sandbox",
        "country": main["country"],
        "currency": main["currency"],
        "language_code": "en-US",
        "main_location_id": main["id"],
        "status": "ACTIVE",
    }


def list_merchants(ctx: Context) -> Json:
    """The one merchant whom the token opens."""
    return {"merchant": [_merchant(ctx)]}


def get_merchant(ctx: Context) -> Json:
    """The merchant; ``me`` stands for whom the token opens."""
    if ctx.args["id"] not in ("me", ctx.account.id):
        ctx.account.get("merchant", ctx.args["id"])
    return {"merchant": _merchant(ctx)}


ROUTES = [
    Route(method="GET", path="/v2/locations", operation="locations.list", handler=list_),
    Route(method="GET", path="/v2/locations/<id>", operation="locations.get", handler=get),
    Route(method="GET", path="/v2/merchants", operation="merchants.list", handler=list_merchants),
    Route(method="GET", path="/v2/merchants/<id>", operation="merchants.get", handler=get_merchant),
]
