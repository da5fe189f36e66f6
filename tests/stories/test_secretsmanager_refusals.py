"""What Secrets Manager refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.kms_kit import arn as key_arn
from tests.stories.refusals import Case, filled, one_region, refusal, untold
from windtunnel.services.secretsmanager.rules import MARKED

NONE = "Secrets Manager can't find the specified secret."
TOKEN = "9" * 32
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
REPLICAS = [{"Region": "eu-west-1"}]
OF_A_SECRET: dict[str, dict[str, Any]] = {
    "cancel_rotate_secret": {},
    "delete_resource_policy": {},
    "delete_secret": {},
    "describe_secret": {},
    "get_resource_policy": {},
    "get_secret_value": {},
    "list_secret_version_ids": {},
    "put_resource_policy": {"ResourcePolicy": json.dumps(ALLOW)},
    "put_secret_value": {"SecretString": "s", "ClientRequestToken": TOKEN},
    "remove_regions_from_replication": {"RemoveReplicaRegions": ["eu-west-1"]},
    "replicate_secret_to_regions": {"AddReplicaRegions": REPLICAS},
    "restore_secret": {},
    "rotate_secret": {"ClientRequestToken": TOKEN},
    "stop_replication_to_replica": {},
    "tag_resource": {"Tags": [{"Key": "a", "Value": "b"}]},
    "untag_resource": {"TagKeys": ["a"]},
    "update_secret": {"SecretString": "s", "ClientRequestToken": TOKEN},
    "update_secret_version_stage": {"VersionStage": "X", "MoveToVersionId": "$version"},
    "validate_resource_policy": {"ResourcePolicy": json.dumps(ALLOW)},
}
"""Operations on a secret, and a valid request but for its name."""
UNMARKED = ("describe_secret", "get_resource_policy", "list_secret_version_ids", "restore_secret")
"""Those that take a secret whose deletion waits."""
BOTH = {"SecretString": "s", "SecretBinary": b"s", "ClientRequestToken": TOKEN}
TWO = "You can't specify both a binary secret value and a string secret value in the same secret."
REPLICA = "Operation not permitted on a replica secret. Call must be made in primary secret's region."
USED = "You can't use ClientRequestToken $version because that value is already in use for a version of secret $arn."
UNSEALED = "Secrets Manager can't decrypt the protected secret text using the provided KMS key."
SEALED = "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled,"
SEALED += " and not in an invalid state."
CASES: list[Case] = [
    *((name, {"SecretId": "none", **more}, "ResourceNotFoundException", NONE) for name, more in OF_A_SECRET.items()),
    *(
        (name, {"SecretId": "gone", **more}, "InvalidRequestException", MARKED)
        for name, more in OF_A_SECRET.items()
        if name not in UNMARKED
    ),
    *((name, {**named, **BOTH}, "InvalidParameterException", TWO) for name, named in (
        ("create_secret", {"Name": "new"}),
        ("put_secret_value", {"SecretId": "db"}),
        ("update_secret", {"SecretId": "db"}),
    )),
    ("create_secret", {"Name": "gone", "SecretString": "s", "ClientRequestToken": TOKEN}, "InvalidRequestException", (
        "You can't create this secret because a secret with this name is already scheduled for deletion."
    )),
    ("create_secret", {"Name": "db", "SecretString": "s", "ClientRequestToken": TOKEN}, "ResourceExistsException", (
        "The operation failed because the secret db already exists."
    )),
    ("create_secret", {"Name": "db", "SecretString": "other", "ClientRequestToken": "$version"}, "ResourceExistsException", USED),
    ("create_secret", {"Name": "new", "KmsKeyId": key_arn("none"), "SecretString": "s", "ClientRequestToken": TOKEN}, "EncryptionFailure", (
        SEALED
    )),
    ("create_secret", {"Name": "locked", "SecretString": "s", "ClientRequestToken": "$version"}, "DecryptionFailure", UNSEALED),
    *(
        (name, {"SecretId": "db", "SecretString": "other", "ClientRequestToken": "$version"}, "ResourceExistsException", USED)
        for name in ("put_secret_value", "update_secret")
    ),
    *(
        (name, {"SecretId": "locked", "SecretString": "s", "ClientRequestToken": TOKEN}, "EncryptionFailure", SEALED)
        for name in ("put_secret_value", "update_secret")
    ),
    *(
        (name, {"SecretId": "locked", "SecretString": "s", "ClientRequestToken": "$version"}, "DecryptionFailure", UNSEALED)
        for name in ("put_secret_value", "update_secret")
    ),
    ("get_secret_value", {"SecretId": "locked"}, "DecryptionFailure", UNSEALED),
    ("put_secret_value", {"SecretId": "db", "ClientRequestToken": TOKEN}, "InvalidRequestException", (
        "You must provide either SecretString or SecretBinary."
    )),
    ("get_secret_value", {"SecretId": "db", "VersionStage": "AWSPREVIOUS"}, "ResourceNotFoundException", (
        "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS"
    )),
    ("get_secret_value", {"SecretId": "db", "VersionId": TOKEN}, "ResourceNotFoundException", (
        f"Secrets Manager can't find the specified secret value for VersionId: {TOKEN}"
    )),
    ("get_secret_value", {"SecretId": "db", "VersionId": "$version", "VersionStage": "X"}, "InvalidRequestException", (
        "You provided a VersionStage that is not associated to the provided VersionId."
    )),
    ("batch_get_secret_value", {"SecretIdList": ["db"], "MaxResults": 1}, "InvalidParameterException", (
        "You can't use MaxResults with SecretIdList."
    )),
    *(
        (name, {**named, "NextToken": "x"}, "InvalidNextTokenException", "Invalid NextToken.")
        for name, named in (
            ("batch_get_secret_value", {"Filters": [{"Key": "name", "Values": ["d"]}]}),
            ("list_secret_version_ids", {"SecretId": "db"}),
            ("list_secrets", {}),
        )
    ),
    ("delete_secret", {"SecretId": "db", "RecoveryWindowInDays": 6}, "InvalidParameterException", (
        "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
    )),
    ("delete_secret", {"SecretId": "db", "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True}, "InvalidParameterException", (
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
    )),
    ("delete_secret", {"SecretId": "wide"}, "InvalidRequestException", (
        "You can't delete secret that still has replica regions. Remove the replicas first."
    )),
    ("get_random_password", {"ExcludeNumbers": True, "ExcludeLowercase": True, "ExcludeUppercase": True, "ExcludePunctuation": True}, (
        "InvalidParameterException"
    ), "The password can't be made of no characters."),
    ("put_resource_policy", {"SecretId": "db", "ResourcePolicy": "no"}, "MalformedPolicyDocumentException", (
        "This resource policy contains invalid JSON."
    )),
    ("validate_resource_policy", {"ResourcePolicy": "no"}, "MalformedPolicyDocumentException", (
        "This resource policy contains invalid JSON."
    )),
    ("put_resource_policy", {"SecretId": "db", "ResourcePolicy": json.dumps(ALLOW), "BlockPublicPolicy": True}, "PublicPolicyException", (
        "You can't attach this policy because it is public."
    )),
    ("remove_regions_from_replication", {"SecretId": "db", "RemoveReplicaRegions": ["eu-west-1"]}, "InvalidParameterException", (
        "The secret is not replicated to the specified region."
    )),
    ("replicate_secret_to_regions", {"SecretId": "db", "AddReplicaRegions": [{"Region": "us-east-1"}]}, "InvalidParameterException", (
        "Invalid replica region."
    )),
    ("stop_replication_to_replica", {"SecretId": "db"}, "InvalidRequestException", (
        "Operation not permitted on a primary secret. Call must be made in a replica's region."
    )),
    ("tag_resource", {"SecretId": "db", "Tags": [{"Key": str(number), "Value": ""} for number in range(51)]}, (
        "InvalidParameterException"
    ), "A secret can't have more than 50 tags."),
    ("rotate_secret", {"SecretId": "db"}, "InvalidParameterException", (
        "You must provide a ClientRequestToken value. We recommend a UUID-type value."
    )),
    ("cancel_rotate_secret", {"SecretId": "db"}, "InvalidRequestException", (
        "You tried to cancel a rotation for a secret that was never configured to rotate."
    )),
    ("update_secret_version_stage", {"SecretId": "db", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": "$version"}, (
        "InvalidParameterException"
    ), "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed."),
]  # fmt: skip
ELSEWHERE = {"update_secret_version_stage LimitExceededException": "test_secretsmanager_refusals.py::test_a_version_has_so_many_labels"}
NEVER = (
    "InternalServiceError",
    *("create_secret LimitExceededException", "put_secret_value LimitExceededException", "update_secret LimitExceededException"),
    *("PreconditionNotMetException", "create_secret MalformedPolicyDocumentException", "update_secret MalformedPolicyDocumentException"),
    # A batch tells what is wrong with each of its secrets, and is not refused for it.
    *(f"batch_get_secret_value {error}" for error in ("ResourceNotFoundException", "InvalidRequestException", "DecryptionFailure")),
    *("create_secret ResourceNotFoundException", "list_secrets InvalidRequestException", "list_secrets InvalidParameterException"),
    *("get_random_password InvalidRequestException", "restore_secret InvalidRequestException"),
    "get_resource_policy InvalidRequestException",
    # Wrong names are a ValidationException.
    *(
        f"{operation} InvalidParameterException"
        for operation in (
            *("cancel_rotate_secret", "delete_resource_policy", "describe_secret", "get_resource_policy", "get_secret_value"),
            *("list_secret_version_ids", "put_resource_policy", "restore_secret", "stop_replication_to_replica", "untag_resource"),
            "validate_resource_policy",
        )
    ),
)


here = one_region()


@pytest.fixture(scope="module")
def world(here: Here) -> dict[str, str]:
    """A secret, one whose deletion waits, one whose key is off, and one with a replica."""
    version, key = "1" * 32, here.kms.create_key()["KeyMetadata"]["KeyId"]
    made = here.secretsmanager.create_secret
    arn = made(Name="db", SecretString="s", ClientRequestToken=version)["ARN"]
    made(Name="gone", SecretString="s", ClientRequestToken=version)
    here.secretsmanager.delete_secret(SecretId="gone")
    made(Name="locked", SecretString="s", KmsKeyId=key, ClientRequestToken=version)
    here.kms.disable_key(KeyId=key)
    made(Name="wide", SecretString="s", AddReplicaRegions=REPLICAS, ClientRequestToken=version)
    return {"$version": version, "$arn": arn}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[2]}")
def test_what_is_refused(here: Here, world: dict[str, str], case: Case) -> None:
    operation, request, code, said = case
    for name, text in world.items():
        said = said.replace(name, text)
    assert refusal(getattr(here.secretsmanager, operation), **filled(request, world)) == (code, said)


def test_a_replica_is_changed_at_its_primary(here: Here, world: dict[str, str]) -> None:
    far = here.at(region="eu-west-1").secretsmanager
    for operation in ("put_secret_value", "rotate_secret", "update_secret_version_stage", "replicate_secret_to_regions"):
        request = filled({"SecretId": "wide", **OF_A_SECRET[operation]}, world)
        assert refusal(getattr(far, operation), **request) == ("InvalidRequestException", REPLICA)


def test_a_version_has_so_many_labels(here: Here, world: dict[str, str]) -> None:
    version = world["$version"]
    here.secretsmanager.create_secret(Name="labels", SecretString="s", ClientRequestToken=version)
    move = {"SecretId": "labels", "MoveToVersionId": version}
    for number in range(19):
        here.secretsmanager.update_secret_version_stage(**move, VersionStage=str(number))
    full = ("LimitExceededException", "A version can't have more than 20 staging labels.")
    assert refusal(here.secretsmanager.update_secret_version_stage, **move, VersionStage="more") == full


def test_every_error_that_aws_documents_has_a_story() -> None:
    assert untold("secretsmanager", CASES, ELSEWHERE, NEVER) == []
