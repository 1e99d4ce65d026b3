"""Payments v2, authorizations: capture in whole or in part, void, reauthorise, and running out."""

from django_payments_hub.sandbox.paypal import captures, events, money, views
from django_payments_hub.sandbox.paypal.account import Behind
from django_payments_hub.sandbox.paypal.context import PAYMENTS_WINDOW, Context, Reply, Route, marks
from django_payments_hub.sandbox.paypal.errors import PayPalError
from django_payments_hub.sandbox.paypal.reading import Amount
from django_payments_hub.sandbox.wire import Json

OPEN = ("CREATED", "PARTIALLY_CAPTURED", "PENDING")
CAPTURES = 10


def show(ctx: Context) -> Reply:
    """One authorization."""
    return Reply(body=views.authorization(ctx, _get(ctx), related=True))


def _get(ctx: Context) -> Json:
    expire(ctx)
    return ctx.account.get("authorization", ctx.args["id"])


def expire(ctx: Context) -> None:
    """Void the authorizations whose time is over on the sandbox's clock."""
    now = ctx.world.clock.now()
    for obj in list(ctx.account.table("authorization").values()):
        behind = ctx.account.behind(obj)
        if obj["status"] in OPEN and behind.expires is not None and now >= behind.expires:
            for member in (obj, *_children(ctx, obj)):
                ctx.account.behind(member).expired = True
            _void(ctx, obj)


def _void(ctx: Context, obj: Json) -> None:
    ctx.account.touch(obj, status="VOIDED")
    if not ctx.account.behind(obj).parent:
        release(ctx, obj)
        for child in _children(ctx, obj):
            if child["status"] in OPEN:
                ctx.account.touch(child, status="VOIDED")
    events.authorization(ctx, "PAYMENT.AUTHORIZATION.VOIDED", obj)


def _children(ctx: Context, obj: Json) -> list[Json]:
    return [a for a in ctx.account.table("authorization").values() if ctx.account.behind(a).parent == obj["id"]]


def _root(ctx: Context, obj: Json) -> Json:
    parent = ctx.account.behind(obj).parent
    return ctx.account.table("authorization")[parent] if parent else obj


def _family(ctx: Context, obj: Json) -> set[str]:
    root = _root(ctx, obj)
    return {root["id"], *(child["id"] for child in _children(ctx, root))}


def captured(ctx: Context, obj: Json) -> list[Json]:
    """What was captured of an authorization and of its reauthorization."""
    family = _family(ctx, obj)
    return [
        capture
        for capture in ctx.account.table("capture").values()
        if ctx.account.behind(capture).parent in family and capture["status"] not in ("DECLINED", "FAILED")
    ]


def left(ctx: Context, obj: Json) -> int:
    """What is authorised and not captured, in minor units; never below 0."""
    taken = sum(money.minor_of(capture["amount"]) for capture in captured(ctx, obj))
    return max(0, money.minor_of(_root(ctx, obj)["amount"]) - taken)


def release(ctx: Context, obj: Json) -> None:
    """Let go what is still held."""
    ctx.book("release", obj, obj["id"], left(ctx, obj), obj["amount"]["currency_code"])


def capture(ctx: Context) -> Reply:
    """Capture all that is left, or an amount; the last capture lets the rest go."""
    obj = _get(ctx)
    ctx.body.only(
        frozenset({"amount", "final_capture", "invoice_id", "note_to_payer", "payment_instruction", "soft_descriptor"})
    )
    final = ctx.body.flag("final_capture")
    invoice_id = ctx.body.text("invoice_id", 127)
    ctx.body.text("note_to_payer", 255)
    amount = ctx.body.amount("amount", payments=True)
    _check_open(ctx, obj)
    minor = _capturable(ctx, obj, amount)
    captures.check_invoice(ctx, invoice_id, ctx.account.behind(obj).order)
    made = captures.capture_of(ctx, obj, minor, {"invoice_id": invoice_id} if invoice_id else {}, final=final)
    if made["status"] != "DECLINED":
        _restate(ctx, obj, final=final)
    shown = views.capture(ctx, made, related=True)
    return Reply(status=201, body=shown if ctx.full else views.least_payment(shown))


def _check_open(ctx: Context, obj: Json) -> None:
    if ctx.account.behind(obj).expired:
        raise PayPalError("AUTHORIZATION_EXPIRED", "An expired authorization cannot be captured.")
    if obj["status"] == "VOIDED":
        raise PayPalError("AUTHORIZATION_VOIDED", "A voided authorization cannot be captured or reauthorized. ")
    if obj["status"] == "DENIED":
        raise PayPalError("AUTHORIZATION_DENIED", "An denied authorization cannot be captured.")
    if obj["status"] == "CAPTURED":
        raise PayPalError("AUTHORIZATION_ALREADY_CAPTURED", "Authorization has previously been captured.")


def _capturable(ctx: Context, obj: Json, amount: Amount | None) -> int:
    if amount is None:
        return left(ctx, obj)
    if amount.currency != obj["amount"]["currency_code"]:
        text = "Currency of capture must be the same as currency of authorization."
        raise PayPalError("AUTH_CAPTURE_CURRENCY_MISMATCH", text, field="/amount/currency_code")
    done = captured(ctx, obj)
    if len(done) >= CAPTURES:
        text = (
            "Maxmimum number of allowable captures has been reached. No additional captures are possible for this "
            "authorization. Contact Customer Service or your account manager to change the number of captures for a "
            "given authorization."
        )
        raise PayPalError("MAX_CAPTURE_COUNT_EXCEEDED", text)
    # PayPal lets the captures exceed what was authorised by 15 %
    limit = money.minor_of(_root(ctx, obj)["amount"]) * 115 // 100
    if sum(money.minor_of(item["amount"]) for item in done) + amount.minor > limit:
        text = (
            "Capture amount exceeds allowable limit. Please contact customer service or your account manager to "
            "request the change to your overage limit. The default overage limit is 115%, which allows the sum of all "
            "captures to be up to 115% of the order amount. The ability to over capture is subjected to regulatory "
            "approvals."
        )
        raise PayPalError("MAX_CAPTURE_AMOUNT_EXCEEDED", text, field="/amount/value")
    return amount.minor


def _restate(ctx: Context, obj: Json, *, final: bool) -> None:
    root, over = _root(ctx, obj), final or left(ctx, obj) == 0
    if over:
        release(ctx, root)
    for member in (root, *_children(ctx, root)):
        if member["status"] in OPEN:
            ctx.account.touch(member, status="CAPTURED" if over else "PARTIALLY_CAPTURED")


def void(ctx: Context) -> Reply:
    """Let an authorization go; 204 unless the representation is asked for."""
    obj = _get(ctx)
    if ctx.account.behind(obj).parent:
        text = "A reauthorization cannot be voided. Please void the original parent authorization."
        raise PayPalError("CANNOT_BE_VOIDED", text)
    if obj["status"] == "VOIDED":
        text = "Authorization has been previously voided and hence cannot be voided again."
        raise PayPalError("PREVIOUSLY_VOIDED", text)
    if obj["status"] == "CAPTURED":
        text = "Authorization has been previously captured and hence cannot be voided."
        raise PayPalError("PREVIOUSLY_CAPTURED", text)
    _void(ctx, obj)
    return Reply(body=views.authorization(ctx, obj, related=True)) if ctx.full else Reply(status=204)


def reauthorize(ctx: Context) -> Reply:
    """A new honour period, once, after the first is over."""
    obj = _get(ctx)
    ctx.body.only(frozenset({"amount"}))
    amount = ctx.body.amount("amount", payments=True)
    behind = ctx.account.behind(obj)
    if behind.parent:
        text = (
            "A reauthorize cannot be attempted on an authorization_id that is the result of a prior reauthorization or "
            "on an authorization made on an Order saved using the `v2/orders/id/save` API."
        )
        raise PayPalError("REAUTHORIZATION_NOT_SUPPORTED", text)
    _check_open(ctx, obj)
    if amount is not None and amount.currency != obj["amount"]["currency_code"]:
        text = (
            "The currency specified during reauthorization should be the same as the currency specified in the "
            "original authorization. Please check the currency of the authorization for which you are trying to "
            "reauthorize and try again."
        )
        raise PayPalError("AUTH_CURRENCY_MISMATCH", text, field="/amount/currency_code")
    if (behind.created is not None and ctx.world.clock.now() < behind.created + captures.HONOUR) or _children(ctx, obj):
        text = "A reauthorization is only allowed once, between days 4 to 29 since the date of the original one."
        raise PayPalError("REAUTHORIZATION_TOO_SOON", text)
    kept = Behind(order=behind.order, parent=obj["id"], payment=behind.payment, buyer=behind.buyer)
    made = captures.new_authorization(ctx, obj["amount"], marks(obj), kept)
    kept.expires = behind.expires
    events.authorization(ctx, "PAYMENT.AUTHORIZATION.CREATED", made)
    shown = views.authorization(ctx, made, related=True)
    return Reply(status=201, body=shown if ctx.full else views.least_payment(shown))


def _latest_capture(ctx: Context, capture_id: str) -> Json:
    shown = views.capture(ctx, ctx.account.get("capture", capture_id), related=True)
    return shown if ctx.full else views.least_payment(shown)


def _latest(ctx: Context, authorization_id: str) -> Json:
    shown = views.authorization(ctx, ctx.account.get("authorization", authorization_id), related=True)
    return shown if ctx.full else views.least_payment(shown)


_ROOT = "/v2/payments/authorizations"
ROUTES = [
    Route(method="GET", path=f"{_ROOT}/<id>", operation="authorizations.get", handler=show),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/capture",
        operation="authorizations.capture",
        handler=capture,
        window=PAYMENTS_WINDOW,
        again=_latest_capture,
        again_status=201,
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/reauthorize",
        operation="authorizations.reauthorize",
        handler=reauthorize,
        window=PAYMENTS_WINDOW,
        again=_latest,
        again_status=201,
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/void",
        operation="authorizations.void",
        handler=void,
        window=PAYMENTS_WINDOW,
        again=_latest,
    ),
]
