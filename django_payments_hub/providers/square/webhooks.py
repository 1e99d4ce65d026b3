"""Square's notifications: signature and meaning (developer.squareup.com/docs/webhooks/step3validate).

Verified on the raw bytes without the SDK, whose helper wants text and raises for a missing header. The signature covers
the notification URL and the body, and no time: an old delivery verifies for ever. What protects against a replay is the
inbox, which files every event once by its id, and the merging of facts, in which nothing older overwrites the newer.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError, InvalidSignature
from django_payments_hub.provider_kit.reading import Json, mapping, optional_text, text, unreadable_notice
from django_payments_hub.provider_kit.signing import any_matches, header_bytes, hmac_sha256
from django_payments_hub.provider_kit.types import Fact, LookUp
from django_payments_hub.providers.square.config import Config
from django_payments_hub.providers.square.objects import (
    at_location,
    may_be_at_location,
    payment_reference,
    read_dispute,
    read_payment,
)
from django_payments_hub.providers.square.objects import read_refund as _read_refund

_SIGNATURE_HEADER = "x-square-hmacsha256-signature"
_ENVIRONMENT_HEADER = "square-environment"
_ENVIRONMENTS = {"production": Mode.LIVE, "sandbox": Mode.TEST}


def verify(body: bytes, headers: Mapping[str, str], config: Config, *, url: str, mode: Mode) -> None:
    """base64 of HMAC-SHA256 over the notification URL followed by the body, by any active signature key.

    Raises:
        InvalidSignature: no active key signed these bytes for this URL, or the notice says it is of the other mode.
        ConfigurationError: `webhook_url_missing`; without the URL nothing can be verified.
    """
    given = header_bytes(headers, _SIGNATURE_HEADER)
    if not url:
        raise ConfigurationError(
            "Square signs the notification URL: set PUBLIC_URL, or WEBHOOK_URL in the account.",
            code="webhook_url_missing",
        )
    signed = url.encode() + body
    expected = [base64.b64encode(hmac_sha256(secret, signed)) for secret in config.webhook_secrets]
    if not any_matches(expected, [given]):
        raise InvalidSignature("No active signature key made this signature for this URL.")
    told = _ENVIRONMENTS.get(headers.get(_ENVIRONMENT_HEADER, "").strip().lower())
    if told is not None and told is not mode:
        raise InvalidSignature("The notification is of the other mode.", code="mode_mismatch")


def parse(event: Json, config: Config, mode: Mode) -> tuple[Fact, ...]:
    """The facts of an event; none where it tells nothing about money or kept cards, or of another merchant or location.

    Raises:
        MalformedNotice: the type matters, its object cannot be read.
    """
    with unreadable_notice():
        reader = _READERS.get(optional_text(event, "type"))
        if reader is None or _is_of_another_merchant(event, config):
            return ()
        name, read = reader
        data = mapping(mapping(mapping(event, "data"), "object"), name)
        return read(data, mode) if _concerns(name, data, config.location_id) else ()


def _concerns(name: str, data: Json, location_id: str) -> bool:
    """Whether it is of this location; a card on file is the seller's, at every one, and a dispute need not name its."""
    if name == "card":
        return True
    return may_be_at_location(data, location_id) if name == "dispute" else at_location(data, location_id)


def _is_of_another_merchant(event: Json, config: Config) -> bool:
    return bool(config.merchant_id) and optional_text(event, "merchant_id") != config.merchant_id


Reader = Callable[[Json, Mode], tuple[Fact, ...]]


def _payment(payment: Json, mode: Mode) -> tuple[Fact, ...]:
    # Sales over the counter and of other systems come here too: everything the hub makes carries its mark.
    return (read_payment(payment, mode),) if payment_reference(payment) else ()


def _refund(refund: Json, mode: Mode) -> tuple[Fact, ...]:
    # An unlinked refund is of no payment, and none of ours.
    return (_read_refund(refund, mode),) if optional_text(refund, "payment_id") else ()


def _dispute(dispute: Json, mode: Mode) -> tuple[Fact, ...]:
    return (read_dispute(dispute, mode),)


def _card(card: Json, _: Mode) -> tuple[Fact, ...]:
    return (LookUp(provider_method_id=text(card, "id")),)


_READERS: Mapping[str, tuple[str, Reader]] = {
    "payment.created": ("payment", _payment),
    "payment.updated": ("payment", _payment),
    "refund.created": ("refund", _refund),
    "refund.updated": ("refund", _refund),
    "dispute.created": ("dispute", _dispute),
    "dispute.state.updated": ("dispute", _dispute),
    "dispute.state.changed": ("dispute", _dispute),
    "card.disabled": ("card", _card),
    "card.updated": ("card", _card),
    "card.automatically_updated": ("card", _card),
    "card.forgotten": ("card", _card),
}
"""By the names of the current version; `dispute.state.changed` is what older ones say."""
