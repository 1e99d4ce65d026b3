"""The kit's HTTP client against sockets that misbehave in every way a provider can."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from django_payments_hub.exceptions import NotSent, OutcomeUnknown
from django_payments_hub.provider_kit.http import HttpClient, deadline, quiet, retry_after_s
from tests.provider_kit.raw_server import RawServer, answer, closes_after, resets_after, sends

DEADLINE_S = 0.6
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000
GZIP_BOMB = answer(gzip.compress(b"0" * 10**6), headers="Content-Encoding: gzip\r\n")


@pytest.fixture
def client():
    made = HttpClient(deadline_s=DEADLINE_S, max_body_bytes=1000)
    yield made
    made.close()


def drips(first: bytes) -> Callable[[socket.socket], None]:
    """One byte every 50 ms: each one restarts an ordinary read time-out."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(first)
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(0.05)

    return behave


def is_silent(connection: socket.socket) -> None:
    connection.recv(1)


def reason(caught: pytest.ExceptionInfo[OutcomeUnknown] | pytest.ExceptionInfo[NotSent]) -> object:
    return caught.value.details["reason"]


# -- answers ---------------------------------------------------------------------------------------------------------


def test_an_answer_comes_back_complete_with_status_headers_and_body(client):
    with RawServer(sends(answer(b'{"a":1}', status="402 Payment Required", headers="Request-Id: req_1\r\n"))) as server:
        response = client.request("POST", f"{server.url}/v1/x", headers={"Authorization": "Bearer k"}, content=b"a=b")
    assert (response.status_code, response.content, response.headers["request-id"]) == (402, b'{"a":1}', "req_1")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b"a=b"
    assert head.startswith(b"POST /v1/x HTTP/1.1")
    assert b"\r\nAuthorization: Bearer k" in head


def test_connections_are_kept_and_used_again(client):
    with RawServer(sends(answer())) as server:
        for _ in range(3):
            client.request("GET", server.url)
    assert (server.connections, len(server.requests)) == (1, 3)


def test_a_fresh_connection_for_each_call_where_asked_for():
    client = HttpClient(deadline_s=2, fresh_connection=True)
    with RawServer(sends(answer())) as server:
        for _ in range(3):
            client.request("GET", server.url)
    assert server.connections == 3
    assert all(b"Connection: close" in request for request in server.requests)


def test_cookies_of_one_answer_do_not_travel_with_the_next_call(client):
    with RawServer(sends(answer(headers="Set-Cookie: a=b\r\n"))) as server, httpx.Client(transport=client) as sdk:
        assert "set-cookie" not in sdk.get(server.url).headers
        sdk.get(server.url)
    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_threads_share_one_client():
    client = HttpClient(deadline_s=5)
    statuses: list[int] = []
    with RawServer(sends(answer())) as server:
        work = lambda: statuses.extend(client.request("GET", server.url).status_code for _ in range(10))  # noqa: E731
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        client.close()
    assert statuses == [200] * 80
    assert server.connections <= 8


# -- what was not sent -----------------------------------------------------------------------------------------------


def test_a_refused_connection_was_not_sent(client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSent) as caught:
        client.request("POST", f"http://127.0.0.1:{port}/", content=b"x")
    assert reason(caught) == "connect_error"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".invalid"])
def test_a_name_that_does_not_resolve_was_not_sent(client, host):
    with pytest.raises(NotSent):
        client.request("POST", f"http://{host}/", content=b"x")


def test_a_connection_that_is_never_accepted_was_not_sent(client):
    # A full backlog: further SYNs are dropped, as by a firewall.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        started = time.monotonic()
        with pytest.raises(NotSent) as caught:
            client.request("POST", f"http://127.0.0.1:{address[1]}/", content=b"x")
        for filler in fillers:
            filler.close()
    assert reason(caught) in ("deadline", "connect_timeout")
    assert time.monotonic() - started < DEADLINE_S + 1


def test_nothing_is_sent_once_the_deadline_has_passed(client):
    with RawServer(sends(answer())) as server, deadline(0.0), pytest.raises(NotSent) as caught:
        client.request("POST", server.url, content=b"x")
    assert reason(caught) == "deadline"
    assert server.requests == []


# -- what is unknown -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behave", "expected"),
    [
        pytest.param(is_silent, "deadline", id="no answer"),
        pytest.param(drips(b""), "deadline", id="status line drips"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\nX: "), "deadline", id="header drips"),
        pytest.param(drips(answer(b"", length=900)), "deadline", id="body drips"),
        pytest.param(drips(CHUNKED + b"f"), "deadline", id="chunk never ends"),
        pytest.param(closes_after(b""), "remote_protocol_error", id="closed without an answer"),
        pytest.param(closes_after(answer(b"{}", length=100)), "remote_protocol_error", id="truncated"),
        pytest.param(
            closes_after(CHUNKED + b"5\r\nab"),
            "remote_protocol_error",
            id="chunk truncated",
        ),
        pytest.param(resets_after(b"HTTP/1.1 2"), "read_error", id="reset"),
        pytest.param(sends(b"garbage\r\n\r\n"), "remote_protocol_error", id="not HTTP"),
        pytest.param(sends(ENDLESS_HEADERS), "remote_protocol_error", id="endless headers"),
        pytest.param(sends(answer(b"x" * 1001)), "too_large", id="too large"),
        pytest.param(sends(GZIP_BOMB), "encoded", id="bomb"),
        pytest.param(sends(answer(status="101 Switching Protocols")), "remote_protocol_error", id="upgrade"),
        pytest.param(sends(answer(status="799 ?")), "protocol", id="status of no class"),
    ],
)  # fmt: skip
def test_whatever_goes_wrong_after_sending_is_unknown_within_the_deadline(client, behave, expected):
    started = time.monotonic()
    with RawServer(behave) as server, pytest.raises(OutcomeUnknown) as caught:
        client.request("POST", f"{server.url}/v1/charge", content=b"amount=100")
    assert reason(caught) == expected
    assert time.monotonic() - started < DEADLINE_S + 1
    assert server.requests != []


def test_a_body_that_the_peer_does_not_take_is_unknown_within_the_deadline(client):
    """The kernel's buffers fill up; part of the request is gone."""
    started = time.monotonic()
    # The kernel accepts the connection; nobody ever reads from it.
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(OutcomeUnknown) as caught:
        client.request("POST", f"http://127.0.0.1:{listener.getsockname()[1]}/", content=b"x" * 30_000_000)
    assert reason(caught) == "deadline"
    assert time.monotonic() - started < DEADLINE_S + 1


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect"])
def test_redirects_are_not_followed(client, status):
    with RawServer(sends(answer(b'{"id":"x"}'))) as elsewhere:
        with (
            RawServer(sends(answer(status=status, headers=f"Location: {elsewhere.url}/\r\n"))) as server,
            pytest.raises(OutcomeUnknown) as caught,
        ):
            client.request("POST", server.url, content=b"x")
        assert elsewhere.connections == 0
    assert reason(caught) == "redirect"
    assert caught.value.details["status"] == int(status[:3])


def test_a_connection_that_died_while_idle_is_not_taken_for_the_next_call(client):
    with RawServer(sends(answer())) as server:
        client.request("GET", server.url)
        server._open[0].shutdown(socket.SHUT_RDWR)
        assert client.request("GET", server.url).status_code == 200
    assert server.connections == 2


def test_calls_inside_one_deadline_share_it(client):
    def slow(connection: socket.socket) -> None:
        time.sleep(0.25)
        connection.sendall(answer())

    with RawServer(slow) as server, deadline(0.4):
        assert client.request("GET", server.url).status_code == 200
        with pytest.raises(OutcomeUnknown):
            client.request("GET", server.url)
    assert len(server.requests) == 2


def test_an_inner_deadline_does_not_outlast_the_outer_one(client):
    started = time.monotonic()
    with RawServer(is_silent) as server, pytest.raises(OutcomeUnknown), deadline(0.2), deadline(60):
        client.request("GET", server.url)
    assert time.monotonic() - started < DEADLINE_S


# -- environment, forks, TLS -----------------------------------------------------------------------------------------


def test_proxy_variables_are_not_trusted(client, monkeypatch):
    with RawServer(sends(answer(b"proxy"))) as proxy, RawServer(sends(answer(b"direct"))) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert client.request("GET", server.url).content == b"direct"
        assert proxy.connections == 0


FORKS = """
import os, sys
from django_payments_hub.provider_kit.http import HttpClient
client, url = HttpClient(deadline_s=5), sys.argv[1]
client.request("GET", url)
child = os.fork()
client.request("GET", url) if child == 0 else os.waitpid(child, 0)
if child == 0:
    os._exit(0)
client.request("GET", url)
client.close()
"""


def test_a_forked_child_makes_connections_of_its_own():
    """In a process without threads: forking the test runner itself could hang."""
    with RawServer(sends(answer())) as server:
        subprocess.run([sys.executable, "-c", FORKS, server.url], check=True, timeout=60)
    # The parent's second call went over its first connection, which the child left alone.
    assert (server.connections, len(server.requests)) == (2, 3)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A self-signed certificate for localhost, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path: Path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def tls_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(client, certificate):
    with RawServer(sends(answer()), tls=tls_context(certificate)) as server, pytest.raises(NotSent) as caught:
        client.request("POST", server.url, content=b"secret")
    assert reason(caught) == "connect_error"
    assert server.requests == []


def test_another_authority_can_be_named_by_the_standard_variable(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    client = HttpClient(deadline_s=5)
    with RawServer(sends(answer()), tls=tls_context(certificate)) as server:
        assert client.request("GET", server.url).status_code == 200
    client.close()


def test_an_authority_does_not_vouch_for_another_name(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with RawServer(sends(answer()), tls=tls_context(certificate)) as server, pytest.raises(NotSent):
        HttpClient(deadline_s=5).request("GET", server.url.replace("localhost", "127.0.0.1"))


def test_old_tls_is_refused(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = tls_context(certificate)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with RawServer(sends(answer()), tls=context) as server, pytest.raises(NotSent):
        HttpClient(deadline_s=5).request("GET", server.url)


def test_a_peer_that_never_finishes_the_handshake_was_not_sent(client):
    with RawServer(is_silent) as server, pytest.raises(NotSent):
        client.request("POST", server.url.replace("http:", "https:"), content=b"x")


# -- logs ------------------------------------------------------------------------------------------------------------


def test_one_line_says_method_host_path_without_ids_status_and_time_and_nothing_else(client, caplog):
    canary = "canary" + "0" * 16
    for name in ("", "django_payments_hub", "httpcore.http11", "httpcore.connection", "httpx"):
        caplog.set_level(logging.DEBUG, logger=name)
    with RawServer(sends(answer(canary.encode(), headers=f"X-Secret: {canary}\r\n"))) as server:
        client.request(
            "POST",
            f"{server.url}/v1/payment_intents/pi_{canary}/confirm?client_secret={canary}",
            headers={"Authorization": f"Bearer {canary}"},
            content=canary.encode(),
        )
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 1
    assert lines[0].startswith("POST localhost/v1/payment_intents/{id}/confirm 200 ")
    assert lines[0].endswith(" ms")


def test_a_failed_call_is_logged_with_its_reason(client, caplog):
    caplog.set_level(logging.INFO, logger="django_payments_hub")
    with RawServer(closes_after(b"")) as server, pytest.raises(OutcomeUnknown):
        client.request("POST", f"{server.url}/v1/refunds", content=b"x")
    assert [r.getMessage().rsplit(" ", 2)[0] for r in caplog.records] == [
        "POST localhost/v1/refunds remote_protocol_error"
    ]


def test_a_quieted_logger_speaks_again_afterwards(caplog):
    log = logging.getLogger("some.sdk")
    with caplog.at_level(logging.DEBUG):
        with quiet("some.sdk"):
            log.debug("hidden")
        log.debug("shown")
    assert [record.getMessage() for record in caplog.records] == ["shown"]


def test_quiet_is_for_one_thread_alone(caplog):
    log = logging.getLogger("some.sdk")
    with caplog.at_level(logging.DEBUG), quiet("some.sdk"):
        thread = threading.Thread(target=log.debug, args=("of another user of the SDK",))
        thread.start()
        thread.join()
    assert [record.getMessage() for record in caplog.records] == ["of another user of the SDK"]


def test_no_frame_of_a_failure_holds_the_credentials(client):
    with RawServer(closes_after(b"")) as server, pytest.raises(OutcomeUnknown) as caught:
        client.request("GET", server.url, headers={"Authorization": "Bearer canary-secret"})
    frames = [entry for entry in caught.traceback if "provider_kit" in str(entry.path)]
    seen = [f"{name}={value!r}" for entry in frames[1:] for name, value in entry.frame.f_locals.items()]
    assert len(frames) > 1
    assert not [line for line in seen if "canary-secret" in line]
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# -- Retry-After -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7),
        ("0", 0),
        ("999999999999", 86400),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1e3", None),
        ("\u0667", None),
    ],
)
def test_retry_after_in_seconds(value, expected):
    assert retry_after_s({"retry-after": value}) == expected


def test_retry_after_as_a_date():
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < (retry_after_s({"retry-after": then}) or 0) <= 60
    assert retry_after_s({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
