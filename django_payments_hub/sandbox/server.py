"""The sandbox's HTTP server and command line."""

import argparse
import ipaddress
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.control import Control
from django_payments_hub.sandbox.easypaisa.mount import EasyPaisaMount
from django_payments_hub.sandbox.jazzcash.mount import JazzCashMount
from django_payments_hub.sandbox.mounts import Mount
from django_payments_hub.sandbox.paypal.mount import PayPalMount
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.square.mount import SquareMount
from django_payments_hub.sandbox.stripe.mount import StripeMount

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY = 10_000_000
ENDING = frozenset({signal.SIGTERM, signal.SIGINT})


class Sandbox:
    """The WSGI application: one mount per provider, the control API, and Stripe's ``/v1`` at the root too."""

    def __init__(self, clock: str | None = None) -> None:
        self.world = World()
        if clock:
            self.world.clock.set(clock)
        self.stripe = StripeMount(self.world)
        self.mounts: dict[str, Mount] = {self.stripe.name: self.stripe}
        self.mounts["paypal"] = PayPalMount(self.world)
        self.mounts["square"] = SquareMount(self.world)
        self.mounts["jazzcash"] = JazzCashMount(self.world)
        self.mounts["easypaisa"] = EasyPaisaMount(self.world)
        self.control = Control(self.world, self.mounts)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = MAX_BODY
        # Read whole, whatever happens next: unread bytes would be taken for the next request on the connection
        request.get_data(cache=True, parse_form_data=False)
        return self._dispatch(request)(environ, start_response)

    def _dispatch(self, request: Request) -> Response:
        name, _, rest = request.path.lstrip("/").partition("/")
        if name == "_control":
            return self.control.handle(request, rest)
        if name in self.mounts:
            return self.mounts[name].handle(request, f"/{rest}")
        if name == "v1":
            return self.stripe.handle(request, request.path)
        return Response(json.dumps({"error": "not found"}), 404, content_type="application/json")


class Handler(WSGIRequestHandler):
    """Keeps connections open. Werkzeug closes each after its answer; here every body is read before the answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer one request and leave the connection as the client wants it."""
        if self.headers.get("Expect", "").lower().strip() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        environ = self.make_environ()
        try:
            chunks = self.server.app(environ, self._start)
            self.wfile.write(b"".join(chunks))
        except ConnectionError:
            self.close_connection = True
        except Exception:  # noqa: BLE001 - a defect of the sandbox answers 500 and shows on stderr
            self.close_connection = True
            traceback.print_exc()
            self.send_error(500)

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], object]:
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        return self.wfile.write

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """No access log: the control API has one."""


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT; prints one JSON line with ``url`` and ``pid`` once it listens."""
    options = _parse(arguments)
    if not _is_loopback(options.host) and not options.allow_remote:
        print("The control API has no authentication: to bind beyond loopback say --allow-remote", file=sys.stderr)
        return 2
    # Waited for, not handled: a handler that wakes the main thread could deadlock with it
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    server = make_server(options.host, options.port, Sandbox(options.clock), threaded=True, request_handler=Handler)
    threading.Thread(target=server.serve_forever, args=(0.1,), name="serve", daemon=True).start()
    url = f"http://{options.host}:{server.server_port}"
    print(json.dumps({"url": url, "pid": os.getpid()}), flush=True)
    signal.sigwait(ENDING)
    server.shutdown()
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m django_payments_hub.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--clock", help="start at this ISO 8601 time instead of now")
    parser.add_argument("--allow-remote", action="store_true", help="bind to an address beyond loopback")
    return parser.parse_args(arguments)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
