"""Vault v3: setup tokens, which the buyer approves on PayPal's page, and the payment tokens made of them."""

import re
from datetime import timedelta

from django_payments_hub.sandbox.paypal import ids, tokens
from django_payments_hub.sandbox.paypal.account import Behind
from django_payments_hub.sandbox.paypal.buyers import Buyer
from django_payments_hub.sandbox.paypal.context import VAULT_WINDOW, Context, Reply, Route
from django_payments_hub.sandbox.paypal.errors import PayPalError, invalid, missing, not_found
from django_payments_hub.sandbox.paypal.purchase import TOKEN, read_experience
from django_payments_hub.sandbox.paypal.reading import Body
from django_payments_hub.sandbox.wire import Json, copy_object

# A setup token lives for three days (developer.paypal.com/docs/checkout/save-payment-methods)
LIFETIME = timedelta(days=3)
SETUPS = "/v3/vault/setup-tokens"
_KEPT = frozenset({"customer_type", "description", "permit_multiple_payment_tokens", "usage_type"})
_WALLET = _KEPT | {"experience_context", "shipping", "usage_pattern"}
_EXPERIENCE = frozenset({"vault_instruction"})
_CUSTOMER = re.compile(r"[0-9a-zA-Z_-]+", re.ASCII)


def create_setup(ctx: Context) -> Reply:
    """Begin to save a wallet: the buyer has to approve."""
    _keyed(ctx)
    ctx.body.only(frozenset({"customer", "metadata", "payment_source"}))
    source = ctx.body.child("payment_source")
    if "payment_source" not in ctx.body:
        raise missing("/payment_source")
    source.only(frozenset({"paypal"}))
    wallet = source.child("paypal")
    wallet.only(_WALLET)
    context = wallet.child("experience_context")
    usage = wallet.choice("usage_type", ("MERCHANT", "PLATFORM"))
    setup_id = ids.resource_id()
    setup: Json = {
        "id": setup_id,
        "customer": {"id": _read_customer(ctx) or ids.customer_id()},
        "status": "PAYER_ACTION_REQUIRED",
        "payment_source": {"paypal": {name: value for name, value in wallet.data.items() if name in _KEPT}},
        "links": [
            ctx.link(f"{SETUPS}/{setup_id}", "self"),
            ctx.link(f"/agreements/approve?approval_session_id={setup_id}", "approve"),
        ],
    }
    page = read_experience(Body({k: v for k, v in context.data.items() if k not in _EXPERIENCE}, context.path))
    if "return_url" not in page:
        raise missing(context.where("return_url"))
    behind = Behind(context=page, expires=ctx.world.clock.now() + LIFETIME, vault={"usage_type": usage or "MERCHANT"})
    return Reply(status=201, body=ctx.account.add("setup_token", setup, behind))


def _keyed(ctx: Context) -> None:
    if ctx.request_id is None:
        text = "A required parameter is missing."
        error = PayPalError(
            "MISSING_REQUIRED_PARAMETER", text, status=400, field="PayPal-Request-Id", location="header"
        )
        raise error


def _read_customer(ctx: Context) -> str | None:
    return ctx.body.child("customer").text("id", 22, pattern=_CUSTOMER)


def live_setup(ctx: Context, setup_id: str) -> Json:
    """A setup token whose time is not over. Raises PayPalError (404)."""
    setup = ctx.account.get("setup_token", setup_id)
    expires = ctx.account.behind(setup).expires
    if expires is not None and ctx.world.clock.now() >= expires:
        raise not_found()
    return setup


def approve(ctx: Context, setup: Json, buyer: Buyer) -> None:
    """The buyer agrees that his wallet be saved. Raises ValueError when there is nothing to approve."""
    if setup["status"] != "PAYER_ACTION_REQUIRED":
        raise ValueError(f"the setup token is {setup['status']}: nothing to approve")
    ctx.account.behind(setup).buyer = buyer
    setup["status"] = "APPROVED"
    setup["payment_source"]["paypal"] |= {"email_address": buyer.email, "payer_id": buyer.payer_id}


def show_setup(ctx: Context) -> Reply:
    """One setup token."""
    return Reply(body=live_setup(ctx, ctx.args["id"]))


def create(ctx: Context) -> Reply:
    """A payment token out of an approved setup token, which is used up by it."""
    _keyed(ctx)
    ctx.body.only(frozenset({"customer", "metadata", "payment_source"}))
    source = ctx.body.child("payment_source").child("token")
    if source.choice("type", ("SETUP_TOKEN", "BILLING_AGREEMENT")) != "SETUP_TOKEN":
        raise invalid("INVALID_PARAMETER_VALUE", "The value of a field is invalid.", source.where("type"))
    setup = live_setup(ctx, source.required("id", 255, pattern=TOKEN))
    behind = ctx.account.behind(setup)
    if setup["status"] == "VAULTED":
        raise PayPalError("TOKEN_ALREADY_USED", "The setup token was used already.", field=source.where("id"))
    if setup["status"] != "APPROVED" or behind.buyer is None:
        text = "Payer has not yet approved the setup token. Please redirect the payer to the 'rel':'approve' url."
        raise PayPalError("SETUP_TOKEN_NOT_APPROVED", text, field=source.where("id"))
    customer = _read_customer(ctx)
    if customer not in (None, setup["customer"]["id"]):
        raise PayPalError("INVALID_CUSTOMER_ID", "The customer is not the setup token's.", field="/customer/id")
    setup["status"] = "VAULTED"
    attributes = {**behind.vault, **setup["payment_source"]["paypal"]}
    return Reply(status=201, body=tokens.new_token(ctx, behind.buyer, setup["customer"]["id"], attributes))


def list_(ctx: Context) -> Reply:
    """The payment tokens of a customer."""
    customer = ctx.query.get("customer_id")
    if not customer:
        raise PayPalError(
            "MISSING_REQUIRED_PARAMETER", "A required parameter is missing.", status=400, field="customer_id",
            location="query",
        )  # fmt: skip
    found = [copy_object(t) for t in ctx.account.table("payment_token").values() if t["customer"]["id"] == customer]
    size = _number(ctx, "page_size", 5, most=20)
    page = _number(ctx, "page", 1, most=10_000)
    body: Json = {
        "customer": {"id": customer},
        "payment_tokens": found[(page - 1) * size : page * size],
        "links": [ctx.link(f"{tokens.TOKENS}?customer_id={customer}&page={page}&page_size={size}", "self")],
    }
    if ctx.query.get("total_required") == "true":
        body |= {"total_items": len(found), "total_pages": -(-len(found) // size)}
    return Reply(body=body)


def _number(ctx: Context, name: str, default: int, *, most: int) -> int:
    given = ctx.query.get(name)
    if given is None:
        return default
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise PayPalError(
            "INVALID_PARAMETER_VALUE", "A parameter value is not valid.", status=400, field=name, location="query"
        )
    return int(given)


def show(ctx: Context) -> Reply:
    """One payment token."""
    return Reply(body=ctx.account.get("payment_token", ctx.args["id"]))


def delete(ctx: Context) -> Reply:
    """Forget a payment token: nothing can be paid with it any more. 204 for an unknown one too."""
    token = ctx.account.find("payment_token", ctx.args["id"])
    if token is not None:
        tokens.announce(ctx, "VAULT.PAYMENT-TOKEN.DELETED", token)
        del ctx.account.table("payment_token")[token["id"]]
    return Reply(status=204)


def _latest(ctx: Context, token_id: str) -> Json:
    return ctx.account.get("payment_token", token_id)


ROUTES = [
    Route(
        method="POST",
        path=SETUPS,
        operation="setup_tokens.create",
        handler=create_setup,
        window=VAULT_WINDOW,
        again=live_setup,
    ),
    Route(method="GET", path=f"{SETUPS}/<id>", operation="setup_tokens.get", handler=show_setup),
    Route(
        method="POST",
        path=tokens.TOKENS,
        operation="payment_tokens.create",
        handler=create,
        window=VAULT_WINDOW,
        again=_latest,
    ),
    Route(method="GET", path=tokens.TOKENS, operation="payment_tokens.list", handler=list_),
    Route(method="GET", path=f"{tokens.TOKENS}/<id>", operation="payment_tokens.get", handler=show),
    Route(method="DELETE", path=f"{tokens.TOKENS}/<id>", operation="payment_tokens.delete", handler=delete),
]
