"""Secrets that two sides come to share: by elliptic curves, or by ML-KEM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Fault, Tx
from windtunnel.planes.crypto import keys
from windtunnel.services.kms.rules import invalid
from windtunnel.services.kms.state import material_of
from windtunnel.services.kms.uses import no_enclave, remember, use

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t


def derive_shared_secret(tx: Tx, req: t.DeriveSharedSecretRequest) -> t.DeriveSharedSecretResponse:
    no_enclave(req)
    algorithm = req["KeyAgreementAlgorithm"]
    found = use(tx, req, "DeriveSharedSecret", "KEY_AGREEMENT", ("KeyAgreementAlgorithm", algorithm))
    try:
        secret = keys.agree(material_of(found).secret, req["PublicKey"])
    except ValueError as error:
        raise invalid("") from error
    remember(found, req, "DeriveSharedSecret")
    return {"KeyId": found.arn, "SharedSecret": secret, "KeyAgreementAlgorithm": algorithm, "KeyOrigin": found.key.origin}  # pyright: ignore[reportReturnType]


def encapsulate(tx: Tx, req: t.EncapsulateRequest) -> t.EncapsulateResponse:
    algorithm = req["EncapsulationAlgorithm"]
    found = use(tx, req, "Encapsulate", "ENCAPSULATE_DECAPSULATE", ("EncapsulationAlgorithm", algorithm))
    secret, sealed = keys.encapsulate(material_of(found).secret)
    remember(found, req, "Encapsulate")
    return {"KeyId": found.arn, "SharedSecret": secret, "SharedSecretCiphertextBlob": sealed, "EncapsulationAlgorithm": algorithm}


def decapsulate(tx: Tx, req: t.DecapsulateRequest) -> t.DecapsulateResponse:
    algorithm = req["EncapsulationAlgorithm"]
    found = use(tx, req, "Decapsulate", "ENCAPSULATE_DECAPSULATE", ("EncapsulationAlgorithm", algorithm))
    try:
        secret = keys.decapsulate(material_of(found).secret, req["SharedSecretCiphertextBlob"])
    except ValueError as error:
        raise Fault("InvalidCiphertextException") from error
    remember(found, req, "Decapsulate")
    return {"KeyId": found.arn, "SharedSecret": secret, "EncapsulationAlgorithm": algorithm}
