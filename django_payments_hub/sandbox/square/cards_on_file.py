"""Cards on file: saved from a payment token or from a payment, charged by their own id."""

from dataclasses import replace

from django_payments_hub.sandbox.square import charging
from django_payments_hub.sandbox.square.cards import TOKENS, USED_TOKEN, Card
from django_payments_hub.sandbox.square.context import Context, Route, listing, oldest_first, words
from django_payments_hub.sandbox.square.errors import SquareError, authorization_error, missing
from django_payments_hub.sandbox.square.fields import Fields
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

# The documented tokens are not used up; what they stand for can be saved only where it can be charged
_CARD = words("billing_address cardholder_name customer_id reference_id exp_month exp_year version enabled id")


def create(ctx: Context) -> Json:
    """Save a card for a customer."""
    source_id = ctx.body.required("source_id", 16384)
    given = ctx.body.required_child("card")
    given.only(_CARD)
    customer_id = given.text("customer_id")
    if customer_id is None:
        raise missing(given.name("customer_id"))
    ctx.account.get("customer", customer_id, given.name("customer_id"))
    texts = {"cardholder_name": given.text("cardholder_name", 96), "reference_id": given.text("reference_id", 128)}
    card = _source(ctx, source_id)
    saved = save(ctx, card, customer_id, texts | _address(given))
    return {"card": copy_object(saved)}


def _address(given: Fields) -> Json:
    address = given.child("billing_address")
    return {"billing_address": address.data if address else None}


def _source(ctx: Context, source_id: str) -> Card:
    """The card behind a token or a payment, each good for one card on file. Raises SquareError."""
    if source_id in ctx.account.used_sources or source_id == USED_TOKEN:
        detail = "The provided source id was already used to create a card."
        raise SquareError("SOURCE_USED", detail, field="source_id", executed=True)
    payment = ctx.account.find("payment", source_id)
    if payment is not None:
        card = _of_payment(ctx, payment)
    elif source_id in TOKENS and source_id.startswith("cnon:"):
        card = TOKENS[source_id]
    else:
        card = charging.spend_nonce(ctx.account, source_id)
    _check(ctx, card)
    if source_id not in TOKENS:
        ctx.account.used_sources.add(source_id)
    return card


def _of_payment(ctx: Context, payment: Json) -> Card:
    if payment["status"] not in ("APPROVED", "COMPLETED") or payment["source_type"] != "CARD":
        detail = "A card can be saved only from a payment that was made with it."
        raise SquareError("BAD_REQUEST", detail, field="source_id", executed=True)
    # The buyer was asked for the payment
    return replace(ctx.account.cards[payment["id"]], needs_verification=False)


def _check(ctx: Context, card: Card) -> None:
    """What Square refuses to save; it does not say why (a card tester would learn from it)."""
    if card.decline or card.kind != "CARD" or card.brand == "SQUARE_GIFT_CARD":
        raise SquareError("INVALID_CARD_DATA", "Invalid card data.", field="source_id", executed=True)
    if card.needs_verification and not charging.is_verified(ctx.account, ctx.body.text("verification_token")):
        error = authorization_error(charging.VERIFICATION_REQUIRED)
        raise SquareError(error["code"], error["detail"], category=error["category"], executed=True)


def save(ctx: Context, card: Card, customer_id: str, texts: Json) -> Json:
    """Keep a card for a customer."""
    saved: Json = {
        "id": f"ccof:{random_id(17)}3GB",
        **charging.card_object(ctx.account, card),
        "customer_id": customer_id,
        "merchant_id": ctx.account.id,
        "enabled": True,
        "hsa_fsa": False,
        "version": 1,
        "created_at": ctx.account.now(),
        **{name: value for name, value in texts.items() if value is not None},
    }
    ctx.account.table("card")[saved["id"]] = saved
    # The customer agreed when the card was saved
    ctx.account.cards[saved["id"]] = replace(card, needs_verification=False)
    ctx.account.emit("card.created", "card", saved)
    return saved


def get(ctx: Context) -> Json:
    """One card."""
    return {"card": ctx.account.get("card", ctx.args["id"])}


def list_(ctx: Context) -> Json:
    """The cards, oldest first, of a customer; those disabled on request."""
    customer, reference = ctx.query.text("customer_id"), ctx.query.text("reference_id")
    all_ = ctx.query.flag("include_disabled")
    found = [
        card
        for card in ctx.account.table("card").values()
        if (all_ or card["enabled"])
        and customer in (None, card["customer_id"])
        and reference in (None, card.get("reference_id"))
    ]
    return listing(ctx, "cards", found if oldest_first(ctx, "ASC") else found[::-1], 25)


def disable(ctx: Context) -> Json:
    """A card that is not to be charged any more; disabling it again changes nothing."""
    card = ctx.account.get("card", ctx.args["id"])
    if card["enabled"]:
        card["enabled"] = False
        card["version"] += 1
        ctx.account.emit("card.disabled", "card", card)
    return {"card": copy_object(card)}


_ROOT = "/v2/cards"
ROUTES = [
    Route(
        method="POST",
        path=_ROOT,
        operation="cards.create",
        handler=create,
        body=words("source_id verification_token card"),
        key=45,
    ),
    Route(
        method="GET",
        path=_ROOT,
        operation="cards.list",
        handler=list_,
        query=words("cursor customer_id include_disabled reference_id sort_order"),
    ),
    Route(method="GET", path=f"{_ROOT}/<id>", operation="cards.get", handler=get),
    Route(method="POST", path=f"{_ROOT}/<id>/disable", operation="cards.disable", handler=disable),
]
