"""Stripe's API over HTTP: routing, keys, idempotency and the events that follow a call."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox import pipeline
from django_payments_hub.sandbox.pipeline import KeyRules
from django_payments_hub.sandbox.stripe import (
    charges,
    checkout,
    customers,
    disputes,
    keys,
    listener,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    webhooks,
)
from django_payments_hub.sandbox.stripe.account import API_VERSION
from django_payments_hub.sandbox.stripe.context import Context, Route, expand
from django_payments_hub.sandbox.stripe.errors import StripeError
from django_payments_hub.sandbox.stripe.forms import parse_form
from django_payments_hub.sandbox.wire import Answer, Call, Json, copy_object, encode, random_id

if TYPE_CHECKING:
    from django_payments_hub.sandbox.stripe.mount import StripeMount

MODULES = (
    payment_intents,
    payment_methods,
    setup_intents,
    charges,
    refunds,
    customers,
    disputes,
    checkout,
    webhooks,
    listener,
)
ROUTES: dict[str, Route] = {route.operation: route for module in MODULES for route in module.ROUTES}
URLS = Map([Rule(route.path, endpoint=route.operation, methods=[route.method]) for route in ROUTES.values()])
# Objects that a call may name in its path: their metadata lets a fault match the call
_PATH_KINDS = {
    "pi_": "payment_intent",
    "cs_": "checkout.session",
    "seti_": "setup_intent",
    "re_": "refund",
    "ch_": "charge",
}


def _key_error(status: int, code: str | None, message: str) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        text = message.format(key=call.idempotency_key)
        return StripeError(text, status=status, type_="idempotency_error", code=code).answer()

    return answer


_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")

RULES = KeyRules(
    window=timedelta(hours=24),
    mismatch=_key_error(
        400,
        None,
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a "
        "key other than '{key}' if you meant to execute a different request.",
    ),
    in_use=_key_error(
        409,
        "idempotency_key_in_use",
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        "twice, and the other request is still going through): {key}. Please try again later.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One API request, read and found to be allowed."""

    request: Request
    request_id: str
    path: str
    key: keys.ApiKey
    route: Route
    params: Json
    args: dict[str, str]

    @property
    def idempotency_key(self) -> str | None:
        """The call's idempotency key, None for an empty one."""
        return self.request.headers.get("Idempotency-Key") or None


def handle(mount: "StripeMount", request: Request, path: str) -> Response:
    """Answer one API request. Raises Dropped when a fault has ended the connection."""
    request_id = f"req_{random_id(14)}"
    answer = _answer(mount, request, path, request_id)
    headers = {
        "Request-Id": request_id,
        "Stripe-Version": request.headers.get("Stripe-Version", API_VERSION),
        **answer.headers,
    }
    if key := request.headers.get("Idempotency-Key"):
        headers["Idempotency-Key"] = key
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(answer.body, answer.status, headers, content_type=answer.content_type)


def _answer(mount: "StripeMount", request: Request, path: str, request_id: str) -> Answer:
    try:
        incoming = _read(request, path, request_id)
    except StripeError as error:
        return error.answer()
    fingerprint = json.dumps([request.method, path, incoming.params], sort_keys=True)
    return pipeline.run(mount.world, _call(mount, incoming), RULES, fingerprint, lambda: _execute(mount, incoming))


def _read(request: Request, path: str, request_id: str) -> Incoming:
    params = _read_params(request)
    key = keys.read_key(request, params)
    route, args = _match(request, path)
    if not route.public:
        keys.require_secret(key)
    _check_version(request)
    if len(request.headers.get("Idempotency-Key", "")) > 255:
        raise StripeError("Idempotency keys can be at most 255 characters long.", type_="idempotency_error")
    return Incoming(request=request, request_id=request_id, path=path, key=key, route=route, params=params, args=args)


def _read_params(request: Request) -> Json:
    raw = request.get_data()
    query = request.environ.get("QUERY_STRING", "")
    if not raw:
        return parse_form(query)
    if request.mimetype != "application/x-www-form-urlencoded":
        raise StripeError("Invalid request: the body must be application/x-www-form-urlencoded.")
    return parse_form(raw.decode("utf-8", "replace") + (f"&{query}" if query else ""))


def _match(request: Request, path: str) -> tuple[Route, dict[str, str]]:
    try:
        operation, args = URLS.bind("").match(path, request.method)
    except HTTPException:
        message = (
            f"Unrecognized request URL ({request.method}: {path}). Please see https://stripe.com/docs or we can help "
            "at https://support.stripe.com/."
        )
        raise StripeError(message, status=404) from None
    return ROUTES[str(operation)], dict(args)


def _check_version(request: Request) -> None:
    version = request.headers.get("Stripe-Version")
    if version is not None and _VERSION.fullmatch(version) is None:
        raise StripeError(f"Invalid Stripe API version: {version}")


def _call(mount: "StripeMount", incoming: Incoming) -> Call:
    given = incoming.params.get("metadata")
    metadata = {k: v for k, v in given.items() if isinstance(v, str)} if isinstance(given, dict) else {}
    named = [*incoming.args.values(), incoming.params.get("payment_intent")]
    return Call(
        provider=mount.name,
        operation=incoming.route.operation,
        account=incoming.key.account,
        method=incoming.request.method,
        path=incoming.path,
        params=incoming.params,
        idempotency_key=incoming.idempotency_key,
        metadata={**_metadata_of(mount, incoming.key.account, named), **metadata},
        connection=incoming.request.environ.get("werkzeug.socket"),
    )


def _metadata_of(mount: "StripeMount", account_id: str, object_ids: list[object]) -> dict[str, str]:
    account = mount.account(account_id)
    with mount.world.lock:
        for object_id in object_ids:
            kind = _PATH_KINDS.get(str(object_id).partition("_")[0] + "_")
            found = account.find(kind, str(object_id)) if kind else None
            if found is not None:
                return dict(found["metadata"] or {})
    return {}


def _execute(mount: "StripeMount", incoming: Incoming) -> Answer:
    account = mount.account(incoming.key.account)
    with mount.world.lock:
        account.request = {"id": incoming.request_id, "idempotency_key": incoming.idempotency_key}
        ctx = mount.context(
            account, incoming.request.host_url, incoming.params, incoming.args, public=incoming.key.public
        )
        answer = _handle(incoming.route, ctx)
        sent = webhooks.outgoing(mount.world, account)
    mount.world.deliveries.announce(sent)
    return answer


def _handle(route: Route, ctx: Context) -> Answer:
    try:
        ctx.params.only(route.params)
        result = route.handler(ctx)
        if "expand" in ctx.params:
            result = expand(ctx, copy_object(result))
    except StripeError as error:
        return error.answer()
    return Answer(status=200, body=encode(result), effect=route.method != "GET")
