"""What an account of EasyPaisa must be told, and what is refused (I22, S23)."""

from __future__ import annotations

from typing import Any

import pytest

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError
from tests.providers.easypaisa.world import LIVE, STAGING, form_request, provider


def refused(mode: Mode = Mode.TEST, **changes: object) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        provider(mode, **changes)
    return caught.value


@pytest.mark.parametrize(("mode", "base"), [(Mode.TEST, STAGING), (Mode.LIVE, LIVE)])
def test_an_account_reaches_easypaisa_of_its_own_mode(mode: Mode, base: str) -> None:
    assert provider(mode).hosted_form(form_request()).url == f"{base}/easypay/Index.jsf"
    assert provider(mode, API_BASE=base).hosted_form(form_request()).url == f"{base}/easypay/Index.jsf"


@pytest.mark.parametrize(("mode", "base"), [(Mode.LIVE, STAGING), (Mode.TEST, LIVE), (Mode.TEST, f"{LIVE}:443/x")])
def test_an_address_of_the_other_mode_is_refused(mode: Mode, base: str) -> None:
    assert refused(mode, API_BASE=base).code == "mode_mismatch"


def test_a_live_account_does_not_use_the_sandbox() -> None:
    assert refused(Mode.LIVE, API_BASE="http://127.0.0.1:9000/easypaisa").code == "mode_mismatch"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("STORE_ID", "ten"),
        ("STORE_ID", 10001),
        ("ACCOUNT_NUM", "20 002"),
        ("HASH_KEY", "0123456789ABCDE"),
        ("HASH_KEY", "0123456789ABCDEé"),
        ("USERNAME", "two words"),
        ("PASSWORD", "line\nbreak"),
        ("WALLET_EXPIRY_S", 10),
        ("WALLET_EXPIRY_S", True),
        ("VOUCHER_EXPIRY_S", "1 day"),
        ("API_BASE", "ftp://example.com"),
    ],
)
def test_a_value_that_cannot_be_right_is_named_and_not_told(key: str, value: Any) -> None:
    error = refused(**{key: value})
    assert error.code in ("invalid_account_value", "missing_account_key")
    assert key in error.message
    assert str(value) not in error.message or key == "WALLET_EXPIRY_S"


@pytest.mark.parametrize("key", ["USERNAME", "PASSWORD", "HASH_KEY"])
def test_secrets_are_never_empty(key: str) -> None:
    empty: dict[str, Any] = {key: ""}
    assert refused(**empty).code == "empty_account_key"
