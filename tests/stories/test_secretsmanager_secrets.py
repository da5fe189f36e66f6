"""Secrets: their values in versions, their labels, their end, and who may read them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.identity import fault
from tests.stories.kms_kit import DAY, OTHER, made, policy, root

MARKED = ("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
NONE = ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")


def token(number: int) -> str:
    return f"{number:032d}"


def _new(here: Here, name: str = "db", value: str | None = "one", number: int = 1, **more: Any) -> str:
    """The ARN of a new secret."""
    given = {} if value is None else {"SecretString": value}
    return here.secretsmanager.create_secret(Name=name, ClientRequestToken=token(number), **given, **more)["ARN"]


def _put(here: Here, value: str, number: int, *labels: str) -> None:
    stages = {"VersionStages": list(labels)} if labels else {}
    here.secretsmanager.put_secret_value(SecretId="db", SecretString=value, ClientRequestToken=token(number), **stages)


def _stages(here: Here) -> dict[str, list[str]]:
    return here.secretsmanager.describe_secret(SecretId="db").get("VersionIdsToStages", {})


def test_a_secret_is_read_by_its_name_and_its_arn(here: Here) -> None:
    arn = _new(here, Description="of the shop", Tags=[{"Key": "team", "Value": "blue"}])
    assert arn.startswith(f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:db-")
    read = {"ARN": arn, "Name": "db", "VersionId": token(1), "SecretString": "one", "VersionStages": ["AWSCURRENT"], "CreatedDate": BEGIN}
    for name in ("db", arn, arn[: -len("-123456")]):
        assert here.secretsmanager.get_secret_value(SecretId=name) == read
    assert fault(here.secretsmanager.get_secret_value, SecretId=f"{arn[:-6]}AAAAAA") == NONE
    assert here.secretsmanager.describe_secret(SecretId="db") == {
        "ARN": arn,
        "Name": "db",
        "Description": "of the shop",
        "CreatedDate": BEGIN,
        "LastChangedDate": BEGIN,
        "LastAccessedDate": BEGIN,
        "Tags": [{"Key": "team", "Value": "blue"}],
        "VersionIdsToStages": {token(1): ["AWSCURRENT"]},
    }
    binary = here.secretsmanager.create_secret(Name="b", SecretBinary=b"\x00\xff", ClientRequestToken=token(2))
    assert here.secretsmanager.get_secret_value(SecretId=binary["ARN"])["SecretBinary"] == b"\x00\xff"


def test_a_new_value_is_current_and_the_one_before_is_the_previous_one(here: Here) -> None:
    _new(here)
    _put(here, "two", 2)
    assert _stages(here) == {token(1): ["AWSPREVIOUS"], token(2): ["AWSCURRENT"]}
    updated = here.secretsmanager.update_secret(SecretId="db", SecretString="three", ClientRequestToken=token(3))
    assert updated["VersionId"] == token(3)
    assert _stages(here) == {token(2): ["AWSPREVIOUS"], token(3): ["AWSCURRENT"]}
    previous = here.secretsmanager.get_secret_value(SecretId="db", VersionStage="AWSPREVIOUS")
    assert (previous["SecretString"], previous["VersionId"]) == ("two", token(2))
    assert here.secretsmanager.get_secret_value(SecretId="db", VersionId=token(1))["SecretString"] == "one"
    listed = here.secretsmanager.list_secret_version_ids(SecretId="db")["Versions"]
    assert [each["VersionId"] for each in listed] == [token(2), token(3)]
    page = here.secretsmanager.list_secret_version_ids(SecretId="db", IncludeDeprecated=True, MaxResults=2)
    rest = here.secretsmanager.list_secret_version_ids(SecretId="db", IncludeDeprecated=True, NextToken=page["NextToken"])
    assert [each["VersionId"] for each in page["Versions"] + rest["Versions"]] == [token(1), token(2), token(3)]
    assert page["Versions"][0] == {
        "VersionId": token(1),
        "CreatedDate": BEGIN,
        "LastAccessedDate": BEGIN,
        "KmsKeyIds": ["DefaultEncryptionKey"],
    }


def test_the_same_request_once_more_changes_nothing(here: Here) -> None:
    arn = _new(here)
    assert _new(here) == arn
    exists = ("ResourceExistsException", "The operation failed because the secret db already exists.")
    assert fault(_new, here=here, number=2) == exists
    _put(here, "two", 2)
    _put(here, "two", 2)
    used = f"You can't use ClientRequestToken {token(2)} because that value is already in use for a version of secret {arn}."
    assert fault(_put, here=here, value="three", number=2) == ("ResourceExistsException", used)
    assert len(here.secretsmanager.list_secret_version_ids(SecretId="db", IncludeDeprecated=True)["Versions"]) == 2


def test_labels_go_from_version_to_version(here: Here) -> None:
    _new(here)
    _put(here, "two", 2, "AWSPENDING", "BLUE")
    assert _stages(here) == {token(1): ["AWSCURRENT"], token(2): ["AWSPENDING", "BLUE"]}
    move = {"SecretId": "db", "VersionStage": "AWSCURRENT", "MoveToVersionId": token(2)}
    code, said = fault(here.secretsmanager.update_secret_version_stage, **move)
    assert (code, f"attached to version {token(1)}, so you must" in said) == ("InvalidParameterException", True)
    here.secretsmanager.update_secret_version_stage(**move, RemoveFromVersionId=token(1))
    assert _stages(here) == {token(1): ["AWSPREVIOUS"], token(2): ["AWSCURRENT", "AWSPENDING", "BLUE"]}
    here.secretsmanager.update_secret_version_stage(SecretId="db", VersionStage="BLUE", RemoveFromVersionId=token(2))
    here.secretsmanager.update_secret_version_stage(SecretId="db", VersionStage="GREEN", MoveToVersionId=token(1))
    assert _stages(here) == {token(1): ["AWSPREVIOUS", "GREEN"], token(2): ["AWSCURRENT", "AWSPENDING"]}
    wrong = here.secretsmanager.update_secret_version_stage
    assert fault(wrong, SecretId="db", VersionStage="GREEN", RemoveFromVersionId=token(2))[0] == "InvalidParameterException"
    assert fault(wrong, SecretId="db", VersionStage="AWSCURRENT", RemoveFromVersionId=token(2))[0] == "InvalidParameterException"
    assert fault(wrong, SecretId="db", VersionStage="X", MoveToVersionId=token(9))[0] == "ResourceNotFoundException"


def test_a_secret_keeps_a_hundred_versions(here: Here) -> None:
    _new(here, number=0)
    for number in range(1, 103):
        _put(here, "v", number)
    listed = here.secretsmanager.list_secret_version_ids(SecretId="db", IncludeDeprecated=True)["Versions"]
    assert (len(listed), listed[0]["VersionId"]) == (100, token(3))


def test_a_secret_can_be_had_back_until_its_window_ends(here: Here) -> None:
    arn = _new(here)
    deleted = here.secretsmanager.delete_secret(SecretId="db", RecoveryWindowInDays=7)
    assert deleted == {"ARN": arn, "Name": "db", "DeletionDate": BEGIN + 7 * DAY}
    assert here.secretsmanager.describe_secret(SecretId="db")["DeletedDate"] == BEGIN
    assert here.secretsmanager.list_secrets()["SecretList"] == []
    assert len(here.secretsmanager.list_secrets(IncludePlannedDeletion=True)["SecretList"]) == 1
    assert fault(here.secretsmanager.get_secret_value, SecretId="db") == MARKED
    assert fault(here.secretsmanager.tag_resource, SecretId="db", Tags=[{"Key": "a", "Value": "b"}]) == MARKED
    scheduled = "You can't create this secret because a secret with this name is already scheduled for deletion."
    assert fault(_new, here=here) == ("InvalidRequestException", scheduled)
    assert here.secretsmanager.restore_secret(SecretId="db") == {"ARN": arn, "Name": "db"}
    here.jump(8 * DAY)
    assert here.secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "one"
    here.secretsmanager.delete_secret(SecretId="db")
    here.jump(30 * DAY)
    assert fault(here.secretsmanager.describe_secret, SecretId="db") == NONE


def test_a_secret_that_goes_at_once_makes_room_for_another(here: Here) -> None:
    arn = _new(here)
    here.secretsmanager.delete_secret(SecretId="db", RecoveryWindowInDays=7)
    gone = here.secretsmanager.delete_secret(SecretId="db", ForceDeleteWithoutRecovery=True)
    assert gone["DeletionDate"] == BEGIN
    assert _new(here) != arn
    here.jump(8 * DAY)
    assert here.secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "one"
    assert fault(here.secretsmanager.get_secret_value, SecretId=arn) == NONE


def test_secrets_are_listed_in_order_and_by_filters(here: Here) -> None:
    for number, (name, description) in enumerate({"b/one": "a secret", "a/two": "an secret", "c": "asecret"}.items(), 1):
        here.jump(1)
        _new(here, name, number=number, Description=description, Tags=[{"Key": f"k{number}", "Value": f"v{number}"}])

    def names(**request: Any) -> list[str]:
        found: list[str] = []
        while True:
            page = here.secretsmanager.list_secrets(MaxResults=1, **request)
            found += [each["Name"] for each in page["SecretList"]]
            if "NextToken" not in page:
                return found
            request["NextToken"] = page["NextToken"]

    def filtered(key: str, *values: str) -> list[str]:
        return sorted(names(Filters=[{"Key": key, "Values": list(values)}]))

    assert names() == ["c", "a/two", "b/one"]
    assert names(SortOrder="asc") == ["b/one", "a/two", "c"]
    assert names(SortBy="name", SortOrder="asc") == ["a/two", "b/one", "c"]
    here.jump(1)
    here.secretsmanager.update_secret(SecretId="b/one", Description="a secret", ClientRequestToken=token(9))
    assert names(SortBy="last-changed-date") == ["b/one", "c", "a/two"]
    assert filtered("name", "a/", "c") == ["a/two", "c"]
    assert filtered("name", "!a/") == ["b/one", "c"]
    assert filtered("description", "A Secret") == ["a/two", "b/one"]
    assert filtered("tag-key", "k1") == ["b/one"]
    assert filtered("tag-value", "v2") == ["a/two"]
    assert filtered("all", "V3") == ["c"]
    assert filtered("primary-region", "us") == filtered("owning-service", "x") == []
    assert fault(here.secretsmanager.list_secrets, NextToken="x") == ("InvalidNextTokenException", "Invalid NextToken.")


def test_several_secrets_are_read_at_once(here: Here) -> None:
    _new(here, "a")
    _new(here, "empty", value=None)
    got = here.secretsmanager.batch_get_secret_value(SecretIdList=["a", "empty", "none"])
    assert [each["SecretString"] for each in got["SecretValues"]] == ["one"]
    missing = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
    assert got["Errors"] == [
        {"SecretId": "empty", "ErrorCode": "ResourceNotFoundException", "Message": missing},
        {"SecretId": "none", "ErrorCode": "ResourceNotFoundException", "Message": NONE[1]},
    ]
    found = here.secretsmanager.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["a"]}])
    assert [each["Name"] for each in found["SecretValues"]] == ["a"]
    assert fault(here.secretsmanager.batch_get_secret_value)[0] == "InvalidParameterException"


def test_a_key_of_ones_own_decides_over_a_secret(here: Here) -> None:
    key = made(here)
    _new(here, KmsKeyId=key)
    assert here.secretsmanager.list_secret_version_ids(SecretId="db")["Versions"][0]["KmsKeyIds"] == [key]
    here.kms.disable_key(KeyId=key)
    locked = ("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
    assert fault(here.secretsmanager.get_secret_value, SecretId="db") == locked
    code, _ = fault(_put, here=here, value="two", number=2)
    assert code == "EncryptionFailure"
    here.kms.enable_key(KeyId=key)
    other = made(here)
    here.secretsmanager.update_secret(SecretId="db", KmsKeyId=other, ClientRequestToken=token(3))
    here.kms.disable_key(KeyId=key)
    assert here.secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "one"
    here.kms.put_key_policy(KeyId=other, Policy=policy({"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt"}))
    assert fault(here.secretsmanager.get_secret_value, SecretId="db") == ("AccessDeniedException", "Access to KMS is not allowed")


def test_a_policy_lets_another_account_read_a_secret_whose_key_does_too(here: Here) -> None:
    key, other = made(here, Policy=policy({"Principal": {"AWS": root(OTHER)}, "Action": "kms:Decrypt"})), here.at(account=OTHER)
    arn = _new(here, KmsKeyId=key)
    why = "because no resource-based policy allows the secretsmanager:GetSecretValue action"
    denied = f"User: {root(OTHER)} is not authorized to perform: secretsmanager:GetSecretValue on resource: {arn} {why}"
    assert fault(other.secretsmanager.get_secret_value, SecretId=arn) == ("AccessDeniedException", denied)
    statement = {"Effect": "Allow", "Principal": {"AWS": root(OTHER)}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    here.secretsmanager.put_resource_policy(SecretId="db", ResourcePolicy=text, BlockPublicPolicy=True)
    assert here.secretsmanager.get_resource_policy(SecretId="db") == {"ARN": arn, "Name": "db", "ResourcePolicy": text}
    assert other.secretsmanager.get_secret_value(SecretId=arn)["SecretString"] == "one"
    here.secretsmanager.delete_resource_policy(SecretId="db")
    assert fault(other.secretsmanager.get_secret_value, SecretId=arn)[0] == "AccessDeniedException"
    _new(here, "plain", number=2)
    public = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Principal": "*"}]})
    refused = ("PublicPolicyException", "You can't attach this policy because it is public.")
    assert fault(here.secretsmanager.put_resource_policy, SecretId="plain", ResourcePolicy=public, BlockPublicPolicy=True) == refused
    assert here.secretsmanager.validate_resource_policy(ResourcePolicy=public)["PolicyValidationPassed"] is False
    assert fault(here.secretsmanager.put_resource_policy, SecretId="db", ResourcePolicy="{")[0] == "MalformedPolicyDocumentException"


def test_a_replica_is_what_its_primary_is(here: Here) -> None:
    far = here.at(region="eu-west-1")
    key = made(far)
    arn = _new(here, AddReplicaRegions=[{"Region": "eu-west-1", "KmsKeyId": key}], Tags=[{"Key": "a", "Value": "b"}])
    status = {"Region": "eu-west-1", "KmsKeyId": key, "Status": "InSync"}
    assert here.secretsmanager.describe_secret(SecretId="db")["ReplicationStatus"] == [status]
    _put(here, "two", 2)
    read = far.secretsmanager.get_secret_value(SecretId="db")
    assert (read["SecretString"], read["ARN"]) == ("two", arn.replace("us-east-1", "eu-west-1"))
    shown = far.secretsmanager.describe_secret(SecretId="db")
    assert (shown["PrimaryRegion"], shown["KmsKeyId"], shown["Tags"]) == ("us-east-1", key, [{"Key": "a", "Value": "b"}])
    assert fault(_put, here=far, value="x", number=3)[0] == "InvalidRequestException"
    assert fault(here.secretsmanager.delete_secret, SecretId="db")[0] == "InvalidRequestException"
    far.kms.disable_key(KeyId=key)
    _put(here, "three", 4)
    assert here.secretsmanager.describe_secret(SecretId="db")["ReplicationStatus"][0]["Status"] == "Failed"
    far.secretsmanager.stop_replication_to_replica(SecretId="db")
    assert "ReplicationStatus" not in here.secretsmanager.describe_secret(SecretId="db")
    taken = here.secretsmanager.replicate_secret_to_regions(SecretId="db", AddReplicaRegions=[{"Region": "ap-south-1"}])
    assert taken["ReplicationStatus"] == [{"Region": "ap-south-1", "Status": "InSync"}]
    here.secretsmanager.remove_regions_from_replication(SecretId="db", RemoveReplicaRegions=["ap-south-1"])
    assert fault(here.at(region="ap-south-1").secretsmanager.describe_secret, SecretId="db") == NONE


def test_a_random_password_is_made_of_what_is_asked_for(here: Here) -> None:
    ask = here.secretsmanager.get_random_password
    whole = ask()["RandomPassword"]
    kinds = (str.islower, str.isupper, str.isdigit, lambda letter: not letter.isalnum())
    assert (len(whole), all(any(map(kind, whole)) for kind in kinds), " " in whole) == (32, True, False)
    digits = ask(PasswordLength=8, ExcludeLowercase=True, ExcludeUppercase=True, ExcludePunctuation=True, ExcludeCharacters="01234")
    assert (len(digits["RandomPassword"]), set(digits["RandomPassword"]) <= set("56789")) == (8, True)
    assert fault(ask, PasswordLength=3)[0] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("create_secret", "InvalidRequestException"),
        ("update_secret", "InvalidRequestException"),
        ("put_secret_value", "InvalidRequestException"),
        ("rotate_secret", "InvalidParameterException"),
    ],
)
def test_who_makes_a_version_names_it(here: Here, operation: str, code: str) -> None:
    named = {"Name": "db"} if operation == "create_secret" else {"SecretId": "db"}
    said = "You must provide a ClientRequestToken value. We recommend a UUID-type value."
    assert fault(getattr(here.secretsmanager, operation), **named) == (code, said)


def test_a_name_has_its_form(here: Here) -> None:
    bad = (
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    )
    assert fault(_new, here=here, name="a b") == bad
    assert fault(here.secretsmanager.describe_secret, SecretId="a b") == bad
    assert _new(here, "a/_+=.@!-b")


def test_secrets_outlive_the_process(here: Here) -> None:
    _new(here)
    here.kill()
    assert here.secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "one"
