"""Keys of KMS: described, named, tagged, switched off and on, and at their end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.identity import fault
from tests.stories.kms_kit import DAY, arn, made, policy, root, state

WINDOW = 7 * DAY


def _described(here: Here, key: str) -> dict[str, Any]:
    return here.kms.describe_key(KeyId=key)["KeyMetadata"]


def test_a_new_key_is_symmetric_and_its_accounts(here: Here) -> None:
    created = here.kms.create_key(Description="mine")["KeyMetadata"]
    key = created["KeyId"]
    assert created == {
        "AWSAccountId": ACCOUNT,
        "KeyId": key,
        "Arn": arn(key),
        "CreationDate": BEGIN,
        "Enabled": True,
        "Description": "mine",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
        "CurrentKeyMaterialId": created["CurrentKeyMaterialId"],
    }
    assert _described(here, arn(key)) == created
    assert json.loads(here.kms.get_key_policy(KeyId=key)["Policy"]) == {
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [
            {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": root()}, "Action": "kms:*", "Resource": "*"}
        ],
    }
    here.kms.update_key_description(KeyId=key, Description="ours")
    assert _described(here, key)["Description"] == "ours"


@pytest.mark.parametrize(
    ("spec", "usage", "member", "algorithms"),
    [
        ("HMAC_224", "GENERATE_VERIFY_MAC", "MacAlgorithms", ["HMAC_SHA_224"]),
        ("ECC_NIST_P521", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_512"]),
        ("ECC_NIST_P256", "KEY_AGREEMENT", "KeyAgreementAlgorithms", ["ECDH"]),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "SigningAlgorithms", ["ED25519_SHA_512", "ED25519_PH_SHA_512"]),
    ],
)
def test_a_key_lists_the_algorithms_of_its_spec_and_usage(here: Here, spec: str, usage: str, member: str, algorithms: list[str]) -> None:
    created = here.kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
    assert (created[member], created["CustomerMasterKeySpec"], "CurrentKeyMaterialId" in created) == (algorithms, spec, False)


def test_keys_and_their_other_names_are_listed_page_by_page(here: Here) -> None:
    keys = sorted(made(here) for _ in range(3))
    page = here.kms.list_keys(Limit=2)
    assert (page["Truncated"], page["Keys"][0]) == (True, {"KeyId": keys[0], "KeyArn": arn(keys[0])})
    rest = here.kms.list_keys(Limit=2, Marker=page["NextMarker"])
    assert (rest["Truncated"], [each["KeyId"] for each in page["Keys"] + rest["Keys"]]) == (False, keys)

    for name, key in (("alias/a", keys[0]), ("alias/b", keys[0]), ("alias/c", keys[1])):
        here.kms.create_alias(AliasName=name, TargetKeyId=key)
    here.jump(5)
    here.kms.update_alias(AliasName="alias/b", TargetKeyId=keys[2])
    assert here.kms.list_aliases(KeyId=keys[2]) == {
        "Aliases": [
            {
                "AliasName": "alias/b",
                "AliasArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/b",
                "TargetKeyId": keys[2],
                "CreationDate": BEGIN,
                "LastUpdatedDate": BEGIN + 5,
            }
        ],
        "Truncated": False,
    }
    page = here.kms.list_aliases(Limit=2)
    names = [each["AliasName"] for each in page["Aliases"] + here.kms.list_aliases(Marker=page["NextMarker"])["Aliases"]]
    assert names == ["alias/a", "alias/b", "alias/c"]
    assert _described(here, "alias/b")["KeyId"] == keys[2]
    assert _described(here, f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/a")["KeyId"] == keys[0]
    here.kms.delete_alias(AliasName="alias/b")
    assert fault(here.kms.describe_key, KeyId="alias/b")[0] == "NotFoundException"


def test_a_key_has_tags(here: Here) -> None:
    key = made(here, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": ""}])
    here.kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "2"}, {"TagKey": "c", "TagValue": "3"}])
    here.kms.untag_resource(KeyId=key, TagKeys=["b", "none"])
    page = here.kms.list_resource_tags(KeyId=key, Limit=1)
    assert (page["Tags"], page["Truncated"]) == ([{"TagKey": "a", "TagValue": "2"}], True)
    rest = here.kms.list_resource_tags(KeyId=key, Marker=page["NextMarker"])
    assert rest == {"Tags": [{"TagKey": "c", "TagValue": "3"}], "Truncated": False}


def test_a_key_that_is_off_is_seen_and_not_used(here: Here) -> None:
    key = made(here)
    here.kms.disable_key(KeyId=key)
    assert (state(here, key), _described(here, key)["Enabled"]) == ("Disabled", False)
    off = ("DisabledException", f"{arn(key)} is disabled.")
    assert fault(here.kms.encrypt, KeyId=key, Plaintext=b"p") == off
    here.kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "2"}])
    here.kms.enable_key(KeyId=key)
    assert here.kms.encrypt(KeyId=key, Plaintext=b"p")["KeyId"] == arn(key)


def test_a_key_ends_when_its_days_are_over(here: Here) -> None:
    key = made(here, Tags=[{"TagKey": "a", "TagValue": "1"}])
    here.kms.create_alias(AliasName="alias/a", TargetKeyId=key)
    here.kms.create_grant(KeyId=key, GranteePrincipal=root(), Operations=["Decrypt"], RetiringPrincipal=root())
    here.kms.enable_key_rotation(KeyId=key)
    scheduled = here.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert scheduled == {"KeyId": arn(key), "DeletionDate": BEGIN + WINDOW, "KeyState": "PendingDeletion", "PendingWindowInDays": 7}
    assert _described(here, key)["DeletionDate"] == BEGIN + WINDOW
    assert here.kms.get_key_rotation_status(KeyId=key) == {"KeyId": arn(key), "KeyRotationEnabled": False}
    ending = ("KMSInvalidStateException", f"{arn(key)} is pending deletion.")
    assert fault(here.kms.encrypt, KeyId=key, Plaintext=b"p") == ending
    assert fault(here.kms.enable_key, KeyId=key) == ending
    here.jump(WINDOW - 1)
    assert state(here, key) == "PendingDeletion"
    here.jump(1)
    assert fault(here.kms.describe_key, KeyId=key) == ("NotFoundException", f"Key '{arn(key)}' does not exist")
    assert here.kms.list_aliases()["Aliases"] == []
    assert here.kms.list_retirable_grants(RetiringPrincipal=root())["Grants"] == []


def test_an_end_can_be_called_off(here: Here) -> None:
    key = made(here)
    here.kms.schedule_key_deletion(KeyId=key)
    assert here.kms.cancel_key_deletion(KeyId=key) == {"KeyId": arn(key)}
    assert state(here, key) == "Disabled"
    assert fault(here.kms.cancel_key_deletion, KeyId=key) == ("KMSInvalidStateException", f"{arn(key)} is not pending deletion.")
    here.jump(31 * DAY)
    here.kms.enable_key(KeyId=key)
    assert state(here, key) == "Enabled"


def test_a_policy_is_kept_as_it_was_written(here: Here) -> None:
    written = policy({"Principal": {"AWS": "*"}, "Action": "kms:Decrypt"})
    key = made(here, Policy=written)
    assert here.kms.get_key_policy(KeyId=key) == {"Policy": written, "PolicyName": "default"}
    here.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy())
    assert here.kms.get_key_policy(KeyId=key)["Policy"] == policy()
    assert here.kms.list_key_policies(KeyId=key) == {"PolicyNames": ["default"], "Truncated": False}


def test_a_key_of_awss_is_made_when_somebody_asks_for_it(here: Here) -> None:
    assert here.kms.list_keys()["Keys"] == []
    managed = _described(here, "alias/aws/s3")
    assert (managed["KeyManager"], managed["Description"]) == (
        "AWS",
        "Default key that protects my S3 objects when no other key is defined",
    )
    assert _described(here, "alias/aws/s3") == managed
    assert [each["AliasName"] for each in here.kms.list_aliases(KeyId=managed["KeyId"])["Aliases"]] == ["alias/aws/s3"]
    assert json.loads(here.kms.get_key_policy(KeyId=managed["KeyId"])["Policy"])["Id"] == "auto-s3-1"
    assert here.kms.get_key_rotation_status(KeyId=managed["KeyId"])["KeyRotationEnabled"] is True
    for change in (here.kms.disable_key, here.kms.schedule_key_deletion, here.kms.disable_key_rotation):
        assert fault(change, KeyId=managed["KeyId"])[0] == "AccessDeniedException"
    here.jump(366 * DAY)
    assert len(here.kms.list_key_rotations(KeyId=managed["KeyId"])["Rotations"]) == 1
    assert fault(here.kms.describe_key, KeyId="alias/aws/none")[0] == "NotFoundException"
