"""Saved payment methods: made on PayPal's page or while paying."""

from django_payments_hub.sandbox.paypal import ids
from django_payments_hub.sandbox.paypal.account import Behind
from django_payments_hub.sandbox.paypal.buyers import Buyer
from django_payments_hub.sandbox.paypal.context import Context
from django_payments_hub.sandbox.wire import Json, copy_object

TOKENS = "/v3/vault/payment-tokens"


def new_token(ctx: Context, buyer: Buyer, customer: str, attributes: Json, *, order_id: str = "") -> Json:
    """Save the buyer's wallet for a customer; an event tells it."""
    token_id = ids.token_id()
    wallet: Json = {
        "usage_type": attributes.get("usage_type", "MERCHANT"),
        "customer_type": attributes.get("customer_type", "CONSUMER"),
        "permit_multiple_payment_tokens": bool(attributes.get("permit_multiple_payment_tokens", False)),
        "email_address": buyer.email,
        "payer_id": buyer.payer_id,
        "account_id": buyer.payer_id,
        "name": {"given_name": buyer.given_name, "surname": buyer.surname},
    }
    token: Json = {
        "id": token_id,
        "customer": {"id": customer},
        "payment_source": {"paypal": wallet},
        "links": [
            ctx.link(f"{TOKENS}/{token_id}", "self"),
            ctx.link(f"{TOKENS}/{token_id}", "delete", "DELETE"),
        ],
    }
    ctx.account.add("payment_token", token, Behind(buyer=buyer, order=order_id))
    announce(ctx, "VAULT.PAYMENT-TOKEN.CREATED", token)
    return token


def announce(ctx: Context, type_: str, token: Json) -> None:
    """Tell that a token was created or deleted."""
    done = type_.rpartition(".")[2].lower()
    order_id = ctx.account.behind(token).order
    resource = {**copy_object(token), **({"metadata": {"order_id": order_id}} if order_id else {})}
    ctx.account.emit(type_, "payment_token", resource, f"A payment token has been {done}.", version="3.0")
