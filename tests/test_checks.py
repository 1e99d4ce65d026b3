"""The system checks name what is wrong in PAYMENTS_HUB, under their ids, and are silent about what is right."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks

from django_payments_hub.testing.sandbox import SandboxProcess

LIVE = {"SECRET_KEY": "sk_live_canary0", "PUBLISHABLE_KEY": "pk_live_canary0", "MODE": "live"}


def found(*, deploy: bool = False) -> dict[str, str]:
    """What the checks of the hub say, by id."""
    messages = run_checks(tags=["payments_hub"], include_deployment_checks=deploy)
    return {message.id or "": f"{message.msg} {message.hint or ''}" for message in messages}


@pytest.fixture
def change(settings: Any) -> Any:
    def change(**values: object) -> None:
        settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, **values}

    return change


def account(**values: object) -> dict[str, object]:
    return {**django_settings.PAYMENTS_HUB["ACCOUNTS"]["stripe"], **values}


def test_the_settings_of_the_tests_have_nothing_wrong() -> None:
    assert found() == {}


@pytest.mark.parametrize("rate", ["20/hour", "1/s", "300/min", "5/day", "", None])
def test_a_rate_in_the_grammar_of_drf_is_fine(change: Any, rate: object) -> None:
    change(THROTTLES={"payments_order": rate})
    assert found() == {}


@pytest.mark.parametrize("rate", ["20 an hour", "20", "/hour", "20/", "20/fortnight", "-1/min", "1.5/min", 20, ["1/s"]])
def test_a_rate_that_is_none_is_named(change: Any, rate: object) -> None:
    change(THROTTLES={"payments_order": rate})
    (said,) = found().items()
    assert said[0] == "payments_hub.E008"
    assert "payments_order" in said[1]
    assert repr(rate) in said[1]


def test_an_unknown_scope_of_the_throttles_is_named_with_the_known_ones(change: Any) -> None:
    change(THROTTLES={"payment_order": "20/hour"})
    assert list(found()) == ["payments_hub.E009"]
    assert "'payment_order'" in found()["payments_hub.E009"]
    assert "payments_order" in found()["payments_hub.E009"]


@pytest.mark.parametrize("alias", ["shop one", "shop/1", "", "läden", "a" * 51])
def test_an_alias_that_cannot_stand_in_an_address_is_named(change: Any, alias: str) -> None:
    change(ACCOUNTS={alias: account()})
    assert list(found()) == ["payments_hub.E010"]
    assert repr(alias) in found()["payments_hub.E010"]


@pytest.mark.parametrize("alias", ["Shop_1-eu", "a" * 50])
def test_a_slug_is_fine_as_an_alias(change: Any, alias: str) -> None:
    change(ACCOUNTS={alias: account()})
    assert found() == {}


def test_a_national_id_needs_a_key_to_be_kept_under(change: Any, sandbox_process: SandboxProcess) -> None:
    known = sandbox_process.client.settings("jazzcash")
    wallet = {"PROVIDER": "jazzcash", "MODE": "test", **known, "WALLET_VERSION": "2.0"}
    change(ACCOUNTS={"wallet": wallet})
    assert "payments_hub.W008" not in found(deploy=True)
    change(ACCOUNTS={"wallet": wallet}, ENCRYPTION_KEYS=[])
    assert "payments_hub.W008" in found(deploy=True)
    change(ACCOUNTS={"wallet": {**wallet, "WALLET_VERSION": "1.1"}}, ENCRYPTION_KEYS=[])
    assert "payments_hub.W008" not in found(deploy=True)


def test_test_accounts_beside_live_ones_are_named_before_the_deployment(change: Any) -> None:
    # given an active account of each mode
    change(ACCOUNTS={"main": account(**LIVE), "trial": account(), "old": account(ACTIVE=False)})
    # then the one that customers are refused is named, and that before a deployment alone
    assert "test accounts are active: trial." in found(deploy=True)["payments_hub.W007"]
    assert "payments_hub.W007" not in found()


@pytest.mark.parametrize(
    "accounts", [{"trial": {}, "second": {}}, {"main": LIVE}, {"main": LIVE, "trial": {"ACTIVE": False}}]
)
def test_accounts_of_one_mode_are_no_mix(change: Any, accounts: dict[str, dict[str, object]]) -> None:
    change(ACCOUNTS={alias: account(**values) for alias, values in accounts.items()})
    assert "payments_hub.W007" not in found(deploy=True)


# -- the other ids ----------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[str, dict[str, object]]] = {
    "a key nobody knows": ("payments_hub.E001", {"ACOUNTS": {}}),
    "a value of another type": ("payments_hub.E001", {"RETURN_HOSTS": "shop.example.com"}),
    "an account that is no dictionary": ("payments_hub.E001", {"ACCOUNTS": {"stripe": "sk_test_canary"}}),
    "an order model that is not installed": ("payments_hub.E002", {"ORDER_MODEL": "shop.Nothing"}),
    "an order model that is no name": ("payments_hub.E002", {"ORDER_MODEL": "Order"}),
    "an order model that cannot be paid": ("payments_hub.E003", {"ORDER_MODEL": "shop.Product"}),
    "a provider nobody knows": ("payments_hub.E004", {"ACCOUNTS": {"a": {"PROVIDER": "strip", "MODE": "test"}}}),
    "no provider": ("payments_hub.E004", {"ACCOUNTS": {"a": {"MODE": "test"}}}),
    "no mode": ("payments_hub.E004", {"ACCOUNTS": {"a": {"PROVIDER": "stripe"}}}),
    "no keys": ("payments_hub.E004", {"ACCOUNTS": {"a": {"PROVIDER": "stripe", "MODE": "test"}}}),
    "a sweep too seldom": ("payments_hub.E005", {"SWEEP_INTERVAL_S": 61}),
    "no sweep": ("payments_hub.E005", {"SWEEP_INTERVAL_S": 0}),
    "no notice is read": ("payments_hub.E006", {"WEBHOOK_MAX_BYTES": 0}),
    "no request is read": ("payments_hub.E006", {"API_MAX_BYTES": -1}),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_work_is_an_error_of_its_own_id(change: Any, name: str) -> None:
    expected, values = WRONG[name]
    change(**values)
    assert set(found()) == {expected}


@pytest.mark.parametrize(
    "secrets",
    [{"WEBHOOK_SECRETS": [""]}, {"WEBHOOK_SECRETS": []}, {"SECRET_KEY": ""}, {"SECRET_KEY": "sk_live_canary"}],
    ids=["empty webhook secret", "no webhook secret", "empty key", "key of the other mode"],
)
def test_an_account_that_would_accept_anything_stops_the_start_and_shows_no_key(
    change: Any, secrets: dict[str, object]
) -> None:
    """I22."""
    change(ACCOUNTS={"stripe": account(**secrets)})
    messages = found()
    assert set(messages) == {"payments_hub.E004"}
    assert "canary" not in str(messages)


def test_sqlite_without_immediate_transactions_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """I24: Django drops `select_for_update` there without a word."""
    options = {"transaction_mode": "DEFERRED"}
    # put into the dictionary that is there: Django warns of another one, since connections would not follow it
    monkeypatch.setitem(
        django_settings.DATABASES, "other", {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": options}
    )
    assert set(found()) == {"payments_hub.E007"}
    options["transaction_mode"] = "IMMEDIATE"
    assert found() == {}
    del django_settings.DATABASES["other"]["OPTIONS"]
    assert set(found()) == {"payments_hub.E007"}


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        ("payments_hub.W001", {"PUBLIC_URL": ""}),
        ("payments_hub.W002", {"PUBLIC_URL": "http://shop.example.com", "ACCOUNTS": {"a": {**LIVE}}}),
        ("payments_hub.W003", {"RETURN_HOSTS": []}),
        ("payments_hub.W006", {"ACCOUNTS": {"stripe": {"PUBLISHABLE_KEY": ""}}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_for_real_customers_is_a_warning_of_its_own_id(
    change: Any, expected: str, values: dict[str, Any]
) -> None:
    accounts = values.get("ACCOUNTS")
    if accounts:
        live = {"API_BASE": "https://api.stripe.com"} if "a" in accounts else {}
        values = {**values, "ACCOUNTS": {alias: account(**known, **live) for alias, known in accounts.items()}}
    assert expected not in found(deploy=True)
    change(**values)
    assert found() == {}
    assert expected in found(deploy=True)


def test_eager_tasks_and_a_sweeper_nobody_schedules_are_warnings() -> None:
    from celery import current_app

    assert not {"payments_hub.W004", "payments_hub.W005"} & set(found(deploy=True))
    conf: Any = current_app.conf
    before = conf.task_always_eager, conf.beat_schedule
    conf.task_always_eager, conf.beat_schedule = True, {}
    try:
        assert {"payments_hub.W004", "payments_hub.W005"} <= set(found(deploy=True))
    finally:
        conf.task_always_eager, conf.beat_schedule = before


def test_settings_that_cannot_be_read_are_named_once(change: Any) -> None:
    change(ACOUNTS={})
    assert set(found(deploy=True)) == {"payments_hub.E001"}
