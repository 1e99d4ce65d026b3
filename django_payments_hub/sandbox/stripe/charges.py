"""Charges: the money of a PaymentIntent. Every movement is booked in the ledger here or in refunds and disputes."""

from django_payments_hub.sandbox.stripe.cards import Card, Decline
from django_payments_hub.sandbox.stripe.context import LIST, Context, Route, equals, listing, words
from django_payments_hub.sandbox.wire import Json, random_id

AUTHORIZATION_S = 7 * 86400
_BANK_DETAILS = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
_CARD_DETAILS = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
_PAID: Json = {
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 20,
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def new_charge(ctx: Context, intent: Json, method: Json, *, authenticated: bool) -> Json:
    """A charge for the whole amount of an intent, neither paid nor refused yet."""
    charge = ctx.account.new(
        "charge",
        "ch",
        {
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "SANDBOX",
            "captured": False,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "fraud_details": {},
            "metadata": dict(intent["metadata"]),
            "on_behalf_of": None,
            "outcome": dict(_PAID),
            "paid": False,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": _details(ctx, intent, method, authenticated=authenticated),
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": None,
            "source_transfer": None,
            "statement_descriptor": intent["statement_descriptor"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": "pending",
            "transfer_data": None,
            "transfer_group": None,
        },
    )
    intent["latest_charge"] = charge["id"]
    return charge


def _details(ctx: Context, intent: Json, method: Json, *, authenticated: bool) -> Json:
    kind = method["type"]
    if kind != "card":
        return {"type": kind, kind: {name: method[kind][name] for name in _BANK_DETAILS}}
    card = method["card"]
    secure = {"authentication_flow": "challenge", "result": "authenticated", "result_reason": None, "version": "2.2.0"}
    details: Json = {
        **{name: card[name] for name in _CARD_DETAILS},
        "amount_authorized": intent["amount"],
        "authorization_code": random_id(6).upper(),
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "available" if multicapture(intent) else "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": random_id(15),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": secure if authenticated else None,
    }
    if intent["capture_method"] == "manual":
        details["capture_before"] = ctx.account.clock.timestamp() + AUTHORIZATION_S
    return {"type": "card", "card": details}


def multicapture(intent: Json) -> bool:
    """Whether several captures were asked for."""
    options = (intent["payment_method_options"] or {}).get("card") or {}
    return bool(options.get("request_multicapture") == "if_available")


def decline_charge(charge: Json, decline: Decline) -> None:
    """The issuer (or a block of ours) said no."""
    blocked = decline.decline_code == "fraudulent"
    charge["status"] = "failed"
    charge["failure_code"], charge["failure_message"] = decline.code, decline.message
    charge["outcome"] = {
        "network_status": "not_sent_to_network" if blocked else "declined_by_network",
        "reason": "highest_risk_level" if blocked else decline.decline_code or decline.code,
        "risk_level": "highest" if blocked else "normal",
        "risk_score": 90 if blocked else 20,
        "seller_message": "Stripe blocked this payment as too risky."
        if blocked
        else "The bank returned a decline code.",
        "type": "blocked" if blocked else "issuer_declined",
    }


def authorize_charge(ctx: Context, intent: Json, charge: Json) -> None:
    """The issuer said yes: the money is reserved."""
    charge["paid"], charge["status"] = True, "succeeded"
    ctx.book("authorize", intent, charge["id"], charge["amount"])


def capture_charge(ctx: Context, intent: Json, charge: Json, amount: int) -> None:
    """Take reserved money; several captures add up."""
    charge["captured"] = True
    charge["amount_captured"] += amount
    charge["balance_transaction"] = balance_transaction(ctx, charge, "charge", amount)["id"]
    intent["amount_received"] += amount
    ctx.book("capture", intent, charge["id"], amount)


def release_rest(ctx: Context, intent: Json, charge: Json) -> None:
    """Give back what was reserved and not captured.

    Stripe keeps books of this as a refund object and in ``amount_refunded``, though no money came back; the object is
    in the charge's list of refunds. Seen in recordings of partial captures and cancelled authorisations.
    """
    rest = charge["amount"] - charge["amount_captured"] - charge["amount_refunded"]
    if rest <= 0:
        return
    charge["amount_refunded"] += rest
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    ctx.account.new("refund", "re", refund_fields(charge, rest))
    ctx.book("release", intent, charge["id"], rest)


def refund_fields(charge: Json, amount: int) -> Json:
    """The fields of a refund of a charge, done at once and without a reason."""
    return {
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "currency": charge["currency"],
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        },
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def balance_transaction(ctx: Context, source: Json, type_: str, amount: int) -> Json:
    """The entry in Stripe's balance for a movement; ``amount`` is negative when money leaves."""
    fee = amount * 29 // 1000 + 30 if type_ == "charge" else 0
    category = {"adjustment": "dispute"}.get(type_, type_)
    now = ctx.account.clock.timestamp()
    description = {"amount": fee, "application": None, "currency": source["currency"], "type": "stripe_fee"}
    return ctx.account.new(
        "balance_transaction",
        "txn",
        {
            "amount": amount,
            "available_on": now + 2 * 86400,
            "currency": source["currency"],
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [{**description, "description": "Stripe processing fees"}] if fee else [],
            "net": amount - fee,
            "reporting_category": category,
            "source": source["id"],
            "status": "pending",
            "type": type_,
        },
    )


# Operations -----------------------------------------------------------------------------------------------------------


def retrieve(ctx: Context) -> Json:
    """One charge."""
    return ctx.account.get("charge", ctx.args["id"])


def update(ctx: Context) -> Json:
    """Change what is not money."""
    charge = ctx.account.get("charge", ctx.args["id"])
    charge["metadata"] = ctx.params.metadata(charge["metadata"])
    for name in ("description", "receipt_email"):
        if name in ctx.params:
            charge[name] = ctx.params.text(name)
    ctx.account.emit("charge.updated", charge)
    return charge


def list_(ctx: Context) -> Json:
    """The charges, newest first."""
    return listing(ctx, "charge", "/v1/charges", equals(ctx, "customer", "payment_intent", "transfer_group"))


def retrieve_balance_transaction(ctx: Context) -> Json:
    """One entry of the balance."""
    return ctx.account.get("balance_transaction", ctx.args["id"])


def list_balance_transactions(ctx: Context) -> Json:
    """The entries of the balance, newest first."""
    return listing(ctx, "balance_transaction", "/v1/balance_transactions", equals(ctx, "source", "type", "currency"))


def card_of(ctx: Context, method: Json) -> Card:
    """What a PaymentMethod does when it is charged."""
    return ctx.account.cards[method["id"]]


ROUTES = [
    Route(
        method="GET",
        path="/v1/charges",
        operation="charges.list",
        handler=list_,
        params=LIST | {"customer", "payment_intent", "transfer_group"},
    ),
    Route(method="GET", path="/v1/charges/<id>", operation="charges.retrieve", handler=retrieve),
    Route(
        method="POST",
        path="/v1/charges/<id>",
        operation="charges.update",
        handler=update,
        params=words("metadata description receipt_email"),
    ),
    Route(
        method="GET",
        path="/v1/balance_transactions",
        operation="balance_transactions.list",
        handler=list_balance_transactions,
        params=LIST | {"source", "type", "currency", "payout"},
    ),
    Route(
        method="GET",
        path="/v1/balance_transactions/<id>",
        operation="balance_transactions.retrieve",
        handler=retrieve_balance_transaction,
    ),
]
