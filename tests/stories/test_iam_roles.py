"""Roles, those linked to services, instance profiles, and the account as a whole."""

from __future__ import annotations

from urllib.parse import quote

from tests.stories.here import BEGIN, Here
from tests.stories.identity import fault, policy, trust

LAMBDA = trust({"Service": "lambda.amazonaws.com"})


def test_a_role_is_shown_with_its_trust_policy_encoded(here: Here) -> None:
    made = here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA, Path="/service/", Tags=[{"Key": "a", "Value": "b"}])["Role"]
    base = {
        "Path": "/service/",
        "RoleName": "r",
        "RoleId": made["RoleId"],
        "Arn": "arn:aws:iam::000000000000:role/service/r",
        "CreateDate": BEGIN,
        "AssumeRolePolicyDocument": quote(LAMBDA, safe=""),
    }
    tags = {"Tags": [{"Key": "a", "Value": "b"}]}
    assert made == {**base, **tags}
    assert here.iam.get_role(RoleName="r") == {"Role": {**base, **tags, "MaxSessionDuration": 3600, "RoleLastUsed": {}}}
    assert here.iam.list_roles() == {"Roles": [{**base, "MaxSessionDuration": 3600}], "IsTruncated": False}
    assert fault(here.iam.create_role, RoleName="R", AssumeRolePolicyDocument=LAMBDA) == (
        "EntityAlreadyExists",
        "Role with name R already exists.",
    )


def test_the_effect_of_a_trust_policy_may_be_in_capitals(here: Here) -> None:
    document = LAMBDA.replace('"Allow"', '"ALLOW"')
    assert '"ALLOW"' in document
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=document)
    assert fault(here.iam.put_role_policy, RoleName="r", PolicyName="p", PolicyDocument=document)[0] == "MalformedPolicyDocument"


def test_nobody_among_the_principals_of_a_trust_policy_is_passed_over(here: Here) -> None:
    document = trust({"AWS": [None, "000000000000"], "Service": None})
    shown = here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": [None, "000000000000"]}))["Role"]
    assert shown["AssumeRolePolicyDocument"] == quote(trust({"AWS": [None, "000000000000"]}), safe="")
    assert fault(here.iam.create_role, RoleName="s", AssumeRolePolicyDocument=document)[0] == "MalformedPolicyDocument"


def test_a_trust_policy_must_be_one(here: Here) -> None:
    def refused(document: str) -> str:
        code, message = fault(here.iam.create_role, RoleName="r", AssumeRolePolicyDocument=document)
        assert code == "MalformedPolicyDocument"
        return message

    assert refused("{") == "This policy contains invalid Json"
    assert refused(policy({"Action": "sts:AssumeRole", "Resource": "*"})) == "Has prohibited field Resource"
    assert refused(policy({"Action": "sts:AssumeRole"})) == "Missing required field Principal"
    gone = "arn:aws:iam::000000000000:user/nobody"
    assert refused(trust({"AWS": gone})) == f'Invalid principal in policy: "AWS":"{gone}"'
    assert refused(trust({"Service": "lambda"})) == 'Invalid principal in policy: "SERVICE":"lambda"'


def test_update_role_forgets_what_it_is_not_told(here: Here) -> None:
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA, Description="x", MaxSessionDuration=7200)
    here.iam.update_role(RoleName="r", Description="y")
    role = here.iam.get_role(RoleName="r")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("y", 3600)


def test_a_role_goes_only_when_nothing_is_left_of_it(here: Here) -> None:
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)
    here.iam.create_instance_profile(InstanceProfileName="p")
    here.iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
    assert fault(here.iam.add_role_to_instance_profile, InstanceProfileName="p", RoleName="r") == (
        "LimitExceeded",
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
    )
    assert fault(here.iam.delete_role, RoleName="r") == (
        "DeleteConflict",
        "Cannot delete entity, must remove roles from instance profile first.",
    )
    assert fault(here.iam.delete_instance_profile, InstanceProfileName="p")[0] == "DeleteConflict"
    assert [each["InstanceProfileName"] for each in here.iam.list_instance_profiles_for_role(RoleName="r")["InstanceProfiles"]] == ["p"]
    here.iam.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="r")
    here.iam.put_role_policy(RoleName="r", PolicyName="x", PolicyDocument=policy({"Action": "*", "Resource": "*"}))
    assert fault(here.iam.delete_role, RoleName="r") == ("DeleteConflict", "Cannot delete entity, must delete policies first.")
    here.iam.delete_role_policy(RoleName="r", PolicyName="x")
    here.iam.delete_role(RoleName="r")
    assert fault(here.iam.get_role, RoleName="r") == ("NoSuchEntity", "The role with name r cannot be found.")


def test_a_service_names_its_linked_role_and_nobody_else_changes_it(here: Here) -> None:
    role = here.iam.create_service_linked_role(AWSServiceName="batch.amazonaws.com")["Role"]
    assert role["Arn"] == "arn:aws:iam::000000000000:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
    assert fault(here.iam.create_service_linked_role, AWSServiceName="batch.amazonaws.com") == (
        "InvalidInput",
        "Service role name AWSServiceRoleForBatch has been taken in this account, please try a different suffix.",
    )
    assert fault(here.iam.create_service_linked_role, AWSServiceName="ecs.amazonaws.com", CustomSuffix="x") == (
        "InvalidInput",
        "Custom suffix is not allowed for ecs.amazonaws.com",
    )
    assert fault(here.iam.create_service_linked_role, AWSServiceName="dms.amazonaws.com", CustomSuffix="x") == (
        "InvalidInput",
        "Custom suffix is not allowed for dms.amazonaws.com",
    )
    assert fault(here.iam.delete_role, RoleName="AWSServiceRoleForBatch")[0] == "UnmodifiableEntity"
    task = here.iam.delete_service_linked_role(RoleName="AWSServiceRoleForBatch")["DeletionTaskId"]
    assert task.startswith("task/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch/")
    assert here.iam.get_service_linked_role_deletion_status(DeletionTaskId=task) == {"Status": "SUCCEEDED"}
    assert fault(here.iam.get_role, RoleName="AWSServiceRoleForBatch")[0] == "NoSuchEntity"


def test_an_account_has_one_alias_that_no_other_has(here: Here) -> None:
    here.iam.create_account_alias(AccountAlias="first")
    here.iam.create_account_alias(AccountAlias="second")
    assert here.iam.list_account_aliases() == {"AccountAliases": ["second"], "IsTruncated": False}
    other = here.at(account="111111111111")
    assert fault(other.iam.create_account_alias, AccountAlias="second") == (
        "EntityAlreadyExists",
        "The account alias second already exists.",
    )
    other.iam.create_account_alias(AccountAlias="first")


def test_the_summary_counts_what_is_there(here: Here) -> None:
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)
    here.iam.create_user(UserName="a")
    here.iam.create_user(UserName="b")
    here.iam.delete_user(UserName="a")
    summary = here.iam.get_account_summary()["SummaryMap"]
    assert {name: summary[name] for name in ("Users", "Roles", "Groups", "Policies")} == {
        "Users": 1,
        "Roles": 1,
        "Groups": 0,
        "Policies": 0,
    }


def test_everything_an_account_has_is_told_in_pages(here: Here) -> None:
    here.iam.create_group(GroupName="lab")
    here.iam.create_user(UserName="ada")
    here.iam.add_user_to_group(GroupName="lab", UserName="ada")
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)
    here.iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    first = here.iam.get_account_authorization_details(MaxItems=2)
    assert [each["GroupList"] for each in first["UserDetailList"]] == [["lab"]]
    assert [each["GroupName"] for each in first["GroupDetailList"]] == ["lab"]
    rest = here.iam.get_account_authorization_details(Marker=first["Marker"])
    assert (rest["UserDetailList"], rest["GroupDetailList"], rest["IsTruncated"]) == ([], [], False)
    assert [each["RoleName"] for each in rest["RoleDetailList"]] == ["r"]
    assert [(each["PolicyName"], each["AttachmentCount"]) for each in rest["Policies"]] == [("AdministratorAccess", 1)]


def test_an_open_id_provider_is_known_by_its_url_without_the_scheme(here: Here) -> None:
    arn = here.iam.create_open_id_connect_provider(Url="https://token.example.com/x", ClientIDList=["sts.amazonaws.com"])[
        "OpenIDConnectProviderArn"
    ]
    assert arn == "arn:aws:iam::000000000000:oidc-provider/token.example.com/x"
    assert here.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn) == {
        "Url": "token.example.com/x",
        "ClientIDList": ["sts.amazonaws.com"],
        "ThumbprintList": [],
        "CreateDate": BEGIN,
    }
    here.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert here.iam.list_open_id_connect_providers() == {"OpenIDConnectProviderList": []}
