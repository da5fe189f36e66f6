"""Values of secure strings: KMS encrypts standard ones itself, and makes a data key for advanced ones, in the name of whoever writes.

https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec

from windtunnel.fabric import Fault
from windtunnel.fabric.data_keys import in_words_of
from windtunnel.planes.crypto import sealing
from windtunnel.services.ssm.parameters.rules import ADVANCED, SECURE
from windtunnel.services.ssm.parameters.state import Found, Version

MANAGED = "alias/aws/ssm"
_NO_MATERIAL = "00" * 32
_CODES = {
    "AccessDeniedException": "AccessDeniedException",
    **dict.fromkeys(("DisabledException", "InvalidKeyUsageException", "KMSInvalidStateException", "NotFoundException"), "InvalidKeyId"),
}


def _asked(found: Found, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """What KMS answers. Raises its refusals in the words of Systems Manager."""
    try:
        return found.tx.call("kms", operation, {**request, "EncryptionContext": {"PARAMETER_ARN": found.arn}})
    except Fault as fault:
        raise in_words_of(fault, _CODES) from fault


def sealed(found: Found, version: Version, value: str) -> Version:
    """A version with its value, encrypted where it is to be."""
    plain = value.encode("utf-8", "surrogatepass")
    if version.type != SECURE:
        return msgspec.structs.replace(version, value=value)
    if version.tier != ADVANCED:
        return msgspec.structs.replace(
            version, sealed=_asked(found, "encrypt", {"KeyId": version.kms, "Plaintext": plain})["CiphertextBlob"]
        )
    made = _asked(found, "generate_data_key", {"KeyId": version.kms, "KeySpec": "AES_256"})
    hidden = sealing.seal(made["Plaintext"], found.arn, _NO_MATERIAL, found.tx.ids.bytes(sealing.NONCE_BYTES), plain, {})
    return msgspec.structs.replace(version, sealed=hidden, data_key=made["CiphertextBlob"])


def value_of(found: Found, version: Version, *, decrypt: bool) -> str:
    """A version's value: a secure string's only for who may decrypt it, and else what it is encrypted as."""
    if version.type != SECURE:
        return version.value
    if not decrypt:
        return b64encode(version.data_key + version.sealed).decode()
    plain = _asked(found, "decrypt", {"CiphertextBlob": version.data_key or version.sealed})["Plaintext"]
    if version.data_key:
        plain = sealing.unseal(plain, sealing.opened(version.sealed), {})
    return plain.decode("utf-8", "surrogatepass")
