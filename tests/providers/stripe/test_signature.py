"""Webhook signatures, made by Stripe's own SDK and by a table of everything that must not pass (F38-F42)."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import WebhookSignature

from django_payments_hub.exceptions import InvalidSignature
from django_payments_hub.providers.stripe import Provider
from tests.providers.stripe.harness import account

NOW = 1_800_000_000
BODY = b'{"id": "evt_1", "object": "event"}'


@pytest.fixture(scope="module")
def stripe():
    return Provider(account(WEBHOOK_SECRETS=["whsec_one", "whsec_two"]))


def by_sdk(body: bytes = BODY, secret: str = "whsec_one", timestamp: int = NOW) -> str:
    """The header as Stripe's SDK makes it."""
    made: str = WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=timestamp)
    return made


def v1(secret: str = "whsec_one", body: bytes = BODY, timestamp: object = NOW) -> str:
    signed = str(timestamp).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def verify(stripe, header: str | None, body: bytes = BODY, now: float = NOW) -> None:
    stripe.verify_webhook(body, {} if header is None else {"stripe-signature": header}, now=now)


GOOD = {
    "by the SDK": by_sdk(),
    "by the second secret": by_sdk(secret="whsec_two"),
    "by two secrets at once": f"t={NOW},v1={v1('whsec_gone')},v1={v1('whsec_two')}",
    "in another order": f"v1={v1()},t={NOW}",
    "beside an older scheme": f"t={NOW},v0=abc,v1={v1()}",
    "at the end of the tolerance": by_sdk(timestamp=NOW - 300),
    "at the other end of it": by_sdk(timestamp=NOW + 300),
}


@pytest.mark.parametrize("header", GOOD.values(), ids=GOOD.keys())
def test_a_right_signature_is_taken(stripe, header):
    verify(stripe, header)


BAD = {
    "missing": (None, "missing_signature"),
    "empty": ("", "missing_signature"),
    "of another secret": (by_sdk(secret="whsec_other"), "invalid_signature"),
    "of an empty secret": (f"t={NOW},v1={v1('')}", "invalid_signature"),
    "of another body": (by_sdk(b"{}"), "invalid_signature"),
    "of another time": (f"t={NOW + 1},v1={v1()}", "invalid_signature"),
    "too old": (by_sdk(timestamp=NOW - 301), "stale_signature"),
    "in the future": (by_sdk(timestamp=NOW + 301), "future_signature"),
    "31 years ahead": (by_sdk(timestamp=NOW + 31 * 31_536_000), "future_signature"),
    "in upper case": (f"t={NOW},v1={v1().upper()}", "invalid_signature"),
    "cut short": (f"t={NOW},v1={v1()[:-1]}", "invalid_signature"),
    "empty v1": (f"t={NOW},v1=", "invalid_signature"),
    "non-ASCII": (f"t={NOW},v1=\xe9", "invalid_signature"),
    "non-ASCII beside nothing": ("\u20ac", "malformed_signature"),
    "a surrogate": (f"t={NOW},v1=\udce9", "invalid_signature"),
    "only an older scheme": (f"t={NOW},v0={v1()}", "malformed_signature"),
    "without a time": (f"v1={v1()}", "malformed_signature"),
    "with two times": (f"t={NOW},t={NOW},v1={v1()}", "malformed_signature"),
    "doubled header": (f"{by_sdk()}, {by_sdk()}", "malformed_signature"),
    "doubled header without a space": (f"{by_sdk()},{by_sdk()}", "malformed_signature"),
    "with a time that is no number": (f"t=now,v1={v1(timestamp='now')}", "malformed_signature"),
    "with a negative time": (f"t=-1,v1={v1(timestamp=-1)}", "malformed_signature"),
    "with an endless time": (f"t={'9' * 400},v1={v1()}", "malformed_signature"),
    "100 kB": (f"t={NOW},v1={'a' * 100_000}", "malformed_signature"),
    "17 signatures": (f"t={NOW}" + f",v1={v1()}" * 17, "malformed_signature"),
    "junk": ("=,=,,=", "malformed_signature"),
}


@pytest.mark.parametrize(("header", "code"), BAD.values(), ids=BAD.keys())
def test_a_wrong_signature_is_refused(stripe, header, code):
    with pytest.raises(InvalidSignature) as caught:
        verify(stripe, header)
    assert caught.value.code == code
    assert "whsec" not in str(caught.value)


@given(st.text())
def test_no_header_whatever_raises_anything_but_a_refusal(header):
    with pytest.raises(InvalidSignature):
        verify(Provider(account()), header)


@given(st.binary(), st.binary())
def test_a_signature_holds_for_its_own_bytes_alone(body, other):
    stripe = Provider(account())
    header = f"t={NOW},v1={v1(body=body)}"
    verify(stripe, header, body)
    if other != body:
        with pytest.raises(InvalidSignature):
            verify(stripe, header, other)


@given(st.integers(min_value=0, max_value=10**11))
def test_only_times_within_the_tolerance_pass(timestamp):
    stripe = Provider(account())
    header = f"t={timestamp},v1={v1(timestamp=timestamp)}"
    if abs(timestamp - NOW) <= 300:
        verify(stripe, header)
        return
    with pytest.raises(InvalidSignature):
        verify(stripe, header)


def test_a_body_that_is_no_text_can_be_signed(stripe):
    body = b"\xff\x00\xe9"
    verify(stripe, f"t={NOW},v1={v1(body=body)}", body)


def test_a_retired_secret_counts_no_longer(stripe):
    with pytest.raises(InvalidSignature):
        verify(Provider(account(WEBHOOK_SECRETS=["whsec_two"])), by_sdk(secret="whsec_one"))


def test_the_sdk_is_not_loaded_to_verify_and_parse():
    code = f"""
import sys
from django_payments_hub.domain.statuses import Mode
from django_payments_hub.provider_kit.types import AccountConfig
from django_payments_hub.providers.stripe import Provider
values = {{"SECRET_KEY": "sk_test_x", "WEBHOOK_SECRETS": ["whsec_one"]}}
provider = Provider(AccountConfig(alias="a", provider="stripe", mode=Mode.TEST, values=values))
provider.verify_webhook({BODY!r}, {{"stripe-signature": {by_sdk()!r}}}, now={NOW})
assert provider.parse_webhook({{"type": "x"}}) == ()
assert not [name for name in sys.modules if name == "stripe" or name.startswith("stripe.")]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
