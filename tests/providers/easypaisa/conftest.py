from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core.cache import cache

from django_payments_hub.services import accounts
from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess
from tests.services import world


@dataclass
class Hits:
    """A server nobody should call, and who did."""

    url: str
    seen: list[str] = field(default_factory=list)


@pytest.fixture
def httpserver_hits() -> Iterator[Hits]:
    hits = Hits(url="")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.seen.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    hits.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield hits
    server.shutdown()
    server.server_close()


@pytest.fixture
def shop(settings: Any, sandbox: SandboxClient, sandbox_process: SandboxProcess, no_worker: None) -> Iterator[str]:
    """A project with one EasyPaisa store; the name of the store."""
    cache.clear()
    known = sandbox.settings("easypaisa")
    account = {"PROVIDER": "easypaisa", "MODE": "test", **known}
    settings.PAYMENTS_HUB = {**settings.PAYMENTS_HUB, "RETRY_BASE_S": 0.05, "ACCOUNTS": {"easypaisa": account}}
    accounts.forget()
    yield str(known["STORE_ID"])
    accounts.forget()
    world.close_providers()
