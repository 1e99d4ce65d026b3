"""The calls of a store's server: mobile accounts, vouchers and inquiries (REST, version 4)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django_payments_hub.sandbox.easypaisa import orders
from django_payments_hub.sandbox.easypaisa.codes import STATUSES, EasyPaisaError, description, outcome
from django_payments_hub.sandbox.easypaisa.orders import Context
from django_payments_hub.sandbox.pakistan import MOBILE, read_time
from django_payments_hub.sandbox.wire import Json

EXPIRY = "%Y%m%d %H%M%S"
ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,50}")
_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?")
Handler = Callable[[Context, Json], Json]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation."""

    operation: str
    path: str
    handler: Handler
    effect: bool = True


def paisa(value: object) -> int:
    """An amount of rupees. Raises EasyPaisaError 0028."""
    found = _AMOUNT.fullmatch(str(value))
    if found is None or isinstance(value, bool):
        raise EasyPaisaError("0028")
    amount = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))
    if amount == 0:
        raise EasyPaisaError("0028")
    return amount


def rupees(amount: int) -> str:
    """Paisa as EasyPaisa writes them."""
    return f"{amount // 100}.{amount % 100:02d}"


def day_time(iso: str) -> str:
    """A moment as EasyPaisa writes it."""
    return datetime.fromisoformat(iso).strftime("%d/%m/%Y %I:%M %p") if iso else ""


def order_id(value: object) -> str:
    """The id of an order. Raises EasyPaisaError 0003."""
    if not isinstance(value, str) or ORDER_ID.fullmatch(value) is None:
        raise EasyPaisaError("0003")
    return value


def mobile_number(value: object) -> str:
    """A number of a Pakistani phone. Raises EasyPaisaError 0026."""
    if not isinstance(value, str) or MOBILE.fullmatch(value) is None:
        raise EasyPaisaError("0026")
    return value


def _check(fields: Json, kind: str, *required: str) -> None:
    if any(fields.get(name) in (None, "") for name in ("orderId", "transactionAmount", "transactionType", *required)):
        raise EasyPaisaError("0002")
    if fields["transactionType"] != kind:
        raise EasyPaisaError("0008")
    email = fields.get("emailAddress")
    if email not in (None, "") and "@" not in str(email):
        raise EasyPaisaError("0027")


def _begin(ctx: Context, fields: Json) -> Json:
    amount = paisa(fields["transactionAmount"])
    return orders.begin(ctx, order_id(fields["orderId"]), amount, email=fields.get("emailAddress") or "")


def _begun(ctx: Context, order: Json) -> Json:
    return {
        "orderId": order["id"],
        "storeId": ctx.store.id,
        "transactionId": order["transaction_id"],
        "transactionDateTime": day_time(order["at"]),
        **outcome(order["code"]),
    }


def pay_by_account(ctx: Context, fields: Json) -> Json:
    """Ask the owner of a mobile account for the money."""
    _check(fields, "MA", "mobileAccountNo")
    mobile = mobile_number(fields["mobileAccountNo"])
    order = _begin(ctx, fields)
    orders.confirm(ctx, order, "MA", orders.coming(mobile), mobile=mobile)
    return _begun(ctx, order)


def create_voucher(ctx: Context, fields: Json) -> Json:
    """A number to pay with at a shop, until it runs out."""
    _check(fields, "OTC", "msisdn")
    mobile = mobile_number(fields["msisdn"])
    expires = None
    if fields.get("tokenExpiry"):
        expires = read_time(str(fields["tokenExpiry"]), EXPIRY)
        if expires is None or expires <= ctx.store.now():
            raise EasyPaisaError("0015")
    order = _begin(ctx, fields)
    orders.issue_voucher(ctx, order, expires, mobile=mobile)
    return _begun(ctx, order) | _token(order)


def _token(order: Json) -> Json:
    return {"paymentToken": order["token"], "paymentTokenExpiryDateTime": day_time(order["token_expires"])}


def inquire(ctx: Context, fields: Json) -> Json:
    """How an order stands: ``responseCode`` is the inquiry's own, ``transactionStatus`` the payment's."""
    if any(fields.get(name) in (None, "") for name in ("orderId", "accountNum")):
        raise EasyPaisaError("0002")
    if str(fields["accountNum"]) != ctx.store.account_num:
        raise EasyPaisaError("0004")
    order = ctx.order(fields["orderId"])
    failed = order["state"] == "failed"
    code = ("0001" if order["code"] == "0000" else order["code"]) if failed else ""
    return {
        "orderId": order["id"],
        "accountNum": ctx.store.account_num,
        "storeId": ctx.store.id,
        "storeName": "Sandbox",
        **_token(order),
        "transactionId": order["transaction_id"],
        "transactionStatus": STATUSES[order["state"]],
        "transactionAmount": rupees(order["amount"]),
        "transactionDateTime": day_time(order["at"]),
        "msisdn": order["mobile"],
        "paymentMode": order["mode"],
        "errorCode": code,
        "errorReason": description(code) if code else "",
        "settlementStatus": order["settlement"],
        **outcome("0000"),
    }


_ROOT = "/easypay-service/rest/v4"
ROUTES = (
    Route(operation="ma.pay", path=f"{_ROOT}/initiate-ma-transaction", handler=pay_by_account),
    Route(operation="otc.create", path=f"{_ROOT}/initiate-otc-transaction", handler=create_voucher),
    Route(operation="inquire", path=f"{_ROOT}/inquire-transaction", handler=inquire, effect=False),
)
