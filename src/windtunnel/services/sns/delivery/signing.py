"""Signatures of messages that verify, at a cost that publishing does not pay.

A signature with RSA-2048 costs more than all else that a publish does, and most are never looked at. So an envelope goes out with a
place for it, `UNSIGNED`, as an event whose body is `late`: the fabric has it completed by `finish` when somebody is about to read it
(a message is received, a POST is made). What is signed does not depend on the subscription, so that all subscribers of a message
share one signature. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Any

import orjson

from windtunnel.fabric import Tx
from windtunnel.services.sns.state import SIGNERS, Signer

if TYPE_CHECKING:
    from awscrt.crypto import RSA

KEY_BITS = 2048
VALID_DAYS = 3650
UNSIGNED = "/unsigned/"
"""What stands where the signature will, followed by the version that it will be of. It is short, since every subscriber's copy is
written with it."""
CERTIFICATE_PREFIX = "/SimpleNotificationService-"
CERTIFICATE_SUFFIX = ".pem"

_PLACES = (f'"Signature" : "{UNSIGNED}', f'"Signature":"{UNSIGNED}')
_SIGNED_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SIGNED_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def signer_id(tx: Tx) -> str:
    """The id in the certificate's URL. The key itself is made when it is needed."""
    signer = tx.get(SIGNERS)
    if signer is None:
        signer = Signer(tx.ids.hex(32))
        tx.put(SIGNERS, value=signer)
    return signer.id


def finish(tx: Tx, body: str) -> str:
    """The body with its signature in the place that was left for it."""
    # Within a message's own text quotes are escaped, so that this is never found there.
    place = next((place for place in _PLACES if place in body), None)
    if place is None:
        return body
    message = orjson.loads(body)
    if "Records" in message:
        message = message["Records"][0]["Sns"]
    end = body.index(place) + len(place)
    signature = _signature(_signer(tx).key, string_to_sign(message), body[end])
    return f"{body[: end - len(UNSIGNED)]}{signature}{body[end + 1 :]}"


def string_to_sign(message: Mapping[str, Any]) -> str:
    """Names and values on lines of their own, in the order of the names."""
    names = _SIGNED_NOTIFICATION if message["Type"] == "Notification" else _SIGNED_CONFIRMATION
    return "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None)


def certificate(tx: Tx, path: str) -> str | None:
    """The certificate at a path of the endpoint, PEM; None where there is none."""
    if not path.startswith(CERTIFICATE_PREFIX) or not path.endswith(CERTIFICATE_SUFFIX):
        return None
    id = path[len(CERTIFICATE_PREFIX) : -len(CERTIFICATE_SUFFIX)]
    return _signer(tx).certificate if id == signer_id(tx) else None


def _signer(tx: Tx) -> Signer:
    signer = tx.get(SIGNERS) or Signer(signer_id(tx))
    if not signer.key:
        signer = Signer(signer.id, *_make_pair(tx.now))
        tx.put(SIGNERS, value=signer)
    return signer


@lru_cache(maxsize=1024)
def _signature(key: str, text: str, version: str) -> str:
    from awscrt.crypto import RSASignatureAlgorithm

    if version == "1":
        algorithm, digest = RSASignatureAlgorithm.PKCS1_5_SHA1, sha1(text.encode(), usedforsecurity=False).digest()
    else:
        algorithm, digest = RSASignatureAlgorithm.PKCS1_5_SHA256, sha256(text.encode()).digest()
    return b64encode(_loaded(key).sign(algorithm, digest)).decode()


@lru_cache(maxsize=4)
def _loaded(key: str) -> RSA:
    # The C library behind awscrt takes a while to load. It signs in half of the time that `cryptography` takes.
    from awscrt.crypto import RSA

    return RSA.new_private_key_from_pem_data(key)


def _make_pair(now: float) -> tuple[str, str]:
    """A new private key and its certificate, PEM both."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(65_537, KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    # The region's clock may stand anywhere; a certificate that is valid from long before suits its past as well.
    start = datetime.fromtimestamp(int(now), UTC) - timedelta(days=VALID_DAYS)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3 * VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("sns.amazonaws.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return private.decode(), signed.public_bytes(serialization.Encoding.PEM).decode()
