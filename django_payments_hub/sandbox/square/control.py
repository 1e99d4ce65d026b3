"""What a test may do at Square behind the shop's back: open accounts up, refund, dispute, act as the customer.

Deeds that are done to an account name it by its access token:
``seller(account)`` -> ``{merchant_id, location_id, locations}``;
``location(account, id?, currency?, name?)`` opens one, or changes its currency;
``subscription(account, url, notification_url?, signature_key?, event_types?)`` -> ``{id, signature_key}``: sent to
``url``, signed for ``notification_url`` where that is another address (that of a proxy, say);
``tokenize(account, card?, decline?, verified?)`` -> ``{token, verification_token}``: a one-time payment token as the
Web Payments SDK gets it, of a test card's number or of a documented token; ``decline`` is the code that refuses it;
``behaviour(account, refunds?, list_lag_s?, reauthorizes?)``: what becomes of new refunds (``COMPLETED``, ``PENDING``,
``FAILED``, ``REJECTED``), for how long lists and searches do not show what is new, and whether a payment whose amount
is lowered is approved anew for just that, as Square may choose to.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django_payments_hub.sandbox.square import disputes, links, payment_moves, refunds, webhooks
from django_payments_hub.sandbox.square.account import Account
from django_payments_hub.sandbox.square.cards import TOKENS, Card, by_number
from django_payments_hub.sandbox.square.context import Context
from django_payments_hub.sandbox.square.money import DECIMALS
from django_payments_hub.sandbox.wire import Json, random_id

if TYPE_CHECKING:
    from django_payments_hub.sandbox.square.mount import SquareMount

_DISPUTES = {
    "inquiry": "INQUIRY_EVIDENCE_REQUIRED",
    "inquiry_answered": "INQUIRY_PROCESSING",
    "inquiry_closed": "INQUIRY_CLOSED",
    "needs_response": "EVIDENCE_REQUIRED",
    "won": "WON",
    "lost": "LOST",
}
_REFUNDS = {"succeeded": "COMPLETED", "failed": "FAILED", "rejected": "REJECTED"}
Action = Callable[[Context, Json, Json], Json]


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One action: the kinds of object it is done to, and the field of the request that names the object."""

    kinds: tuple[str, ...]
    field: str
    action: Action


def external_refund(ctx: Context, payment: Json, body: Json) -> Json:
    """A refund made in the dashboard: ``amount`` in minor units, all that is left when absent."""
    left = payment["total_money"]["amount"] - payment.get("refunded_money", {}).get("amount", 0)
    amount = body.get("amount")
    refund = refunds.refund_payment(ctx, payment, left if amount is None else int(amount), body.get("reason"))
    refunds.carry_on(ctx, refund)
    return refund


def dispute(ctx: Context, payment: Json, body: Json) -> Json:
    """The card holder disputes the payment; ``status`` "won" or "lost" decides it (an open one too) at once.

    With "inquiry" his bank only asks; "inquiry_answered", "inquiry_closed" or a chargeback come after it.
    """
    state = _DISPUTES.get(body.get("status", "needs_response"))
    if state is None:
        raise ValueError(f"status must be one of {', '.join(_DISPUTES)}")
    case = next((one for one in disputes.of(ctx, payment) if one["state"] in disputes.OPEN), None)
    if case is None:
        reason = body.get("reason", "NO_KNOWLEDGE")
        amount = int(body.get("amount") or payment["total_money"]["amount"])
        known = reason if reason in disputes.REASONS else "NO_KNOWLEDGE"
        first = "INQUIRY_EVIDENCE_REQUIRED" if state in disputes.INQUIRY else "EVIDENCE_REQUIRED"
        case = disputes.open_dispute(ctx, payment, amount=amount, reason=known, state=first)
    goes_on = state != "EVIDENCE_REQUIRED" or case["state"] in disputes.INQUIRY
    if goes_on and case["state"] != state:
        disputes.move(ctx, case, state)
    return case


def refund_status(ctx: Context, refund: Json, body: Json) -> Json:
    """News of a refund: ``status`` "succeeded", "failed", "rejected" or one of Square's own words."""
    status = _REFUNDS.get(str(body["status"]), str(body["status"]))
    if status not in refunds.STATUSES - {"PENDING"}:
        raise ValueError(f"status must be one of {', '.join(_REFUNDS)}")
    refunds.set_status(ctx, refund, status)
    return refund


def settle(ctx: Context, payment: Json, body: Json) -> Json:
    """The bank's answer to a pending payment: ``outcome`` "succeed" or "fail"."""
    payment_moves.settle(ctx, payment, succeed=body.get("outcome", "succeed") == "succeed")
    return payment


def pay_session(ctx: Context, session: Json, body: Json) -> Json:
    """What the customer does on a link's page: ``card`` (number or token), ``outcome`` "fail" for a decline.

    ``amount`` pays another sum, ``again`` pays what is paid already. Answers with the payment.
    """
    link = session if "url" in session else _link_of(ctx, session)
    card = _card(str(body.get("card") or "4111111111111111"))
    if body.get("outcome") == "fail":
        card = replace(card, decline="GENERIC_DECLINE")
    amount = body.get("amount")
    return links.submit(
        ctx, link, card, amount=None if amount is None else int(amount), again=bool(body.get("again", False))
    )


def _link_of(ctx: Context, order: Json) -> Json:
    for link in ctx.account.newest("payment_link"):
        if link["order_id"] == order["id"]:
            return link
    raise LookupError(f"no payment link of order {order['id']}")


def _card(given: str) -> Card:
    # Other providers' favourite number pays here too, so that a test need not know whose page it is
    return TOKENS.get(given) or (by_number("4111111111111111") if given == "4242424242424242" else by_number(given))


def expire_session(ctx: Context, session: Json, _body: Json) -> Json:
    """The seller takes a link back in the dashboard; Square's links do not run out by themselves."""
    link = session if "url" in session else _link_of(ctx, session)
    ctx.args = {"id": link["id"]}
    return links.delete(ctx)


def roll_secret(ctx: Context, subscription: Json, _body: Json) -> Json:
    """A new signature key. Square sends one signature, so that there is no time in which the old key signs too."""
    return {"id": subscription["id"], "secret": webhooks.new_key(ctx.account, subscription["id"])}


DEEDS = {
    "external_refund": Deed(kinds=("payment",), field="payment", action=external_refund),
    "dispute": Deed(kinds=("payment",), field="payment", action=dispute),
    "settle": Deed(kinds=("payment",), field="payment", action=settle),
    "refund_status": Deed(kinds=("refund",), field="refund", action=refund_status),
    "pay_session": Deed(kinds=("payment_link", "order"), field="session", action=pay_session),
    "expire_session": Deed(kinds=("payment_link", "order"), field="session", action=expire_session),
    "roll_secret": Deed(kinds=("subscription",), field="endpoint", action=roll_secret),
}


# Accounts -------------------------------------------------------------------------------------------------------------


def seller(account: Account, _body: Json) -> Json:
    """Who the token opens."""
    locations = list(account.table("location").values())
    return {"merchant_id": account.id, "location_id": account.main_location["id"], "locations": locations}


def location(account: Account, body: Json) -> Json:
    """Open a location, or change the currency of one."""
    currency = str(body.get("currency", "USD"))
    if currency not in DECIMALS:
        raise ValueError(f"Square takes no {currency}; it takes {', '.join(DECIMALS)}")
    location_id = str(body.get("id") or f"L{random_id(12).upper()}")
    return account.add_location(location_id, currency, str(body.get("name", "Sandbox")))


def subscription(account: Account, body: Json) -> Json:
    """Subscribe to everything, or to some types."""
    url = str(body["url"])
    made = webhooks.subscribe(
        account,
        str(body.get("notification_url") or url),
        types=list(body.get("event_types") or webhooks.EVENT_TYPES),
        name="Sandbox",
        goes_to=url,
        key=body.get("signature_key"),
    )
    return {"id": made["id"], "signature_key": account.signing[made["id"]][0]}


def tokenize(account: Account, body: Json) -> Json:
    """A one-time payment token, and one that says that the buyer was verified."""
    card = _card(str(body.get("card") or "4111111111111111"))
    if body.get("decline"):
        card = replace(card, decline=str(body["decline"]))
    if body.get("verified"):
        card = replace(card, needs_verification=False)
    verification = f"verf:{random_id(24)}"
    account.verified.add(verification)
    return {"token": account.new_nonce(card), "verification_token": verification}


def behaviour(account: Account, body: Json) -> Json:
    """How the account's refunds and lists behave."""
    if "refunds" in body:
        if body["refunds"] not in refunds.STATUSES:
            raise ValueError(f"refunds must be one of {', '.join(sorted(refunds.STATUSES))}")
        account.refunds = str(body["refunds"])
    account.list_lag_s = float(body.get("list_lag_s", account.list_lag_s))
    account.reauthorizes = bool(body.get("reauthorizes", account.reauthorizes))
    return {"refunds": account.refunds, "list_lag_s": account.list_lag_s, "reauthorizes": account.reauthorizes}


ACCOUNT_DEEDS: dict[str, Callable[[Account, Json], Json]] = {
    "seller": seller,
    "location": location,
    "subscription": subscription,
    "tokenize": tokenize,
    "behaviour": behaviour,
}


def perform(mount: "SquareMount", name: str, body: Json, base_url: str) -> Json:
    """Do one of the deeds. Raises LookupError (unknown deed or object), ValueError, KeyError or SquareError."""
    if name in ACCOUNT_DEEDS:
        account = mount.account(str(body["account"]))
        with mount.world.lock:
            return ACCOUNT_DEEDS[name](account, body)
    deed = DEEDS.get(name)
    if deed is None:
        raise LookupError(f"no such action: {name}; there are {', '.join(sorted([*DEEDS, *ACCOUNT_DEEDS]))}")
    account, obj = _object(mount, deed, str(body[deed.field]))
    return mount.act(account, base_url, lambda ctx: deed.action(ctx, obj, body))


def _object(mount: "SquareMount", deed: Deed, object_id: str) -> tuple[Account, Json]:
    for kind in deed.kinds:
        try:
            return mount.owner(kind, object_id)
        except LookupError:
            continue
    raise LookupError(f"no {' or '.join(deed.kinds)} {object_id}")
