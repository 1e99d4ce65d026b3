"""Mix-ups in the configuration are refused when the provider is built, and no message shows a secret."""

from __future__ import annotations

from typing import Any

import pytest

from django_payments_hub.domain.money import MAX_MINOR
from django_payments_hub.domain.statuses import CaptureMethod, Flow, Mode
from django_payments_hub.exceptions import ConfigurationError, Refused, Unsupported
from django_payments_hub.provider_kit.reading import Unreadable
from django_payments_hub.providers.paypal import Provider
from django_payments_hub.providers.paypal.amounts import CURRENCIES, from_wire, to_wire
from tests.providers.paypal.harness import account, pay_request

PEM = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"
LOOPBACK: dict[str, Any] = {"API_BASE": "http://127.0.0.1:1/paypal"}


@pytest.mark.parametrize(
    ("mode", "values", "base"),
    [
        (Mode.TEST, {}, "https://api-m.sandbox.paypal.com"),
        (Mode.LIVE, {}, "https://api-m.paypal.com"),
        (Mode.TEST, LOOPBACK, "http://127.0.0.1:1/paypal"),
        (Mode.TEST, {"API_BASE": "http://localhost:1/paypal/"}, "http://localhost:1/paypal"),
        (Mode.TEST, {"API_BASE": "https://egress.example/paypal"}, "https://egress.example/paypal"),
        (Mode.LIVE, {"API_BASE": "https://api.paypal.com"}, "https://api.paypal.com"),
        (Mode.TEST, {"WEBHOOK_VERIFICATION": "postback"}, "https://api-m.sandbox.paypal.com"),
        (Mode.TEST, {"BRAND_NAME": "Tea & Co"}, "https://api-m.sandbox.paypal.com"),
    ],
)
def test_a_right_configuration_is_taken(mode, values, base):
    assert Provider(account(mode=mode, **values))._api.base == base


@pytest.mark.parametrize(
    ("mode", "values", "code"),
    [
        (Mode.LIVE, LOOPBACK, "mode_mismatch"),
        (Mode.LIVE, {"API_BASE": "https://localhost"}, "mode_mismatch"),
        (Mode.LIVE, {"API_BASE": "https://api-m.sandbox.paypal.com"}, "mode_mismatch"),
        (Mode.LIVE, {"API_BASE": "https://api.sandbox.paypal.com/"}, "mode_mismatch"),
        (Mode.TEST, {"API_BASE": "https://api-m.paypal.com"}, "mode_mismatch"),
        (Mode.TEST, {"API_BASE": "https://api.paypal.com"}, "mode_mismatch"),
        (Mode.TEST, {"API_BASE": "http://api-m.sandbox.paypal.com"}, "insecure_api_base"),
        (Mode.LIVE, {"API_BASE": "http://proxy.example"}, "insecure_api_base"),
        (Mode.TEST, {"API_BASE": "https://user:canary@api.example"}, "invalid_account_value"),
        (Mode.TEST, {"API_BASE": 5}, "invalid_account_value"),
        (Mode.TEST, {"CLIENT_ID": "canary\n"}, "invalid_account_value"),
        (Mode.TEST, {"CLIENT_ID": "a:canary"}, "invalid_account_value"),
        (Mode.TEST, {"CLIENT_SECRET": "canary canary"}, "invalid_account_value"),
        (Mode.TEST, {"CLIENT_SECRET": ""}, "invalid_account_value"),
        (Mode.TEST, {"CLIENT_SECRET": None}, "missing_account_key"),
        (Mode.TEST, {"WEBHOOK_IDS": None}, "missing_account_key"),
        (Mode.TEST, {"WEBHOOK_IDS": []}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_IDS": "WHcanary"}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_IDS": ["WH|canary"]}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_IDS": [""]}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_VERIFICATION": "off"}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_VERIFICATION": False}, "invalid_account_value"),
        (Mode.TEST, {"BRAND_NAME": "x" * 128}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_INTERMEDIATES": PEM}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_INTERMEDIATES": "canary"}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_INTERMEDIATES": 5}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_ROOT_CERTIFICATE": "canary"}, "invalid_account_value"),
        (Mode.TEST, {"WEBHOOK_SECRETS": ["canary"]}, "unknown_account_key"),
    ],
)
def test_a_wrong_configuration_is_refused_without_showing_it(mode, values, code):
    with pytest.raises(ConfigurationError) as caught:
        Provider(account(mode=mode, **values))
    assert caught.value.code == code
    assert "canary" not in str(caught.value)


def test_an_authority_of_ones_own_is_for_the_sandbox_on_this_machine_alone(sandbox):
    root: dict[str, Any] = {"WEBHOOK_ROOT_CERTIFICATE": sandbox.settings("paypal")["WEBHOOK_ROOT_CERTIFICATE"]}
    assert Provider(account(**LOOPBACK, **root)).check() == []
    for mode, base in (
        (Mode.TEST, ""),
        (Mode.LIVE, ""),
        (Mode.TEST, "https://egress.example"),
        (Mode.LIVE, "https://egress.example"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            Provider(account(mode=mode, API_BASE=base, **root))
        assert caught.value.code == "foreign_root_certificate"


def test_what_is_doubtful_is_told():
    assert len(Provider(account(WEBHOOK_VERIFICATION="postback", **LOOPBACK)).check()) == 2
    assert Provider(account()).check() == []


def test_a_browser_sees_the_client_id_alone():
    assert Provider(account()).public_values() == {"client_id": "hub-client"}


@pytest.mark.parametrize(
    ("minor", "currency", "value"),
    [
        (1, "USD", "0.01"),
        (1250, "EUR", "12.50"),
        (500, "JPY", "500"),
        (500_00, "HUF", "500"),
        (1_00, "TWD", "1"),
        (MAX_MINOR, "USD", "10000000000000.00"),
    ],
)
def test_amounts_are_sent_as_paypal_writes_them(minor, currency, value):
    sent = to_wire(minor, currency)
    assert sent == {"currency_code": currency, "value": value}
    assert from_wire({"amount": sent}) == (minor, currency)


@pytest.mark.parametrize("currency", ["HUF", "TWD"])
def test_an_amount_that_paypal_cannot_express_is_refused(currency):
    with pytest.raises(Refused) as caught:
        to_wire(100_50, currency)
    assert caught.value.code == "invalid_amount"


@pytest.mark.parametrize(
    ("currency", "value", "minor"), [("HUF", "500.00", 50000), ("JPY", "500.00", 500), ("USD", "7", 700)]
)
def test_amounts_are_read_however_many_zeros_they_have(currency, value, minor):
    assert from_wire({"amount": {"currency_code": currency, "value": value}})[0] == minor


@pytest.mark.parametrize(
    "money",
    [
        None,
        {},
        {"currency_code": "USD"},
        {"currency_code": "XXY", "value": "1"},
        {"currency_code": "usd!", "value": "1"},
        *(
            {"currency_code": "USD", "value": v}
            for v in (7.5, True, "", "-1", "1e5", "1.005", "1,00", "NaN", "\uff11", " 1")
        ),
        {"currency_code": "JPY", "value": "1.5"},
        {"currency_code": "USD", "value": "9" * 18},
    ],
)
def test_an_amount_that_is_none_is_unreadable(money):
    with pytest.raises(Unreadable):
        from_wire({"amount": money})


def test_currencies_are_those_of_paypals_list():
    provider = Provider(account())
    assert len(CURRENCIES) == 24
    for currency in ("KWD", "PKR", "INR", "RUB"):
        with pytest.raises(Unsupported) as caught:
            provider.supports(flow=Flow.HOSTED, currency=currency, capture_method=CaptureMethod.AUTOMATIC)
        assert caught.value.code == "unsupported_currency"
    with pytest.raises(Unsupported):
        provider.supports(flow=Flow.CLIENT, currency="USD", capture_method=CaptureMethod.AUTOMATIC)


def test_an_amount_that_cannot_be_expressed_never_leaves_this_machine(paypal, sandbox):
    with pytest.raises(Refused):
        paypal.pay(pay_request(currency="HUF", amount_minor=100_50))
    assert not sandbox.calls()
