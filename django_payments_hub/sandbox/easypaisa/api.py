"""EasyPaisa's REST API. Every answer is HTTP 200, also one that refuses."""

import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox import pipeline
from django_payments_hub.sandbox.easypaisa import notices, orders
from django_payments_hub.sandbox.easypaisa.account import STORE_ID, Store
from django_payments_hub.sandbox.easypaisa.codes import STATUSES, EasyPaisaError, outcome
from django_payments_hub.sandbox.easypaisa.operations import ROUTES, Route, paisa, rupees
from django_payments_hub.sandbox.easypaisa.orders import Context
from django_payments_hub.sandbox.wire import Answer, Call, Json, json_answer

if TYPE_CHECKING:
    from django_payments_hub.sandbox.easypaisa.mount import EasyPaisaMount

_BY_PATH: dict[str, Route] = {route.path: route for route in ROUTES}
STATUS = "/easypay-service/rest/v1/order-status/"


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One call, as far as it can be read."""

    request: Request
    path: str
    route: Route
    store: Store
    fields: Json


def find(path: str) -> Route | None:
    """The operation at a path."""
    return _BY_PATH.get(path.rstrip("/"))


def handle(mount: "EasyPaisaMount", request: Request, path: str, route: Route) -> Response:
    """Answer one call. Raises Dropped when a fault has ended the connection."""
    answer = _answer(mount, request, path, route)
    return Response(answer.body, answer.status, answer.headers, content_type=answer.content_type)


def _answer(mount: "EasyPaisaMount", request: Request, path: str, route: Route) -> Answer:
    if request.method != "POST":
        return json_answer(405, {"message": "Method Not Allowed"})
    try:
        fields = json.loads(request.get_data())
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return json_answer(400, {"message": "Bad Request"})
    store_id = str(fields.get("storeId") or "")
    if STORE_ID.fullmatch(store_id) is None:
        return json_answer(200, outcome("0006" if store_id else "0002"))
    store = mount.store(store_id, request.host_url)
    incoming = Incoming(request=request, path=path, route=route, store=store, fields=fields)
    call = _call(mount, incoming)
    return pipeline.run(mount.world, call, pipeline.NO_KEYS, "", lambda: _execute(mount, incoming))


def _call(mount: "EasyPaisaMount", incoming: Incoming) -> Call:
    order_id = incoming.fields.get("orderId")
    return Call(
        provider=mount.name,
        operation=incoming.route.operation,
        account=incoming.store.id,
        method=incoming.request.method,
        path=incoming.path,
        params=incoming.fields,
        metadata={"orderId": str(order_id)} if order_id else {},
        connection=incoming.request.environ.get("werkzeug.socket"),
        error_body=lambda _status: {"message": "Internal Server Error"},
        distort=distort,
    )


def _execute(mount: "EasyPaisaMount", incoming: Incoming) -> Answer:
    store, route = incoming.store, incoming.route
    given = incoming.request.headers.get("Credentials", "")
    if not hmac.compare_digest(given.encode(), store.credentials().encode()):
        return json_answer(200, outcome("0010"))
    with mount.world.lock:
        ctx = Context(world=mount.world, store=store)
        orders.run_out(ctx)
        try:
            answer = json_answer(200, route.handler(ctx, incoming.fields), effect=route.effect)
        except EasyPaisaError as error:
            answer = json_answer(200, outcome(error.code))
        sent = notices.outgoing(store)
    mount.world.deliveries.announce(sent)
    return answer


def status(mount: "EasyPaisaMount", path: str) -> Response:
    """The address that an IPN names: an order's status, for whoever asks."""
    account_num, _, order_id = path.removeprefix(STATUS).partition("/")
    with mount.world.lock:
        for store in mount.stores.all():
            order = store.find("order", order_id)
            if order is not None and order["state"] in STATUSES and store.account_num == account_num:
                body = {"order_id": order_id, "transaction_status": STATUSES[order["state"]]}
                return Response(json.dumps(body), 200, content_type="application/json")
    return Response(json.dumps(outcome("0003")), 200, content_type="application/json")


def distort(kind: str, body: Json) -> Json:
    """An answer with one lie in it, in EasyPaisa's own fields."""
    match kind:
        case "wrong_amount" if "transactionAmount" in body:
            return {**body, "transactionAmount": rupees(paisa(body["transactionAmount"]) + 1)}
        case "wrong_id" if "orderId" in body:
            return {**body, "orderId": str(body["orderId"])[:-4] + "XXXX"}
        case "missing_id":
            return {name: value for name, value in body.items() if name != "orderId"}
        case "unknown_status" if "transactionStatus" in body:
            return {**body, "transactionStatus": "STATUS_OF_THE_FUTURE"}
        case "unknown_status":
            return {**body, "responseCode": "7777"}
        case "extra_fields":
            return {**body, "fieldOfTheFuture": {"nested": [1, 2, 3]}, "anotherNewField": "value"}
    return body
