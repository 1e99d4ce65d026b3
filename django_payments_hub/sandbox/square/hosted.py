"""The page of a payment link, and a receipt."""

from typing import TYPE_CHECKING

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.pages import render
from django_payments_hub.sandbox.square import links
from django_payments_hub.sandbox.square.account import Account
from django_payments_hub.sandbox.square.cards import typed
from django_payments_hub.sandbox.square.context import Context
from django_payments_hub.sandbox.square.errors import SquareError
from django_payments_hub.sandbox.square.money import display
from django_payments_hub.sandbox.wire import Json

if TYPE_CHECKING:
    from django_payments_hub.sandbox.square.mount import SquareMount

SEE_OTHER = 303
# What the page tells the buyer
_REFUSALS = {
    "CVV_FAILURE": "The security code is not right.",
    "ADDRESS_VERIFICATION_FAILURE": "The postal code does not match the card.",
    "INVALID_EXPIRATION": "The expiry date is not right.",
    "INVALID_CARD": "This is no card that the sandbox knows.",
}


def handle(mount: "SquareMount", request: Request, path: str) -> Response:
    """Answer ``/u/{link}`` and ``/receipt/{payment}``; 404 for anything else."""
    try:
        match path.strip("/").split("/"):
            case ["u", link_id]:
                return _pay(mount, request, *mount.owner("payment_link", link_id))
            case ["receipt", payment_id]:
                return _receipt(mount.owner("payment", payment_id)[1])
    except LookupError:
        pass
    return render("message.html", 404, title="Not found", text="There is no such page.")


def _receipt(payment: Json) -> Response:
    total = payment["total_money"]
    text = f"{display(total['amount'], total['currency'])}, {payment['status'].lower()}."
    return render("message.html", 200, title="Receipt", text=text)


def _pay(mount: "SquareMount", request: Request, account: Account, link: Json) -> Response:
    order = account.get("order", link["order_id"])
    if links.is_paid(order):
        return _paid(link)
    if request.method != "POST":
        return _form(link, order)
    try:
        mount.act(account, request.host_url, lambda ctx: _submit(ctx, link, request))
    except SquareError as error:
        if links.is_paid(order):  # in another tab, at the same time
            return _paid(link)
        reason = _REFUSALS.get(error.code, "The card was declined. Try another one.")
        return _form(link, order, error=reason, entered=request.form.to_dict())
    return _paid(link)


def _submit(ctx: Context, link: Json, request: Request) -> Json:
    card = typed(
        request.form.get("number", ""),
        _expiry(request.form.get("expiry", "")),
        request.form.get("cvv", "").strip(),
        request.form.get("postal_code", "").strip(),
    )
    return links.submit(ctx, link, card, buyer=request.form.get("email") or None)


def _expiry(text: str) -> tuple[int, int]:
    month, _, year = text.replace(" ", "").partition("/")
    if not (month.isdecimal() and year.isdecimal() and month.isascii() and year.isascii() and 1 <= int(month) <= 12):
        raise SquareError("INVALID_EXPIRATION", "The expiry date is not right.")
    return int(month), int(year) + (2000 if int(year) < 100 else 0)


def _paid(link: Json) -> Response:
    address = links.return_address(link)
    if address is None:
        return render("message.html", 200, title="Paid", text="Thank you. You may close this window.")
    return redirect(address, SEE_OTHER)


def _form(link: Json, order: Json, *, error: str = "", entered: dict[str, str] | None = None) -> Response:
    total = order["total_money"]
    buyer = link.get("pre_populated_data", {}).get("buyer_email", "")
    return render(
        "square_checkout.html",
        402 if error else 200,
        link=link,
        items=order["line_items"],
        total=display(total["amount"], total["currency"]),
        display=display,
        error=error,
        entered={"email": buyer, **(entered or {})},
    )
