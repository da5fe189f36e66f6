"""What happens to parameters by themselves, what EventBridge hears of them, and the settings and policies around them."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.events_kit import bodies, queue, rule
from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.refusals import refusal

DAY = 86_400
OTHER = "111111111111"
ARN = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter"
EXPIRATION = {"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2026-01-11T02:00:00+02:00"}}
NOTICE = {"Type": "ExpirationNotification", "Version": "1.0", "Attributes": {"Before": "2", "Unit": "Days"}}
NO_CHANGE = {"Type": "NoChangeNotification", "Version": "1.0", "Attributes": {"After": "36", "Unit": "Hours"}}


def _text(policy: dict[str, Any]) -> str:
    return json.dumps(policy, separators=(",", ":"))


def _put(here: Here, **more: Any) -> None:
    here.ssm.put_parameter(**{"Name": "/db", "Value": "v", "Type": "String", "Overwrite": True, **more})


def _listen(here: Here, kind: str) -> None:
    rule(here, {"source": ["aws.ssm"], "detail-type": [kind]}, queue(here))


def _states(here: Here) -> list[tuple[str, str]]:
    (about,) = here.ssm.describe_parameters()["Parameters"]
    return [(each["PolicyType"], each["PolicyStatus"]) for each in about["Policies"]]


def _acted(here: Here) -> list[str]:
    return [body["detail"]["policy-type"] for body in bodies(here)]


def test_a_parameter_expires_and_word_of_it_comes_before(here: Here) -> None:
    _listen(here, "Parameter Store Policy Action")
    _put(here, Tier="Advanced", Policies=json.dumps([EXPIRATION, NOTICE]))
    here.jump(8 * DAY - 1)
    _put(here, Value="w")
    assert bodies(here) == []
    here.jump(1)
    (event,) = bodies(here)
    assert (event["resources"], event["detail"]) == (
        [f"{ARN}/db"],
        {
            "parameter-name": "/db",
            "parameter-type": "String",
            "policy-type": "ExpirationNotification",
            "policy-content": _text(NOTICE),
            "action-status": "Success",
        },
    )
    assert _states(here) == [("Expiration", "Pending"), ("ExpirationNotification", "Finished")]
    here.jump(2 * DAY)
    assert _acted(here) == ["Expiration"]
    assert here.ssm.describe_parameters() == {"Parameters": []}
    _put(here)
    here.jump(30 * DAY)
    assert here.ssm.get_parameter(Name="/db")["Parameter"]["Value"] == "v"


def test_word_comes_where_nothing_has_changed_for_long_enough(here: Here) -> None:
    _listen(here, "Parameter Store Policy Action")
    _put(here, Tier="Intelligent-Tiering", Policies=json.dumps([NO_CHANGE]))
    here.jump(DAY)
    _put(here, Value="w")
    here.jump(DAY)
    assert _acted(here) == []
    here.jump(DAY)
    assert _acted(here) == ["NoChangeNotification"]
    here.jump(9 * DAY)
    assert (_acted(here), _states(here)) == ([], [("NoChangeNotification", "Finished")])
    _put(here, Value="x")
    assert _states(here) == [("NoChangeNotification", "Pending")]
    _put(here, Policies="[{}]")
    here.jump(9 * DAY)
    assert (_acted(here), _states(here)) == ([], [])


def test_a_policy_acts_also_after_a_restart(here: Here) -> None:
    _put(here, Tier="Advanced", Policies=json.dumps([EXPIRATION]))
    here.kill()
    here.jump(11 * DAY)
    assert here.ssm.describe_parameters() == {"Parameters": []}


def test_what_changes_is_told(here: Here) -> None:
    _listen(here, "Parameter Store Change")
    _put(here, Description="of the shop")
    _put(here, Value="w")
    here.ssm.label_parameter_version(Name="/db", Labels=["live"])
    here.ssm.label_parameter_version(Name="/db", Labels=["live"])
    _put(here, Name="image", Value="none", DataType="aws:ec2:image")
    here.ssm.delete_parameter(Name="/db")
    here.rest()
    about = {"name": "/db", "type": "String", "description": "of the shop"}
    told = [{**about, "operation": operation} for operation in ("Create", "Update", "LabelParameterVersion", "Delete")]
    image = {"name": "image", "type": "String", "dataType": "aws:ec2:image", "operation": "Create"}
    told.insert(3, {**image, "exception": "Unable to Describe Resource"})
    assert [body["detail"] for body in bodies(here)] == told
    assert refusal(here.ssm.get_parameter, Name="image") == ("ParameterNotFound", "")


def test_the_default_tier_is_a_setting(here: Here) -> None:
    name = "/ssm/parameter-store/default-parameter-tier"
    arn = f"arn:aws:ssm:us-east-1:{ACCOUNT}:servicesetting{name}"
    default = {"SettingId": name, "SettingValue": "Standard", "LastModifiedDate": 0.0, "LastModifiedUser": "System", "ARN": arn}
    assert here.ssm.get_service_setting(SettingId=name) == {"ServiceSetting": {**default, "Status": "Default"}}
    here.ssm.update_service_setting(SettingId=arn, SettingValue="Intelligent-Tiering")
    changed = {**default, "SettingValue": "Intelligent-Tiering", "Status": "Customized", "LastModifiedDate": BEGIN}
    changed["LastModifiedUser"] = f"arn:aws:iam::{ACCOUNT}:root"
    assert here.ssm.get_service_setting(SettingId=name) == {"ServiceSetting": changed}
    assert here.ssm.put_parameter(Name="long", Value="v" * 4097, Type="String")["Tier"] == "Advanced"
    assert here.ssm.put_parameter(Name="url", Value="https://a.example/", Type="String", DataType="url")["Tier"] == "Advanced"
    assert here.ssm.put_parameter(Name="short", Value="v", Type="String")["Tier"] == "Standard"
    assert here.ssm.reset_service_setting(SettingId=name) == {"ServiceSetting": {**default, "Status": "Default"}}
    assert here.ssm.put_parameter(Name="long", Value="v", Overwrite=True) == {"Version": 2, "Tier": "Advanced"}


def test_an_account_that_a_policy_lets_in_reads_a_parameter_by_its_arn(here: Here) -> None:
    _put(here, Tier="Advanced")
    arn, abroad = f"{ARN}/db", here.at(account=OTHER)
    why = f"User: arn:aws:iam::{OTHER}:root is not authorized to perform: ssm:GetParameter on resource: {arn} because no"
    denied = ("AccessDeniedException", f"{why} resource-based policy allows the ssm:GetParameter action")
    assert refusal(abroad.ssm.get_parameter, Name=arn) == denied
    statement = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": ["ssm:GetParameter", "ssm:GetParameters"], "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = here.ssm.put_resource_policy(ResourceArn=arn, Policy=policy)
    assert here.ssm.get_resource_policies(ResourceArn=arn) == {"Policies": [{**made, "Policy": policy}]}
    assert abroad.ssm.get_parameter(Name=arn) == here.ssm.get_parameter(Name=arn)
    assert abroad.ssm.get_parameters(Names=[arn]) == here.ssm.get_parameters(Names=[arn])
    assert refusal(abroad.ssm.get_parameter_history, Name=arn)[0] == "AccessDeniedException"
    fewer = policy.replace(', "ssm:GetParameters"', "")
    changed = here.ssm.put_resource_policy(ResourceArn=arn, Policy=fewer, **made)
    assert changed["PolicyId"] == made["PolicyId"]
    assert refusal(here.ssm.delete_resource_policy, ResourceArn=arn, **made)[0] == "ResourcePolicyConflictException"
    here.ssm.delete_resource_policy(ResourceArn=arn, **changed)
    assert here.ssm.get_resource_policies(ResourceArn=arn) == {"Policies": []}
    assert refusal(abroad.ssm.get_parameter, Name=arn) == denied
