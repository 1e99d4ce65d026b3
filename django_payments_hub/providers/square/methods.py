"""What was paid with, and cards on file, as facts (developer.squareup.com/reference/square/objects/Card)."""

from __future__ import annotations

from dataclasses import replace

from django_payments_hub.domain.statuses import MethodKind
from django_payments_hub.provider_kit.reading import Json, optional_integer, optional_mapping, optional_text, text
from django_payments_hub.provider_kit.types import MethodFact

_KINDS = {
    "WALLET": MethodKind.WALLET,
    "SQUARE_ACCOUNT": MethodKind.WALLET,
    "BANK_ACCOUNT": MethodKind.BANK_TRANSFER,
    "CASH": MethodKind.CASH,
}
_UNKNOWN_BRANDS = frozenset({"", "OTHER_BRAND"})


def method_of(payment: Json) -> MethodFact | None:
    """The method of a Payment; None where it does not say."""
    source = optional_text(payment, "source_type")
    card = optional_mapping(optional_mapping(payment, "card_details"), "card")
    if card:
        # A card on file is kept already; a gift card never is.
        keepable = source == "CARD" and not card.get("id") and card.get("card_brand") != "SQUARE_GIFT_CARD"
        return replace(read_card(card), keepable=keepable)
    if not source or source == "CARD":
        return None
    wallet = optional_mapping(payment, "wallet_details")
    bank = optional_mapping(payment, "bank_account_details")
    return MethodFact(
        kind=_KINDS.get(source, MethodKind.OTHER),
        brand=(optional_text(wallet, "brand") or optional_text(bank, "bank_name") or source).lower(),
        last4=optional_text(bank, "account_number_suffix"),
    )


def read_card(card: Json, *, reusable: bool = False) -> MethodFact:
    """A Card; only one on file has an id. `reusable`: it is kept for its customer."""
    brand = optional_text(card, "card_brand")
    return MethodFact(
        kind=_card_kind(card),
        provider_method_id=optional_text(card, "id"),
        provider_customer_id=optional_text(card, "customer_id"),
        brand="card" if brand in _UNKNOWN_BRANDS else brand.lower(),
        last4=optional_text(card, "last_4"),
        expiry_month=optional_integer(card, "exp_month") or None,
        expiry_year=optional_integer(card, "exp_year") or None,
        fingerprint=optional_text(card, "fingerprint"),
        reusable=reusable,
    )


def read_card_on_file(card: Json) -> MethodFact:
    """A card kept for a customer."""
    text(card, "id")
    return read_card(card, reusable=True)


def _card_kind(card: Json) -> MethodKind:
    prepaid = optional_text(card, "prepaid_type") == "PREPAID"
    debit = optional_text(card, "card_type") == "DEBIT"
    return MethodKind.DEBIT_CARD if debit or prepaid else MethodKind.CREDIT_CARD
