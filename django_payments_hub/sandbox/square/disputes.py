"""Disputes: opened by an amount that Square documents or by a deed, answered with evidence, won or lost."""

from datetime import timedelta

from django_payments_hub.sandbox.square.account import rfc3339
from django_payments_hub.sandbox.square.context import Context, Route, listing, words
from django_payments_hub.sandbox.square.errors import SquareError, invalid
from django_payments_hub.sandbox.square.money import money
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

INQUIRY = ("INQUIRY_EVIDENCE_REQUIRED", "INQUIRY_PROCESSING", "INQUIRY_CLOSED")
OPEN = ("INQUIRY_EVIDENCE_REQUIRED", "INQUIRY_PROCESSING", "EVIDENCE_REQUIRED", "PROCESSING")
STATES = frozenset({
    "INQUIRY_EVIDENCE_REQUIRED", "INQUIRY_PROCESSING", "INQUIRY_CLOSED",
    "EVIDENCE_REQUIRED", "PROCESSING", "WON", "LOST", "ACCEPTED",
})  # fmt: skip
# A payment of 88.01 is disputed for the first of these, and so on
# (developer.squareup.com/docs/disputes-api/sandbox-testing)
REASONS = (
    "AMOUNT_DIFFERS", "CANCELLED", "DUPLICATE", "NO_KNOWLEDGE", "NOT_AS_DESCRIBED", "NOT_RECEIVED",
    "PAID_BY_OTHER_MEANS", "CUSTOMER_REQUESTS_CREDIT", "EMV_LIABILITY_SHIFT",
)  # fmt: skip
_FIRST_AMOUNT = 8801
_ANSWER_IN = timedelta(days=14)
_EVIDENCE_TYPES = frozenset({
    "GENERIC_EVIDENCE", "ONLINE_OR_APP_ACCESS_LOG", "AUTHORIZATION_DOCUMENTATION",
    "CANCELLATION_OR_REFUND_DOCUMENTATION", "CARDHOLDER_COMMUNICATION", "CARDHOLDER_INFORMATION",
    "PURCHASE_ACKNOWLEDGEMENT", "DUPLICATE_CHARGE_DOCUMENTATION", "PRODUCT_OR_SERVICE_DESCRIPTION", "RECEIPT",
    "SERVICE_RECEIVED_DOCUMENTATION", "PROOF_OF_DELIVERY_DOCUMENTATION", "RELATED_TRANSACTION_DOCUMENTATION",
    "REBUTTAL_EXPLANATION", "TRACKING_NUMBER",
})  # fmt: skip


def open_documented(ctx: Context, payment: Json) -> None:
    """Dispute a payment whose amount is one of those that Square documents for it."""
    number = payment["amount_money"]["amount"] - _FIRST_AMOUNT
    if payment["source_type"] == "CARD" and 0 <= number < len(REASONS):
        open_dispute(ctx, payment, amount=payment["amount_money"]["amount"], reason=REASONS[number])


def open_dispute(ctx: Context, payment: Json, *, amount: int, reason: str, state: str = "EVIDENCE_REQUIRED") -> Json:
    """The issuer takes the money back until the dispute is decided; while he only inquires, he does not."""
    now = ctx.account.now()
    today = f"{now[:10]}T00:00:00.000Z"
    dispute: Json = {
        "id": random_id(22),
        "amount_money": money(amount, payment["total_money"]["currency"]),
        "reason": reason,
        "state": state,
        "due_at": rfc3339(ctx.account.clock.now() + _ANSWER_IN),
        "disputed_payment": {"payment_id": payment["id"]},
        "card_brand": payment["card_details"]["card"]["card_brand"],
        "created_at": now,
        "updated_at": now,
        "brand_dispute_id": random_id(22),
        "reported_at": today,
        "version": 1,
        "location_id": payment["location_id"],
    }
    ctx.account.table("dispute")[dispute["id"]] = dispute
    if state not in INQUIRY:
        ctx.book("dispute", payment, dispute["id"], amount)
    ctx.account.emit("dispute.created", "dispute", dispute, with_location=True)
    return dispute


def move(ctx: Context, dispute: Json, state: str) -> None:
    """The dispute goes on: from an inquiry to a chargeback, which takes the money; once won, the money comes back.

    Raises SquareError when it is decided already.
    """
    if dispute["state"] not in OPEN:
        detail = f"The dispute is {dispute['state']}: it cannot be changed."
        raise SquareError("BAD_REQUEST", detail, executed=True)
    payment, amount = ctx.account.get("payment", dispute["disputed_payment"]["payment_id"]), dispute["amount_money"]
    if dispute["state"] in INQUIRY and state not in INQUIRY:
        ctx.book("dispute", payment, dispute["id"], amount["amount"])
        dispute["due_at"] = rfc3339(ctx.account.clock.now() + _ANSWER_IN)
    dispute["state"] = state
    dispute["version"] += 1
    dispute["updated_at"] = ctx.account.now()
    if state == "WON":
        ctx.book("dispute_reversal", payment, dispute["id"], amount["amount"])
    ctx.account.emit("dispute.state.updated", "dispute", dispute, with_location=True)


def of(ctx: Context, payment: Json) -> list[Json]:
    """The disputes of a payment, newest first."""
    return [d for d in ctx.account.newest("dispute") if d["disputed_payment"]["payment_id"] == payment["id"]]


# Operations -----------------------------------------------------------------------------------------------------------


def get(ctx: Context) -> Json:
    """One dispute."""
    return {"dispute": ctx.account.get("dispute", ctx.args["id"])}


def list_(ctx: Context) -> Json:
    """The disputes, newest first, by state and location."""
    states = [state for state in (ctx.query.text("states") or "").split(",") if state]
    for state in states:
        if state not in STATES:
            raise invalid("states", f"`{state}` is not a valid enum value for `states`.", "INVALID_ENUM_VALUE")
    location = ctx.query.text("location_id")
    found = [
        dispute
        for dispute in ctx.account.newest("dispute")
        if (not states or dispute["state"] in states) and location in (None, dispute["location_id"])
    ]
    return listing(ctx, "disputes", found)


def accept(ctx: Context) -> Json:
    """Give in."""
    dispute = ctx.account.get("dispute", ctx.args["id"])
    move(ctx, dispute, "ACCEPTED")
    return {"dispute": dispute}


def add_text(ctx: Context) -> Json:
    """Add a text as evidence; nothing is sent to the bank before it is submitted."""
    dispute = ctx.account.get("dispute", ctx.args["id"])
    text = ctx.body.required("evidence_text", 500)
    kind = ctx.body.choice("evidence_type", _EVIDENCE_TYPES) or "GENERIC_EVIDENCE"
    if dispute["state"] != "EVIDENCE_REQUIRED":
        raise SquareError("BAD_REQUEST", f"The dispute is {dispute['state']}: it takes no evidence.", executed=True)
    evidence = {
        "id": random_id(22),
        "dispute_id": dispute["id"],
        "evidence_type": kind,
        "evidence_text": text,
        "uploaded_at": ctx.account.now(),
    }
    ctx.account.table("evidence")[evidence["id"]] = evidence
    dispute.setdefault("evidence_ids", []).append(evidence["id"])
    ctx.account.emit("dispute.evidence.created", "dispute", dispute, with_location=True)
    return {"evidence": evidence}


def _evidence(ctx: Context) -> Json:
    dispute = ctx.account.get("dispute", ctx.args["id"])
    if ctx.args["evidence"] not in dispute.get("evidence_ids", []):
        raise SquareError("NOT_FOUND", f"Could not find evidence {ctx.args['evidence']}", status=404)
    return ctx.account.get("evidence", ctx.args["evidence"])


def get_evidence(ctx: Context) -> Json:
    """One piece of evidence."""
    return {"evidence": _evidence(ctx)}


def list_evidence(ctx: Context) -> Json:
    """The evidence of a dispute."""
    dispute = ctx.account.get("dispute", ctx.args["id"])
    return listing(ctx, "evidence", [ctx.account.get("evidence", one) for one in dispute.get("evidence_ids", [])])


def delete_evidence(ctx: Context) -> Json:
    """Take back a piece of evidence."""
    evidence, dispute = _evidence(ctx), ctx.account.get("dispute", ctx.args["id"])
    dispute["evidence_ids"].remove(evidence["id"])
    ctx.account.emit("dispute.evidence.deleted", "dispute", dispute, with_location=True)
    return {}


def submit(ctx: Context) -> Json:
    """Send the evidence to the bank."""
    dispute = ctx.account.get("dispute", ctx.args["id"])
    if dispute["state"] != "EVIDENCE_REQUIRED":
        raise SquareError("BAD_REQUEST", f"The dispute is {dispute['state']}: nothing to submit.", executed=True)
    move(ctx, dispute, "PROCESSING")
    return {"dispute": copy_object(dispute)}


_ONE = "/v2/disputes/<id>"
ROUTES = [
    Route(
        method="GET",
        path="/v2/disputes",
        operation="disputes.list",
        handler=list_,
        query=words("cursor states location_id"),
    ),
    Route(method="GET", path=_ONE, operation="disputes.get", handler=get),
    Route(method="POST", path=f"{_ONE}/accept", operation="disputes.accept", handler=accept),
    Route(
        method="POST",
        path=f"{_ONE}/evidence-text",
        operation="disputes.evidence_text.create",
        handler=add_text,
        body=words("evidence_type evidence_text"),
        key=45,
    ),
    Route(
        method="GET",
        path=f"{_ONE}/evidence",
        operation="disputes.evidence.list",
        handler=list_evidence,
        query=words("cursor"),
    ),
    Route(method="GET", path=f"{_ONE}/evidence/<evidence>", operation="disputes.evidence.get", handler=get_evidence),
    Route(
        method="DELETE",
        path=f"{_ONE}/evidence/<evidence>",
        operation="disputes.evidence.delete",
        handler=delete_evidence,
    ),
    Route(method="POST", path=f"{_ONE}/submit-evidence", operation="disputes.evidence.submit", handler=submit),
]
