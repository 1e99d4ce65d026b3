"""The one HTTP client of all providers: bounded in time and size, and honest about what is known when a call fails.

What an error means is decided here, for everybody, by one question: may bytes of the request have left this machine?
If not, it is `NotSent`; if so, whatever went wrong, it is `OutcomeUnknown`.

The environment is not trusted: no proxy variables (any CGI-like host lets a caller set HTTP_PROXY), no .netrc. Only
SSL_CERT_FILE and SSL_CERT_DIR are honoured, as in OpenSSL itself, to name other certificate authorities; verification
cannot be switched off.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from django_payments_hub.exceptions import NotSent, OutcomeUnknown, ProviderError
from django_payments_hub.provider_kit.deadlines import Exchange, current_exchange, deadline, exchange, time_left_s
from django_payments_hub.provider_kit.logs import path_template, quiet

__all__ = ["HttpClient", "deadline", "quiet", "retry_after_s", "time_left_s"]

logger = logging.getLogger("django_payments_hub.http")

MAX_BODY_BYTES = 5 * 1024 * 1024
CONNECT_TIMEOUT_S = 5.0
KEEPALIVE_S = 60.0
"""Providers keep idle connections for minutes; a TLS handshake costs 45 ms of CPU."""

MAX_RETRY_AFTER_S = 24 * 3600
"""No provider may make us wait longer, whatever its header says."""

_CHUNK = 16 * 1024
_LIBRARY_LOGGERS = (
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "httpx",
)
_TRANSPORT_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class _BoundedStream(httpcore.NetworkStream):
    """A connection whose every read and write gets at most the time left of the call under way."""

    def __init__(self, inner: httpcore.NetworkStream):
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _time_left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        under_way = current_exchange()
        # In pieces: the time-out of a write restarts whenever the peer takes a little.
        for start in range(0, len(buffer), _CHUNK):
            left = _time_left(timeout, httpcore.WriteTimeout)
            if under_way is not None:
                under_way.sent = True
            self._inner.write(buffer[start : start + _CHUNK], left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            left = _time_left(timeout, httpcore.ConnectTimeout)
        except httpcore.ConnectTimeout:
            self.close()
            raise
        return _BoundedStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _BoundedBackend(httpcore.NetworkBackend):
    """Opens connections within the time left, over all addresses of a name together.

    The resolver itself cannot be interrupted; its own time-outs (resolv.conf) count on top, but nothing is sent after
    the deadline.
    """

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        ends_at = time.monotonic() + (CONNECT_TIMEOUT_S if timeout is None else timeout)
        failure: Exception = httpcore.ConnectError("no address")
        for address in _addresses(host, port):
            left = _time_left(ends_at - time.monotonic(), httpcore.ConnectTimeout)
            try:
                return _BoundedStream(self._inner.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError("name not resolved") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _time_left(timeout: float | None, expired: type[Exception]) -> float | None:
    under_way = current_exchange()
    times = [t for t in (timeout, under_way.left_s() if under_way else None) if t is not None]
    if times and min(times) <= 0:
        raise expired("deadline")
    return min(times, default=None)


class HttpClient(httpx.BaseTransport):
    """Sends requests for one account, keeping connections; safe for threads and across forks.

    An SDK that wants an `httpx.Client` gets `httpx.Client(transport=client, trust_env=False)`.

    Args:
        deadline_s: the longest a call may take from start to end, in seconds, however slowly the peer drips.
        connect_timeout_s: for connecting, and again for the TLS handshake. read_timeout_s: for silence between bytes.
        max_body_bytes: cap on an answer's body.
        fresh_connection: never use a connection twice; for providers without idempotency keys, since a reset on a
            kept-alive connection leaves the outcome unknown.
    """

    def __init__(
        self,
        *,
        deadline_s: float,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        fresh_connection: bool = False,
    ):
        self._deadline_s = deadline_s
        self._timeouts = {
            "connect": connect_timeout_s,
            "read": deadline_s if read_timeout_s is None else read_timeout_s,
            "write": deadline_s if read_timeout_s is None else read_timeout_s,
        }
        self._max_body_bytes = max_body_bytes
        self._fresh_connection = fresh_connection
        self._pools: dict[int, httpcore.ConnectionPool] = {}

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> httpx.Response:
        """Send one request; the answer is complete, of any status but a redirect, its body neither decoded nor parsed.

        Raises:
            NotSent: nothing left this machine. OutcomeUnknown: anything may have happened.
        """
        request = httpx.Request(method, url, headers=headers, content=content)
        # Error reporters print the locals of every frame; httpx masks the Authorization header in its own repr.
        del headers, content
        return self.handle_request(request)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Same as `request`, in the form httpx asks of a transport."""
        started, outcome = time.monotonic(), "failed"
        try:
            with exchange(self._deadline_s) as under_way, quiet(*_LIBRARY_LOGGERS):
                response = self._send(request, under_way)
            outcome = str(response.status_code)
            return response
        except ProviderError as error:
            outcome = str(error.details.get("reason", outcome))
            raise
        finally:
            _log(request, outcome, time.monotonic() - started)

    def _send(self, request: httpx.Request, under_way: Exchange) -> httpx.Response:
        failure: Exception
        try:
            with self._pool().stream(
                request.method,
                str(request.url),
                headers=self._headers(request),
                content=request.read(),
                extensions={"timeout": {**self._timeouts, "pool": max(0.0, under_way.left_s())}},
            ) as response:
                return self._complete(request, response)
        except _TRANSPORT_ERRORS as error:
            failure = error
        # Outside the handler, so that no report of the error walks into frames that hold the credentials.
        raise _translated(failure, under_way)

    def _headers(self, request: httpx.Request) -> list[tuple[bytes, bytes]]:
        # No compression: a small answer must not unpack into a large one.
        headers = [(k, v) for k, v in request.headers.raw if k.lower() not in (b"accept-encoding", b"connection")]
        headers.append((b"Accept-Encoding", b"identity"))
        # Our own `close` is enough: the HTTP state machine then ends the connection, whatever the peer answers.
        headers.append((b"Connection", b"close" if self._fresh_connection else b"keep-alive"))
        return headers

    def _complete(self, request: httpx.Request, response: httpcore.Response) -> httpx.Response:
        if 300 <= response.status < 400 or response.status >= 600:
            raise _unknown("redirect" if response.status < 400 else "protocol", status=response.status)
        # A cookie would make a later call depend on an earlier one.
        headers = httpx.Headers([(k, v) for k, v in response.headers if k.lower() != b"set-cookie"])
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise _unknown("encoded", status=response.status)
        return httpx.Response(response.status, headers=headers, content=self._body(response), request=request)

    def _body(self, response: httpcore.Response) -> bytes:
        parts, size = [], 0
        for part in response.iter_stream():
            size += len(part)
            if size > self._max_body_bytes:
                raise _unknown("too_large", status=response.status)
            parts.append(part)
        return b"".join(parts)

    def _pool(self) -> httpcore.ConnectionPool:
        # A forked child shares its parent's sockets: it makes its own and leaves the parent's alone.
        pool = self._pools.get(os.getpid())
        return pool or self._pools.setdefault(os.getpid(), self._new_pool())

    def _new_pool(self) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=_ssl_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=KEEPALIVE_S,
            network_backend=_BoundedBackend(),
        )

    def close(self) -> None:
        """Close the connections of this process."""
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            pool.close()


@functools.lru_cache(maxsize=4)
def _ssl_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Costs 25 ms, so once per process; the arguments are what `create_ssl_context` reads from the environment."""
    del cert_file, cert_dir
    context = httpx.create_ssl_context(verify=True, trust_env=True)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _translated(error: Exception, under_way: Exchange) -> ProviderError:
    reason = _reason(error, under_way)
    if under_way.sent:
        return _unknown(reason)
    return NotSent(f"The request could not be sent ({reason}).", details={"reason": reason})


def _reason(error: Exception, under_way: Exchange) -> str:
    if under_way.left_s() <= 0:
        return "deadline"
    # The library's names are stable words without content: read_timeout, connect_error, remote_protocol_error, ...
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def _unknown(reason: str, *, status: int | None = None) -> OutcomeUnknown:
    details: dict[str, object] = {"reason": reason}
    if status is not None:
        details["status"] = status
    return OutcomeUnknown(f"The call ended without a readable answer ({reason}).", details=details)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as told by a Retry-After header (lower-case name), in either of its forms; None when not told."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(int(value[:9]), MAX_RETRY_AFTER_S)
    try:
        wait = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(0.0, wait), MAX_RETRY_AFTER_S)


def _log(request: httpx.Request, outcome: str, seconds: float) -> None:
    if logger.isEnabledFor(logging.INFO):
        logger.info(
            "%s %s%s %s %d ms",
            request.method,
            request.url.host,
            path_template(request.url.path),
            outcome,
            seconds * 1000,
        )
