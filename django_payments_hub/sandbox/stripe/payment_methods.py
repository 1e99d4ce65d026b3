"""PaymentMethods: test tokens made real, cards typed in, attaching to customers."""

import hashlib

from django_payments_hub.sandbox.stripe.cards import INCORRECT_CVC, Card, Decline, by_number, by_token
from django_payments_hub.sandbox.stripe.context import LIST, Context, Route, equals, listing, words
from django_payments_hub.sandbox.stripe.errors import StripeError, invalid_parameter, missing_parameter
from django_payments_hub.sandbox.stripe.forms import Params
from django_payments_hub.sandbox.wire import Json

_TYPES = ("card", "us_bank_account")
_EMPTY_BILLING: Json = {
    "address": {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None},
    "email": None,
    "name": None,
    "phone": None,
}


def new_payment_method(
    ctx: Context, card: Card, *, expiry: tuple[int, int] | None = None, billing: Json | None = None
) -> Json:
    """Keep a PaymentMethod for a test card; ``expiry`` is (month, year)."""
    fields: Json = {
        "allow_redisplay": "unspecified",
        "billing_details": billing or billing_details(Params({})),
        "customer": None,
        "metadata": {},
        "type": card.kind,
        card.kind: _bank(card) if card.kind == "us_bank_account" else _card(ctx, card, expiry),
    }
    method = ctx.account.new("payment_method", "pm", fields)
    ctx.account.cards[method["id"]] = card
    return method


def _card(ctx: Context, card: Card, expiry: tuple[int, int] | None) -> Json:
    month, year = expiry or (12, ctx.world.clock.now().year + 3)
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": _fingerprint(ctx, card),
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _bank(card: Card) -> Json:
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
        "last4": card.last4,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": "110000000",
        "status_details": {},
    }


def _fingerprint(ctx: Context, card: Card) -> str:
    # The same card has the same fingerprint within an account, and another one elsewhere
    return hashlib.sha256(f"{ctx.account.id}:{card.number}".encode()).hexdigest()[:16]


def billing_details(params: Params) -> Json:
    """Billing details as given, the rest null."""
    params.only(frozenset({"address", "email", "name", "phone", "tax_id"}))
    address = params.child("address")
    address.only(frozenset(_EMPTY_BILLING["address"]))
    return {
        "address": {name: address.text(name) for name in _EMPTY_BILLING["address"]},
        "email": params.text("email"),
        "name": params.text("name"),
        "phone": params.text("phone"),
        "tax_id": None,
    }


def resolve(ctx: Context, method_id: str, param: str = "payment_method") -> Json:
    """The PaymentMethod that a call names: one of the account's, or a test token made real. Raises StripeError."""
    card = by_token(method_id)
    if card is not None and method_id.startswith("pm_"):
        return new_payment_method(ctx, card)
    return ctx.account.get("payment_method", method_id, param)


def from_data(ctx: Context, params: Params) -> Json:
    """A PaymentMethod from ``payment_method_data``, or from the parameters of a create call. Raises StripeError."""
    kind = params.required("type")
    if kind not in _TYPES:
        raise invalid_parameter(params.name("type"), f"Invalid {params.name('type')}: must be one of card")
    if kind == "us_bank_account":
        card, expiry = by_token("pm_usBankAccount_success"), None
    else:
        card, expiry = read_card(ctx, params.child("card"))
    if card is None:
        raise missing_parameter(params.name(kind))
    method = new_payment_method(ctx, card, expiry=expiry, billing=billing_details(params.child("billing_details")))
    method["metadata"] = params.metadata()
    return method


def read_card(ctx: Context, params: Params) -> tuple[Card, tuple[int, int] | None]:
    """A card as typed, or a ``tok_`` token. Raises StripeError, of type card_error for a card no issuer can know."""
    params.only(frozenset({"number", "exp_month", "exp_year", "cvc", "token", "networks"}))
    token = params.text("token")
    if token is not None:
        card = by_token(token) if token.startswith("tok_") else None
        if card is None:
            raise StripeError(f"No such token: '{token}'", code="resource_missing", param=params.name("token"))
        return card, None
    number = params.required("number").replace(" ", "")
    month, year = params.integer("exp_month"), params.integer("exp_year")
    if month is None or year is None:
        raise missing_parameter(params.name("exp_month" if month is None else "exp_year"))
    year += 2000 if year < 100 else 0
    _check_typed(ctx, params, number, (month, year))
    return by_number(number), (month, year)


def _check_typed(ctx: Context, params: Params, number: str, expiry: tuple[int, int]) -> None:
    month, year = expiry
    now = ctx.world.clock.now()
    cvc = params.text("cvc")
    card = by_number(number)
    if card.decline is not None and card.decline.code == "incorrect_number":
        raise typed_wrong(card.decline, params.name("number"))
    if not 1 <= month <= 12:
        raise typed_wrong(_wrong("invalid_expiry_month", "month"), params.name("exp_month"))
    if (year, month) < (now.year, now.month):
        raise typed_wrong(_wrong("invalid_expiry_year", "year"), params.name("exp_year"))
    if cvc is not None and not (cvc.isascii() and cvc.isdecimal() and len(cvc) in (3, 4)):
        raise typed_wrong(Decline(code="invalid_cvc", message=INCORRECT_CVC.message), params.name("cvc"))


def _wrong(code: str, part: str) -> Decline:
    return Decline(code=code, message=f"Your card's expiration {part} is invalid.")


def typed_wrong(decline: Decline, param: str) -> StripeError:
    """A card that never gets as far as an issuer."""
    return StripeError(decline.message, status=402, type_="card_error", code=decline.code, param=param, executed=True)


def attach_to(ctx: Context, method: Json, customer: Json) -> None:
    """Attach for good. Raises StripeError when the method belongs to another customer or is used up."""
    if method["customer"] == customer["id"]:
        return
    if method["customer"] is not None:
        message = "The payment method you provided has already been attached to a customer."
        raise StripeError(message, code="payment_method_unexpected_state", executed=True)
    refuse_used_up(ctx, method)
    method["customer"] = customer["id"]
    ctx.account.emit("payment_method.attached", method)


def refuse_used_up(ctx: Context, method: Json) -> None:
    """Raise StripeError for a method that was used once without a customer, or detached."""
    if method["id"] in ctx.account.used_up:
        message = (
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared "
            "with a connected account without Customer attachment, or was detached from a Customer. It may not be used "
            "again. To use a PaymentMethod multiple times, you must attach it to a Customer first."
        )
        raise StripeError(message, param="payment_method", executed=True)


# Operations -----------------------------------------------------------------------------------------------------------


def create(ctx: Context) -> Json:
    """A PaymentMethod from a typed card or a token."""
    return from_data(ctx, ctx.params)


def retrieve(ctx: Context) -> Json:
    """One PaymentMethod."""
    return ctx.account.get("payment_method", ctx.args["id"])


def update(ctx: Context) -> Json:
    """Change metadata, billing details or the expiry of an attached PaymentMethod."""
    method = ctx.account.get("payment_method", ctx.args["id"])
    if method["customer"] is None:
        message = "You must save this PaymentMethod to a customer before you can update it."
        raise StripeError(message, code="payment_method_unexpected_state", executed=True)
    if "billing_details" in ctx.params:
        method["billing_details"] = billing_details(ctx.params.child("billing_details"))
    card = ctx.params.child("card")
    card.only(frozenset({"exp_month", "exp_year", "networks"}))
    for name in ("exp_month", "exp_year"):
        value = card.positive(name)
        if value is not None:
            method["card"][name] = value
    method["metadata"] = ctx.params.metadata(method["metadata"])
    ctx.account.emit("payment_method.updated", method)
    return method


def attach(ctx: Context) -> Json:
    """Attach a PaymentMethod, or what a test token stands for, to a customer."""
    customer = ctx.account.get("customer", ctx.params.required("customer"), "customer")
    method = resolve(ctx, ctx.args["id"])
    card = ctx.account.cards[method["id"]]
    if card.declines_setup and card.decline is not None:
        decline_code = {"decline_code": card.decline.decline_code} if card.decline.decline_code else {}
        raise StripeError(
            card.decline.message, status=402, type_="card_error", code=card.decline.code, executed=True, **decline_code
        )
    attach_to(ctx, method, customer)
    return method


def detach(ctx: Context) -> Json:
    """Take a PaymentMethod off its customer; it cannot be used again."""
    method = ctx.account.get("payment_method", ctx.args["id"])
    before = method["customer"]
    if before is None:
        message = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise StripeError(message, code="payment_method_unexpected_state", executed=True)
    method["customer"] = None
    ctx.account.used_up.add(method["id"])
    ctx.account.emit("payment_method.detached", method, {"customer": before})
    return method


def list_(ctx: Context) -> Json:
    """The PaymentMethods of a customer (all attached ones without the filter)."""
    wanted = equals(ctx, "customer", "type")
    return listing(ctx, "payment_method", "/v1/payment_methods", lambda m: m["customer"] is not None and wanted(m))


def list_of_customer(ctx: Context) -> Json:
    """The PaymentMethods of the customer in the path."""
    customer = ctx.account.get("customer", ctx.args["customer"])
    wanted = equals(ctx, "type")
    url = f"/v1/customers/{customer['id']}/payment_methods"
    return listing(ctx, "payment_method", url, lambda m: m["customer"] == customer["id"] and wanted(m))


def retrieve_of_customer(ctx: Context) -> Json:
    """One PaymentMethod of the customer in the path."""
    method = ctx.account.get("payment_method", ctx.args["id"])
    if method["customer"] != ctx.args["customer"]:
        raise StripeError(
            f"No such PaymentMethod: '{method['id']}'", status=404, code="resource_missing", param="payment_method"
        )
    return method


_DATA = "type card us_bank_account billing_details metadata allow_redisplay radar_options"
DATA = frozenset(_DATA.split())
ROUTES = [
    Route(
        method="POST",
        path="/v1/payment_methods",
        operation="payment_methods.create",
        handler=create,
        params=words(_DATA),
        public=True,
    ),
    Route(
        method="GET",
        path="/v1/payment_methods",
        operation="payment_methods.list",
        handler=list_,
        params=LIST | {"customer", "type"},
    ),
    Route(method="GET", path="/v1/payment_methods/<id>", operation="payment_methods.retrieve", handler=retrieve),
    Route(
        method="POST",
        path="/v1/payment_methods/<id>",
        operation="payment_methods.update",
        handler=update,
        params=words("billing_details card metadata allow_redisplay"),
    ),
    Route(
        method="POST",
        path="/v1/payment_methods/<id>/attach",
        operation="payment_methods.attach",
        handler=attach,
        params=words("customer"),
    ),
    Route(method="POST", path="/v1/payment_methods/<id>/detach", operation="payment_methods.detach", handler=detach),
    Route(
        method="GET",
        path="/v1/customers/<customer>/payment_methods",
        operation="customers.payment_methods.list",
        handler=list_of_customer,
        params=LIST | {"type", "allow_redisplay"},
    ),
    Route(
        method="GET",
        path="/v1/customers/<customer>/payment_methods/<id>",
        operation="customers.payment_methods.retrieve",
        handler=retrieve_of_customer,
    ),
]
