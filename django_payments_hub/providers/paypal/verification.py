"""Is a notice PayPal's: its signature, checked here under PayPal's certificate, or by PayPal itself (postback).

The signature is RSA-SHA256 over `<transmission id>|<time>|<webhook id>|<CRC-32 of the body, in decimal>`
(developer.paypal.com/api/rest/webhooks/rest). The certificate is fetched from an address in a header, hence from an
address of PayPal's alone (S6), and must be trusted by itself. The SDK's own check fetches any address and always fails.

On age: a notice is sent again up to 25 times over three days. That each try is signed anew, with a new time, is
documented nowhere, so one whose time lies three days and a few hours back is still taken; what a replay within them
could repeat is known by its event id, which is applied once, for ever (I10). A time ahead of ours by more than minutes
is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import zlib
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from urllib.parse import urlsplit

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import InvalidSignature, ProviderError, VerificationUnavailable
from django_payments_hub.provider_kit.certificates import (
    Roots,
    Signer,
    UntrustedCertificate,
    parse_certificates,
    system_roots,
    trusted_signer,
)
from django_payments_hub.provider_kit.http import HttpClient, deadline
from django_payments_hub.provider_kit.reading import Unreadable, parse_object
from django_payments_hub.provider_kit.signing import check_age, header_bytes
from django_payments_hub.providers.paypal.api import Api
from django_payments_hub.providers.paypal.config import POSTBACK, Config, uses_sandbox

logger = logging.getLogger("django_payments_hub.paypal")

MAX_AGE_S = 3 * 86_400 + 6 * 3600
MAX_AHEAD_S = 300

_ALGORITHM = b"SHA256withRSA"
_POSTBACK_PATH = "/v1/notifications/verify-webhook-signature"
_CERTIFICATES_PATH = "/v1/notifications/certs/"
_CERTIFICATE_ID = re.compile(r"CERT-[A-Za-z0-9-]{1,64}", re.ASCII)
_HOSTS = {
    Mode.LIVE: frozenset({"api.paypal.com", "api-m.paypal.com"}),
    Mode.TEST: frozenset({"api.sandbox.paypal.com", "api-m.sandbox.paypal.com", "api.paypal.com", "api-m.paypal.com"}),
}
_NAMES = {
    Mode.LIVE: ("messageverificationcerts.paypal.com",),
    Mode.TEST: ("messageverificationcerts.sandbox.paypal.com", "messageverificationcerts.paypal.com"),
}
# The published document's patterns for these two.
_TRANSMISSION_ID = re.compile(rb"[\w-]{1,50}", re.ASCII)
_TIME = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)

_FETCH_DEADLINE_S = 5.0
_ASK_DEADLINE_S = 8.0
_MAX_PEM_BYTES = 64 * 1024
_MAX_KNOWN = 16
_FETCHES_A_MINUTE = 12
"""Anybody can name a certificate that PayPal does not have: so many are asked for in a minute, in each process."""

_MISSING_FOR_S = 600


@dataclass(frozen=True, kw_only=True)
class _Transmission:
    """The headers of a notice, each in the shape it has to have."""

    id: bytes
    time: bytes
    signature: bytes
    certificate_url: str
    algorithm: bytes


class Verifier:
    """Checks the notices of one account. Keeps the certificates it has seen; safe for threads."""

    def __init__(self, config: Config, api: Api):
        self._config = config
        self._api = api
        self._http = HttpClient(deadline_s=_FETCH_DEADLINE_S, max_body_bytes=_MAX_PEM_BYTES)
        self._known: OrderedDict[str, Signer] = OrderedDict()
        self._missing: OrderedDict[str, float] = OrderedDict()
        # Under these a notice of this account was proven: named by anybody, they still leave room for the others.
        self._proven: OrderedDict[str, float] = OrderedDict()
        self._fetched_at: deque[float] = deque(maxlen=_FETCHES_A_MINUTE)
        self._fetched_again_at: deque[float] = deque(maxlen=_FETCHES_A_MINUTE)
        self._lock = Lock()
        self._fetching = Lock()

    def verify(self, body: bytes, headers: Mapping[str, str], *, now: float) -> None:
        """Prove that PayPal sent exactly these bytes to one of the account's webhooks.

        Raises:
            InvalidSignature: not proven. VerificationUnavailable: the certificate, or PayPal, cannot be had now.
        """
        sent = _read_headers(headers)
        check_age(_unix_time(sent.time), now=now, tolerance_s=MAX_AGE_S, ahead_s=MAX_AHEAD_S)
        self._check_address(sent.certificate_url)
        if self._config.webhook_verification == POSTBACK:
            proven = self._ask(body, sent)
        else:
            proven = self._is_signed(body, sent, now=now)
        if not proven:
            raise InvalidSignature("PayPal did not sign this for any of WEBHOOK_IDS.")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # -- offline -----------------------------------------------------------------------------------------------------

    def _is_signed(self, body: bytes, sent: _Transmission, *, now: float) -> bool:
        signature = _decoded(sent.signature)
        signer = self._signer(sent.certificate_url, now=now)
        crc = str(zlib.crc32(body)).encode()
        proven = any(
            signer.signed(b"|".join((sent.id, sent.time, webhook_id.encode(), crc)), signature)
            for webhook_id in self._config.webhook_ids
        )
        if proven:
            self._note(self._proven, sent.certificate_url, now)
        return proven

    def _signer(self, url: str, *, now: float) -> Signer:
        known = self._known_signer(url, now)
        if known is not None:
            return known
        # One at a time: of fifty notices at once after a start, one fetches and the others find what it got.
        if not self._fetching.acquire(timeout=_FETCH_DEADLINE_S):
            raise VerificationUnavailable("PayPal's certificate is still being fetched.")
        try:
            signer = self._known_signer(url, now)
            if signer is None:
                self._may_fetch(url, now)
                signer = self._keep(url, self._fetched(url, now=now))
            return signer
        finally:
            self._fetching.release()

    def _known_signer(self, url: str, now: float) -> Signer | None:
        with self._lock:
            known = self._known.get(url)
            if known is None or not known.is_valid_at(now):
                return None
            self._known.move_to_end(url)
            return known

    def _keep(self, url: str, signer: Signer) -> Signer:
        with self._lock:
            self._known[url] = signer
            while len(self._known) > _MAX_KNOWN:
                self._known.popitem(last=False)
        return signer

    def _note(self, seen: OrderedDict[str, float], url: str, now: float) -> None:
        with self._lock:
            seen[url] = now
            seen.move_to_end(url)
            while len(seen) > _MAX_KNOWN:
                seen.popitem(last=False)

    def _may_fetch(self, url: str, now: float) -> None:
        """Raise VerificationUnavailable for a certificate not found lately, and for too many in a minute.

        What was proven before has fetches of its own, lest invented names use them up when it has to be had anew.
        """
        if 0 <= now - self._missing.get(url, now + 1) < _MISSING_FOR_S:
            raise VerificationUnavailable("PayPal does not have that certificate.")
        fetched_at = self._fetched_again_at if url in self._proven else self._fetched_at
        if len(fetched_at) == _FETCHES_A_MINUTE and 0 <= now - fetched_at[0] < 60:
            raise VerificationUnavailable("Too many certificates are asked for.")
        fetched_at.append(now)

    def _fetched(self, url: str, *, now: float) -> Signer:
        try:
            response = self._http.request("GET", url, headers={"Accept": "*/*"})
        except ProviderError as error:
            raise VerificationUnavailable(
                "PayPal's certificate cannot be fetched now.", details={"reason": str(error.details.get("reason", ""))}
            ) from None
        if response.status_code != 200:
            if response.status_code == 404:
                self._note(self._missing, url, now)
            raise VerificationUnavailable(
                "PayPal's certificate cannot be fetched now.", details={"status": response.status_code}
            )
        try:
            return trusted_signer(
                response.content,
                names=_NAMES[self._api.mode],
                roots=self._roots(),
                intermediates=parse_certificates(self._config.webhook_intermediates.encode())
                if self._config.webhook_intermediates
                else (),
                now=now,
            )
        except UntrustedCertificate as error:
            reason = str(error)
        hint = "See WEBHOOK_INTERMEDIATES, and for a sandbox WEBHOOK_ROOT_CERTIFICATE."
        logger.error("Notices cannot be verified; PayPal's certificate: %s. %s", reason, hint)
        raise VerificationUnavailable(f"PayPal's certificate is not to be trusted: {reason}.")

    def _roots(self) -> Roots:
        own = self._config.webhook_root_certificate
        return parse_certificates(own.encode()) if own else system_roots()

    def _check_address(self, url: str) -> None:
        """Refuse an address that is not exactly where PayPal keeps certificates; it is never fetched."""
        base, _, name = url.rpartition(_CERTIFICATES_PATH)
        if _CERTIFICATE_ID.fullmatch(name) and self._is_own(base):
            return
        raise InvalidSignature("The certificate's address is not PayPal's.", code="foreign_certificate")

    def _is_own(self, base: str) -> bool:
        if uses_sandbox(self._config, self._api.mode):
            return base == self._api.base
        try:
            url = urlsplit(base)
        except ValueError:
            return False
        # Compared whole: no user, no port, no path before the one expected, no other spelling.
        return url.hostname in _HOSTS[self._api.mode] and base == f"https://{url.hostname}"

    # -- postback ----------------------------------------------------------------------------------------------------

    def _ask(self, body: bytes, sent: _Transmission) -> bool:
        try:
            body.decode()
            parse_object(body)  # one object and no more: nothing can be added to what is asked
        except (Unreadable, UnicodeDecodeError):
            raise InvalidSignature("The body is no JSON object.", code="malformed_signature") from None
        try:
            with deadline(_ASK_DEADLINE_S):  # for all of the webhooks' ids, a token and the wait for it
                return any(self._confirms(body, sent, webhook_id) for webhook_id in self._config.webhook_ids)
        except ProviderError as error:
            raise VerificationUnavailable("PayPal cannot be asked now.", details={"reason": error.code}) from None

    def _confirms(self, body: bytes, sent: _Transmission, webhook_id: str) -> bool:
        asked = {
            "auth_algo": sent.algorithm.decode(),
            "cert_url": sent.certificate_url,
            "transmission_id": sent.id.decode(),
            "transmission_sig": sent.signature.decode(),
            "transmission_time": sent.time.decode(),
            "webhook_id": webhook_id,
        }
        # The very bytes: written anew, 7.50 would become 7.5, and the checksum another.
        spliced = json.dumps(asked).encode()[:-1] + b', "webhook_event": ' + body + b"}"
        answer = self._api.call("POST", _POSTBACK_PATH, spliced)
        return answer.get("verification_status") == "SUCCESS"


def _read_headers(headers: Mapping[str, str]) -> _Transmission:
    def header(name: str) -> bytes:
        return header_bytes(headers, f"paypal-{name}", max_bytes=2048)

    url = header("cert-url")
    sent = _Transmission(
        id=header("transmission-id"),
        time=header("transmission-time"),
        signature=header("transmission-sig"),
        certificate_url=url.decode("latin-1"),
        algorithm=header("auth-algo"),
    )
    well_formed = _TRANSMISSION_ID.fullmatch(sent.id) and _TIME.fullmatch(sent.time) and url.isascii()
    if not well_formed or sent.algorithm != _ALGORITHM:
        raise InvalidSignature("The signature headers cannot be read.", code="malformed_signature")
    _decoded(sent.signature)
    return sent


def _decoded(signature: bytes) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSignature("The signature cannot be read.", code="malformed_signature") from None


def _unix_time(time: bytes) -> float:
    try:
        return datetime.fromisoformat(time.decode()).timestamp()
    except (ValueError, OverflowError):
        raise InvalidSignature("The signature's time cannot be read.", code="malformed_signature") from None
