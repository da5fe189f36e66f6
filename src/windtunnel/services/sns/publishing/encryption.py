"""Topics under a KMS key: who publishes must be let by the key, and the key must be there.

https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html
"""

from __future__ import annotations

from windtunnel.fabric import Fault
from windtunnel.fabric.data_keys import ask_to_encrypt, in_words_of
from windtunnel.services.sns.state import Found

KEY = "KmsMasterKeyId"
REUSE_SECONDS = 300.0
_CODES = {
    "AccessDeniedException": "KMSAccessDenied",
    "DisabledException": "KMSDisabled",
    "InvalidArnException": "KMSNotFound",
    "InvalidKeyUsageException": "KMSInvalidState",
    "KMSInvalidStateException": "KMSInvalidState",
    "NotFoundException": "KMSNotFound",
}


def check_publish(found: Found) -> None:
    """Raises where a topic's key doesn't let the caller encrypt."""
    key = found.topic.texts.get(KEY)
    if key:
        try:
            ask_to_encrypt(found.tx, found.arn, key, {"aws:sns:topicArn": found.arn}, REUSE_SECONDS)
        except Fault as fault:
            raise in_words_of(fault, _CODES) from fault
