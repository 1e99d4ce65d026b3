"""Merchant accounts: of the settings and of the database, encrypted at rest, rotated, disabled (I22, S12, S23)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection, transaction
from django.utils import timezone

from django_payments_hub.domain.statuses import Flow, PaymentStatus, Verdict
from django_payments_hub.exceptions import ConfigurationError, NotFound
from django_payments_hub.models import ProviderAccount
from django_payments_hub.services import accounts, credentials, facts, inbox, payments
from django_payments_hub.services.payments import NewPayment
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
CANARY = "sk_test_canary0123456789"
VALUES = {"SECRET_KEY": CANARY, "WEBHOOK_SECRETS": ["whsec_canary"]}

Change = Callable[..., None]


@pytest.fixture
def change(settings: Any, hub: dict[str, Any]) -> Change:
    def change(**values: object) -> None:
        settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, **values}

    return change


def stored(alias: str = "shop", **values: Any) -> ProviderAccount:
    row = ProviderAccount(alias=alias, provider="stripe", mode="test", **values)
    credentials.store(row, VALUES)
    return row


def raw(row: ProviderAccount) -> str:
    """Every column of the row as the database holds it."""
    key = row.pk if connection.features.has_native_uuid_field else row.pk.hex
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM payments_hub_provideraccount WHERE id = %s", [key])
        return repr(cursor.fetchall())


# -- at rest ----------------------------------------------------------------------------------------------------------


def test_credentials_are_encrypted_at_rest(change: Change) -> None:
    change(ENCRYPTION_KEYS=[OLD])
    row = stored()
    assert "canary" not in raw(row)
    assert "canary" not in repr(row)
    config = accounts.get("shop").config
    assert dict(config.values) == VALUES
    assert "canary" not in repr(config) + repr(accounts.get("shop"))


def test_rotation_encrypts_everything_anew_and_the_old_key_can_go(change: Change) -> None:
    change(ENCRYPTION_KEYS=[OLD])
    rows = [stored(f"shop-{n}") for n in range(3)]
    before = {row.pk: raw(row) for row in rows}
    change(ENCRYPTION_KEYS=[NEW, OLD])
    assert credentials.rotate() == 3
    assert credentials.rotate() == 3, "again, after an interruption, does no harm"
    change(ENCRYPTION_KEYS=[NEW])
    for row in rows:
        assert raw(row) != before[row.pk]
        assert dict(accounts.get(row.alias).config.values) == VALUES


def test_an_interrupted_rotation_leaves_everything_readable(change: Change) -> None:
    change(ENCRYPTION_KEYS=[OLD])
    first, second = stored("shop-1"), stored("shop-2")
    change(ENCRYPTION_KEYS=[NEW, OLD])
    first.refresh_from_db()
    credentials.store(first, VALUES)  # as far as it came
    for row in (first, second):
        assert dict(accounts.get(row.alias).config.values) == VALUES


def test_a_lost_key_is_a_clear_error_that_shows_nothing(change: Change) -> None:
    change(ENCRYPTION_KEYS=[OLD])
    row = stored()
    change(ENCRYPTION_KEYS=[NEW])
    for step in (lambda: accounts.get("shop"), credentials.rotate):
        with pytest.raises(ConfigurationError) as error:
            step()
        assert error.value.code == "credentials_unreadable"
        assert row.credentials not in str(error.value)
    change(ENCRYPTION_KEYS=[NEW, OLD])
    assert accounts.get("shop").config.values["SECRET_KEY"] == CANARY


@pytest.mark.parametrize(("keys", "code"), [([], "encryption_keys_missing"), (["not-a-key"], "encryption_key_invalid")])
def test_without_a_key_nothing_is_stored(change: Change, keys: list[str], code: str) -> None:
    change(ENCRYPTION_KEYS=keys)
    with pytest.raises(ConfigurationError) as error:
        stored()
    assert error.value.code == code
    assert not ProviderAccount.objects.filter(alias="shop").exists()


# -- which account ----------------------------------------------------------------------------------------------------


def test_accounts_come_from_settings_and_from_the_database(change: Change) -> None:
    stored()
    found = {account.row.alias: account.row.origin for account in accounts.active_accounts()}
    assert found == {"shop": "database", "stripe": "settings"}


def test_an_account_is_chosen_by_alias_or_by_provider_when_there_is_one(change: Change) -> None:
    assert accounts.choose(provider="stripe").row.alias == "stripe"
    assert accounts.choose().row.alias == "stripe"
    stored()
    for named in ({}, {"provider": "stripe"}):
        with pytest.raises(NotFound) as error:
            accounts.choose(**named)
        assert error.value.code == "ambiguous_account"
    assert accounts.choose(alias="shop").row.alias == "shop"
    with pytest.raises(NotFound) as error:
        accounts.choose(provider="paypal")
    assert error.value.code == "unknown_account"


@pytest.mark.parametrize("alias", ["", "nobody", "STRIPE", "x" * 300])
def test_an_account_that_is_not_there(alias: str) -> None:
    with pytest.raises(NotFound) as error:
        accounts.get(alias)
    assert error.value.code == "unknown_account"


def test_a_disabled_account_takes_effect_at_once_here_and_soon_elsewhere(change: Change) -> None:
    row = stored()
    accounts.get("shop")
    row.is_active = False
    row.save()
    with pytest.raises(NotFound) as error:
        accounts.get("shop")
    assert error.value.code == "inactive_account"
    assert accounts.get("shop", active=False).config.values["SECRET_KEY"] == CANARY, "what was begun is finished"


def test_what_another_process_changed_is_seen_when_the_cache_ends(change: Change) -> None:
    change(ACCOUNT_CACHE_S=1)
    row = stored()
    accounts.get("shop")
    ProviderAccount.objects.filter(pk=row.pk).update(is_active=False)  # no signal: another process
    assert accounts.get("shop").row.is_active
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            accounts.get("shop")
        except NotFound:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the account is still in use")


def test_an_account_of_the_settings_is_cached(change: Change, django_assert_num_queries: Any) -> None:
    accounts.get("stripe")
    with django_assert_num_queries(0):
        accounts.get("stripe")


def test_a_row_made_in_a_transaction_that_fails_is_not_remembered(change: Change) -> None:
    def fail() -> None:
        with transaction.atomic():
            stored()
            accounts.get("shop")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(NotFound):
        accounts.get("shop")


def test_an_account_taken_out_of_the_settings_is_disabled_not_deleted(change: Change) -> None:
    accounts.active_accounts()
    change(ACCOUNTS={})
    assert accounts.active_accounts() == []
    assert not ProviderAccount.objects.get(alias="stripe").is_active


def test_an_account_of_the_settings_does_not_take_over_a_stored_one(change: Change, hub: dict[str, Any]) -> None:
    """Its row is what past payments and refunds hang on: it may not come to mean another merchant."""
    stored("clash")
    change(ACCOUNTS={**hub["ACCOUNTS"], "clash": hub["ACCOUNTS"]["stripe"]})
    with pytest.raises(ConfigurationError) as error:
        accounts.get("clash")
    assert error.value.code == "duplicate_alias"
    row = ProviderAccount.objects.get(alias="clash")
    assert (row.origin, row.is_active) == ("database", True)


@pytest.mark.parametrize("mode", ["", "Live", "production", None])
def test_a_mode_that_is_none_is_refused(change: Change, hub: dict[str, Any], mode: object) -> None:
    change(ACCOUNTS={"stripe": {**hub["ACCOUNTS"]["stripe"], "MODE": mode}})
    with pytest.raises(ConfigurationError) as error:
        accounts.get("stripe")
    assert error.value.code == "invalid_mode"


# -- fails closed -----------------------------------------------------------------------------------------------------

WRONG: dict[str, dict[str, object]] = {
    "empty webhook secret": {"WEBHOOK_SECRETS": [""]},
    "no webhook secret": {"WEBHOOK_SECRETS": []},
    "empty key": {"SECRET_KEY": ""},
    "live key in a test account": {"SECRET_KEY": "sk_live_canary"},
    "publishable key as secret": {"SECRET_KEY": "pk_test_canary"},
    "test key in a live account": {"MODE": "live", "API_BASE": "https://api.stripe.com"},
    "live account at a sandbox": {"MODE": "live", "SECRET_KEY": "sk_live_canary", "PUBLISHABLE_KEY": ""},
    "no TLS": {"API_BASE": "http://api.stripe.com"},
    "unknown key": {"SECRET": "canary"},
    "unknown provider": {"PROVIDER": "strip"},
    "no provider": {"PROVIDER": ""},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_configuration_refuses_payments_and_notices(
    change: Change, hub: dict[str, Any], sandbox: SandboxClient, name: str
) -> None:
    """I22."""
    body = world.notice("payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent"})
    change(ACCOUNTS={"stripe": {**hub["ACCOUNTS"]["stripe"], **WRONG[name]}})
    for step in (world.pay, lambda: inbox.receive(accounts.get("stripe"), body, world.signed(body, ""))):
        with pytest.raises(ConfigurationError) as error:
            step()
        assert "canary" not in str(error.value)
    assert sandbox.calls() == []


def test_an_account_that_changes_its_mode_sends_nothing_of_the_other_one(
    sandbox: SandboxClient, settings: Any, hub: dict[str, Any]
) -> None:
    """S23: play money that was held is not captured with the live key."""
    payment = world.authorize()
    world.configure(
        settings,
        hub,
        MODE="live",
        SECRET_KEY="sk_live_x",
        PUBLISHABLE_KEY="",
        API_BASE="https://api.stripe.invalid",
    )
    calls = len(sandbox.calls())
    row = payments.capture(payment.pk)
    operation = world.only_operation(payment, "capture")
    assert (operation.state, operation.error_code) == ("created", "mode_mismatch")
    assert (len(sandbox.calls()), row.captured_minor) == (calls, 0)
    world.configure(settings, hub)
    world.converge()
    assert world.fresh(payment).captured_minor == 1000


def test_two_accounts_of_one_provider_do_not_see_each_others_payments(
    sandbox: SandboxClient, settings: Any, hub: dict[str, Any]
) -> None:
    one = hub["ACCOUNTS"]["stripe"]
    settings.PAYMENTS_HUB = {**hub, "ACCOUNTS": {"stripe": one, "other": {**one, "SECRET_KEY": "sk_test_other"}}}
    first = world.pay()
    second = payments.create(
        NewPayment(account="other", amount="7.00", currency="USD", flow=Flow.TOKEN, method_token="pm_card_visa")
    )
    assert (first.status, second.status) == (PaymentStatus.COMPLETED, PaymentStatus.COMPLETED)
    assert len(sandbox.ledger()["payments"]) == 2
    # a notice of the one account about a payment of the other matches nothing
    fact = world.captured_fact(second)
    assert facts.apply(fact, first.account, world.by_webhook(first.account)) is Verdict.UNMATCHED


# -- health -----------------------------------------------------------------------------------------------------------


def test_a_pause_ends_by_itself(sandbox: SandboxClient) -> None:
    row = world.account()
    accounts.pause(row, 3600)
    assert world.pay().status == PaymentStatus.PENDING
    ProviderAccount.objects.filter(pk=row.pk).update(paused_until=timezone.now() - timedelta(seconds=1))
    accounts.forget()
    assert world.pay().status == PaymentStatus.COMPLETED


def test_the_first_refusal_of_credentials_is_remembered_until_one_works() -> None:
    row = world.account()
    accounts.mark_unhealthy(row, "provider_misconfigured")
    since = world.account().unhealthy_since
    accounts.mark_unhealthy(row, "another")
    assert (world.account().unhealthy_since, world.account().unhealthy_code) == (since, "provider_misconfigured")
    accounts.mark_healthy(world.account())
    assert world.account().unhealthy_since is None
