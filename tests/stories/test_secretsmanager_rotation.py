"""Secrets that rotate: a function makes the new value, step by step, under the region's clock; and templates that deploy them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.identity import fault
from tests.stories.kms_kit import DAY
from tests.stories.lambdas import arn, make
from tests.stories.test_cloudformation_stacks import create, status


def token(number: int) -> str:
    return f"{number:032d}"


@pytest.fixture
def secret(here: Here) -> str:
    return here.secretsmanager.create_secret(Name="db", SecretString="old", ClientRequestToken=token(1))["ARN"]


def _lets(here: Here) -> None:
    principal = {"Action": "lambda:InvokeFunction", "Principal": "secretsmanager.amazonaws.com"}
    here.lambda_.add_permission(FunctionName="f", StatementId="s", **principal)


def _rotate(here: Here, number: int = 2, **more: Any) -> Any:
    given = {"RotationLambdaARN": arn("f"), "RotationRules": {"AutomaticallyAfterDays": 10}, **more}
    return here.secretsmanager.rotate_secret(SecretId="db", ClientRequestToken=token(number), **given)


def _described(here: Here) -> dict[str, Any]:
    return here.secretsmanager.describe_secret(SecretId="db")


def test_a_rotation_that_nobody_does_waits(here: Here, secret: str) -> None:
    none = ("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    assert fault(here.secretsmanager.rotate_secret, SecretId="db", ClientRequestToken=token(2)) == none
    code, said = fault(_rotate, here=here)
    assert (code, said.startswith("Secrets Manager cannot invoke the specified Lambda function.")) == ("AccessDeniedException", True)
    assert "RotationEnabled" not in _described(here)
    make(here, "f", "def handler(event, context):\n    raise RuntimeError('no')\n")
    _lets(here)
    assert _rotate(here) == {"ARN": secret, "Name": "db", "VersionId": token(2)}
    here.rest()
    shown = _described(here)
    assert shown["VersionIdsToStages"] == {token(1): ["AWSCURRENT"], token(2): ["AWSPENDING"]}
    assert (shown["RotationEnabled"], shown["RotationLambdaARN"], shown["NextRotationDate"]) == (True, arn("f"), BEGIN + 10 * DAY)
    again = ("InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted.")
    assert fault(_rotate, here=here, number=3) == again
    assert here.secretsmanager.cancel_rotate_secret(SecretId="db")["VersionId"] == token(2)
    assert (_described(here)["RotationEnabled"], "NextRotationDate" in _described(here)) == (False, False)


def test_rules_are_checked(here: Here, secret: str) -> None:
    make(here, "f")
    _lets(here)
    both = {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 days)"}
    for rules in (both, {"ScheduleExpression": "never()"}, {}):
        assert fault(_rotate, here=here, RotationRules=rules)[0] == "InvalidParameterException"
    assert fault(here.secretsmanager.cancel_rotate_secret, SecretId="db")[0] == "InvalidRequestException"


TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "Name": "db",
                "GenerateSecretString": {
                    "SecretStringTemplate": '{"user": "me"}',
                    "GenerateStringKey": "password",
                    "PasswordLength": 12,
                    "ExcludePunctuation": True,
                },
                "ReplicaRegions": [{"Region": "eu-west-1"}],
            },
        },
        "Policy": {
            "Type": "AWS::SecretsManager::ResourcePolicy",
            "Properties": {
                "SecretId": {"Ref": "Secret"},
                "ResourcePolicy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Deny",
                            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                            "Action": "secretsmanager:*",
                            "Resource": "*",
                        }
                    ],
                },
            },
        },
    },
    "Outputs": {"Arn": {"Value": {"Ref": "Secret"}}},
}


def test_a_template_makes_a_secret_of_a_random_password(here: Here) -> None:
    create(here, "shop", json.dumps(TEMPLATE))
    assert status(here, "shop") == ("CREATE_COMPLETE", "")
    value = json.loads(here.secretsmanager.get_secret_value(SecretId="db")["SecretString"])
    assert (value["user"], len(value["password"]), value["password"].isalnum()) == ("me", 12, True)
    assert "Deny" in here.secretsmanager.get_resource_policy(SecretId="db")["ResourcePolicy"]
    far = here.at(region="eu-west-1")
    assert json.loads(far.secretsmanager.get_secret_value(SecretId="db")["SecretString"]) == value
    changed = json.loads(json.dumps(TEMPLATE))
    changed["Resources"]["Secret"]["Properties"] |= {"Description": "d", "ReplicaRegions": [], "Tags": [{"Key": "a", "Value": "b"}]}
    del changed["Resources"]["Policy"]
    here.cloudformation.update_stack(StackName="shop", TemplateBody=json.dumps(changed))
    here.rest()
    assert status(here, "shop")[0] == "UPDATE_COMPLETE"
    shown = _described(here)
    assert (shown["Description"], "ReplicationStatus" in shown) == ("d", False)
    assert "ResourcePolicy" not in here.secretsmanager.get_resource_policy(SecretId="db")
    assert fault(far.secretsmanager.describe_secret, SecretId="db")[0] == "ResourceNotFoundException"
    here.cloudformation.delete_stack(StackName="shop")
    here.rest()
    assert fault(here.secretsmanager.describe_secret, SecretId="db")[0] == "ResourceNotFoundException"
