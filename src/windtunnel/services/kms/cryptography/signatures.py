"""Signatures, message authentication codes, and public keys to check signatures with elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.planes.crypto import signing
from windtunnel.planes.crypto.keys import MAC_BYTES, public_bytes
from windtunnel.services.kms.places import used_key
from windtunnel.services.kms.rules import MEMBERS, SPECS, SYMMETRIC, invalid, unsupported
from windtunnel.services.kms.state import Found, check_state, material_of
from windtunnel.services.kms.uses import remember, use

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t


def sign(tx: Tx, req: t.SignRequest) -> t.SignResponse:
    found, digest = _signer(tx, req, "Sign")
    signature = signing.sign(material_of(found).secret, req["SigningAlgorithm"], req["Message"], digest=digest)
    remember(found, req, "Sign")
    return {"KeyId": found.arn, "Signature": signature, "SigningAlgorithm": req["SigningAlgorithm"]}


def verify(tx: Tx, req: t.VerifyRequest) -> t.VerifyResponse:
    found, digest = _signer(tx, req, "Verify")
    if not signing.verify(material_of(found).secret, req["SigningAlgorithm"], req["Message"], req["Signature"], digest=digest):
        raise Fault("KMSInvalidSignatureException")
    remember(found, req, "Verify")
    return {"KeyId": found.arn, "SignatureValid": True, "SigningAlgorithm": req["SigningAlgorithm"]}


def _signer(tx: Tx, req: Mapping[str, Any], operation: str) -> tuple[Found, bool]:
    """The pair that signs, and whether the message is what stands for one."""
    algorithm, kind = req["SigningAlgorithm"], req.get("MessageType", "RAW")
    found = use(tx, req, operation, "SIGN_VERIFY", ("SigningAlgorithm", algorithm))
    standing = "EXTERNAL_MU" if algorithm.startswith("ML_DSA") else "DIGEST"
    expected = signing.digest_bytes(algorithm)
    if (kind == "RAW" and algorithm == signing.PREHASHED) or (kind != "RAW" and (kind != standing or not expected)):
        raise invalid(f"MessageType {kind} is not supported for algorithm {algorithm}.")
    if kind != "RAW" and len(req["Message"]) != expected:
        raise invalid(f"Digest is invalid length for algorithm {algorithm}.")
    return found, kind != "RAW"


def get_public_key(tx: Tx, req: t.GetPublicKeyRequest) -> t.GetPublicKeyResponse:
    found = used_key(tx, req, "GetPublicKey")
    key = found.key
    if key.spec == SYMMETRIC or key.spec in MAC_BYTES:
        raise unsupported(f"{found.arn} key spec is {key.spec} which is not valid for GetPublicKey.")
    check_state(found)
    return {
        "KeyId": found.arn,
        "PublicKey": public_bytes(material_of(found).secret),
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "KeyUsage": key.usage,
        MEMBERS[key.usage]: SPECS[key.spec][key.usage],
    }  # pyright: ignore[reportReturnType]


def generate_mac(tx: Tx, req: t.GenerateMacRequest) -> t.GenerateMacResponse:
    found, mac = _mac(tx, req, "GenerateMac")
    remember(found, req, "GenerateMac")
    return {"Mac": mac, "MacAlgorithm": req["MacAlgorithm"], "KeyId": found.arn}


def verify_mac(tx: Tx, req: t.VerifyMacRequest) -> t.VerifyMacResponse:
    found, mac = _mac(tx, req, "VerifyMac")
    if not signing.same(mac, req["Mac"]):
        raise Fault("KMSInvalidMacException")
    remember(found, req, "VerifyMac")
    return {"KeyId": found.arn, "MacValid": True, "MacAlgorithm": req["MacAlgorithm"]}


def _mac(tx: Tx, req: Mapping[str, Any], operation: str) -> tuple[Found, bytes]:
    algorithm = req["MacAlgorithm"]
    found = use(tx, req, operation, "GENERATE_VERIFY_MAC", ("MacAlgorithm", algorithm))
    return found, signing.mac(material_of(found).secret, algorithm, req["Message"])
