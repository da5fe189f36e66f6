"""Which services users and roles may reach, and which they did."""

from __future__ import annotations

from typing import Any

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.identity import fault, policy, trust, user, with_key
from windtunnel.fabric import Call
from windtunnel.fabric.access import remember_use

LISTEN = policy({"Action": ["sqs:Receive*", "SNS:Subscribe"], "Resource": "*"})
SQS = {"ServiceName": "Amazon SQS", "ServiceNamespace": "sqs"}
SNS = {"ServiceName": "Amazon SNS", "ServiceNamespace": "sns"}


def uses(caller: Here, service: str) -> None:
    """As the door remembers it of a signed call."""
    caller.run(Call(caller.cloud, caller.scope, service).transact(remember_use, caller.scope.principal.access_key))


def details(here: Here, arn: str, **more: Any) -> dict[str, Any]:
    job = here.iam.generate_service_last_accessed_details(Arn=arn)["JobId"]
    return here.iam.get_service_last_accessed_details(JobId=job, **more)


def test_a_user_is_told_the_services_it_may_reach_and_when_it_did(here: Here) -> None:
    ada = user(here, "ada", listen=LISTEN)
    here.jump(60)
    uses(ada, "sqs")
    assert details(here, ada.scope.principal.arn) == {
        "JobStatus": "COMPLETED",
        "JobType": "SERVICE_LEVEL",
        "JobCreationDate": BEGIN + 60,
        "JobCompletionDate": BEGIN + 60,
        "ServicesLastAccessed": [
            {**SNS, "TotalAuthenticatedEntities": 0},
            {
                **SQS,
                "LastAuthenticated": BEGIN + 60,
                "LastAuthenticatedEntity": ada.scope.principal.arn,
                "LastAuthenticatedRegion": "us-east-1",
                "TotalAuthenticatedEntities": 1,
            },
        ],
        "IsTruncated": False,
    }
    first = details(here, ada.scope.principal.arn, MaxItems=1)
    assert (first["IsTruncated"], len(first["ServicesLastAccessed"])) == (True, 1)


def test_each_service_is_remembered_to_a_quarter_of_an_hour(here: Here) -> None:
    ada = user(here, "ada", listen=LISTEN)
    for service in ("sqs", "sns", "sqs"):
        uses(ada, service)
        here.jump(100)
    found = details(here, ada.scope.principal.arn)["ServicesLastAccessed"]
    assert [(each["ServiceNamespace"], each["LastAuthenticated"]) for each in found] == [("sns", BEGIN + 100), ("sqs", BEGIN)]
    here.jump(900)
    uses(ada, "sqs")
    assert details(here, ada.scope.principal.arn)["ServicesLastAccessed"][1]["LastAuthenticated"] == BEGIN + 1200


def test_a_policys_report_is_about_all_who_hold_it(here: Here) -> None:
    arn = here.iam.create_policy(PolicyName="listen", PolicyDocument=LISTEN)["Policy"]["Arn"]
    ada, bob = user(here, "ada"), user(here, "bob")
    here.iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    here.iam.create_group(GroupName="lab")
    here.iam.attach_group_policy(GroupName="lab", PolicyArn=arn)
    for name in ("ada", "bob"):
        here.iam.add_user_to_group(GroupName="lab", UserName=name)
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    here.iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    opened = here.sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r", RoleSessionName="work")
    session = with_key(here, opened["Credentials"]["AccessKeyId"])
    uses(ada, "sqs")
    here.jump(60)
    uses(session, "sqs")
    job = here.iam.generate_service_last_accessed_details(Arn=arn)["JobId"]
    here.jump(60)
    uses(bob, "sqs")  # after the report

    sqs = here.iam.get_service_last_accessed_details(JobId=job)["ServicesLastAccessed"][1]
    assert sqs == {
        **SQS,
        "LastAuthenticated": BEGIN + 60,
        "LastAuthenticatedEntity": f"arn:aws:iam::{ACCOUNT}:role/r",
        "LastAuthenticatedRegion": "us-east-1",
        "TotalAuthenticatedEntities": 2,
    }
    found = here.iam.get_service_last_accessed_details_with_entities(JobId=job, ServiceNamespace="sqs")["EntityDetailsList"]
    assert [(each["EntityInfo"]["Name"], each["EntityInfo"]["Type"], each.get("LastAuthenticated")) for each in found] == [
        ("r", "ROLE", BEGIN + 60),
        ("ada", "USER", BEGIN),
        ("bob", "USER", None),
    ]
    group = details(here, f"arn:aws:iam::{ACCOUNT}:group/lab")["ServicesLastAccessed"]
    assert [each["TotalAuthenticatedEntities"] for each in group] == [0, 2]


def test_policies_that_grant_access_are_told_with_whose_they_are(here: Here) -> None:
    ada = user(here, "ada", listen=LISTEN)
    here.iam.create_group(GroupName="lab")
    everything_but = policy({"NotAction": ["iam:*"], "Resource": "*"})
    here.iam.put_group_policy(GroupName="lab", PolicyName="most", PolicyDocument=everything_but)
    here.iam.add_user_to_group(GroupName="lab", UserName="ada")
    managed = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"
    here.iam.attach_user_policy(UserName="ada", PolicyArn=managed)
    inline = {"PolicyName": "listen", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": "ada"}
    most = {"PolicyName": "most", "PolicyType": "INLINE", "EntityType": "GROUP", "EntityName": "lab"}
    sqs = {"PolicyName": "AmazonSQSReadOnlyAccess", "PolicyType": "MANAGED", "PolicyArn": managed}
    assert here.iam.list_policies_granting_service_access(Arn=ada.scope.principal.arn, ServiceNamespaces=["sqs", "s3", "iam"]) == {
        "PoliciesGrantingServiceAccess": [
            {"ServiceNamespace": "sqs", "Policies": [inline, sqs, most]},
            {"ServiceNamespace": "s3", "Policies": [most]},
            {"ServiceNamespace": "iam", "Policies": []},
        ],
        "IsTruncated": False,
    }


def test_reports_are_about_somebody_and_about_services_that_are_in_them(here: Here) -> None:
    nobody = f"arn:aws:iam::{ACCOUNT}:user/nobody"
    generate = here.iam.generate_service_last_accessed_details
    assert fault(generate, Arn=nobody) == ("NoSuchEntity", "The user with name nobody cannot be found.")
    assert fault(generate, Arn=f"arn:aws:iam::{ACCOUNT}:policy/none")[0] == "NoSuchEntity"
    assert fault(generate, Arn="arn:aws:s3:::bucket-of-mine")[0] == "InvalidInput"
    assert fault(here.iam.list_policies_granting_service_access, Arn=nobody, ServiceNamespaces=["s3"])[0] == "NoSuchEntity"
    job = "00000000-0000-0000-0000-000000000000"
    gone = ("NoSuchEntity", f"Job with id {job} cannot be found.")
    assert fault(here.iam.get_service_last_accessed_details, JobId=job) == gone
    assert fault(here.iam.get_service_last_accessed_details_with_entities, JobId=job, ServiceNamespace="s3") == gone
    ada = user(here, "ada", listen=LISTEN)
    old = generate(Arn=ada.scope.principal.arn)["JobId"]
    here.jump(7 * 86_400)
    assert fault(here.iam.get_service_last_accessed_details, JobId=old) == ("NoSuchEntity", f"Job with id {old} cannot be found.")
    mine = generate(Arn=ada.scope.principal.arn)["JobId"]
    assert fault(here.iam.get_service_last_accessed_details_with_entities, JobId=mine, ServiceNamespace="s3")[0] == "NoSuchEntity"
    assert fault(generate, Arn=ada.scope.principal.arn, Granularity="ACTION_LEVEL")[0] == "NotImplemented"
