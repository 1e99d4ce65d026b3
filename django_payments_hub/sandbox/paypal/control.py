"""What a test may do at PayPal behind the shop's back: approve as the buyer, refund, dispute, settle.

Beside the deeds that every provider knows: ``webhook(account, url, event_types)``, ``rotate_certificate(mode,
seconds)``, ``reverse_capture(payment, amount)``, ``void_order(session)``, ``expire_tokens(account)``,
``token_lifetime(seconds)``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from django_payments_hub.sandbox.paypal import (
    captures,
    certificates,
    disputes,
    hosted,
    order_flow,
    refunds,
    vault,
    webhooks,
)
from django_payments_hub.sandbox.paypal.buyers import CANCELS, find
from django_payments_hub.sandbox.paypal.context import Context
from django_payments_hub.sandbox.wire import Json

if TYPE_CHECKING:
    from django_payments_hub.sandbox.paypal.mount import PayPalMount

Action = Callable[[Context, Json, Json], Json]
PAYMENT = ("capture", "authorization", "order")
SUCCESS = frozenset({"succeed", "succeeded", "completed", "approve"})


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One action: the kinds of object it is done to, and the field of the request that names it."""

    kinds: tuple[str, ...]
    field: str
    action: Action


def _capture(ctx: Context, named: Json) -> Json:
    """The newest capture of what is named: itself, or one of its authorization or order. Raises LookupError."""
    if ctx.account.find("capture", named["id"]) is not None:
        return named
    order_id = named["id"] if "intent" in named else ctx.account.behind(named).order
    made = list(ctx.account.of("capture", order_id))
    if not made:
        raise LookupError(f"nothing was captured of {named['id']}")
    return made[-1]


def _succeeds(body: Json, field: str = "outcome", default: str = "succeed") -> bool:
    return str(body.get(field, default)).lower() in SUCCESS


def external_refund(ctx: Context, named: Json, body: Json) -> Json:
    """A refund made on PayPal's site: ``amount`` in minor units, all that is left when absent."""
    given = {"note_to_payer": str(body["reason"])} if body.get("reason") else {}
    return refunds.refund_capture(ctx, _capture(ctx, named), body.get("amount"), given)


def reverse_capture(ctx: Context, named: Json, body: Json) -> Json:
    """PayPal takes money back: PAYMENT.CAPTURE.REVERSED."""
    return refunds.reverse(ctx, _capture(ctx, named), body.get("amount"))


_TURNS = {"answered": "WAITING_FOR_BUYER_RESPONSE", "asked": "WAITING_FOR_SELLER_RESPONSE"}


def dispute(ctx: Context, named: Json, body: Json) -> Json:
    """The buyer disputes the payment; ``status`` "won" or "lost" decides it (an open one too) at once.

    With "inquiry" he only asks; then the merchant has "answered", is "asked" again, or it becomes a claim ("claim").
    """
    capture = _capture(ctx, named)
    status = body.get("status", "needs_response")
    case = _open_case(ctx, capture)
    if case is None:
        amount = body.get("amount") or refunds.refundable(ctx, capture)
        stage = "INQUIRY" if status == "inquiry" else "CHARGEBACK"
        reason = str(body.get("reason", "fraudulent"))
        case = disputes.open_dispute(ctx, capture, amount=amount, reason=reason, stage=stage)
    elif status == "claim":
        disputes.escalate(ctx, case)
    elif status not in disputes.OUTCOMES:
        disputes.update(ctx, case, _TURNS.get(status, "UNDER_REVIEW"))
    if status in disputes.OUTCOMES:
        disputes.decide(ctx, case, status)
    return {**case, "id": case["dispute_id"]}


def _open_case(ctx: Context, capture: Json) -> Json | None:
    for case in reversed(ctx.account.table("dispute").values()):
        if ctx.account.hidden[case["dispute_id"]].parent == capture["id"] and case["status"] != "RESOLVED":
            return case
    return None


def refund_status(ctx: Context, refund: Json, body: Json) -> Json:
    """News of a refund: ``status`` "succeeded" or "failed"."""
    refunds.set_status(ctx, refund, succeed=_succeeds(body, "status", "succeeded"))
    return refund


def settle(ctx: Context, named: Json, body: Json) -> Json:
    """News of a pending capture: ``outcome`` "succeed" or "fail"."""
    capture = _capture(ctx, named)
    captures.settle(ctx, capture, succeed=_succeeds(body))
    return capture


def pay_session(ctx: Context, named: Json, body: Json) -> Json:
    """What the buyer does on PayPal's page: ``card`` is a test buyer; ``outcome`` "fail" or a card "cancel" cancels.

    ``url`` in the answer is where the browser is sent then.
    """
    given = str(body.get("card", "pays"))
    cancelled = body.get("outcome") in CANCELS or given in CANCELS
    buyer = find("pays" if cancelled or given.isdecimal() else given)
    setup = "intent" not in named
    if not cancelled and setup:
        vault.approve(ctx, named, buyer)
    elif not cancelled:
        order_flow.approve(ctx, named, buyer)
    return {**named, "url": hosted.address(ctx.account.behind(named), named, cancelled=cancelled)}


def complete_action(ctx: Context, named: Json, body: Json) -> Json:
    """The same as pay_session, for an order or a setup token that is named as a payment or a setup."""
    return pay_session(ctx, named, body)


def expire_session(ctx: Context, named: Json, _body: Json) -> Json:
    """The time of the order, or of the setup token, is over."""
    order_flow.expire(ctx, named)
    return named


def void_order(ctx: Context, order: Json, _body: Json) -> Json:
    """PayPal gives an unpaid order up: CHECKOUT.ORDER.VOIDED."""
    order_flow.void(ctx, order)
    return order


def roll_secret(ctx: Context, webhook: Json, body: Json) -> Json:
    """PayPal's notices know no secret but the webhook's id: another webhook for the same address.

    With ``overlap`` (default true) both are sent to.
    """
    names = [item["name"] for item in webhook["event_types"]]
    made = webhooks.register(ctx.account, webhook["url"], names)
    if not body.get("overlap", True):
        del ctx.account.table("webhook")[webhook["id"]]
    return {"id": made["id"], "secret": made["id"]}


DEEDS = {
    "external_refund": Deed(kinds=PAYMENT, field="payment", action=external_refund),
    "reverse_capture": Deed(kinds=PAYMENT, field="payment", action=reverse_capture),
    "dispute": Deed(kinds=PAYMENT, field="payment", action=dispute),
    "refund_status": Deed(kinds=("refund",), field="refund", action=refund_status),
    "settle": Deed(kinds=PAYMENT, field="payment", action=settle),
    "pay_session": Deed(kinds=("order", "setup_token"), field="session", action=pay_session),
    "complete_action": Deed(kinds=("order",), field="payment", action=complete_action),
    "complete_setup": Deed(kinds=("setup_token",), field="setup", action=complete_action),
    "expire_session": Deed(kinds=("order", "setup_token"), field="session", action=expire_session),
    "void_order": Deed(kinds=("order",), field="session", action=void_order),
    "roll_secret": Deed(kinds=("webhook",), field="endpoint", action=roll_secret),
}


# Deeds to no object ---------------------------------------------------------------------------------------------------


def webhook(mount: "PayPalMount", body: Json) -> Json:
    """Register a webhook for an account (a client id); it hears everything unless ``event_types`` names some."""
    names = [str(name) for name in body.get("event_types", ["*"])]
    with mount.world.lock:
        return {"id": webhooks.register(mount.account(str(body["account"])), str(body["url"]), names)["id"]}


def rotate_certificate(mount: "PayPalMount", body: Json) -> Json:
    """Sign with another certificate from now on, one that is as ``mode`` says."""
    mode = str(body.get("mode", "new"))
    if mode not in certificates.MODES:
        raise ValueError(f"mode must be one of {', '.join(sorted(certificates.MODES))}")
    made = mount.authority.rotate(cast(certificates.Mode, mode), float(body.get("seconds", 30)))
    return {"id": made.id, "mode": made.mode, "url": f"{mount.base_url}/v1/notifications/certs/{made.id}"}


def expire_tokens(mount: "PayPalMount", body: Json) -> Json:
    """The access tokens given to an account so far are void: PayPal answers them 401."""
    with mount.world.lock:
        mount.tokens.void_before[str(body["account"])] = mount.world.clock.now().timestamp()
    return {"account": str(body["account"])}


def token_lifetime(mount: "PayPalMount", body: Json) -> Json:
    """How long the access tokens live that are given from now on."""
    mount.tokens.lifetime_s = int(body["seconds"])
    return {"seconds": mount.tokens.lifetime_s}


GENERAL: dict[str, Callable[["PayPalMount", Json], Json]] = {
    "webhook": webhook,
    "rotate_certificate": rotate_certificate,
    "expire_tokens": expire_tokens,
    "token_lifetime": token_lifetime,
}


def perform(mount: "PayPalMount", name: str, body: Json) -> Json:
    """Do one of the deeds. Raises LookupError (unknown deed or object), ValueError, KeyError or PayPalError."""
    if name in GENERAL:
        return GENERAL[name](mount, body)
    deed = DEEDS.get(name)
    if deed is None:
        raise LookupError(f"no such action: {name}; there are {', '.join(sorted([*DEEDS, *GENERAL]))}")
    account, _, found = mount.owner(str(body[deed.field]), *deed.kinds)
    return mount.act(account, lambda ctx: deed.action(ctx, found, body))
