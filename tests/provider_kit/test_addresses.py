"""Where a provider may be reached, by mode."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.provider_kit.addresses import check_base, is_base, is_loopback


@pytest.mark.parametrize("value", ["https://api.example", "http://127.0.0.1:8000/paypal/", "https://[::1]:1"])
def test_a_plain_address_is_one(value):
    assert is_base(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        5,
        "api.example",
        "ftp://api.example",
        "https://",
        "https://api.example/?x=1",
        "https://api.example/#x",
        "https://user@api.example",
        "https://user:word@api.example",
        "https://api.example:x",
        "https://api.example:0",
        "https://[::1",
        "https://ápi.example",
    ],
)
def test_what_carries_more_or_cannot_be_read_is_none(value):
    assert not is_base(value)


@pytest.mark.parametrize("host", ["localhost", "shop.localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_this_machine_is_known_by_its_names(host):
    assert is_loopback(urlsplit(f"http://{host}:1/x"))


@pytest.mark.parametrize("host", ["localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0", "x"])
def test_nothing_else_is_taken_for_it(host):
    assert not is_loopback(urlsplit(f"http://{host}:1/x"))


@pytest.mark.parametrize(
    ("base", "mode"),
    [
        ("https://api.example", Mode.LIVE),
        ("https://api.example", Mode.TEST),
        ("https://127.0.0.1:1", Mode.TEST),
        ("http://localhost:1", Mode.TEST),
    ],
)
def test_an_address_of_its_mode_is_taken(base, mode):
    check_base(base, mode)


@pytest.mark.parametrize(
    ("base", "mode", "code"),
    [
        ("http://127.0.0.1:1", Mode.LIVE, "mode_mismatch"),
        ("https://localhost", Mode.LIVE, "mode_mismatch"),
        ("http://api.example", Mode.LIVE, "insecure_api_base"),
        ("http://api.example", Mode.TEST, "insecure_api_base"),
    ],
)
def test_an_address_of_the_other_mode_or_without_tls_is_refused(base, mode, code):
    with pytest.raises(ConfigurationError) as caught:
        check_base(base, mode)
    assert caught.value.code == code
