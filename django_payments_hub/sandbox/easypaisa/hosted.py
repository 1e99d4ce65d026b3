"""The hosted plug-in: the form, the customer's choice, the way back with an ``auth_token``, and what confirms it.

Money moves at the confirmation, not before; who confirms twice pays once. The way back at the end proves nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.easypaisa import orders
from django_payments_hub.sandbox.easypaisa.account import STORE_ID
from django_payments_hub.sandbox.easypaisa.codes import EasyPaisaError, description
from django_payments_hub.sandbox.easypaisa.hashing import HASH, is_hashed
from django_payments_hub.sandbox.easypaisa.operations import EXPIRY, order_id, paisa
from django_payments_hub.sandbox.easypaisa.orders import Coming, Context
from django_payments_hub.sandbox.pages import render
from django_payments_hub.sandbox.pakistan import MOBILE, read_time
from django_payments_hub.sandbox.wire import Json, random_id

if TYPE_CHECKING:
    from django_payments_hub.sandbox.easypaisa.mount import EasyPaisaMount

INDEX, PAGE, CONFIRM = "/easypay/Index.jsf", "/easypay/pay/", "/easypay/Confirm.jsf"
SEE_OTHER = 303
METHODS = {"OTC_PAYMENT_METHOD": "OTC", "MA_PAYMENT_METHOD": "MA", "CC_PAYMENT_METHOD": "CC"}
_MODES = {"MA": "MA", "OTC": "OTC", "CC": "CC"}
_REQUIRED = ("storeId", "amount", "postBackURL", "orderRefNum", "autoRedirect")
# The guide: an amount "must be in 1 decimal point"
_AMOUNT = re.compile(r"[0-9]{1,9}\.[0-9]")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a customer does on the page; "pay" leaves what comes of it to his number."""

    outcome: str = "pay"
    method: str = "MA"
    mobile: str = ""


_OUTCOMES = {"succeed": orders.PAYS, "pending": orders.WAITS}
_FAILURES = {"MA": "0013", "CC": "0009", "OTC": "0001"}
OUTCOMES = ("pay", "succeed", "fail", "pending")


def handle(mount: "EasyPaisaMount", request: Request, path: str) -> Response:
    """Answer the form, the page and the confirmation; 404 for anything else."""
    try:
        if path == INDEX and request.method == "POST":
            return _open(mount, request)
        if path == CONFIRM and request.method == "POST":
            return _confirm(mount, request)
        if path.startswith(PAGE):
            return _page(mount, request, path.removeprefix(PAGE))
    except LookupError:
        pass
    return render("message.html", 404, title="Not found", text="There is no such page.")


def with_query(url: str, fields: Mapping[str, str]) -> str:
    """An address with these fields in its query."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


# The form -------------------------------------------------------------------------------------------------------------


def _open(mount: "EasyPaisaMount", request: Request) -> Response:
    fields = request.form.to_dict()
    try:
        token = _begin(mount, request, fields)
    except EasyPaisaError as error:
        return _refused(fields, error.code)
    return redirect(f"/{mount.name}{PAGE}{token}", SEE_OTHER)


def _begin(mount: "EasyPaisaMount", request: Request, fields: dict[str, str]) -> str:
    """The token of the page for a form; that of the page there is already when the form comes again."""
    if any(not fields.get(name) for name in _REQUIRED):
        raise EasyPaisaError("0002")
    if STORE_ID.fullmatch(fields["storeId"]) is None:
        raise EasyPaisaError("0006")
    store = mount.store(fields["storeId"], request.host_url)
    with mount.world.lock:
        if HASH in fields or store.require_hash:
            _check_hash(fields, store.hash_key)
        ctx = Context(world=mount.world, store=store)
        _check(fields, ctx)
        known = store.find("order", fields["orderRefNum"])
        if known is not None and known["state"] == "page" and known["amount"] == paisa(fields["amount"]):
            return str(known["page"])
        more: Json = {"page": random_id(32), "form": fields, "email": fields.get("emailAddr", "")}
        order = orders.begin(ctx, order_id(fields["orderRefNum"]), paisa(fields["amount"]), **more)
        store.table("page")[order["page"]] = {"order": order["id"]}
        return str(order["page"])


def _check_hash(fields: Mapping[str, str], key: str) -> None:
    if not fields.get(HASH):
        raise EasyPaisaError("0024")
    if not is_hashed(key, fields):
        raise EasyPaisaError("0023")


def _check(fields: Mapping[str, str], ctx: Context) -> None:
    if not _is_address(fields["postBackURL"]) or fields["autoRedirect"] not in ("0", "1"):
        raise EasyPaisaError("0002")
    if _AMOUNT.fullmatch(fields["amount"]) is None:
        raise EasyPaisaError("0028")
    if fields.get("paymentMethod") and fields["paymentMethod"] not in METHODS:
        raise EasyPaisaError("0008")
    if fields.get("mobileNum") and MOBILE.fullmatch(fields["mobileNum"]) is None:
        raise EasyPaisaError("0026")
    if fields.get("emailAddr") and "@" not in fields["emailAddr"]:
        raise EasyPaisaError("0027")
    if fields.get("expiryDate"):
        expires = read_time(fields["expiryDate"], EXPIRY)
        if expires is None or expires <= ctx.store.now():
            raise EasyPaisaError("0015")


def _is_address(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _refused(fields: Mapping[str, str], code: str) -> Response:
    url = fields.get("postBackURL", "")
    if not _is_address(url):
        return render("message.html", 400, title=f"Error {code}", text=description(code))
    return redirect(with_query(url, landing(fields.get("orderRefNum", ""), code)), SEE_OTHER)


def landing(order: str, code: str) -> dict[str, str]:
    """What the customer's browser brings to the shop in the end. Nothing of it is signed."""
    return {"status": code, "desc": description(code), "orderRefNumber": order}


# The page -------------------------------------------------------------------------------------------------------------


def _page(mount: "EasyPaisaMount", request: Request, token: str) -> Response:
    store, _, page = mount.stores.owner(token, "page")
    order = store.table("order")[page["order"]]
    form = order["form"]
    if request.method != "POST" or order["state"] != "page":
        return _shown(order)
    if request.form.get("outcome") == "cancel":
        return redirect(with_query(form["postBackURL"], landing(order["id"], "0001")), SEE_OTHER)
    choice = Choice(
        outcome=request.form.get("outcome", "pay"),
        method=request.form.get("method", "MA"),
        mobile=request.form.get("mobile", "").strip(),
    )
    try:
        with mount.world.lock:
            auth_token = choose(Context(world=mount.world, store=store), order, choice)
    except EasyPaisaError as error:
        return _shown(order, error.code)
    return redirect(with_query(form["postBackURL"], {"auth_token": auth_token}), SEE_OTHER)


def _shown(order: Json, error: str = "") -> Response:
    amount = f"Rs. {order['amount'] // 100:,}.{order['amount'] % 100:02d}"
    only = METHODS.get(order["form"].get("paymentMethod", ""), "")
    text = description(error).capitalize() if error else ""
    return render("easypaisa.html", 402 if error else 200, order=order, amount=amount, only=only, error=text)


def choose(ctx: Context, order: Json, choice: Choice) -> str:
    """What the customer chooses on the page: the token with which it is confirmed. Raises EasyPaisaError."""
    method = METHODS.get(order["form"].get("paymentMethod", ""), choice.method)
    if method not in _MODES:
        raise EasyPaisaError("0008")
    mobile = choice.mobile or order["form"].get("mobileNum", "")
    if choice.outcome == "pay" and method != "CC" and MOBILE.fullmatch(mobile) is None:
        raise EasyPaisaError("0026")
    auth_token = random_id(32)
    chosen: Json = {"order": order["id"], "outcome": choice.outcome, "method": method, "mobile": mobile}
    ctx.store.table("auth_token")[auth_token] = chosen
    return auth_token


# The confirmation -----------------------------------------------------------------------------------------------------


def _confirm(mount: "EasyPaisaMount", request: Request) -> Response:
    token, url = request.form.get("auth_token", ""), request.form.get("postBackURL", "")
    try:
        store, _, chosen = mount.stores.owner(token, "auth_token")
    except LookupError:
        return render("message.html", 400, title="Error 0002", text="There is no such token.")
    if not _is_address(url):
        return render("message.html", 400, title="Error 0002", text=description("0002"))
    order = store.table("order")[chosen["order"]]
    mount.act(store, lambda ctx: confirm(ctx, order, chosen))
    address = with_query(url, landing(order["id"], order["code"]))
    if order["form"]["autoRedirect"] == "1":
        return redirect(address, SEE_OTHER)
    return render("easypaisa_done.html", 200, order=order, address=address)


def confirm(ctx: Context, order: Json, chosen: Json) -> None:
    """Do what was chosen, once: whatever is confirmed after it changes nothing."""
    if order["state"] != "page":
        return
    expires = read_time(order["form"].get("expiryDate", ""), EXPIRY)
    if expires is not None and expires <= ctx.store.now():
        orders.expire(order)
        return
    method, mobile, outcome = chosen["method"], chosen["mobile"], chosen["outcome"]
    if outcome == "fail":
        orders.confirm(ctx, order, method, Coming(code=_FAILURES[method], state="failed"), mobile=mobile)
    elif method == "OTC" and outcome != "succeed":
        orders.issue_voucher(ctx, order, expires, mobile=mobile)
    else:
        by_number = orders.PAYS if method == "CC" else orders.coming(mobile)
        orders.confirm(ctx, order, method, _OUTCOMES.get(outcome, by_number), mobile=mobile)
