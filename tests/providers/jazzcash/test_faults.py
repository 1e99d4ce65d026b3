"""The way to JazzCash fails, or something else answers there: nothing is believed, and nothing is sent twice."""

from __future__ import annotations

import json
import socket

import pytest

from django_payments_hub.exceptions import Misconfigured, NotSent, OutcomeUnknown, ProviderError, Refused, Throttled
from tests.providers.jazzcash.harness import look_up_request, pay_request, refund_request, sign

CALLS = {
    "pay": lambda provider: provider.pay(pay_request()),
    "refund": lambda provider: provider.refund(refund_request()),
    "look_up": lambda provider: provider.look_up(look_up_request()),
}
NO_ANSWERS = {
    "a firewall's page": b"<html><head><title>Request Rejected</title></head><body>Your support ID</body></html>",
    "nothing": b"",
    "a list": b"[]",
    "half an object": b'{"pp_ResponseCode": "000"',
    "another object": b'{"surprise": true}',
    "not UTF-8": b'{"pp_ResponseCode": "\xff"}',
    "deep": b"[" * 100_000,
}

called = pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))


@called
@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=list(NO_ANSWERS))
@pytest.mark.parametrize("status", [200, 403, 418, 500])
def test_what_is_not_jazzcashs_word_decides_nothing(jazzcash, jazzcash_server, call, body, status):
    jazzcash_server.answers_raw(body, status)
    with pytest.raises(OutcomeUnknown):
        call(jazzcash)
    assert len(jazzcash_server.asked) == 1


@called
def test_a_lost_answer_decides_nothing(jazzcash, jazzcash_server, call):
    jazzcash_server.breaks_off()
    with pytest.raises(OutcomeUnknown):
        call(jazzcash)
    assert len(jazzcash_server.asked) == 1


@called
def test_a_redirection_is_not_followed(jazzcash, jazzcash_server, call):
    jazzcash_server.answers_raw(b"", 302, Location=jazzcash_server.url + "/elsewhere")
    with pytest.raises(OutcomeUnknown):
        call(jazzcash)
    assert len(jazzcash_server.asked) == 1


@called
@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [
        (400, "110", Refused),
        (401, "101", Misconfigured),
        (403, "101", Misconfigured),
        (404, "109", OutcomeUnknown),
        (409, "110", OutcomeUnknown),
        (422, "110", Refused),
        (422, "199", OutcomeUnknown),
        # a status that refuses beside a code that does not: nobody knows
        (400, "000", OutcomeUnknown),
        (400, "121", OutcomeUnknown),
        (400, "131", OutcomeUnknown),
        (403, "000", OutcomeUnknown),
        (403, "157", OutcomeUnknown),
        (422, "777", OutcomeUnknown),
        (500, "000", OutcomeUnknown),
        (503, "110", OutcomeUnknown),
        (429, "110", Throttled),
    ],
)
def test_a_status_other_than_200_is_told_for_what_it_is(jazzcash, jazzcash_server, call, status, code, raised):
    body = json.dumps(sign({"pp_ResponseCode": code})).encode()
    jazzcash_server.answers_raw(body, status, **{"Retry-After": "7"})
    with pytest.raises(ProviderError) as caught:
        call(jazzcash)
    assert type(caught.value) is raised
    if isinstance(caught.value, Throttled):
        assert caught.value.retry_after_s == 7


@called
@pytest.mark.parametrize(
    "hashed", [{}, {"pp_SecureHash": None}, {"pp_SecureHash": ""}], ids=["missing", "null", "empty"]
)
def test_nothing_is_done_or_paid_by_an_answer_without_a_hash(jazzcash, jazzcash_server, call, hashed):
    answer = {"pp_ResponseCode": "000", "pp_PaymentResponseCode": "121", "pp_Status": "Completed", **hashed}
    jazzcash_server.answers_raw(json.dumps(answer).encode())
    with pytest.raises(OutcomeUnknown) as caught:
        call(jazzcash)
    assert caught.value.code == "unproven_answer"


@called
def test_what_cannot_be_sent_is_told_as_not_sent(connect, call):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(NotSent):
        call(connect(API_BASE=closed))
