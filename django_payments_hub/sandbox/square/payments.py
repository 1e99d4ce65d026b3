"""Payments: taken at once or held until they are completed or cancelled."""

from datetime import timedelta

from django_payments_hub.sandbox.square import charging, disputes, orders
from django_payments_hub.sandbox.square.account import rfc3339
from django_payments_hub.sandbox.square.context import (
    Context,
    Period,
    Route,
    listing,
    oldest_first,
    read_period,
    settled,
    words,
)
from django_payments_hub.sandbox.square.errors import SquareError, invalid
from django_payments_hub.sandbox.square.fields import Fields
from django_payments_hub.sandbox.square.money import money, read_money
from django_payments_hub.sandbox.square.payment_moves import (
    cancel_payment,
    change_amount,
    check_version,
    complete_payment,
)
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

HOLD = timedelta(days=7)
DELAY_ACTIONS = frozenset({"CANCEL", "COMPLETE"})
CAPABILITIES = (
    "EDIT_AMOUNT_UP", "EDIT_AMOUNT_DOWN", "EDIT_TIP_AMOUNT_UP", "EDIT_TIP_AMOUNT_DOWN", "EDIT_DELAY_ACTION",
)  # fmt: skip
_ECHOED = {"reference_id": 40, "note": 500, "buyer_email_address": 255, "statement_description_identifier": 20}
_RISK = {2222: "MODERATE", 3333: "HIGH"}


def create(ctx: Context) -> Json:
    """Take a payment. Raises SquareError with the failed payment when it is declined."""
    source_id = ctx.body.required("source_id")
    location = location_of(ctx, ctx.body)
    amount = read_money(ctx.body, "amount_money", location["currency"])
    tip = read_money(ctx.body, "tip_money", location["currency"], lowest=0) if "tip_money" in ctx.body else 0
    hold = _read_hold(ctx.body)
    texts = {name: ctx.body.text(name, longest) for name, longest in _ECHOED.items()}
    order = _read_order(ctx, location, amount)
    customer_id = ctx.body.text("customer_id")
    if customer_id is not None:
        ctx.account.get("customer", customer_id, "customer_id")
    if source_id in ("CASH", "EXTERNAL"):
        raise SquareError(
            "SANDBOX_NOT_SUPPORTED", f"{source_id} payments are not part of the sandbox.", field="source_id"
        )
    source = charging.find_source(ctx.account, source_id, customer_id)
    verdict = charging.judge(
        ctx.account,
        source.card,
        amount + tip,
        verification=ctx.body.text("verification_token"),
        partial=bool(ctx.body.boolean("accept_partial_authorization")),
    )
    payment = new_payment(ctx, location, source, verdict, amount=amount, tip=tip, hold=hold)
    payment |= {name: value for name, value in {**texts, "customer_id": customer_id}.items() if value is not None}
    ctx.account.keys[ctx.body.required("idempotency_key")] = payment["id"]
    payment["order_id"] = (order or orders.of_payment(ctx, payment))["id"]
    finish(ctx, payment, verdict, autocomplete=hold is None)
    return {"payment": copy_object(payment)}


def location_of(ctx: Context, fields: Fields) -> Json:
    """The location that a body names, else the main one. Raises SquareError."""
    location_id = fields.text("location_id", 50)
    if location_id is None:
        return ctx.account.main_location
    return ctx.account.get("location", location_id, fields.name("location_id"))


def _read_hold(body: Fields) -> tuple[timedelta, str] | None:
    """How long a payment is held and what happens then; None for one that is completed at once."""
    duration, action = body.duration("delay_duration"), body.choice("delay_action", DELAY_ACTIONS)
    partial = body.boolean("accept_partial_authorization")
    if body.boolean("autocomplete") in (None, True):
        for name, given in (("delay_duration", duration), ("accept_partial_authorization", partial)):
            if given:
                detail = f"`{name}` can only be set when `autocomplete` is false."
                raise invalid(name, detail, "CONFLICTING_PARAMETERS")
        return None
    if duration is not None and not timedelta(minutes=1) <= duration <= HOLD:
        raise invalid("delay_duration", "`delay_duration` must be between 1 minute and 7 days.")
    return duration or HOLD, action or "CANCEL"


def _read_order(ctx: Context, location: Json, amount: int) -> Json | None:
    order_id = ctx.body.text("order_id", 192)
    if order_id is None:
        return None
    order = ctx.account.get("order", order_id, "order_id")
    orders.check_payable(order, location, amount)
    return order


def new_payment(
    ctx: Context,
    location: Json,
    source: charging.Source,
    verdict: charging.Verdict,
    *,
    amount: int,
    tip: int = 0,
    hold: tuple[timedelta, str] | None = None,
    product: str = "ECOMMERCE_API",
) -> Json:
    """A payment that the issuer has judged, not completed yet."""
    currency, now = location["currency"], ctx.account.now()
    duration, action = hold or (HOLD, "CANCEL")
    total = min(amount + tip, verdict.approved) if verdict.approved else amount + tip
    payment: Json = {
        "id": f"{random_id(27)}ZY",
        "created_at": now,
        "updated_at": now,
        "amount_money": money(total - tip, currency),
        **({"tip_money": money(tip, currency)} if tip else {}),
        "total_money": money(total, currency),
        "approved_money": money(verdict.approved, currency),
        "status": "FAILED" if verdict.errors else "APPROVED",
        "delay_duration": _duration(duration),
        "delay_action": action,
        "delayed_until": rfc3339(ctx.account.clock.now() + duration),
        "source_type": source.card.kind,
        "location_id": location["id"],
        "application_details": {"square_product": product, "application_id": "sandbox-sq0idb-sandbox"},
        "risk_evaluation": {"created_at": now, "risk_level": _RISK.get(amount, "NORMAL")},
    }
    if source.card.kind == "CARD":
        payment["card_details"] = charging.card_details(ctx.account, source, verdict, now)
    else:
        payment["bank_account_details"] = _bank_details(source, verdict)
    ctx.account.table("payment")[payment["id"]] = payment
    ctx.account.cards[payment["id"]] = source.card
    ctx.account.touch("payment", payment)
    return payment


def _duration(duration: timedelta) -> str:
    minutes = int(duration.total_seconds()) // 60
    return f"PT{minutes // 60}H" if minutes % 60 == 0 else f"PT{minutes}M"


def _bank_details(source: charging.Source, verdict: charging.Verdict) -> Json:
    details: Json = {
        "bank_name": "Sandbox Bank",
        "transfer_type": "ACH",
        "account_ownership_type": "INDIVIDUAL",
        "country": "US",
        "ach_details": {"account_number_suffix": source.card.last_4, "account_type": "CHECKING"},
    }
    return details | ({"errors": verdict.errors} if verdict.errors else {})


def finish(ctx: Context, payment: Json, verdict: charging.Verdict, *, autocomplete: bool) -> None:
    """Book and announce a new payment. Raises SquareError when it was declined; it is kept as FAILED."""
    account = ctx.account
    if verdict.errors:
        account.emit("payment.created", "payment", payment)
        account.touch("payment", payment)
        account.emit("payment.updated", "payment", payment)
        first, *rest = verdict.errors
        body = {"payment": copy_object(payment)}
        raise SquareError(
            first["code"], first["detail"], category=first["category"], more=rest, executed=True, body=body
        )
    total = payment["total_money"]["amount"]
    if payment["source_type"] == "BANK_ACCOUNT":
        payment["status"] = "PENDING"
        account.emit("payment.created", "payment", payment)
        return
    ctx.book("authorize", payment, payment["id"], total)
    if not autocomplete:
        payment["capabilities"] = list(CAPABILITIES)
    account.emit("payment.created", "payment", payment)
    if autocomplete:
        complete_payment(ctx, payment)
        disputes.open_documented(ctx, payment)


# Operations -----------------------------------------------------------------------------------------------------------


def get(ctx: Context) -> Json:
    """One payment."""
    return {"payment": ctx.account.get("payment", ctx.args["id"])}


def list_(ctx: Context) -> Json:
    """The payments of a time, newest first; as at Square, a new one may take a while to appear."""
    ascending, period = oldest_first(ctx, "DESC"), read_period(ctx)
    found = [payment for payment in ctx.account.table("payment").values() if _wanted(ctx, period, payment)]
    return listing(ctx, "payments", found if ascending else found[::-1])


def _wanted(ctx: Context, period: Period, payment: Json) -> bool:
    query = ctx.query
    shown = payment.get("card_details", {}).get("card", {})
    return (
        settled(ctx, payment)
        and period.holds(payment)
        and query.text("location_id") in (None, payment["location_id"])
        and query.text("last_4") in (None, shown.get("last_4"))
        and query.text("card_brand") in (None, shown.get("card_brand"))
        and query.text("total") in (None, str(payment["total_money"]["amount"]))
    )


def update(ctx: Context) -> Json:
    """Change the amount, the tip or the delay of a payment that is held."""
    payment = ctx.account.get("payment", ctx.args["id"])
    given = ctx.body.required_child("payment")
    given.only(words("amount_money tip_money delay_action version_token approved_money id status"))
    check_version(payment, given.text("version_token"), "payment.version_token")
    change_amount(ctx, payment, given)
    return {"payment": copy_object(payment)}


def complete(ctx: Context) -> Json:
    """Take the money of a payment that is held."""
    payment = ctx.account.get("payment", ctx.args["id"])
    check_version(payment, ctx.body.text("version_token"), "version_token")
    complete_payment(ctx, payment)
    disputes.open_documented(ctx, payment)
    return {"payment": copy_object(payment)}


def cancel(ctx: Context) -> Json:
    """Give up a payment that is held."""
    payment = ctx.account.get("payment", ctx.args["id"])
    cancel_payment(ctx, payment)
    return {"payment": copy_object(payment)}


def cancel_by_key(ctx: Context) -> Json:
    """Cancel the payment that a key made; nothing happens when there is none, or none that stands.

    The request may be sent again with the same key afterwards. Of a payment that is completed Square's documents do not
    speak: here it is refused, as cancelling it by its id is.
    """
    key = ctx.body.required("idempotency_key", 45)
    payment = ctx.account.find("payment", ctx.account.keys.get(key, ""))
    if payment is not None and payment["status"] not in ("CANCELED", "FAILED"):
        cancel_payment(ctx, payment)
        ctx.world.keys.forget(("square", ctx.account.id, key))
    return {}


_ROOT = "/v2/payments"
_CREATE = (
    "source_id amount_money tip_money app_fee_money app_fee_allocations delay_duration delay_action autocomplete"
    " order_id customer_id location_id team_member_id reference_id verification_token accept_partial_authorization"
    " buyer_email_address buyer_phone_number billing_address shipping_address note statement_description_identifier"
    " cash_details external_details customer_details offline_payment_details"
)
_LIST = (
    "begin_time end_time sort_order cursor location_id total last_4 card_brand limit is_offline_payment"
    " offline_begin_time offline_end_time updated_at_begin_time updated_at_end_time sort_field"
)
ROUTES = [
    Route(method="POST", path=_ROOT, operation="payments.create", handler=create, body=words(_CREATE), key=45),
    Route(method="GET", path=_ROOT, operation="payments.list", handler=list_, query=words(_LIST)),
    Route(
        method="POST",
        path=f"{_ROOT}/cancel",
        operation="payments.cancel_by_idempotency_key",
        handler=cancel_by_key,
        body=words("idempotency_key"),
    ),
    Route(method="GET", path=f"{_ROOT}/<id>", operation="payments.get", handler=get),
    Route(
        method="PUT", path=f"{_ROOT}/<id>", operation="payments.update", handler=update, body=words("payment"), key=45
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/complete",
        operation="payments.complete",
        handler=complete,
        body=words("version_token"),
    ),
    Route(method="POST", path=f"{_ROOT}/<id>/cancel", operation="payments.cancel", handler=cancel),
]
