"""Parameters in templates: made and changed by them, given to them, and referred to in them."""

from __future__ import annotations

from typing import Any

from tests.stories.here import Here
from tests.stories.refusals import refusal
from tests.stories.test_cloudformation_stacks import create, status

TEMPLATE = """
Resources:
  Delay:
    Type: AWS::SSM::Parameter
    Properties: {Type: %s, Value: '%s', Tags: {team: %s}%s}
Outputs:
  Name: {Value: !Ref Delay}
  Value: {Value: !GetAtt Delay.Value}
"""


def _outputs(here: Here, name: str) -> dict[str, str]:
    stack = here.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _update(here: Here, name: str, template: str, **given: Any) -> None:
    here.cloudformation.update_stack(StackName=name, TemplateBody=template, **given)
    here.rest()


def test_a_parameter_is_made_changed_and_removed(here: Here) -> None:
    create(here, "shop", TEMPLATE % ("String", "3", "blue", ", Description: of the shop, AllowedPattern: '[0-9]'"))
    name = _outputs(here, "shop")["Name"]
    assert (_outputs(here, "shop")["Value"], name.startswith("shop-Delay-")) == ("3", True)
    tags = {each["Key"]: each["Value"] for each in here.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]}
    assert tags == {"team": "blue"}
    _update(here, "shop", TEMPLATE % ("String", "seven", "red", ""))
    assert (status(here, "shop")[0], _outputs(here, "shop")) == ("UPDATE_COMPLETE", {"Name": name, "Value": "seven"})
    (about,) = here.ssm.describe_parameters()["Parameters"]
    assert (about["Version"], "Description" in about, "AllowedPattern" in about) == (2, False, False)
    here.cloudformation.delete_stack(StackName="shop")
    here.rest()
    assert here.ssm.describe_parameters() == {"Parameters": []}


def test_templates_make_no_secure_strings(here: Here) -> None:
    create(here, "shop", TEMPLATE % ("SecureString", "3", "blue", ""))
    events = here.cloudformation.describe_stack_events(StackName="shop")["StackEvents"]
    reasons = [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert reasons == ["SSM Parameters of type SecureString cannot be created using CloudFormation"]


def test_a_parameter_that_was_changed_by_hand_has_drifted(here: Here) -> None:
    create(here, "shop", TEMPLATE % ("String", "3", "blue", ""))
    here.ssm.put_parameter(Name=_outputs(here, "shop")["Name"], Value="4", Overwrite=True)
    drift = here.cloudformation.detect_stack_resource_drift(StackName="shop", LogicalResourceId="Delay")["StackResourceDrift"]
    assert drift["PropertyDifferences"] == [
        {"PropertyPath": "/Value", "ExpectedValue": "3", "ActualValue": "4", "DifferenceType": "NOT_EQUAL"}
    ]


GIVEN = """
Parameters:
  One: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /shop/one}
  All: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /shop/all}
  Named: {Type: 'AWS::SSM::Parameter::Name', Default: /shop/one}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref One}}
Outputs:
  All: {Value: !Join ['-', !Ref All]}
  Named: {Value: !Ref Named}
"""


def test_what_lies_in_the_store_is_a_templates_parameter(here: Here) -> None:
    here.ssm.put_parameter(Name="/shop/one", Value="first", Type="String")
    here.ssm.put_parameter(Name="/shop/all", Value="a,b", Type="StringList")
    create(here, "shop", GIVEN)
    assert _outputs(here, "shop") == {"All": "a-b", "Named": "/shop/one"}
    shown = here.cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["Parameters"]
    assert {each["ParameterKey"]: each.get("ResolvedValue") for each in shown} == {"One": "first", "All": "a,b", "Named": None}
    here.ssm.put_parameter(Name="/shop/one", Value="second", Overwrite=True)
    previous = [{"ParameterKey": name, "UsePreviousValue": True} for name in ("One", "All", "Named")]
    _update(here, "shop", GIVEN, Parameters=previous)
    (topic,) = here.sns.list_topics()["Topics"]
    assert here.sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["DisplayName"] == "second"


def test_a_name_that_is_not_in_the_store_is_refused(here: Here) -> None:
    here.ssm.put_parameter(Name="/shop/one", Value="first", Type="String")
    assert refusal(here.cloudformation.create_stack, StackName="shop", TemplateBody=GIVEN) == (
        "ValidationError",
        "Unable to fetch parameters [/shop/all] from parameter store for this account.",
    )


DYNAMIC = """
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: '{{resolve:ssm:/shop/one}}-{{resolve:ssm:/shop/one:1}}'}}
"""


def test_a_dynamic_reference_to_nothing_fails(here: Here) -> None:
    create(here, "shop", DYNAMIC)
    events = here.cloudformation.describe_stack_events(StackName="shop")["StackEvents"]
    reasons = [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert reasons == ["Parameters: [ssm:/shop/one] cannot be found."]


def test_a_dynamic_reference_means_a_version_or_the_newest(here: Here) -> None:
    here.ssm.put_parameter(Name="/shop/one", Value="first", Type="String")
    here.ssm.put_parameter(Name="/shop/one", Value="second", Overwrite=True)
    create(here, "shop", DYNAMIC)
    (topic,) = here.sns.list_topics()["Topics"]
    assert here.sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["DisplayName"] == "second-first"
