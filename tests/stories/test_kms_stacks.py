"""Templates deploy keys, replicas and aliases."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.here import Here
from tests.stories.kms_kit import arn, made, policy, state
from tests.stories.test_cloudformation_stacks import create, status

KEY: dict[str, Any] = {
    "Description": "of the shop",
    "EnableKeyRotation": True,
    "RotationPeriodInDays": 100,
    "KeyPolicy": json.loads(policy()),
    "PendingWindowInDays": 7,
    "Tags": [{"Key": "team", "Value": "blue"}],
}
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key", "Properties": KEY},
        "Pair": {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY", "Enabled": False}},
        "Alias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/shop", "TargetKeyId": {"Ref": "Key"}}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": {"Ref": "Alias"}}},
    },
    "Outputs": {"Key": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}, "Pair": {"Value": {"Ref": "Pair"}}, "Queue": {"Value": {"Ref": "Queue"}}},
}


def _outputs(here: Here) -> dict[str, str]:
    (stack,) = here.cloudformation.describe_stacks(StackName="shop")["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def test_a_template_makes_changes_and_removes_keys_and_their_names(here: Here) -> None:
    create(here, "shop", json.dumps(TEMPLATE))
    assert status(here, "shop") == ("CREATE_COMPLETE", "")
    outputs = _outputs(here)
    key, pair = outputs["Key"], outputs["Pair"]
    assert here.kms.describe_key(KeyId="alias/shop")["KeyMetadata"]["Arn"] == key
    assert here.kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 100
    assert {"TagKey": "team", "TagValue": "blue"} in here.kms.list_resource_tags(KeyId=key)["Tags"]
    assert state(here, pair) == "Disabled"
    here.sqs.send_message(QueueUrl=outputs["Queue"], MessageBody="m")

    changed = json.loads(json.dumps(TEMPLATE))
    resources = changed["Resources"]
    resources["Key"]["Properties"] |= {"Description": "no more", "EnableKeyRotation": False, "Enabled": False, "Tags": []}
    resources["Key"]["Properties"]["KeyPolicy"] = json.loads(policy({"Principal": "*", "Action": "kms:Decrypt"}))
    resources["Pair"]["Properties"] |= {"Enabled": True}
    here.cloudformation.update_stack(StackName="shop", TemplateBody=json.dumps(changed))
    here.rest()
    assert status(here, "shop")[0] == "UPDATE_COMPLETE"
    shown = here.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (shown["Description"], shown["KeyState"], state(here, pair)) == ("no more", "Disabled", "Enabled")
    assert here.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    assert "kms:Decrypt" in here.kms.get_key_policy(KeyId=key)["Policy"]
    assert all(not tag["TagKey"].startswith("team") for tag in here.kms.list_resource_tags(KeyId=key)["Tags"])

    here.cloudformation.delete_stack(StackName="shop")
    here.rest()
    shown = here.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (shown["KeyState"], shown["DeletionDate"]) == ("PendingDeletion", here.now + 7 * 86_400)
    assert here.kms.list_aliases()["Aliases"] == []


def test_what_was_changed_by_hand_has_drifted(here: Here) -> None:
    create(here, "shop", json.dumps(TEMPLATE))
    here.kms.update_key_description(KeyId=_outputs(here)["Key"], Description="mine")
    here.kms.update_alias(AliasName="alias/shop", TargetKeyId=made(here))
    drifts = {
        name: here.cloudformation.detect_stack_resource_drift(StackName="shop", LogicalResourceId=name)["StackResourceDrift"]
        for name in ("Key", "Pair", "Alias")
    }
    assert {name: drift["StackResourceDriftStatus"] for name, drift in drifts.items()} == {
        "Key": "MODIFIED",
        "Pair": "IN_SYNC",
        "Alias": "MODIFIED",
    }
    (difference,) = drifts["Key"]["PropertyDifferences"]
    told = [difference[member] for member in ("PropertyPath", "ExpectedValue", "ActualValue")]
    assert told == ["/Description", "of the shop", "mine"]


def test_a_replica_is_deployed_in_its_own_region(here: Here) -> None:
    primary = made(here, MultiRegion=True)
    far = here.at(region="eu-west-1")
    replica = {"PrimaryKeyArn": arn(primary), "KeyPolicy": json.loads(policy()), "Description": "there", "PendingWindowInDays": 7}
    template = {
        "Resources": {"Replica": {"Type": "AWS::KMS::ReplicaKey", "Properties": replica}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Replica", "Arn"]}}},
    }
    create(far, "shop", json.dumps(template))
    assert (status(far, "shop"), _outputs(far)) == (("CREATE_COMPLETE", ""), {"Arn": arn(primary, "eu-west-1")})
    assert far.kms.describe_key(KeyId=primary)["KeyMetadata"]["Description"] == "there"
    far.cloudformation.delete_stack(StackName="shop")
    far.rest()
    assert state(far, primary) == "PendingDeletion"
