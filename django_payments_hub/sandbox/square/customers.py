"""Customers of a seller."""

from django_payments_hub.sandbox.square.context import Context, Route, listing, oldest_first, page, settled, words
from django_payments_hub.sandbox.square.errors import SquareError, invalid
from django_payments_hub.sandbox.square.fields import Fields
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

_TEXTS = {
    "given_name": 300, "family_name": 300, "company_name": 500, "nickname": 100, "email_address": 254,
    "phone_number": 20, "reference_id": 100, "note": 2000, "birthday": 10,
}  # fmt: skip
_NAMES = ("given_name", "family_name", "company_name", "email_address", "phone_number")
_SEARCHED = ("reference_id", "email_address", "phone_number")
_OTHERS = "address tax_ids"


def create(ctx: Context) -> Json:
    """A new customer, with a name or an address of some kind at least."""
    given = _read(ctx.body)
    if not any(given.get(name) for name in _NAMES):
        listed = ", ".join(f"`{name}`" for name in _NAMES[:-1])
        detail = f"At least one of {listed}, or `{_NAMES[-1]}` is required for a customer."
        raise SquareError("BAD_REQUEST", detail)
    now = ctx.account.now()
    customer: Json = {
        "id": random_id(26).upper(),
        "created_at": now,
        "updated_at": now,
        **{name: value for name, value in given.items() if value},
        "preferences": {"email_unsubscribed": False},
        "creation_source": "THIRD_PARTY",
        "version": 0,
    }
    ctx.account.table("customer")[customer["id"]] = customer
    ctx.account.emit("customer.created", "customer", customer)
    return {"customer": customer}


def _read(body: Fields) -> Json:
    given: Json = {name: body.text(name, longest) for name, longest in _TEXTS.items() if name in body.data}
    email = given.get("email_address")
    if email and ("@" not in email or " " in email):
        detail = "Expected email_address to be a valid email address"
        raise invalid(body.name("email_address"), detail, "INVALID_EMAIL_ADDRESS")
    if "address" in body.data:
        address = body.child("address")
        given["address"] = address.data if address else None
    return given


def get(ctx: Context) -> Json:
    """One customer."""
    return {"customer": ctx.account.get("customer", ctx.args["id"])}


def update(ctx: Context) -> Json:
    """Change what is given; null or empty removes it."""
    customer = ctx.account.get("customer", ctx.args["id"])
    version = ctx.body.integer("version")
    if version is not None and version != customer["version"]:
        raise SquareError("CONFLICT", "The customer has been changed since.", field="version", status=409)
    for name, value in _read(ctx.body).items():
        if value:
            customer[name] = value
        else:
            customer.pop(name, None)
    customer["version"] += 1
    customer["updated_at"] = ctx.account.now()
    ctx.account.emit("customer.updated", "customer", customer)
    return {"customer": copy_object(customer)}


def delete(ctx: Context) -> Json:
    """Remove a customer; the cards on file go too."""
    customer = ctx.account.get("customer", ctx.args["id"])
    del ctx.account.table("customer")[customer["id"]]
    for card in ctx.account.table("card").values():
        if card["customer_id"] == customer["id"]:
            card["enabled"] = False
    ctx.account.emit("customer.deleted", "customer", customer)
    return {}


def list_(ctx: Context) -> Json:
    """The customers by time of creation."""
    found = [one for one in ctx.account.table("customer").values() if settled(ctx, one)]
    return listing(ctx, "customers", found if oldest_first(ctx, "ASC") else found[::-1])


def search(ctx: Context) -> Json:
    """The customers whose reference, mail address or phone number is, or contains, what is asked for."""
    limit = ctx.body.integer("limit")
    if limit is not None and not 1 <= limit <= 100:
        raise invalid("limit", "`limit` must be between 1 and 100.")
    query = ctx.body.child("query") or Fields({})
    query.only(words("filter sort"))
    wanted = query.child("filter") or Fields({})
    wanted.only(frozenset(_SEARCHED))
    found = [one for one in ctx.account.newest("customer") if settled(ctx, one) and _matches(one, wanted)]
    answer = page("customers", found, limit or 100, ctx.body.text("cursor"))
    return answer | ({"count": len(found)} if ctx.body.boolean("count") else {})


def _matches(customer: Json, wanted: Fields) -> bool:
    return all(_text_matches(customer.get(name, ""), wanted.child(name)) for name in _SEARCHED)


def _text_matches(value: str, condition: Fields | None) -> bool:
    if condition is None:
        return True
    condition.only(words("exact fuzzy"))
    exact, fuzzy = condition.text("exact"), condition.text("fuzzy")
    return exact in (None, value) and (fuzzy is None or fuzzy.lower() in value.lower())


_ROOT = "/v2/customers"
_FIELDS = words(f"{' '.join(_TEXTS)} {_OTHERS}")
ROUTES = [
    Route(
        method="POST",
        path=_ROOT,
        operation="customers.create",
        handler=create,
        body=_FIELDS,
        key=255,
        key_required=False,
    ),
    Route(
        method="GET",
        path=_ROOT,
        operation="customers.list",
        handler=list_,
        query=words("cursor limit sort_field sort_order count"),
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/search",
        operation="customers.search",
        handler=search,
        body=words("cursor limit query count"),
    ),
    Route(method="GET", path=f"{_ROOT}/<id>", operation="customers.get", handler=get),
    Route(method="PUT", path=f"{_ROOT}/<id>", operation="customers.update", handler=update, body=_FIELDS | {"version"}),
    Route(method="DELETE", path=f"{_ROOT}/<id>", operation="customers.delete", handler=delete, query=words("version")),
]
