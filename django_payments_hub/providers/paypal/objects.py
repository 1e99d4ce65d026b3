"""PayPal's orders, authorizations and captures as facts (Orders v2, Payments v2).

Plain mappings in, so that webhooks and answers are read by the same code. Everything raises `Unreadable` for a shape or
a word that is not known. No object says its mode: it is that of the account whose credentials, or webhook id, they came
with.

What an order is for stays its `custom_id`, our reference. The object that holds the money is the capture where the
order captures at once, and else the authorization; a declined one holds none and is not named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django_payments_hub.domain.statuses import Mode, NextActionKind, Stage
from django_payments_hub.provider_kit.reading import (
    Json,
    Unreadable,
    objects,
    optional_mapping,
    optional_text,
    text,
)
from django_payments_hub.provider_kit.types import Failure, NextAction, PaymentFact
from django_payments_hub.providers.paypal import ids
from django_payments_hub.providers.paypal.amounts import from_wire
from django_payments_hub.providers.paypal.failures import declined_payment
from django_payments_hub.providers.paypal.methods import method_of
from django_payments_hub.providers.paypal.refund_objects import read_refund

TAKEN = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
"""Statuses of a capture whose money came in; what was given back since is told by its refunds."""

DECLINED = frozenset({"DECLINED", "FAILED"})
_CAPTURE_STATUSES = TAKEN | DECLINED | {"PENDING"}
_AUTHORIZATION_STATUSES = frozenset(
    {"CREATED", "CAPTURED", "DENIED", "PARTIALLY_CAPTURED", "VOIDED", "PENDING", "EXPIRED"}
)
_REFUSED = DECLINED | {"DENIED"}
_OPEN_STAGES = {
    "CREATED": Stage.OPEN,
    "SAVED": Stage.OPEN,
    "APPROVED": Stage.REQUIRES_ACTION,
    "PAYER_ACTION_REQUIRED": Stage.REQUIRES_ACTION,
    "VOIDED": Stage.CANCELLED,
}
_LEADING_LINKS = ("payer-action", "approve", "redirect")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far the money of an order, or of one of its payments, is."""

    stage: Stage
    payment_id: str = ""
    authorized_minor: int = 0
    captured_minor: int = 0
    capturable_minor: int = 0
    failure: Failure | None = None


def unit_of(order: Json) -> Json:
    """The one purchase unit of an order of ours."""
    units = objects(order, "purchase_units")
    if len(units) != 1:
        raise Unreadable("purchase_units is not a list of one")
    return units[0]


def payments_of(order: Json, kind: str) -> list[Json]:
    """The order's `authorizations`, `captures` or `refunds`."""
    payments = optional_mapping(unit_of(order), "payments")
    return objects(payments, kind) if payments.get(kind) else []


def reference_of(order: Json) -> str:
    """Our reference on an order; "" on one that is not ours, which may have several units."""
    units = objects(order, "purchase_units")
    if units and not any(ids.payment_reference(unit) for unit in units):
        return ""
    return ids.payment_reference(unit_of(order))


def is_whole(order: Json) -> bool:
    """Whether the order was sent in full, not as its status and payments alone."""
    return "amount" in unit_of(order)


def read_order(order: Json, mode: Mode, *, occurred_at: datetime | None = None) -> PaymentFact:
    """An order as it stands, with its payments and refunds; `occurred_at` where it does not say when it changed."""
    amount, currency = from_wire(unit_of(order))
    standing = _standing(order)
    status, reference = text(order, "status"), reference_of(order)
    return PaymentFact(
        stage=standing.stage,
        currency=currency,
        mode=mode,
        reference=reference,
        provider_payment_id=standing.payment_id,
        provider_session_id=text(order, "id"),
        amount_minor=amount,
        authorized_minor=standing.authorized_minor,
        captured_minor=standing.captured_minor,
        capturable_minor=standing.capturable_minor,
        failure=standing.failure,
        next_action=leading_action(_links(order)) if status in ("CREATED", "PAYER_ACTION_REQUIRED") else None,
        method=method_of(order),
        refunds=tuple(read_refund(refund, mode, payment=reference) for refund in payments_of(order, "refunds")),
        awaits_confirm=status == "APPROVED" and standing.stage is Stage.REQUIRES_ACTION,
        occurred_at=moment(order, "update_time") or occurred_at,
    )


def _standing(order: Json) -> Standing:
    status = text(order, "status")
    captures, authorizations = payments_of(order, "captures"), payments_of(order, "authorizations")
    if status != "COMPLETED" and status not in _OPEN_STAGES:
        raise Unreadable("status is not a known word")
    if status in _OPEN_STAGES and all(optional_text(p, "status") in _REFUSED for p in (*captures, *authorizations)):
        return Standing(stage=_OPEN_STAGES[status])  # a try was refused, and the buyer may make another
    if authorizations:
        return read_authorized(_furthest(authorizations), captures)
    if captures:
        return read_captured(_furthest(captures))
    raise Unreadable("an order is completed, and its payments are missing")


def _furthest(payments: list[Json]) -> Json:
    """A refused try may stand beside the one that holds the money."""
    return next((p for p in payments if optional_text(p, "status") not in _REFUSED), payments[-1])


def read_captured(capture: Json) -> Standing:
    """The one capture of an order that captures at once."""
    status = _status(capture, _CAPTURE_STATUSES)
    if status in DECLINED:
        return Standing(stage=Stage.FAILED, failure=declined_payment(capture))
    payment_id = text(capture, "id")
    if status == "PENDING":
        return Standing(stage=Stage.PROCESSING, payment_id=payment_id)
    amount, _ = from_wire(capture)
    return Standing(stage=Stage.CAPTURED, payment_id=payment_id, authorized_minor=amount, captured_minor=amount)


def read_authorized(authorization: Json, captures: Sequence[Json]) -> Standing:
    """An authorization and what was captured of it, all of it together.

    What a capture that is not over holds, or leaves as the last one, cannot be captured any more. Where the last one
    was pending and then denied, what was held for it has been let go.
    """
    status = _status(authorization, _AUTHORIZATION_STATUSES)
    if status == "DENIED":
        return Standing(stage=Stage.FAILED, failure=declined_payment(authorization))
    payment_id = text(authorization, "id")
    if status == "PENDING":
        return Standing(stage=Stage.PROCESSING, payment_id=payment_id)
    amount, _ = from_wire(authorization)
    live = [c for c in captures if _status(c, _CAPTURE_STATUSES) not in DECLINED]
    taken = sum(from_wire(c)[0] for c in live if c["status"] in TAKEN)
    held = sum(from_wire(c)[0] for c in live)
    over = status not in ("CREATED", "PARTIALLY_CAPTURED") or any(c.get("final_capture") is True for c in live)
    denied = status == "CAPTURED" and bool(captures) and not live
    return Standing(
        stage=Stage.CANCELLED if denied else _authorized_stage(authorization, status, taken),
        payment_id=payment_id,
        authorized_minor=amount,
        captured_minor=taken,
        capturable_minor=0 if over else max(0, amount - held),
    )


def _authorized_stage(authorization: Json, status: str, taken: int) -> Stage:
    if taken > 0:
        return Stage.CAPTURED
    if status == "EXPIRED":
        return Stage.EXPIRED
    if status != "VOIDED":
        return Stage.AUTHORIZED
    # PayPal voids what has lapsed (developer.paypal.com/docs/checkout/standard/customize/auth-capture).
    ends, changed = moment(authorization, "expiration_time"), moment(authorization, "update_time")
    lapsed = ends is not None and changed is not None and changed >= ends
    return Stage.EXPIRED if lapsed else Stage.CANCELLED


def _status(payment: Json, known: frozenset[str]) -> str:
    status = text(payment, "status")
    if status not in known:
        raise Unreadable("status is not a known word")
    return status


def leading_action(links: Sequence[Json]) -> NextAction | None:
    """Where the buyer goes to approve or to choose another way to pay; None when no link leads there."""
    for rel in _LEADING_LINKS:
        for link in links:
            if link.get("rel") == rel:
                return NextAction(kind=NextActionKind.REDIRECT, url=text(link, "href"))
    return None


def _links(data: Json) -> list[Json]:
    return objects(data, "links") if data.get("links") else []


def parent_of(payment: Json) -> tuple[str, str]:
    """Kind and id of what a payment hangs from by its `up` link (`authorizations`, `captures`, `orders`); ("", "")."""
    for link in _links(payment):
        if link.get("rel") == "up":
            *_, kind, parent = ["", "", *text(link, "href").rstrip("/").split("/")]
            return kind, parent if ids.is_object_id(parent) else ""
    return "", ""


def moment(data: Json, key: str) -> datetime | None:
    """An Internet date and time (RFC 3339) as an aware datetime; None when absent or empty."""
    value = optional_text(data, key)
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise Unreadable(f"{key} is not a moment") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
