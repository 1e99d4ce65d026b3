"""The hosted page: the form that a browser posts, the customer's choice, and the form that brings him back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.jazzcash import payments, reading
from django_payments_hub.sandbox.jazzcash.account import MERCHANT_ID, Merchant
from django_payments_hub.sandbox.jazzcash.codes import JazzCashError, message
from django_payments_hub.sandbox.jazzcash.operations import check_return, result
from django_payments_hub.sandbox.jazzcash.payments import Context
from django_payments_hub.sandbox.pages import render, return_form
from django_payments_hub.sandbox.pakistan import MOBILE
from django_payments_hub.sandbox.wire import Json, random_id

if TYPE_CHECKING:
    from django_payments_hub.sandbox.jazzcash.mount import JazzCashMount

FORM = "/customerportal/transactionmanagement/merchantform"
PAGE = "/CustomerPortal/pay/"
SEE_OTHER = 303
CARDS = {
    "5123456789012346": payments.SUCCESS,
    "4508750015741019": payments.SUCCESS,
    "4111111111111111": payments.SUCCESS,
    "4242424242424242": payments.SUCCESS,
    "4000000000000002": "402",
    "4000000000000069": "404",
    "4000000000009995": "405",
}
OUTCOMES = {"succeed": payments.SUCCESS, "pending": "157", "voucher": "124", "cancel": "112"}
_FAILURES = {"MPAY": "402", "MWALLET": "095", "OTC": "999"}


@dataclass(frozen=True, kw_only=True)
class Back:
    """Where a browser goes from here, and with which fields."""

    url: str
    fields: Json


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a customer does: ``outcome`` says what comes of it, "pay" leaves that to the card or the wallet's number."""

    outcome: str = "pay"
    method: str = ""
    number: str = field(default="", repr=False)
    mobile: str = ""
    cnic: str = field(default="", repr=False)

    def kind(self, payment: Json) -> str:
        """What he pays with."""
        if self.outcome == "voucher":
            return "OTC"
        guess = "MWALLET" if self.mobile and not self.number else "MPAY"
        return payment["kind"] or (self.method if self.method in reading.KINDS else guess)

    def code(self, kind: str) -> str:
        """What comes of it. Raises JazzCashError 110 for a number that is none."""
        if self.outcome == "fail":
            return _FAILURES[kind]
        if self.outcome in OUTCOMES:
            return OUTCOMES[self.outcome]
        if kind == "OTC":
            return "124"
        if kind == "MWALLET":
            return self._wallet_code()
        number = "".join(character for character in self.number if character.isdigit())
        if number not in CARDS:
            raise JazzCashError("110", field="card number")
        return CARDS[number]

    def _wallet_code(self) -> str:
        if MOBILE.fullmatch(self.mobile) is None:
            raise JazzCashError("110", field="mobile number")
        return payments.wallet_code(self.mobile, self.cnic or None)


def handle(mount: "JazzCashMount", request: Request, path: str) -> Response:
    """Answer the form and the page; 404 for anything else."""
    if path.rstrip("/").lower() == FORM and request.method == "POST":
        return _open(mount, request)
    token = path.removeprefix(PAGE)
    if path.startswith(PAGE):
        try:
            merchant, _, page = mount.merchants.owner(token, "page")
            return _page(mount, request, merchant, merchant.table("payment")[page["reference"]])
        except LookupError:
            pass
    return render("message.html", 404, title="Not found", text="There is no such page.")


# The form -------------------------------------------------------------------------------------------------------------


def _open(mount: "JazzCashMount", request: Request) -> Response:
    fields: Json = request.form.to_dict()
    merchant_id = fields.get("pp_MerchantID", "")
    if MERCHANT_ID.fullmatch(merchant_id) is None:
        return _nowhere("101")
    merchant = mount.merchants.get(merchant_id)
    with mount.world.lock:
        try:
            token = _begin(Context(world=mount.world, merchant=merchant), fields)
        except JazzCashError as error:
            return _refused(merchant, fields, error)
    return redirect(f"/{mount.name}{PAGE}{token}", SEE_OTHER)


def _begin(ctx: Context, fields: Json) -> str:
    """The token of the page for a form; that of the page there is already when the form comes again."""
    required = (*reading.PAYMENT, "pp_Version", "pp_Language", "pp_ReturnURL")
    reading.check(ctx.merchant, fields, *required, checked=("pp_TxnType", "ppmpf_1"))
    check_return(ctx, fields)
    if not _is_address(fields["pp_ReturnURL"]):
        raise JazzCashError("110", field="pp_ReturnURL")
    order = reading.read_order(ctx.merchant, fields)
    known = ctx.merchant.find("payment", order.reference)
    if known is not None and known["state"] == "page" and _same(known, fields):
        return str(known["page"])
    payment = payments.begin(ctx, order, fields, fields.get("pp_TxnType", ""))
    payment["page"] = random_id(32)
    ctx.merchant.table("page")[payment["page"]] = {"reference": payment["id"]}
    return str(payment["page"])


def _same(payment: Json, fields: Json) -> bool:
    """Whether it is the same order, which may be asked for at another time."""
    return all(payment["request"].get(name) == fields.get(name) for name in ("pp_Amount", "pp_ReturnURL"))


def _is_address(value: object) -> bool:
    parts = urlsplit(str(value or ""))
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _refused(merchant: Merchant, fields: Json, error: JazzCashError) -> Response:
    url = fields.get("pp_ReturnURL")
    if not _is_address(url) or merchant.return_url not in ("", url):
        return _nowhere(error.code, error.field)
    payment: Json = {"id": fields.get("pp_TxnRefNo", ""), "kind": fields.get("pp_TxnType", ""), "request": fields}
    payment |= {"auth_code": "", "retrieval": ""}
    back = _back(merchant, payment, error.fields())
    return return_form(back.url, back.fields)


def _nowhere(code: str, field: str = "") -> Response:
    return render("message.html", 400, title=f"Error {code}", text=message(code, field))


# The page -------------------------------------------------------------------------------------------------------------


def _page(mount: "JazzCashMount", request: Request, merchant: Merchant, payment: Json) -> Response:
    if request.method != "POST":
        return _form(payment)
    form = request.form
    choice = Choice(
        outcome=form.get("outcome", "pay"),
        method=form.get("method", ""),
        number=form.get("number", ""),
        mobile=form.get("mobile", "").strip(),
        cnic=form.get("cnic", "").strip(),
    )
    backs: list[Back] = []
    try:
        mount.act(merchant, lambda ctx: backs.append(choose(ctx, payment, choice)))
    except JazzCashError as error:
        return _form(payment, error=message(error.code, error.field))
    return return_form(backs[0].url, backs[0].fields)


def _form(payment: Json, error: str = "") -> Response:
    amount = f"Rs. {payment['amount'] // 100:,}.{payment['amount'] % 100:02d}"
    text = payment["request"].get("pp_Description", "")
    return render("jazzcash.html", 402 if error else 200, payment=payment, amount=amount, text=text, error=error)


def choose(ctx: Context, payment: Json, choice: Choice) -> Back:
    """What the customer does on the page; who comes back to it is only told how it stands. Raises JazzCashError 110."""
    if payment["state"] == "page":
        kind = choice.kind(payment)
        code = "116" if payments.is_over(ctx, payment) else choice.code(kind)
        payment["kind"] = kind
        payments.decide(ctx, payment, code)
    return back(ctx.merchant, payment)


def back(merchant: Merchant, payment: Json) -> Back:
    """The way back to the shop, as the payment stands."""
    return _back(merchant, payment, result(payment, payment["code"]))


def _back(merchant: Merchant, payment: Json, told: Mapping[str, object]) -> Back:
    request = payment["request"]
    fields: Json = {
        "pp_Amount": request.get("pp_Amount", ""),
        "pp_AuthCode": payment["auth_code"],
        "pp_BankID": request.get("pp_BankID", ""),
        "pp_BillReference": request.get("pp_BillReference", ""),
        "pp_Language": request.get("pp_Language", ""),
        "pp_MerchantID": merchant.id,
        "pp_ResponseCode": "",
        "pp_ResponseMessage": "",
        "pp_RetreivalReferenceNo": payment["retrieval"],
        "pp_SettlementExpiry": "",
        "pp_SubMerchantId": request.get("pp_SubMerchantID", ""),
        "pp_TxnCurrency": request.get("pp_TxnCurrency", ""),
        "pp_TxnDateTime": request.get("pp_TxnDateTime", ""),
        "pp_TxnRefNo": payment["id"],
        "pp_TxnType": payment["kind"],
        "pp_Version": request.get("pp_Version", ""),
        **{f"ppmpf_{number}": request.get(f"ppmpf_{number}", "") for number in range(1, 6)},
        **{f"ppmbf_{number}": "" for number in range(1, 6)},
        **told,
    }
    return Back(url=str(request["pp_ReturnURL"]), fields=merchant.signed(fields))
