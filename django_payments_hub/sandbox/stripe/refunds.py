"""Refunds: of a captured charge, whole or in part, also those that stay pending or fail later."""

from django_payments_hub.sandbox.stripe import charges
from django_payments_hub.sandbox.stripe.context import LIST, Context, Route, equals, listing, words
from django_payments_hub.sandbox.stripe.errors import StripeError, missing_parameter
from django_payments_hub.sandbox.stripe.money import display
from django_payments_hub.sandbox.wire import Json

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(ctx: Context) -> Json:
    """Refund a charge, named by itself or by its intent."""
    charge = _charge(ctx)
    amount, reason = ctx.params.positive("amount"), ctx.params.choice("reason", REASONS)
    metadata = ctx.params.metadata()
    refund = refund_charge(ctx, charge, amount, reason)
    refund["metadata"] = metadata
    announce(ctx, charge, refund)
    return refund


def _charge(ctx: Context) -> Json:
    charge_id, intent = ctx.params.text("charge"), ctx.named("payment_intent", "payment_intent")
    if charge_id is None and intent is None:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise StripeError(message, code="parameter_missing", param="charge")
    if intent is None:
        return ctx.account.get("charge", charge_id or "", "charge")
    if charge_id is not None and charge_id != intent["latest_charge"]:
        raise StripeError("The charge does not belong to the PaymentIntent.", param="charge")
    charge = ctx.account.find("charge", intent["latest_charge"] or "")
    if charge is None or not charge["captured"]:
        message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise StripeError(message, code="payment_intent_unexpected_state", executed=True)
    return charge


def refund_charge(ctx: Context, charge: Json, amount: int | None, reason: str | None) -> Json:
    """Move the money back. Raises StripeError for more than is left."""
    if charge["status"] != "succeeded" or not charge["captured"]:
        message = f"Charge {charge['id']} has not been captured: it cannot be refunded."
        raise StripeError(message, code="charge_not_refundable", executed=True)
    if charge["disputed"] and _lost_or_open(ctx, charge):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise StripeError(message, code="charge_disputed", executed=True)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise StripeError(message, code="charge_already_refunded", executed=True)
    amount = left if amount is None else amount
    if amount > left:
        currency = charge["currency"]
        message = (
            f"Refund amount ({display(amount, currency)}) is greater than unrefunded amount on charge "
            f"({display(left, currency)})"
        )
        raise StripeError(message, param="amount", executed=True)
    return _carry_out(ctx, charge, amount, reason)


def _lost_or_open(ctx: Context, charge: Json) -> bool:
    return any(d["charge"] == charge["id"] and d["status"] != "won" for d in ctx.account.newest("dispute"))


def _carry_out(ctx: Context, charge: Json, amount: int, reason: str | None) -> Json:
    refund = ctx.account.new("refund", "re", charges.refund_fields(charge, amount))
    pending = ctx.account.cards[charge["payment_method"]].refund == "pending"
    refund["reason"], refund["status"] = reason, "pending" if pending else "succeeded"
    refund["balance_transaction"] = charges.balance_transaction(ctx, refund, "refund", -amount)["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    intent = ctx.account.get("payment_intent", charge["payment_intent"])
    ctx.book("refund", intent, refund["id"], amount)
    return refund


def announce(ctx: Context, charge: Json, refund: Json) -> None:
    """The events of a new refund."""
    ctx.account.emit("charge.refunded", charge)
    ctx.account.emit("refund.created", refund)


def set_status(ctx: Context, refund: Json, status: str) -> None:
    """News of a refund days later: done, failed or cancelled. Raises StripeError for a refund that is over."""
    before = refund["status"]
    if before in ("failed", "canceled") or before == status:
        raise StripeError(f"This refund has a status of {before}.", executed=True)
    refund["status"] = status
    if status in ("failed", "canceled"):
        _take_back(ctx, refund, failed=status == "failed")
    ctx.account.emit("refund.updated", refund, {"status": before})
    ctx.account.emit("charge.refund.updated", refund, {"status": before})
    if status == "failed":
        ctx.account.emit("refund.failed", refund, {"status": before})


def _take_back(ctx: Context, refund: Json, *, failed: bool) -> None:
    charge = ctx.account.get("charge", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    entry = charges.balance_transaction(ctx, refund, "refund_failure", refund["amount"])
    if failed:
        refund["failure_reason"], refund["failure_balance_transaction"] = "expired_or_canceled_card", entry["id"]
    intent = ctx.account.get("payment_intent", charge["payment_intent"])
    ctx.book("refund_reversal", intent, refund["id"], refund["amount"])


# Operations -----------------------------------------------------------------------------------------------------------


def retrieve(ctx: Context) -> Json:
    """One refund."""
    return ctx.account.get("refund", ctx.args["id"])


def update(ctx: Context) -> Json:
    """Change the metadata."""
    refund = ctx.account.get("refund", ctx.args["id"])
    refund["metadata"] = ctx.params.metadata(refund["metadata"])
    ctx.account.emit("refund.updated", refund)
    return refund


def cancel(ctx: Context) -> Json:
    """Cancel a refund that is still pending."""
    refund = ctx.account.get("refund", ctx.args["id"])
    if refund["status"] not in ("pending", "requires_action"):
        message = f"You cannot cancel this refund because it has a status of {refund['status']}."
        raise StripeError(message, executed=True)
    set_status(ctx, refund, "canceled")
    return refund


def list_(ctx: Context) -> Json:
    """The refunds, newest first."""
    return listing(ctx, "refund", "/v1/refunds", equals(ctx, "payment_intent", "charge"))


def list_of_charge(ctx: Context) -> Json:
    """The refunds of the charge in the path."""
    charge = ctx.account.get("charge", ctx.args["charge"])
    url = f"/v1/charges/{charge['id']}/refunds"
    return listing(ctx, "refund", url, lambda refund: refund["charge"] == charge["id"])


def create_of_charge(ctx: Context) -> Json:
    """Refund the charge in the path."""
    if "charge" in ctx.params:
        raise missing_parameter("charge")
    ctx.params.data["charge"] = ctx.args["charge"]
    return create(ctx)


_CREATE = "amount charge payment_intent reason metadata currency customer instructions_email origin"
ROUTES = [
    Route(method="POST", path="/v1/refunds", operation="refunds.create", handler=create, params=words(_CREATE)),
    Route(
        method="GET",
        path="/v1/refunds",
        operation="refunds.list",
        handler=list_,
        params=LIST | {"payment_intent", "charge"},
    ),
    Route(method="GET", path="/v1/refunds/<id>", operation="refunds.retrieve", handler=retrieve),
    Route(
        method="POST",
        path="/v1/refunds/<id>",
        operation="refunds.update",
        handler=update,
        params=words("metadata"),
    ),
    Route(method="POST", path="/v1/refunds/<id>/cancel", operation="refunds.cancel", handler=cancel),
    Route(
        method="GET",
        path="/v1/charges/<charge>/refunds",
        operation="charges.refunds.list",
        handler=list_of_charge,
        params=LIST,
    ),
    Route(
        method="POST",
        path="/v1/charges/<charge>/refunds",
        operation="charges.refunds.create",
        handler=create_of_charge,
        params=words("amount reason metadata"),
    ),
]
