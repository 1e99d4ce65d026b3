"""What a test may do at Stripe behind the shop's back: refund, dispute, settle, act as the customer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django_payments_hub.sandbox.stripe import checkout, disputes, hosted, intent_flow, refunds, webhooks
from django_payments_hub.sandbox.stripe.cards import INSUFFICIENT_BALANCE, by_number, by_token
from django_payments_hub.sandbox.stripe.context import Context
from django_payments_hub.sandbox.stripe.payment_methods import new_payment_method
from django_payments_hub.sandbox.wire import Json

if TYPE_CHECKING:
    from django_payments_hub.sandbox.stripe.mount import StripeMount

Action = Callable[[Context, Json, Json], Json]


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One action: the object it is done to, and the field of the request that names it."""

    kind: str
    field: str
    action: Action


def _charge(ctx: Context, intent: Json) -> Json:
    return ctx.account.get("charge", intent["latest_charge"] or "", "payment_intent")


def external_refund(ctx: Context, intent: Json, body: Json) -> Json:
    """A refund made in the dashboard: ``amount`` in minor units, all that is left when absent."""
    charge = _charge(ctx, intent)
    refund = refunds.refund_charge(ctx, charge, body.get("amount"), body.get("reason"))
    refunds.announce(ctx, charge, refund)
    return refund


def dispute(ctx: Context, intent: Json, body: Json) -> Json:
    """The card holder disputes the payment; ``status`` "won" or "lost" decides it (an open one too) at once."""
    charge = _charge(ctx, intent)
    status = body.get("status", "needs_response")
    existing = next((d for d in ctx.account.newest("dispute") if d["charge"] == charge["id"]), None)
    case = existing
    if case is None or case["status"] not in disputes.OPEN:
        amount = body.get("amount") or charge["amount_captured"]
        case = disputes.open_dispute(ctx, charge, amount=amount, reason=body.get("reason", "fraudulent"))
    if status in ("won", "lost"):
        disputes.decide(ctx, case, status)
    return case


def refund_status(ctx: Context, refund: Json, body: Json) -> Json:
    """News of a refund: ``status`` "succeeded" or "failed"."""
    refunds.set_status(ctx, refund, body["status"])
    return refund


def complete_action(ctx: Context, intent: Json, body: Json) -> Json:
    """What the customer does on the 3-D Secure page: ``outcome`` "succeed" or "fail"."""
    return hosted.complete(ctx, intent, succeed=body.get("outcome", "succeed") == "succeed")


def settle(ctx: Context, intent: Json, body: Json) -> Json:
    """The bank's answer to a processing payment: ``outcome`` "succeed" or "fail"."""
    if intent["status"] != "processing":
        raise ValueError(f"the payment is {intent['status']}, not processing")
    decline = ctx.account.cards[intent["payment_method"]].decline
    if body.get("outcome") == "fail":
        decline = decline or INSUFFICIENT_BALANCE
    intent_flow.settle(ctx, intent, decline)
    checkout.follow(ctx, intent)
    return intent


def pay_session(ctx: Context, session: Json, body: Json) -> Json:
    """What the customer does on the Checkout page: ``card`` (number or token) and the ``outcome`` of 3-D Secure."""
    given = str(body.get("card", "4242424242424242"))
    card = by_token(given) or by_number(given)
    checkout.submit(ctx, session, new_payment_method(ctx, card))
    field = "setup_intent" if session["mode"] == "setup" else "payment_intent"
    intent = ctx.account.get(field, session[field])
    if intent["status"] == "requires_action" and "outcome" in body:
        hosted.complete(ctx, intent, succeed=body["outcome"] == "succeed")
    return session


def expire_session(ctx: Context, session: Json, _body: Json) -> Json:
    """The session's time is over."""
    session["expires_at"] = ctx.account.clock.timestamp()
    checkout.expire_sessions(ctx)
    return session


def roll_secret(ctx: Context, endpoint: Json, body: Json) -> Json:
    """A new signing secret; ``overlap`` (default true) goes on signing with the old one beside it."""
    secret = webhooks.roll_secret(ctx.account, endpoint["id"], overlap=body.get("overlap", True))
    return {"id": endpoint["id"], "secret": secret}


DEEDS = {
    "external_refund": Deed(kind="payment_intent", field="payment", action=external_refund),
    "dispute": Deed(kind="payment_intent", field="payment", action=dispute),
    "refund_status": Deed(kind="refund", field="refund", action=refund_status),
    "complete_action": Deed(kind="payment_intent", field="payment", action=complete_action),
    "complete_setup": Deed(kind="setup_intent", field="setup", action=complete_action),
    "settle": Deed(kind="payment_intent", field="payment", action=settle),
    "pay_session": Deed(kind="checkout.session", field="session", action=pay_session),
    "expire_session": Deed(kind="checkout.session", field="session", action=expire_session),
    "roll_secret": Deed(kind="webhook_endpoint", field="endpoint", action=roll_secret),
}


def perform(mount: "StripeMount", name: str, body: Json, base_url: str) -> Json:
    """Do one of the deeds. Raises LookupError (unknown deed or object), ValueError, KeyError or StripeError."""
    deed = DEEDS.get(name)
    if deed is None:
        raise LookupError(f"no such action: {name}; there are {', '.join(sorted(DEEDS))}")
    account, obj = mount.owner(deed.kind, str(body[deed.field]))
    return mount.act(account, base_url, lambda ctx: deed.action(ctx, obj, body))
