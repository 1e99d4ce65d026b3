"""Payloads as Square publishes them, brought to the location of the tests.

The payment, the refund and the dispute are the examples of developer.squareup.com/reference/square/webhooks
(payment.updated, refund.updated, dispute.state.updated), shortened; reference, note and reason are the hub's.
"""

from __future__ import annotations

import copy
from typing import Any

from tests.providers.square.harness import LOCATION

REFERENCE = "0198c0de-7a11-7000-8000-00000000cafe"
REFUND_REFERENCE = "0198c0de-7a11-7000-8000-0000000cafe2"

PAYMENT: dict[str, Any] = {
    "id": "hYy9pRFVxpDsO1FB05SunFWUe9JZY",
    "created_at": "2020-11-22T21:16:51.086Z",
    "updated_at": "2020-11-22T21:19:00.831Z",
    "amount_money": {"amount": 100, "currency": "USD"},
    "status": "COMPLETED",
    "delay_duration": "PT168H",
    "delay_action": "CANCEL",
    "delayed_until": "2020-11-29T21:16:51.086Z",
    "source_type": "CARD",
    "card_details": {
        "status": "CAPTURED",
        "card": {
            "card_brand": "MASTERCARD",
            "last_4": "9029",
            "exp_month": 11,
            "exp_year": 2022,
            "fingerprint": "sq-1-Tvruf3vPQxlvI6n0IcKYfBukrcv6IqWr8UyBdViWXU2yzGn5VMJvrsHMKpINMhPmVg",
            "card_type": "CREDIT",
            "prepaid_type": "NOT_PREPAID",
            "bin": "540988",
        },
        "entry_method": "KEYED",
        "cvv_status": "CVV_ACCEPTED",
        "avs_status": "AVS_ACCEPTED",
        "statement_description": "SQ *DEFAULT TEST ACCOUNT",
    },
    "location_id": LOCATION,
    "order_id": "03O3USaPaAaFnI6kkwB1JxGgBsUZY",
    "reference_id": REFERENCE,
    "risk_evaluation": {"created_at": "2020-11-22T21:16:51.198Z", "risk_level": "NORMAL"},
    "total_money": {"amount": 100, "currency": "USD"},
    "approved_money": {"amount": 100, "currency": "USD"},
    "receipt_number": "hYy9",
    "version_token": "zpCBiO0YgSg5cCEqjUxHQGEuZA9SJBdp1WwI",
    "version": 37,
}
REFUND: dict[str, Any] = {
    "id": "KkAkhdMsgzn59SM8A89WgKwekxLZY_ptNBVqHYxt5gAdfcobBe4u1AZsXhoz06KTtuq9Ls24P",
    "created_at": "2020-02-06T21:27:41.836Z",
    "updated_at": "2020-02-06T22:14:16.381Z",
    "amount_money": {"amount": 1000, "currency": "USD"},
    "status": "COMPLETED",
    "location_id": LOCATION,
    "order_id": "haOyDuHiqtAXMk0d8pDKXpL7Jg4F",
    "payment_id": "KkAkhdMsgzn59SM8A89WgKwekxLZY",
    "reason": f"One cup broken [{REFUND_REFERENCE}]",
    "version": 10,
}
DISPUTE: dict[str, Any] = {
    "amount_money": {"amount": 8801, "currency": "USD"},
    "brand_dispute_id": "r9rKGSBBQbywBNnWWIiGFg",
    "card_brand": "VISA",
    "created_at": "2020-02-19T21:24:53.258Z",
    "id": "ORSEVtZAJxb37RA1EiGw",
    "disputed_payment": {"payment_id": "fbmsaEOpoARDKxiSGH1fqPuqoqFZY"},
    "due_at": "2020-03-04T00:00:00.000Z",
    "location_id": LOCATION,
    "reason": "AMOUNT_DIFFERS",
    "reported_at": "2020-02-19T00:00:00.000Z",
    "state": "WON",
    "updated_at": "2020-02-19T21:34:41.851Z",
    "version": 7,
}


def changed(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy with other values; None takes a key away."""
    made = {**copy.deepcopy(data), **changes}
    return {key: value for key, value in made.items() if value is not None}


def payment(**changes: Any) -> dict[str, Any]:
    return changed(PAYMENT, **changes)


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


def event(kind: str, data: dict[str, Any], *, name: str = "", **changes: Any) -> dict[str, Any]:
    """A notification around an object."""
    name = name or kind.partition(".")[0]
    made = {
        "merchant_id": "6SSW7HV8K2ST5",
        "type": kind,
        "event_id": "6a8f5f28-54a1-4eb0-a98a-3111513fd4fc",
        "created_at": "2020-02-06T21:27:34.308Z",
        "data": {"type": name, "id": data.get("id", "x"), "object": {name: data}},
    }
    return {**made, **changes}
