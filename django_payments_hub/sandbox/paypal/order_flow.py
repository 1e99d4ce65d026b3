"""The life of an order: approved on PayPal's page, then captured or authorised, or run out."""

from datetime import timedelta

from django_payments_hub.sandbox.paypal import captures, events, views
from django_payments_hub.sandbox.paypal.account import Behind
from django_payments_hub.sandbox.paypal.buyers import Buyer
from django_payments_hub.sandbox.paypal.context import Context
from django_payments_hub.sandbox.paypal.errors import PayPalError, not_found
from django_payments_hub.sandbox.paypal.ids import customer_id
from django_payments_hub.sandbox.paypal.tokens import new_token
from django_payments_hub.sandbox.wire import Json

# Both before and after the approval (developer.paypal.com/docs/api/orders/v2: an order is valid for three hours)
LIFETIME = timedelta(hours=3)
UNPAID = ("CREATED", "PAYER_ACTION_REQUIRED", "APPROVED")
REFUSALS = {
    "INSTRUMENT_DECLINED": (
        "The instrument presented  was either declined by the processor or bank, or it can't be used for this payment."
    ),
    "TRANSACTION_REFUSED": "The request was refused.",
    "PAYER_CANNOT_PAY": (
        "Payer cannot pay for this transaction. Please contact the payer to find other ways to pay for this "
        "transaction."
    ),
}


def live(ctx: Context, order_id: str) -> Json:
    """An order that has not run out. Raises PayPalError (404: PayPal forgets the others)."""
    order = ctx.account.get("order", order_id)
    if run_out(ctx, order):
        raise not_found()
    return order


def run_out(ctx: Context, order: Json) -> bool:
    """Whether an order's time is over before it was paid."""
    expires = ctx.account.behind(order).expires
    return order["status"] in UNPAID and expires is not None and ctx.world.clock.now() >= expires


def approve(ctx: Context, order: Json, buyer: Buyer) -> None:
    """The buyer agrees. Raises ValueError when there is nothing to approve."""
    if run_out(ctx, order) or order["status"] not in UNPAID:
        raise ValueError(f"the order is {'expired' if run_out(ctx, order) else order['status']}: nothing to approve")
    _note_buyer(ctx, order, buyer)
    ctx.account.behind(order).expires = ctx.world.clock.now() + LIFETIME
    ctx.account.touch(order, status="APPROVED")
    events.order(ctx, "CHECKOUT.ORDER.APPROVED", order)


def _note_buyer(ctx: Context, order: Json, buyer: Buyer) -> None:
    ctx.account.behind(order).buyer = buyer
    order["payer"] = buyer.payer()
    order["payment_source"] = {"paypal": buyer.wallet()}


def expire(ctx: Context, order: Json) -> None:
    """The order's time is over now."""
    ctx.account.behind(order).expires = ctx.world.clock.now()


def void(ctx: Context, order: Json) -> None:
    """PayPal gives an unpaid order up. Raises ValueError when it is paid."""
    if order["status"] not in UNPAID:
        raise ValueError(f"the order is {order['status']}")
    ctx.account.touch(order, status="VOIDED")
    events.order(ctx, "CHECKOUT.ORDER.VOIDED", order)


def buyer_of(ctx: Context, order: Json) -> Buyer:
    """Who has approved. Raises PayPalError when nobody has."""
    buyer = ctx.account.behind(order).buyer
    if buyer is None:
        raise _not_approved()
    return buyer


def saved_buyer(ctx: Context, token_id: str) -> Buyer:
    """Whose saved wallet a token is. Raises PayPalError."""
    token = ctx.account.find("payment_token", token_id)
    buyer = ctx.account.behind(token).buyer if token else None
    if buyer is None:
        text = "Specified token was not found. Verify the token and try the request again."
        raise PayPalError("TOKEN_ID_NOT_FOUND", text, field="/payment_source/paypal/vault_id")
    return buyer


def _not_approved() -> PayPalError:
    text = (
        "Payer has not yet approved the Order for payment. Please redirect the payer to the 'rel':'approve' url "
        "returned as part of the HATEOAS links within the Create Order call or provide a valid `payment_source` in the "
        "request."
    )
    return PayPalError("ORDER_NOT_APPROVED", text)


def check_takeable(order: Json, intent: str, *, has_source: bool) -> None:
    """Whether an order's payment can be taken now. Raises PayPalError."""
    if order["intent"] != intent:
        text = (
            f"Order was created with an intent to '{order['intent']}'. Please use the matching operation to complete "
            f"the transaction or alternately create an order with an intent of '{intent}'."
        )
        raise PayPalError("ACTION_DOES_NOT_MATCH_INTENT", text)
    if order["status"] == "COMPLETED" and intent == "CAPTURE":
        text = "Order already captured.If 'intent=CAPTURE' only one capture per order is allowed."
        raise PayPalError("ORDER_ALREADY_CAPTURED", text)
    if order["status"] == "COMPLETED":
        text = "Order already authorized.If 'intent=AUTHORIZE' only one authorization per order is allowed."
        raise PayPalError("ORDER_ALREADY_AUTHORIZED", text)
    if order["status"] == "VOIDED":
        text = "Order is voided or completed and hence cannot be authorized."
        raise PayPalError("ORDER_COMPLETED_OR_VOIDED", text)
    if order["status"] != "APPROVED" and not has_source:
        raise _not_approved()


def pay(ctx: Context, order: Json, buyer: Buyer) -> None:
    """Capture or authorise the order with the buyer's money. Raises PayPalError for a refusal."""
    unit = order["purchase_units"][0]
    captures.check_invoice(ctx, unit.get("invoice_id"), order["id"])
    ctx.delay_s = buyer.delay_s
    _note_buyer(ctx, order, buyer)
    if buyer.issue is not None:
        raise _refused(ctx, order, buyer)
    ctx.account.touch(order, status="COMPLETED")
    if order["intent"] == "CAPTURE":
        captures.of_order(ctx, order, buyer)
    else:
        captures.authorization_of(ctx, order, buyer)
    _save(ctx, order, buyer)
    events.order(ctx, "CHECKOUT.ORDER.COMPLETED", order)


def _refused(ctx: Context, order: Json, buyer: Buyer) -> PayPalError:
    issue, links = str(buyer.issue), []
    if issue == "INSTRUMENT_DECLINED":
        # The buyer may go back and choose another way to pay: until then the order waits for him
        if not buyer.stays_approved:
            ctx.account.touch(order, status="PAYER_ACTION_REQUIRED")
        links = [ctx.link(f"/checkoutnow?token={order['id']}", "redirect")]
    return PayPalError(issue, REFUSALS[issue], executed=True, links=links)


def _save(ctx: Context, order: Json, buyer: Buyer) -> None:
    behind: Behind = ctx.account.behind(order)
    if not behind.vault or buyer.declined:
        return
    customer = behind.vault.get("customer") or customer_id()
    token = new_token(ctx, buyer, str(customer), behind.vault, order_id=order["id"])
    vault: Json = {"status": "APPROVED", "links": [ctx.link(f"{views.ORDERS}/{order['id']}", "up")]}
    if not buyer.vaults_later:
        vault = {"id": token["id"], "status": "VAULTED", "customer": token["customer"], "links": token["links"]}
    order["payment_source"]["paypal"]["attributes"] = {"vault": vault}
