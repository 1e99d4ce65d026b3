"""A local HTTP server that keeps what it hears: where the sandbox sends notices, and where nobody may be redirected."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from django_payments_hub.testing.contract.bench import Notice

NOTICES = "/notices"


class Receiver:
    """Listens on loopback for the length of a `with` block. `notices` and `strangers` (any other path) only grow."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.strangers: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True, name="receiver"
        )
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        self.url = self.base + NOTICES

    def clear(self) -> None:
        """Forget everything heard."""
        self.notices.clear()
        self.strangers.clear()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if self.path.startswith(NOTICES):
                    receiver.notices.append(Notice(body=body, headers=headers))
                else:
                    receiver.strangers.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - the standard library's names

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
