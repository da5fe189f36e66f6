"""The language of templates: functions, conditions, parameters, and what is told of a template."""

import json
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.refusals import refusal
from tests.stories.test_cloudformation_stacks import create, status

VALUES: list[tuple[str, str]] = [
    ("!Ref Name", "blue"),
    ("!Ref AWS::Region", REGION),
    ("!Ref AWS::AccountId", ACCOUNT),
    ("!Ref AWS::Partition", "aws"),
    ("!Ref AWS::URLSuffix", "amazonaws.com"),
    ("!Ref AWS::StackName", "shop"),
    ("!Sub '${Name}-${AWS::Region}-${!Literal}'", f"blue-{REGION}-${{Literal}}"),
    ("!Sub ['${Name}-${It}', {It: !Ref Name}]", "blue-blue"),
    ("!Join ['-', [a, !Ref Name, !Ref AWS::NoValue]]", "a-blue"),
    ("!Join ['-', !Ref List]", "one-two"),
    ("!Select [1, !Ref List]", "two"),
    ("!Select [0, !Split ['|', 'x|y']]", "x"),
    ("!Select [0, !GetAZs '']", f"{REGION}a"),
    ("!Select [1, !Cidr ['10.0.0.0/16', 2, 8]]", "10.0.1.0/24"),
    ("!Base64 hello", "aGVsbG8="),
    ("!FindInMap [Sizes, !Ref Name, big]", "9"),
    ("!If [IsBlue, yes it is, no]", "yes it is"),
    ("!If [Both, both, neither]", "neither"),
    ("!GetAtt Q.QueueName", "orders"),
    ("!Sub 'at ${Q.Arn}'", f"at arn:aws:sqs:{REGION}:{ACCOUNT}:orders"),
    ("2012-10-17", "2012-10-17"),
    ("true", "true"),
    ("1.5", "1.5"),
    ("{'Fn::Join': [',', {'Fn::Split': ['-', 'a-b']}]}", "a,b"),
]
BEGINNING = """
Parameters:
  Name: {Type: String, Default: blue}
  List: {Type: CommaDelimitedList, Default: "one, two"}
Mappings: {Sizes: {blue: {big: 9}}}
Conditions:
  IsBlue: !Equals [!Ref Name, blue]
  IsRed: !Not [!Condition IsBlue]
  Both: !And [!Condition IsBlue, !Condition IsRed]
  Either: !Or [!Condition IsBlue, !Condition IsRed]
Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: orders}}
  Never: {Type: AWS::SQS::Queue, Condition: Both}
  Always: {Type: AWS::SQS::Queue, Condition: Either}
"""


def outputs(here: Here, name: str) -> dict[str, str]:
    found = here.cloudformation.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
    return {each["OutputKey"]: each["OutputValue"] for each in found}


def test_functions_give_their_values(here: Here) -> None:
    lines = "".join(f"  V{number}: {{Value: {text}}}\n" for number, (text, _) in enumerate(VALUES))
    create(here, "shop", f"{BEGINNING}Outputs:\n{lines}")
    assert status(here, "shop") == ("CREATE_COMPLETE", "")
    told = outputs(here, "shop")
    assert [told[f"V{number}"] for number in range(len(VALUES))] == [value for _, value in VALUES]


def test_only_resources_whose_condition_is_met_are_made(here: Here) -> None:
    create(here, "shop", BEGINNING)
    rows = here.cloudformation.list_stack_resources(StackName="shop")["StackResourceSummaries"]
    assert [row["LogicalResourceId"] for row in rows] == ["Always", "Q"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("!Select [5, [a]]", "Template error: Fn::Select cannot select nonexistent value at index 5"),
        ("!Select [a, b]", "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"),
        ("!FindInMap [Sizes, red, big]", "Template error: Unable to get mapping for Sizes::red::big"),
        ("!FindInMap [None, red, big]", "Template error: Mapping named 'None' is not present in the 'Mappings' section of template."),
        ("!ImportValue none", "No export named none found."),
        ("!GetAtt Q.Colour", "Resource type AWS::SQS::Queue does not support attribute {Colour}."),
        ("!Length [a]", "Template error: Fn::Length is supported only with the AWS::LanguageExtensions transform"),
    ],
)
def test_a_function_that_has_no_value_fails_its_stack(here: Here, value: str, said: str) -> None:
    create(here, "shop", f"{BEGINNING}  Bad: {{Type: AWS::SQS::Queue, Properties: {{QueueName: {value}}}}}")
    events = here.cloudformation.describe_stack_events(StackName="shop")["StackEvents"]
    assert said in [event.get("ResourceStatusReason") for event in events if event["LogicalResourceId"] == "Bad"]


def test_a_secret_parameter_is_not_shown(here: Here) -> None:
    template = "Parameters: {Word: {Type: String, NoEcho: true}}\nResources: {Q: {Type: AWS::SQS::Queue}}\nOutputs: {O: {Value: !Ref Word}}"
    create(here, "shop", template, Parameters=[{"ParameterKey": "Word", "ParameterValue": "open"}])
    stack = here.cloudformation.describe_stacks(StackName="shop")["Stacks"][0]
    assert stack["Parameters"] == [{"ParameterKey": "Word", "ParameterValue": "****"}]
    assert outputs(here, "shop") == {"O": "open"}


def test_a_template_is_summed_up(here: Here) -> None:
    summary: Any = here.cloudformation.get_template_summary(TemplateBody=BEGINNING + "Metadata: {A: {B: c}}")
    declared = {"NoEcho": False, "ParameterConstraints": {}}
    assert summary == {
        "Parameters": [
            {"ParameterKey": "Name", "DefaultValue": "blue", "ParameterType": "String", **declared},
            {"ParameterKey": "List", "DefaultValue": "one, two", "ParameterType": "CommaDelimitedList", **declared},
        ],
        "ResourceTypes": ["AWS::SQS::Queue"],
        "ResourceIdentifierSummaries": [{"ResourceType": "AWS::SQS::Queue", "LogicalResourceIds": ["Q", "Never", "Always"]}],
        "Version": "2010-09-09",
        "Metadata": "{'A': {'B': 'c'}}",
    }


def test_a_stack_policy_keeps_an_update_from_a_resource(here: Here) -> None:
    template = "Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: orders, DelaySeconds: %s}}}"
    policy = """{"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "Update:Modify", "Resource": "LogicalResourceId/Q"}]}"""
    create(here, "shop", template % 1, StackPolicyBody=policy)
    assert here.cloudformation.get_stack_policy(StackName="shop") == {"StackPolicyBody": policy}
    here.cloudformation.update_stack(StackName="shop", TemplateBody=template % 2)
    here.rest()
    assert status(here, "shop")[0] == "UPDATE_ROLLBACK_COMPLETE"
    allowed = policy.replace("Deny", "Allow")
    here.cloudformation.update_stack(StackName="shop", TemplateBody=template % 2, StackPolicyDuringUpdateBody=allowed)
    here.rest()
    assert status(here, "shop")[0] == "UPDATE_COMPLETE"


def test_a_protected_stack_is_deleted_once_it_is_protected_no_more(here: Here) -> None:
    id = create(here, "shop", BEGINNING, EnableTerminationProtection=True)
    refused = refusal(here.cloudformation.delete_stack, StackName="shop")
    assert refused == ("ValidationError", f"Stack [{id}] cannot be deleted while TerminationProtection is enabled")
    here.cloudformation.update_termination_protection(StackName="shop", EnableTerminationProtection=False)
    here.cloudformation.delete_stack(StackName="shop")
    here.rest()
    assert status(here, id)[0] == "DELETE_COMPLETE"


def test_a_stack_acts_as_its_role(here: Here) -> None:
    allow = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    role = here.iam.create_role(RoleName="deploys", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    create(here, "shop", "Resources: {Q: {Type: AWS::SQS::Queue}}", RoleARN=role)
    assert status(here, "shop") == ("CREATE_COMPLETE", "")
    (made,) = (call for call in here.cloud.calls.after(0) if call.operation == "CreateQueue")
    assert made.principal == f"arn:aws:sts::{ACCOUNT}:assumed-role/deploys/AWSCloudFormation"
    assert here.cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["RoleARN"] == role
