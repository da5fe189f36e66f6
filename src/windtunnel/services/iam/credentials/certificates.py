"""Server certificates: what load balancers and distributions show to their clients.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_server-certs.html
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import Certificate as Parsed
from cryptography.x509 import load_pem_x509_certificate, load_pem_x509_certificates

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags, tag_list, tags_of
from windtunnel.services.iam.entities import free, list_tags, listed, tag, tagged, untag
from windtunnel.services.iam.rules import CERTIFICATES_MAX, checked_tags, moment, new_id
from windtunnel.services.iam.state import CERTIFICATES, Certificate, arn_of

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t

CHAIN_BROKEN = (
    "Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, followed by any "
    "intermediaries in order. The index within the chain of the invalid certificate is: {}"
)


def upload_server_certificate(tx: Tx, req: t.UploadServerCertificateRequest) -> t.UploadServerCertificateResponse:
    """The private key must be the certificate's; it isn't kept, since nobody can ask for it."""
    name, body, chain = req["ServerCertificateName"], req["CertificateBody"].strip(), req.get("CertificateChain", "").strip()
    _free(tx, name)
    tags = checked_tags(req.get("Tags", []))  # pyright: ignore[reportArgumentType]
    parsed = _parsed(body)
    if parsed.not_valid_after_utc.timestamp() < tx.now:
        raise Fault("MalformedCertificate", "The certificate has expired.")
    _check_key(parsed, req["PrivateKey"])
    _check_chain(parsed, chain)
    if tx.count(CERTIFICATES, "all") >= CERTIFICATES_MAX:
        raise Fault("LimitExceeded", f"Cannot exceed quota for ServerCertificatesPerAccount: {CERTIFICATES_MAX}")
    certificate = Certificate(
        id=new_id(tx, "ASCA"),
        name=name,
        path=req.get("Path", "/"),
        created=moment(tx.now),
        expires=parsed.not_valid_after_utc.timestamp(),
        body=body,
        chain=chain,
    )
    tx.put(CERTIFICATES, name.lower(), value=certificate)
    set_tags(tx, arn_of(tx, certificate), tags)
    return {"ServerCertificateMetadata": _shown(tx, certificate), **tagged(tx, arn_of(tx, certificate))}  # pyright: ignore[reportReturnType]


def get_server_certificate(tx: Tx, req: t.GetServerCertificateRequest) -> t.GetServerCertificateResponse:
    certificate = _named(tx, req["ServerCertificateName"])
    shown: t.ServerCertificate = {
        "ServerCertificateMetadata": _shown(tx, certificate),
        "CertificateBody": certificate.body,
        "Tags": tag_list(tags_of(tx, arn_of(tx, certificate))),  # pyright: ignore[reportAssignmentType]
    }
    if certificate.chain:
        shown["CertificateChain"] = certificate.chain
    return {"ServerCertificate": shown}


def list_server_certificates(tx: Tx, req: t.ListServerCertificatesRequest) -> t.ListServerCertificatesResponse:
    return listed(tx, req, "ServerCertificateMetadataList", CERTIFICATES, _shown)


def update_server_certificate(tx: Tx, req: t.UpdateServerCertificateRequest) -> dict[str, Any]:
    """A certificate gets another name or path; its tags go with it."""
    certificate = _named(tx, req["ServerCertificateName"])
    name = req.get("NewServerCertificateName", certificate.name)
    if name.lower() != certificate.name.lower():
        _free(tx, name)
    changed = msgspec.structs.replace(certificate, name=name, path=req.get("NewPath", certificate.path))
    tags = tags_of(tx, arn_of(tx, certificate))
    remove_all_tags(tx, arn_of(tx, certificate))
    set_tags(tx, arn_of(tx, changed), tags)
    tx.delete(CERTIFICATES, certificate.name.lower())
    tx.put(CERTIFICATES, name.lower(), value=changed)
    return {}


def delete_server_certificate(tx: Tx, req: t.DeleteServerCertificateRequest) -> dict[str, Any]:
    certificate = _named(tx, req["ServerCertificateName"])
    remove_all_tags(tx, arn_of(tx, certificate))
    tx.delete(CERTIFICATES, certificate.name.lower())
    return {}


def tag_server_certificate(tx: Tx, req: t.TagServerCertificateRequest) -> dict[str, Any]:
    return tag(tx, arn_of(tx, _named(tx, req["ServerCertificateName"])), req)


def untag_server_certificate(tx: Tx, req: t.UntagServerCertificateRequest) -> dict[str, Any]:
    return untag(tx, arn_of(tx, _named(tx, req["ServerCertificateName"])), req)


def list_server_certificate_tags(tx: Tx, req: t.ListServerCertificateTagsRequest) -> t.ListServerCertificateTagsResponse:
    return list_tags(tx, arn_of(tx, _named(tx, req["ServerCertificateName"])), req)


def _named(tx: Tx, name: str) -> Certificate:
    certificate = tx.get(CERTIFICATES, name.lower())
    if certificate is None or certificate.name != name:
        raise Fault("NoSuchEntity", f"The Server Certificate with name {name} cannot be found.")
    return certificate


def _free(tx: Tx, name: str) -> None:
    free(tx, CERTIFICATES, name, f"The Server Certificate with name {name} already exists.")


def _parsed(body: str) -> Parsed:
    try:
        return load_pem_x509_certificate(body.encode())
    except ValueError as error:
        raise Fault("MalformedCertificate", "Unable to parse certificate. Please ensure the certificate is in PEM format.") from error


def _check_key(parsed: Parsed, text: str) -> None:
    """Raises MalformedCertificate for what is no key without a password, KeyPairMismatch for another's."""
    try:
        key = load_pem_private_key(text.strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Fault("MalformedCertificate", "Private Key not in PEM format.") from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != parsed.public_key().public_bytes(*form):
        raise Fault("KeyPairMismatch", "The private key does not match the public key of the certificate.")


def _check_chain(parsed: Parsed, text: str) -> None:
    """Raises MalformedCertificate where a certificate isn't signed by the one after it."""
    if not text:
        return
    try:
        chain = load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise Fault("MalformedCertificate", CHAIN_BROKEN.format(-1)) from error
    for index, (signed, signer) in enumerate(pairwise([parsed, *chain]), start=-1):
        try:
            signed.verify_directly_issued_by(signer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise Fault("MalformedCertificate", CHAIN_BROKEN.format(index)) from error


def _shown(tx: Tx, certificate: Certificate) -> t.ServerCertificateMetadata:
    return {
        "Path": certificate.path,
        "ServerCertificateName": certificate.name,
        "ServerCertificateId": certificate.id,
        "Arn": arn_of(tx, certificate),
        "UploadDate": certificate.created,
        "Expiration": certificate.expires,
    }
