"""PayPal's pages: log in as a test buyer, approve or cancel. And the certificates, which need no log-in."""

import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.pages import render
from django_payments_hub.sandbox.paypal import order_flow, vault
from django_payments_hub.sandbox.paypal.account import Account, Behind
from django_payments_hub.sandbox.paypal.buyers import BUYERS, Buyer, find
from django_payments_hub.sandbox.paypal.context import Context
from django_payments_hub.sandbox.wire import Json

if TYPE_CHECKING:
    from django_payments_hub.sandbox.paypal.mount import PayPalMount

SEE_OTHER = 303
HUGE = 5_000_000


def handle(mount: "PayPalMount", request: Request, path: str) -> Response:
    """Answer the approval pages of orders and of setup tokens; 404 for anything else."""
    named = {
        "/checkoutnow": ("order", request.args.get("token", "")),
        "/agreements/approve": ("setup_token", request.args.get("approval_session_id", "")),
    }.get(path)
    if named is None:
        return render("message.html", 404, title="Not found", text="There is no such page.")
    try:
        account, kind, found = mount.owner(named[1], named[0])
    except LookupError:
        text = "There is no such payment. It may have expired."
        return render("message.html", 404, title="Not found", text=text)
    return _page(mount, request, account, kind, found)


def _page(mount: "PayPalMount", request: Request, account: Account, kind: str, found: Json) -> Response:
    with mount.world.lock:
        state = _state(mount.context(account), kind, found)
    behind = account.behind(found)
    if state == "approved":
        return _sent(behind, found, cancelled=False)
    if state != "open":
        text = "The time to approve it is over." if state == "expired" else "It has been completed already."
        return render("message.html", 410, title="Nothing to approve", text=text)
    if request.method != "POST":
        return _form(account, kind, found)
    if request.form.get("outcome") == "cancel":
        return _sent(behind, found, cancelled=True)
    try:
        buyer = find(request.form.get("buyer", ""))
        mount.act(account, lambda ctx: _approve(ctx, kind, found, buyer))
    except ValueError as error:
        return _form(account, kind, found, error=str(error))
    return _sent(behind, found, cancelled=False)


def _state(ctx: Context, kind: str, found: Json) -> str:
    """``open`` to be approved, ``approved``, ``expired`` or ``over``."""
    expires = ctx.account.behind(found).expires
    if kind == "setup_token" and expires is not None and ctx.world.clock.now() >= expires:
        return "expired"
    if kind == "order" and order_flow.run_out(ctx, found):
        return "expired"
    if found["status"] in ("CREATED", "PAYER_ACTION_REQUIRED"):
        return "open"
    return "approved" if found["status"] in ("APPROVED", "COMPLETED", "VAULTED") else "over"


def _approve(ctx: Context, kind: str, found: Json, buyer: Buyer) -> Json:
    if kind == "order":
        order_flow.approve(ctx, found, buyer)
    else:
        vault.approve(ctx, found, buyer)
    return found


def _form(account: Account, kind: str, found: Json, error: str = "") -> Response:
    context = account.behind(found).context
    unit = found["purchase_units"][0] if kind == "order" else {}
    amount = unit.get("amount")
    return render(
        "paypal.html",
        400 if error else 200,
        brand=context.get("brand_name") or "the shop",
        total=f"{amount['value']} {amount['currency_code']}" if amount else "",
        description=unit.get("description", ""),
        items=unit.get("items", []),
        pays_now=context.get("user_action") == "PAY_NOW",
        buyers=BUYERS.values(),
        error=error,
    )


def _sent(behind: Behind, found: Json, *, cancelled: bool) -> Response:
    target = address(behind, found, cancelled=cancelled)
    if target is not None:
        return redirect(target, SEE_OTHER)
    text = "You may close this window." if not cancelled else "Nothing was approved. You may close this window."
    return render("message.html", 200, title="Cancelled" if cancelled else "Approved", text=text)


def address(behind: Behind, found: Json, *, cancelled: bool) -> str | None:
    """The shop's return address with what PayPal adds to it; None when the shop gave none."""
    given = behind.context.get("cancel_url" if cancelled else "return_url")
    if given is None:
        return None
    if "intent" not in found:
        added = [("approval_token_id", found["id"]), ("approval_session_id", found["id"])]
    else:
        added = [("token", found["id"])]
        if not cancelled and behind.buyer is not None:
            added.append(("PayerID", behind.buyer.payer_id))
    parts = urlsplit(str(given))
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added])
    return urlunsplit(parts._replace(query=query))


# Certificates ---------------------------------------------------------------------------------------------------------


def certificate(mount: "PayPalMount", certificate_id: str) -> Response:
    """A certificate chain as PEM, or what a rotation has put in its place."""
    found = mount.authority.find(certificate_id)
    if found is None or found.mode == "missing":
        return Response("Not Found", 404, content_type="text/plain")
    if found.mode == "redirect":
        good = mount.authority.rotate("new")
        return redirect(f"{mount.base_url}/v1/notifications/certs/{good.id}", 302)
    if found.mode == "slow":
        time.sleep(found.seconds)
    body = {"garbage": b"<!doctype html><p>Service is under maintenance", "huge": found.chain + b"#" * HUGE}
    return Response(body.get(found.mode, found.chain), 200, content_type="application/x-pem-file")
