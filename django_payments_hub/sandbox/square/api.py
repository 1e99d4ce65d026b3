"""Square's API over HTTP: routing, tokens, versions, idempotency and the events that follow a call."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox import pipeline
from django_payments_hub.sandbox.pipeline import KeyRules
from django_payments_hub.sandbox.square import (
    cards_on_file,
    customers,
    disputes,
    links,
    locations,
    orders,
    payments,
    refunds,
    webhooks,
)
from django_payments_hub.sandbox.square.account import Account, merchant_id
from django_payments_hub.sandbox.square.context import Route, marks
from django_payments_hub.sandbox.square.errors import SquareError, body_of_status, invalid, missing
from django_payments_hub.sandbox.square.fields import Fields, Query
from django_payments_hub.sandbox.wire import Answer, Call, Json, encode

if TYPE_CHECKING:
    from django_payments_hub.sandbox.square.mount import SquareMount

MODULES = (payments, refunds, customers, cards_on_file, links, orders, locations, disputes, webhooks)
ROUTES: dict[str, Route] = {route.operation: route for module in MODULES for route in module.ROUTES}
URLS = Map([Rule(route.path, endpoint=route.operation, methods=[route.method]) for route in ROUTES.values()])
# An application's id or secret is no access token, whatever its length
_TOKEN = re.compile(r"(?!sq0|sandbox-sq0)[A-Za-z0-9_.~+/=-]{8,512}")
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}")


def _reused(call: Call) -> Answer:
    detail = f"Different request parameters used for the same idempotency_key: {call.idempotency_key}"
    return SquareError("IDEMPOTENCY_KEY_REUSED", detail, field="idempotency_key").answer()


def _busy(call: Call) -> Answer:
    detail = f"Another request with the same idempotency_key is in progress: {call.idempotency_key}"
    return SquareError("CONFLICT", detail, field="idempotency_key", status=409).answer()


# Square publishes no retention; its documents do not say that failures of its own are kept
RULES = KeyRules(window=timedelta(hours=24), mismatch=_reused, in_use=_busy, keeps_failures=False)


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One API request, read and found to be allowed."""

    request: Request
    path: str
    account: Account
    route: Route
    args: dict[str, str]
    body: Json
    key: str | None


def handle(mount: "SquareMount", request: Request, path: str) -> Response:
    """Answer one API request. Raises Dropped when a fault has ended the connection."""
    answer = _answer(mount, request, path)
    version = request.headers.get("Square-Version", webhooks.API_VERSION)
    headers = {"Square-Version": version, **answer.headers}
    return Response(answer.body, answer.status, headers, content_type=answer.content_type)


def _answer(mount: "SquareMount", request: Request, path: str) -> Answer:
    try:
        incoming = _read(mount, request, path)
    except SquareError as error:
        return error.answer()
    fingerprint = json.dumps([request.method, path, incoming.body], sort_keys=True)
    return pipeline.run(mount.world, _call(mount, incoming), RULES, fingerprint, lambda: _execute(mount, incoming))


def _read(mount: "SquareMount", request: Request, path: str) -> Incoming:
    account = mount.account(_read_token(request))
    _check_version(request)
    route, args = _match(request, path)
    body = _read_body(request)
    return Incoming(
        request=request, path=path, account=account, route=route, args=args, body=body, key=_read_key(route, body)
    )


def _read_token(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not _TOKEN.fullmatch(token) or "invalid" in token:
        raise _unauthorized("UNAUTHORIZED", "This request could not be authorized.")
    if token.endswith("-expired"):
        raise _unauthorized("ACCESS_TOKEN_EXPIRED", "The access token has expired.")
    if token.endswith("-revoked"):
        raise _unauthorized("ACCESS_TOKEN_REVOKED", "The access token has been revoked.")
    return token


def _unauthorized(code: str, detail: str) -> SquareError:
    return SquareError(code, detail, category="AUTHENTICATION_ERROR", status=401)


def _check_version(request: Request) -> None:
    version = request.headers.get("Square-Version")
    if version is not None and _VERSION.fullmatch(version) is None:
        detail = "The Square-Version header must be a date of the form YYYY-MM-DD."
        raise SquareError("INVALID_SQUARE_VERSION_FORMAT", detail)


def _match(request: Request, path: str) -> tuple[Route, dict[str, str]]:
    try:
        operation, args = URLS.bind("").match(path, request.method)
    except MethodNotAllowed:
        raise SquareError("METHOD_NOT_ALLOWED", "Method not allowed.", status=405) from None
    except HTTPException:
        raise SquareError("NOT_FOUND", "Resource not found.", status=404) from None
    return ROUTES[str(operation)], dict(args)


def _read_body(request: Request) -> Json:
    raw = request.get_data()
    if not raw:
        return {}
    if request.mimetype != "application/json":
        detail = "The content type must be application/json."
        raise SquareError("UNSUPPORTED_MEDIA_TYPE", detail, status=415)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise SquareError("EXPECTED_JSON_BODY", "The request body is not a JSON object.")
    return body


def _read_key(route: Route, body: Json) -> str | None:
    if route.key is None:
        return None
    key = Fields(body).text("idempotency_key", route.key)
    if key is None and route.key_required:
        raise missing("idempotency_key")
    if key == "":
        raise invalid("idempotency_key", "Field must not be blank", "VALUE_EMPTY")
    return key


def _call(mount: "SquareMount", incoming: Incoming) -> Call:
    with mount.world.lock:
        known = _marks_of(incoming)
    return Call(
        provider=mount.name,
        operation=incoming.route.operation,
        account=incoming.account.id,
        method=incoming.request.method,
        path=incoming.path,
        params=incoming.body,
        idempotency_key=incoming.key,
        metadata={**known, **_given_marks(incoming.body)},
        connection=incoming.request.environ.get("werkzeug.socket"),
        error_body=body_of_status,
    )


def _given_marks(body: Json) -> dict[str, str]:
    named = {name: body.get(name) for name in ("reference_id", "note", "payment_note", "reason")}
    order = body.get("order")
    if isinstance(order, dict):
        named["order_reference_id"] = order.get("reference_id")
    return {name: value for name, value in named.items() if isinstance(value, str)}


def _marks_of(incoming: Incoming) -> dict[str, str]:
    """The marks of the payment that a call names: by its own id, or a refund's, an order's or a link's."""
    account = incoming.account
    named = [incoming.args.get("id"), incoming.body.get("payment_id"), incoming.body.get("order_id")]
    for object_id in (str(one) for one in named if one):
        if (payment := account.find("payment", object_id)) is not None:
            return marks(account, payment)
        if (refund := account.find("refund", object_id)) is not None:
            payment_marks = marks(account, account.get("payment", refund["payment_id"]))
            return payment_marks | ({"reason": refund["reason"]} if "reason" in refund else {})
        if link_marks := _marks_of_link(account, object_id):
            return link_marks
    return {}


def _marks_of_link(account: Account, object_id: str) -> dict[str, str]:
    """The marks of a link and of its order, named by the id of either."""
    links_ = account.newest("payment_link")
    link = next((one for one in links_ if object_id in (one["id"], one["order_id"])), {"order_id": object_id})
    order = account.find("order", link["order_id"]) or {}
    found = {"payment_note": link.get("payment_note"), "order_reference_id": order.get("reference_id")}
    return {name: value for name, value in found.items() if value}


def _execute(mount: "SquareMount", incoming: Incoming) -> Answer:
    account = incoming.account
    with mount.world.lock:
        ctx = mount.context(account, incoming.request.host_url)
        ctx.body, ctx.args = Fields(incoming.body), incoming.args
        ctx.query = Query(incoming.request.args.to_dict())
        try:
            ctx.body.only(incoming.route.fields)
            _check_query(ctx.query, incoming.route)
            result = incoming.route.handler(ctx)
            answer = Answer(status=200, body=encode(result), effect=incoming.request.method != "GET")
        except SquareError as error:
            answer = error.answer()
        sent = webhooks.outgoing(mount.world, account)
    mount.world.deliveries.announce(sent)
    return answer


def _check_query(query: Query, route: Route) -> None:
    for name in query.data:
        if name not in route.query:
            detail = f"The query parameter `{name}` is not known."
            raise invalid(name, detail, "UNKNOWN_QUERY_PARAMETER")


__all__ = ["RULES", "handle", "merchant_id"]
