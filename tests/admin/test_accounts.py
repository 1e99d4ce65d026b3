"""Accounts: those of the settings are looked at, those of the database made and changed; secrets go in only."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from django_payments_hub.models import ProviderAccount
from django_payments_hub.services import accounts
from django_payments_hub.services.provider_calls import provider_of
from tests.admin.world import address, booked, browser

pytestmark = pytest.mark.django_db

MAY = ("view_provideraccount", "add_provideraccount", "change_provideraccount")
ADD = "/admin/payments_hub/provideraccount/add/?provider=stripe"
KEYS = {
    "key_secret_key": "sk_test_first",
    "key_webhook_secrets": "whsec_one whsec_two",
    "key_publishable_key": "pk_test_one",
    "key_api_version": "",
    "key_api_base": "",
    "key_webhook_tolerance_s": "",
}
NEW = {"alias": "shop-eu", "label": "Cards", "mode": "test", "is_active": "on", **KEYS}


def errors_of(response: Any) -> str:
    assert response.status_code == 200
    form = response.context["adminform"].form
    return str(form.errors.as_json())


def made(client: Any) -> ProviderAccount:
    response = client.post(ADD, NEW)
    assert response.status_code == 302, errors_of(response)
    return ProviderAccount.objects.get(alias="shop-eu")


def change(client: Any, row: ProviderAccount, **fields: str) -> Any:
    blank = dict.fromkeys(KEYS, "")
    return client.post(
        address(ProviderAccount, "change", row.pk),
        {"label": "Cards", "mode": "test", "is_active": "on", **blank, "key_publishable_key": "pk_test_one", **fields},
    )


def test_an_account_is_made_encrypted_and_works() -> None:
    row = made(browser(*MAY))
    assert (row.origin, row.provider, row.mode) == ("database", "stripe", "test")
    assert "sk_test_first" not in row.credentials
    config: Any = provider_of(row).config
    assert (config.secret_key, config.webhook_secrets) == ("sk_test_first", ("whsec_one", "whsec_two"))
    assert accounts.get("shop-eu").row == row


def test_first_the_provider_is_chosen() -> None:
    page = browser(*MAY).get(address(ProviderAccount, "add")).content.decode()
    assert "?provider=stripe" in page
    assert 'name="alias"' not in page
    assert "?provider=stripe" in browser(*MAY).get(address(ProviderAccount, "add") + "?provider=os").content.decode()


def test_secrets_are_write_only_and_an_empty_field_keeps_them() -> None:
    client = browser(*MAY)
    row = made(client)
    page = client.get(address(ProviderAccount, "change", row.pk)).content.decode()
    assert "pk_test_one" in page
    assert not [secret for secret in ("sk_test_first", "whsec_one", "whsec_two") if secret in page]
    assert page.count('type="password"') == 2
    # when another field is changed, and the secrets are left empty
    assert change(client, row, label="Other", key_publishable_key="pk_test_two").status_code == 302
    row.refresh_from_db()
    config: Any = provider_of(row).config
    assert (row.label, config.publishable_key, config.secret_key) == ("Other", "pk_test_two", "sk_test_first")
    # when one secret is given anew
    change(client, row, key_secret_key="sk_test_second")
    row.refresh_from_db()
    config = provider_of(row).config
    assert (config.secret_key, config.webhook_secrets) == ("sk_test_second", ("whsec_one", "whsec_two"))
    assert not [entry for entry in LogEntry.objects.all() if "sk_test" in entry.change_message]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"key_secret_key": "sk_live_canary"}, "mode"),
        ({"key_secret_key": "canary"}, "SECRET_KEY"),
        ({"key_secret_key": ""}, "SECRET_KEY"),
        ({"key_webhook_secrets": ""}, "WEBHOOK_SECRETS"),
        ({"key_api_base": "http://evil.example"}, "https"),
        ({"key_webhook_tolerance_s": "0"}, "WEBHOOK_TOLERANCE_S"),
        ({"key_webhook_tolerance_s": "x"}, "key_webhook_tolerance_s"),
        ({"alias": "stripe"}, "settings"),
        ({"alias": "not a slug"}, "alias"),
        ({"mode": "real"}, "mode"),
    ],
)
def test_what_the_provider_refuses_is_an_error_of_the_form(fields: dict[str, str], told: str) -> None:
    response = browser(*MAY).post(ADD, {**NEW, **fields})
    assert told in errors_of(response)
    page = response.content.decode()
    assert not [secret for secret in ("canary", "sk_test_first", "whsec_one") if secret in page]
    assert not ProviderAccount.objects.filter(origin="database").exists()


def test_without_a_key_to_encrypt_with_nothing_is_stored(settings: Any) -> None:
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "ENCRYPTION_KEYS": []}
    assert "ENCRYPTION_KEYS" in errors_of(browser(*MAY).post(ADD, NEW))
    assert not ProviderAccount.objects.filter(alias="shop-eu").exists()


def test_what_cannot_be_decrypted_can_be_replaced(settings: Any) -> None:
    client = browser(*MAY)
    row = made(client)
    settings.PAYMENTS_HUB = {
        **settings.PAYMENTS_HUB,
        "ENCRYPTION_KEYS": ["TtGmaOVKDVU8BXt9P8RrB3iHm0TDRVwcnnrxS2iVsYI="],
    }
    assert "cannot be decrypted" in client.get(address(ProviderAccount, "change", row.pk)).content.decode()
    assert "SECRET_KEY" in errors_of(change(client, row))
    assert change(client, row, **{k: KEYS[k] for k in ("key_secret_key", "key_webhook_secrets")}).status_code == 302
    row.refresh_from_db()
    assert provider_of(row).config.secret_key == "sk_test_first"


def test_mode_stays_once_there_are_payments_and_alias_always() -> None:
    client = browser(*MAY)
    row = made(client)
    page = client.get(address(ProviderAccount, "change", row.pk)).content.decode()
    assert ('name="mode"' in page, 'name="alias"' in page, 'name="provider"' in page) == (True, False, False)
    booked(account=row)
    page = client.get(address(ProviderAccount, "change", row.pk)).content.decode()
    assert 'name="mode"' not in page
    change(client, row, mode="live", alias="other", provider="paypal")
    row.refresh_from_db()
    assert (row.mode, row.alias, row.provider) == ("test", "shop-eu", "stripe")


def test_a_mode_that_does_not_fit_the_stored_key_is_refused() -> None:
    client = browser(*MAY)
    row = made(client)
    assert "mode" in errors_of(change(client, row, mode="live"))
    row.refresh_from_db()
    assert row.mode == "test"


def test_an_account_is_disabled_not_deleted() -> None:
    client = browser(*MAY, "delete_provideraccount")
    row = made(client)
    change(client, row, is_active="")
    row.refresh_from_db()
    assert not row.is_active
    assert client.post(address(ProviderAccount, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_accounts_of_the_settings_are_only_looked_at() -> None:
    row, client = accounts.get("stripe").row, browser(*MAY)
    page = client.get(address(ProviderAccount, "change", row.pk)).content.decode()
    assert 'name="label"' not in page
    assert "pk_test_demo" in page
    assert "/api/payments/webhooks/stripe/" in page
    assert client.post(address(ProviderAccount, "change", row.pk), {"label": "x"}).status_code == 403


def test_who_may_only_look_cannot_make_or_change() -> None:
    row = made(browser(*MAY))
    client = browser("view_provideraccount")
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, NEW).status_code == 403
    page = client.get(address(ProviderAccount, "change", row.pk)).content.decode()
    assert 'type="password"' not in page
    assert change(client, row).status_code == 403


def test_with_another_address_every_secret_is_given_anew() -> None:
    """A kept secret would be sent to the new address, and so be read by whoever may change it."""
    client = browser(*MAY)
    row = made(client)
    assert "type this again" in errors_of(change(client, row, key_api_base="https://evil.example"))
    row.refresh_from_db()
    assert provider_of(row).config.api_base == "https://api.stripe.com"
    anew = {name: KEYS[name] for name in ("key_secret_key", "key_webhook_secrets")}
    assert change(client, row, key_api_base="https://proxy.example", **anew).status_code == 302
