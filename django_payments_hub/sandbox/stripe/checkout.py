"""Checkout Sessions: created over the API, paid on the hosted page."""

from django_payments_hub.sandbox.stripe import intent_flow, payment_methods, setup_intents
from django_payments_hub.sandbox.stripe.context import LIST, Context, Route, equals, listing, words
from django_payments_hub.sandbox.stripe.errors import StripeError, invalid_parameter, missing_parameter
from django_payments_hub.sandbox.stripe.forms import Params
from django_payments_hub.sandbox.stripe.intent_reading import CAPTURE_METHODS
from django_payments_hub.sandbox.stripe.money import check_amount, read_currency
from django_payments_hub.sandbox.stripe.payment_intents import new_intent
from django_payments_hub.sandbox.wire import Json, copy_object, random_id

LIFETIME_S = 86400
_INTENT_TEXTS = (
    "description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group",
)  # fmt: skip
PAID = ("succeeded", "requires_capture", "processing")


def create(ctx: Context) -> Json:
    """A session with the address of its page."""
    mode = ctx.params.choice("mode", ("payment", "setup", "subscription"))
    if mode is None:
        raise missing_parameter("mode")
    if mode == "subscription":
        raise invalid_parameter("mode", "Subscriptions are not part of the sandbox.")
    items, currency = _read_items(ctx) if mode == "payment" else ([], None)
    total = sum(item["amount_total"] for item in items)
    if currency is not None:
        check_amount(total, currency, "line_items")
    session = _new_session(ctx, mode, currency, total if mode == "payment" else None)
    session["metadata"] = ctx.params.metadata()
    ctx.account.table("checkout.items")[session["id"]] = {"items": items, "intent": _read_intent_data(ctx)}
    return session


def _new_session(ctx: Context, mode: str, currency: str | None, total: int | None) -> Json:
    customer = ctx.named("customer", "customer")
    now = ctx.account.clock.timestamp()
    expires_at = ctx.params.integer("expires_at") or now + LIFETIME_S
    if not now + 1800 - 60 <= expires_at <= now + LIFETIME_S + 60:
        message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation."
        raise invalid_parameter("expires_at", message)
    email = ctx.params.text("customer_email")
    session_id = f"cs_test_{random_id(58)}"
    session: Json = {
        "id": session_id,
        "object": "checkout.session",
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": ctx.params.text("cancel_url"),
        "client_reference_id": ctx.params.text("client_reference_id"),
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": customer["id"] if customer else None,
        "customer_creation": ctx.params.choice("customer_creation", ("always", "if_required")) or "if_required",
        "customer_details": None,
        "customer_email": email,
        "discounts": [],
        "expires_at": expires_at,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": ctx.params.text("locale"),
        "metadata": {},
        "mode": mode,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ctx.params.texts("payment_method_types") or ["card"],
        "payment_status": "unpaid" if mode == "payment" else "no_payment_required",
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": ctx.params.text("submit_type"),
        "subscription": None,
        "success_url": ctx.params.required("success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted",
        "url": f"{ctx.base_url}/stripe/pay/{session_id}",
    }
    ctx.account.table("checkout.session")[session_id] = session
    return session


def _read_items(ctx: Context) -> tuple[list[Json], str]:
    items = [_read_item(item) for item in ctx.params.children("line_items")]
    if not items:
        raise missing_parameter("line_items")
    currency = items[0]["currency"]
    if any(item["currency"] != currency for item in items):
        raise invalid_parameter("line_items", "All prices on a Checkout session must use the same currency.")
    return items, str(currency)


def _read_item(item: Params) -> Json:
    item.only(frozenset({"price_data", "quantity", "price", "adjustable_quantity", "dynamic_tax_rates", "tax_rates"}))
    if (price := item.text("price")) is not None:
        raise StripeError(f"No such price: '{price}'", code="resource_missing", param=item.name("price"))
    data = item.child("price_data")
    data.only(frozenset({"currency", "unit_amount", "product_data", "tax_behavior"}))
    currency = read_currency(data)
    unit = data.positive("unit_amount")
    if unit is None:
        raise missing_parameter(data.name("unit_amount"))
    quantity = item.positive("quantity") or 1
    name = data.child("product_data").required("name")
    return {
        "id": f"li_{random_id()}",
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": unit * quantity,
        "amount_tax": 0,
        "amount_total": unit * quantity,
        "currency": currency,
        "description": name,
        "price": {"id": f"price_{random_id()}", "object": "price", "currency": currency, "unit_amount": unit},
        "quantity": quantity,
    }


def _read_intent_data(ctx: Context) -> Json:
    data = ctx.params.child("payment_intent_data")
    data.only(frozenset({*_INTENT_TEXTS, "capture_method", "metadata", "setup_future_usage", "shipping"}))
    fields: Json = {name: data.text(name) for name in _INTENT_TEXTS if name in data}
    fields["metadata"] = data.metadata()
    if capture_method := data.choice("capture_method", CAPTURE_METHODS):
        fields["capture_method"] = capture_method
    if usage := data.choice("setup_future_usage", ("off_session", "on_session")):
        fields["setup_future_usage"] = usage
    setup = ctx.params.child("setup_intent_data")
    setup.only(frozenset({"metadata", "description"}))
    fields["setup_metadata"] = setup.metadata()
    return fields


def retrieve(ctx: Context) -> Json:
    """One session."""
    return ctx.account.get("checkout.session", ctx.args["id"])


def items(ctx: Context) -> Json:
    """What a session sells."""
    session = ctx.account.get("checkout.session", ctx.args["id"])
    data = copy_object(ctx.account.table("checkout.items")[session["id"]])["items"]
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return {"object": "list", "url": url, "has_more": False, "data": data}


def list_(ctx: Context) -> Json:
    """The sessions, newest first."""
    return listing(
        ctx, "checkout.session", "/v1/checkout/sessions", equals(ctx, "customer", "payment_intent", "status")
    )


def expire(ctx: Context) -> Json:
    """Close an open session."""
    session = ctx.account.get("checkout.session", ctx.args["id"])
    if session["status"] != "open":
        message = f'Only Checkout Sessions with a status in ["open"] can be expired. This one is {session["status"]}.'
        raise StripeError(message, executed=True)
    _expire(ctx, session)
    return session


def _expire(ctx: Context, session: Json) -> None:
    session.update(status="expired", url=None)
    intent = ctx.account.find("payment_intent", session["payment_intent"] or "")
    if intent is not None and intent["status"] in intent_flow.CANCELABLE:
        intent_flow.cancel(ctx, intent, "automatic")
    ctx.account.emit("checkout.session.expired", session)


def expire_sessions(ctx: Context) -> None:
    """Close the sessions whose time is over on the sandbox's clock."""
    now = ctx.account.clock.timestamp()
    for session in ctx.account.table("checkout.session").values():
        if session["status"] == "open" and session["expires_at"] <= now:
            _expire(ctx, session)


# Paying ---------------------------------------------------------------------------------------------------------------


def submit(ctx: Context, session: Json, method: Json) -> Json:
    """The customer submits the page: the session afterwards. Raises StripeError for a decline or a closed session."""
    expire_sessions(ctx)
    if session["status"] != "open":
        raise StripeError(f"This Checkout Session is {session['status']}.", executed=True)
    return_url = f"{ctx.base_url}/stripe/pay/{session['id']}/return"
    if session["mode"] == "setup":
        intent = _setup_intent(ctx, session)
        setup_intents.confirm_setup(ctx, intent, method, return_url)
    else:
        intent = _payment_intent(ctx, session)
        intent_flow.confirm(ctx, intent, method, intent_flow.Confirmation(return_url=return_url))
    follow(ctx, intent)
    return session


def _payment_intent(ctx: Context, session: Json) -> Json:
    # Made when the customer first submits, as Stripe does since API version 2022-08-01
    if session["payment_intent"] is not None:
        return ctx.account.get("payment_intent", session["payment_intent"])
    intent = new_intent(ctx, amount=session["amount_total"], currency=session["currency"])
    fields = copy_object(ctx.account.table("checkout.items")[session["id"]])["intent"]
    del fields["setup_metadata"]
    intent.update(fields, customer=_customer(ctx, session))
    session["payment_intent"] = intent["id"]
    ctx.account.emit("payment_intent.created", intent)
    return intent


def _setup_intent(ctx: Context, session: Json) -> Json:
    if session["setup_intent"] is not None:
        return ctx.account.get("setup_intent", session["setup_intent"])
    metadata = ctx.account.table("checkout.items")[session["id"]]["intent"]["setup_metadata"]
    customer = _customer(ctx, session)
    intent = setup_intents.new_setup_intent(ctx, customer=customer, usage="off_session", metadata=dict(metadata))
    session["setup_intent"] = intent["id"]
    return intent


def _customer(ctx: Context, session: Json) -> str | None:
    if session["customer"] is None and session["customer_creation"] == "always":
        fields = {"email": session["customer_email"], "metadata": {}, "name": None, "description": None}
        customer = ctx.account.new("customer", "cus", fields)
        ctx.account.emit("customer.created", customer)
        session["customer"] = customer["id"]
    customer_id: str | None = session["customer"]
    return customer_id


def follow(ctx: Context, intent: Json) -> None:
    """Complete the session of an intent that is paid, or set up."""
    field = "setup_intent" if intent["object"] == "setup_intent" else "payment_intent"
    session = next((s for s in ctx.account.newest("checkout.session") if s[field] == intent["id"]), None)
    if session is None or session["status"] != "open" or intent["status"] not in PAID:
        return
    method = ctx.account.get("payment_method", intent["payment_method"])
    billing = method["billing_details"]
    session["customer_details"] = {
        "address": billing["address"],
        "email": session["customer_email"] or billing["email"],
        "name": billing["name"],
        "phone": billing["phone"],
        "tax_exempt": "none",
        "tax_ids": [],
    }
    if session["mode"] == "payment" and intent["status"] == "succeeded":
        session["payment_status"] = "paid"
    session.update(status="complete", url=None)
    ctx.account.emit("checkout.session.completed", session)


def success_address(session: Json) -> str:
    """Where the browser goes after paying."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def typed_method(ctx: Context, card: Json, billing: Json) -> Json:
    """A PaymentMethod from the card form. Raises StripeError, of type card_error for a card that cannot be."""
    data = {"type": "card", "card": card, "billing_details": billing}
    return payment_methods.from_data(ctx, Params(data))


_ROOT = "/v1/checkout/sessions"
ROUTES = [
    Route(
        method="POST",
        path=_ROOT,
        operation="checkout.sessions.create",
        handler=create,
        params=words(
            "mode line_items success_url cancel_url client_reference_id customer customer_email customer_creation"
            " expires_at metadata payment_intent_data setup_intent_data payment_method_types payment_method_options"
            " locale submit_type ui_mode currency billing_address_collection phone_number_collection"
            " allow_promotion_codes saved_payment_method_options customer_update automatic_tax invoice_creation"
        ),
    ),
    Route(
        method="GET",
        path=_ROOT,
        operation="checkout.sessions.list",
        handler=list_,
        params=LIST | {"customer", "payment_intent", "status"},
    ),
    Route(method="GET", path=f"{_ROOT}/<id>", operation="checkout.sessions.retrieve", handler=retrieve),
    Route(
        method="GET",
        path=f"{_ROOT}/<id>/line_items",
        operation="checkout.sessions.line_items",
        handler=items,
        params=LIST,
    ),
    Route(method="POST", path=f"{_ROOT}/<id>/expire", operation="checkout.sessions.expire", handler=expire),
]
