"""Webhook subscriptions, and the notifications that go out to them."""

import base64
import hashlib
import hmac
import secrets
import uuid
from urllib.parse import urlsplit

from django_payments_hub.sandbox.delivery import Notice, Retry, Signer
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.square.account import Account, rfc3339
from django_payments_hub.sandbox.square.context import Context, Route, listing, words
from django_payments_hub.sandbox.square.errors import invalid, missing
from django_payments_hub.sandbox.square.fields import Fields
from django_payments_hub.sandbox.wire import Json, copy_object, encode

API_VERSION = "2026-09-16"
EVENT_TYPES = (
    "card.automatically_updated", "card.created", "card.disabled", "card.forgotten", "card.updated",
    "customer.created", "customer.deleted", "customer.updated", "dispute.created",
    "dispute.evidence.created", "dispute.evidence.deleted", "dispute.state.updated", "order.updated",
    "payment.created", "payment.updated", "refund.created", "refund.updated",
)  # fmt: skip
_SUBSCRIPTION = words("id name enabled event_types notification_url api_version signature_key created_at updated_at")


def signature(key: str, url: str, body: bytes) -> str:
    """``x-square-hmacsha256-signature``: over the address as it was registered, and the body as it is sent."""
    return base64.b64encode(hmac.new(key.encode(), url.encode() + body, hashlib.sha256).digest()).decode()


def headers(key: str, url: str, body: bytes, first_sent: str) -> dict[str, str]:
    """The headers of a notification."""
    return {
        "x-square-hmacsha256-signature": signature(key, url, body),
        "square-environment": "Sandbox",
        "square-initial-delivery-timestamp": first_sent,
        "User-Agent": "Square Connect v2",
    }


def notices(world: World, account: Account, event: Json, *, target: str | None = None) -> list[Notice]:
    """What has to be sent for an event: a notice for each subscription to it, or for ``target`` alone."""
    return [
        Notice(
            account=account.id,
            event_id=event["event_id"],
            type=event["type"],
            endpoint_id=subscription["id"],
            url=_goes_to(account, subscription),
            body=encode(event),
            sign=_signer(account, subscription["id"], rfc3339(world.clock.now())),
            again=_again,
        )
        for subscription in account.subscriptions_for(event["type"])
        if target in (None, subscription["id"])
    ]


def _goes_to(account: Account, subscription: Json) -> str:
    return account.signing[subscription["id"]][1] or str(subscription["notification_url"])


def _signer(account: Account, subscription_id: str, first_sent: str) -> Signer:
    """Signs with the key as it is at the time of sending; Square's signature says nothing of that time."""

    def sign(body: bytes, _timestamp: int) -> dict[str, str]:
        subscription = account.find("subscription", subscription_id)
        url = subscription["notification_url"] if subscription else ""
        return headers(account.signing[subscription_id][0], url, body, first_sent)

    return sign


def _again(retry: Retry) -> dict[str, str]:
    return {"square-retry-number": str(retry.number), "square-retry-reason": _reason(retry)}


def _reason(retry: Retry) -> str:
    if retry.status is not None:
        return "http_error"
    if "Timeout" in (retry.error or ""):
        return "http_timeout"
    return "ssl_error" if "SSL" in (retry.error or "") else "other_error"


def outgoing(world: World, account: Account) -> list[Notice]:
    """The notices of the events just recorded; the caller holds the state lock."""
    return [notice for event in account.take_outbox() for notice in notices(world, account, event)]


def subscribe(
    account: Account, url: str, *, types: list[str], name: str, goes_to: str = "", key: str | None = None
) -> Json:
    """A subscription. ``goes_to`` is where notices are sent when that is not the address that is signed."""
    now = f"{account.now()[:19].replace('T', ' ')} +0000 UTC"
    subscription: Json = {
        "id": f"wbhk_{secrets.token_hex(16)}",
        "name": name,
        "enabled": True,
        "event_types": types,
        "notification_url": url,
        "api_version": API_VERSION,
        "created_at": now,
        "updated_at": now,
    }
    account.table("subscription")[subscription["id"]] = subscription
    account.signing[subscription["id"]] = (key or secrets.token_urlsafe(16), goes_to)
    return subscription


def new_key(account: Account, subscription_id: str) -> str:
    """Give a subscription a new signature key; from now on it alone signs."""
    key = secrets.token_urlsafe(16)
    account.signing[subscription_id] = (key, account.signing[subscription_id][1])
    return key


def _shown(account: Account, subscription: Json) -> Json:
    return {**subscription, "signature_key": account.signing[subscription["id"]][0]}


# Operations -----------------------------------------------------------------------------------------------------------


def create(ctx: Context) -> Json:
    """Subscribe."""
    given = ctx.body.required_child("subscription")
    given.only(_SUBSCRIPTION)
    name, url, types = given.required("name", 64), _read_url(given), _read_types(given)
    if types is None:
        raise missing(given.name("event_types"))
    subscription = subscribe(ctx.account, url, types=types, name=name)
    subscription["enabled"] = given.boolean("enabled") is not False
    subscription["api_version"] = given.text("api_version") or API_VERSION
    return {"subscription": _shown(ctx.account, subscription)}


def _read_url(given: Fields) -> str:
    url = given.required("notification_url")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid(given.name("notification_url"), "URL is not valid")
    return url


def _read_types(given: Fields) -> list[str] | None:
    types = given.texts("event_types")
    if types is None:
        return None
    if not types:
        raise invalid(given.name("event_types"), "Field must have at least 1 element.", "ARRAY_EMPTY")
    for type_ in types:
        if type_ not in EVENT_TYPES:
            raise invalid(given.name("event_types"), f"`{type_}` is not a valid event type.", "INVALID_ARRAY_VALUE")
    return types


def get(ctx: Context) -> Json:
    """One subscription."""
    return {"subscription": _shown(ctx.account, ctx.account.get("subscription", ctx.args["id"]))}


def list_(ctx: Context) -> Json:
    """The subscriptions."""
    all_ = ctx.query.flag("include_disabled")
    found = [one for one in ctx.account.table("subscription").values() if all_ or one["enabled"]]
    answer = listing(ctx, "subscriptions", found)
    for one in answer.get("subscriptions", []):
        one.update(_shown(ctx.account, one))
    return answer


def update(ctx: Context) -> Json:
    """Change a subscription, or disable it."""
    subscription = ctx.account.get("subscription", ctx.args["id"])
    given = ctx.body.required_child("subscription")
    given.only(_SUBSCRIPTION)
    changes: Json = {"name": given.text("name", 64), "enabled": given.boolean("enabled")}
    changes["event_types"] = _read_types(given)
    changes["notification_url"] = _read_url(given) if "notification_url" in given else None
    subscription.update({name: value for name, value in changes.items() if value is not None})
    return {"subscription": copy_object(subscription)}


def delete(ctx: Context) -> Json:
    """Unsubscribe."""
    subscription = ctx.account.get("subscription", ctx.args["id"])
    del ctx.account.table("subscription")[subscription["id"]]
    return {}


def signature_key(ctx: Context) -> Json:
    """Give the subscription a new key."""
    subscription = ctx.account.get("subscription", ctx.args["id"])
    return {"signature_key": new_key(ctx.account, subscription["id"])}


def test(ctx: Context) -> Json:
    """Send a test event to the subscription, of a type that it listens to."""
    subscription = ctx.account.get("subscription", ctx.args["id"])
    type_ = ctx.body.text("event_type") or subscription["event_types"][0]
    if type_ not in subscription["event_types"]:
        raise invalid("event_type", "The subscription does not listen to this event type.")
    now, kind = ctx.account.now(), type_.partition(".")[0]
    event_id = str(uuid.uuid4())
    event: Json = {"merchant_id": ctx.account.id, "type": type_, "event_id": event_id, "created_at": now}
    event["data"] = {"type": kind, "id": str(uuid.uuid4()), "object": {kind: {"id": "test", "created_at": now}}}
    sent = notices(ctx.world, ctx.account, event, target=subscription["id"])
    ctx.world.deliveries.enqueue(sent)
    result = {"id": event_id, "payload": encode(event).decode(), "created_at": now, "updated_at": now}
    return {"subscription_test_result": result}


def event_types(_ctx: Context) -> Json:
    """What there is to listen to."""
    return {
        "event_types": list(EVENT_TYPES),
        "metadata": [{"event_type": type_, "api_version_introduced": "2020-02-26"} for type_ in EVENT_TYPES],
    }


_ROOT = "/v2/webhooks/subscriptions"
_NAME = "webhooks.subscriptions"
ROUTES = [
    Route(
        method="GET",
        path="/v2/webhooks/event-types",
        operation="webhooks.event_types.list",
        handler=event_types,
        query=words("api_version"),
    ),
    Route(
        method="POST",
        path=_ROOT,
        operation=f"{_NAME}.create",
        handler=create,
        body=words("subscription"),
        key=45,
        key_required=False,
    ),
    Route(
        method="GET",
        path=_ROOT,
        operation=f"{_NAME}.list",
        handler=list_,
        query=words("cursor include_disabled sort_order limit"),
    ),
    Route(method="GET", path=f"{_ROOT}/<id>", operation=f"{_NAME}.get", handler=get),
    Route(method="PUT", path=f"{_ROOT}/<id>", operation=f"{_NAME}.update", handler=update, body=words("subscription")),
    Route(method="DELETE", path=f"{_ROOT}/<id>", operation=f"{_NAME}.delete", handler=delete),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/signature-key",
        operation=f"{_NAME}.signature_key",
        handler=signature_key,
        key=45,
        key_required=False,
    ),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>/test",
        operation=f"{_NAME}.test",
        handler=test,
        body=words("event_type"),
    ),
]
