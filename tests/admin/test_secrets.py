"""S10, S11, S17: no page shows a secret, and whatever text a row holds is shown as text."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from django_payments_hub.admin.redaction import redact, redact_text, shown_json
from django_payments_hub.models import OrderRef, Payment, ProviderAccount, WebhookEvent
from django_payments_hub.services import accounts, credentials
from tests.admin.test_permissions import names_of, url_of
from tests.admin.world import SHOWN, one_of_each

pytestmark = pytest.mark.django_db

EVIL = "\"'><script>alert(1)</script><a href=javascript:alert(2)>"
READ = ("changelist", "change", "history")


def pages(client: Any, rows: Any) -> list[tuple[str, str]]:
    """Every page of the admin about these rows."""
    found = []
    for model in SHOWN:
        for name in sorted(names_of(model)):
            response = client.get(url_of(model, name, rows[model]))
            if response.status_code == 200:
                found.append((f"{model.__name__}.{name}", response.content.decode()))
    assert len(found) >= len(SHOWN) * len(READ)
    return found


class Elements(HTMLParser):
    """What a browser would take for markup: elements with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def addresses(self) -> list[str]:
        names = ("href", "src", "action", "formaction")
        return [attrs[name].strip().lower() for _, attrs in self.found for name in names if name in attrs]


def test_markup_in_any_field_is_shown_as_text(admin_client: Any) -> None:
    shown_escaped = 0
    for name, page in pages(admin_client, one_of_each(EVIL)):
        elements = Elements(page)
        assert "<script>alert" not in page, name
        assert ("script", {}) not in elements.found, name
        assert not [url for url in elements.addresses() if url.startswith(("javascript:", "data:"))], name
        shown_escaped += "&lt;script&gt;alert" in page
    assert shown_escaped >= len(SHOWN) - 1  # all but the account's, which has no free text here


def test_an_address_in_the_data_is_no_link(admin_client: Any) -> None:
    shown = 0
    for name, page in pages(admin_client, one_of_each("https://evil.example/x")):
        assert not [url for url in Elements(page).addresses() if url.startswith("https://evil.example")], name
        shown += "https://evil.example" in page
    assert shown


def test_pages_need_no_inline_script_or_style(admin_client: Any) -> None:
    for name, page in pages(admin_client, one_of_each("plain")):
        for tag, attrs in Elements(page).found:
            assert tag != "style", name
            assert tag != "script" or "src" in attrs or attrs.get("type") == "application/json", (name, attrs)
            assert not [key for key in attrs if key == "style" or key.startswith("on")], (name, tag, attrs)


def canaries() -> dict[str, str]:
    return {
        "client_secret": "pi_3Canary_secret_CanaryClient",
        "secret": "CanaryBareSecret",
        "token": "CanaryToken",
        "payment_method_token": "CanaryMethodToken",
        "pp_Password": "CanaryPassword",
        "Authorization": "Bearer CanaryBearer",
        "note": "key sk_test_CanaryKey and whsec_CanaryHook",
        "number": "4242 4242 4242 4242",
    }


MARKS = ("Canary", "4242 4242", "4242424242424242")


def test_no_page_shows_a_secret(admin_client: Any, settings: Any) -> None:
    # given secrets in the settings, in a payload, and wherever a row keeps JSON
    hub = settings.PAYMENTS_HUB
    secret = {"SECRET_KEY": "sk_test_Canary1", "WEBHOOK_SECRETS": ["whsec_Canary2"]}
    settings.PAYMENTS_HUB = {**hub, "ACCOUNTS": {"stripe": {**hub["ACCOUNTS"]["stripe"], **secret}}}
    accounts.forget()
    rows: Any = one_of_each("plain")
    body = json.dumps({"data": {"object": [canaries(), {"pan": 4242424242424242}]}})
    WebhookEvent.objects.filter(pk=rows[WebhookEvent].pk).update(body=body)
    Payment.objects.filter(pk=rows[Payment].pk).update(
        metadata=canaries(), payer=canaries(), next_action={"type": "client_secret", "fields": canaries()}
    )
    OrderRef.objects.filter(pk=rows[OrderRef].pk).update(guest_token_hash="Canary" * 10)
    stored = ProviderAccount(alias="own", provider="stripe", mode="test")
    credentials.store(stored, {**secret, "PUBLISHABLE_KEY": "pk_test_shown"})
    rows[ProviderAccount] = stored
    # then no page shows one of them
    for name, page in pages(admin_client, rows):
        assert not [mark for mark in MARKS if mark in page], name
        assert stored.credentials not in page, name
    # while what is public is shown
    assert "pk_test_shown" in dict(pages(admin_client, rows))["ProviderAccount.change"]


def test_a_payload_stays_readable() -> None:
    text = shown_json('{"type":"charge.refunded","data":{"amount":1250,"id":"ch_3Nabc","reason":"card_declined"}}')
    assert json.loads(text)["data"] == {"amount": 1250, "id": "ch_3Nabc", "reason": "card_declined"}
    assert "\n  " in text


@pytest.mark.parametrize(
    "text",
    ["4242424242424242", "4242-4242-4242-4242", "card 5555555555554444.", "378282246310005", "6011 1111 1111 1117"],
)
def test_card_numbers_are_blanked(text: str) -> None:
    assert "[redacted]" in redact_text(text)


@pytest.mark.parametrize(
    "text",
    ["1700000000000", "evt_4242424242424243", "019a4242-4242-7242-8242-424242424242", "4242424242424241", "12.50"],
)
def test_other_numbers_stay(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("text", ["not json", "[" * 100_000, '"x"', "4242424242424242", "", "\x00"])
def test_a_body_of_any_shape_is_shown(text: str) -> None:
    assert "4242" not in shown_json(text)


def test_names_of_secrets_are_known_in_every_spelling() -> None:
    names = [
        "clientSecret",
        "client-secret",
        "PP_PASSWORD",
        "apiKey",
        "api_key",
        "cvc",
        "webhookSecrets",
        "pp_SecureHash",
        "pp_MerchantMPIN",
        "pp_CNIC",
        "nationalId",
        "national_id",
    ]
    assert redact(dict.fromkeys(names, "x")) == dict.fromkeys(names, "[redacted]")
    kept = {"secretary": "x", "spinner": "x", "client_secret": ""}
    assert redact(kept) == kept
