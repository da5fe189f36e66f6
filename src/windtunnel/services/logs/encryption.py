"""Whether a KMS key is one that a log group can be under: it is there, it is on, and it lets CloudWatch Logs itself use it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
"""

from __future__ import annotations

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.scope import service_principal
from windtunnel.services.logs.rules import invalid

_NOT_FOR_LOGS = frozenset({"AccessDeniedException", "InvalidArnException", "NotFoundException"})


def check_key(tx: Tx, group: str, key: str) -> None:
    """Has KMS make a data key for a group, by its ARN, in the name of CloudWatch Logs."""
    request = {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": {"aws:logs:arn": group}}
    own = tx.acting_as(service_principal(f"logs.{tx.region}.amazonaws.com", tx.account), group)
    try:
        own.call("kms", "generate_data_key_without_plaintext", request)
    except Fault as fault:
        if fault.code in _NOT_FOR_LOGS:
            message = f"The specified KMS key does not exist or is not allowed to be used with Arn '{group}'"
            raise Fault("AccessDeniedException", message) from fault
        raise invalid(fault.message) from fault
