"""Disputes v1: opened and decided by the control API, shown and accepted over the API."""

from datetime import datetime, timedelta

from django_payments_hub.sandbox.paypal import ids, money
from django_payments_hub.sandbox.paypal.context import Context, Reply, Route
from django_payments_hub.sandbox.paypal.errors import PayPalError
from django_payments_hub.sandbox.wire import Json, copy_object

ROOT = "/v1/customer/disputes"
REASONS = {
    "fraudulent": "UNAUTHORISED",
    "duplicate": "DUPLICATE_TRANSACTION",
    "product_not_received": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
    "product_unacceptable": "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED",
    "credit_not_processed": "CREDIT_NOT_PROCESSED",
}
_STATES = {
    "WAITING_FOR_SELLER_RESPONSE": "REQUIRED_ACTION",
    "WAITING_FOR_BUYER_RESPONSE": "REQUIRED_OTHER_PARTY_ACTION",
    "UNDER_REVIEW": "UNDER_PAYPAL_REVIEW",
}
OUTCOMES = {"won": "RESOLVED_SELLER_FAVOUR", "lost": "RESOLVED_BUYER_FAVOUR"}


_TIME_TO_ANSWER = timedelta(days=10)


def open_dispute(ctx: Context, capture: Json, *, amount: int, reason: str, stage: str = "CHARGEBACK") -> Json:
    """The buyer takes the money back until the case is decided; in the stage INQUIRY he only asks the merchant."""
    currency = capture["amount"]["currency_code"]
    behind = ctx.account.behind(capture)
    dispute_id = ids.dispute_id()
    dispute: Json = {
        "dispute_id": dispute_id,
        "create_time": _now(ctx),
        "update_time": _now(ctx),
        "disputed_transactions": [_transaction(ctx, capture)],
        "reason": REASONS.get(reason, reason.upper()),
        "status": "WAITING_FOR_SELLER_RESPONSE",
        "dispute_amount": money.money(amount, currency),
        "dispute_life_cycle_stage": stage,
        "seller_response_due_date": _due(ctx),
        "dispute_channel": "EXTERNAL",
        "dispute_state": "REQUIRED_ACTION",
        "messages": [],
        "offer": {"buyer_requested_amount": money.money(amount, currency)},
        "links": [ctx.link(f"{ROOT}/{dispute_id}", "self")],
    }
    ctx.account.add("dispute", dispute, key="dispute_id")
    kept = ctx.account.hidden[dispute_id]
    kept.parent, kept.payment = capture["id"], behind.payment
    if stage != "INQUIRY":
        ctx.book("dispute", capture, dispute_id, amount, currency)
    _emit(ctx, dispute, "CREATED")
    return dispute


def _transaction(ctx: Context, capture: Json) -> Json:
    buyer = ctx.account.behind(capture).buyer
    shown: Json = {
        "seller_transaction_id": capture["id"],
        "create_time": capture["create_time"],
        "transaction_status": "COMPLETED",
        "gross_amount": dict(capture["amount"]),
        "seller": {**ctx.account.payee, "name": "Test Store"},
        "items": [],
        "seller_protection_eligible": True,
    }
    shown["seller"]["email"] = shown["seller"].pop("email_address")
    if buyer is not None:
        shown["buyer"] = {"name": f"{buyer.given_name} {buyer.surname}", "email": buyer.email}
    for name, given in (("custom", "custom_id"), ("invoice_number", "invoice_id")):
        if given in capture:
            shown[name] = capture[given]
    return shown


def _emit(ctx: Context, dispute: Json, what: str) -> None:
    summary = {
        "CREATED": f"A new dispute opened with Case # {dispute['dispute_id']}",
        "UPDATED": f"Dispute with Case # {dispute['dispute_id']} was updated",
        "RESOLVED": f"Dispute with Case # {dispute['dispute_id']} was resolved",
    }
    ctx.account.emit(f"CUSTOMER.DISPUTE.{what}", "dispute", dispute, summary[what], version="1.0")


def update(ctx: Context, dispute: Json, status: str) -> None:
    """The case goes on, undecided."""
    dispute.update(status=status, dispute_state=_STATES[status], update_time=_now(ctx))
    if status == "WAITING_FOR_SELLER_RESPONSE":
        dispute["seller_response_due_date"] = _due(ctx)
    else:
        dispute.pop("seller_response_due_date", None)
    _emit(ctx, dispute, "UPDATED")


def escalate(ctx: Context, dispute: Json) -> None:
    """An inquiry becomes a claim, and the money is taken."""
    amount = dispute["dispute_amount"]
    capture = ctx.account.get("capture", ctx.account.hidden[dispute["dispute_id"]].parent)
    dispute["dispute_life_cycle_stage"] = "CHARGEBACK"
    ctx.book("dispute", capture, dispute["dispute_id"], money.minor_of(amount), amount["currency_code"])
    update(ctx, dispute, "WAITING_FOR_SELLER_RESPONSE")


def decide(ctx: Context, dispute: Json, status: str) -> None:
    """Won: the money comes back. Lost: it stays away. Raises ValueError when it is decided already."""
    if dispute["status"] == "RESOLVED":
        raise ValueError("the dispute is decided already")
    amount = dispute["dispute_amount"]
    capture = ctx.account.get("capture", ctx.account.hidden[dispute["dispute_id"]].parent)
    refunded = money.money(money.minor_of(amount) if status == "lost" else 0, amount["currency_code"])
    dispute.update(
        status="RESOLVED",
        dispute_state="RESOLVED",
        update_time=_now(ctx),
        dispute_outcome={"outcome_code": OUTCOMES[status], "amount_refunded": refunded},
    )
    if status == "won":
        ctx.book("dispute_reversal", capture, dispute["dispute_id"], money.minor_of(amount), amount["currency_code"])
    _emit(ctx, dispute, "RESOLVED")


def _now(ctx: Context) -> str:
    return _time(ctx.world.clock.now())


def _due(ctx: Context) -> str:
    return _time(ctx.world.clock.now() + _TIME_TO_ANSWER)


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def show(ctx: Context) -> Reply:
    """One dispute."""
    return Reply(body=ctx.account.get("dispute", ctx.args["id"]))


def list_(ctx: Context) -> Reply:
    """The disputes, newest first, of a transaction or of all."""
    wanted = ctx.query.get("disputed_transaction_id")
    found = [
        copy_object(dispute)
        for dispute in reversed(ctx.account.table("dispute").values())
        if wanted is None or any(t["seller_transaction_id"] == wanted for t in dispute["disputed_transactions"])
    ]
    return Reply(body={"items": found, "links": [ctx.link(ROOT, "self")]})


def accept(ctx: Context) -> Reply:
    """The merchant gives in: the buyer keeps the money."""
    dispute = ctx.account.get("dispute", ctx.args["id"])
    ctx.body.required("note", 2000)
    if dispute["status"] == "RESOLVED":
        raise PayPalError("ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE", "The dispute is resolved already.")
    decide(ctx, dispute, "lost")
    return Reply(body={"links": [ctx.link(f"{ROOT}/{dispute['dispute_id']}", "self")]})


ROUTES = [
    Route(method="GET", path=ROOT, operation="disputes.list", handler=list_),
    Route(method="GET", path=f"{ROOT}/<id>", operation="disputes.get", handler=show),
    Route(method="POST", path=f"{ROOT}/<id>/accept-claim", operation="disputes.accept", handler=accept),
]
