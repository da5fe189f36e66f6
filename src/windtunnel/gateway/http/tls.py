"""The certificate for TLS on the machine itself: self-signed, made when the first TLS client comes, kept where a folder is given.

`cryptography` is imported inside, since loading it and making a key would cost every start what only TLS needs.
"""

import ipaddress
import os
import ssl
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

NAMES = (
    "localhost",
    "*.localhost",
    "localhost.localstack.cloud",
    "*.localhost.localstack.cloud",
    "*.s3.localhost.localstack.cloud",
    "*.us-east-1.localhost.localstack.cloud",
    "*.lambda-url.us-east-1.localhost.localstack.cloud",
    "*.lambda-url.us-east-1.localhost",
    "127.0.0.1",
    "::1",
)
"""The names that tools for local AWS use. A wildcard covers one label, so those with more are listed."""
VALID_DAYS = 825
"""The longest that Apple's systems trust a certificate for."""
RENEW_DAYS = 30
_COMMON_NAME = "localhost"


def self_signed(names: Sequence[str], now: float, folder: Path | None = None) -> ssl.SSLContext:
    """A server's context with a certificate for `names` (DNS names and addresses), valid from a day before `now`.

    With a folder, the pair in it is used while it is valid for the same names, so that a user who has told their system to
    trust it needs to do so once.
    """
    if folder is not None:
        path = folder / "gateway.pem"
        if not _usable(path, names, now):
            _write_privately(path, make_pair(names, now))
        return _context(path)
    # OpenSSL reads a private key from files only.
    with tempfile.TemporaryDirectory(prefix="windtunnel-tls-") as scratch:
        path = Path(scratch) / "gateway.pem"
        _write_privately(path, make_pair(names, now))
        return _context(path)


def make_pair(names: Sequence[str], now: float) -> bytes:
    """A new private key and its certificate, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "windtunnel"), x509.NameAttribute(NameOID.COMMON_NAME, _COMMON_NAME)])
    start = datetime.fromtimestamp(int(now), UTC) - timedelta(days=1)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _general_name(name: str):
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usable(path: Path, names: Sequence[str], now: float) -> bool:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    valid_from, valid_until = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    return valid_from <= now <= valid_until - RENEW_DAYS * 86_400 and set(covered) == {_general_name(name) for name in names}


def _write_privately(path: Path, pem: bytes) -> None:
    """Written beside and renamed, so that several processes may do it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".gateway-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    os.replace(name, path)


def _context(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(path)
    context.set_alpn_protocols(["http/1.1"])
    return context
