"""Webhook endpoints and events."""

import secrets
from functools import partial
from urllib.parse import urlsplit

from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.stripe.account import API_VERSION, Account, signer
from django_payments_hub.sandbox.stripe.context import LIST, Context, Route, listing, words
from django_payments_hub.sandbox.stripe.errors import StripeError, invalid_parameter, missing_parameter
from django_payments_hub.sandbox.wire import Json, encode

MAX_ENDPOINTS = 16


def notices(world: World, account: Account, event: Json, *, target: str | None = None) -> list[Notice]:
    """What has to be sent for an event: a notice for each endpoint that listens to it, or for ``target`` alone."""

    def done() -> None:
        with world.lock:
            event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)

    return [
        Notice(
            account=account.id,
            event_id=event["id"],
            type=event["type"],
            endpoint_id=endpoint["id"],
            url=endpoint["url"],
            body=encode({**event, "api_version": endpoint["api_version"] or API_VERSION}),
            sign=signer(account.secrets[endpoint["id"]]),
            done=done,
        )
        for endpoint in account.endpoints_for(event["type"])
        if target in (None, endpoint["id"])
    ]


def listener_notices(account: Account, event: Json) -> list[Notice]:
    """A notice for each connected ``stripe listen``."""
    return [
        Notice(
            account=account.id,
            event_id=event["id"],
            type=event["type"],
            endpoint_id=listener.id,
            url=f"stripe-cli:{listener.id}",
            body=encode(event),
            sign=signer([account.listener_secret]),
            send=partial(listener.deliver, event["id"]),
        )
        for listener in account.listeners
    ]


def outgoing(world: World, account: Account) -> list[Notice]:
    """The notices of the events just recorded, and of those asked for again; the caller holds the state lock."""
    sent: list[Notice] = []
    for event in account.take_outbox():
        sent += [*notices(world, account, event), *listener_notices(account, event)]
    for event, target in account.resend:
        sent += notices(world, account, event, target=target) if target else listener_notices(account, event)
    account.resend.clear()
    return sent


def new_secret() -> str:
    """A signing secret."""
    return f"whsec_{secrets.token_hex(32)}"


def roll_secret(account: Account, endpoint_id: str, *, overlap: bool) -> str:
    """Give an endpoint a new secret; with ``overlap`` deliveries carry a signature by each of the two."""
    current = account.secrets[endpoint_id]
    secret = new_secret()
    current[:] = [*current[-1:], secret] if overlap else [secret]
    return secret


# Operations -----------------------------------------------------------------------------------------------------------


def create(ctx: Context) -> Json:
    """Register an endpoint; only this answer shows its secret."""
    url = _read_url(ctx)
    events = _read_events(ctx)
    if len(ctx.account.table("webhook_endpoint")) >= MAX_ENDPOINTS:
        raise StripeError(f"You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints.", executed=True)
    endpoint = ctx.account.new(
        "webhook_endpoint",
        "we",
        {
            "api_version": ctx.params.text("api_version"),
            "application": None,
            "description": ctx.params.text("description"),
            "enabled_events": events,
            "metadata": ctx.params.metadata(),
            "status": "enabled",
            "url": url,
        },
    )
    secret = new_secret()
    ctx.account.secrets[endpoint["id"]] = [secret]
    return {**endpoint, "secret": secret}


def _read_url(ctx: Context) -> str:
    url = ctx.params.required("url")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid_parameter(
            "url", "Invalid URL: An explicit scheme (such as https) must be provided.", "url_invalid"
        )
    return url


def _read_events(ctx: Context) -> list[str]:
    events = ctx.params.texts("enabled_events")
    if not events:
        raise missing_parameter("enabled_events")
    return events


def retrieve(ctx: Context) -> Json:
    """One endpoint."""
    return ctx.account.get("webhook_endpoint", ctx.args["id"])


def update(ctx: Context) -> Json:
    """Change an endpoint, or disable it."""
    endpoint = ctx.account.get("webhook_endpoint", ctx.args["id"])
    changes: Json = {"metadata": ctx.params.metadata(endpoint["metadata"])}
    if "url" in ctx.params:
        changes["url"] = _read_url(ctx)
    if "enabled_events" in ctx.params:
        changes["enabled_events"] = _read_events(ctx)
    if "description" in ctx.params:
        changes["description"] = ctx.params.text("description")
    if (disabled := ctx.params.boolean("disabled")) is not None:
        changes["status"] = "disabled" if disabled else "enabled"
    endpoint.update(changes)
    return endpoint


def delete(ctx: Context) -> Json:
    """Remove an endpoint."""
    endpoint = ctx.account.get("webhook_endpoint", ctx.args["id"])
    del ctx.account.table("webhook_endpoint")[endpoint["id"]]
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def list_(ctx: Context) -> Json:
    """The endpoints, newest first."""
    return listing(ctx, "webhook_endpoint", "/v1/webhook_endpoints")


def retrieve_event(ctx: Context) -> Json:
    """One event."""
    return ctx.account.get("event", ctx.args["id"])


def list_events(ctx: Context) -> Json:
    """The events, newest first, of one type or several."""
    one, several = ctx.params.text("type"), ctx.params.texts("types")
    delivered = ctx.params.boolean("delivery_success")

    def wanted(event: Json) -> bool:
        matches = not several or event["type"] in several
        settled = delivered is None or delivered == (event["pending_webhooks"] == 0)
        return matches and settled and (one is None or _matches(event["type"], one))

    return listing(ctx, "event", "/v1/events", wanted)


def _matches(type_: str, pattern: str) -> bool:
    return type_.startswith(pattern[:-1]) if pattern.endswith("*") else type_ == pattern


_ROOT = "/v1/webhook_endpoints"
_FIELDS = "url enabled_events description metadata"
ROUTES = [
    Route(
        method="POST",
        path=_ROOT,
        operation="webhook_endpoints.create",
        handler=create,
        params=words(_FIELDS + " api_version connect"),
    ),
    Route(method="GET", path=_ROOT, operation="webhook_endpoints.list", handler=list_, params=LIST),
    Route(method="GET", path=f"{_ROOT}/<id>", operation="webhook_endpoints.retrieve", handler=retrieve),
    Route(
        method="POST",
        path=f"{_ROOT}/<id>",
        operation="webhook_endpoints.update",
        handler=update,
        params=words(_FIELDS + " disabled"),
    ),
    Route(method="DELETE", path=f"{_ROOT}/<id>", operation="webhook_endpoints.delete", handler=delete),
    Route(
        method="GET",
        path="/v1/events",
        operation="events.list",
        handler=list_events,
        params=LIST | {"type", "types", "delivery_success"},
    ),
    Route(method="GET", path="/v1/events/<id>", operation="events.retrieve", handler=retrieve_event),
]
