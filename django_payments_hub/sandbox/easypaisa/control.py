"""What a test may do at EasyPaisa behind the store's back. An order, and the session of a page, is named by its id.

``store(account, ipn_url?, username?, password?, hash_key?, account_num?, require_hash?)`` registers a store, or changes
it -> ``{store_id, username, password, hash_key, account_num, ipn_url}``.
``settle(payment, outcome?)``: what waits is paid ("succeed"), or fails; ``fail(payment, code?)``: with a code;
``expire(payment)``; ``reverse(payment)``; ``external_refund(payment, amount?)``: by hand, in paisa;
``settlement(payment, status)``: how the money's way to the merchant stands;
``pay_session(session, card?, outcome?, method?, confirm?)``: a mobile account's number or an outcome of the page
(succeed, fail, pending) by MA, OTC or CC -> ``{status, return: {url, fields}}``; without ``confirm`` the way back is
the one with the ``auth_token``, and nothing is paid yet; ``expire_session(session)``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django_payments_hub.sandbox.easypaisa import hosted, orders
from django_payments_hub.sandbox.easypaisa.account import STORE_ID, Store
from django_payments_hub.sandbox.easypaisa.codes import DESCRIPTIONS, SUCCESS
from django_payments_hub.sandbox.easypaisa.orders import Coming, Context
from django_payments_hub.sandbox.pakistan import MOBILE
from django_payments_hub.sandbox.wire import Json

if TYPE_CHECKING:
    from django_payments_hub.sandbox.easypaisa.mount import EasyPaisaMount

Action = Callable[[Context, Json, Json], Json]


def settle(ctx: Context, order: Json, body: Json) -> Json:
    """The account's owner approves, the voucher is paid; or not."""
    succeeds = body.get("outcome", "succeed") == "succeed"
    orders.settle(ctx, order, orders.PAYS if succeeds else Coming(code="0001", state="failed"))
    return order


def fail(ctx: Context, order: Json, body: Json) -> Json:
    """What waits fails, with a code."""
    code = str(body.get("code") or "0013")
    if code not in DESCRIPTIONS or code == SUCCESS:
        raise ValueError(f"{code} is no code of a payment that failed")
    orders.settle(ctx, order, Coming(code=code, state="failed"))
    return order


def expire(_ctx: Context, order: Json, _body: Json) -> Json:
    """Its time has run out."""
    orders.expire(order)
    return order


def reverse(ctx: Context, order: Json, _body: Json) -> Json:
    """All of it goes back."""
    orders.give_back(ctx, order, None)
    return order


def external_refund(ctx: Context, order: Json, body: Json) -> Json:
    """Some of it goes back, by hand."""
    amount = body.get("amount")
    orders.give_back(ctx, order, None if amount is None else int(amount))
    return order


def settlement(_ctx: Context, order: Json, body: Json) -> Json:
    """How the money's way to the merchant stands."""
    order["settlement"] = str(body["status"])
    return order


def pay_session(ctx: Context, order: Json, body: Json) -> Json:
    """What the customer does on the page and, unless told otherwise, at the confirmation."""
    outcome = str(body.get("outcome") or "pay")
    if outcome not in hosted.OUTCOMES:
        raise ValueError(f"outcome must be one of {', '.join(hosted.OUTCOMES)}")
    given = str(body.get("card") or "")
    choice = _choice(order, outcome, str(body.get("method") or "MA"), given)
    token = hosted.choose(ctx, order, choice) if order["state"] == "page" else ""
    url = order["form"]["postBackURL"]
    if not body.get("confirm", True):
        return {"status": order["state"], "return": {"url": url, "fields": {"auth_token": token}}}
    if token:
        hosted.confirm(ctx, order, ctx.store.table("auth_token")[token])
    return {"status": order["state"], "return": {"url": url, "fields": hosted.landing(order["id"], order["code"])}}


def _choice(order: Json, outcome: str, method: str, given: str) -> hosted.Choice:
    """Other providers' favourite cards pay here too, so that a test need not know whose page it is."""
    if outcome == "pay" and MOBILE.fullmatch(given) is None and method != "OTC":
        outcome = "fail" if given.startswith("4000") else "succeed"
    mobile = given if MOBILE.fullmatch(given) else order["form"].get("mobileNum") or "03451234567"
    return hosted.Choice(outcome=outcome, method=method, mobile=mobile)


DEEDS: dict[str, tuple[str, Action]] = {
    "settle": ("payment", settle),
    "fail": ("payment", fail),
    "expire": ("payment", expire),
    "reverse": ("payment", reverse),
    "external_refund": ("payment", external_refund),
    "settlement": ("payment", settlement),
    "pay_session": ("session", pay_session),
    "expire_session": ("session", expire),
}


def register(store: Store, body: Json) -> Json:
    """Set a store's address and credentials; what is not named stays as it is."""
    for name in ("ipn_url", "username", "password", "hash_key", "account_num"):
        if name in body:
            setattr(store, name, str(body[name]))
    if len(store.hash_key.encode()) not in (16, 24, 32):
        raise ValueError("hash_key must have 16, 24 or 32 characters")
    store.require_hash = bool(body.get("require_hash", store.require_hash))
    return {
        "store_id": store.id,
        "username": store.username,
        "password": store.password,
        "hash_key": store.hash_key,
        "account_num": store.account_num,
        "ipn_url": store.ipn_url,
    }


def perform(mount: "EasyPaisaMount", name: str, body: Json, base_url: str) -> Json:
    """Do one of the deeds. Raises LookupError (unknown deed or object), ValueError, KeyError or EasyPaisaError."""
    if name == "store":
        account = str(body["account"])
        if STORE_ID.fullmatch(account) is None:
            raise ValueError(f"{account} is no store's id: it has digits only")
        with mount.world.lock:
            return register(mount.store(account, base_url), body)
    if name not in DEEDS:
        raise LookupError(f"no such action: {name}; there are {', '.join(sorted([*DEEDS, 'store']))}")
    field, action = DEEDS[name]
    store, _, order = mount.stores.owner(str(body[field]), "order")
    return mount.act(store, lambda ctx: action(ctx, order, body))
