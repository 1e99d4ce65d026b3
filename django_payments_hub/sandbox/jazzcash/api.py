"""JazzCash's API over HTTP. Every answer is HTTP 200 and signed, also one that refuses."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox import pipeline
from django_payments_hub.sandbox.jazzcash import notices, payments
from django_payments_hub.sandbox.jazzcash.account import MERCHANT_ID, Merchant
from django_payments_hub.sandbox.jazzcash.codes import JazzCashError
from django_payments_hub.sandbox.jazzcash.hashing import HASH
from django_payments_hub.sandbox.jazzcash.operations import ROUTES, Route
from django_payments_hub.sandbox.jazzcash.payments import Context
from django_payments_hub.sandbox.wire import Answer, Call, Json, encode, json_answer

if TYPE_CHECKING:
    from django_payments_hub.sandbox.jazzcash.mount import JazzCashMount

_BY_PATH: dict[str, Route] = {path.lower(): route for route in ROUTES for path in route.paths}


def find(path: str) -> Route | None:
    """The operation at a path; JazzCash's servers do not tell upper from lower case."""
    return _BY_PATH.get(path.rstrip("/").lower())


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One call, as far as it can be read."""

    request: Request
    path: str
    route: Route
    merchant: Merchant
    fields: Json


def handle(mount: "JazzCashMount", request: Request, path: str, route: Route) -> Response:
    """Answer one call. Raises Dropped when a fault has ended the connection."""
    answer = _answer(mount, request, path, route)
    return Response(answer.body, answer.status, answer.headers, content_type=answer.content_type)


def _answer(mount: "JazzCashMount", request: Request, path: str, route: Route) -> Answer:
    if request.method != "POST":
        return json_answer(405, {"Message": f"The requested resource does not support http method '{request.method}'."})
    fields = _read(request)
    if fields is None:
        return json_answer(400, {"Message": "The request is invalid."})
    merchant_id = str(fields.get("pp_MerchantID") or "")
    if MERCHANT_ID.fullmatch(merchant_id) is None:
        return json_answer(200, JazzCashError("101").fields())
    merchant = mount.merchants.get(merchant_id)
    incoming = Incoming(request=request, path=path, route=route, merchant=merchant, fields=fields)
    call = _call(mount, incoming)
    return pipeline.run(mount.world, call, pipeline.NO_KEYS, "", lambda: _execute(mount, incoming))


def _read(request: Request) -> Json | None:
    try:
        fields = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _call(mount: "JazzCashMount", incoming: Incoming) -> Call:
    merchant, fields = incoming.merchant, incoming.fields
    with mount.world.lock:
        known = merchant.find("payment", str(fields.get("pp_TxnRefNo")))
        marks = payments.marks(known) if known else {}
    given = {name: str(fields[name]) for name in ("pp_TxnRefNo", "pp_BillReference") if fields.get(name)}
    return Call(
        provider=mount.name,
        operation=incoming.route.operation,
        account=merchant.id,
        method=incoming.request.method,
        path=incoming.path,
        params=fields,
        metadata=marks | given,
        connection=incoming.request.environ.get("werkzeug.socket"),
        error_body=lambda _status: {"Message": "An error has occurred."},
        distort=lambda kind, body: merchant.signed(distort(kind, body)),
    )


def _execute(mount: "JazzCashMount", incoming: Incoming) -> Answer:
    merchant, route = incoming.merchant, incoming.route
    with mount.world.lock:
        ctx = Context(world=mount.world, merchant=merchant)
        payments.run_out(ctx)
        try:
            answer = _of(merchant.signed(route.handler(ctx, incoming.fields)), effect=route.effect)
        except JazzCashError as error:
            answer = _of(merchant.signed(error.fields()), effect=False)
        sent = notices.outgoing(merchant)
    mount.world.deliveries.announce(sent)
    return answer


def _of(fields: Json, *, effect: bool) -> Answer:
    return Answer(status=200, body=encode(fields), effect=effect, content_type="application/json; charset=utf-8")


def distort(kind: str, body: Json) -> Json:
    """An answer with one lie in it, in JazzCash's own fields."""
    told = {name: value for name, value in body.items() if name != HASH}
    match kind:
        case "wrong_amount" if "pp_Amount" in told:
            return {**told, "pp_Amount": str(int(told["pp_Amount"]) + 1)}
        case "wrong_currency" if "pp_TxnCurrency" in told:
            return {**told, "pp_TxnCurrency": "USD"}
        case "wrong_id" if "pp_TxnRefNo" in told:
            return {**told, "pp_TxnRefNo": str(told["pp_TxnRefNo"])[:-4] + "XXXX"}
        case "missing_id":
            return {name: value for name, value in told.items() if name != "pp_TxnRefNo"}
        case "unknown_status" if "pp_PaymentResponseCode" in told:
            return {**told, "pp_PaymentResponseCode": "777", "pp_Status": "StatusOfTheFuture"}
        case "unknown_status":
            return {**told, "pp_ResponseCode": "777"}
        case "extra_fields":
            return {**told, "pp_FieldOfTheFuture": "value", "another_new_field": {"nested": [1, 2, 3]}}
    return told
