"""The twelve defects of PayPal's own SDK (1.13.3), each closed here."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import traceback

import pytest

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import Misconfigured, NotSent, OutcomeUnknown, ProviderError, Refused, Throttled
from django_payments_hub.provider_kit.http import HttpClient
from django_payments_hub.providers.paypal.sdk import Client
from tests.provider_kit.raw_server import RawServer, answer, sends
from tests.providers.paypal.harness import (
    CLIENT_ID,
    account,
    confirm_request,
    look_up_request,
    pay_request,
    refund_look_up,
    refund_request,
)

TOKEN = answer(b'{"access_token": "A21-canarytoken", "token_type": "Bearer", "expires_in": 32400}')
UNAUTHORIZED = answer(b'{"error": "invalid_token", "error_description": "x"}', status="401 Unauthorized")


def scripted(*answers: bytes):
    """Answers in this order, the last one for ever."""
    left = list(answers)
    return lambda connection: connection.sendall(left.pop(0) if len(left) > 1 else left[0])


@pytest.fixture
def talk():
    """A client of the SDK on a server that is told its answers."""
    opened = []

    def talk(server: RawServer, **options: float) -> Client:
        http = HttpClient(deadline_s=options.get("deadline_s", 5.0))
        opened.append(http)
        return Client(http, base=server.url, mode=Mode.TEST, client_id="id-canary", client_secret="secret-canary")

    yield talk
    for http in opened:
        http.close()


def calls(server: RawServer) -> list[tuple[str, dict[str, str], bytes]]:
    found = []
    for raw in server.requests:
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        found.append((first, {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}, body))
    return found


def test_defect_1_a_call_that_is_never_answered_ends_at_its_deadline(talk):
    with RawServer(lambda connection: None) as server:
        started = time.monotonic()
        with pytest.raises(NotSent):
            talk(server, deadline_s=0.3).request(f"{server.url}/x", "GET")
        assert time.monotonic() - started < 3
    unfinished = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"
    with RawServer(scripted(TOKEN, unfinished)) as server, pytest.raises(OutcomeUnknown):
        talk(server, deadline_s=0.3).request(f"{server.url}/x", "POST", {})


@pytest.mark.parametrize("body", [b'{"name": "INVALID_REQUEST"}', b"<html>", b"", b"[]"])
def test_defect_2_a_400_is_never_returned_as_an_order(connect, body):
    with RawServer(scripted(TOKEN, answer(body, status="400 Bad Request"))) as server:
        expected = Refused if b"INVALID" in body else OutcomeUnknown
        with pytest.raises(expected):
            connect(API_BASE=server.url, WEBHOOK_ROOT_CERTIFICATE=None).pay(pay_request())


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"nul", b'{"a": NaN}', b"\xff"])
def test_defect_2_a_success_that_is_no_json_object_is_unknown(talk, body):
    with RawServer(scripted(TOKEN, answer(body))) as server, pytest.raises(OutcomeUnknown):
        talk(server).request(f"{server.url}/x", "POST", {})


def test_defect_3_a_persistent_401_is_met_with_one_new_token_and_given_up(talk):
    with RawServer(scripted(TOKEN, UNAUTHORIZED, TOKEN, UNAUTHORIZED, TOKEN)) as server:
        with pytest.raises(Misconfigured):
            talk(server).request(f"{server.url}/x", "POST", {})
        assert [first.split()[1] for first, _, _ in calls(server)] == ["/v1/oauth2/token", "/x"] * 2


def test_defect_3_a_token_that_paypal_has_voided_is_renewed(paypal, sandbox):
    paypal.pay(pay_request())
    sandbox.deed("expire_tokens", account=CLIENT_ID)
    assert paypal.pay(pay_request()).fact.provider_session_id
    assert len(sandbox.calls("oauth2.token")) == 2


def test_defect_4_no_header_of_a_call_reaches_the_request_for_a_token(talk):
    with RawServer(scripted(TOKEN, answer())) as server:
        talk(server).request(f"{server.url}/x", "POST", {}, {"PayPal-Request-Id": "key", "Prefer": "return=minimal"})
        token, call = (headers for _, headers, _ in calls(server))
    assert not {"paypal-request-id", "prefer"} & set(token)
    assert token["content-type"] == "application/x-www-form-urlencoded"
    assert (call["paypal-request-id"], call["content-type"]) == ("key", "application/json")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_defect_5_a_call_without_a_body_sends_none(talk, method):
    with RawServer(scripted(TOKEN, answer())) as server:
        talk(server).request(f"{server.url}/x", method)
        _, headers, body = calls(server)[-1]
    assert body == b""
    assert "content-type" not in headers


def test_defect_6_eight_cold_threads_ask_for_one_token(paypal, sandbox):
    failures: list[Exception] = []
    barrier = threading.Barrier(8)

    def pay() -> None:
        barrier.wait(10)
        try:
            paypal.pay(pay_request())
        except Exception as error:  # noqa: BLE001 - handed to the test
            failures.append(error)

    threads = [threading.Thread(target=pay) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failures
    assert len(sandbox.calls("oauth2.token")) == 1
    assert len(sandbox.calls("orders.create")) == 8


def test_the_wait_for_another_calls_token_ends_with_the_deadline_of_the_call(hasty):
    hasty.pay(pay_request())
    client = hasty._api._client()
    with client._lock:  # another thread asks for a token, and PayPal hangs
        client.token_hash = None
        started = time.monotonic()
        with pytest.raises(NotSent):
            hasty.pay(pay_request())
        client.token_hash = {"access_token": "A21-void"}  # and here PayPal does not take the one there is
        with pytest.raises(NotSent):
            hasty.pay(pay_request())
    assert time.monotonic() - started < 4


def test_defect_6_a_token_is_renewed_before_its_end_by_a_clock_that_nobody_sets(talk, monkeypatch):
    ticks = [1000.0]
    with RawServer(scripted(TOKEN, answer(), answer(), TOKEN, answer())) as server:
        client = talk(server)
        monkeypatch.setattr("django_payments_hub.providers.paypal.sdk.time.monotonic", lambda: ticks[0])
        client.request(f"{server.url}/x", "GET")
        ticks[0] += 32400 - 121
        client.request(f"{server.url}/x", "GET")
        ticks[0] += 2
        client.request(f"{server.url}/x", "GET")
        paths = [first.split()[1] for first, _, _ in calls(server)]
    assert paths == ["/v1/oauth2/token", "/x", "/x", "/v1/oauth2/token", "/x"]


def test_defect_7_no_credential_is_logged_at_any_level(talk, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("django_payments_hub", "paypalrestsdk", "paypalrestsdk.api", "httpx", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)
    with RawServer(scripted(TOKEN, answer())) as server:
        talk(server).request(f"{server.url}/x", "POST", {"secret": "canary"}, {"PayPal-Request-Id": "canary"})
    assert caplog.records
    assert {record.name for record in caplog.records} == {"django_payments_hub.http"}
    assert not [line for line in caplog.messages if "canary" in line or "aWQtY2FuYXJ5" in line]


def test_defect_8_the_process_environment_is_neither_changed_nor_trusted(talk, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    before = dict(os.environ)
    with RawServer(scripted(TOKEN, answer(b'{"id": "X"}'))) as server:
        assert talk(server).request(f"{server.url}/x", "GET") == {"id": "X"}
    assert dict(os.environ) == before


def test_defect_9_calls_share_a_connection(talk):
    with RawServer(scripted(TOKEN, answer())) as server:
        client = talk(server)
        for _ in range(5):
            client.request(f"{server.url}/x", "GET")
        assert server.connections == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_defect_9_a_redirect_is_not_followed(talk, status):
    with RawServer(sends(answer(b'{"id": "X"}'))) as elsewhere:
        moved = answer(b"", status=f"{status} Moved", headers=f"Location: {elsewhere.url}/x\r\n")
        with RawServer(scripted(TOKEN, moved)) as server, pytest.raises(OutcomeUnknown):
            talk(server).request(f"{server.url}/x", "POST", {})
        assert not elsewhere.requests


@pytest.mark.parametrize("body", [b'{"name": "RATE_LIMIT_REACHED"}', b"slow down", b""])
def test_defect_10_a_429_tells_how_long_to_wait(connect, body):
    busy = answer(body, status="429 Too Many Requests", headers="Retry-After: 7\r\n")
    with RawServer(scripted(TOKEN, busy)) as server, pytest.raises(Throttled) as caught:
        connect(API_BASE=server.url, WEBHOOK_ROOT_CERTIFICATE=None).pay(pay_request())
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize(
    "given", ["", "../payments/captures/X", "A/B", "A?x=1", "a\\1", "A B", "A\n", "%2e%2e", "Ä", "A" * 37]
)
def test_defect_11_what_is_no_id_never_enters_a_path(paypal, sandbox, given):
    fact = paypal.pay(pay_request()).fact
    sandbox.reset()
    wrong = {"provider_session_id": given, "provider_payment_id": given}
    refund = refund_request(fact, 100, **wrong)
    asked = [lambda: paypal.confirm(confirm_request(fact, **wrong)), lambda: paypal.refund(refund)]
    if given:
        asked += [
            lambda: paypal.look_up(look_up_request(fact, **wrong)),
            lambda: paypal.look_up_refund(refund_look_up(refund, provider_refund_id=given)),
        ]
    for ask in asked:
        with pytest.raises(Refused) as caught:
            ask()
        assert caught.value.code == "invalid_object_id"
    assert not sandbox.calls()


def test_defect_12_the_sdks_own_check_of_notices_is_not_used(monkeypatch, bench, notices):
    import paypalrestsdk

    def never(*_: object, **__: object) -> bool:
        raise AssertionError("the SDK's own check was called")

    for name in ("verify", "_get_cert", "_verify_signature", "_verify_certificate"):
        monkeypatch.setattr(paypalrestsdk.WebhookEvent, name, never)
    bench.paid()
    [heard, *_] = notices.wait_for(1)
    notices.provider.verify_webhook(heard.body, heard.headers, now=time.time())


# -- tokens -----------------------------------------------------------------------------------------------------------

INVALID_CLIENT = answer(b'{"error": "invalid_client", "error_description": "canary"}', status="401 Unauthorized")


@pytest.mark.parametrize(
    ("given", "raised"),
    [
        (INVALID_CLIENT, Misconfigured),
        (answer(b"{}", status="400 Bad Request"), Misconfigured),
        (answer(b'{"name": "NOT_AUTHORIZED"}', status="403 Forbidden"), Misconfigured),
        (answer(b"{}", status="429 Too Many Requests", headers="Retry-After: 3\r\n"), Throttled),
        (answer(b"{}", status="500 Oh"), NotSent),
        (answer(b"<html>"), NotSent),
        (answer(b'{"access_token": 5, "expires_in": 1}'), NotSent),
        (answer(b'{"access_token": "x"}'), NotSent),
        (answer(b"{}", status="302 Found", headers="Location: http://127.0.0.1:9/\r\n"), NotSent),
    ],
)
def test_without_a_token_nothing_was_sent(connect, given, raised):
    with RawServer(sends(given)) as server, pytest.raises(ProviderError) as caught:
        connect(API_BASE=server.url, WEBHOOK_ROOT_CERTIFICATE=None).pay(pay_request())
    assert type(caught.value) is raised
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("kind", ["hang", "reset", "garbage", "status", "truncate", "redirect", "empty"])
def test_a_token_that_is_lost_on_its_way_leaves_nothing_in_doubt(hasty, sandbox, kind):
    sandbox.fault(kind, operation="oauth2.token", when="after")
    with pytest.raises(NotSent):
        hasty.pay(pay_request())
    sandbox.clear_faults()
    assert hasty.pay(pay_request()).fact.provider_session_id
    assert len(sandbox.calls("orders.create")) == 1


def test_one_account_never_uses_the_token_of_another(connect, sandbox):
    first, second = connect(), connect(CLIENT_ID="other-client")
    fact = first.pay(pay_request()).fact
    assert second.look_up(look_up_request(fact)) is None
    assert first.look_up(look_up_request(fact)) is not None
    assert len(sandbox.calls("oauth2.token")) == 2


# -- what must not leak -----------------------------------------------------------------------------------------------


def frames(error: BaseException | None) -> list[str]:
    found = []
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                found += [f"{frame.f_code.co_name}.{name}={value!r}" for name, value in frame.f_locals.items()]
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("operation", ["oauth2.token", "orders.create"])
@pytest.mark.parametrize("kind", ["reset", "garbage", "status"])
def test_no_credential_shows_in_what_an_error_reporter_walks_through(connect, sandbox, operation, kind):
    paypal = connect(CLIENT_SECRET="canary-secret")
    if operation != "oauth2.token":
        paypal.pay(pay_request())
    sandbox.fault(kind, operation=operation, status=403, body={"name": "NOT_AUTHORIZED", "message": "canary-secret"})
    with pytest.raises(ProviderError) as caught:
        paypal.pay(pay_request())
    walked = frames(caught.value)
    assert len(walked) >= 5
    assert not [line for line in walked if "canary" in line or "Bearer" in line or "Basic" in line or "A21AA" in line]


def test_what_is_sent_is_json_of_the_request(talk):
    with RawServer(scripted(TOKEN, answer())) as server:
        talk(server).request(f"{server.url}/x", "POST", {"amount": "1.00"})
        assert json.loads(calls(server)[-1][2]) == {"amount": "1.00"}


def test_an_account_shows_no_secret():
    assert "hub-secret" not in repr(account())
