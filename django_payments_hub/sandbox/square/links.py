"""Payment links: a page on which an order is paid."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django_payments_hub.sandbox.square import charging, orders, payments
from django_payments_hub.sandbox.square.cards import Card
from django_payments_hub.sandbox.square.context import Context, Route, listing, words
from django_payments_hub.sandbox.square.errors import SquareError, invalid, missing
from django_payments_hub.sandbox.square.fields import Fields
from django_payments_hub.sandbox.square.money import read_money
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

_OPTIONS = words(
    "allow_tipping custom_fields subscription_plan_id redirect_url merchant_support_email ask_for_shipping_address"
    " accepted_payment_methods app_fee_money shipping_fee enable_coupon enable_loyalty"
)
_PREPOPULATED = words("buyer_email buyer_phone_number buyer_address")


def create(ctx: Context) -> Json:
    """A link with the address of its page, for a price or for an order."""
    quick, order_given = ctx.body.child("quick_pay"), ctx.body.child("order")
    if (quick is None) == (order_given is None):
        detail = "Exactly one of `quick_pay` and `order` must be given."
        raise SquareError("BAD_REQUEST" if quick is None else "CONFLICTING_PARAMETERS", detail)
    texts: Json = {
        "description": ctx.body.text("description", 4096),
        "payment_note": ctx.body.text("payment_note", 500),
    }
    texts["checkout_options"] = _read_options(ctx.body)
    texts["pre_populated_data"] = _read_buyer(ctx.body)
    if order_given is not None:
        order = orders.read_order(ctx, order_given, state="DRAFT")
    else:
        order = _quick_order(ctx, quick or Fields({}))
    link = _new_link(ctx, order, texts)
    return {"payment_link": copy_object(link), "related_resources": {"orders": [copy_object(order)]}}


def _read_options(body: Fields) -> Json | None:
    options = body.child("checkout_options")
    if options is None:
        return None
    options.only(_OPTIONS)
    url = options.text("redirect_url", 2048)
    if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise invalid(options.name("redirect_url"), "The redirect URL is not valid.")
    options.text("merchant_support_email", 256)
    return {name: value for name, value in options.data.items() if value is not None}


def _read_buyer(body: Fields) -> Json | None:
    buyer = body.child("pre_populated_data")
    if buyer is None:
        return None
    buyer.only(_PREPOPULATED)
    buyer.text("buyer_email", 256)
    buyer.text("buyer_phone_number", 17)
    return {name: value for name, value in buyer.data.items() if value is not None}


def _quick_order(ctx: Context, quick: Fields) -> Json:
    quick.only(words("name price_money location_id"))
    location = ctx.account.get("location", quick.required("location_id"), quick.name("location_id"))
    name = quick.required("name", 255)
    amount = read_money(quick, "price_money", location["currency"])
    return orders.new_order(ctx, location, [orders.line(name, amount, 1, location["currency"])], state="DRAFT")


def _new_link(ctx: Context, order: Json, texts: Json) -> Json:
    link_id = random_id(16).upper()
    now = ctx.account.now()
    link: Json = {
        "id": link_id,
        "version": 1,
        "order_id": order["id"],
        "url": f"{ctx.base_url}/square/u/{link_id}",
        "long_url": f"{ctx.base_url}/square/u/{link_id}?src=sheet",
        "created_at": now,
        "updated_at": now,
        **{name: value for name, value in texts.items() if value is not None},
    }
    ctx.account.table("payment_link")[link_id] = link
    return link


def get(ctx: Context) -> Json:
    """One link."""
    return {"payment_link": ctx.account.get("payment_link", ctx.args["id"])}


def list_(ctx: Context) -> Json:
    """The links, newest first."""
    return listing(ctx, "payment_links", list(ctx.account.newest("payment_link")), 1000)


def update(ctx: Context) -> Json:
    """Change what the page shows; the version must be the link's present one."""
    link = ctx.account.get("payment_link", ctx.args["id"])
    given = ctx.body.required_child("payment_link")
    given.only(words("version description checkout_options pre_populated_data payment_note id order_id"))
    version = given.integer("version")
    if version is None:
        raise missing(given.name("version"))
    if version != link["version"]:
        raise SquareError("CONFLICT", "The payment link has been changed since.", field="version", status=409)
    changes: Json = {"description": given.text("description", 4096), "payment_note": given.text("payment_note", 500)}
    changes["checkout_options"], changes["pre_populated_data"] = _read_options(given), _read_buyer(given)
    link.update({name: value for name, value in changes.items() if value is not None})
    link["version"] += 1
    link["updated_at"] = ctx.account.now()
    return {"payment_link": copy_object(link)}


def delete(ctx: Context) -> Json:
    """Take a link back; its order is cancelled unless it is paid."""
    link = ctx.account.get("payment_link", ctx.args["id"])
    del ctx.account.table("payment_link")[link["id"]]
    order = ctx.account.get("order", link["order_id"])
    if order["state"] != "DRAFT":
        return {"id": link["id"]}
    order["state"] = "CANCELED"
    orders.changed(ctx, order)
    return {"id": link["id"], "cancelled_order_id": order["id"]}


# Paying ---------------------------------------------------------------------------------------------------------------


def order_of(ctx: Context, link: Json) -> Json:
    """What a link sells."""
    return ctx.account.get("order", link["order_id"])


def is_paid(order: Json) -> bool:
    """Whether the order has been paid."""
    return bool(order.get("tenders"))


def submit(
    ctx: Context, link: Json, card: Card, *, buyer: str | None = None, amount: int | None = None, again: bool = False
) -> Json:
    """The customer pays: the payment. Raises SquareError for a decline, and for a link that is paid already.

    ``amount`` pays another sum than the order's and ``again`` a second time, which Square's page does not let happen.
    """
    order = order_of(ctx, link)
    if is_paid(order) and not again:
        raise SquareError("BAD_REQUEST", "This payment link has been paid already.", executed=True)
    sum_ = amount if amount is not None else order["total_money"]["amount"]
    location = ctx.account.get("location", order["location_id"])
    source = charging.Source(card=card, entry_method="KEYED")
    # Square's page itself asks the buyer's bank
    verdict = charging.judge(ctx.account, card, sum_, verification="verf:page", partial=False)
    payment = payments.new_payment(ctx, location, source, verdict, amount=sum_, product="ONLINE_STORE")
    given = {"note": link.get("payment_note"), "buyer_email_address": buyer}
    payment |= {name: value for name, value in given.items() if value}
    payment["order_id"] = order["id"]
    payments.finish(ctx, payment, verdict, autocomplete=True)
    return payment


def return_address(link: Json) -> str | None:
    """Where the browser goes after paying, with what Square adds to it; None stays on Square's page."""
    url: str | None = link.get("checkout_options", {}).get("redirect_url")
    if not url:
        return None
    parts = urlsplit(url)
    added = [("transactionId", link["order_id"]), ("orderId", link["order_id"])]
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added])
    return urlunsplit(parts._replace(query=query))


_ROOT = "/v2/online-checkout/payment-links"
ROUTES = [
    Route(
        method="POST",
        path=_ROOT,
        operation="payment_links.create",
        handler=create,
        body=words("description quick_pay order checkout_options pre_populated_data payment_note"),
        key=192,
        key_required=False,
    ),
    Route(method="GET", path=_ROOT, operation="payment_links.list", handler=list_, query=words("cursor limit")),
    Route(method="GET", path=f"{_ROOT}/<id>", operation="payment_links.get", handler=get),
    Route(
        method="PUT",
        path=f"{_ROOT}/<id>",
        operation="payment_links.update",
        handler=update,
        body=words("payment_link"),
    ),
    Route(method="DELETE", path=f"{_ROOT}/<id>", operation="payment_links.delete", handler=delete),
]
