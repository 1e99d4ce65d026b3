"""What a source of money does when it is charged: the token looked up, the issuer's word, the card as it is shown."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace

from django_payments_hub.sandbox.square.account import Account
from django_payments_hub.sandbox.square.cards import TOKENS, USED_TOKEN, Card
from django_payments_hub.sandbox.square.errors import SquareError, authorization_error, missing
from django_payments_hub.sandbox.wire import Json, random_id

VERIFICATION_REQUIRED = "CARD_DECLINED_VERIFICATION_REQUIRED"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source as a payment names it; ``saved`` is the card on file it is."""

    card: Card
    entry_method: str
    saved: Json | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The issuer's word: how much is approved, and why not all of it."""

    approved: int
    errors: list[Json]


def find_source(account: Account, source_id: str, customer_id: str | None) -> Source:
    """The money behind a ``source_id``; a one-time token is used up by this. Raises SquareError."""
    if source_id == USED_TOKEN:
        raise _used()
    if source_id in TOKENS:
        method = "ON_FILE" if source_id.startswith("ccof:") else "KEYED"
        return Source(card=TOKENS[source_id], entry_method=method)
    if source_id.startswith("ccof:"):
        return _on_file(account, source_id, customer_id)
    return Source(card=spend_nonce(account, source_id), entry_method="KEYED")


def spend_nonce(account: Account, token: str) -> Card:
    """The card behind a one-time token, which is used up by this. Raises SquareError."""
    nonce = account.nonces.get(token)
    if nonce is None:
        raise SquareError("NOT_FOUND", "Card nonce not found", field="source_id", status=404)
    if nonce.used:
        raise _used()
    if nonce.expires <= account.clock.now():
        detail = "Card nonce expired; please request new nonce."
        raise SquareError("CARD_TOKEN_EXPIRED", detail, field="source_id", executed=True)
    nonce.used = True
    return nonce.card


def _used() -> SquareError:
    detail = "Card nonce already used; please request new nonce."
    return SquareError("CARD_TOKEN_USED", detail, field="source_id", executed=True)


def _on_file(account: Account, card_id: str, customer_id: str | None) -> Source:
    saved = account.get("card", card_id, "source_id")
    if customer_id is None:
        raise missing("customer_id")
    if saved["customer_id"] != customer_id:
        detail = f"Could not find card {card_id} of customer {customer_id}"
        raise SquareError("NOT_FOUND", detail, field="source_id", status=404)
    if not saved["enabled"]:
        raise SquareError("INVALID_CARD", "The card on file is disabled.", field="source_id", executed=True)
    card = account.cards[card_id]
    return Source(card=replace(card, decline=card.decline or card.decline_on_file), entry_method="ON_FILE", saved=saved)


def judge(account: Account, card: Card, amount: int, *, verification: str | None, partial: bool) -> Verdict:
    """What the issuer says to a charge. ``verification`` is the buyer's verification token (3-D Secure)."""
    if card.decline:
        return Verdict(approved=0, errors=[authorization_error(card.decline)])
    if card.needs_verification and not is_verified(account, verification):
        return Verdict(approved=0, errors=[authorization_error(VERIFICATION_REQUIRED)])
    if card.balance is not None and amount > card.balance:
        if partial:
            return Verdict(approved=card.balance, errors=[])
        errors = [authorization_error("INSUFFICIENT_FUNDS"), authorization_error("GIFT_CARD_AVAILABLE_AMOUNT")]
        errors[1]["detail"] = str(card.balance)
        return Verdict(approved=0, errors=errors)
    return Verdict(approved=amount, errors=[])


def is_verified(account: Account, token: str | None) -> bool:
    """Whether a verification token is one of this seller's, or of the form that Square's own SDK gives."""
    return token is not None and (token in account.verified or token.startswith("verf:"))


def card_object(account: Account, card: Card) -> Json:
    """A card as payments show it."""
    digest = hashlib.sha256(f"{account.id}:{card.number}:{card.exp_month}:{card.exp_year}".encode()).digest()
    gift = card.brand == "SQUARE_GIFT_CARD"
    return {
        "card_brand": card.brand,
        "last_4": card.last_4,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": f"sq-1-{urlsafe_b64encode(digest * 2).decode()[:66]}",
        "card_type": card.type,
        "prepaid_type": "PREPAID" if gift else "NOT_PREPAID",
        "bin": card.number[:6],
    }


def card_details(account: Account, source: Source, verdict: Verdict, at: str) -> Json:
    """``card_details`` of a payment just approved or refused."""
    codes = {error["code"] for error in verdict.errors}
    shown = card_object(account, source.card)
    if source.saved is not None:
        shown["id"] = source.saved["id"]
    details: Json = {
        "status": "FAILED" if codes else "AUTHORIZED",
        "card": shown,
        "entry_method": source.entry_method,
        "cvv_status": "CVV_REJECTED" if "CVV_FAILURE" in codes else "CVV_ACCEPTED",
        "avs_status": "AVS_REJECTED" if "ADDRESS_VERIFICATION_FAILURE" in codes else "AVS_ACCEPTED",
        "statement_description": "SQ *SANDBOX",
        "card_payment_timeline": {"authorized_at": at},
    }
    if codes:
        details["errors"] = verdict.errors
    else:
        details["auth_result_code"] = random_id(6)
    return details
