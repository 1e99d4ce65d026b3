"""PayPal's API over HTTP: routing, tokens, PayPal-Request-Id and the events that follow a call.

Operations, by which faults and the call log name calls: oauth2.token; orders.create, .get, .patch, .confirm,
.authorize, .capture; authorizations.get, .capture, .reauthorize, .void; captures.get, .refund; refunds.get;
setup_tokens.create, .get; payment_tokens.create, .list, .get, .delete; webhooks.create, .list, .get, .update, .delete,
.event_types, .verify_signature, .simulate; webhooks_events.list, .get, .resend; event_types.list; disputes.list, .get,
.accept.

What PayPal documents of a repeated PayPal-Request-Id is that it "returns the latest status of the previous request"
(developer.paypal.com/api/rest/reference/idempotency); of the same id with another body it says nothing. So such a call
is answered as the first one, without a look at its body. An id stands for one operation on one resource. What failed
before a payment was tried is not kept.
"""

import json
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox import pipeline
from django_payments_hub.sandbox.paypal import (
    authorizations,
    disputes,
    notifications,
    oauth,
    orders,
    refunds,
    vault,
    webhooks,
)
from django_payments_hub.sandbox.paypal.context import ID, Context, Reply, Route, marks
from django_payments_hub.sandbox.paypal.errors import PayPalError, error_body, in_progress, invalid, not_found
from django_payments_hub.sandbox.paypal.ids import debug_id
from django_payments_hub.sandbox.paypal.reading import Body
from django_payments_hub.sandbox.paypal.wording import worded
from django_payments_hub.sandbox.pipeline import KeyRules
from django_payments_hub.sandbox.wire import Answer, Call, Json, encode

if TYPE_CHECKING:
    from django_payments_hub.sandbox.paypal.mount import PayPalMount

MODULES = (orders, authorizations, refunds, vault, notifications, disputes)
ROUTES: dict[str, Route] = {route.operation: route for module in MODULES for route in module.ROUTES}
URLS = Map([Rule(route.path, endpoint=route.operation, methods=[route.method]) for route in ROUTES.values()])
KINDS = ("order", "authorization", "capture", "refund", "payment_token")
TOKEN_PATH = "/v1/oauth2/token"
KEY_LENGTH = 108


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One API request, read and found to be allowed."""

    request: Request
    path: str
    account: str
    route: Route
    args: dict[str, str]
    body: Json
    mock: str | None

    @property
    def key(self) -> str | None:
        """The call's PayPal-Request-Id, None for an empty one."""
        return self.request.headers.get("PayPal-Request-Id") or None


def handle(mount: "PayPalMount", request: Request, path: str) -> Response:
    """Answer one API request. Raises Dropped when a fault has ended the connection."""
    answer = _token(mount, request) if path == TOKEN_PATH else _answer(mount, request, path)
    headers = {"Paypal-Debug-Id": debug_id(), "Cache-Control": "max-age=0, no-cache, no-store", **answer.headers}
    if answer.status == 204:
        return Response(status=204, headers=headers)
    return Response(answer.body, answer.status, headers, content_type=answer.content_type)


def _token(mount: "PayPalMount", request: Request) -> Answer:
    account = oauth.client_id(request)
    if request.method != "POST":
        return PayPalError(None, status=405).answer()
    if account is None:
        return oauth.refuse_client()
    call = Call(
        provider=mount.name,
        operation="oauth2.token",
        account=account,
        method="POST",
        path=TOKEN_PATH,
        connection=request.environ.get("werkzeug.socket"),
        error_body=error_body,
    )
    return pipeline.run(mount.world, call, _UNKEYED, "", lambda: oauth.grant(mount, request, account))


def _answer(mount: "PayPalMount", request: Request, path: str) -> Answer:
    account = oauth.read_account(mount, request)
    if isinstance(account, Answer):
        return account
    try:
        incoming = _read(request, path, account)
    except PayPalError as error:
        return error.answer()
    return pipeline.run(
        mount.world, _call(mount, incoming), _rules(mount, incoming), "", lambda: _execute(mount, incoming)
    )


# Reading --------------------------------------------------------------------------------------------------------------


def _read(request: Request, path: str, account: str) -> Incoming:
    route, args = _match(request, path)
    if any(ID.fullmatch(value) is None for value in args.values()):
        raise not_found()
    key = request.headers.get("PayPal-Request-Id", "")
    if len(key) > KEY_LENGTH:
        raise invalid(
            "INVALID_STRING_LENGTH", "The value of a field is either too short or too long", "PayPal-Request-Id"
        )
    return Incoming(
        request=request,
        path=path,
        account=account,
        route=route,
        args=args,
        body=_read_body(request),
        mock=_read_mock(request),
    )


def _match(request: Request, path: str) -> tuple[Route, dict[str, str]]:
    try:
        operation, args = URLS.bind("").match(path, request.method)
    except HTTPException as error:
        raise PayPalError(None, status=405 if error.code == 405 else 404) from None
    return ROUTES[str(operation)], dict(args)


def _read_body(request: Request) -> Json:
    """The JSON body; a patch's list stands under ``operations``. PayPal does not look at a body of GET and DELETE."""
    raw = request.get_data()
    if request.method in ("GET", "DELETE"):
        return {}
    if not raw.strip():
        return {}
    if request.mimetype != "application/json":
        raise PayPalError(None, status=415)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise _malformed() from None
    if request.method == "PATCH" and isinstance(body, list):
        return {"operations": body}
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise _malformed()
    return body


def _malformed() -> PayPalError:
    return invalid("MALFORMED_REQUEST_JSON", "The request JSON is not well formed.", "/")


def _read_mock(request: Request) -> str | None:
    """PayPal's negative testing: the header names the error that is wanted."""
    given = request.headers.get("PayPal-Mock-Response")
    if given is None:
        return None
    try:
        wanted = json.loads(given)["mock_application_codes"]
    except (ValueError, KeyError, TypeError):
        raise invalid("INVALID_PARAMETER_SYNTAX", "The header is not well formed.", "PayPal-Mock-Response") from None
    return str(wanted[0] if isinstance(wanted, list) and wanted else wanted)


def _call(mount: "PayPalMount", incoming: Incoming) -> Call:
    units = incoming.body.get("purchase_units")
    unit = units[0] if isinstance(units, list) and units and isinstance(units[0], dict) else {}
    return Call(
        provider=mount.name,
        operation=incoming.route.operation,
        account=incoming.account,
        method=incoming.request.method,
        path=incoming.path,
        params=incoming.body,
        idempotency_key=incoming.key if incoming.route.window else None,
        metadata={**_known_marks(mount, incoming), **marks(unit), **marks(incoming.body)},
        connection=incoming.request.environ.get("werkzeug.socket"),
        error_body=error_body,
    )


def _known_marks(mount: "PayPalMount", incoming: Incoming) -> dict[str, str]:
    account = mount.account(incoming.account)
    with mount.world.lock:
        for kind in KINDS:
            found = account.find(kind, incoming.args.get("id", ""))
            if found is not None:
                return marks(found["purchase_units"][0] if kind == "order" else found)
    return {}


# Answering ------------------------------------------------------------------------------------------------------------


def _in_use(_call: Call) -> Answer:
    return in_progress().answer()


_UNKEYED = KeyRules(window=timedelta(0), mismatch=_in_use, in_use=_in_use)


def _rules(mount: "PayPalMount", incoming: Incoming) -> KeyRules:
    return KeyRules(
        window=incoming.route.window or timedelta(0),
        mismatch=_in_use,
        in_use=_in_use,
        keeps_failures=False,
        scope=lambda call: f"{call.operation} {call.path} {call.idempotency_key}",
        replay=lambda stored: _again(mount, incoming, stored),
    )


def _again(mount: "PayPalMount", incoming: Incoming, stored: Answer) -> Answer:
    """The latest state of what the first call made."""
    first = stored.json()
    route = incoming.route
    if route.again is None or stored.status >= 300 or not first or "id" not in first:
        return stored
    with mount.world.lock:
        ctx = _context(mount, incoming)
        try:
            return replace(stored, status=route.again_status, body=encode(route.again(ctx, first["id"])))
        except PayPalError as error:
            return replace(error.answer(), replayed=True)


def _context(mount: "PayPalMount", incoming: Incoming) -> Context:
    request = incoming.request
    return mount.context(
        mount.account(incoming.account),
        body=Body(incoming.body),
        args=incoming.args,
        query=request.args.to_dict(),
        raw=request.get_data(),
        full=request.headers.get("Prefer", "") == "return=representation",
        request_id=incoming.key,
        mock=incoming.mock,
    )


def _execute(mount: "PayPalMount", incoming: Incoming) -> Answer:
    with mount.world.lock:
        ctx = _context(mount, incoming)
        answer = _handle(incoming.route, ctx)
        sent = webhooks.outgoing(mount, ctx.account)
    mount.world.deliveries.announce(sent)
    time.sleep(ctx.delay_s)
    return answer


def _handle(route: Route, ctx: Context) -> Answer:
    try:
        if ctx.mock is not None:
            raise _mocked(ctx.mock)
        reply = route.handler(ctx)
    except PayPalError as error:
        return worded(error, route.operation).answer()
    return _as_answer(reply, effect=route.method != "GET")


def _as_answer(reply: Reply, *, effect: bool) -> Answer:
    return Answer(status=reply.status, body=b"" if reply.body is None else encode(reply.body), effect=effect)


def _mocked(code: str) -> PayPalError:
    if code in ("INTERNAL_SERVER_ERROR", "INTERNAL_SERVICE_ERROR"):
        return PayPalError(None, status=500)
    return PayPalError(code, "Asked for by PayPal-Mock-Response.", executed=True)
