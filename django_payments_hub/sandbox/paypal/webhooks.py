"""Notifications v1: webhooks, their events, and how they are signed."""

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django_payments_hub.sandbox.delivery import Notice, Signer
from django_payments_hub.sandbox.paypal import certificates, ids
from django_payments_hub.sandbox.paypal.account import Account
from django_payments_hub.sandbox.wire import Json, encode

if TYPE_CHECKING:
    from django_payments_hub.sandbox.paypal.mount import PayPalMount

ALGORITHM = "SHA256withRSA"


def headers(mount: "PayPalMount", webhook_id: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The headers of one transmission, signed with the certificate in use now."""
    certificate = mount.authority.current()
    transmission_id, sent = str(uuid.uuid4()), datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    message = certificates.signed_message(transmission_id, sent, webhook_id, body)
    return {
        "PAYPAL-TRANSMISSION-ID": transmission_id,
        "PAYPAL-TRANSMISSION-TIME": sent,
        "PAYPAL-TRANSMISSION-SIG": certificates.sign(certificate, message),
        "PAYPAL-CERT-URL": f"{mount.base_url}/v1/notifications/certs/{certificate.id}",
        "PAYPAL-AUTH-ALGO": ALGORITHM,
        "PAYPAL-AUTH-VERSION": "v2",
        "CORRELATION-ID": ids.debug_id(),
        "User-Agent": "PayPal/AUHD-214.0-58843810",
    }


def signer(mount: "PayPalMount", webhook_id: str) -> Signer:
    """Signs each try anew."""
    return lambda body, timestamp: headers(mount, webhook_id, body, timestamp)


def listens(webhook: Json, type_: str) -> bool:
    """Whether a webhook hears an event type."""
    return any(wanted["name"] in ("*", type_) for wanted in webhook["event_types"])


def shown(mount: "PayPalMount", event: Json) -> Json:
    """An event with its links."""
    root = f"{mount.base_url}/v1/notifications/webhooks-events/{event['id']}"
    links = [
        {"href": root, "rel": "self", "method": "GET"},
        {"href": f"{root}/resend", "rel": "resend", "method": "POST"},
    ]
    return {**event, "links": links}


def notices(mount: "PayPalMount", account: Account, event: Json, *, target: str | None = None) -> list[Notice]:
    """What has to be sent for an event: a notice for each webhook that listens, or for ``target`` alone."""
    return [
        Notice(
            account=account.id,
            event_id=event["id"],
            type=event["event_type"],
            endpoint_id=webhook["id"],
            url=webhook["url"],
            body=encode(shown(mount, event)),
            sign=signer(mount, webhook["id"]),
        )
        for webhook in account.table("webhook").values()
        if target == webhook["id"] or (target is None and listens(webhook, event["event_type"]))
    ]


def outgoing(mount: "PayPalMount", account: Account) -> list[Notice]:
    """The notices of the events just recorded, and of those asked for again; the caller holds the state lock."""
    sent: list[Notice] = []
    for event in account.take_outbox():
        sent += notices(mount, account, event)
    for event, target in account.resend:
        sent += notices(mount, account, event, target=target)
    account.resend.clear()
    return sent


def register(account: Account, url: str, event_types: list[str]) -> Json:
    """A new webhook."""
    webhook = {"id": ids.resource_id(), "url": url, "event_types": [{"name": name} for name in event_types]}
    return account.add("webhook", webhook)


# Verification for those that ask PayPal -------------------------------------------------------------------------------


def raw_member(raw: bytes, name: str) -> bytes | None:
    """The bytes of one member of a JSON object as they were sent: a signature is over bytes, not over values."""
    text, decoder = raw.decode("utf-8"), json.JSONDecoder()
    position = _skip(text, text.index("{") + 1)
    while text[position] != "}":
        key, position = decoder.raw_decode(text, position)
        start = _skip(text, _skip(text, position) + 1)
        _, end = decoder.raw_decode(text, start)
        if key == name:
            return text[start:end].encode()
        position = _skip(text, end)
        position = _skip(text, position + 1) if text[position] == "," else position
    return None


def _skip(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position


def verify(mount: "PayPalMount", account: Account, given: dict[str, str], body: bytes) -> bool:
    """Whether a transmission that a client has heard was ours, for one of its webhooks."""
    certificate = mount.authority.find(given["cert_url"].rpartition("/")[2])
    if certificate is None or certificate.mode not in ("new", "slow", "redirect"):
        return False
    if given["auth_algo"] != ALGORITHM or account.find("webhook", given["webhook_id"]) is None:
        return False
    message = certificates.signed_message(
        given["transmission_id"], given["transmission_time"], given["webhook_id"], body
    )
    return certificates.verifies(certificate, given["transmission_sig"], message)


__all__ = ["headers", "notices", "outgoing", "raw_member", "register", "signer", "verify"]
