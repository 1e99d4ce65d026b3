"""The official command line's listener: ``stripe listen`` gets its events over a WebSocket, as from Stripe."""

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.misbehave import Dropped
from django_payments_hub.sandbox.pages import render
from django_payments_hub.sandbox.stripe.account import API_VERSION, Account
from django_payments_hub.sandbox.stripe.context import Context, Route, words
from django_payments_hub.sandbox.stripe.errors import StripeError
from django_payments_hub.sandbox.wire import Json, random_id

if TYPE_CHECKING:
    from django_payments_hub.sandbox.stripe.mount import StripeMount


class Socket(Protocol):
    """What is used of a ``simple_websocket`` connection."""

    def send(self, data: str) -> None:
        """Send a text message; raises when the connection is closed."""

    def receive(self, timeout: float | None = None) -> str | bytes | None:
        """The next message; raises when the connection is closed."""


@dataclass(eq=False)
class Listener:
    """One command line. Messages are sent one at a time; its acknowledgements come back by event id."""

    id: str
    socket: Socket | None = None
    connected: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    acknowledged: dict[str, threading.Event] = field(default_factory=dict)

    def deliver(self, event_id: str, body: bytes, headers: dict[str, str], timeout_s: float) -> int:
        """Hand an event over and wait until it is acknowledged: 200. Raises OSError when it is not."""
        taken = self.acknowledged.setdefault(event_id, threading.Event())
        message = {
            "type": "webhook_event",
            "endpoint": {"api_version": None},
            "event_payload": body.decode(),
            "http_headers": headers,
            "webhook_conversation_id": f"wc_{random_id()}",
            "webhook_id": self.id,
        }
        if not self.connected.wait(timeout_s) or self.socket is None:
            raise TimeoutError("the listener did not connect")
        try:
            with self.lock:
                self.socket.send(json.dumps(message))
        except Exception as error:
            raise ConnectionError("the listener has gone") from error
        if not taken.wait(timeout_s):
            raise TimeoutError("the listener did not acknowledge the event")
        del self.acknowledged[event_id]
        return 200

    def heard(self, message: Json) -> None:
        """Note what the command line says: its acknowledgements count, not what the forwarded request was answered."""
        waiting = self.acknowledged.get(str(message.get("event_id")))
        if message.get("type") == "event_ack" and waiting is not None:
            waiting.set()


def create_session(ctx: Context) -> Json:
    """A listening session; its secret signs what goes to this account's command lines."""
    session_id = f"cliws_{random_id()}"
    ctx.account.sessions.add(session_id)
    return {
        "websocket_id": session_id,
        "websocket_url": f"{ctx.base_url.replace('http', 'ws', 1)}/stripe/listen",
        "websocket_authorized_feature": "webhooks",
        "secret": ctx.account.listener_secret,
        "reconnect_delay": 10,
        "display_connect_filter_warning": False,
        "default_version": API_VERSION,
        "latest_version": API_VERSION,
        "device_token": "",
    }


def serve(mount: "StripeMount", request: Request) -> Response:
    """The WebSocket of a session, for as long as the command line stays. Raises Dropped when it is over."""
    session_id = request.headers.get("Websocket-Id", "")
    account = _owner(mount, session_id)
    if account is None:
        return Response(json.dumps({"error": {"message": "Unknown WebSocket ID."}}), 404, mimetype="application/json")
    try:
        import simple_websocket
    except ModuleNotFoundError:
        return render("message.html", 501, title="Missing package", text="pip install django-payments-hub[sandbox]")
    # Listed before the handshake: the command line says it is ready as soon as that is done, and an event may follow
    listener = Listener(id=session_id)
    with mount.world.lock:
        account.listeners.append(listener)
    try:
        listener.socket = socket = cast(Socket, simple_websocket.Server(request.environ, thread_class=_Daemon))
        listener.connected.set()
        while (message := socket.receive()) is not None:
            listener.heard(json.loads(message))
    except simple_websocket.ConnectionClosed:
        pass
    finally:
        with mount.world.lock:
            account.listeners.remove(listener)
    raise Dropped("the listener has gone")


class _Daemon(threading.Thread):
    """The library's reading thread must not keep the sandbox from ending."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(daemon=True, **kwargs)  # type: ignore[arg-type]


def _owner(mount: "StripeMount", session_id: str) -> Account | None:
    with mount.world.lock:
        return next((a for a in mount.accounts.all() if session_id in a.sessions), None)


def retry(ctx: Context) -> Json:
    """``stripe events resend``: send an event again, to one endpoint or to the listeners."""
    event = ctx.account.get("event", ctx.args["id"])
    target = ctx.params.text("webhook_endpoint")
    if target is not None:
        ctx.account.get("webhook_endpoint", target, "webhook_endpoint")
    elif not ctx.account.listeners:
        raise StripeError("Specify a webhook endpoint, or start `stripe listen`.", param="webhook_endpoint")
    ctx.account.resend.append((event, target))
    return event


ROUTES = [
    Route(
        method="POST",
        path="/v1/stripecli/sessions",
        operation="stripecli.sessions.create",
        handler=create_session,
        params=words(
            "device_name websocket_features filters forward_to_url forward_connect_to_url forward_thin_to_url"
            " forward_thin_connect_to_url"
        ),
    ),
    Route(
        method="POST",
        path="/v1/events/<id>/retry",
        operation="events.retry",
        handler=retry,
        params=words("account webhook_endpoint for_stripecli"),
    ),
]
