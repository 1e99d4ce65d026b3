"""The PaymentIntent operations: reading parameters, checking the move, handing over to the flow."""

import hmac

from django_payments_hub.sandbox.stripe import intent_flow
from django_payments_hub.sandbox.stripe import intent_reading as reading
from django_payments_hub.sandbox.stripe.charges import multicapture
from django_payments_hub.sandbox.stripe.context import LIST, Context, Route, equals, listing, words
from django_payments_hub.sandbox.stripe.errors import StripeError, invalid_parameter, not_found, unexpected_state
from django_payments_hub.sandbox.stripe.money import check_amount, read_amount, read_currency
from django_payments_hub.sandbox.wire import Json, copy_object, random_id


def new_intent(ctx: Context, *, amount: int, currency: str) -> Json:
    """An intent with nothing but its amount, waiting for a payment method."""
    intent = ctx.account.new(
        "payment_intent",
        "pi",
        {
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic_async",
            "client_secret": None,
            "confirmation_method": "automatic",
            "currency": currency,
            "customer": None,
            "description": None,
            "last_payment_error": None,
            "latest_charge": None,
            "metadata": {},
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "processing": None,
            "receipt_email": None,
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
        },
    )
    intent["client_secret"] = f"{intent['id']}_secret_{random_id()}"
    return intent


def create(ctx: Context) -> Json:
    """A new intent, confirmed at once where the call says so."""
    currency = read_currency(ctx.params)
    amount = read_amount(ctx.params, currency)
    fields = reading.read_fields(ctx)
    types = reading.read_types(ctx, currency)
    confirm_now = ctx.params.boolean("confirm") or False
    how = reading.read_confirmation(ctx)
    if not confirm_now and ("off_session" in ctx.params or "return_url" in ctx.params):
        name = "off_session" if "off_session" in ctx.params else "return_url"
        raise invalid_parameter(name, f"`{name}` can only be used with `confirm` set to true.")
    method = reading.read_method(ctx)
    reading.check_method(ctx, method, fields.get("customer"), types["payment_method_types"])
    if confirm_now:
        reading.check_confirmable(ctx, method, types["automatic_payment_methods"], how)
    intent = new_intent(ctx, amount=amount, currency=currency)
    intent.update(fields, **types, metadata=ctx.params.metadata())
    if method is not None:
        intent["payment_method"], intent["status"] = method["id"], "requires_confirmation"
    ctx.account.emit("payment_intent.created", intent)
    if confirm_now and method is not None:
        intent_flow.confirm(ctx, intent, method, how)
    return intent


def find(ctx: Context) -> Json:
    """The intent in the path; with a publishable key only by its client secret. Raises StripeError."""
    intent = ctx.account.get("payment_intent", ctx.args["id"])
    check_client_secret(ctx, intent, "payment_intent")
    return intent


def check_client_secret(ctx: Context, intent: Json, kind: str) -> None:
    """Raise StripeError unless a call with a publishable key knows the intent's client secret."""
    given = ctx.params.text("client_secret")
    if given is None and not ctx.public:
        return
    if not hmac.compare_digest((given or "").encode(), intent["client_secret"].encode()):
        raise not_found(kind, intent["id"], "intent", in_path=True)


def retrieve(ctx: Context) -> Json:
    """One intent."""
    return find(ctx)


def update(ctx: Context) -> Json:
    """Change an intent that has not been paid."""
    intent = find(ctx)
    if intent["status"] in ("succeeded", "canceled", "processing", "requires_capture"):
        changed = set(ctx.params.data) - {"metadata", "description", "receipt_email", "expand"}
        if changed:
            message = (
                f"This PaymentIntent's {sorted(changed)[0]} could not be updated because it has a status of "
                f"{intent['status']}."
            )
            raise StripeError(
                message, code="payment_intent_unexpected_state", executed=True, payment_intent=copy_object(intent)
            )
    currency = read_currency(ctx.params) if "currency" in ctx.params else intent["currency"]
    amount = ctx.params.positive("amount") or intent["amount"]
    check_amount(amount, currency, "amount")
    fields = reading.read_fields(ctx)
    types = ctx.params.texts("payment_method_types") or intent["payment_method_types"]
    method = reading.read_method(ctx)
    reading.check_method(ctx, method, fields.get("customer", intent["customer"]), types)
    metadata = ctx.params.metadata(intent["metadata"])
    intent.update(fields, amount=amount, currency=currency, payment_method_types=types, metadata=metadata)
    if method is not None:
        intent["payment_method"], intent["status"] = method["id"], "requires_confirmation"
    return intent


def confirm(ctx: Context) -> Json:
    """Pay, with the method given now or before."""
    intent = find(ctx)
    if intent["status"] not in intent_flow.CONFIRMABLE:
        message = {
            "succeeded": "You cannot confirm this PaymentIntent because it has already succeeded after being "
            "previously confirmed."
        }.get(intent["status"], f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}.")
        raise StripeError(
            message, code="payment_intent_unexpected_state", executed=True, payment_intent=copy_object(intent)
        )
    fields = reading.read_fields(ctx)
    how = reading.read_confirmation(ctx)
    method = reading.read_method(ctx)
    if method is None and intent["payment_method"] is not None:
        method = ctx.account.get("payment_method", intent["payment_method"], "payment_method")
    reading.check_method(ctx, method, intent["customer"], intent["payment_method_types"])
    reading.check_confirmable(ctx, method, intent["automatic_payment_methods"], how)
    intent.update(fields)
    if method is not None:
        intent_flow.confirm(ctx, intent, method, how)
    return intent


def capture(ctx: Context) -> Json:
    """Take what was authorised, or a part of it."""
    intent = ctx.account.get("payment_intent", ctx.args["id"])
    amount = ctx.params.positive("amount_to_capture")
    final = ctx.params.boolean("final_capture") is not False
    if intent["status"] != "requires_capture":
        raise unexpected_state(copy_object(intent), "captured", "requires_capture")
    if amount is not None and amount > intent["amount_capturable"]:
        message = (
            f"The requested capture amount is greater than the amount you can capture for this charge: "
            f"{amount} > {intent['amount_capturable']}."
        )
        raise StripeError(message, code="amount_too_large", param="amount_to_capture", executed=True)
    if not final and not multicapture(intent):
        message = "`final_capture` can be set to `false` only on a PaymentIntent that supports multicapture."
        raise StripeError(message, param="final_capture", executed=True)
    intent["metadata"] = ctx.params.metadata(intent["metadata"])
    intent_flow.capture(ctx, intent, amount or intent["amount_capturable"], final=final)
    return intent


def cancel(ctx: Context) -> Json:
    """Give the intent up; what it reserved is released."""
    intent = ctx.account.get("payment_intent", ctx.args["id"])
    reasons = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
    reason = ctx.params.choice("cancellation_reason", reasons)
    if intent["status"] not in intent_flow.CANCELABLE or intent["status"] == "processing":
        message = (
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(intent_flow.CANCELABLE)}."
        )
        raise StripeError(
            message, code="payment_intent_unexpected_state", executed=True, payment_intent=copy_object(intent)
        )
    intent_flow.cancel(ctx, intent, reason)
    return intent


def list_(ctx: Context) -> Json:
    """The intents, newest first."""
    return listing(ctx, "payment_intent", "/v1/payment_intents", equals(ctx, "customer"))


_ROOT = "/v1/payment_intents"
_COMMON = (
    "amount customer description metadata payment_method payment_method_data payment_method_options"
    " payment_method_types receipt_email setup_future_usage shipping statement_descriptor statement_descriptor_suffix"
    " transfer_group currency capture_method"
)
_CONFIRMING = (
    " return_url off_session error_on_requires_action use_stripe_sdk mandate mandate_data radar_options client_secret"
)
ROUTES = [
    Route(
        method="POST",
        path=_ROOT,
        operation="payment_intents.create",
        handler=create,
        params=words(_COMMON + _CONFIRMING + " confirm confirmation_method automatic_payment_methods")
        - {"client_secret"},
    ),
    Route(method="GET", path=_ROOT, operation="payment_intents.list", handler=list_, params=LIST | {"customer"}),
    Route(
        method="GET",
        path=f"{_ROOT}/<id>",
        operation="payment_intents.retrieve",
        handler=retrieve,
        params=words("client_secret"),
        public=True,
    ),
    Route(
        method="POST", path=f"{_ROOT}/<id>", operation="payment_intents.update", handler=update, params=words(_COMMON)
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/confirm",
        operation="payment_intents.confirm",
        handler=confirm,
        params=words(
            "payment_method payment_method_data payment_method_options payment_method_types receipt_email shipping"
            " setup_future_usage capture_method" + _CONFIRMING
        ),
        public=True,
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/capture",
        operation="payment_intents.capture",
        handler=capture,
        params=words("amount_to_capture final_capture metadata statement_descriptor statement_descriptor_suffix"),
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/cancel",
        operation="payment_intents.cancel",
        handler=cancel,
        params=words("cancellation_reason"),
    ),
]
