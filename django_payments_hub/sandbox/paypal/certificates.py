"""The sandbox's own authority, and the certificates that its notices are signed with.

A chain as PayPal serves it: a root that clients are told to trust, an intermediate, and a leaf named
messageverificationcerts.paypal.com. Keys are made when first needed; validity follows real time, as signatures do.
"""

import base64
import binascii
import threading
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from django_payments_hub.sandbox.paypal.ids import resource_id

NAME = "messageverificationcerts.paypal.com"
Mode = Literal["new", "expired", "wrong_name", "other_authority", "slow", "redirect", "missing", "garbage", "huge"]
MODES: frozenset[str] = frozenset(get_args(Mode))
YEAR = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """A certificate that signs others, with its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate that notices are signed with. ``mode`` says what is wrong with it, or with fetching it."""

    id: str
    mode: Mode
    key: rsa.RSAPrivateKey
    chain: bytes
    seconds: float = 0.0


class Authority:
    """The root and all certificates that were ever in use. Safe to use from every thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._root: Issuer | None = None
        self._intermediate: Issuer | None = None
        self._certificates: dict[str, Certificate] = {}
        self._current: Certificate | None = None

    def root_pem(self) -> str:
        """What a client has to trust."""
        return _pem(self._issuers()[0].certificate).decode()

    def current(self) -> Certificate:
        """The certificate that signs now."""
        with self._lock:
            return self._current or self.rotate("new")

    def find(self, certificate_id: str) -> Certificate | None:
        """A certificate that signs or has signed."""
        with self._lock:
            return self._certificates.get(certificate_id)

    def rotate(self, mode: Mode, seconds: float = 30.0) -> Certificate:
        """Sign with another certificate from now on."""
        _root, intermediate = _new_authority() if mode == "other_authority" else self._issuers()
        key = _new_key()
        leaf = _leaf(key, intermediate, name="shop.example" if mode == "wrong_name" else NAME, past=mode == "expired")
        chain = _pem(leaf) + _pem(intermediate.certificate)
        made = Certificate(id=f"CERT-{resource_id().lower()}", mode=mode, key=key, chain=chain, seconds=seconds)
        with self._lock:
            self._certificates[made.id] = self._current = made
        return made

    def reset(self) -> None:
        """A good certificate again; the root stays, so that what a client was told remains true."""
        with self._lock:
            good = self._current if self._current is not None and self._current.mode == "new" else None
            self._current, self._certificates = good, {good.id: good} if good else {}

    def _issuers(self) -> tuple[Issuer, Issuer]:
        with self._lock:
            if self._root is None or self._intermediate is None:
                self._root, self._intermediate = _new_authority()
            return self._root, self._intermediate


def signed_message(transmission_id: str, time: str, webhook_id: str, body: bytes) -> bytes:
    """What is signed: the CRC-32 stands for the body."""
    return f"{transmission_id}|{time}|{webhook_id}|{zlib.crc32(body)}".encode()


def sign(certificate: Certificate, message: bytes) -> str:
    """SHA256withRSA, in base64."""
    return base64.b64encode(certificate.key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def verifies(certificate: Certificate, signature: str, message: bytes) -> bool:
    """Whether the certificate's key made the signature."""
    try:
        raw = base64.b64decode(signature, validate=True)
        certificate.key.public_key().verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error):
        return False
    return True


# X.509 ----------------------------------------------------------------------------------------------------------------


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Payments sandbox"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _new_authority() -> tuple[Issuer, Issuer]:
    name, key, inner = _name("Payments Sandbox Root CA"), _new_key(), _new_key()
    root = _ca(key, name, name, key, path_length=1)
    intermediate = _ca(inner, _name("Payments Sandbox Issuing CA"), name, key, path_length=0)
    return Issuer(certificate=root, key=key), Issuer(certificate=intermediate, key=inner)


def _builder(
    key: rsa.RSAPrivateKey, subject: x509.Name, issuer: x509.Name, issuer_key: rsa.RSAPrivateKey, *, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - YEAR)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _ca(
    key: rsa.RSAPrivateKey, subject: x509.Name, issuer: x509.Name, issuer_key: rsa.RSAPrivateKey, *, path_length: int
) -> x509.Certificate:
    builder = _builder(key, subject, issuer, issuer_key, ends=datetime.now(UTC) + YEAR / 2)
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def _leaf(key: rsa.RSAPrivateKey, issuer: Issuer, *, name: str, past: bool) -> x509.Certificate:
    ends = datetime.now(UTC) + (timedelta(days=-1) if past else YEAR / 3)
    return (
        _builder(key, _name(name), issuer.certificate.subject, issuer.key, ends=ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=not ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
