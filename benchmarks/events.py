"""Signed notices, as Stripe sends them: pretty-printed JSON of some 2.5 KB."""

from __future__ import annotations

import hashlib
import hmac
import json
import time


def body_of(event_id: str) -> bytes:
    """A `payment_intent.succeeded` with this id, of a payment the hub does not know."""
    created = int(time.time())
    intent = {
        "id": f"pi_{event_id[-24:]}",
        "object": "payment_intent",
        "amount": 4200,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 4200,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "never", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"pi_{event_id[-24:]}_secret_benchmarks",
        "confirmation_method": "automatic",
        "created": created,
        "currency": "usd",
        "customer": None,
        "description": "Order 7f3c2a10",
        "last_payment_error": None,
        "latest_charge": "ch_3Qbenchmarks00000000000000",
        "livemode": False,
        "metadata": {"order": "7f3c2a10-4f6e-4a55-9d8e-0c9c1c1f0a11"},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": "pm_1Qbenchmarks00000000000000",
        "payment_method_options": {
            "card": {"installments": None, "mandate_options": None, "network": None, "request_three_d_secure": "any"}
        },
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": "customer@example.com",
        "review": None,
        "setup_future_usage": None,
        "shipping": {
            "address": {
                "city": "Lahore",
                "country": "PK",
                "line1": "1 Mall Road",
                "line2": None,
                "postal_code": "54000",
                "state": None,
            },
            "name": "A. Customer",
        },
        "source": None,
        "statement_descriptor": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }
    event = {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": created,
        "data": {"object": intent},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": "req_benchmarks0000", "idempotency_key": "0c9c1c1f-0a11-4f6e-9d8e-7f3c2a104a55"},
        "type": "payment_intent.succeeded",
    }
    return json.dumps(event, indent=2).encode()


def signature(body: bytes, secret: str) -> str:
    """The value of `Stripe-Signature` for these bytes, signed now."""
    at = str(int(time.time()))
    mac = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"
