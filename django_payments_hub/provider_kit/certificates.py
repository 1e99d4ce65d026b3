"""Signatures made under an X.509 certificate: is the certificate to be trusted, and did its key sign these bytes.

Chains are judged by `cryptography` as a TLS server's would be: built up to a trusted root, every link signed, valid now
and allowed to issue, the name in the subject's alternative names.
"""

from __future__ import annotations

import functools
import os
import re
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.exceptions import InvalidSignature as WrongSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import verification

Roots = tuple[x509.Certificate, ...]

_MAX_CERTIFICATES = 10
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_MIN_RSA_BITS = 2048


class UntrustedCertificate(ValueError):
    """The certificate cannot be trusted now; the message says in which respect, and holds nothing of it."""


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A trusted certificate's key. `valid_from` and `valid_until` bound every certificate of its chain (Unix time)."""

    key: RSAPublicKey = field(repr=False)
    valid_from: float
    valid_until: float

    def is_valid_at(self, now: float) -> bool:
        """Whether the whole chain is valid at this moment, in Unix seconds."""
        return self.valid_from <= now <= self.valid_until

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the key made this RSA-SHA256 signature (PKCS #1 v1.5) of the message."""
        try:
            self.key.verify(signature, message, PKCS1v15(), SHA256())
        except WrongSignature:
            return False
        return True


def parse_certificates(pem: bytes) -> Roots:
    """The certificates of a PEM text, in their order; raises UntrustedCertificate for none, too many or unreadable."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise UntrustedCertificate("not a certificate") from None
    if len(found) > _MAX_CERTIFICATES:
        raise UntrustedCertificate("too many certificates")
    return tuple(found)


def system_roots() -> Roots:
    """The authorities this machine trusts: those of SSL_CERT_FILE where it is set, else those of `certifi`."""
    return _roots_of(os.environ.get("SSL_CERT_FILE") or certifi.where())


@functools.lru_cache(maxsize=4)
def _roots_of(path: str) -> Roots:
    """One by one: some system's store holds a root that breaks a rule, which `cryptography` warns of or refuses."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for pem in _PEM.findall(Path(path).read_bytes()):
            try:
                found.append(x509.load_pem_x509_certificate(pem))
            except ValueError:
                continue
    return tuple(found)


def trusted_signer(
    pem: bytes, *, names: Collection[str], roots: Roots, now: float, intermediates: Sequence[x509.Certificate] = ()
) -> Signer:
    """The key of the first certificate of the PEM text, if it was issued to one of the names and is trusted now.

    Args:
        pem: the certificate, then those between it and a root, as far as they were sent along.
        names: DNS names, one of which it must have been issued to.
        intermediates: more certificates to build the chain with; they are trusted no more than those in `pem`.
        now: Unix seconds.

    Raises:
        UntrustedCertificate: unreadable, expired, of another name, not issued by one of the roots, or no RSA key of at
            least 2048 bits.
    """
    leaf, *between = parse_certificates(pem)
    key = leaf.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_RSA_BITS:
        raise UntrustedCertificate("no RSA key of a sufficient length")
    chain = _chain(leaf, [*between, *intermediates], names=names, roots=roots, now=now)
    return Signer(
        key=key,
        valid_from=max(link.not_valid_before_utc.timestamp() for link in chain),
        valid_until=min(link.not_valid_after_utc.timestamp() for link in chain),
    )


def _chain(
    leaf: x509.Certificate, between: list[x509.Certificate], *, names: Collection[str], roots: Roots, now: float
) -> list[x509.Certificate]:
    builder = verification.PolicyBuilder().store(verification.Store(list(roots)))
    builder = builder.time(datetime.fromtimestamp(now, tz=UTC))
    for name in names:
        try:
            return builder.build_server_verifier(x509.DNSName(name)).verify(leaf, between)
        except verification.VerificationError:
            continue
    raise UntrustedCertificate("not issued by a trusted authority to the name expected, or not valid now")
