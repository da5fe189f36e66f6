"""Keys that AWS manages: made when a service first needs one, or when somebody first asks what its alias stands for.

https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
"""

from __future__ import annotations

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Tx
from windtunnel.services.kms.material.making import keep_first
from windtunnel.services.kms.rules import DAY_SECONDS, ROTATION_DAYS_DEFAULT, SYMMETRIC
from windtunnel.services.kms.state import ALIASES, Alias, Key

SERVICES = {
    "acm": ("ACM", "Default key that protects my ACM private keys when no other key is defined"),
    "backup": ("Backup", "Default key that protects my Backup data when no other key is defined"),
    "dynamodb": ("DynamoDB", "Default key that protects my DynamoDB data when no other key is defined"),
    "ebs": ("EBS", "Default key that protects my EBS volumes when no other key is defined"),
    "ecr": ("ECR", "Default key that protects my ECR data when no other key is defined"),
    "elasticfilesystem": ("EFS", "Default key that protects my EFS filesystems when no other key is defined"),
    "fsx": ("FSx", "Default key that protects my FSx resources when no other key is defined"),
    "kinesis": ("Kinesis", "Default key that protects my Kinesis data when no other key is defined"),
    "lambda": ("Lambda", "Default key that protects my Lambda functions when no other key is defined"),
    "rds": ("RDS", "Default key that protects my RDS database volumes when no other key is defined"),
    "s3": ("S3", "Default key that protects my S3 objects when no other key is defined"),
    "secretsmanager": ("Secrets Manager", "Default key that protects my Secrets Manager data when no other key is defined"),
    "ses": ("SES", "Default key that protects my SES data when no other key is defined"),
    "sns": ("SNS", "Default key that protects my SNS data when no other key is defined"),
    "sqs": ("SQS", "Default key that protects my SQS messages when no other key is defined"),
    "ssm": ("SSM", "Default key that protects my SSM parameters when no other key is defined"),
    "xray": ("XRay", "Default key that protects my XRay data when no other key is defined"),
}
"""By the service's part of the alias: its name in the key's policy, and the key's description."""
_PREFIX = "alias/aws/"
_USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"]
_SEE = ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"]


def target(tx: Tx, alias: str) -> str:
    """The id of the key behind the alias of a service, made where it isn't there yet; "" where AWS has no such alias."""
    service = alias.removeprefix(_PREFIX)
    if not alias.startswith(_PREFIX) or service not in SERVICES:
        return ""
    key_id = tx.new_id()
    shown, description = SERVICES[service]
    key = Key(
        tx.now,
        SYMMETRIC,
        "ENCRYPT_DECRYPT",
        description=description,
        policy=_policy(tx, service, shown),
        manager="AWS",
        period=ROTATION_DAYS_DEFAULT,
        rotates=tx.now + ROTATION_DAYS_DEFAULT * DAY_SECONDS,
    )
    keep_first(tx, key_id, key, tx.ids.bytes(32))
    tx.put(ALIASES, alias, value=Alias(key_id, tx.now, tx.now))
    tx.timer(key.rotates, "rotate", {"key": key_id}, name=key_id)
    return key_id


def _policy(tx: Tx, service: str, shown: str) -> str:
    """Everybody of the account may use it through the service, and see it by themselves."""
    via = {"StringEquals": {"kms:CallerAccount": tx.account, "kms:ViaService": f"{service}.{tx.region}.amazonaws.com"}}
    statements = [
        {
            "Sid": f"Allow access through {shown} for all principals in the account that are authorized to use {shown}",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": _USE,
            "Resource": "*",
            "Condition": via,
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{partition_of(tx.region)}:iam::{tx.account}:root"},
            "Action": _SEE,
            "Resource": "*",
        },
    ]
    return msgspec.json.encode({"Version": "2012-10-17", "Id": f"auto-{service}-1", "Statement": statements}).decode()
