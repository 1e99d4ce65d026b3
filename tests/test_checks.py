"""The system checks name what is wrong in PAYMENTS_HUB, under their ids, and are silent about what is right."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks

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
