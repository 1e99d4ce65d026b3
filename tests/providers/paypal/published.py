"""Notices that PayPal itself published with their signatures, in its SDKs' tests and samples (`vectors/notices.json`
names each), and the certificates they were signed under (PayPal-node-SDK test/mocks/notification.js, PayPal-Java-SDK
testClientCert.crt). The intermediate and the root lie in the installed SDK.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import paypalrestsdk

from django_payments_hub.provider_kit.certificates import Roots, Signer, parse_certificates, trusted_signer

FOLDER = Path(__file__).parent / "vectors"
NAME = "messageverificationcerts.sandbox.paypal.com"
_DATA = Path(paypalrestsdk.__file__).parent / "data"


def root() -> Roots:
    return parse_certificates((_DATA / "DigiCertHighAssuranceEVRootCA.crt.pem").read_bytes())


def intermediate() -> Roots:
    return parse_certificates((_DATA / "DigiCertSHA2ExtendedValidationServerCA.crt.pem").read_bytes())


@dataclass(frozen=True)
class Published:
    source: str
    transmission_id: str
    transmission_time: str
    webhook_id: str
    signature: str
    cert_url: str
    certificate: str
    body: str

    @property
    def sent_at(self) -> float:
        return datetime.fromisoformat(self.transmission_time).timestamp()

    @property
    def pem(self) -> bytes:
        return (FOLDER / self.certificate).read_bytes()

    @property
    def url(self) -> str:
        """Where PayPal keeps it; one test of its SDKs names no such place, and the address is not signed."""
        if "/certs/" in self.cert_url:
            return self.cert_url
        return "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-2017"

    @property
    def headers(self) -> dict[str, str]:
        return {
            "paypal-transmission-id": self.transmission_id,
            "paypal-transmission-time": self.transmission_time,
            "paypal-transmission-sig": self.signature,
            "paypal-cert-url": self.url,
            "paypal-auth-algo": "SHA256withRSA",
        }

    def signer(self) -> Signer:
        """Trusted through the whole chain, at the time the notice was sent."""
        return trusted_signer(self.pem, names=[NAME], roots=root(), intermediates=intermediate(), now=self.sent_at)


NOTICES = [Published(**given) for given in json.loads((FOLDER / "notices.json").read_text())]
