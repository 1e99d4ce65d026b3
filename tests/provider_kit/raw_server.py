"""A TCP server that answers with exactly the bytes, and at exactly the pace, that a test asks for."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

Behaviour = Callable[[socket.socket], None]


class RawServer:
    """Reads one request after the other on each connection and lets `behave` answer it."""

    def __init__(self, behave: Behaviour, *, tls: ssl.SSLContext | None = None):
        self._behave, self._tls = behave, tls
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    def __enter__(self) -> RawServer:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        # A blocked accept() does not notice close(), a last connection it does.
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # wakes a blocked recv(), which close() does not
        for thread in self._threads:
            thread.join(5)
        for connection in self._open:
            connection.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self.stopped.is_set():
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls:
                plain, connection = connection, self._tls.wrap_socket(connection, server_side=True)
                self._open.remove(plain)
                self._open.append(connection)
            while request := read_request(connection):
                self.requests.append(request)
                self._behave(connection)
        except OSError:
            pass


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


def sends(data: bytes) -> Behaviour:
    return lambda connection: connection.sendall(data)


def closes_after(data: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return behave


def resets_after(data: bytes) -> Behaviour:
    """Ends with an RST, as a crashing peer or a firewall does."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return behave
