"""Mix-ups in the configuration are refused when the provider is built, and no message shows a secret."""

from __future__ import annotations

import pytest

from django_payments_hub.domain.statuses import CaptureMethod, Flow, Mode
from django_payments_hub.exceptions import ConfigurationError, Refused, Unsupported
from django_payments_hub.providers.square import Provider
from django_payments_hub.providers.square.config import base_address
from tests.providers.square.harness import account, pay_request

LIVE = {"APPLICATION_ID": "sq0idp-hub"}


@pytest.mark.parametrize(
    ("mode", "values"),
    [
        (Mode.TEST, {}),
        (Mode.TEST, {"APPLICATION_ID": None}),
        (Mode.TEST, {"API_BASE": "http://127.0.0.1:1/square"}),
        (Mode.TEST, {"API_BASE": "https://connect.squareupsandbox.com"}),
        (Mode.TEST, {"API_VERSION": "2024-01-18", "MERCHANT_ID": "MLEFBHHSJGVHD"}),
        (Mode.TEST, {"WEBHOOK_URL": "https://tunnel.example/square"}),
        (Mode.LIVE, LIVE),
        (Mode.LIVE, {**LIVE, "API_BASE": "https://connect.squareup.com/"}),
    ],
)
def test_a_right_configuration_is_taken(mode, values):
    assert Provider(account(mode=mode, **values)).config.webhook_secrets == ("key-one", "key-two")


@pytest.mark.parametrize(
    ("mode", "values", "code"),
    [
        (Mode.TEST, {"APPLICATION_ID": "sq0idp-canary"}, "mode_mismatch"),
        (Mode.LIVE, {"APPLICATION_ID": "sandbox-sq0idb-canary"}, "mode_mismatch"),
        (Mode.TEST, {"API_BASE": "https://connect.squareup.com"}, "mode_mismatch"),
        (Mode.LIVE, {**LIVE, "API_BASE": "https://connect.squareupsandbox.com"}, "mode_mismatch"),
        (Mode.LIVE, {**LIVE, "API_BASE": "http://127.0.0.1:1"}, "mode_mismatch"),
        (Mode.LIVE, {**LIVE, "API_BASE": "http://egress.example"}, "insecure_api_base"),
        (Mode.TEST, {"API_BASE": "http://localhost.evil.example"}, "insecure_api_base"),
        (Mode.TEST, {"API_BASE": "https://user:canary@connect.squareupsandbox.com"}, "invalid_account_value"),
        (Mode.TEST, {"API_BASE": 5}, "invalid_account_value"),
        (Mode.TEST, {"ACCESS_TOKEN": "canary"}, "invalid_account_value"),
        (Mode.TEST, {"ACCESS_TOKEN": "EAAA canary canary"}, "invalid_account_value"),
        (Mode.TEST, {"ACCESS_TOKEN": "EAAAcanarycanary\n"}, "invalid_account_value"),
        (Mode.TEST, {"ACCESS_TOKEN": None}, "missing_account_key"),
        (Mode.TEST, {"LOCATION_ID": None}, "missing_account_key"),
        (Mode.TEST, {"LOCATION_ID": "L1/../x"}, "invalid_account_value"),
        (Mode.TEST, {"LOCATION_ID": ""}, "invalid_account_value"),
        (Mode.TEST, {"MERCHANT_ID": "a b"}, "invalid_account_value"),
        (Mode.TEST, {"APPLICATION_ID": "app"}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_SECRETS": []}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_SECRETS": ["canary", ""]}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_SECRETS": "canary"}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_SECRETS": None}, "missing_account_key"),
        (Mode.TEST, {"WEBHOOK_URL": "shop.example"}, "invalid_account_value"),
        (Mode.TEST, {"API_VERSION": "latest"}, "invalid_account_value"),
        (Mode.TEST, {"TOKEN": "canary"}, "unknown_account_key"),
    ],
)
def test_a_wrong_configuration_is_refused_without_showing_it(mode, values, code):
    with pytest.raises(ConfigurationError) as caught:
        Provider(account(mode=mode, **values))
    assert caught.value.code == code
    assert "canary" not in str(caught.value)


def test_secrets_show_in_no_repr():
    provider = Provider(account(ACCESS_TOKEN="EAAAcanarycanary", WEBHOOK_SECRETS=["canary"]))
    assert "canary" not in repr((provider, provider.config, provider.account, provider.__dict__))


def test_browsers_see_what_the_web_payments_sdk_needs():
    shown = Provider(account()).public_values()
    assert shown == {"application_id": "sandbox-sq0idb-hub", "location_id": "LHUB0001"}


@pytest.mark.parametrize(
    ("mode", "values", "base"),
    [
        (Mode.TEST, {}, "https://connect.squareupsandbox.com"),
        (Mode.LIVE, LIVE, "https://connect.squareup.com"),
        (Mode.TEST, {"API_BASE": "http://127.0.0.1:1/square/"}, "http://127.0.0.1:1/square"),
    ],
)
def test_the_address_follows_from_the_mode(mode, values, base):
    assert base_address(Provider(account(mode=mode, **values)).config, mode) == base


def test_doubts_are_told():
    assert Provider(account()).check() == []
    doubtful = Provider(account(APPLICATION_ID=None, API_VERSION="2024-01-18", webhook_url=""))
    assert [doubt.split(" ")[0] for doubt in doubtful.check()] == ["APPLICATION_ID", "neither", "API_VERSION"]


@pytest.mark.parametrize(
    ("flow", "currency", "capture_method", "code"),
    [
        (Flow.CLIENT, "USD", CaptureMethod.AUTOMATIC, "unsupported_flow"),
        (Flow.DIRECT, "USD", CaptureMethod.AUTOMATIC, "unsupported_flow"),
        (Flow.TOKEN, "KWD", CaptureMethod.AUTOMATIC, "unsupported_currency"),
        (Flow.HOSTED, "USD", CaptureMethod.MANUAL, "unsupported_capture_method"),
    ],
)
def test_what_square_cannot_do_is_refused_before_any_call(flow, currency, capture_method, code):
    nowhere = Provider(account(API_BASE="http://127.0.0.1:1"))
    with pytest.raises(Unsupported) as caught:
        nowhere.supports(flow=flow, currency=currency, capture_method=capture_method)
    assert caught.value.code == code
    with pytest.raises(Unsupported):
        nowhere.pay(pay_request(flow=flow, currency=currency, capture_method=capture_method))


@pytest.mark.parametrize("token", ["CASH", "EXTERNAL", "cash", "External", "", "cnon:a b", "cnon:\n", "x" * 16385])
def test_a_token_by_which_no_money_moves_is_refused_before_any_call(token):
    with pytest.raises(Refused) as caught:
        Provider(account(API_BASE="http://127.0.0.1:1")).pay(pay_request(token))
    assert caught.value.code == "invalid_token"
