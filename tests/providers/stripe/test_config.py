"""Mix-ups in the configuration are refused when the provider is built, and no message shows a secret."""

from __future__ import annotations

import pytest

from django_payments_hub.domain.money import MAX_MINOR
from django_payments_hub.domain.statuses import CaptureMethod, Flow, Mode
from django_payments_hub.exceptions import ConfigurationError, Refused, Unsupported
from django_payments_hub.provider_kit.reading import Unreadable
from django_payments_hub.providers.stripe import Provider
from django_payments_hub.providers.stripe.amounts import from_wire, to_wire
from tests.providers.stripe.harness import account, pay_request

LIVE = {"SECRET_KEY": "sk_live_hub", "PUBLISHABLE_KEY": "pk_live_hub"}


@pytest.mark.parametrize(
    ("mode", "values"),
    [
        (Mode.TEST, {}),
        (Mode.TEST, {"SECRET_KEY": "rk_test_abc"}),
        (Mode.TEST, {"PUBLISHABLE_KEY": None}),
        (Mode.TEST, {"API_BASE": "http://127.0.0.1:1/stripe"}),
        (Mode.TEST, {"API_BASE": "http://localhost:1/stripe/"}),
        (Mode.TEST, {"API_BASE": "http://[::1]:1"}),
        (Mode.TEST, {"API_BASE": "https://egress.example/stripe"}),
        (Mode.TEST, {"API_VERSION": "2023-08-16"}),
        (Mode.LIVE, LIVE),
        (Mode.LIVE, {**LIVE, "SECRET_KEY": "sk_org_live_abc"}),
    ],
)
def test_a_right_configuration_is_taken(mode, values):
    assert Provider(account(mode=mode, **values)).config.webhook_secrets == ("whsec_one", "whsec_two")


@pytest.mark.parametrize(
    ("mode", "values", "code"),
    [
        (Mode.TEST, {"SECRET_KEY": "sk_live_canary"}, "mode_mismatch"),
        (Mode.TEST, {"SECRET_KEY": "rk_live_canary"}, "mode_mismatch"),
        (Mode.TEST, {"PUBLISHABLE_KEY": "pk_live_canary"}, "mode_mismatch"),
        (Mode.LIVE, {}, "mode_mismatch"),
        (Mode.LIVE, {**LIVE, "SECRET_KEY": "sk_test_canary"}, "mode_mismatch"),
        (Mode.LIVE, {**LIVE, "PUBLISHABLE_KEY": "pk_test_canary"}, "mode_mismatch"),
        (Mode.LIVE, {**LIVE, "API_BASE": "http://127.0.0.1:1/stripe"}, "mode_mismatch"),
        (Mode.LIVE, {**LIVE, "API_BASE": "https://localhost:1/stripe"}, "mode_mismatch"),
        (Mode.LIVE, {**LIVE, "API_BASE": "https://127.8.8.8"}, "mode_mismatch"),
        (Mode.LIVE, {**LIVE, "API_BASE": "http://api.stripe.com"}, "insecure_api_base"),
        (Mode.TEST, {"API_BASE": "http://sandbox.example"}, "insecure_api_base"),
        (Mode.TEST, {"API_BASE": "http://localhost.evil.example"}, "insecure_api_base"),
        (Mode.TEST, {"API_BASE": "ftp://127.0.0.1"}, "invalid_account_value"),
        (Mode.TEST, {"API_BASE": "https://user:canary@api.stripe.com"}, "invalid_account_value"),
        (Mode.TEST, {"API_BASE": "https://api.stripe.com/?x=1"}, "invalid_account_value"),
        (Mode.TEST, {"API_BASE": "https://api.stripe.com:x"}, "invalid_account_value"),
        (Mode.TEST, {"API_BASE": 5}, "invalid_account_value"),
        (Mode.TEST, {"SECRET_KEY": "canary"}, "invalid_account_value"),
        (Mode.TEST, {"SECRET_KEY": "sk_test_canary\n"}, "invalid_account_value"),
        (Mode.TEST, {"SECRET_KEY": "pk_test_canary"}, "invalid_account_value"),
        (Mode.TEST, {"SECRET_KEY": None}, "missing_account_key"),
        (Mode.TEST, {"PUBLISHABLE_KEY": "sk_test_canary"}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_SECRETS": []}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_SECRETS": ["whsec_canary", ""]}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_SECRETS": ["whsec_canary", "  "]}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_SECRETS": ["whsec_canary", None]}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_SECRETS": "whsec_canary"}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_SECRETS": None}, "missing_account_key"),
        (Mode.TEST, {"WEBHOOK_TOLERANCE_S": 0}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_TOLERANCE_S": -1}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_TOLERANCE_S": 10**9}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_TOLERANCE_S": True}, "invalid_account_value"),
        (Mode.TEST, {"API_VERSION": "latest"}, "invalid_account_value"),
        (Mode.TEST, {"API_VERSIONS": "2023-08-16"}, "unknown_account_key"),
    ],
)
def test_a_wrong_configuration_is_refused_without_showing_it(mode, values, code):
    with pytest.raises(ConfigurationError) as caught:
        Provider(account(mode=mode, **values))
    assert caught.value.code == code
    assert "canary" not in str(caught.value)


def test_secrets_show_in_no_repr():
    provider = Provider(account(SECRET_KEY="sk_test_canary", WEBHOOK_SECRETS=["whsec_canary"]))
    assert "canary" not in repr((provider, provider.config, provider.account, provider.__dict__))


def test_browsers_see_the_publishable_key_alone():
    assert Provider(account()).public_values() == {"publishable_key": "pk_test_hub"}


def test_doubts_are_told():
    assert Provider(account()).check() == []
    doubts = Provider(account(PUBLISHABLE_KEY=None, API_VERSION="2023-08-16")).check()
    assert [doubt.split(" ")[0] for doubt in doubts] == ["PUBLISHABLE_KEY", "API_VERSION"]


def test_the_client_flow_needs_the_publishable_key():
    with_key, without = Provider(account()), Provider(account(PUBLISHABLE_KEY=None))
    with_key.supports(flow=Flow.CLIENT, currency="USD", capture_method=CaptureMethod.MANUAL)
    with pytest.raises(Unsupported) as caught:
        without.supports(flow=Flow.CLIENT, currency="USD", capture_method=CaptureMethod.MANUAL)
    assert caught.value.code == "unsupported_flow"


@pytest.mark.parametrize(
    ("minor", "currency", "wire"),
    [(1250, "USD", 1250), (500, "JPY", 500), (5, "ISK", 500), (5, "UGX", 500), (500, "MGA", 5), (5120, "KWD", 5120)],
)
def test_amounts_are_counted_as_stripe_counts_them(minor, currency, wire):
    assert to_wire(minor, currency) == wire
    assert from_wire(wire, currency) == minor
    assert from_wire(to_wire(MAX_MINOR, currency), currency) == MAX_MINOR


@pytest.mark.parametrize(("minor", "currency"), [(5123, "KWD"), (550, "MGA")])
def test_an_amount_that_stripe_cannot_express_is_refused_before_any_call(minor, currency):
    with pytest.raises(Refused) as caught:
        Provider(account(API_BASE="http://127.0.0.1:1")).pay(pay_request(amount_minor=minor, currency=currency))
    assert caught.value.code == "invalid_amount"


def test_decimals_that_a_currency_has_not_are_unreadable():
    with pytest.raises(Unreadable):
        from_wire(501, "ISK")
