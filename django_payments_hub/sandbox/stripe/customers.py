"""Customers, and the account itself."""

from django_payments_hub.sandbox.stripe.context import LIST, Context, Route, equals, listing, words
from django_payments_hub.sandbox.stripe.errors import invalid_parameter
from django_payments_hub.sandbox.stripe.payment_methods import attach_to, resolve
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

_TEXTS = ("description", "email", "name", "phone")


def create(ctx: Context) -> Json:
    """A new customer, optionally with a payment method attached at once."""
    fields = _read(ctx)
    method_id = ctx.params.text("payment_method")
    method = resolve(ctx, method_id) if method_id else None
    customer = ctx.account.new(
        "customer",
        "cus",
        {
            "address": None,
            "balance": 0,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "discount": None,
            "email": None,
            "invoice_prefix": random_id(8).upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "metadata": ctx.params.metadata(),
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        },
    )
    customer.update(fields)
    if method is not None:
        attach_to(ctx, method, customer)
    ctx.account.emit("customer.created", customer)
    return customer


def _read(ctx: Context) -> Json:
    fields: Json = {name: ctx.params.text(name) for name in _TEXTS if name in ctx.params}
    email = fields.get("email")
    if email is not None and ("@" not in email or len(email) > 512):
        raise invalid_parameter("email", f"Invalid email address: {email}", "email_invalid")
    for name in ("address", "shipping"):
        if name in ctx.params:
            fields[name] = copy_object(ctx.params.child(name).data) or None
    return fields


def retrieve(ctx: Context) -> Json:
    """One customer."""
    return ctx.account.get("customer", ctx.args["id"])


def update(ctx: Context) -> Json:
    """Change a customer."""
    customer = ctx.account.get("customer", ctx.args["id"])
    fields = _read(ctx)
    settings = ctx.params.child("invoice_settings")
    default = settings.text("default_payment_method")
    if default is not None:
        method = ctx.account.get("payment_method", default, "invoice_settings[default_payment_method]")
        if method["customer"] != customer["id"]:
            message = "The customer does not have a payment method with this ID. It must be attached to the customer."
            raise invalid_parameter("invoice_settings[default_payment_method]", message, "resource_missing")
        fields["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": default}
    before = {name: customer[name] for name in fields if name in customer}
    customer.update(fields, metadata=ctx.params.metadata(customer["metadata"]))
    ctx.account.emit("customer.updated", customer, before)
    return customer


def delete(ctx: Context) -> Json:
    """Remove a customer and let go of the payment methods."""
    customer = ctx.account.get("customer", ctx.args["id"])
    for method in ctx.account.table("payment_method").values():
        if method["customer"] == customer["id"]:
            method["customer"] = None
            ctx.account.used_up.add(method["id"])
    del ctx.account.table("customer")[customer["id"]]
    ctx.account.emit("customer.deleted", customer)
    return {"id": customer["id"], "object": "customer", "deleted": True}


def list_(ctx: Context) -> Json:
    """The customers, newest first."""
    return listing(ctx, "customer", "/v1/customers", equals(ctx, "email"))


def retrieve_account(ctx: Context) -> Json:
    """The account that the key opens."""
    return {
        "id": ctx.account.id,
        "object": "account",
        "business_profile": {"name": "Sandbox", "url": None, "mcc": None},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": "US",
        "created": 1_700_000_000,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "owner@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": "Sandbox", "timezone": "Etc/UTC"}},
        "type": "standard",
    }


_FIELDS = "address description email metadata name phone shipping invoice_settings preferred_locales tax_exempt balance"
_ROOT = "/v1/customers"
ROUTES = [
    Route(
        method="POST",
        path=_ROOT,
        operation="customers.create",
        handler=create,
        params=words(_FIELDS + " payment_method"),
    ),
    Route(method="GET", path=_ROOT, operation="customers.list", handler=list_, params=LIST | {"email"}),
    Route(method="GET", path=f"{_ROOT}/<id>", operation="customers.retrieve", handler=retrieve),
    Route(method="POST", path=f"{_ROOT}/<id>", operation="customers.update", handler=update, params=words(_FIELDS)),
    Route(method="DELETE", path=f"{_ROOT}/<id>", operation="customers.delete", handler=delete),
    Route(method="GET", path="/v1/account", operation="account.retrieve", handler=retrieve_account),
    Route(method="GET", path="/v1/accounts/<id>", operation="accounts.retrieve", handler=retrieve_account),
]
