"""What was paid with, or is kept in the vault, as facts (Orders v2 `payment_source`, Vault v3)."""

from __future__ import annotations

import re

from django_payments_hub.domain.statuses import MethodKind
from django_payments_hub.provider_kit.reading import Json, optional_mapping, optional_text, text
from django_payments_hub.provider_kit.types import MethodFact

_EXPIRY = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
_KINDS = {
    "paypal": MethodKind.WALLET,
    "venmo": MethodKind.WALLET,
    "apple_pay": MethodKind.WALLET,
    "google_pay": MethodKind.WALLET,
    "bank": MethodKind.BANK_TRANSFER,
}


def method_of(order: Json) -> MethodFact | None:
    """The method of an order; None before the customer chose one. Reusable where it was saved with the payment."""
    name, source = _source(order)
    if not name or not _was_chosen(order):
        return None
    vault = optional_mapping(optional_mapping(source, "attributes"), "vault")
    kept = optional_text(vault, "status") in ("", "VAULTED") and bool(vault.get("id"))
    return _method(
        name,
        source,
        method_id=text(vault, "id") if kept else "",
        customer_id=customer_of(vault),
        reusable=kept,
    )


def vaulted_method(token: Json) -> MethodFact:
    """A payment token of the vault."""
    name, source = _source(token)
    return _method(name, source, method_id=text(token, "id"), customer_id=customer_of(token), reusable=True)


def customer_of(data: Json) -> str:
    """The id PayPal gave the customer; "" where it tells none."""
    return optional_text(optional_mapping(data, "customer"), "id")


def _source(data: Json) -> tuple[str, Json]:
    sources = optional_mapping(data, "payment_source")
    name = next(iter(sources), "")
    return name, optional_mapping(sources, name)


def _was_chosen(order: Json) -> bool:
    # Before the approval `payment_source` only repeats what was asked for.
    return order.get("status") in ("APPROVED", "COMPLETED")


def _method(name: str, source: Json, *, method_id: str, customer_id: str, reusable: bool) -> MethodFact:
    card = source if name == "card" else {}
    expiry = _EXPIRY.fullmatch(optional_text(card, "expiry"))
    return MethodFact(
        kind=_kind(name, card),
        provider_method_id=method_id,
        provider_customer_id=customer_id,
        brand=(optional_text(card, "brand") or name).lower(),
        last4=optional_text(card, "last_digits")[-4:],
        expiry_month=int(expiry[2]) if expiry else None,
        expiry_year=int(expiry[1]) if expiry else None,
        fingerprint=optional_text(source, "account_id"),
        reusable=reusable,
        customer_by_saving=True,
    )


def _kind(name: str, card: Json) -> MethodKind:
    if name == "card":
        debit = optional_text(card, "type") in ("DEBIT", "PREPAID")
        return MethodKind.DEBIT_CARD if debit else MethodKind.CREDIT_CARD
    return _KINDS.get(name, MethodKind.OTHER)
