"""Queues under a KMS key: who sends or receives must be let by the key, and the key must be there.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html
"""

from __future__ import annotations

from windtunnel.fabric import Fault
from windtunnel.fabric.data_keys import ask_to_decrypt, ask_to_encrypt, in_words_of
from windtunnel.services.sqs.state import Found, arn_of

KEY = "KmsMasterKeyId"
REUSE = "KmsDataKeyReusePeriodSeconds"
REUSE_SECONDS_DEFAULT = "300"
_CODES = {
    "AccessDeniedException": "KmsAccessDenied",
    "DisabledException": "KmsDisabled",
    "InvalidArnException": "KmsNotFound",
    "InvalidKeyUsageException": "KmsInvalidKeyUsage",
    "KMSInvalidStateException": "KmsInvalidState",
    "NotFoundException": "KmsNotFound",
}


def check_send(found: Found) -> None:
    """Raises where a queue's key doesn't let the caller encrypt."""
    texts = found.queue.texts
    if KEY in texts:
        arn, context, seconds = _terms(found)
        try:
            ask_to_encrypt(found.tx, arn, texts[KEY], context, seconds)
        except Fault as fault:
            raise in_words_of(fault, _CODES) from fault


def check_receive(found: Found) -> None:
    """Raises where a queue's key doesn't let the caller decrypt."""
    if KEY in found.queue.texts:
        try:
            ask_to_decrypt(found.tx, *_terms(found))
        except Fault as fault:
            raise in_words_of(fault, _CODES) from fault


def _terms(found: Found) -> tuple[str, dict[str, str], float]:
    """A queue's ARN, the encryption context of its data keys, and how long one is used."""
    arn = arn_of(found.tx.region, found.tx.account, found.name)
    return arn, {"aws:sqs:arn": arn}, float(found.queue.texts.get(REUSE, REUSE_SECONDS_DEFAULT))
