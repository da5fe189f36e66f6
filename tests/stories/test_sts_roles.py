"""Assuming roles: who may, for how long, and with which tags."""

from __future__ import annotations

from typing import Any

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.identity import acting, fault, policy, trust, user, with_key
from windtunnel.fabric import Call
from windtunnel.fabric.scope import service_principal

ROLE = "arn:aws:iam::000000000000:role/r"
OTHER = "111111111111"
MAY_ASSUME = policy({"Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*"})


def role(here: Here, document: str, **more: Any) -> None:
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=document, **more)


def denied(arn: str, action: str = "sts:AssumeRole", resource: str = ROLE) -> tuple[str, str]:
    return "AccessDenied", f"User: {arn} is not authorized to perform: {action} on resource: {resource}"


def assume(here: Here, session: str = "work", **more: Any) -> dict[str, Any]:
    return here.sts.assume_role(RoleArn=ROLE, RoleSessionName=session, **more)


def in_session(here: Here, answer: dict[str, Any]) -> Here:
    """The region as a session that was opened sees it."""
    return with_key(here, answer["Credentials"]["AccessKeyId"])


def test_a_session_is_named_after_its_role_and_ends_after_an_hour(here: Here) -> None:
    role(here, trust({"AWS": ACCOUNT}))
    role_id = here.iam.get_role(RoleName="r")["Role"]["RoleId"]
    answer = assume(here, "work")
    credentials = answer["Credentials"]
    assert answer == {
        "Credentials": {**credentials, "Expiration": BEGIN + 3600},
        "AssumedRoleUser": {"AssumedRoleId": f"{role_id}:work", "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/work"},
        "SessionTokenSize": len(credentials["SessionToken"]),
        "SessionTokenUtilization": 9,
    }
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert in_session(here, answer).sts.get_caller_identity() == {
        "UserId": f"{role_id}:work",
        "Account": ACCOUNT,
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/work",
    }


def test_a_service_assumes_the_roles_that_trust_it(here: Here) -> None:
    role(here, trust({"Service": "lambda.amazonaws.com"}))
    function = acting(here, service_principal("lambda.amazonaws.com", ACCOUNT))
    assert assume(function, "fn")["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/fn"
    queue = acting(here, service_principal("sqs.amazonaws.com", ACCOUNT))
    assert fault(assume, here=queue) == denied("sqs.amazonaws.com")


def test_a_trust_policy_with_its_effect_in_capitals_lets_assume_and_denies(here: Here) -> None:
    ada = user(here, "ada", may=MAY_ASSUME)
    role(here, trust({"AWS": ACCOUNT}, Effect="ALLOW"))
    assert assume(ada)["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/work"
    here.iam.update_assume_role_policy(RoleName="r", PolicyDocument=trust({"AWS": ACCOUNT}, Effect="DENY"))
    assert fault(assume, here=ada) == denied(ada.scope.principal.arn)


def test_a_trust_policy_can_ask_for_which_resource_a_service_calls(here: Here) -> None:
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": f"{function}*"}}
    role(here, trust({"Service": "lambda.amazonaws.com"}, Condition=condition))
    call = Call(here.cloud, here.scope, "lambda")

    def assume_for(source_arn: str) -> Any:
        return here.run(call.aws_for(source_arn).sts.assume_role({"RoleArn": ROLE, "RoleSessionName": "fn"}))

    for arn in (function, f"{function}:1"):
        assert assume_for(arn)["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/fn"
    for arn in (f"{function[:-1]}g", ""):
        assert fault(assume_for, source_arn=arn) == denied("lambda.amazonaws.com")


def test_a_role_that_trusts_the_account_asks_the_policies_of_the_user(here: Here) -> None:
    role(here, trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    assert assume(user(here, "ada", may=MAY_ASSUME))["AssumedRoleUser"]
    assert fault(assume, here=user(here, "bob")) == denied(f"arn:aws:iam::{ACCOUNT}:user/bob")


def test_a_role_that_trusts_the_user_asks_nobody_else_unless_it_is_denied(here: Here) -> None:
    ada = user(here, "ada")
    role(here, trust({"AWS": ada.scope.principal.arn}))
    assert assume(ada)["AssumedRoleUser"]
    never = policy({"Effect": "Deny", "Action": "sts:*", "Resource": "*"})
    here.iam.put_user_policy(UserName="ada", PolicyName="never", PolicyDocument=never)
    assert fault(assume, here=ada) == denied(ada.scope.principal.arn)


def test_another_account_needs_both_sides_to_agree(here: Here) -> None:
    role(here, trust({"AWS": OTHER}))
    assert assume(here.at(account=OTHER))["AssumedRoleUser"]
    assert assume(user(here, "ada", OTHER, may=MAY_ASSUME))["AssumedRoleUser"]
    assert fault(assume, here=user(here, "bob", OTHER)) == denied(f"arn:aws:iam::{OTHER}:user/bob")
    assert fault(assume, here=here.at(account="222222222222")) == denied("arn:aws:iam::222222222222:root")


def test_conditions_of_the_trust_policy_hold(here: Here) -> None:
    role(here, trust({"AWS": OTHER}, Condition={"StringEquals": {"sts:ExternalId": "secret"}}))
    other = here.at(account=OTHER)
    assert fault(assume, here=other) == denied(f"arn:aws:iam::{OTHER}:root")
    assert fault(assume, here=other, ExternalId="wrong") == denied(f"arn:aws:iam::{OTHER}:root")
    assert assume(other, ExternalId="secret")["AssumedRoleUser"]


def test_contexts_of_trusted_identity_propagation_are_not_taken_for_granted(here: Here) -> None:
    role(here, trust({"AWS": ACCOUNT}))
    contexts = [{"ProviderArn": "arn:aws:iam::aws:contextProvider/IdentityCenter", "ContextAssertion": "token"}]
    assert fault(assume, here=here, ProvidedContexts=contexts)[0] == "NotImplemented"
    propagated = {"Url": "https://example.com", "IdentityCenterInstanceArn": "arn:aws:sso:::instance/ssoins-1"}
    assert fault(here.iam.create_open_id_connect_provider, **propagated)[0] == "NotImplemented"


def test_a_role_that_is_not_there_is_one_that_may_not_be_assumed(here: Here) -> None:
    assert fault(assume, here=here) == denied(f"arn:aws:iam::{ACCOUNT}:root")
    for text in ("nothing-valid-in-here", "arn::b:::something/test-role", "arn:a:a::aaaaaaaaaa:"):
        assert fault(here.sts.assume_role, RoleArn=text, RoleSessionName="work") == ("ValidationError", f"{text} is invalid")


def test_a_session_lasts_as_long_as_the_role_and_the_chain_let_it(here: Here) -> None:
    role(here, trust({"AWS": ACCOUNT}), MaxSessionDuration=7200)
    here.iam.put_role_policy(RoleName="r", PolicyName="may", PolicyDocument=MAY_ASSUME)
    assert fault(assume, here=here, DurationSeconds=7201) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )
    first = assume(here, DurationSeconds=7200)
    assert first["Credentials"]["Expiration"] == BEGIN + 7200
    assert fault(assume, here=in_session(here, first), DurationSeconds=3601) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    )
    assert assume(in_session(here, first), DurationSeconds=3600)["AssumedRoleUser"]


def test_transitive_tags_go_on_along_a_chain_and_cannot_be_changed(here: Here) -> None:
    role(here, trust({"AWS": ACCOUNT}))
    here.iam.put_role_policy(RoleName="r", PolicyName="may", PolicyDocument=MAY_ASSUME)
    tags = [{"Key": "Team", "Value": "x"}, {"Key": "Stage", "Value": "test"}]
    first = in_session(here, assume(here, Tags=tags, TransitiveTagKeys=["Team"]))
    second = in_session(here, assume(first, Tags=[{"Key": "Stage", "Value": "live"}]))
    assert (second.scope.principal.tags, second.scope.principal.transitive_tags) == ({"Team": "x", "Stage": "live"}, ["Team"])
    assert fault(assume, here=first, Tags=[{"Key": "team", "Value": "y"}]) == (
        "InvalidParameterValue",
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    )


def test_tags_of_a_session_are_named_once_and_transitive_ones_are_among_them(here: Here) -> None:
    role(here, trust({"AWS": ACCOUNT}))
    assert fault(assume, here=here, Tags=[{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]) == (
        "InvalidParameterValue",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
    assert fault(assume, here=here, Tags=[{"Key": "a", "Value": ""}], TransitiveTagKeys=["b"]) == (
        "InvalidParameterValue",
        "The specified transitive tag key must be included in the requested tags.",
    )


def test_a_session_policy_limits_which_roles_a_session_may_go_on_to(here: Here) -> None:
    role(here, trust({"AWS": ACCOUNT}))
    here.iam.put_role_policy(RoleName="r", PolicyName="may", PolicyDocument=MAY_ASSUME)
    limited = in_session(here, assume(here, Policy=policy({"Action": "s3:GetObject", "Resource": "*"})))
    assert fault(assume, here=limited) == denied(limited.scope.principal.arn)
    malformed = fault(assume, here=here, Policy="{")
    assert malformed == ("MalformedPolicyDocument", "This policy contains invalid Json")


def test_a_source_identity_stays_along_the_chain(here: Here) -> None:
    role(here, policy({"Principal": {"AWS": ACCOUNT}, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}))
    here.iam.put_role_policy(RoleName="r", PolicyName="may", PolicyDocument=MAY_ASSUME)
    first = assume(here, SourceIdentity="ada")
    assert first["SourceIdentity"] == "ada"
    assert assume(in_session(here, first))["SourceIdentity"] == "ada"
