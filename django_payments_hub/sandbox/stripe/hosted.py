"""Stripe's hosted pages: Checkout and the 3-D Secure step."""

import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.pages import render
from django_payments_hub.sandbox.stripe import checkout, intent_flow, setup_intents
from django_payments_hub.sandbox.stripe.account import Account
from django_payments_hub.sandbox.stripe.cards import NOT_AUTHENTICATED
from django_payments_hub.sandbox.stripe.context import Context
from django_payments_hub.sandbox.stripe.errors import StripeError
from django_payments_hub.sandbox.stripe.money import display
from django_payments_hub.sandbox.wire import Json

if TYPE_CHECKING:
    from django_payments_hub.sandbox.stripe.mount import StripeMount

SEE_OTHER = 303


def handle(mount: "StripeMount", request: Request, path: str) -> Response:
    """Answer ``/pay/{session}``, ``/pay/{session}/return`` and ``/authenticate/{intent}``; 404 for anything else."""
    parts = path.strip("/").split("/")
    try:
        match parts:
            case ["pay", session_id]:
                return _pay(mount, request, *mount.owner("checkout.session", session_id))
            case ["pay", session_id, "return"]:
                return _returned(request, *mount.owner("checkout.session", session_id))
            case ["authenticate", intent_id]:
                kind = "setup_intent" if intent_id.startswith("seti_") else "payment_intent"
                return _authenticate(mount, request, *mount.owner(kind, intent_id))
    except LookupError:
        pass
    return render("message.html", 404, title="Not found", text="There is no such page.")


def _pay(mount: "StripeMount", request: Request, account: Account, session: Json) -> Response:
    mount.act(account, request.host_url, _expire)
    if session["status"] == "complete":
        return redirect(checkout.success_address(session), SEE_OTHER)
    if session["status"] == "expired":
        return render("message.html", 410, title="Expired", text="This checkout session has expired.")
    if request.method != "POST":
        return _form(account, session)
    try:
        mount.act(account, request.host_url, lambda ctx: _submit(ctx, session, request))
    except StripeError as error:
        return _form(account, session, error=str(error), typed=request.form.to_dict())
    return _after(account, session)


def _expire(ctx: Context) -> Json:
    checkout.expire_sessions(ctx)
    return {}


def _submit(ctx: Context, session: Json, request: Request) -> Json:
    month, _, year = request.form.get("expiry", "").replace(" ", "").partition("/")
    card = {
        "number": request.form.get("number", ""),
        "exp_month": month,
        "exp_year": year,
        "cvc": request.form.get("cvc", ""),
    }
    billing = {"email": request.form.get("email", ""), "name": request.form.get("name", "")}
    return checkout.submit(ctx, session, checkout.typed_method(ctx, card, billing))


def _after(account: Account, session: Json) -> Response:
    """Where to send the browser: to the shop, or to the 3-D Secure step."""
    if session["status"] == "complete":
        return redirect(checkout.success_address(session), SEE_OTHER)
    kind = "setup_intent" if session["mode"] == "setup" else "payment_intent"
    intent = account.get(kind, session[kind])
    return redirect(intent["next_action"]["redirect_to_url"]["url"], SEE_OTHER)


def _form(account: Account, session: Json, error: str = "", typed: dict[str, str] | None = None) -> Response:
    total = display(session["amount_total"], session["currency"]) if session["amount_total"] else ""
    customer = account.find("customer", session["customer"] or "") or {}
    return render(
        "checkout.html",
        402 if error else 200,
        session=session,
        items=account.table("checkout.items")[session["id"]]["items"],
        display=display,
        total=total,
        error=error,
        email=session["customer_email"] or customer.get("email"),
        typed=typed or {},
    )


def _returned(request: Request, account: Account, session: Json) -> Response:
    if session["status"] == "complete":
        return redirect(checkout.success_address(session), SEE_OTHER)
    error = "" if request.args.get("redirect_status") == "succeeded" else NOT_AUTHENTICATED.message
    return _form(account, session, error=error)


# 3-D Secure -----------------------------------------------------------------------------------------------------------


def _authenticate(mount: "StripeMount", request: Request, account: Account, intent: Json) -> Response:
    if not hmac.compare_digest(request.args.get("secret", "").encode(), intent["client_secret"].encode()):
        raise LookupError("wrong secret")
    return_url = _return_url(intent)
    if intent["status"] != "requires_action":
        return render("message.html", 409, title="Nothing to do", text=f"This payment is {intent['status']}.")
    if request.method != "POST":
        amount = display(intent["amount"], intent["currency"]) if "amount" in intent else ""
        return render("authenticate.html", 200, intent=intent, amount=amount)
    succeed = request.form.get("outcome") == "complete"
    mount.act(account, request.host_url, lambda ctx: complete(ctx, intent, succeed=succeed))
    if return_url is None:
        text = "You may close this window." if succeed else "The authentication failed."
        return render("message.html", 200, title="Done", text=text)
    return redirect(return_address(return_url, intent, succeed=succeed), SEE_OTHER)


def complete(ctx: Context, intent: Json, *, succeed: bool) -> Json:
    """Finish the 3-D Secure step of an intent of either kind; the intent afterwards. Raises StripeError."""
    if intent["status"] != "requires_action":
        raise StripeError(f"There is nothing to authenticate: the status is {intent['status']}.", executed=True)
    if intent["object"] == "setup_intent":
        setup_intents.complete_setup_action(ctx, intent, succeed=succeed)
    else:
        intent_flow.complete_action(ctx, intent, succeed=succeed)
    checkout.follow(ctx, intent)
    return intent


def _return_url(intent: Json) -> str | None:
    action = intent["next_action"] or {}
    url: str | None = action.get("redirect_to_url", {}).get("return_url")
    return url


def return_address(return_url: str, intent: Json, *, succeed: bool) -> str:
    """The shop's return address with what Stripe adds to it."""
    name = intent["object"]
    added = [
        (name, intent["id"]),
        (f"{name}_client_secret", intent["client_secret"]),
        ("redirect_status", "succeeded" if succeed else "failed"),
    ]
    parts = urlsplit(return_url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added])
    return urlunsplit(parts._replace(query=query))
