"""Mix-ups in the configuration are refused when the provider is built, and no message shows a secret."""

from __future__ import annotations

from typing import Any

import pytest

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, Mode
from django_payments_hub.exceptions import ConfigurationError, Unsupported
from django_payments_hub.providers.jazzcash import Provider
from django_payments_hub.providers.jazzcash.config import addresses
from tests.providers.jazzcash.harness import RETURN_URL, account, pay_request

SANDBOX, LIVE = "https://sandbox.jazzcash.com.pk", "https://payments.jazzcash.com.pk"
PGW, ORCHESTRATOR = "https://pgw.jazzcash.com.pk", "https://onlinepayments.jazzcash.com.pk/payment-orchestrator"
LOOPBACK = "http://127.0.0.1:1/jazzcash"
ADDRESSES = [
    "API_BASE",
    "FORM_URL",
    "WALLET_URL",
    "WALLET_CNIC_URL",
    "INQUIRY_URL",
    "WALLET_REFUND_URL",
    "CARD_REFUND_URL",
]


@pytest.mark.parametrize(
    ("mode", "values"),
    [
        (Mode.TEST, {}),
        (Mode.TEST, {"MERCHANT_MPIN": None}),
        (Mode.TEST, {"MERCHANT_MPIN": ""}),
        (Mode.TEST, {"API_BASE": LOOPBACK}),
        (Mode.TEST, {"GENERATION": "pgw", "API_BASE": LOOPBACK}),
        (Mode.TEST, {"GENERATION": "orchestrator"}),
        (Mode.TEST, {"WALLET_VERSION": "2.0", "CARD_VERSION": "2.0", "SUB_MERCHANT_NAME": "Tea House"}),
        (Mode.TEST, {"RETURN_URL": "https://shop.example/back/", "BANK_ID": "TBANK", "PRODUCT_ID": "RETL"}),
        (Mode.TEST, {"EXPIRES_AFTER_HOURS": 72}),
        (Mode.LIVE, {}),
        (Mode.LIVE, {"GENERATION": "pgw"}),
        (Mode.LIVE, {"GENERATION": "orchestrator"}),
        (Mode.LIVE, {"API_BASE": "https://egress.example/jazzcash"}),
        (Mode.LIVE, {"GENERATION": "classic", "WALLET_URL": PGW + "/api/payment/DoTransaction"}),
    ],
)
def test_a_right_configuration_is_taken(mode, values):
    assert Provider(account(mode=mode, **values)).config.merchant_id


@pytest.mark.parametrize(
    ("mode", "values", "code"),
    [
        (Mode.TEST, {"API_BASE": LIVE}, "mode_mismatch"),
        (Mode.TEST, {"API_BASE": PGW}, "mode_mismatch"),
        (Mode.TEST, {"API_BASE": "https://PAYMENTS.jazzcash.com.pk"}, "mode_mismatch"),
        (Mode.TEST, {"API_BASE": "https://payments.jazzcash.com.pk./x"}, "mode_mismatch"),
        (Mode.LIVE, {"API_BASE": SANDBOX}, "mode_mismatch"),
        (Mode.LIVE, {"GENERATION": "pgw", "API_BASE": SANDBOX}, "mode_mismatch"),
        (Mode.LIVE, {"API_BASE": LOOPBACK}, "mode_mismatch"),
        (Mode.LIVE, {"API_BASE": "http://egress.example"}, "insecure_api_base"),
        (Mode.LIVE, {"RETURN_URL": "http://shop.example/back/"}, "insecure_api_base"),
        (Mode.LIVE, {"RETURN_URL": "http://127.0.0.1:8000/back/"}, "mode_mismatch"),
        (Mode.TEST, {"API_BASE": "http://localhost.evil.example"}, "insecure_api_base"),
        (Mode.TEST, {"API_BASE": "https://user:canary@sandbox.jazzcash.com.pk"}, "invalid_account_value"),
        (Mode.TEST, {"API_BASE": 5}, "invalid_account_value"),
        (Mode.TEST, {"GENERATION": "pgw"}, "missing_address"),
        (Mode.TEST, {"GENERATION": "newest"}, "invalid_account_value"),
        (Mode.TEST, {"GENERATION": ["classic"]}, "invalid_account_value"),
        (Mode.TEST, {"WALLET_VERSION": "3.0"}, "invalid_account_value"),
        (Mode.TEST, {"CARD_VERSION": "3.0"}, "invalid_account_value"),
        (Mode.TEST, {"MERCHANT_ID": "MC 25041"}, "invalid_account_value"),
        (Mode.TEST, {"MERCHANT_ID": None}, "missing_account_key"),
        (Mode.TEST, {"PASSWORD": "canary canary"}, "invalid_account_value"),
        (Mode.TEST, {"PASSWORD": None}, "missing_account_key"),
        (Mode.TEST, {"INTEGRITY_SALTS": "canary"}, "invalid_account_value"),
        (Mode.TEST, {"INTEGRITY_SALTS": ["canary", ""]}, "invalid_account_value"),
        (Mode.TEST, {"INTEGRITY_SALTS": []}, "invalid_account_value"),
        (Mode.TEST, {"INTEGRITY_SALTS": None}, "missing_account_key"),
        (Mode.TEST, {"MERCHANT_MPIN": "canary"}, "invalid_account_value"),
        (Mode.TEST, {"SUB_MERCHANT_NAME": "Tea & Co"}, "invalid_account_value"),
        (Mode.TEST, {"RETURN_URL": "shop.example"}, "invalid_account_value"),
        (Mode.TEST, {"EXPIRES_AFTER_HOURS": 0}, "invalid_account_value"),
        (Mode.TEST, {"EXPIRES_AFTER_HOURS": 2161}, "invalid_account_value"),
        (Mode.TEST, {"EXPIRES_AFTER_HOURS": True}, "invalid_account_value"),
        (Mode.TEST, {"INTEGRITY_SALT": "canary"}, "unknown_account_key"),
    ],
)
def test_a_wrong_configuration_is_refused_without_showing_it(mode, values, code):
    with pytest.raises(ConfigurationError) as caught:
        Provider(account(mode=mode, **values))
    assert caught.value.code == code
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("key", ADDRESSES)
def test_every_address_is_checked_by_itself_against_the_mode(key):
    for mode, other in ((Mode.TEST, LIVE), (Mode.TEST, PGW), (Mode.LIVE, SANDBOX), (Mode.LIVE, LOOPBACK)):
        given: dict[str, Any] = {key: other}
        with pytest.raises(ConfigurationError) as caught:
            Provider(account(mode=mode, **given))
        assert caught.value.code == "mode_mismatch"
    for insecure in ("http://jazzcash.example", "ftp://127.0.0.1/x"):
        given = {key: insecure}
        with pytest.raises(ConfigurationError):
            Provider(account(**given))


@pytest.mark.parametrize(
    ("mode", "generation", "base", "wallet", "inquiry"),
    [
        (
            Mode.TEST,
            "classic",
            SANDBOX,
            "/ApplicationAPI/API/Payment/DoTransaction",
            "/ApplicationAPI/API/PaymentInquiry",
        ),
        (Mode.LIVE, "classic", LIVE, "/ApplicationAPI/API/Payment/DoTransaction", "/ApplicationAPI/API/PaymentInquiry"),
        (Mode.LIVE, "pgw", PGW, "/api/payment/DoTransaction", "/ApplicationAPI/API/PaymentInquiry"),
        (Mode.TEST, "orchestrator", ORCHESTRATOR, "/api/v1/rest/payments/m-wallet", "/api/v1/rest/payments/status"),
        (Mode.LIVE, "orchestrator", ORCHESTRATOR, "/api/v1/rest/payments/m-wallet", "/api/v1/rest/payments/status"),
    ],
)
def test_generation_and_mode_say_where_jazzcash_is(mode, generation, base, wallet, inquiry):
    at = addresses(Provider(account(mode=mode, GENERATION=generation)).config, mode)
    assert at.wallet_url == base + wallet
    assert at.inquiry_url.startswith(base + inquiry)
    assert at.form_url == base + "/CustomerPortal/transactionmanagement/merchantform/"


def test_one_address_can_be_replaced_and_the_others_stay():
    own = "https://egress.example/wallet"
    at = addresses(Provider(account(WALLET_URL=own, API_BASE=LOOPBACK + "/")).config, Mode.TEST)
    assert at.wallet_url == own
    assert at.inquiry_url == LOOPBACK + "/ApplicationAPI/API/PaymentInquiry/Inquire"


def test_a_generation_without_a_published_address_does_with_addresses_of_ones_own():
    own: dict[str, Any] = {key: f"https://egress.example/{key.lower()}" for key in ADDRESSES[1:]}
    at = addresses(Provider(account(GENERATION="pgw", **own)).config, Mode.TEST)
    assert at.form_url == "https://egress.example/form_url"


def test_secrets_show_in_no_repr():
    provider = Provider(account(PASSWORD="canary", INTEGRITY_SALTS=["canary"], MERCHANT_MPIN="73915284"))
    shown = repr((provider, provider.config, provider.account, provider.__dict__))
    assert "canary" not in shown
    assert "73915284" not in shown
    assert provider.public_values() == {}


def test_doubts_are_told():
    assert Provider(account()).check() == []
    doubtful = Provider(account(return_url="", MERCHANT_MPIN=None, GENERATION="orchestrator"))
    assert [doubt.split(" ")[0] for doubt in doubtful.check()] == ["neither", "MERCHANT_MPIN", "the"]


def test_a_national_id_is_asked_for_only_where_the_wallet_wants_one():
    assert not Provider(account()).capabilities.national_id
    assert Provider(account(WALLET_VERSION="2.0")).capabilities.national_id


@pytest.mark.parametrize(
    ("flow", "currency", "capture_method", "kind", "code"),
    [
        (Flow.CLIENT, "PKR", CaptureMethod.AUTOMATIC, None, "unsupported_flow"),
        (Flow.TOKEN, "PKR", CaptureMethod.AUTOMATIC, None, "unsupported_flow"),
        (Flow.HOSTED, "USD", CaptureMethod.AUTOMATIC, None, "unsupported_currency"),
        (Flow.DIRECT, "USD", CaptureMethod.AUTOMATIC, None, "unsupported_currency"),
        (Flow.HOSTED, "PKR", CaptureMethod.MANUAL, None, "unsupported_capture_method"),
        (Flow.HOSTED, "PKR", CaptureMethod.AUTOMATIC, MethodKind.CASH, "unsupported_method_kind"),
        (Flow.DIRECT, "PKR", CaptureMethod.AUTOMATIC, MethodKind.VOUCHER, "unsupported_method_kind"),
        (Flow.DIRECT, "PKR", CaptureMethod.AUTOMATIC, MethodKind.CREDIT_CARD, "unsupported_method_kind"),
    ],
)
def test_what_jazzcash_cannot_do_is_refused_before_any_call(flow, currency, capture_method, kind, code):
    nowhere = Provider(account(API_BASE="http://127.0.0.1:1"))
    with pytest.raises(Unsupported) as caught:
        nowhere.supports(flow=flow, currency=currency, capture_method=capture_method, method_kind=kind)
    assert caught.value.code == code
    with pytest.raises(Unsupported):
        nowhere.pay(pay_request(flow=flow, currency=currency, capture_method=capture_method, method_kind=kind))


def test_the_way_back_is_the_accounts_own_unless_the_portal_knows_another():
    assert Provider(account())._return_url == RETURN_URL
    assert Provider(account(RETURN_URL="https://shop.example/jc/"))._return_url == "https://shop.example/jc/"
