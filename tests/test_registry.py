"""Providers are found by name and built once per account, process and configuration."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from django_payments_hub import registry
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.provider_kit.base import BaseProvider
from django_payments_hub.provider_kit.types import AccountConfig

CONFIG = AccountConfig(
    alias="shop",
    provider="stripe",
    mode=Mode.TEST,
    values={"SECRET_KEY": "sk_test_canary", "WEBHOOK_SECRETS": ["whsec_canary"]},
)


@pytest.fixture(autouse=True)
def _forget() -> None:
    registry.forget()


def test_a_shipped_provider_has_a_short_name_and_a_third_partys_its_path() -> None:
    short, path = registry.provider_class("stripe"), registry.provider_class("django_payments_hub.providers.stripe")
    assert short is path
    assert issubclass(short, BaseProvider)


@pytest.mark.parametrize(
    "name",
    ["", "strip", "os", "os.path", "django_payments_hub.provider_kit.base", "a b", "..", "x" * 300, "collections"],
)
def test_what_is_no_provider_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        registry.provider_class(name)
    assert error.value.code == "unknown_provider"


def test_an_account_is_built_once() -> None:
    assert registry.build(CONFIG) is registry.build(replace(CONFIG))


def test_a_changed_configuration_builds_it_anew() -> None:
    before = registry.build(CONFIG)
    values = {**CONFIG.values, "SECRET_KEY": "sk_test_other"}
    assert registry.build(replace(CONFIG, values=values)) is not before


def test_another_account_of_the_same_provider_is_another_one() -> None:
    assert registry.build(CONFIG) is not registry.build(replace(CONFIG, alias="other"))


def test_another_process_builds_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    before, pid = registry.build(CONFIG), os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    assert registry.build(CONFIG) is not before


def test_a_configuration_that_cannot_work_is_not_kept() -> None:
    wrong = replace(CONFIG, values={"SECRET_KEY": "sk_test_canary"})
    for _ in range(2):
        with pytest.raises(ConfigurationError) as error:
            registry.build(wrong)
        assert "canary" not in str(error.value)
    assert registry.build(CONFIG).account == CONFIG


def test_keys_never_show_in_a_repr() -> None:
    built = registry.build(CONFIG)
    assert "canary" not in repr(built.config) + repr(built.account) + repr(CONFIG)
