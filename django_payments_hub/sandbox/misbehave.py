"""Carrying a fault out: on the answer, or on the bare connection."""

import contextlib
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from django_payments_hub.sandbox.faults import DISTORTIONS, Fault
from django_payments_hub.sandbox.outbound import post_json
from django_payments_hub.sandbox.wire import Answer, Call, Json, encode, json_answer

POLL_S = 0.05


class Dropped(ConnectionError):
    """The fault has dealt with the connection itself: there is nothing left to answer."""


def client_gone(connection: socket.socket) -> bool:
    """Whether the peer has closed its end."""
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def hang(connection: socket.socket, seconds: float, cleared: threading.Event) -> None:
    """Say nothing for a while; ends early when the client leaves or the plan is cleared. Then close."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not cleared.wait(POLL_S) and not client_gone(connection):
        pass
    close(connection)


def close(connection: socket.socket) -> None:
    """End the connection in good order, without an answer."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    raise Dropped("closed without an answer")


def reset(connection: socket.socket) -> None:
    """End the connection with a TCP reset (RST)."""
    # detach() first: socket.close() waits for the server's file objects and shutdown() would send a FIN instead
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())
    raise Dropped("reset")


def head(answer: Answer, length: int) -> bytes:
    """A raw response head that promises ``length`` bytes."""
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {length}",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def truncate(connection: socket.socket, answer: Answer) -> None:
    """Promise the whole body, send half of it, close."""
    connection.sendall(head(answer, len(answer.body)) + answer.body[: len(answer.body) // 2])
    close(connection)


def _still_there(connection: socket.socket, seconds: float, cleared: threading.Event) -> bool:
    """Wait so long; False at once when the client goes or the fault is cleared."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if cleared.wait(min(left, 0.05)) or client_gone(connection):
            return False
    return True


def drip(connection: socket.socket, answer: Answer, seconds: float, cleared: threading.Event) -> None:
    """Send the head at once and the body byte by byte, spread over ``seconds``; never the last byte."""
    connection.sendall(head(answer, len(answer.body)))
    pause = seconds / max(len(answer.body), 1)
    for position in range(len(answer.body) - 1):
        if not _still_there(connection, pause, cleared):
            break
        connection.sendall(answer.body[position : position + 1])
    close(connection)


def plain(fault: Fault) -> Answer:
    """The answers that need no true answer beneath them."""
    match fault.kind:
        case "status":
            body = fault.body if fault.body is not None else {"error": {"type": "api_error", "message": "An error."}}
            return json_answer(fault.status, body, headers=dict(fault.headers))
        case "garbage":
            return Answer(status=200, body=b'{"id": "pi_\xff\xfe, {{{', headers=dict(fault.headers))
        case "html":
            page = b"<!doctype html><html><body><h1>Service is under maintenance</h1></body></html>"
            return Answer(status=200, body=page, content_type="text/html", headers=dict(fault.headers))
        case "huge":
            return Answer(status=200, body=b'{"padding":"' + b"x" * fault.size + b'"}', headers=dict(fault.headers))
        case "redirect":
            url = fault.url or "http://169.254.169.254/latest/meta-data/"
            return Answer(status=fault.status if fault.status < 400 else 302, body=b"", headers={"Location": url})
        case _:
            return Answer(status=200, body=b"", headers=dict(fault.headers))


def distort(kind: str, body: Json) -> Json:
    """The answer's object with one lie in it. It names the fields as they stand at the top level of the object."""
    match kind:
        case "wrong_amount":
            return {k: v + 1 if k.startswith("amount") and type(v) is int else v for k, v in body.items()}
        case "wrong_currency":
            return {**body, "currency": "eur" if body.get("currency") != "eur" else "usd"}
        case "wrong_id":
            return {**body, "id": str(body.get("id", ""))[:-4] + "XXXX"}
        case "unknown_status":
            return {**body, "status": "status_of_the_future"}
        case "missing_id":
            return {k: v for k, v in body.items() if k != "id"}
        case _:
            return {**body, "field_of_the_future": {"nested": [1, 2, 3]}, "another_new_field": "value"}


class Misbehaviour:
    """One fault at work on one call."""

    def __init__(self, fault: Fault, cleared: threading.Event, call: Call) -> None:
        self.fault, self.cleared, self.call = fault, cleared, call

    def before(self) -> Answer | None:
        """Act before the call has any effect: an answer instead of it, None to go on, or raises Dropped."""
        if self.fault.when != "before":
            return None
        if self.fault.kind == "callback":
            self._call_back(None)
            return None
        return self._spoil(json_answer(200, {"object": "unfinished", "padding": "x" * 64}))

    def after(self, answer: Answer) -> Answer:
        """Spoil the answer of a call that is done: another answer, or raises Dropped."""
        if self.fault.when != "after":
            return answer
        if self.fault.kind == "callback":
            self._call_back(answer)
            return answer
        if self.fault.kind in DISTORTIONS:
            body = answer.json()
            return answer if body is None else replace(answer, body=encode(distort(self.fault.kind, body)))
        return self._spoil(answer)

    def stores(self) -> bool:
        """Whether the spoilt answer becomes the key's stored result: Stripe keeps the 500s of executed calls."""
        if self.fault.store is not None:
            return self.fault.store
        return self.fault.when == "after" and self.fault.kind == "status" and self.fault.status >= 500

    def _spoil(self, answer: Answer) -> Answer:
        connection = self.call.connection
        if connection is None:
            return plain(self.fault)
        on_the_wire: dict[str, Callable[[], None]] = {
            "hang": lambda: hang(connection, self.fault.seconds, self.cleared),
            "close": lambda: close(connection),
            "reset": lambda: reset(connection),
            "truncate": lambda: truncate(connection, answer),
            "drip": lambda: drip(connection, answer, self.fault.seconds, self.cleared),
        }
        if self.fault.kind in on_the_wire:
            on_the_wire[self.fault.kind]()
        return replace(plain(self.fault), effect=answer.effect)

    def _call_back(self, answer: Answer | None) -> None:
        summary = {
            "provider": self.call.provider,
            "operation": self.call.operation,
            "account": self.call.account,
            "path": self.call.path,
            "params": self.call.params,
            "idempotency_key": self.call.idempotency_key,
            "metadata": self.call.metadata,
            "when": self.fault.when,
            "status": answer.status if answer else None,
        }
        post_json(self.fault.url, summary, timeout_s=self.fault.seconds)
