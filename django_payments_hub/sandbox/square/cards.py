"""Square's documented test cards, payment tokens and cards on file, and what each does.

Source: developer.squareup.com/docs/devtools/sandbox/payments. The tokens that end in words may be used as often as one
likes, as at Square; those that the deed ``tokenize`` and the hosted page make are good for one use.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

# After these, a card that was typed with a bad detail
BAD_CVV, BAD_POSTAL_CODE, BAD_EXPIRY = ("911", "9911"), "99999", (1, 2040)


@dataclass(frozen=True, kw_only=True)
class Card:
    """A source of money. ``decline`` is the code with which each charge fails; ``balance`` is a gift card's."""

    number: str
    kind: Literal["CARD", "BANK_ACCOUNT"] = "CARD"
    brand: str = "VISA"
    type: str = "CREDIT"
    exp_month: int = 12
    exp_year: int = 2030
    decline: str | None = None
    decline_on_file: str | None = None
    needs_verification: bool = False
    balance: int | None = None
    country: str = "US"

    @property
    def last_4(self) -> str:
        """The digits that may be shown."""
        return self.number[-4:]


@dataclass(kw_only=True)
class Nonce:
    """A one-time payment token and what it stands for."""

    card: Card
    expires: datetime
    used: bool = False


VISA = Card(number="4111111111111111")
DECLINED = Card(number="4000000000000002", decline="GENERIC_DECLINE")
BY_NUMBER: dict[str, Card] = {
    card.number: card
    for card in (
        VISA,
        Card(number="5105105105105100", brand="MASTERCARD"),
        Card(number="6011000000000004", brand="DISCOVER"),
        Card(number="30000000000004", brand="DISCOVER_DINERS"),
        Card(number="3569990010095841", brand="JCB"),
        Card(number="340000000000009", brand="AMERICAN_EXPRESS"),
        Card(number="6222988812340000", brand="CHINA_UNIONPAY"),
        Card(number="7783320000000000", brand="SQUARE_GIFT_CARD", type="UNKNOWN_CARD_TYPE"),
        Card(number="4310000000201019", needs_verification=True, country="GB"),
        Card(number="5500000000201016", brand="MASTERCARD", needs_verification=True, country="GB"),
        Card(number="6011000000201016", brand="DISCOVER", needs_verification=True, country="GB"),
        Card(number="370000000201014", brand="AMERICAN_EXPRESS", needs_verification=True, country="GB"),
        DECLINED,
        Card(number="4000000000000010", decline_on_file="GENERIC_DECLINE"),
    )
}
_GIFT = BY_NUMBER["7783320000000000"]
_BANK = Card(number="000123456789", kind="BANK_ACCOUNT")
TOKENS: dict[str, Card] = {
    "cnon:card-nonce-ok": VISA,
    "cnon:card-nonce-declined": DECLINED,
    "cnon:card-nonce-rejected-cvv": replace(VISA, decline="CVV_FAILURE"),
    "cnon:card-nonce-rejected-postalcode": replace(VISA, decline="ADDRESS_VERIFICATION_FAILURE"),
    "cnon:card-nonce-rejected-expiration": replace(VISA, decline="INVALID_EXPIRATION"),
    "cnon:gift-card-nonce-ok": _GIFT,
    "cnon:gift-card-nonce-insufficient-funds": replace(_GIFT, balance=100),
    "cnon:gift-card-nonce-insufficient-permission": replace(_GIFT, decline="INSUFFICIENT_PERMISSIONS"),
    "bnon:bank-nonce-ok": _BANK,
    "bnon:bank-nonce-failure": replace(_BANK, decline="GENERIC_DECLINE"),
    "bnon:bank-nonce-account-unusable": replace(_BANK, decline="ACCOUNT_UNUSABLE"),
    "bnon:bank-nonce-insufficient-funds": replace(_BANK, decline="INSUFFICIENT_FUNDS"),
    "bnon:bank-nonce-invalid-account": replace(_BANK, decline="INVALID_ACCOUNT"),
    "bnon:bank-nonce-buyer-refused-payment": replace(_BANK, decline="BUYER_REFUSED_PAYMENT"),
    "ccof:customer-card-id-ok": VISA,
    "ccof:customer-card-id-declined": DECLINED,
    "ccof:customer-card-id-rejected-cvv": replace(VISA, decline="CVV_FAILURE"),
    "ccof:customer-card-id-rejected-postalcode": replace(VISA, decline="ADDRESS_VERIFICATION_FAILURE"),
    "ccof:customer-card-id-rejected-expiration": replace(VISA, decline="INVALID_EXPIRATION"),
    "ccof:customer-card-id-requires-verification": replace(VISA, needs_verification=True),
}
USED_TOKEN = "cnon:card-nonce-already-used"


def by_number(number: str) -> Card:
    """The card with this number; a number that is no test card is declined, as in Square's own sandbox."""
    digits = "".join(number.split())
    return BY_NUMBER.get(digits) or Card(number=digits, brand="OTHER_BRAND", decline="INVALID_CARD")


def typed(number: str, expiry: tuple[int, int], cvv: str, postal_code: str) -> Card:
    """A card as a customer types it, with the documented bad details at work."""
    card = replace(by_number(number), exp_month=expiry[0], exp_year=expiry[1])
    if card.decline:
        return card
    if cvv in BAD_CVV:
        return replace(card, decline="CVV_FAILURE")
    if postal_code == BAD_POSTAL_CODE:
        return replace(card, decline="ADDRESS_VERIFICATION_FAILURE")
    if expiry == BAD_EXPIRY:
        return replace(card, decline="INVALID_EXPIRATION")
    return card
