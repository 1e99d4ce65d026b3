"""The shop's accounts in the sandbox, made there by its deeds, as the names the shop's settings are told by."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request

from django_payments_hub.testing.sandbox import SandboxClient

SECRET_KEY, PUBLISHABLE_KEY = "sk_test_demo", "pk_test_demo"
PAYPAL_CLIENT_ID, PAYPAL_CLIENT_SECRET = "client-demo", "secret-demo"
SQUARE_ACCESS_TOKEN = "token-demo"
JAZZCASH_MERCHANT_ID = "MC10001"
EASYPAISA_STORE_ID = "10001"

PREFIXES = ("EASYPAISA_", "JAZZCASH_", "PAYPAL_", "SQUARE_", "STRIPE_")
"""What the names begin with that the shop's settings know its accounts by."""

# This machine is all that is spoken to, whatever proxy the environment names.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def open_accounts(sandbox: SandboxClient, sandbox_url: str, web_url: str) -> dict[str, str]:
    """Register the shop's addresses at every provider of the sandbox; the environment that names the accounts.

    Secrets are known only once the addresses are registered there.
    """
    hears = f"{web_url}/api/payments/webhooks"
    return {
        **_stripe(sandbox_url, f"{hears}/stripe/"),
        **_paypal(sandbox, f"{hears}/paypal/"),
        **_square(sandbox, f"{hears}/square/"),
        **_jazzcash(sandbox, f"{hears}/jazzcash/"),
        **_easypaisa(sandbox, f"{hears}/easypaisa/"),
    }


def _stripe(sandbox_url: str, hears: str) -> dict[str, str]:
    return {
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_PUBLISHABLE_KEY": PUBLISHABLE_KEY,
        "STRIPE_WEBHOOK_SECRETS": register_webhook(sandbox_url, hears),
    }


def register_webhook(sandbox_url: str, hub_url: str) -> str:
    """Register the hub's address over Stripe's API, as one would in the dashboard; the signing secret."""
    request = urllib.request.Request(
        f"{sandbox_url}/stripe/v1/webhook_endpoints",
        data=urllib.parse.urlencode({"url": hub_url, "enabled_events[]": "*"}).encode(),
        headers={"Authorization": f"Bearer {SECRET_KEY}"},
    )
    with opener.open(request, timeout=10) as response:
        return str(json.loads(response.read())["secret"])


def _paypal(sandbox: SandboxClient, hears: str) -> dict[str, str]:
    webhook = sandbox.deed("webhook", account=PAYPAL_CLIENT_ID, url=hears)
    return {
        "PAYPAL_CLIENT_ID": PAYPAL_CLIENT_ID,
        "PAYPAL_CLIENT_SECRET": PAYPAL_CLIENT_SECRET,
        "PAYPAL_WEBHOOK_IDS": str(webhook["id"]),
        "PAYPAL_WEBHOOK_ROOT_CERTIFICATE": sandbox.settings("paypal")["WEBHOOK_ROOT_CERTIFICATE"],
    }


def _square(sandbox: SandboxClient, hears: str) -> dict[str, str]:
    subscription = sandbox.deed("subscription", account=SQUARE_ACCESS_TOKEN, url=hears)
    seller = sandbox.deed("seller", account=SQUARE_ACCESS_TOKEN)
    return {
        "SQUARE_ACCESS_TOKEN": SQUARE_ACCESS_TOKEN,
        "SQUARE_LOCATION_ID": str(seller["location_id"]),
        "SQUARE_WEBHOOK_SECRETS": str(subscription["signature_key"]),
    }


def _jazzcash(sandbox: SandboxClient, hears: str) -> dict[str, str]:
    merchant = sandbox.deed("merchant", account=JAZZCASH_MERCHANT_ID, ipn_url=hears)
    return {
        "JAZZCASH_MERCHANT_ID": str(merchant["merchant_id"]),
        "JAZZCASH_PASSWORD": str(merchant["password"]),
        "JAZZCASH_INTEGRITY_SALTS": str(merchant["integrity_salt"]),
        "JAZZCASH_MERCHANT_MPIN": str(merchant["mpin"]),
    }


def _easypaisa(sandbox: SandboxClient, hears: str) -> dict[str, str]:
    store = sandbox.deed("store", account=EASYPAISA_STORE_ID, ipn_url=hears)
    return {
        "EASYPAISA_STORE_ID": str(store["store_id"]),
        "EASYPAISA_ACCOUNT_NUM": str(store["account_num"]),
        "EASYPAISA_USERNAME": str(store["username"]),
        "EASYPAISA_PASSWORD": str(store["password"]),
        "EASYPAISA_HASH_KEY": str(store["hash_key"]),
    }
