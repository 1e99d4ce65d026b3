"""Which certificates are trusted, and whose signatures hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from django_payments_hub.provider_kit.certificates import (
    UntrustedCertificate,
    parse_certificates,
    system_roots,
    trusted_signer,
)
from tests.providers.paypal import published

NOW = datetime.now(UTC)
NAME = "signer.example"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


ROOT_KEY, MIDDLE_KEY, LEAF_KEY = new_key(), new_key(), new_key()


def certificate(subject, key, issuer, issuer_key, *, ca=False, name=NAME, start=-1, end=30, length=None):
    def named(common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=start))
        .not_valid_after(NOW + timedelta(days=end))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, content_commitment=False,
                key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )  # fmt: skip
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


ROOT = certificate("root", ROOT_KEY, "root", ROOT_KEY, ca=True)
MIDDLE = certificate("middle", MIDDLE_KEY, "root", ROOT_KEY, ca=True, length=0)


def leaf(key=LEAF_KEY, issuer="middle", issuer_key=MIDDLE_KEY, **changes):
    return certificate(NAME, key, issuer, issuer_key, **changes)


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def trust(given: bytes, **changes):
    return trusted_signer(given, **{"names": [NAME], "roots": (ROOT,), "now": NOW.timestamp(), **changes})


def test_a_chain_to_a_trusted_root_is_trusted():
    signer = trust(pem(leaf(), MIDDLE))
    message = b"what was signed"
    signature = LEAF_KEY.sign(message, padding.PKCS1v15(), hashes.SHA256())
    assert signer.signed(message, signature)
    for other, given in ((message + b"!", signature), (message, signature[:-1] + b"\0"), (message, b"")):
        assert not signer.signed(other, given)
    assert not signer.signed(message, LEAF_KEY.sign(message, padding.PKCS1v15(), hashes.SHA1()))
    assert "RSAPublicKey" not in repr(signer)


def test_a_link_that_was_not_sent_along_may_be_known_already():
    assert trust(pem(leaf()), intermediates=[MIDDLE])
    with pytest.raises(UntrustedCertificate):
        trust(pem(leaf()))


def test_the_time_of_the_whole_chain_counts():
    short = certificate("middle", MIDDLE_KEY, "root", ROOT_KEY, ca=True, length=0, end=2)
    signer = trust(pem(leaf(), short))
    assert signer.is_valid_at(NOW.timestamp())
    assert not signer.is_valid_at((NOW + timedelta(days=3)).timestamp())
    assert not signer.is_valid_at((NOW - timedelta(days=2)).timestamp())
    with pytest.raises(UntrustedCertificate):
        trust(pem(leaf(), short), now=(NOW + timedelta(days=3)).timestamp())


FOREIGN_KEY = new_key()
UNTRUSTED = {
    "expired": lambda: pem(leaf(start=-9, end=-1), MIDDLE),
    "not valid yet": lambda: pem(leaf(start=1), MIDDLE),
    "another name": lambda: pem(leaf(name="signer.example.evil.example"), MIDDLE),
    "a name around it": lambda: pem(leaf(name="x.signer.example"), MIDDLE),
    "self-signed": lambda: pem(leaf(issuer=NAME, issuer_key=LEAF_KEY)),
    "another authority": lambda: pem(
        leaf(issuer="root", issuer_key=FOREIGN_KEY), certificate("root", FOREIGN_KEY, "root", FOREIGN_KEY, ca=True)
    ),
    "issued by a leaf": lambda: pem(
        leaf(issuer="other", issuer_key=FOREIGN_KEY), certificate("other", FOREIGN_KEY, "middle", MIDDLE_KEY), MIDDLE
    ),
    "a short key": lambda: pem(leaf(rsa.generate_private_key(public_exponent=65537, key_size=1024)), MIDDLE),
    "no RSA key": lambda: pem(leaf(ec.generate_private_key(ec.SECP256R1())), MIDDLE),
    "many": lambda: pem(leaf(), *[MIDDLE] * 10),
    "nothing": lambda: b"",
    "garbage": lambda: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
}


@pytest.mark.parametrize("made", UNTRUSTED.values(), ids=UNTRUSTED)
def test_what_is_not_to_be_trusted_is_not(made):
    with pytest.raises(UntrustedCertificate):
        trust(made())


def test_a_root_of_the_machine_is_a_certificate():
    assert len(system_roots()) > 50
    assert system_roots() is system_roots()


def test_the_roots_of_ssl_cert_file_are_used_and_a_broken_one_is_passed_over(monkeypatch, tmp_path):
    path = tmp_path / "roots.pem"
    path.write_bytes(UNTRUSTED["garbage"]() + pem(ROOT))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert system_roots() == (ROOT,)


def test_several_certificates_keep_their_order():
    assert parse_certificates(pem(MIDDLE, ROOT)) == (MIDDLE, ROOT)


@pytest.mark.parametrize("notice", published.NOTICES, ids=lambda n: n.transmission_time)
def test_a_published_certificate_is_trusted_while_it_was_valid(notice):
    assert notice.signer().is_valid_at(notice.sent_at)
    changes = {"roots": published.root(), "intermediates": published.intermediate(), "names": [published.NAME]}
    for wrong in ({"now": NOW.timestamp()}, {"names": ["messageverificationcerts.paypal.com"]}, {"intermediates": ()}):
        with pytest.raises(UntrustedCertificate):
            trusted_signer(notice.pem, **{"now": notice.sent_at, **changes, **wrong})
