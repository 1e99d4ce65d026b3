"""Disputes: opened by a card or by the control API, answered with evidence, won or lost."""

from django_payments_hub.sandbox.stripe import charges
from django_payments_hub.sandbox.stripe.context import LIST, Context, Route, equals, listing, words
from django_payments_hub.sandbox.stripe.errors import StripeError, invalid_parameter
from django_payments_hub.sandbox.stripe.forms import Params
from django_payments_hub.sandbox.wire import Json, copy_object

EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
# Evidence with these words decides a test dispute (docs.stripe.com/testing#disputes)
VERDICTS = {"winning_evidence": "won", "losing_evidence": "lost"}


def open_dispute(ctx: Context, charge: Json, *, amount: int, reason: str) -> Json:
    """The issuer takes the money back until the dispute is decided."""
    intent = ctx.account.get("payment_intent", charge["payment_intent"])
    network = {"brand": charge["payment_method_details"]["card"]["brand"], "network_reason_code": "10.4"}
    dispute = ctx.account.new(
        "dispute",
        "du",
        {
            "amount": amount,
            "balance_transactions": [],
            "charge": charge["id"],
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": dict.fromkeys(EVIDENCE),
            "evidence_details": {
                "due_by": ctx.account.clock.timestamp() + 7 * 86400,
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": False,
            "metadata": {},
            "payment_intent": intent["id"],
            "payment_method_details": {"card": network, "type": "card"},
            "reason": reason,
            "status": "needs_response",
        },
    )
    charge["disputed"] = True
    _move(ctx, dispute, -amount)
    ctx.book("dispute", intent, dispute["id"], amount)
    ctx.account.emit("charge.dispute.created", dispute)
    ctx.account.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def decide(ctx: Context, dispute: Json, status: str) -> None:
    """Won: the money comes back. Lost: it stays away. Raises StripeError when it is decided already."""
    if dispute["status"] not in OPEN:
        message = f"This dispute is already closed: it was {dispute['status']}."
        raise StripeError(message, code="dispute_already_closed", executed=True)
    before = dispute["status"]
    dispute["status"] = status
    ctx.account.emit("charge.dispute.closed", dispute, {"status": before})
    if status == "won":
        intent = ctx.account.get("payment_intent", dispute["payment_intent"])
        ctx.book("dispute_reversal", intent, dispute["id"], dispute["amount"])
        _move(ctx, dispute, dispute["amount"])
        ctx.account.emit("charge.dispute.funds_reinstated", dispute)


def _move(ctx: Context, dispute: Json, amount: int) -> None:
    entry = charges.balance_transaction(ctx, dispute, "adjustment", amount)
    dispute["balance_transactions"].append(copy_object(entry))


# Operations -----------------------------------------------------------------------------------------------------------


def retrieve(ctx: Context) -> Json:
    """One dispute."""
    return ctx.account.get("dispute", ctx.args["id"])


def update(ctx: Context) -> Json:
    """Add evidence; it is submitted unless ``submit`` is false."""
    dispute = ctx.account.get("dispute", ctx.args["id"])
    if dispute["status"] not in OPEN:
        raise StripeError("This dispute is already closed.", code="dispute_already_closed", executed=True)
    evidence = _read_evidence(ctx.params.child("evidence"))
    before = copy_object(dispute["evidence"])
    dispute["evidence"] |= evidence
    dispute["metadata"] = ctx.params.metadata(dispute["metadata"])
    details = dispute["evidence_details"]
    details["has_evidence"] = any(value is not None for value in dispute["evidence"].values())
    if evidence and ctx.params.boolean("submit") is not False:
        details["submission_count"] += 1
        dispute["status"] = "under_review"
    ctx.account.emit("charge.dispute.updated", dispute, {"evidence": before})
    verdict = VERDICTS.get(dispute["evidence"]["uncategorized_text"] or "")
    if verdict and dispute["status"] == "under_review":
        decide(ctx, dispute, verdict)
    return dispute


def _read_evidence(params: Params) -> Json:
    params.only(frozenset(EVIDENCE))
    evidence = {name: params.text(name) for name in params.data}
    if sum(len(value or "") for value in evidence.values()) > 150_000:
        raise invalid_parameter("evidence", "The combined character count of all evidence is at most 150,000.")
    return evidence


def close(ctx: Context) -> Json:
    """Accept the dispute: it is lost."""
    dispute = ctx.account.get("dispute", ctx.args["id"])
    decide(ctx, dispute, "lost")
    return dispute


def list_(ctx: Context) -> Json:
    """The disputes, newest first."""
    return listing(ctx, "dispute", "/v1/disputes", equals(ctx, "charge", "payment_intent"))


ROUTES = [
    Route(
        method="GET",
        path="/v1/disputes",
        operation="disputes.list",
        handler=list_,
        params=LIST | {"charge", "payment_intent"},
    ),
    Route(method="GET", path="/v1/disputes/<id>", operation="disputes.retrieve", handler=retrieve),
    Route(
        method="POST",
        path="/v1/disputes/<id>",
        operation="disputes.update",
        handler=update,
        params=words("evidence metadata submit"),
    ),
    Route(method="POST", path="/v1/disputes/<id>/close", operation="disputes.close", handler=close),
]
