"""Reading what is to be paid for, and with what, out of the requests of Orders v2."""

import re
from dataclasses import dataclass

from django_payments_hub.sandbox.paypal.errors import PayPalError, invalid, missing
from django_payments_hub.sandbox.paypal.reading import Amount, Body
from django_payments_hub.sandbox.wire import Json, copy_object

UNIT = frozenset(
    [
        "amount",
        "custom_id",
        "description",
        "invoice_id",
        "items",
        "payee",
        "payment_instruction",
        "reference_id",
        "shipping",
        "soft_descriptor",
        "supplementary_data",
    ]
)
WALLET = frozenset(
    [
        "address",
        "attributes",
        "billing_agreement_id",
        "birth_date",
        "email_address",
        "experience_context",
        "name",
        "phone",
        "stored_credential",
        "tax_info",
        "vault_id",
    ]
)
EXPERIENCE = frozenset(
    [
        "app_switch_preference",
        "brand_name",
        "cancel_url",
        "contact_preference",
        "landing_page",
        "locale",
        "order_update_callback_config",
        "payment_method",
        "payment_method_preference",
        "return_url",
        "shipping_preference",
        "stored_payment_source",
        "user_action",
    ]
)
OTHER_SOURCES = (
    "apple_pay", "bancontact", "blik", "card", "eps", "giropay", "google_pay", "ideal", "mybank", "p24", "sofort",
    "trustly", "venmo",
)  # fmt: skip
TOKEN = re.compile(r"[0-9a-zA-Z_-]+", re.ASCII)
_BREAKDOWN = ("item_total", "tax_total", "shipping", "handling", "insurance")
_REDUCTIONS = ("discount", "shipping_discount")


@dataclass(frozen=True, kw_only=True)
class Source:
    """How the buyer pays: on PayPal's page (``context``), or with something saved (``token``)."""

    token: str | None
    context: Json
    vault: Json


def read_unit(unit: Body) -> Json:
    """A purchase unit as the order keeps it. Raises PayPalError."""
    unit.only(UNIT)
    if "amount" not in unit:
        raise missing(unit.where("amount"))
    shown: Json = {"reference_id": unit.text("reference_id", 256) or "default"}
    # Business errors name the unit by its reference, as PayPal does
    named = Body(unit.data, f"/purchase_units/@reference_id=='{shown['reference_id']}'")
    shown["amount"] = read_amount(named)
    for name, longest in (("description", 127), ("custom_id", 127), ("invoice_id", 127), ("soft_descriptor", 22)):
        given = unit.text(name, longest)
        if given is not None:
            shown[name] = given
    for name in ("items", "shipping", "payee"):
        if name in unit:
            shown[name] = copy_object({name: unit.data[name]})[name]
    return shown


def read_amount(unit: Body) -> Json:
    """The amount of a purchase unit, its breakdown checked against it and against the items. Raises PayPalError."""
    part = unit.child("amount")
    part.only(frozenset({"currency_code", "value", "breakdown"}))
    total = unit.amount("amount")
    if total is None:
        raise missing(unit.where("amount"))
    items = _items(unit, total.currency)
    breakdown = part.child("breakdown")
    breakdown.only(frozenset({*_BREAKDOWN, *_REDUCTIONS}))
    parts = {name: _same(breakdown, name, total.currency) for name in (*_BREAKDOWN, *_REDUCTIONS) if name in breakdown}
    if items is not None and "item_total" not in parts:
        text = (
            "If item details are specified (items.unit_amount and items.quantity) corresponding "
            "amount.breakdown.item_total is required."
        )
        raise PayPalError("ITEM_TOTAL_REQUIRED", text, field=f"{unit.path}/amount/breakdown/item_total")
    if items is not None and parts["item_total"].minor != items:
        text = "Should equal sum of (unit_amount * quantity) across all items for a given purchase_unit."
        raise PayPalError("ITEM_TOTAL_MISMATCH", text, field=f"{unit.path}/amount/breakdown/item_total/value")
    if not parts:
        return total.json()
    given = sum(parts[name].minor for name in _BREAKDOWN if name in parts)
    taken = sum(parts[name].minor for name in _REDUCTIONS if name in parts)
    if given - taken != total.minor:
        text = "Should equal item_total + tax_total + shipping + handling + insurance - shipping_discount - discount."
        raise PayPalError("AMOUNT_MISMATCH", text, field=f"{unit.path}/amount/value", value=str(part.data["value"]))
    return {**total.json(), "breakdown": {name: amount.json() for name, amount in parts.items()}}


def _items(unit: Body, currency: str) -> int | None:
    if not unit.data.get("items"):
        return None
    total = 0
    for item in unit.children("items", 1000):
        item.required("name")
        quantity = item.required("quantity", 10, pattern=re.compile("[1-9][0-9]{0,9}", re.ASCII))
        price = _same(item, "unit_amount", currency)
        total += price.minor * int(quantity)
    return total


def _same(body: Body, name: str, currency: str) -> Amount:
    amount = body.amount(name, zero=True)
    if amount is None:
        raise missing(body.where(name))
    if amount.currency != currency:
        text = (
            "Multiple differing values of currency_code are not supported. Entire Order request must have the same "
            "currency_code."
        )
        raise PayPalError("MULTI_CURRENCY_ORDER", text, field=f"{body.where(name)}/currency_code")
    return amount


# Payment sources ------------------------------------------------------------------------------------------------------


def read_source(body: Body) -> Source | None:
    """The ``payment_source`` of a request, None when it names none. Raises PayPalError."""
    if "payment_source" not in body:
        return None
    source = body.child("payment_source")
    source.only(frozenset({"paypal", "token", *OTHER_SOURCES}))
    if len(source.data) > 1:
        text = "More than one payment method within the payment source is not supported."
        raise PayPalError("ONLY_ONE_PAYMENT_SOURCE_ALLOWED", text, field=source.path)
    if other := next((name for name in OTHER_SOURCES if name in source.data), None):
        text = (
            "The provided payment source cannot be used to pay for the order. Please try again with a different "
            "payment source by creating a new order."
        )
        raise PayPalError("PAYMENT_SOURCE_CANNOT_BE_USED", text, field=source.where(other))
    if "token" in source.data:
        return Source(token=_token(source.child("token")), context={}, vault={})
    if "paypal" not in source.data:
        text = "At least one payment method is required within the payment source."
        raise PayPalError("NO_PAYMENT_SOURCE_PROVIDED", text, field=source.path)
    return _wallet(source.child("paypal"))


def _token(token: Body) -> str:
    token.only(frozenset({"id", "type"}))
    if token.choice("type", ("BILLING_AGREEMENT", "PAYMENT_METHOD_TOKEN")) is None:
        raise missing(token.where("type"))
    return token.required("id", 255, pattern=TOKEN)


def _wallet(wallet: Body) -> Source:
    wallet.only(WALLET)
    token = wallet.text("vault_id", 255, pattern=TOKEN) or wallet.text("billing_agreement_id", 128, pattern=TOKEN)
    attributes = wallet.child("attributes")
    attributes.only(frozenset({"customer", "vault"}))
    customer = attributes.child("customer").text("id", 22, pattern=TOKEN)
    vault = attributes.child("vault")
    if "vault" in attributes and vault.choice("store_in_vault", ("ON_SUCCESS",)) is None:
        text = "Vault instruction is required. Please use `vault.store_in_vault` to provide vault instruction."
        raise PayPalError("VAULT_INSTRUCTION_REQUIRED", text, field=vault.where("store_in_vault"))
    if "vault" in attributes and vault.choice("usage_type", ("MERCHANT", "PLATFORM")) is None:
        raise missing(vault.where("usage_type"))
    saved = {**vault.data, "customer": customer} if vault.data else {}
    return Source(token=token, context=read_experience(wallet.child("experience_context")), vault=saved)


def read_experience(context: Body) -> Json:
    """``experience_context`` or ``application_context``: where the buyer returns, how the page looks."""
    context.only(EXPERIENCE)
    context.text("brand_name", 127)
    context.choice("user_action", ("CONTINUE", "PAY_NOW"))
    context.choice("shipping_preference", ("GET_FROM_FILE", "NO_SHIPPING", "SET_PROVIDED_ADDRESS"))
    context.choice("landing_page", ("LOGIN", "GUEST_CHECKOUT", "NO_PREFERENCE", "BILLING"))
    return_url, cancel_url = context.url("return_url"), context.url("cancel_url")
    if (return_url is None) != (cancel_url is None):
        absent = "return_url" if return_url is None else "cancel_url"
        raise missing(context.where(absent))
    return dict(context.data)


def read_units(body: Body) -> list[Json]:
    """The purchase units of an order: one, in this sandbox. Raises PayPalError."""
    units = body.children("purchase_units", 10)
    if not units:
        text = "The number of items in an array parameter is too small."
        if "purchase_units" not in body:
            raise missing(body.where("purchase_units"))
        raise invalid("INVALID_ARRAY_MIN_ITEMS", text, body.where("purchase_units"))
    if len(units) > 1:
        raise invalid("NOT_SUPPORTED", "This field is not currently supported.", "/purchase_units/1")
    return [read_unit(units[0])]
