"""The parameters of the PaymentIntent operations, read and checked."""

from django_payments_hub.sandbox.stripe import intent_flow, payment_methods
from django_payments_hub.sandbox.stripe.context import Context
from django_payments_hub.sandbox.stripe.errors import StripeError, invalid_parameter
from django_payments_hub.sandbox.wire import Json, copy_object

CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
_TEXTS = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group")


def read_fields(ctx: Context) -> Json:
    """The plain fields that a call sets, checked."""
    params = ctx.params
    fields: Json = {name: params.text(name) for name in _TEXTS if name in params}
    descriptor = fields.get("statement_descriptor_suffix") or fields.get("statement_descriptor") or ""
    if len(descriptor) > 22:
        raise invalid_parameter("statement_descriptor", "The statement descriptor must be at most 22 characters.")
    if capture_method := params.choice("capture_method", CAPTURE_METHODS):
        fields["capture_method"] = capture_method
    if confirmation_method := params.choice("confirmation_method", ("automatic", "manual")):
        fields["confirmation_method"] = confirmation_method
    if "setup_future_usage" in params:
        fields["setup_future_usage"] = params.choice("setup_future_usage", ("off_session", "on_session"))
    if (customer := ctx.named("customer", "customer")) is not None:
        fields["customer"] = customer["id"]
    if "payment_method_options" in params:
        fields["payment_method_options"] = copy_object(params.child("payment_method_options").data)
    if "shipping" in params:
        fields["shipping"] = copy_object(params.child("shipping").data)
    return fields


def read_types(ctx: Context, currency: str) -> Json:
    """Which kinds of payment method may pay: those named, or Stripe's choice."""
    automatic = ctx.params.child("automatic_payment_methods")
    automatic.only(frozenset({"enabled", "allow_redirects"}))
    named = ctx.params.texts("payment_method_types")
    if named and automatic.boolean("enabled"):
        message = "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."
        raise invalid_parameter("payment_method_types", message)
    if named or (automatic.boolean("enabled") is False):
        return {"payment_method_types": named or ["card"], "automatic_payment_methods": None}
    redirects = automatic.choice("allow_redirects", ("always", "never")) or "always"
    types = ["card", "us_bank_account"] if currency == "usd" else ["card"]
    return {
        "payment_method_types": types,
        "automatic_payment_methods": {"allow_redirects": redirects, "enabled": True},
    }


def read_confirmation(ctx: Context) -> intent_flow.Confirmation:
    """How the call confirms."""
    off_session = ctx.params.choice("off_session", ("true", "false", "one_off", "recurring"))
    return intent_flow.Confirmation(
        off_session=off_session not in (None, "false"),
        return_url=ctx.params.text("return_url"),
        error_on_requires_action=ctx.params.boolean("error_on_requires_action") or False,
    )


def read_method(ctx: Context) -> Json | None:
    """The payment method that the call names or describes, or None."""
    if "payment_method_data" in ctx.params:
        data = ctx.params.child("payment_method_data")
        data.only(payment_methods.DATA)
        return payment_methods.from_data(ctx, data)
    method_id = ctx.params.text("payment_method")
    return payment_methods.resolve(ctx, method_id) if method_id else None


def check_method(ctx: Context, method: Json | None, customer: str | None, types: list[str]) -> None:
    """Refuse a method of a kind not allowed, of another customer, or used up."""
    if method is None:
        return
    if method["type"] not in types:
        message = (
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. Please attach a "
            f"PaymentMethod of one of the following types: {', '.join(types)}."
        )
        raise invalid_parameter("payment_method", message)
    owner = method["customer"]
    if owner is not None and customer is None:
        message = (
            f"The PaymentMethod {method['id']} belongs to the Customer {owner}. Please include the Customer in the "
            "`customer` parameter on the PaymentIntent."
        )
        raise invalid_parameter("payment_method", message)
    if owner not in (None, customer):
        message = (
            f"The customer does not have a payment method with the ID {method['id']}. The payment method must be "
            "attached to the customer."
        )
        raise invalid_parameter("payment_method", message)
    payment_methods.refuse_used_up(ctx, method)


def check_confirmable(ctx: Context, method: Json | None, automatic: Json | None, how: intent_flow.Confirmation) -> None:
    """Refuse to confirm without a method, or without a way back from a redirect."""
    if method is None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken."
        )
        raise StripeError(message, code="payment_intent_unexpected_state", executed=True)
    redirects = automatic is not None and automatic["allow_redirects"] == "always"
    client_side = ctx.public or ctx.params.boolean("use_stripe_sdk")
    if redirects and how.return_url is None and not client_side:
        message = (
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`. If "
            "you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to "
            "`true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
            "Payment Intents."
        )
        raise StripeError(message, param="return_url")
