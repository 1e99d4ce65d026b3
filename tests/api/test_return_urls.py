# ruff: noqa: RUF001 - digits and letters that only look like ours are what is tested
"""Customers are sent to the host's own pages and nowhere else (S5)."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from django_payments_hub.api.return_urls import checked_url
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import InvalidInput
from tests.services.world import make_order

HOSTS = ["ok.com", "ok.com:8443", "127.0.0.1:8000", "localhost", "xn--bcher-kva.example", "[::1]:9000"]

ALLOWED = [
    "https://ok.com",
    "https://ok.com/",
    "https://OK.com/done",
    "https://ok.com:443/done",
    "https://ok.com:8443/done?a=b&c=%20d#e",
    "https://ok.com?a=b",
    "https://ok.com/a@b",
    "https://xn--bcher-kva.example/",
    "https://127.0.0.1:8000/",
]
LOCAL = ["http://127.0.0.1:8000/done", "http://localhost/", "http://localhost:80/", "http://[::1]:9000/"]
REFUSED = [
    "",
    "/done",
    "done",
    "//ok.com/done",
    "///ok.com",
    "https:ok.com",
    "https:/ok.com",
    "https:///ok.com",
    "https:////ok.com",
    "https:/\\evil.com",
    "https:\\\\ok.com",
    "https://ok.com\\@evil.com",
    "https://ok.com\\.evil.com",
    "https://evil.com\\ok.com",
    "https://ok.com@evil.com",
    "https://ok.com:443@evil.com/",
    "https://user@ok.com",
    "https://user:password@ok.com",
    "https://@ok.com",
    "https://ok.com.evil.com",
    "https://evil-ok.com",
    "https://evilok.com",
    "https://ok.com.",
    "https://sub.ok.com",
    "https://ok.com:444",
    "https://ok.com:",
    "https://ok.com:80",
    "https://ok.com:99999999",
    "https://ok.com%2f.evil.com",
    "https://ok.com%00.evil.com",
    "https://ok.com/%0d%0aSet-Cookie:a=b",
    "https://ok.com/%00",
    "https://ok.com/%5c%5cevil.com",
    "https://ok.com//evil.com",
    "https://evil.com/?https://ok.com",
    "https://evil.com#ok.com",
    "https://evil.com#@ok.com",
    "https://evil.com?.ok.com",
    "http://ok.com/",
    "HTTP://ok.com/",
    "ftp://ok.com/",
    "javascript:alert(1)",
    "javascript://ok.com/%0aalert(1)",
    "JaVaScRiPt:alert(1)//https://ok.com",
    "data:text/html,ok.com",
    "vbscript:x",
    "file:///etc/passwd",
    " https://ok.com",
    "https://ok.com ",
    "https://ok.com/a b",
    "\thttps://ok.com",
    "htt\tps://ok.com",
    "https://ok\t.com",
    "https://ok.com/\r\nX: y",
    "https://ok.com/\x00",
    "https://ok。com",
    "https://оk.com",
    "https://ｏk.com",
    "https://bücher.example/",
    "https://ok.com/{CHECKOUT_SESSION_ID}",
    "https://[::1/",
    "https://127.1:8000/",
    "https://2130706433:8000/",
    "https://ok.com/" + "a" * 1000,
]


@pytest.fixture(autouse=True)
def _hosts(settings) -> None:
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "RETURN_HOSTS": HOSTS}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("url", ALLOWED)
def test_the_hosts_own_pages(url: str, mode: Mode) -> None:
    assert checked_url(url, mode, field="return_url") == url


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("url", REFUSED, ids=ascii)
def test_everything_else(url: str, mode: Mode) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_url(url, mode, field="return_url")
    assert (caught.value.code, caught.value.field) == ("return_url_not_allowed", "return_url")


@pytest.mark.parametrize("url", LOCAL)
def test_without_tls_only_to_loopback_and_only_in_mode_test(url: str) -> None:
    assert checked_url(url, Mode.TEST, field="return_url") == url
    with pytest.raises(InvalidInput):
        checked_url(url, Mode.LIVE, field="return_url")


def test_a_missing_port_is_not_blamed_on_the_scheme() -> None:
    # given a list that has 127.0.0.1 with its port, when the port is left out, then that is what is said
    with pytest.raises(InvalidInput, match=r"port included \(127\.0\.0\.1:8000\); http only to loopback in mode test"):
        checked_url("http://127.0.0.1/done", Mode.TEST, field="return_url")


def test_no_host_is_listed_no_address_is_allowed(settings) -> None:
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "RETURN_HOSTS": []}
    with pytest.raises(InvalidInput):
        checked_url("https://ok.com/", Mode.TEST, field="return_url")


@pytest.mark.parametrize("name", ["return_url", "cancel_url"])
@pytest.mark.parametrize("path", ["", "checkout/"])
def test_the_api_asks(api, customer: User, path: str, name: str) -> None:
    order = str(make_order(user=customer).pk)
    result = api.post(path, {"order_id": order, name: "https://evil.com/"}, key="k")
    assert (result.status, result.code, list(result.body["errors"])) == (400, "return_url_not_allowed", [name])
    assert api.post(path, {"order_id": order, name: "https://ok.com/"}, key="k").status == 201
