"""What a test may do at JazzCash behind the merchant's back. A payment, and the session of a page, is named by its
``pp_TxnRefNo``.

``merchant(account, ipn_url?, return_url?, password?, integrity_salt?, mpin?, hash_case?)`` registers a merchant, or
changes him -> ``{merchant_id, password, integrity_salt, mpin, ipn_url, return_url}``; ``hash_case`` is how hashes of
answers are written, "upper" or "lower".
``settle(payment, outcome?)``: what waits is paid ("succeed"), or fails; ``fail(payment, code?)``: with a code;
``expire(payment)``; ``reverse(payment, status?)``: "reversed", or "awaiting" it; ``dispute(payment, status?)``;
``external_refund(payment, amount?)``; ``pay_session(session, card?, outcome?)``: a card, a wallet's number or an
outcome of the page (succeed, fail, pending, voucher, cancel) -> ``{status, return: {url, fields}}``;
``expire_session(session)``; ``roll_secret(endpoint, overlap?)``: the merchant's salt.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django_payments_hub.sandbox.jazzcash import hosted, payments
from django_payments_hub.sandbox.jazzcash.account import MERCHANT_ID, Merchant
from django_payments_hub.sandbox.jazzcash.codes import MESSAGES
from django_payments_hub.sandbox.jazzcash.payments import Context
from django_payments_hub.sandbox.pakistan import MOBILE
from django_payments_hub.sandbox.wire import Json, random_id

if TYPE_CHECKING:
    from django_payments_hub.sandbox.jazzcash.mount import JazzCashMount

Action = Callable[[Context, Json, Json], Json]


def settle(ctx: Context, payment: Json, body: Json) -> Json:
    """The wallet's owner approves, the voucher is paid; or not."""
    payments.settle(ctx, payment, payments.SUCCESS if body.get("outcome", "succeed") == "succeed" else "999")
    return payment


def fail(ctx: Context, payment: Json, body: Json) -> Json:
    """What waits fails, with a code."""
    code = str(body.get("code") or "999")
    if code not in MESSAGES or code in (payments.SUCCESS, "121", "124", "157"):
        raise ValueError(f"{code} is no code of a payment that failed")
    payments.settle(ctx, payment, code)
    return payment


def expire(ctx: Context, payment: Json, _body: Json) -> Json:
    """Its time has run out."""
    payments.expire(ctx, payment)
    return payment


def reverse(ctx: Context, payment: Json, body: Json) -> Json:
    """JazzCash takes it back."""
    status = body.get("status", "reversed")
    if status not in ("reversed", "awaiting"):
        raise ValueError("status must be reversed or awaiting")
    payments.reverse(ctx, payment, awaiting=status == "awaiting")
    return payment


def external_refund(ctx: Context, payment: Json, body: Json) -> Json:
    """A refund made in the portal: ``amount`` in paisa, all that is left when absent."""
    amount = body.get("amount")
    payments.refund(ctx, payment, payment["amount"] - payment["refunded"] if amount is None else int(amount))
    return payment


def dispute(ctx: Context, payment: Json, body: Json) -> Json:
    """The customer disputes the payment; "won" ends that, "lost" takes it back."""
    status = body.get("status", "needs_response")
    if status not in ("needs_response", "won", "lost"):
        raise ValueError("status must be needs_response, won or lost")
    if payment["state"] not in ("completed", "disputed"):
        raise ValueError(f"the payment is {payment['state']}: there is nothing to dispute")
    payment["state"] = "completed" if status == "won" else "disputed"
    if status == "lost":
        payments.reverse(ctx, payment, awaiting=False)
    return payment


def pay_session(ctx: Context, payment: Json, body: Json) -> Json:
    """What the customer does on the page."""
    given = str(body.get("card") or "4242424242424242")
    wallet = MOBILE.fullmatch(given) is not None
    outcome = str(body.get("outcome") or "pay")
    if outcome not in ("pay", "fail", *hosted.OUTCOMES):
        raise ValueError(f"outcome must be one of fail, {', '.join(hosted.OUTCOMES)}")
    if outcome == "pay" and payment["kind"] == "MWALLET" and not wallet:
        outcome = "fail" if hosted.CARDS.get(given) != payments.SUCCESS else "succeed"
    number, mobile = ("", given) if wallet else (given, "")
    back = hosted.choose(ctx, payment, hosted.Choice(outcome=outcome, number=number, mobile=mobile))
    return {"status": payment["state"], "return": {"url": back.url, "fields": back.fields}}


DEEDS: dict[str, tuple[str, Action]] = {
    "settle": ("payment", settle),
    "fail": ("payment", fail),
    "expire": ("payment", expire),
    "reverse": ("payment", reverse),
    "external_refund": ("payment", external_refund),
    "dispute": ("payment", dispute),
    "pay_session": ("session", pay_session),
    "expire_session": ("session", expire),
}


# Merchants ------------------------------------------------------------------------------------------------------------


def register(merchant: Merchant, body: Json) -> Json:
    """Set a merchant's addresses and credentials; what is not named stays as it is."""
    for name in ("ipn_url", "return_url", "password", "mpin"):
        if name in body:
            setattr(merchant, name, str(body[name]))
    if "integrity_salt" in body:
        merchant.salts = [str(body["integrity_salt"])]
    merchant.lower = body.get("hash_case", "lower" if merchant.lower else "upper") == "lower"
    return {
        "merchant_id": merchant.id,
        "password": merchant.password,
        "integrity_salt": merchant.salts[0],
        "mpin": merchant.mpin,
        "ipn_url": merchant.ipn_url,
        "return_url": merchant.return_url,
    }


def roll_secret(merchant: Merchant, body: Json) -> Json:
    """A new salt, which signs from now on; with ``overlap`` requests by the old one are taken too."""
    kept = merchant.salts if body.get("overlap", True) else []
    merchant.salts = [random_id(10).lower(), *kept]
    return {"secret": merchant.salts[0]}


def perform(mount: "JazzCashMount", name: str, body: Json) -> Json:
    """Do one of the deeds. Raises LookupError (unknown deed or object), ValueError, KeyError or JazzCashError."""
    if name == "merchant":
        account = str(body["account"])
        if MERCHANT_ID.fullmatch(account) is None:
            raise ValueError(f"{account} is no merchant's id")
        with mount.world.lock:
            return register(mount.merchants.get(account), body)
    if name == "roll_secret":
        with mount.world.lock:
            return roll_secret(mount.known(str(body["endpoint"])), body)
    if name not in DEEDS:
        raise LookupError(f"no such action: {name}; there are {', '.join(sorted([*DEEDS, 'merchant', 'roll_secret']))}")
    field, action = DEEDS[name]
    merchant, _, payment = mount.merchants.owner(str(body[field]), "payment")
    return mount.act(merchant, lambda ctx: action(ctx, payment, body))
