"""The states of a PaymentIntent: confirm, authenticate, succeed, fail, capture, cancel."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django_payments_hub.sandbox.stripe import charges, disputes
from django_payments_hub.sandbox.stripe.cards import AUTHENTICATION_REQUIRED, NOT_AUTHENTICATED, Card, Decline
from django_payments_hub.sandbox.stripe.context import Context
from django_payments_hub.sandbox.stripe.errors import DOC_URL, StripeError
from django_payments_hub.sandbox.stripe.payment_methods import attach_to
from django_payments_hub.sandbox.wire import Json, copy_object

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = (
    "requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """How an intent is confirmed; an absent ``return_url`` leaves the action to Stripe.js."""

    off_session: bool = False
    return_url: str | None = None
    error_on_requires_action: bool = False


def confirm(ctx: Context, intent: Json, method: Json, how: Confirmation) -> None:
    """Try to pay: the intent succeeds, awaits capture, processes or asks for an action. Raises StripeError (402)."""
    card = charges.card_of(ctx, method)
    intent["payment_method"], intent["last_payment_error"], intent["next_action"] = method["id"], None, None
    authenticated = intent["id"] in ctx.account.authenticated
    if not authenticated and _asks(ctx, intent, method, card, off_session=how.off_session):
        if how.off_session or how.error_on_requires_action:
            raise card_error(intent, fail(ctx, intent, method, AUTHENTICATION_REQUIRED))
        _require_action(ctx, intent, how.return_url)
        return
    ctx.account.authenticated.discard(intent["id"])
    error = pay(ctx, intent, method, authenticated=authenticated)
    if error is not None:
        raise card_error(intent, error)


def _asks(ctx: Context, intent: Json, method: Json, card: Card, *, off_session: bool) -> bool:
    match card.authentication:
        case "required":
            return True
        case "unless_set_up":
            return not (off_session and method["id"] in ctx.account.set_up)
        case "on_session":
            return not off_session
        case "optional":
            options = (intent["payment_method_options"] or {}).get("card") or {}
            return options.get("request_three_d_secure") in ("any", "challenge")
        case _:
            return False


def _require_action(ctx: Context, intent: Json, return_url: str | None) -> None:
    intent["status"] = "requires_action"
    intent["next_action"] = next_action(ctx, intent, return_url)
    ctx.account.emit("payment_intent.requires_action", intent)


def next_action(ctx: Context, intent: Json, return_url: str | None) -> Json:
    """Where the customer proves who he is: a redirect, or what Stripe.js needs to open the same page."""
    page = f"{ctx.base_url}/stripe/authenticate/{intent['id']}?" + urlencode({"secret": intent["client_secret"]})
    if return_url is not None:
        return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": page}}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": page}}


def complete_action(ctx: Context, intent: Json, *, succeed: bool) -> None:
    """What follows the customer's step on the 3-D Secure page. The caller has checked the status."""
    method = ctx.account.get("payment_method", intent["payment_method"])
    if not succeed:
        fail(ctx, intent, method, NOT_AUTHENTICATED, charged=False)
        return
    intent["next_action"] = None
    if intent["confirmation_method"] == "manual":
        intent["status"] = "requires_confirmation"
        ctx.account.authenticated.add(intent["id"])
        return
    pay(ctx, intent, method, authenticated=True)


def pay(ctx: Context, intent: Json, method: Json, *, authenticated: bool) -> Json | None:
    """Charge the method; the error of a decline, or None."""
    card = charges.card_of(ctx, method)
    if card.kind != "card":
        _process(ctx, intent, method)
        return None
    if card.decline is not None:
        return fail(ctx, intent, method, card.decline)
    charge = charges.new_charge(ctx, intent, method, authenticated=authenticated)
    charges.authorize_charge(ctx, intent, charge)
    _keep_method(ctx, intent, method)
    if intent["capture_method"] == "manual":
        intent["status"], intent["amount_capturable"] = "requires_capture", charge["amount"]
        ctx.account.emit("charge.succeeded", charge)
        ctx.account.emit("payment_intent.amount_capturable_updated", intent)
        return None
    charges.capture_charge(ctx, intent, charge, charge["amount"])
    _succeed(ctx, intent, charge, "charge.succeeded")
    return None


def _succeed(ctx: Context, intent: Json, charge: Json, charge_event: str) -> None:
    intent["status"], intent["amount_capturable"] = "succeeded", 0
    ctx.account.emit(charge_event, charge)
    ctx.account.emit("payment_intent.succeeded", intent)
    dispute = ctx.account.cards[charge["payment_method"]].dispute
    if dispute is not None:
        disputes.open_dispute(ctx, charge, amount=charge["amount_captured"], reason=dispute)


def _process(ctx: Context, intent: Json, method: Json) -> None:
    charge = charges.new_charge(ctx, intent, method, authenticated=False)
    intent["status"] = "processing"
    _keep_method(ctx, intent, method)
    ctx.account.emit("charge.pending", charge)
    ctx.account.emit("payment_intent.processing", intent)


def settle(ctx: Context, intent: Json, decline: Decline | None) -> None:
    """The bank's answer to a processing payment, days later."""
    charge = ctx.account.get("charge", intent["latest_charge"])
    if decline is not None:
        method = ctx.account.get("payment_method", intent["payment_method"])
        charges.decline_charge(charge, decline)
        ctx.account.emit("charge.failed", charge)
        _record_failure(ctx, intent, method, decline, charge["id"])
        return
    charges.authorize_charge(ctx, intent, charge)
    charges.capture_charge(ctx, intent, charge, charge["amount"])
    _succeed(ctx, intent, charge, "charge.succeeded")


def _keep_method(ctx: Context, intent: Json, method: Json) -> None:
    """Attach for later use where asked; a method used without a customer is used up."""
    if intent["setup_future_usage"] and intent["customer"]:
        attach_to(ctx, method, ctx.account.get("customer", intent["customer"], "customer"))
    if intent["setup_future_usage"] == "off_session":
        ctx.account.set_up.add(method["id"])
    if method["customer"] is None:
        ctx.account.used_up.add(method["id"])


def fail(ctx: Context, intent: Json, method: Json, decline: Decline, *, charged: bool = True) -> Json:
    """A try that failed: the intent is back at requires_payment_method. Returns the error."""
    charge_id = None
    if charged:
        charge = charges.new_charge(ctx, intent, method, authenticated=False)
        charges.decline_charge(charge, decline)
        ctx.account.emit("charge.failed", charge)
        charge_id = charge["id"]
    return _record_failure(ctx, intent, method, decline, charge_id)


def _record_failure(ctx: Context, intent: Json, method: Json, decline: Decline, charge_id: str | None) -> Json:
    error: Json = {
        "code": decline.code,
        "doc_url": DOC_URL + decline.code.replace("_", "-"),
        "message": decline.message,
        "payment_method": copy_object(method),
        "type": "invalid_request_error" if decline is NOT_AUTHENTICATED else "card_error",
    }
    if decline.decline_code:
        error["decline_code"] = decline.decline_code
    if charge_id:
        error["charge"] = charge_id
    intent.update(status="requires_payment_method", last_payment_error=error, payment_method=None, next_action=None)
    ctx.account.emit("payment_intent.payment_failed", intent)
    return error


def card_error(intent: Json, error: Json) -> StripeError:
    """The 402 answer of a decline: it carries the whole intent."""
    known = ("code", "doc_url", "message", "type")
    extra = {name: value for name, value in error.items() if name not in known}
    return StripeError(
        error["message"],
        status=402,
        type_="card_error",
        code=error["code"],
        executed=True,
        payment_intent=copy_object(intent),
        **extra,
    )


def capture(ctx: Context, intent: Json, amount: int, *, final: bool) -> None:
    """Take ``amount`` of what is capturable; a final capture releases the rest."""
    charge = ctx.account.get("charge", intent["latest_charge"])
    charges.capture_charge(ctx, intent, charge, amount)
    intent["amount_capturable"] -= amount
    if not final and intent["amount_capturable"] > 0:
        ctx.account.emit("charge.captured", charge)
        ctx.account.emit("payment_intent.amount_capturable_updated", intent)
        return
    # A capture of a part is announced by these two events alone; the rest is released without a charge.refunded
    charges.release_rest(ctx, intent, charge)
    _succeed(ctx, intent, charge, "charge.captured")


def cancel(ctx: Context, intent: Json, reason: str | None) -> None:
    """Give up an intent and release what it reserved. The caller has checked the status."""
    held = intent["status"] == "requires_capture"
    received = intent["amount_received"]
    intent.update(
        status="canceled",
        amount_capturable=0,
        canceled_at=ctx.account.clock.timestamp(),
        cancellation_reason=reason,
        next_action=None,
    )
    if held:
        charge = ctx.account.get("charge", intent["latest_charge"])
        charges.release_rest(ctx, intent, charge)
        ctx.account.emit("charge.refunded" if received == 0 else "charge.updated", charge)
    ctx.account.emit("payment_intent.canceled", intent)


def expire_authorizations(ctx: Context) -> None:
    """Cancel the intents whose authorisation has run out on the sandbox's clock."""
    now = ctx.account.clock.timestamp()
    for intent in ctx.account.table("payment_intent").values():
        if intent["status"] != "requires_capture":
            continue
        charge = ctx.account.get("charge", intent["latest_charge"])
        if charge["payment_method_details"]["card"]["capture_before"] <= now:
            cancel(ctx, intent, "automatic")
