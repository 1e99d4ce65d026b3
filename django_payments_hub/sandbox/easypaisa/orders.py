"""An order at EasyPaisa and what becomes of it: every change of its state, the money it moves and the news of it.

States: ``page`` (the customer has not confirmed on the hosted page; no inquiry knows of it), ``pending``, ``paid``,
``failed``, ``expired`` and ``reversed``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django_payments_hub.sandbox.easypaisa.account import Store
from django_payments_hub.sandbox.easypaisa.codes import SUCCESS, EasyPaisaError
from django_payments_hub.sandbox.ledger import Kind
from django_payments_hub.sandbox.pakistan import book, digits
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.wire import Json

TOKEN_LIFETIME = timedelta(days=3)
_CODED = "0345000"


@dataclass(frozen=True, kw_only=True)
class Coming:
    """What comes of a payment: the code of the answer, and the state it leaves the order in."""

    code: str
    state: str


PAYS = Coming(code=SUCCESS, state="paid")
WAITS = Coming(code=SUCCESS, state="pending")
_NUMBERS = {
    "03451234567": PAYS,
    "03457770000": Coming(code=SUCCESS, state="failed"),
    "03458880000": Coming(code="0001", state="pending"),
}


def coming(mobile: str) -> Coming:
    """What comes of a mobile account's number."""
    if mobile.startswith(_CODED):
        code = mobile.removeprefix(_CODED)
        return PAYS if code == SUCCESS else Coming(code=code, state="failed")
    return _NUMBERS.get(mobile, WAITS)


@dataclass(frozen=True, kw_only=True)
class Context:
    """One unit of work on a store; the state lock is held."""

    world: World
    store: Store

    def order(self, order_id: object) -> Json:
        """An order that was confirmed. Raises EasyPaisaError 0003."""
        found = self.store.find("order", str(order_id))
        if found is None or found["state"] == "page":
            raise EasyPaisaError("0003")
        return found

    def book(self, kind: Kind, order: Json, amount: int, object_id: str = "") -> None:
        """Write one movement of an order into the ledger."""
        book(
            self.world,
            provider="easypaisa",
            merchant=self.store,
            kind=kind,
            payment=order["id"],
            amount=amount,
            metadata={"orderId": order["id"]},
            object_id=object_id,
        )


def begin(ctx: Context, order_id: str, amount: int, **more: object) -> Json:
    """A new order. Raises EasyPaisaError 0003 for an id used before."""
    if ctx.store.find("order", order_id) is not None:
        raise EasyPaisaError("0003")
    order: Json = {
        "id": order_id,
        "state": "page",
        "code": "",
        "amount": amount,
        "refunded": 0,
        "mode": "",
        "mobile": "",
        "email": "",
        "token": "",
        "token_expires": "",
        "transaction_id": "",
        "at": "",
        "settlement": "",
        **more,
    }
    ctx.store.table("order")[order_id] = order
    return order


def confirm(ctx: Context, order: Json, mode: str, what: Coming, *, mobile: str) -> None:
    """The customer has paid with his mobile account or card, or tried to."""
    order["mode"], order["mobile"] = mode, mobile
    order["transaction_id"], order["at"] = digits(10), ctx.store.now().isoformat()
    _become(ctx, order, what)


def issue_voucher(ctx: Context, order: Json, expires: datetime | None, *, mobile: str) -> None:
    """A number to pay with at a shop. Raises EasyPaisaError 0015 for an expiry that is past."""
    expires = expires or ctx.store.now() + TOKEN_LIFETIME
    if expires <= ctx.store.now():
        raise EasyPaisaError("0015")
    order["token"], order["token_expires"] = digits(10), expires.isoformat()
    confirm(ctx, order, "OTC", WAITS, mobile=mobile)


def settle(ctx: Context, order: Json, what: Coming) -> None:
    """What comes of an order that waits. Raises ValueError when it does not."""
    if order["state"] != "pending":
        raise ValueError(f"the order is {order['state']}, and waits for nothing")
    _become(ctx, order, what)


def _become(ctx: Context, order: Json, what: Coming) -> None:
    order["code"], order["state"] = what.code, what.state
    if what.state == "paid":
        ctx.book("capture", order, order["amount"])
        ctx.store.emit("ipn.PAID", order)


def expire(order: Json) -> None:
    """Nobody has paid in time. Raises ValueError for an order that does not wait."""
    if order["state"] not in ("page", "pending"):
        raise ValueError(f"the order is {order['state']}, and does not run out")
    order["state"], order["code"] = "expired", "0016"


def run_out(ctx: Context) -> None:
    """Expire the vouchers that are due; a mobile account's payment never runs out by itself."""
    for order in ctx.store.table("order").values():
        ends = order["token_expires"]
        if order["state"] == "pending" and ends and datetime.fromisoformat(ends) <= ctx.store.now():
            expire(order)


def give_back(ctx: Context, order: Json, amount: int | None) -> None:
    """Money goes back by hand, all that is left unless an amount is named. Raises ValueError."""
    left = order["amount"] - order["refunded"]
    amount = left if amount is None else amount
    if order["state"] != "paid" or not 0 < amount <= left:
        raise ValueError(f"the order is {order['state']}, and {left} paisa of it are left")
    order["refunded"] += amount
    ctx.book("refund", order, amount, f"{order['id']}-R{digits(6)}")
    if amount == left:
        order["state"] = "reversed"
