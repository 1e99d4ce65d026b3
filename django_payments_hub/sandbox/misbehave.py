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
_REJECTED = (
    b"<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with your "
    b"administrator.<br><br>Your support ID is: 5527319880446132201</body></html>"
)


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


def plain(fault: Fault, call: Call) -> Answer:
    """The answers that need no true answer beneath them."""
    match fault.kind:
        case "status":
            body = fault.body if fault.body is not None else call.error_body(fault.status)
            return json_answer(fault.status, body, headers=dict(fault.headers))
        case "garbage":
            return Answer(status=200, body=b'{"id": "pi_\xff\xfe, {{{', headers=dict(fault.headers))
        case "html":
            page = b"<!doctype html><html><body><h1>Service is under maintenance</h1></body></html>"
            return Answer(status=200, body=page, content_type="text/html", headers=dict(fault.headers))
        case "waf":  # what an F5 firewall answers in the provider's place
            return Answer(status=200, body=_REJECTED, content_type="text/html; charset=utf-8")
        case "huge":
            return Answer(status=200, body=b'{"padding":"' + b"x" * fault.size + b'"}', headers=dict(fault.headers))
        case "redirect":
            url = fault.url or "http://169.254.169.254/latest/meta-data/"
            return Answer(status=fault.status if fault.status < 400 else 302, body=b"", headers={"Location": url})
        case _:
            return Answer(status=200, body=b"", headers=dict(fault.headers))


def distort(kind: str, body: Json) -> Json:
    """The answer with one lie in it: in the object itself, or in the objects of an envelope that names none."""
    if "id" not in body and "object" not in body:
        return {key: value if key == "errors" else _within(kind, value) for key, value in body.items()}
    match kind:
        case "wrong_amount":
            return {k: _more(v) if k.startswith("amount") and type(v) is int else _amounts(v) for k, v in body.items()}
        case "wrong_currency":
            return _other_currency(body)
        case "wrong_id":
            return {**body, "id": str(body.get("id", ""))[:-4] + "XXXX"}
        case "unknown_status":
            return _unknown_status(body)
        case "missing_id":
            return {k: v for k, v in body.items() if k != "id"}
        case _:
            return {**body, "field_of_the_future": {"nested": [1, 2, 3]}, "another_new_field": "value"}


def _within(kind: str, value: object) -> object:
    if isinstance(value, dict):
        return distort(kind, value)
    if isinstance(value, list):
        return [_within(kind, item) for item in value]
    return value


def _more(amount: int) -> int:
    return amount + 1


def _amounts(value: object) -> object:
    """The sums of money in a field, each a little more: ``{amount, currency}`` or ``{currency_code, value}``."""
    if isinstance(value, dict) and set(value) == {"amount", "currency"} and type(value["amount"]) is int:
        return {**value, "amount": _more(value["amount"])}
    if isinstance(value, dict) and {"currency_code", "value"} <= set(value):
        return {**value, "value": _more_decimal(str(value["value"]))}
    return _inside(value, _amounts)


def _more_decimal(value: str) -> str:
    whole, point, decimals = value.partition(".")
    digits = str(_more(int(whole + decimals))).rjust(len(decimals) + 1, "0")
    return f"{digits[: -len(decimals)]}.{digits[-len(decimals) :]}" if point else digits


def _inside(value: object, change: Callable[[object], object]) -> object:
    """What lies within PayPal's lists (purchase units, captures, ...) and their objects, changed."""
    if isinstance(value, list):
        return [_inside_item(item, change) for item in value]
    if isinstance(value, dict) and _LISTED & set(value):
        return _inside_item(value, change)
    return value


def _inside_item(item: object, change: Callable[[object], object]) -> object:
    return {name: change(part) for name, part in item.items()} if isinstance(item, dict) else item


# An order of PayPal's holds its payments two levels deep
_LISTED = frozenset({"authorizations", "captures", "refunds"})


def _other_currency(body: Json) -> Json:
    if "currency" in body:
        return {**body, "currency": "eur" if body["currency"] != "eur" else "usd"}
    return {key: _in_other_currency(value) for key, value in body.items()}


def _in_other_currency(value: object) -> object:
    for name, beside in (("currency", "amount"), ("currency_code", "value")):
        if isinstance(value, dict) and {name, beside} <= set(value):
            return {**value, name: "EUR" if value[name] != "EUR" else "USD"}
    return _inside(value, _in_other_currency)


def _unknown_status(body: Json) -> Json:
    field = "state" if "state" in body and "status" not in body else "status"
    units = body.get("purchase_units")
    inner = {"purchase_units": [_unknown_payments(unit) for unit in units]} if isinstance(units, list) else {}
    return {**body, field: "status_of_the_future", **inner}


def _unknown_payments(unit: Json) -> Json:
    payments = unit.get("payments")
    if not isinstance(payments, dict):
        return unit
    new = {name: [{**item, "status": "STATUS_OF_THE_FUTURE"} for item in items] for name, items in payments.items()}
    return {**unit, "payments": new}


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
            lie = self.call.distort or distort
            return answer if body is None else replace(answer, body=encode(lie(self.fault.kind, body)))
        return self._spoil(answer)

    def stores(self, *, by_itself: bool) -> bool:
        """Whether the spoilt answer becomes the key's stored result: a 5xx of an executed call does where
        ``by_itself`` says so (Stripe), any other where the script says so.
        """
        if self.fault.store is not None:
            return self.fault.store
        return by_itself and self.fault.when == "after" and self.fault.kind == "status" and self.fault.status >= 500

    def _spoil(self, answer: Answer) -> Answer:
        connection = self.call.connection
        if connection is None:
            return plain(self.fault, self.call)
        on_the_wire: dict[str, Callable[[], None]] = {
            "hang": lambda: hang(connection, self.fault.seconds, self.cleared),
            "close": lambda: close(connection),
            "reset": lambda: reset(connection),
            "truncate": lambda: truncate(connection, answer),
            "drip": lambda: drip(connection, answer, self.fault.seconds, self.cleared),
        }
        if self.fault.kind in on_the_wire:
            on_the_wire[self.fault.kind]()
        return replace(plain(self.fault, self.call), effect=answer.effect)

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
