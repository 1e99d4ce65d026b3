"""Acme Pay, the made-up provider of the documentation, as a small HTTP server."""

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Json = dict[str, Any]


class Acme:
    """Payments and refunds by our references; `url` while it serves."""

    api_key = "acme-key"
    notice_secret = "acme-notice-secret"

    def __init__(self) -> None:
        self.payments: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}
        self.breaks_off = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"acme": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def break_off_next_answer(self) -> None:
        """Do what is asked next, and hang up instead of answering."""
        self.breaks_off = True

    def paid(self, reference: str) -> tuple[str, str]:
        """The customer pays: the notice's body and signature."""
        self.payments[reference]["state"] = "paid"
        body = json.dumps({"id": f"note-{reference}", "type": "payment.paid", "object": self.payments[reference]})
        stamp = str(int(time.time()))
        digest = hmac.new(self.notice_secret.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
        return body, f"{stamp}.{digest}"

    def handle(self, method: str, path: str, body: Json) -> tuple[int, Json]:
        """The answer to one call."""
        match [method, *path.strip("/").split("/")]:
            case ["POST", "payments"]:
                made = {**body, "id": f"ac_{len(self.payments)}", "state": "waiting", "page": f"{self.url}/page"}
                return 201, self.payments.setdefault(body["reference"], made)
            case ["POST", "payments", reference, "refunds"]:
                named = {"payment_reference": reference, "currency": self.payments[reference]["currency"]}
                made = {**body, **named, "id": f"ar_{len(self.refunds)}", "state": "done"}
                return 201, self.refunds.setdefault(body["reference"], made)
            case ["GET", "payments", reference] if reference in self.payments:
                return 200, self.payments[reference]
            case ["GET", "payments", _, "refunds", reference] if reference in self.refunds:
                return 200, self.refunds[reference]
        return 404, {}


class _Handler(BaseHTTPRequestHandler):
    acme: Acme

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_GET(self) -> None:
        self._answer({})

    def _answer(self, body: Json) -> None:
        if self.headers["Authorization"] != f"Bearer {self.acme.api_key}":
            status, answer = 401, Json()
        else:
            status, answer = self.acme.handle(self.command, self.path, body)
        if self.acme.breaks_off:
            self.acme.breaks_off, self.close_connection = False, True
            return
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        pass
