"""The key that a table is encrypted with: DynamoDB's own, the account's for DynamoDB, or one that the user names.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/EncryptionAtRest.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import WRONG
from windtunnel.fabric import Fault, Tx

ALIAS = "alias/aws/dynamodb"


def key_of(tx: Tx, given: Mapping[str, Any] | None) -> str:
    """The ARN of the KMS key of an SSESpecification; "" for DynamoDB's own."""
    if given is None:
        return ""
    key = given.get("KMSMasterKeyId")
    if not given.get("Enabled"):
        for member in ("SSEType", "KMSMasterKeyId"):
            if given.get(member):
                raise invalid(f"{WRONG}{member} can not be specified if Enabled is false")
        return ""
    if given.get("SSEType") == "AES256":
        raise invalid(f"{WRONG}SSEType AES256 is not supported")
    try:
        return tx.call("kms", "describe_key", {"KeyId": key or ALIAS})["KeyMetadata"]["Arn"]
    except Fault as fault:
        raise invalid(
            f"KMS validation error: com.amazonaws.services.kms.model.{fault.code}: {fault.message} "
            f"(Service: AWSKMS; Status Code: 400; Error Code: {fault.code}; Request ID: {tx.new_id()}; Proxy: null)"
        ) from fault
