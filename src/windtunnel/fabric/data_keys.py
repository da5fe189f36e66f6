"""Data keys that services encrypt with for a while: KMS makes one for a resource, and is asked again when its time is over.

SQS and its like do so in the name of whoever calls them, and keep a data key for each caller. So a key that was disabled, or taken from
somebody, is missed only after that time: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.kernel.store import Table

if TYPE_CHECKING:
    from windtunnel.fabric.tx import Tx


class DataKey(msgspec.Struct, frozen=True, array_like=True):
    """A data key as KMS made it, under a KMS key; `blob` is left out where only its time counts."""

    until: float
    key: str
    blob: bytes = b""


DATA_KEYS = Table("fabric.data_keys", DataKey, scope="global", hot=True)
"""(ARN of a resource, "encrypt" | "decrypt" | "last", who) -> DataKey"""


def ask_to_encrypt(tx: Tx, arn: str, key: str, context: Mapping[str, str], seconds: float) -> None:
    """Has a data key made for a resource and opened, unless the caller was given one less than `seconds` ago. Raises KMS's faults."""
    who = _who(tx)
    kept = tx.get(DATA_KEYS, arn, "encrypt", who)
    if kept is not None and kept.until > tx.now and kept.key == key:
        return
    made = tx.call("kms", "generate_data_key", {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": dict(context)})
    tx.call("kms", "decrypt", {"CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": dict(context)})
    tx.put(DATA_KEYS, arn, "encrypt", who, value=DataKey(tx.now + seconds, key))
    tx.put(DATA_KEYS, arn, "last", "", value=DataKey(0.0, key, made["CiphertextBlob"]))


def ask_to_decrypt(tx: Tx, arn: str, context: Mapping[str, str], seconds: float) -> None:
    """Has the last data key of a resource opened, unless the caller had one of it less than `seconds` ago. Raises KMS's faults."""
    last, who = tx.get(DATA_KEYS, arn, "last", ""), _who(tx)
    if last is None:
        return
    for kind in ("decrypt", "encrypt"):
        kept = tx.get(DATA_KEYS, arn, kind, who)
        if kept is not None and kept.until > tx.now and kept.key == last.key:
            return
    tx.call("kms", "decrypt", {"CiphertextBlob": last.blob, "EncryptionContext": dict(context)})
    tx.put(DATA_KEYS, arn, "decrypt", who, value=DataKey(tx.now + seconds, last.key))


def forget_data_keys(tx: Tx, arn: str) -> None:
    """A resource is no more, nor are its data keys."""
    for key, _ in list(tx.scan(DATA_KEYS, arn)):
        tx.delete(DATA_KEYS, *key)


def _who(tx: Tx) -> str:
    """All sessions of a role are one caller."""
    principal = tx.scope.principal
    return principal.issuer or f"{principal.account} {principal.arn}"


def in_words_of(fault: Fault, codes: Mapping[str, str]) -> Fault:
    """A fault of KMS as the service says it that asked, by its `codes`; others are its own."""
    if fault.code not in codes:
        return fault
    message = f"{fault.message or 'null'} (Service: AWSKMS; Status Code: 400; Error Code: {fault.code}; Proxy: null)"
    return Fault(codes[fault.code], message)
