"""Certificates for stories: issued in a moment, signed by one another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

EXPIRES = datetime(2027, 1, 1, tzinfo=UTC)


class Issued(NamedTuple):
    """A certificate and its private key, as objects and in PEM."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def body(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def thumbprint(self) -> str:
        return self.certificate.fingerprint(SHA1()).hex()

    @property
    def private(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def issue(name: str, issuer: Issued | None = None, expires: datetime = EXPIRES) -> Issued:
    """A certificate, signed by another's key or by its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject_name=subject, public_key=key.public_key(), serial_number=1)
    builder = builder.issuer_name(subject if issuer is None else issuer.certificate.subject)
    builder = builder.not_valid_before(expires - timedelta(days=3650)).not_valid_after(expires)
    return Issued(builder.sign(key if issuer is None else issuer.key, SHA256()), key)
