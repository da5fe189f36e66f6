"""Signing certificates of users and of the account's root.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSigningCertificate.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from windtunnel.fabric import Fault, Tx
from windtunnel.services.iam.entities import owner_of
from windtunnel.services.iam.rules import BASE32, SIGNING_CERTIFICATES_PER_USER_MAX, moment, paged, start_of
from windtunnel.services.iam.state import SIGNING, SigningCertificate

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t

ID_CHARACTERS = 32


def upload_signing_certificate(tx: Tx, req: t.UploadSigningCertificateRequest) -> t.UploadSigningCertificateResponse:
    owner, name, _ = owner_of(tx, req.get("UserName"))
    body = req["CertificateBody"]
    digest = _digest(tx, body)
    if any(True for _ in tx.find(SIGNING, "digest", digest)):
        raise Fault("DuplicateCertificate", "The same certificate is associated with an IAM user in the account.")
    if tx.count(SIGNING, "user", owner) >= SIGNING_CERTIFICATES_PER_USER_MAX:
        raise Fault("LimitExceeded", f"Cannot exceed quota for CertificatesPerUser: {SIGNING_CERTIFICATES_PER_USER_MAX}")
    certificate_id = tx.ids.text(ID_CHARACTERS, BASE32)
    certificate = SigningCertificate(body, digest, moment(tx.now))
    tx.put(SIGNING, owner, certificate_id, value=certificate)
    return {"Certificate": _shown(name, certificate_id, certificate)}


def list_signing_certificates(tx: Tx, req: t.ListSigningCertificatesRequest) -> t.ListSigningCertificatesResponse:
    owner, name, _ = owner_of(tx, req.get("UserName"))
    start = start_of(req)
    rows = tx.scan(SIGNING, owner, start=start and start[1:])
    return paged(req, "Certificates", rows, lambda key, certificate: _shown(name, str(key[1]), certificate))


def update_signing_certificate(tx: Tx, req: t.UpdateSigningCertificateRequest) -> dict[str, Any]:
    owner, certificate = _certificate(tx, req)
    status = req["Status"]
    if status not in ("Active", "Inactive"):
        raise Fault("InvalidInput", f"Certificate status {status} can not be set.")
    tx.put(SIGNING, owner, req["CertificateId"], value=msgspec.structs.replace(certificate, status=status))
    return {}


def delete_signing_certificate(tx: Tx, req: t.DeleteSigningCertificateRequest) -> dict[str, Any]:
    owner, _ = _certificate(tx, req)
    tx.delete(SIGNING, owner, req["CertificateId"])
    return {}


def _digest(tx: Tx, body: str) -> str:
    """What tells one certificate from another. Raises MalformedCertificate, and InvalidCertificate for one that is over."""
    try:
        parsed = load_pem_x509_certificate(body.strip().encode())
    except ValueError as error:
        raise Fault("MalformedCertificate", "Unable to parse certificate. Please ensure the certificate is in PEM format.") from error
    if parsed.not_valid_after_utc.timestamp() < tx.now:
        raise Fault("InvalidCertificate", "The certificate has expired.")
    return parsed.fingerprint(SHA256()).hex()


def _certificate(tx: Tx, req: Any) -> tuple[str, SigningCertificate]:
    owner, _, _ = owner_of(tx, req.get("UserName"))
    certificate = tx.get(SIGNING, owner, req["CertificateId"])
    if certificate is None:
        raise Fault("NoSuchEntity", f"The Certificate with id {req['CertificateId']} cannot be found.")
    return owner, certificate


def _shown(name: str, certificate_id: str, certificate: SigningCertificate) -> Any:
    return {
        "UserName": name,
        "CertificateId": certificate_id,
        "CertificateBody": certificate.body,
        "Status": certificate.status,
        "UploadDate": certificate.created,
    }
