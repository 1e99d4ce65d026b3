"""SetupIntents: keeping a card for later, with the customer's consent where the card asks for it."""

from django_payments_hub.sandbox.stripe import payment_methods
from django_payments_hub.sandbox.stripe.cards import NOT_AUTHENTICATED, Card, Decline
from django_payments_hub.sandbox.stripe.charges import card_of
from django_payments_hub.sandbox.stripe.context import LIST, Context, Route, equals, listing, words
from django_payments_hub.sandbox.stripe.errors import DOC_URL, StripeError, unexpected_state
from django_payments_hub.sandbox.stripe.intent_flow import next_action
from django_payments_hub.sandbox.stripe.payment_intents import check_client_secret
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def new_setup_intent(ctx: Context, *, customer: str | None, usage: str, metadata: dict[str, str]) -> Json:
    """A SetupIntent that waits for a payment method."""
    intent = ctx.account.new(
        "setup_intent",
        "seti",
        {
            "application": None,
            "automatic_payment_methods": None,
            "cancellation_reason": None,
            "client_secret": None,
            "customer": customer,
            "description": None,
            "flow_directions": None,
            "last_setup_error": None,
            "latest_attempt": None,
            "mandate": None,
            "metadata": metadata,
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {
                "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
            },
            "payment_method_types": ["card"],
            "single_use_mandate": None,
            "status": "requires_payment_method",
            "usage": usage,
        },
    )
    intent["client_secret"] = f"{intent['id']}_secret_{random_id()}"
    ctx.account.emit("setup_intent.created", intent)
    return intent


def confirm_setup(ctx: Context, intent: Json, method: Json, return_url: str | None) -> None:
    """Set the method up: done, refused, or waiting for the customer. Raises StripeError (402)."""
    card = card_of(ctx, method)
    intent["payment_method"], intent["last_setup_error"] = method["id"], None
    if card.declines_setup and card.decline is not None:
        error = fail_setup(ctx, intent, method, card.decline)
        raise StripeError(
            card.decline.message,
            status=402,
            type_="card_error",
            code=card.decline.code,
            executed=True,
            setup_intent=copy_object(intent),
            **{name: value for name, value in error.items() if name in ("decline_code", "payment_method")},
        )
    if _asks(card):
        intent["status"], intent["next_action"] = "requires_action", next_action(ctx, intent, return_url)
        ctx.account.emit("setup_intent.requires_action", intent)
        return
    finish_setup(ctx, intent)


def _asks(card: Card) -> bool:
    return card.authentication in ("required", "unless_set_up")


def finish_setup(ctx: Context, intent: Json) -> None:
    """The method is ready for off-session payments, and the customer's own."""
    method = ctx.account.get("payment_method", intent["payment_method"])
    if intent["customer"]:
        payment_methods.attach_to(ctx, method, ctx.account.get("customer", intent["customer"], "customer"))
    ctx.account.set_up.add(method["id"])
    intent["status"], intent["next_action"] = "succeeded", None
    ctx.account.emit("setup_intent.succeeded", intent)


def fail_setup(ctx: Context, intent: Json, method: Json, decline: Decline) -> Json:
    """A try that failed; returns the error."""
    error: Json = {
        "code": decline.code,
        "doc_url": DOC_URL + decline.code.replace("_", "-"),
        "message": decline.message,
        "payment_method": copy_object(method),
        "type": "invalid_request_error" if decline is NOT_AUTHENTICATED else "card_error",
    }
    if decline.decline_code:
        error["decline_code"] = decline.decline_code
    intent.update(status="requires_payment_method", last_setup_error=error, payment_method=None, next_action=None)
    ctx.account.emit("setup_intent.setup_failed", intent)
    return error


def complete_setup_action(ctx: Context, intent: Json, *, succeed: bool) -> None:
    """What follows the customer's step on the 3-D Secure page."""
    if succeed:
        finish_setup(ctx, intent)
        return
    method = ctx.account.get("payment_method", intent["payment_method"])
    decline = Decline(code="setup_intent_authentication_failure", message=NOT_AUTHENTICATED.message)
    fail_setup(ctx, intent, method, decline)


# Operations -----------------------------------------------------------------------------------------------------------


def create(ctx: Context) -> Json:
    """A new SetupIntent, confirmed at once where the call says so."""
    customer = ctx.named("customer", "customer")
    usage = ctx.params.choice("usage", ("off_session", "on_session")) or "off_session"
    method = _read_method(ctx)
    metadata = ctx.params.metadata()
    customer_id = customer["id"] if customer else None
    if method is not None:
        _check_owner(ctx, method, customer_id)
    confirm_now = ctx.params.boolean("confirm") or False
    if confirm_now:
        _check_method(method)
    intent = new_setup_intent(ctx, customer=customer_id, usage=usage, metadata=metadata)
    intent["description"] = ctx.params.text("description")
    if method is not None:
        intent["payment_method"], intent["status"] = method["id"], "requires_confirmation"
        if confirm_now:
            confirm_setup(ctx, intent, method, ctx.params.text("return_url"))
    return intent


def _read_method(ctx: Context) -> Json | None:
    if "payment_method_data" in ctx.params:
        data = ctx.params.child("payment_method_data")
        data.only(payment_methods.DATA)
        return payment_methods.from_data(ctx, data)
    method_id = ctx.params.text("payment_method")
    return payment_methods.resolve(ctx, method_id) if method_id else None


def _check_owner(ctx: Context, method: Json, customer: str | None) -> None:
    if method["customer"] not in (None, customer):
        message = "The payment method supplied belongs to a different Customer."
        raise StripeError(message, param="payment_method", executed=True)
    payment_methods.refuse_used_up(ctx, method)


def _check_method(method: Json | None) -> None:
    if method is None:
        message = "You cannot confirm this SetupIntent because it's missing a payment method."
        raise StripeError(message, code="setup_intent_unexpected_state", executed=True)


def _find(ctx: Context) -> Json:
    intent = ctx.account.get("setup_intent", ctx.args["id"])
    check_client_secret(ctx, intent, "setupintent")
    return intent


def retrieve(ctx: Context) -> Json:
    """One SetupIntent."""
    return _find(ctx)


def update(ctx: Context) -> Json:
    """Change metadata, description or the payment method."""
    intent = _find(ctx)
    method = _read_method(ctx)
    if method is not None:
        _check_owner(ctx, method, intent["customer"])
        intent["payment_method"], intent["status"] = method["id"], "requires_confirmation"
    if "description" in ctx.params:
        intent["description"] = ctx.params.text("description")
    intent["metadata"] = ctx.params.metadata(intent["metadata"])
    return intent


def confirm(ctx: Context) -> Json:
    """Set up, with the method given now or before."""
    intent = _find(ctx)
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(copy_object(intent), "confirmed", ", ".join(CANCELABLE), kind="setup_intent")
    method = _read_method(ctx)
    if method is None and intent["payment_method"] is not None:
        method = ctx.account.get("payment_method", intent["payment_method"], "payment_method")
    _check_method(method)
    if method is not None:
        _check_owner(ctx, method, intent["customer"])
        confirm_setup(ctx, intent, method, ctx.params.text("return_url"))
    return intent


def cancel(ctx: Context) -> Json:
    """Give the SetupIntent up."""
    intent = ctx.account.get("setup_intent", ctx.args["id"])
    reason = ctx.params.choice("cancellation_reason", ("abandoned", "duplicate", "requested_by_customer"))
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(copy_object(intent), "canceled", ", ".join(CANCELABLE), kind="setup_intent")
    intent.update(status="canceled", cancellation_reason=reason, next_action=None)
    ctx.account.emit("setup_intent.canceled", intent)
    return intent


def list_(ctx: Context) -> Json:
    """The SetupIntents, newest first."""
    return listing(ctx, "setup_intent", "/v1/setup_intents", equals(ctx, "customer", "payment_method"))


_ROOT = "/v1/setup_intents"
_FIELDS = "customer description metadata payment_method payment_method_data payment_method_options payment_method_types"
_CONFIRMING = " return_url use_stripe_sdk mandate_data"
ROUTES = [
    Route(
        method="POST",
        path=_ROOT,
        operation="setup_intents.create",
        handler=create,
        params=words(_FIELDS + _CONFIRMING + " confirm usage automatic_payment_methods single_use attach_to_self"),
    ),
    Route(
        method="GET",
        path=_ROOT,
        operation="setup_intents.list",
        handler=list_,
        params=LIST | {"customer", "payment_method"},
    ),
    Route(
        method="GET",
        path=f"{_ROOT}/<id>",
        operation="setup_intents.retrieve",
        handler=retrieve,
        params=words("client_secret"),
        public=True,
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>",
        operation="setup_intents.update",
        handler=update,
        params=words(_FIELDS),
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/confirm",
        operation="setup_intents.confirm",
        handler=confirm,
        params=words("payment_method payment_method_data payment_method_options client_secret" + _CONFIRMING),
        public=True,
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/cancel",
        operation="setup_intents.cancel",
        handler=cancel,
        params=words("cancellation_reason"),
    ),
]
