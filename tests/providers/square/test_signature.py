"""Webhook signatures: Square's published vectors, its own helper, and everything that must not pass (F38-F42)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from square.utils.webhooks_helper import verify_signature

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError, InvalidSignature
from django_payments_hub.providers.square import Provider
from tests.providers.square.harness import WEBHOOK_URL, account

HEADER = "x-square-hmacsha256-signature"
BODY = b'{"merchant_id":"M1","type":"payment.updated","event_id":"e1"}'
# From tests/integration/test_webhooks_helper.py of github.com/square/square-python-sdk (the same in the Node SDK).
PUBLISHED = [
    (
        (
            b'{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":"ac3ac95b-f97d-458c-a6e6-'
            b'18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks","id":"bc368e64-01aa-'
            b'407e-b46e-3231809b1129"}}'
        ),
        "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=",
        "Ibxx_5AKakO-3qeNVR61Dw",
        "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9",
    ),
    (
        b'{"data":{"type":"webhooks","id":">id<"}}',
        "Cxt7+aTi4rKgcA0bC4g9EHdVtLSDWdqccmL5MvihU4U=",
        "signature-key",
        "https://webhook.site/webhooks",
    ),
]


@pytest.fixture(scope="module")
def square():
    return Provider(account())


def signature(key: str = "key-one", body: bytes = BODY, url: str = WEBHOOK_URL) -> str:
    return base64.b64encode(hmac.new(key.encode(), url.encode() + body, hashlib.sha256).digest()).decode()


def verify(square, header: str | None, body: bytes = BODY, **headers: str) -> None:
    given_ = {} if header is None else {HEADER: header}
    square.verify_webhook(body, {**given_, **headers}, now=0)


def published(body, header, key, url, *, of: bytes | None = None) -> None:
    provider = Provider(account(WEBHOOK_SECRETS=["another", key], WEBHOOK_URL=url, webhook_url=""))
    verify(provider, header, body if of is None else of)


@pytest.mark.parametrize(("body", "header", "key", "url"), PUBLISHED)
def test_a_published_vector_verifies(body, header, key, url):
    published(body, header, key, url)


@pytest.mark.parametrize(("body", "header", "key", "url"), PUBLISHED)
def test_a_published_vector_with_any_byte_changed_does_not(body, header, key, url):
    for place in range(len(body)):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(InvalidSignature):
            published(body, header, key, url, of=changed)
    for wrong in (url[:-1], url + "/", url.replace("https", "http")):
        with pytest.raises(InvalidSignature):
            published(body, header, key, wrong)


def test_a_body_that_is_written_anew_does_not_verify(square):
    body = json.dumps(json.loads(BODY)).encode()
    with pytest.raises(InvalidSignature):
        verify(square, signature(), body)


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from(["key-one", "key-two"]))
def test_square_s_own_helper_and_we_agree(square, text, key):
    body = text.encode()
    header = signature(key, body)
    verify(square, header, body)
    assert verify_signature(request_body=text, signature_header=header, signature_key=key, notification_url=WEBHOOK_URL)


BAD = {
    "missing": (None, "missing_signature"),
    "empty": ("", "missing_signature"),
    "of another key": (signature("key-gone"), "invalid_signature"),
    "of an empty key": (signature(""), "invalid_signature"),
    "of another body": (signature(body=b"{}"), "invalid_signature"),
    "of the body alone": (signature(url=""), "invalid_signature"),
    "of another account's address": (signature(url=WEBHOOK_URL.replace("square", "square2")), "invalid_signature"),
    "hexadecimal": (
        hmac.new(b"key-one", WEBHOOK_URL.encode() + BODY, hashlib.sha256).hexdigest(),
        "invalid_signature",
    ),
    "cut short": (signature()[:-1], "invalid_signature"),
    "without its padding": (signature().rstrip("="), "invalid_signature"),
    "doubled header": (f"{signature()}, {signature()}", "invalid_signature"),
    "non-ASCII": ("\xe9", "invalid_signature"),
    "a surrogate": ("\udce9", "invalid_signature"),
    "beyond latin-1": ("\u20ac", "invalid_signature"),
    "100 kB": ("A" * 100_000, "malformed_signature"),
}


@pytest.mark.parametrize(("header", "code"), BAD.values(), ids=BAD.keys())
def test_a_wrong_signature_is_refused(square, header, code):
    with pytest.raises(InvalidSignature) as caught:
        verify(square, header)
    assert caught.value.code == code


def test_while_a_key_is_rotated_both_are_taken_and_afterwards_the_new_one_alone(square):
    verify(square, signature("key-one"))
    verify(square, signature("key-two"))
    after = Provider(account(WEBHOOK_SECRETS=["key-two"]))
    verify(after, signature("key-two"))
    with pytest.raises(InvalidSignature):
        verify(after, signature("key-one"))


def test_without_an_address_nothing_is_taken():
    square = Provider(account(webhook_url=""))
    with pytest.raises(ConfigurationError) as caught:
        verify(square, signature(url=""))
    assert caught.value.code == "webhook_url_missing"


def test_the_address_of_the_account_goes_before_the_project_s():
    square = Provider(account(WEBHOOK_URL="https://tunnel.example/hook"))
    verify(square, signature(url="https://tunnel.example/hook"))
    with pytest.raises(InvalidSignature):
        verify(square, signature())


@pytest.mark.parametrize(
    ("mode", "told", "taken"),
    [
        (Mode.TEST, "Sandbox", True),
        (Mode.TEST, "Production", False),
        (Mode.LIVE, "Production", True),
        (Mode.LIVE, "sandbox", False),
        (Mode.TEST, "Staging", True),
    ],
)
def test_a_notice_of_the_other_mode_is_refused(mode, told, taken):
    square = Provider(account(mode=mode, APPLICATION_ID=None))
    if taken:
        verify(square, signature(), **{"square-environment": told})
        return
    with pytest.raises(InvalidSignature) as caught:
        verify(square, signature(), **{"square-environment": told})
    assert caught.value.code == "mode_mismatch"


def test_an_old_signature_verifies_for_ever_because_it_covers_no_time(square):
    """What protects is the inbox and the merging: see test_hub.py."""
    square.verify_webhook(BODY, {HEADER: signature()}, now=0)
    square.verify_webhook(BODY, {HEADER: signature()}, now=4_000_000_000)


def test_verifying_does_not_load_the_sdk():
    code = f"""
import sys
from tests.providers.square.harness import account
from django_payments_hub.providers.square import Provider
Provider(account()).verify_webhook({BODY!r}, {{{HEADER!r}: {signature()!r}}}, now=0)
assert "square" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
