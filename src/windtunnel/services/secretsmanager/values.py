"""Values of versions: encrypted with a data key that KMS makes for each, in the name of whoever writes, and opened for whoever reads.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Fault
from windtunnel.planes.crypto import sealing
from windtunnel.services.secretsmanager.rules import CURRENT, DAY_SECONDS, PENDING, PREVIOUS, VERSIONS_MAX, refused
from windtunnel.services.secretsmanager.state import VERSIONS, Found, Version, labels_of

MANAGED = "alias/aws/secretsmanager"
_NO_MATERIAL = "00" * 32
_ENCRYPTION = (
    "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled,"
    " and not in an invalid state."
)
_DECRYPTION = "Secrets Manager can't decrypt the protected secret text using the provided KMS key."
Value = tuple[bytes, bool]


def _context(found: Found, version_id: str) -> dict[str, str]:
    return {"SecretARN": found.arn, "SecretVersionId": version_id}


def _asked(found: Found, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """What KMS answers. Raises its refusals in the words of Secrets Manager."""
    try:
        return found.tx.call("kms", operation, request)
    except Fault as fault:
        if fault.code == "AccessDeniedException":
            raise Fault("AccessDeniedException", "Access to KMS is not allowed") from fault
        if operation == "decrypt":
            raise Fault("DecryptionFailure", _DECRYPTION) from fault
        raise Fault("EncryptionFailure", _ENCRYPTION) from fault


def sealed(found: Found, version_id: str, number: int, value: Value) -> Version:
    """A version with a value."""
    tx, (plain, binary) = found.tx, value
    request = {"KeyId": found.secret.kms or MANAGED, "KeySpec": "AES_256", "EncryptionContext": _context(found, version_id)}
    made = _asked(found, "generate_data_key", request)
    hidden = sealing.seal(made["Plaintext"], found.arn, _NO_MATERIAL, tx.ids.bytes(sealing.NONCE_BYTES), plain, {})
    return Version(number, tx.now, binary, hidden, made["CiphertextBlob"], found.secret.kms)


def opened(found: Found, version_id: str, version: Version) -> Value:
    """A version's value."""
    request = {"CiphertextBlob": version.data_key, "EncryptionContext": _context(found, version_id)}
    key = _asked(found, "decrypt", request)["Plaintext"]
    return sealing.unseal(key, sealing.opened(version.value), {}), version.binary


def add_version(found: Found, version_id: str, value: Value | None, labels: list[str]) -> Found:
    """A new version, or the value of one that waits for it; its labels leave the versions that they were on."""
    secret, kept = found.secret, found.tx.get(VERSIONS, found.secret.id, version_id)
    number = kept.number if kept is not None else secret.numbers + 1
    version = Version(number, found.tx.now) if value is None else sealed(found, version_id, number, value)
    found.tx.put(VERSIONS, secret.id, version_id, value=version)
    found = found.put(numbers=max(secret.numbers, number), changed=found.tx.now)
    for label in labels:
        found = moved(found, label, version_id)
    _forget_deprecated(found)
    return found


def moved(found: Found, label: str, version_id: str) -> Found:
    """A label on another version. The version that was the current one becomes the previous one, and is no longer pending."""
    stages = dict(found.secret.stages)
    before = stages.get(label)
    stages[label] = version_id
    if label == CURRENT and before not in (None, version_id):
        stages[PREVIOUS] = before
        if stages.get(PENDING) == before:
            del stages[PENDING]
    if stages.get(PREVIOUS) == version_id and label == CURRENT:
        del stages[PREVIOUS]
    return found.put(stages=stages, changed=found.tx.now)


def _forget_deprecated(found: Found) -> None:
    if found.secret.numbers <= VERSIONS_MAX:
        return
    rows = list(found.tx.find(VERSIONS, "order", found.secret.id))
    for key, _ in rows[: max(len(rows) - VERSIONS_MAX, 0)]:
        if not labels_of(found.secret, str(key[1])):
            found.tx.delete(VERSIONS, *key)


def check_same(found: Found, version_id: str, value: Value | None) -> bool:
    """Whether a version is there already with this very value, for who asks twice. Raises where it has another."""
    version = found.tx.get(VERSIONS, found.secret.id, version_id)
    if version is None or not version.data_key:
        return False
    if value is None or opened(found, version_id, version) != value:
        raise Fault(
            "ResourceExistsException",
            f"You can't use ClientRequestToken {version_id} because that value is already in use for a version of secret {found.arn}.",
        )
    return True


def read(found: Found, version_id: str) -> tuple[Found, Version, Value]:
    """A version that is read today. Raises where it has no value."""
    version = found.tx.get(VERSIONS, found.secret.id, version_id)
    assert version is not None, "a version that a label or a request names"
    if not version.data_key:
        raise refused("Secrets Manager can't find the specified secret value for the version: it has no value yet.")
    today = found.tx.now // DAY_SECONDS * DAY_SECONDS
    if version.accessed != today:
        version = msgspec.structs.replace(version, accessed=today)
        found.tx.put(VERSIONS, found.secret.id, version_id, value=version)
    if found.secret.accessed != today:
        found = found.put(accessed=today)
    return found, version, opened(found, version_id, version)
