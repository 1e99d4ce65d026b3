"""A payment at JazzCash and what becomes of it: every change of its state, the money it moves and the news of it.

States: ``page`` (the customer looks at the hosted page; no inquiry knows of it), ``pending`` (a wallet's owner has not
approved yet), ``voucher``, ``completed``, ``failed``, ``expired``, ``awaiting_reversal``, ``reversed``, ``refunded``
(the whole of it) and ``disputed``.
"""

from dataclasses import dataclass
from datetime import datetime

from django_payments_hub.sandbox.jazzcash.account import Merchant
from django_payments_hub.sandbox.jazzcash.codes import JazzCashError
from django_payments_hub.sandbox.jazzcash.reading import Order
from django_payments_hub.sandbox.ledger import Kind
from django_payments_hub.sandbox.pakistan import book, digits
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.wire import Json

SUCCESS = "000"
WAITING = frozenset({"pending", "voucher"})
PAID = frozenset({"completed", "disputed", "awaiting_reversal"})
# Code of a first answer, and the state it leaves the payment in; any other is a failure
_STATES = {SUCCESS: "completed", "157": "pending", "124": "voucher"}
_WALLET_NUMBERS = {"03123456789": SUCCESS, "03123456780": "999"}
_CNIC = "345678"
_CODED = "03120000"


@dataclass(frozen=True, kw_only=True)
class Context:
    """One unit of work on a merchant; the state lock is held."""

    world: World
    merchant: Merchant

    def payment(self, reference: object) -> Json:
        """A payment on which the customer has done something. Raises JazzCashError 109."""
        found = self.merchant.find("payment", str(reference))
        if found is None or found["state"] == "page":
            raise JazzCashError("109")
        return found

    def book(self, kind: Kind, payment: Json, amount: int, object_id: str = "") -> None:
        """Write one movement of a payment into the ledger."""
        book(
            self.world,
            provider="jazzcash",
            merchant=self.merchant,
            kind=kind,
            payment=payment["id"],
            amount=amount,
            metadata=marks(payment),
            object_id=object_id,
        )


def marks(payment: Json) -> dict[str, str]:
    """What the merchant has written on a payment."""
    return {name: str(payment["request"].get(name) or "") for name in ("pp_TxnRefNo", "pp_BillReference")}


def begin(ctx: Context, order: Order, request: Json, kind: str) -> Json:
    """A new payment that nobody has done anything about. Raises JazzCashError 110 for a reference used before."""
    if ctx.merchant.find("payment", order.reference) is not None:
        raise JazzCashError("110", field="pp_TxnRefNo")
    payment: Json = {
        "id": order.reference,
        "state": "page",
        "code": "",
        "kind": kind,
        "amount": order.amount,
        "refunded": 0,
        "request": {name: value for name, value in request.items() if name != "pp_Password"},
        "retrieval": "",
        "auth_code": "",
        "expires": order.expires.isoformat(),
    }
    ctx.merchant.table("payment")[payment["id"]] = payment
    return payment


def decide(ctx: Context, payment: Json, code: str) -> None:
    """The first answer to what the customer has done: paid (000), to wait for (157, 124), or failed."""
    payment["retrieval"] = digits(12)
    _become(ctx, payment, code)


def settle(ctx: Context, payment: Json, code: str = SUCCESS) -> None:
    """What comes of a payment that waits. Raises ValueError when it does not."""
    if payment["state"] not in WAITING:
        raise ValueError(f"the payment is {payment['state']}, and waits for nothing")
    _become(ctx, payment, code)


def _become(ctx: Context, payment: Json, code: str) -> None:
    payment["code"] = code
    payment["state"] = _STATES.get(code, "failed")
    if payment["state"] == "completed":
        payment["auth_code"] = digits(6)
        ctx.book("capture", payment, payment["amount"])
        ctx.merchant.emit("ipn.121", payment)
    elif payment["state"] == "failed":
        ctx.merchant.emit(f"ipn.{code}", payment)


def expire(ctx: Context, payment: Json) -> None:
    """Nobody has paid in time. Raises ValueError for a payment that does not wait."""
    if payment["state"] == "page":  # whoever looks at the page still is told so by it
        payment["expires"] = ctx.merchant.now().isoformat()
        return
    if payment["state"] not in WAITING:
        raise ValueError(f"the payment is {payment['state']}, and does not run out")
    payment["code"] = "116" if payment["state"] == "voucher" else "134"
    payment["state"] = "expired"
    ctx.merchant.emit(f"ipn.{payment['code']}", payment)


def run_out(ctx: Context) -> None:
    """Expire what is due."""
    for payment in ctx.merchant.table("payment").values():
        if payment["state"] in WAITING and is_over(ctx, payment):
            expire(ctx, payment)


def is_over(ctx: Context, payment: Json) -> bool:
    """Whether its time has run out."""
    return datetime.fromisoformat(payment["expires"]) <= ctx.merchant.now()


def refund(ctx: Context, payment: Json, amount: int) -> None:
    """Give money back. Raises JazzCashError 131 when all of it is back, 132 when none was paid, 110 for too much."""
    if payment["state"] == "refunded":
        raise JazzCashError("131")
    if payment["state"] != "completed":
        raise JazzCashError("132")
    left = payment["amount"] - payment["refunded"]
    if not 0 < amount <= left:
        raise JazzCashError("110", field="pp_Amount")
    payment["refunded"] += amount
    ctx.book("refund", payment, amount, f"{payment['id']}-R{digits(6)}")
    if amount == left:
        payment["state"] = "refunded"
        ctx.merchant.emit("ipn.131", payment)


def reverse(ctx: Context, payment: Json, *, awaiting: bool) -> None:
    """JazzCash takes the payment back, now or when it gets to it. Raises ValueError for one that is not paid."""
    if payment["state"] not in PAID:
        raise ValueError(f"the payment is {payment['state']}: there is nothing to reverse")
    payment["state"] = "awaiting_reversal" if awaiting else "reversed"
    left = payment["amount"] - payment["refunded"]
    if not awaiting:
        payment["refunded"] = payment["amount"]
        ctx.book("refund", payment, left, f"{payment['id']}-V{digits(6)}")
    ctx.merchant.emit("ipn.119" if awaiting else "ipn.122", payment)


def wallet_code(mobile: str, cnic: str | None) -> str:
    """What comes of a wallet's number; without a CNIC where the version of the call asks for none."""
    if mobile.startswith(_CODED):
        return mobile.removeprefix(_CODED)
    if mobile == "03123456789" and cnic not in (None, _CNIC):
        return "157"
    return _WALLET_NUMBERS.get(mobile, "157")
