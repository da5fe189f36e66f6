"""Functions whose variables are under a KMS key of the account's own: Lambda grants it to the function's role, and needs it at each start.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
"""

from __future__ import annotations

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.scope import session_of
from windtunnel.services.lambda_.places import Found
from windtunnel.services.lambda_.rules import arn_of, invalid
from windtunnel.services.lambda_.state import Version

_FUNCTION = "aws:lambda:FunctionArn"
_WHY = {
    "AccessDeniedException": ("KMSAccessDeniedException", "KMS access was denied"),
    "DisabledException": ("KMSDisabledException", "the KMS key used is disabled"),
    "KMSInvalidStateException": ("KMSInvalidStateException", "the state of the KMS key used is not valid for Decrypt"),
    "NotFoundException": ("KMSNotFoundException", "the KMS key was not found"),
}


def with_data_key(tx: Tx, name: str, version: Version) -> Version:
    """A version with a data key under its KMS key. Raises InvalidParameterValueException where the key can't be used or granted."""
    if not version.kms:
        return msgspec.structs.replace(version, data_key=b"") if version.data_key else version
    context = _context(tx, name)
    grant = {
        "KeyId": version.kms,
        "GranteePrincipal": version.role,
        "Operations": ["Decrypt", "RetireGrant"],
        "Constraints": {"EncryptionContextEquals": context},
        "Name": context[_FUNCTION],
    }
    request = {"KeyId": version.kms, "KeySpec": "AES_256", "EncryptionContext": context}
    try:
        tx.call("kms", "create_grant", grant)
        made = tx.call("kms", "generate_data_key_without_plaintext", request)
    except Fault as fault:
        raise invalid(
            "Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant. "
            f"Please check your KMS key settings. KMS Exception: {fault.code} KMS Message: {fault.message}"
        ) from fault
    return msgspec.structs.replace(version, data_key=made["CiphertextBlob"])


def _context(tx: Tx, name: str) -> dict[str, str]:
    return {_FUNCTION: arn_of(tx.region, tx.account, name)}


def open_data_key(tx: Tx, found: Found) -> None:
    """Has the function's role open the data key, as a new sandbox needs it. Raises what Lambda says where it can't."""
    version = found.version
    role = tx.acting_as(session_of(version.role, tx.account, found.name))
    try:
        role.call(
            "kms", "decrypt", {"CiphertextBlob": version.data_key, "KeyId": version.kms, "EncryptionContext": _context(tx, found.name)}
        )
    except Fault as fault:
        code, why = _WHY.get(fault.code, _WHY["AccessDeniedException"])
        message = (
            f"Lambda was unable to decrypt the environment variables because {why}. Please check the function's KMS key settings. "
            f"KMS Exception: {fault.code}KMS Message: {fault.message}"
        )
        raise Fault(code, message, Type="User") from fault
