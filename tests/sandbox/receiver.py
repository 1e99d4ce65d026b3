"""A webhook endpoint on loopback that keeps what it hears and answers as told."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import stripe


@dataclass(frozen=True)
class Heard:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    @property
    def signature(self) -> str:
        return self.headers.get("stripe-signature", "")

    def verified(self, secret: str) -> stripe.Event:
        """Verified by the SDK's own code."""
        event: stripe.Event = stripe.Webhook.construct_event(self.body, self.signature, secret)
        return event


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # fifty may knock at once


class Receiver:
    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        self.on_request: Callable[[Heard], None] = lambda heard: None
        self.reply: Callable[[Heard], bytes] = lambda heard: b"{}"
        self._arrived = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                heard = Heard(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                receiver.on_request(heard)
                status = receiver._keep(heard)
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                answer = receiver.reply(heard)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                pass

        return Handler

    def _keep(self, heard: Heard) -> int:
        with self._arrived:
            self.heard.append(heard)
            self._arrived.notify_all()
            return self.answers.pop(0) if self.answers else 200

    def wait_for(self, count: int, timeout_s: float = 5.0) -> list[Heard]:
        """The first ``count`` requests; fails when they do not come."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.heard) >= count, timeout_s), self.types()
            return self.heard[:count]

    def types(self) -> list[str]:
        return [heard.event["type"] for heard in self.heard]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def wait_until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
