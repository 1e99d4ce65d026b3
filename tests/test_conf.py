"""`PAYMENTS_HUB`: typed, read when used; what is unknown or malformed is an error that names the way out."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from django_payments_hub.conf import HubSettings, beat_schedule, hub_settings, parse_settings
from django_payments_hub.exceptions import ConfigurationError

CANARY = "sk_test_canary"


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("ACOUNTS", "ACCOUNTS"),
        ("accounts", "ACCOUNTS"),
        ("ORDER_MODLE", "ORDER_MODEL"),
        ("WEBHOOK_MAXBYTES", "WEBHOOK_MAX_BYTES"),
        ("SWEEP_INTERVALL", "SWEEP_INTERVAL_S"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one(key: str, nearest: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_settings({key: CANARY})
    assert error.value.code == "unknown_setting"
    assert error.value.details == {"key": key, "nearest": nearest}
    assert f"Did you mean {nearest!r}?" in error.value.message
    assert CANARY not in str(error.value)


def test_a_key_like_none_known_is_still_named() -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_settings({"XYZZY": 1})
    assert error.value.details == {"key": "XYZZY", "nearest": ""}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ORDER_MODEL", 3),
        ("ACCOUNTS", []),
        ("ACCOUNTS", {"stripe": "sk_test_canary"}),
        ("ACCOUNTS", {"stripe": None}),
        ("RETURN_HOSTS", "shop.example.com"),
        ("ENCRYPTION_KEYS", "sk_test_canary"),
        ("SWEEP_INTERVAL_S", "20"),
        ("SWEEP_INTERVAL_S", True),
        ("SWEEP_INTERVAL_S", 2.5),
        ("RETRY_BASE_S", True),
        ("IDEMPOTENCY_KEY_REQUIRED", 1),
        ("THROTTLES", "none"),
        ("API_PAGE_SIZE", None),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_without_showing_it(key: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_settings({key: value})
    assert error.value.code == "invalid_setting"
    assert key in error.value.message
    assert "canary" not in str(error.value)


@pytest.mark.parametrize("raw", [None, [], "x", 3])
def test_the_setting_itself_is_a_dictionary(raw: object) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_settings(raw)
    assert error.value.code == "invalid_setting"


def test_lists_become_tuples_and_whole_seconds_floats() -> None:
    known = parse_settings({"RETURN_HOSTS": ["a", "b"], "RETRY_BASE_S": 3, "ENCRYPTION_KEYS": ("k",)})
    assert (known.return_hosts, known.retry_base_s, known.encryption_keys) == (("a", "b"), 3.0, ("k",))
    assert isinstance(known.retry_base_s, float)


def test_a_throttle_given_leaves_the_others_as_they_are() -> None:
    known = parse_settings({"THROTTLES": {"payments_read": "1/min"}})
    assert known.throttles["payments_read"] == "1/min"
    assert known.throttles["payments_write"] == HubSettings().throttles["payments_write"]


def test_settings_are_read_when_used(settings: Any) -> None:
    settings.PAYMENTS_HUB = {"API_PAGE_SIZE": 7}
    assert hub_settings().api_page_size == 7
    settings.PAYMENTS_HUB = {"API_PAGE_SIZE": 8}
    assert hub_settings().api_page_size == 8
    del settings.PAYMENTS_HUB
    assert hub_settings() == HubSettings()


def test_an_account_never_shows_its_keys_in_a_repr() -> None:
    known = parse_settings({"ACCOUNTS": {"stripe": {"PROVIDER": "stripe", "SECRET_KEY": CANARY}}})
    assert CANARY not in repr(known)
    assert CANARY not in repr(known.accounts)
    assert known.accounts["stripe"]["SECRET_KEY"] == CANARY


def test_every_setting_says_what_it_is_for() -> None:
    assert [f.name for f in fields(HubSettings) if not f.metadata.get("help", "").endswith(".")] == []


def test_the_beat_schedule_sweeps_at_least_once_a_minute() -> None:
    [entry] = beat_schedule().values()
    assert entry["task"] == "django_payments_hub.tasks.sweep"
    assert 0 < entry["schedule"].total_seconds() <= 60
