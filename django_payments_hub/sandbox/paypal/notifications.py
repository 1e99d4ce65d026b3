"""Notifications v1 as an API: webhooks, events, and the check of a signature."""

import re
import uuid

from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.paypal import ids, webhooks
from django_payments_hub.sandbox.paypal.context import Context, Reply, Route
from django_payments_hub.sandbox.paypal.errors import PayPalError, invalid, missing
from django_payments_hub.sandbox.paypal.events import TYPES
from django_payments_hub.sandbox.paypal.reading import Body
from django_payments_hub.sandbox.wire import Json, copy_object, encode

MAX_WEBHOOKS = 10
ROOT = "/v1/notifications"
SIGNED = ("auth_algo", "cert_url", "transmission_id", "transmission_sig", "transmission_time", "webhook_id")
_WORD = re.compile(r"[a-zA-Z0-9]+", re.ASCII)


def _shown(ctx: Context, webhook: Json) -> Json:
    path = f"{ROOT}/webhooks/{webhook['id']}"
    links = [ctx.link(path, "self"), ctx.link(path, "update", "PATCH"), ctx.link(path, "delete", "DELETE")]
    return {**copy_object(webhook), "links": links}


def create(ctx: Context) -> Reply:
    """Register a webhook: an address is taken once."""
    url = _read_url(ctx, ctx.body)
    names = _read_types(ctx.body.children("event_types", 500), ctx.body)
    if len(ctx.account.table("webhook")) >= MAX_WEBHOOKS:
        raise PayPalError("WEBHOOK_NUMBER_LIMIT_EXCEEDED", "You have reached the maximum of webhooks.", status=400)
    return Reply(status=201, body=_shown(ctx, webhooks.register(ctx.account, url, names)))


def _read_url(ctx: Context, body: Body, name: str = "url") -> str:
    url = body.url(name)
    if url is None:
        raise missing(body.where(name))
    if any(webhook["url"] == url for webhook in ctx.account.table("webhook").values()):
        raise PayPalError("WEBHOOK_URL_ALREADY_EXISTS", "Webhook URL already exists.", status=400)
    return url


def _read_types(given: list[Body], body: Body) -> list[str]:
    names = [item.required("name", 50) for item in given]
    if not names:
        raise missing(body.where("event_types"))
    for name in names:
        if name != "*" and name not in TYPES:
            raise invalid("INVALID_PARAMETER_VALUE", "Not a valid webhook event name", body.where("event_types"), name)
    return names


def list_(ctx: Context) -> Reply:
    """All webhooks."""
    return Reply(body={"webhooks": [_shown(ctx, webhook) for webhook in ctx.account.table("webhook").values()]})


def show(ctx: Context) -> Reply:
    """One webhook."""
    return Reply(body=_shown(ctx, ctx.account.get("webhook", ctx.args["id"])))


def update(ctx: Context) -> Reply:
    """Replace the address or the event types."""
    webhook = ctx.account.get("webhook", ctx.args["id"])
    for change in ctx.body.children("operations", 100):
        path = change.required("path")
        if change.choice("op", ("replace",)) is None or path not in ("/url", "/event_types"):
            raise invalid(
                "INVALID_PARAMETER_VALUE", "Only /url and /event_types can be replaced.", change.where("path")
            )
        if path == "/url":
            webhook["url"] = _read_url(ctx, change, "value")
        else:
            webhook["event_types"] = [{"name": n} for n in _read_types(change.children("value", 500), change)]
    return Reply(body=_shown(ctx, webhook))


def delete(ctx: Context) -> Reply:
    """Forget a webhook."""
    webhook = ctx.account.get("webhook", ctx.args["id"])
    del ctx.account.table("webhook")[webhook["id"]]
    return Reply(status=204)


def webhook_types(ctx: Context) -> Reply:
    """What a webhook listens to."""
    webhook = ctx.account.get("webhook", ctx.args["id"])
    names = TYPES if webhook["event_types"] == [{"name": "*"}] else [item["name"] for item in webhook["event_types"]]
    return Reply(body={"event_types": [_type(name) for name in names]})


def types(_ctx: Context) -> Reply:
    """Every event type that the sandbox has."""
    return Reply(body={"event_types": [_type(name) for name in TYPES]})


def _type(name: str) -> Json:
    return {"name": name, "description": TYPES[name], "status": "ENABLED", "resource_versions": ["2.0"]}


# Events ---------------------------------------------------------------------------------------------------------------


def list_events(ctx: Context) -> Reply:
    """The events, newest first."""
    wanted = ctx.query.get("event_type")
    events = [
        webhooks.shown(ctx.mount, event)
        for event in reversed(ctx.account.table("event").values())
        if wanted in (None, event["event_type"])
    ]
    size = int(ctx.query["page_size"]) if ctx.query.get("page_size", "").isdecimal() else 10
    return Reply(body={"events": events[:size], "count": len(events[:size]), "links": []})


def show_event(ctx: Context) -> Reply:
    """One event."""
    return Reply(body=webhooks.shown(ctx.mount, ctx.account.get("event", ctx.args["id"])))


def resend(ctx: Context) -> Reply:
    """Send an event again: to the webhooks named, or to all that listen."""
    event = ctx.account.get("event", ctx.args["id"])
    wanted = ctx.body.data.get("webhook_ids") or [
        webhook["id"]
        for webhook in ctx.account.table("webhook").values()
        if webhooks.listens(webhook, event["event_type"])
    ]
    if not isinstance(wanted, list):
        raise invalid("INVALID_PARAMETER_SYNTAX", "The value of a field does not conform.", "/webhook_ids")
    for webhook_id in wanted:
        ctx.account.get("webhook", str(webhook_id))
        ctx.account.resend.append((event, str(webhook_id)))
    return Reply(status=202, body=webhooks.shown(ctx.mount, event))


def simulate(ctx: Context) -> Reply:
    """Send a made-up event. As PayPal's simulator does, it signs for no real webhook: such a notice never verifies."""
    type_ = ctx.body.required("event_type", 50)
    if type_ not in TYPES:
        raise invalid("INVALID_PARAMETER_VALUE", "Not a valid webhook event name", "/event_type", type_)
    webhook_id, url = ctx.body.text("webhook_id", 50, pattern=_WORD), ctx.body.url("url")
    if (webhook_id is None) == (url is None):
        raise missing("/webhook_id or /url")
    target = url or str(ctx.account.get("webhook", str(webhook_id))["url"])
    event: Json = {
        "id": ids.event_id(),
        "event_version": "1.0",
        "create_time": ctx.world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "resource_type": type_.split(".")[1].lower(),
        "event_type": type_,
        "summary": TYPES[type_],
        "resource": {"id": str(uuid.uuid4())},
    }
    notice = Notice(
        account=ctx.account.id,
        event_id=event["id"],
        type=type_,
        endpoint_id="simulator",
        url=target,
        body=encode(webhooks.shown(ctx.mount, event)),
        sign=webhooks.signer(ctx.mount, "WEBHOOK_ID"),
    )
    ctx.world.deliveries.enqueue([notice])
    return Reply(status=202, body=webhooks.shown(ctx.mount, event))


def verify(ctx: Context) -> Reply:
    """Whether a transmission was PayPal's. The event is taken byte by byte as it stands in the request."""
    given = {name: ctx.body.required(name, 500) for name in SIGNED}
    if "webhook_event" not in ctx.body:
        raise missing("/webhook_event")
    event = webhooks.raw_member(ctx.raw, "webhook_event")
    success = event is not None and webhooks.verify(ctx.mount, ctx.account, given, event)
    return Reply(body={"verification_status": "SUCCESS" if success else "FAILURE"})


_HOOKS, _EVENTS = f"{ROOT}/webhooks", f"{ROOT}/webhooks-events"
ROUTES = [
    Route(method="POST", path=_HOOKS, operation="webhooks.create", handler=create),
    Route(method="GET", path=_HOOKS, operation="webhooks.list", handler=list_),
    Route(method="GET", path=f"{_HOOKS}/<id>", operation="webhooks.get", handler=show),
    Route(method="PATCH", path=f"{_HOOKS}/<id>", operation="webhooks.update", handler=update),
    Route(method="DELETE", path=f"{_HOOKS}/<id>", operation="webhooks.delete", handler=delete),
    Route(method="GET", path=f"{_HOOKS}/<id>/event-types", operation="webhooks.event_types", handler=webhook_types),
    Route(method="GET", path=f"{ROOT}/webhooks-event-types", operation="event_types.list", handler=types),
    Route(method="GET", path=_EVENTS, operation="webhooks_events.list", handler=list_events),
    Route(method="GET", path=f"{_EVENTS}/<id>", operation="webhooks_events.get", handler=show_event),
    Route(method="POST", path=f"{_EVENTS}/<id>/resend", operation="webhooks_events.resend", handler=resend),
    Route(method="POST", path=f"{ROOT}/simulate-event", operation="webhooks.simulate", handler=simulate),
    Route(
        method="POST",
        path=f"{ROOT}/verify-webhook-signature",
        operation="webhooks.verify_signature",
        handler=verify,
    ),
]
