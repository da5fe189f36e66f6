"""What CloudFormation refuses: each case its request, its code and its sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.refusals import Case, filled, refusal, untold

QUEUE = {"Type": "AWS::SQS::Queue"}
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
ARN = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/none/none"
ONE = {"Resources": {"Q": QUEUE}}
RESOURCES = "in the Resources block of the template"
PATTERN = "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
NO_STACK = "Stack [none] does not exist"
LISTINGS = ("describe_stacks", "list_stacks", "list_exports", "list_stack_sets")
DENY = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "Update:Everything", "Resource": "*"}]}


def text(**sections: Any) -> str:
    return json.dumps({**ONE, **sections})


def queue(**properties: Any) -> dict[str, Any]:
    return {"Q": {**QUEUE, "Properties": properties}}


def given(value: str, **declared: Any) -> dict[str, Any]:
    """A template with a parameter P, and a value for it."""
    template = text(Parameters={"P": {"Type": "String", **declared}})
    return {"TemplateBody": template, "Parameters": [{"ParameterKey": "P", "ParameterValue": value}]}


LONG = "x" * 51_201
TOO_LONG = (
    f"1 validation error detected: Value '{LONG}' at 'templateBody' failed to satisfy constraint: Member must have length less than or"
    " equal to 51200"
)
TEMPLATES: list[tuple[str, str]] = [
    ("5", "Template format error: unsupported structure."),
    ('{"Resources" = 5}', "Template format error: JSON not well-formed. (line 1, column 15)"),
    ("Resources:\n  A: [", "Template format error: YAML not well-formed. (line 3, column 1)"),
    (text(Resource={}), "Invalid template property or properties [Resource]"),
    (text(Resources={}), "Template format error: At least one Resources member must be defined."),
    (text(Resources={"Q": 5}), "Template format error: Any Resources member must be an object."),
    (text(Resources={"a-b": QUEUE}), "Template format error: Resource name a-b is non alphanumeric."),
    (text(Resources={"Q": {}}), "Template format error: [/Resources/Q] Every Resources object must contain a Type member."),
    (text(Resources={"Q": {**QUEUE, "Invalid": 1}}), "Invalid template resource property 'Invalid'"),
    (text(Parameters={"AWS::NoValue": {"Type": "String"}}), "Template format error: Parameter name AWS::NoValue is non alphanumeric."),
    (text(Outputs={"O": {}}), "Template format error: Every Outputs member must contain a Value object"),
    (text(Outputs={"O": {"Value": None}}), "[/Outputs/O/Value] 'null' values are not allowed in templates"),
    (text(Mappings={"M": {"A": 5}}), "Template format error: Every Mappings member A must be a map"),
    (text(Mappings={"M": {"A": {"B": {}}}}), "Template format error: Every Mappings attribute must be a String or a List."),
    (text(Resources={"X": {"Type": "Mine::Own::Thing"}}), "Template format error: Unrecognized resource types: [Mine::Own::Thing]"),
    (text(Resources=queue(QueueName={"Ref": "None"})), f"Template format error: Unresolved resource dependencies [None] {RESOURCES}"),
    (text(Resources={"Q": {**QUEUE, "DependsOn": "None"}}), f"Template format error: Unresolved resource dependencies [None] {RESOURCES}"),
    (text(Outputs={"O": {"Value": {"Ref": "None"}}}), "Unresolved resource dependencies [None] in the Outputs block of the template"),
    (
        text(Resources=queue(QueueName={"Fn::GetAtt": ["None", "Arn"]})),
        "Template error: instance of Fn::GetAtt references undefined resource None",
    ),
    (
        text(Resources=queue(QueueName={"Fn::GetAtt": "Q"})),
        "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
    ),
    (text(Resources={"A": {**QUEUE, "DependsOn": "B"}, "B": {**QUEUE, "DependsOn": "A"}}), "Circular dependency between resources: [A, B]"),
    (
        text(Conditions={"C": {"Fn::Equals": ["a"]}}, Resources={"Q": {**QUEUE, "Condition": "C"}}),
        "Template error: every Fn::Equals object requires a list of 2 string parameters.",
    ),
    (text(Resources=queue(QueueName={"Fn::If": ["None", "a", "b"]})), "Template error: unresolved condition dependency None in Fn::If"),
    (text(Rules={"R": {"Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}, "AssertDescription": "a is b"}]}}), "Template error: a is b"),
]
CASES: list[Case] = [
    *(("create_stack", {"StackName": "s", "TemplateBody": template}, "ValidationError", said) for template, said in TEMPLATES),
    *((listing, {"NextToken": "nonsense"}, "ValidationError", "nonsense is not a valid NextToken") for listing in LISTINGS),
    ("create_stack", {"StackName": "s"}, "ValidationError", "Either Template URL or Template Body must be specified."),
    (
        "create_stack",
        {"StackName": "s_", "TemplateBody": text()},
        "ValidationError",
        f"1 validation error detected: Value 's_' at 'stackName' failed to satisfy constraint: {PATTERN}",
    ),
    ("create_stack", {"StackName": "s", "TemplateBody": LONG}, "ValidationError", TOO_LONG),
    ("create_stack", {"StackName": "there", "TemplateBody": text()}, "AlreadyExistsException", "Stack [there] already exists"),
    (
        "create_stack",
        {"StackName": "s", "TemplateURL": "s3://bucket/key"},
        "ValidationError",
        "S3 error: Domain name specified in bucket is not a valid S3 domain",
    ),
    ("create_stack", {"StackName": "s", "TemplateURL": "https://example.com/t"}, "ValidationError", "TemplateURL must be a supported URL."),
    (
        "create_stack",
        {"StackName": "s", "TemplateURL": "https://none.s3.amazonaws.com/t"},
        "ValidationError",
        "S3 error: The specified bucket does not exist",
    ),
    (
        "create_stack",
        {"StackName": "s", "TemplateBody": text(Resources={"R": ROLE})},
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
    ),
    (
        "create_stack",
        {"StackName": "s", "TemplateBody": text(Transform="Mine")},
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_AUTO_EXPAND]",
    ),
    (
        "create_stack",
        {"StackName": "s", "TemplateBody": text(Transform={"Name": {"Ref": "P"}})},
        "ValidationError",
        "Key Name of transform definition must be a string.",
    ),
    (
        "create_stack",
        {"StackName": "s", "TemplateBody": text(), "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/none"},
        "ValidationError",
        f"Role arn:aws:iam::{ACCOUNT}:role/none is invalid or cannot be assumed",
    ),
    (
        "create_stack",
        {"StackName": "s", "TemplateBody": text(), "ResourceTypes": ["AWS::EC2::*"]},
        "ValidationError",
        "Resource type AWS::SQS::Queue is not allowed by parameter ResourceTypes [AWS::EC2::*]",
    ),
    (
        "create_stack",
        {"StackName": "s", "TemplateBody": text(), "OnFailure": "DELETE", "DisableRollback": True},
        "ValidationError",
        "You can specify either DisableRollback or OnFailure, but not both.",
    ),
    (
        "create_stack",
        {"StackName": "s", **given("b", AllowedValues=["a"])},
        "ValidationError",
        "Parameter P failed to satisfy constraint: must be one of [a]",
    ),
    (
        "create_stack",
        {"StackName": "s", **given("b", AllowedPattern="a+")},
        "ValidationError",
        "Parameter P failed to satisfy constraint: must match pattern a+",
    ),
    (
        "create_stack",
        {"StackName": "s", **given("b", AllowedPattern="a+", ConstraintDescription="an a")},
        "ValidationError",
        "Parameter P failed to satisfy constraint: an a",
    ),
    ("create_stack", {"StackName": "s", **given("b", MinLength=2)}, "ValidationError", "Parameter 'P' must contain at least 2 characters"),
    ("create_stack", {"StackName": "s", **given("abc", MaxLength=2)}, "ValidationError", "Parameter 'P' must contain at most 2 characters"),
    ("create_stack", {"StackName": "s", **given("b", Type="Number")}, "ValidationError", "Parameter 'P' must be a number."),
    (
        "create_stack",
        {"StackName": "s", **given("1", Type="Number", MinValue=2)},
        "ValidationError",
        "Parameter 'P' must be a number not less than 2",
    ),
    (
        "create_stack",
        {"StackName": "s", **given("3", Type="Number", MaxValue=2)},
        "ValidationError",
        "Parameter 'P' must be a number not greater than 2",
    ),
    (
        "create_stack",
        {"StackName": "s", "TemplateBody": text(Parameters={"P": {"Type": "String"}})},
        "ValidationError",
        "Parameters: [P] must have values",
    ),
    (
        "create_stack",
        {"StackName": "s", "TemplateBody": text(), "Parameters": [{"ParameterKey": "X", "ParameterValue": "1"}]},
        "ValidationError",
        "Parameters: [X] do not exist in the template",
    ),
    (
        "create_stack",
        {"StackName": "s", "TemplateBody": text(), "StackPolicyBody": json.dumps(DENY)},
        "ValidationError",
        "Error validating stack policy: Invalid stack policy",
    ),
    (
        "create_stack",
        {"StackName": "s", "TemplateBody": text(), "RollbackConfiguration": {"RollbackTriggers": [{"Arn": "a", "Type": "b"}]}},
        "ValidationError",
        "Rollback Trigger Type not supported",
    ),
    ("update_stack", {"StackName": "none", "TemplateBody": text()}, "ValidationError", NO_STACK),
    ("update_stack", {"StackName": "there", "UsePreviousTemplate": True}, "ValidationError", "No updates are to be performed."),
    (
        "update_stack",
        {"StackName": "there", "TemplateBody": text(Resources={"R": ROLE})},
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
    ),
    (
        "update_stack",
        {"StackName": "there", "UsePreviousTemplate": True, "ClientRequestToken": "used"},
        "TokenAlreadyExistsException",
        "A client request token already exists: used",
    ),
    *(
        (
            operation,
            {"StackName": "there", "ClientRequestToken": "used"},
            "TokenAlreadyExistsException",
            "A client request token already exists: used",
        )
        for operation in ("cancel_update_stack", "continue_update_rollback", "delete_stack", "rollback_stack")
    ),
    (
        "cancel_update_stack",
        {"StackName": "there"},
        "ValidationError",
        "CancelUpdateStack cannot be called from current stack status CREATE_COMPLETE",
    ),
    (
        "delete_stack",
        {"StackName": "there", "RetainResources": ["Q"]},
        "ValidationError",
        "Specified RetainResources parameter is only valid for stacks in DELETE_FAILED state",
    ),
    ("delete_stack", {"StackName": "safe"}, "ValidationError", "Stack [$safe] cannot be deleted while TerminationProtection is enabled"),
    ("describe_stacks", {"StackName": "none"}, "ValidationError", "Stack with id none does not exist"),
    ("describe_stack_events", {"StackName": "none"}, "ValidationError", NO_STACK),
    ("describe_stack_resource", {"StackName": "none", "LogicalResourceId": "Q"}, "ValidationError", "Stack 'none' does not exist"),
    (
        "describe_stack_resource",
        {"StackName": "there", "LogicalResourceId": "X"},
        "ValidationError",
        "Resource X does not exist for stack there",
    ),
    ("list_stack_resources", {"StackName": "none"}, "ValidationError", "Stack with id none does not exist"),
    ("list_imports", {"ExportName": "none"}, "ValidationError", "Export 'none' is not imported by any stack."),
    ("get_template", {}, "ValidationError", "StackName is required if ChangeSetName is not specified."),
    ("get_template", {"ChangeSetName": "c"}, "ValidationError", "StackName is a required parameter."),
    ("get_template", {"ChangeSetName": ARN}, "ChangeSetNotFound", f"ChangeSet [{ARN}] does not exist"),
    ("get_template_summary", {"StackSetName": "none"}, "StackSetNotFoundException", "StackSet none not found"),
    (
        "set_stack_policy",
        {"StackName": "there", "StackPolicyBody": "{}"},
        "ValidationError",
        "Error validating stack policy: Invalid stack policy",
    ),
    (
        "set_stack_policy",
        {"StackName": "there", "StackPolicyBody": "{}", "StackPolicyURL": "https://x"},
        "ValidationError",
        "You cannot specify both StackPolicyURL and StackPolicyBody",
    ),
    (
        "signal_resource",
        {"StackName": "there", "LogicalResourceId": "X", "UniqueId": "u", "Status": "SUCCESS"},
        "ValidationError",
        "Resource X does not exist for stack there",
    ),
    (
        "describe_stack_drift_detection_status",
        {"StackDriftDetectionId": "none"},
        "ValidationError",
        "Drift detection id none does not exist",
    ),
    ("create_change_set", {"StackName": "none", "ChangeSetName": "c", "TemplateBody": text()}, "ValidationError", NO_STACK),
    (
        "create_change_set",
        {"StackName": "there", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": text()},
        "ValidationError",
        "Stack [there] already exists and cannot be created again with the changeSet [c].",
    ),
    (
        "create_change_set",
        {"StackName": "there", "ChangeSetName": "known", "TemplateBody": text()},
        "AlreadyExistsException",
        "ChangeSet known already exists",
    ),
    (
        "create_change_set",
        {"StackName": "there", "ChangeSetName": "c", "TemplateBody": text(Resources={"R": ROLE})},
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
    ),
    ("describe_change_set", {"ChangeSetName": "c", "StackName": "none"}, "ValidationError", NO_STACK),
    (
        "describe_change_set",
        {"ChangeSetName": "c"},
        "ValidationError",
        "StackName must be specified if ChangeSetName is not specified as an ARN.",
    ),
    ("describe_change_set", {"ChangeSetName": "c", "StackName": "there"}, "ChangeSetNotFound", "ChangeSet [c] does not exist"),
    ("execute_change_set", {"ChangeSetName": ARN}, "ChangeSetNotFound", f"ChangeSet [{ARN}] does not exist"),
    (
        "execute_change_set",
        {"ChangeSetName": "known", "StackName": "there", "ClientRequestToken": "used"},
        "TokenAlreadyExistsException",
        "A client request token already exists: used",
    ),
    (
        "create_stack_set",
        {"StackSetName": "set", "TemplateBody": text()},
        "NameAlreadyExistsException",
        "A stack set named set already exists.",
    ),
    (
        "delete_stack_set",
        {"StackSetName": "set"},
        "OperationInProgressException",
        "Another Operation on StackSet $set is in progress: going",
    ),
    *(
        (operation, {"StackSetName": "none", **request}, "StackSetNotFoundException", "StackSet none not found")
        for operation, request in {
            "create_stack_instances": {"Accounts": [ACCOUNT], "Regions": [REGION]},
            "delete_stack_instances": {"Accounts": [ACCOUNT], "Regions": [REGION], "RetainStacks": False},
            "describe_stack_instance": {"StackInstanceAccount": ACCOUNT, "StackInstanceRegion": REGION},
            "describe_stack_set": {},
            "describe_stack_set_operation": {"OperationId": "o"},
            "list_stack_instances": {},
            "list_stack_set_operation_results": {"OperationId": "o"},
            "list_stack_set_operations": {},
            "stop_stack_set_operation": {"OperationId": "o"},
            "update_stack_instances": {"Accounts": [ACCOUNT], "Regions": [REGION]},
            "update_stack_set": {"TemplateBody": text()},
        }.items()
    ),
    *(
        (
            operation,
            {"StackSetName": "set", **request},
            "OperationInProgressException",
            "Another Operation on StackSet $set is in progress: going",
        )
        for operation, request in {
            "create_stack_instances": {"Accounts": [ACCOUNT], "Regions": [REGION]},
            "delete_stack_instances": {"Accounts": [ACCOUNT], "Regions": [REGION], "RetainStacks": False},
            "update_stack_instances": {"Accounts": [ACCOUNT], "Regions": [REGION]},
            "update_stack_set": {"TemplateBody": text()},
        }.items()
    ),
    *(
        (
            operation,
            {"StackSetName": "idle", "OperationId": "done", **request},
            "OperationIdAlreadyExistsException",
            "Operation done already exists.",
        )
        for operation, request in {
            "create_stack_instances": {"Accounts": [ACCOUNT], "Regions": [REGION]},
            "delete_stack_instances": {"Accounts": [ACCOUNT], "Regions": [REGION], "RetainStacks": False},
            "update_stack_instances": {"Accounts": [ACCOUNT], "Regions": [REGION]},
            "update_stack_set": {"TemplateBody": text()},
        }.items()
    ),
    *(
        (operation, {"StackSetName": "set", "OperationId": "none"}, "OperationNotFoundException", "Operation none not found")
        for operation in ("describe_stack_set_operation", "list_stack_set_operation_results", "stop_stack_set_operation")
    ),
    (
        "stop_stack_set_operation",
        {"StackSetName": "idle", "OperationId": "done"},
        "InvalidOperationException",
        "Operation done is not running.",
    ),
    *(
        (
            operation,
            {"StackSetName": "idle", **request},
            "StackInstanceNotFoundException",
            f"Stack instance with stack set id $idle, account {ACCOUNT} and region eu-west-1 is not found",
        )
        for operation, request in {
            "describe_stack_instance": {"StackInstanceAccount": ACCOUNT, "StackInstanceRegion": "eu-west-1"},
            "update_stack_instances": {"Accounts": [ACCOUNT], "Regions": ["eu-west-1"]},
            "update_stack_set": {"TemplateBody": text(), "Accounts": [ACCOUNT], "Regions": ["eu-west-1"]},
        }.items()
    ),
]
ELSEWHERE = {
    "delete_stack_set StackSetNotEmptyException": "test_cloudformation_sets.py::test_a_set_is_deleted_once_it_is_empty",
    "execute_change_set InvalidChangeSetStatus": "test_cloudformation_changes.py::test_a_change_set_is_carried_out_once",
}
NEVER = (
    *("LimitExceededException", "StaleRequestException", "CreatedButModifiedException", "delete_change_set InvalidChangeSetStatus"),
    *("execute_change_set InsufficientCapabilitiesException", "create_stack_instances InvalidOperationException"),
    *("delete_stack_instances InvalidOperationException", "update_stack_instances InvalidOperationException"),
    *("update_stack_set InvalidOperationException", "create_stack TokenAlreadyExistsException"),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Here, dict[str, str]]]:
    """A region with a stack, one that is protected, a change set, and stack sets; one of them is being deployed for ever."""
    here = Here(tmp_path_factory.mktemp("region"))
    cfn = here.cloudformation
    cfn.create_stack(StackName="there", TemplateBody=text(), ClientRequestToken="used")
    safe = cfn.create_stack(StackName="safe", TemplateBody=text(), EnableTerminationProtection=True)["StackId"]
    cfn.create_stack_set(StackSetName="idle", TemplateBody=text())
    cfn.create_stack_instances(StackSetName="idle", Accounts=[ACCOUNT], Regions=[REGION], OperationId="done")
    here.rest()
    cfn.create_change_set(StackName="there", ChangeSetName="known", TemplateBody=text(Resources={"Q": QUEUE, "R": QUEUE}))
    waits = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    waits["Wait"] = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": 9999}}  # pyright: ignore[reportArgumentType]
    cfn.create_stack_set(StackSetName="set", TemplateBody=json.dumps({"Resources": waits}))
    cfn.create_stack_instances(StackSetName="set", Accounts=[ACCOUNT], Regions=[REGION], OperationId="going")
    here.rest()
    sets = {f"${each['StackSetName']}": each["StackSetId"] for each in cfn.list_stack_sets()["Summaries"]}
    yield here, {"$safe": safe, **sets}
    here.close()


@pytest.mark.parametrize(("operation", "request_", "code", "said"), CASES, ids=[f"{each[0]}-{number}" for number, each in enumerate(CASES)])
def test_it_is_refused(world: tuple[Here, dict[str, str]], operation: str, request_: dict[str, Any], code: str, said: str) -> None:
    here, names = world
    for name, value in names.items():
        said = said.replace(name, value)
    assert refusal(getattr(here.cloudformation, operation), **filled(request_, names)) == (code, said)


def test_every_documented_error_has_its_story() -> None:
    assert untold("cloudformation", CASES, ELSEWHERE, NEVER) == []
