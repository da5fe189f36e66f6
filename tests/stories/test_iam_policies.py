"""Managed policies with their versions, inline policies, attachments and simulations."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from tests.stories.here import BEGIN, Here
from tests.stories.identity import fault, policy, trust
from windtunnel.aws.policy import check_policy
from windtunnel.services.iam.policies.managed import managed_policies

ARN = "arn:aws:iam::000000000000:policy/reader"
READ = policy({"Action": "s3:GetObject", "Resource": "*"})
LAMBDA = trust({"Service": "lambda.amazonaws.com"})


def test_a_new_policy_has_one_version_and_no_attachments(here: Here) -> None:
    made = here.iam.create_policy(PolicyName="reader", PolicyDocument=READ, Description="reads")["Policy"]
    assert made == {
        "PolicyName": "reader",
        "PolicyId": made["PolicyId"],
        "Arn": ARN,
        "Path": "/",
        "DefaultVersionId": "v1",
        "AttachmentCount": 0,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": BEGIN,
        "UpdateDate": BEGIN,
    }
    assert here.iam.get_policy(PolicyArn=ARN) == {"Policy": {**made, "Description": "reads", "Tags": []}}
    version = here.iam.get_policy_version(PolicyArn=ARN, VersionId="v1")["PolicyVersion"]
    assert (unquote(version["Document"]), version["IsDefaultVersion"]) == (READ, True)
    assert fault(here.iam.create_policy, PolicyName="Reader", PolicyDocument=READ) == (
        "EntityAlreadyExists",
        "A policy called Reader already exists. Duplicate names are not allowed.",
    )


def test_a_policy_keeps_five_versions_and_never_gives_a_number_twice(here: Here) -> None:
    here.iam.create_policy(PolicyName="reader", PolicyDocument=READ)
    for _ in range(4):
        here.iam.create_policy_version(PolicyArn=ARN, PolicyDocument=READ, SetAsDefault=True)
    assert fault(here.iam.create_policy_version, PolicyArn=ARN, PolicyDocument=READ) == (
        "LimitExceeded",
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
    )
    assert fault(here.iam.delete_policy_version, PolicyArn=ARN, VersionId="v5") == (
        "DeleteConflict",
        "Cannot delete the default version of a policy.",
    )
    here.iam.set_default_policy_version(PolicyArn=ARN, VersionId="v2")
    here.iam.delete_policy_version(PolicyArn=ARN, VersionId="v5")
    here.iam.create_policy_version(PolicyArn=ARN, PolicyDocument=READ)
    versions = here.iam.list_policy_versions(PolicyArn=ARN)["Versions"]
    assert [(each["VersionId"], each["IsDefaultVersion"]) for each in versions] == [
        ("v6", False),
        ("v4", False),
        ("v3", False),
        ("v2", True),
        ("v1", False),
    ]


def test_a_policy_goes_when_nobody_has_it_and_one_version_is_left(here: Here) -> None:
    here.iam.create_policy(PolicyName="reader", PolicyDocument=READ)
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)
    here.iam.attach_role_policy(RoleName="r", PolicyArn=ARN)
    assert fault(here.iam.delete_policy, PolicyArn=ARN) == ("DeleteConflict", "Cannot delete a policy attached to entities.")
    here.iam.detach_role_policy(RoleName="r", PolicyArn=ARN)
    here.iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=ARN)
    assert here.iam.get_policy(PolicyArn=ARN)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    assert fault(here.iam.delete_policy, PolicyArn=ARN)[0] == "DeleteConflict"
    here.iam.delete_role_permissions_boundary(RoleName="r")
    here.iam.create_policy_version(PolicyArn=ARN, PolicyDocument=READ)
    assert fault(here.iam.delete_policy, PolicyArn=ARN)[0] == "DeleteConflict"
    here.iam.delete_policy_version(PolicyArn=ARN, VersionId="v2")
    here.iam.delete_policy(PolicyArn=ARN)
    assert fault(here.iam.get_policy, PolicyArn=ARN) == ("NoSuchEntity", f"Policy {ARN} was not found.")


def test_only_policies_that_are_there_can_be_attached(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    assert fault(here.iam.attach_user_policy, UserName="ada", PolicyArn="longpolicynamebutnoarn") == (
        "ValidationError",
        "Invalid ARN:  Could not be parsed!",
    )
    assert fault(here.iam.attach_user_policy, UserName="ada", PolicyArn=ARN) == (
        "NoSuchEntity",
        f"Policy {ARN} does not exist or is not attachable.",
    )


def test_who_has_a_policy_is_listed_by_kind(here: Here) -> None:
    here.iam.create_policy(PolicyName="reader", PolicyDocument=READ)
    user = here.iam.create_user(UserName="ada")["User"]
    group = here.iam.create_group(GroupName="lab")["Group"]
    role = here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)["Role"]
    here.iam.attach_user_policy(UserName="ada", PolicyArn=ARN)
    here.iam.attach_group_policy(GroupName="lab", PolicyArn=ARN)
    here.iam.attach_role_policy(RoleName="r", PolicyArn=ARN)
    assert here.iam.list_entities_for_policy(PolicyArn=ARN) == {
        "PolicyGroups": [{"GroupName": "lab", "GroupId": group["GroupId"]}],
        "PolicyUsers": [{"UserName": "ada", "UserId": user["UserId"]}],
        "PolicyRoles": [{"RoleName": "r", "RoleId": role["RoleId"]}],
        "IsTruncated": False,
    }
    assert here.iam.get_policy(PolicyArn=ARN)["Policy"]["AttachmentCount"] == 3


def test_aws_publishes_policies_that_nobody_can_change(here: Here) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)
    here.iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    assert here.iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"] == [
        {"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": arn}
    ]
    document = here.iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    assert json.loads(unquote(document))["Statement"][0]["Action"] == ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    assert fault(here.iam.create_policy_version, PolicyArn=arn, PolicyDocument=READ)[0] == "AccessDenied"
    assert [each["Arn"] for each in here.iam.list_policies(OnlyAttached=True)["Policies"]] == [arn]


def test_a_policy_of_aws_has_the_path_version_and_times_of_its_reference(here: Here) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
    found = here.iam.get_policy(PolicyArn=arn)["Policy"]
    assert found == {
        "PolicyName": "AWSLambdaVPCAccessExecutionRole",
        "PolicyId": "ANPAJVTME3YLVNL72YR2K",
        "Arn": arn,
        "Path": "/service-role/",
        "DefaultVersionId": "v3",
        "AttachmentCount": 0,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": datetime(2016, 2, 11, 23, 15, 26, tzinfo=UTC).timestamp(),
        "UpdateDate": datetime(2024, 1, 5, 22, 38, 26, tzinfo=UTC).timestamp(),
    }
    assert fault(here.iam.get_policy_version, PolicyArn=arn, VersionId="v1")[0] == "NoSuchEntity"


def test_a_linked_role_may_what_the_policy_of_its_service_says(here: Here) -> None:
    role = here.iam.create_service_linked_role(AWSServiceName="dynamodb.application-autoscaling.amazonaws.com")["Role"]
    results = here.iam.simulate_principal_policy(PolicySourceArn=role["Arn"], ActionNames=["dynamodb:UpdateTable", "dynamodb:DeleteTable"])
    assert [each["EvalDecision"] for each in results["EvaluationResults"]] == ["allowed", "implicitDeny"]


def test_what_is_known_of_aws_policies_is_well_formed(here: Here) -> None:
    for each in managed_policies():
        check_policy(each.document, "identity")
    unknown = "arn:aws:iam::aws:policy/NobodyKnowsThisOne"
    assert fault(here.iam.get_policy, PolicyArn=unknown) == ("NoSuchEntity", f"Policy {unknown} was not found.")


def test_a_malformed_document_is_refused_in_the_words_of_iam(here: Here) -> None:
    assert fault(here.iam.create_policy, PolicyName="x", PolicyDocument="{") == ("MalformedPolicyDocument", "Syntax errors in policy.")
    nobody = policy({"Action": "s3:GetObject"})
    assert fault(here.iam.create_policy, PolicyName="x", PolicyDocument=nobody) == (
        "MalformedPolicyDocument",
        "Policy statement must contain resources.",
    )


def test_inline_policies_share_a_limit_and_white_space_is_free(here: Here) -> None:
    here.iam.create_user(UserName="ada")

    def long(characters: int) -> str:
        return policy({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::" + "x" * characters}) + " " * 3000

    here.iam.put_user_policy(UserName="ada", PolicyName="a", PolicyDocument=long(1500))
    assert fault(here.iam.put_user_policy, UserName="ada", PolicyName="b", PolicyDocument=long(1500)) == (
        "LimitExceeded",
        "Maximum policy size of 2048 bytes exceeded for user ada",
    )
    here.iam.put_user_policy(UserName="ada", PolicyName="a", PolicyDocument=long(1600))
    shown = here.iam.get_user_policy(UserName="ada", PolicyName="a")
    assert shown == {"UserName": "ada", "PolicyName": "a", "PolicyDocument": shown["PolicyDocument"]}
    assert unquote(shown["PolicyDocument"]) == long(1600)
    assert fault(here.iam.get_user_policy, UserName="ada", PolicyName="b") == (
        "NoSuchEntity",
        "The user policy with name b cannot be found.",
    )


def test_a_simulation_says_what_decided_and_where_it_stands(here: Here) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": {"Sid": "", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}})
    here.iam.create_policy(PolicyName="reader", PolicyDocument=document)
    role = here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)["Role"]
    here.iam.attach_role_policy(RoleName="r", PolicyArn=ARN)
    matched = {
        "SourcePolicyId": "reader",
        "SourcePolicyType": "IAM Policy",
        "StartPosition": {"Line": 1, "Column": 41},
        "EndPosition": {"Line": 1, "Column": 113},
    }

    def result(action: str, decision: str, statements: list[Any]) -> dict[str, Any]:
        specific = {"EvalResourceName": "arn:aws:s3:::bucket", "MatchedStatements": statements, "MissingContextValues": []}
        return {
            **specific,
            "EvalActionName": action,
            "EvalDecision": decision,
            "EvalDecisionDetails": {},
            "OrganizationsDecisionDetail": {"AllowedByOrganizations": True},
            "ResourceSpecificResults": [{**specific, "EvalResourceDecision": decision}],
        }

    assert here.iam.simulate_principal_policy(
        PolicySourceArn=role["Arn"], ActionNames=["s3:PutObject", "s3:GetObjectVersion"], ResourceArns=["arn:aws:s3:::bucket"]
    ) == {
        "EvaluationResults": [result("s3:PutObject", "allowed", [matched]), result("s3:GetObjectVersion", "implicitDeny", [])],
        "IsTruncated": False,
    }


def test_a_boundary_takes_away_what_the_policies_of_a_user_give(here: Here) -> None:
    here.iam.create_policy(PolicyName="reader", PolicyDocument=READ)
    user = here.iam.create_user(UserName="ada", PermissionsBoundary=ARN)["User"]
    assert user["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": ARN}
    here.iam.attach_user_policy(UserName="ada", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    results = here.iam.simulate_principal_policy(PolicySourceArn=user["Arn"], ActionNames=["s3:GetObject", "s3:PutObject"])
    assert [(each["EvalDecision"], each["PermissionsBoundaryDecisionDetail"]) for each in results["EvaluationResults"]] == [
        ("allowed", {"AllowedByPermissionsBoundary": True}),
        ("implicitDeny", {"AllowedByPermissionsBoundary": False}),
    ]
