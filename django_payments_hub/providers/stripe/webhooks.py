"""Stripe's notifications: signature and meaning (docs.stripe.com/webhooks/signature, docs.stripe.com/api/events/types).

Verified on the raw bytes without the SDK, whose own check accepts any future timestamp, is switched off by a tolerance
of 0 and raises TypeError for a non-ASCII header; building its objects costs 20 times the check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django_payments_hub.exceptions import InvalidSignature
from django_payments_hub.provider_kit.reading import (
    Json,
    Unreadable,
    mapping,
    moment,
    objects,
    optional_mapping,
    optional_text,
    text,
    unreadable_notice,
)
from django_payments_hub.provider_kit.signing import (
    any_matches,
    check_age,
    header_bytes,
    hmac_sha256_hex,
    parse_timestamp,
)
from django_payments_hub.provider_kit.types import Fact, LookUp
from django_payments_hub.providers.stripe.config import Config
from django_payments_hub.providers.stripe.objects import (
    HUB_PAYMENT,
    id_of,
    may_be_release,
    metadata,
    read_dispute,
    read_intent,
    read_mode,
    read_refund,
    read_session,
    session_reference,
)

_SIGNATURE_HEADER = "stripe-signature"
_MAX_SIGNATURES = 16
"""Stripe signs once per active secret of an endpoint: two while one is being rolled."""


def verify(body: bytes, headers: Mapping[str, str], config: Config, *, now: float) -> None:
    """`t=<seconds>,v1=<hex>[,v1=...][,v0=...]`, where v1 is HMAC-SHA256 of `<seconds>.<body>`.

    Raises:
        InvalidSignature: no active secret signed these bytes, or not within the tolerance of `now`.
    """
    timestamp, given = _parse(header_bytes(headers, _SIGNATURE_HEADER))
    signed = timestamp + b"." + body
    expected = [hmac_sha256_hex(secret, signed) for secret in config.webhook_secrets]
    if not any_matches(expected, given):
        raise InvalidSignature("No active webhook secret made this signature.")
    check_age(parse_timestamp(timestamp), now=now, tolerance_s=config.webhook_tolerance_s)


def _parse(header: bytes) -> tuple[bytes, list[bytes]]:
    timestamps, signatures = [], []
    for part in header.split(b","):
        # Servers join a repeated header with ", ": stripped, its second `t` is seen.
        scheme, _, value = part.strip().partition(b"=")
        if scheme == b"t":
            timestamps.append(value)
        elif scheme == b"v1":
            signatures.append(value)
    if len(timestamps) != 1 or not 1 <= len(signatures) <= _MAX_SIGNATURES:
        raise InvalidSignature("The signature header cannot be read.", code="malformed_signature")
    parse_timestamp(timestamps[0])
    return timestamps[0], signatures


def parse(event: Json) -> tuple[Fact, ...]:
    """The facts of an event; none where its type tells nothing about money or kept methods.

    Raises:
        MalformedNotice: the type matters, its object cannot be read.
    """
    with unreadable_notice():
        read = _reader(optional_text(event, "type"))
        if read is None:
            return ()
        return read(event, mapping(mapping(event, "data"), "object"), moment(event, "created"))


Reader = Callable[[Json, Json, "datetime | None"], tuple[Fact, ...]]


def _intent(_: Json, intent: Json, at: datetime | None) -> tuple[Fact, ...]:
    if not metadata(_of_kind("payment_intent", intent), HUB_PAYMENT):
        return ()  # another system's on the same account: everything the hub makes carries its mark
    return (read_intent(intent, occurred_at=at),)


def _session(event: Json, session: Json, at: datetime | None) -> tuple[Fact, ...]:
    if optional_text(_of_kind("checkout.session", session), "mode") != "payment" or not session_reference(session):
        return ()
    failed = event["type"] == "checkout.session.async_payment_failed"
    return (read_session(session, failed=failed, occurred_at=at),)


def _refund(event: Json, refund: Json, at: datetime | None) -> tuple[Fact, ...]:
    fact = read_refund(_of_kind("refund", refund), read_mode(event), occurred_at=at)
    if not (fact.payment_reference or fact.provider_payment_id):
        return ()  # of a bare Charge, which the hub never makes
    if may_be_release(refund):
        return (LookUp(reference=fact.payment_reference, provider_payment_id=fact.provider_payment_id),)
    return (fact,)


def _dispute(_: Json, dispute: Json, at: datetime | None) -> tuple[Fact, ...]:
    fact = read_dispute(_of_kind("dispute", dispute), occurred_at=at)
    return (fact,) if fact.payment_reference or fact.provider_payment_id else ()


def _refunded_charge(event: Json, charge: Json, at: datetime | None) -> tuple[Fact, ...]:
    intent = id_of(_of_kind("charge", charge), "payment_intent")
    if not intent:
        return ()
    refunds = optional_mapping(charge, "refunds")
    # Carried along up to API version 2022-08-01 only (docs.stripe.com/upgrades, 2022-11-15).
    if refunds.get("data"):
        mode = read_mode(event)
        moved = [refund for refund in objects(refunds, "data") if not may_be_release(refund)]
        return tuple(read_refund(refund, mode, occurred_at=at) for refund in moved)
    return (LookUp(reference=metadata(charge, HUB_PAYMENT), provider_payment_id=intent),)


def _method(_: Json, method: Json, _at: datetime | None) -> tuple[Fact, ...]:
    return (LookUp(provider_method_id=text(_of_kind("payment_method", method), "id")),)


def _of_kind(kind: str, data: Json) -> Json:
    if data.get("object") != kind:
        raise Unreadable(f"object is not a {kind}")
    return data


_EXACT: Mapping[str, Reader] = {
    "charge.refunded": _refunded_charge,
    "charge.refund.updated": _refund,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _session,
    "checkout.session.expired": _session,
    "payment_method.automatically_updated": _method,
    "payment_method.detached": _method,
    "payment_method.updated": _method,
}


def _reader(event_type: str) -> Reader | None:
    if event_type.startswith("payment_intent."):
        return _intent
    if event_type.startswith("charge.dispute."):
        return _dispute
    return _EXACT.get(event_type)
