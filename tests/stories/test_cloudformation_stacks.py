"""Stacks: what a template has is made, changed, taken back and removed, in order and with its story."""

import json
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.refusals import refusal

QUEUES = """
Parameters:
  Delay: {Type: Number, Default: 3}
Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties: {DelaySeconds: !Ref Delay}
  Copies:
    Type: AWS::SQS::Queue
    Properties:
      Tags: [{Key: of, Value: !GetAtt Orders.QueueName}]
Outputs:
  Url: {Value: !Ref Orders, Export: {Name: orders}}
"""


def story(here: Here, name: str) -> list[tuple[str, str, str]]:
    events = here.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [(event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason", "")) for event in reversed(events)]


def status(here: Here, name: str) -> tuple[str, str]:
    stack = here.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return stack["StackStatus"], stack.get("StackStatusReason", "")


def create(here: Here, name: str, template: str, **given: Any) -> str:
    id = here.cloudformation.create_stack(StackName=name, TemplateBody=template, **given)["StackId"]
    here.rest()
    return str(id)


def test_a_stack_makes_its_resources_in_the_order_they_need_each_other(here: Here) -> None:
    create(here, "shop", QUEUES)
    assert story(here, "shop") == [
        ("shop", "CREATE_IN_PROGRESS", "User Initiated"),
        ("Orders", "CREATE_IN_PROGRESS", ""),
        ("Orders", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Orders", "CREATE_COMPLETE", ""),
        ("Copies", "CREATE_IN_PROGRESS", ""),
        ("Copies", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Copies", "CREATE_COMPLETE", ""),
        ("shop", "CREATE_COMPLETE", ""),
    ]


def test_events_are_told_in_order_by_their_times_too(here: Here) -> None:
    create(here, "shop", QUEUES)
    moments = [event["Timestamp"] for event in here.cloudformation.describe_stack_events(StackName="shop")["StackEvents"]]
    assert moments == [pytest.approx(moments[-1] + number / 1000) for number in reversed(range(8))]


def test_what_becomes_of_a_resource_may_hang_on_a_condition(here: Here) -> None:
    keep = "DeletionPolicy: !If [Keep, Retain, Delete]"
    template = f"Conditions: {{Keep: !Equals [1, 1]}}\nResources:\n  Orders:\n    Type: AWS::SQS::Queue\n    {keep}\n"
    create(here, "shop", template)
    here.cloudformation.delete_stack(StackName="shop")
    here.rest()
    assert len(here.sqs.list_queues()["QueueUrls"]) == 1


def test_a_made_name_has_the_stack_and_the_logical_id_in_it(here: Here) -> None:
    create(here, "shop", QUEUES)
    url = here.cloudformation.describe_stack_resource(StackName="shop", LogicalResourceId="Copies")["StackResourceDetail"][
        "PhysicalResourceId"
    ]
    assert url.rpartition("/")[2].startswith("shop-Copies-")


def test_a_resource_has_the_tags_of_its_own_of_its_stack_and_of_the_system(here: Here) -> None:
    id = create(here, "shop", QUEUES, Tags=[{"Key": "team", "Value": "blue"}])
    orders, copies = (
        each["PhysicalResourceId"]
        for each in reversed(here.cloudformation.list_stack_resources(StackName="shop")["StackResourceSummaries"])
    )
    assert here.sqs.list_queue_tags(QueueUrl=copies)["Tags"] == {
        "of": orders.rpartition("/")[2],
        "team": "blue",
        "aws:cloudformation:logical-id": "Copies",
        "aws:cloudformation:stack-id": id,
        "aws:cloudformation:stack-name": "shop",
    }


def test_an_update_changes_only_what_differs(here: Here) -> None:
    create(here, "shop", QUEUES)
    before = len(story(here, "shop"))
    here.cloudformation.update_stack(
        StackName="shop", UsePreviousTemplate=True, Parameters=[{"ParameterKey": "Delay", "ParameterValue": "5"}]
    )
    here.rest()
    assert story(here, "shop")[before:] == [
        ("shop", "UPDATE_IN_PROGRESS", "User Initiated"),
        ("Orders", "UPDATE_IN_PROGRESS", ""),
        ("Orders", "UPDATE_COMPLETE", ""),
        ("shop", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""),
        ("shop", "UPDATE_COMPLETE", ""),
    ]
    refused = refusal(
        here.cloudformation.update_stack,
        StackName="shop",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Delay", "UsePreviousValue": True}],
    )
    assert refused == ("ValidationError", "No updates are to be performed.")


def test_a_new_name_makes_a_new_queue_and_then_removes_the_old_one(here: Here) -> None:
    template = "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: %s}}"
    create(here, "shop", template % "first")
    before = len(story(here, "shop"))
    here.cloudformation.update_stack(StackName="shop", TemplateBody=template % "second")
    here.rest()
    assert story(here, "shop")[before:] == [
        ("shop", "UPDATE_IN_PROGRESS", "User Initiated"),
        ("Q", "UPDATE_IN_PROGRESS", "Requested update requires the creation of a new physical resource; hence creating one."),
        ("Q", "UPDATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Q", "UPDATE_COMPLETE", ""),
        ("shop", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""),
        ("Q", "DELETE_IN_PROGRESS", ""),
        ("Q", "DELETE_COMPLETE", ""),
        ("shop", "UPDATE_COMPLETE", ""),
    ]
    assert [url.rpartition("/")[2] for url in here.sqs.list_queues()["QueueUrls"]] == ["second"]


BROKEN = """
Resources:
  Fine: {Type: AWS::SQS::Queue}
  Broken: {Type: AWS::SQS::Queue, DependsOn: Fine, Properties: {DelaySeconds: 5000}}
  Never: {Type: AWS::SQS::Queue, DependsOn: Broken}
"""


def test_a_creation_that_fails_is_taken_back(here: Here) -> None:
    create(here, "shop", BROKEN)
    told = story(here, "shop")
    assert [line[:2] for line in told] == [
        ("shop", "CREATE_IN_PROGRESS"),
        ("Fine", "CREATE_IN_PROGRESS"),
        ("Fine", "CREATE_IN_PROGRESS"),
        ("Fine", "CREATE_COMPLETE"),
        ("Broken", "CREATE_IN_PROGRESS"),
        ("Broken", "CREATE_FAILED"),
        ("shop", "ROLLBACK_IN_PROGRESS"),
        ("Broken", "DELETE_COMPLETE"),
        ("Fine", "DELETE_IN_PROGRESS"),
        ("Fine", "DELETE_COMPLETE"),
        ("shop", "ROLLBACK_COMPLETE"),
    ]
    assert told[5][2].startswith('Resource handler returned message: "Invalid value for the parameter DelaySeconds.')
    assert told[6][2] == "The following resource(s) failed to create: [Broken]. Rollback requested by user."
    assert here.sqs.list_queues() == {}


@pytest.mark.parametrize(
    ("given", "ends", "left"),
    [
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", 1),
        ({"DisableRollback": True}, "CREATE_FAILED", 1),
        ({"OnFailure": "DELETE"}, "DELETE_COMPLETE", 0),
    ],
)
def test_a_failure_ends_as_the_client_wants(here: Here, given: dict[str, Any], ends: str, left: int) -> None:
    id = create(here, "shop", BROKEN, **given)
    assert status(here, id)[0] == ends
    assert len(here.sqs.list_queues().get("QueueUrls", [])) == left


def test_an_update_that_fails_is_taken_back(here: Here) -> None:
    template = """
Resources:
  A: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: %s}}
  B: {Type: AWS::SQS::Queue, DependsOn: A, Properties: {QueueName: %s}}
  C: {Type: AWS::SQS::Queue, DependsOn: B, Properties: {DelaySeconds: %s}}
"""
    create(here, "shop", template % (1, "one", 1))
    before = len(story(here, "shop"))
    here.cloudformation.update_stack(StackName="shop", TemplateBody=template % (2, "two", 5000))
    here.rest()
    assert [line[:2] for line in story(here, "shop")[before:] if line[0] in ("shop", "B")] == [
        ("shop", "UPDATE_IN_PROGRESS"),
        ("B", "UPDATE_IN_PROGRESS"),
        ("B", "UPDATE_IN_PROGRESS"),
        ("B", "UPDATE_COMPLETE"),
        ("shop", "UPDATE_ROLLBACK_IN_PROGRESS"),
        ("B", "UPDATE_COMPLETE"),
        ("shop", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("B", "DELETE_IN_PROGRESS"),
        ("B", "DELETE_COMPLETE"),
        ("shop", "UPDATE_ROLLBACK_COMPLETE"),
    ]
    names = [url.rpartition("/")[2] for url in here.sqs.list_queues()["QueueUrls"]]
    assert "one" in names
    assert "two" not in names
    rows = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in here.cloudformation.list_stack_resources(StackName="shop")["StackResourceSummaries"]
    }
    assert here.sqs.get_queue_attributes(QueueUrl=rows["A"], AttributeNames=["DelaySeconds"])["Attributes"] == {"DelaySeconds": "1"}


def test_a_type_that_is_not_implemented_fails_by_its_name(here: Here) -> None:
    create(here, "shop", "Resources: {M: {Type: AWS::QLDB::Ledger}}")
    assert ("M", "CREATE_FAILED", "windtunnel does not implement the resource type AWS::QLDB::Ledger.") in story(here, "shop")
    assert status(here, "shop")[0] == "ROLLBACK_COMPLETE"


def test_an_operation_goes_on_after_a_kill(here: Here) -> None:
    here.cloudformation.create_stack(StackName="shop", TemplateBody=QUEUES)
    here.kill()
    here.rest()
    assert status(here, "shop") == ("CREATE_COMPLETE", "")
    assert len(here.sqs.list_queues()["QueueUrls"]) == 2


def test_what_another_stack_imports_stays(here: Here) -> None:
    create(here, "shop", QUEUES)
    uses = "Resources: {Q: {Type: AWS::SQS::Queue, Properties: {Tags: [{Key: of, Value: !ImportValue orders}]}}}"
    create(here, "desk", uses)
    assert here.cloudformation.list_imports(ExportName="orders") == {"Imports": ["desk"]}
    here.cloudformation.delete_stack(StackName="shop")
    here.rest()
    assert status(here, "shop") == ("DELETE_FAILED", "Export orders cannot be deleted as it is in use by desk")
    for name in ("desk", "shop"):
        here.cloudformation.delete_stack(StackName=name)
        here.rest()
    assert (here.sqs.list_queues(), here.cloudformation.list_exports()) == ({}, {"Exports": []})


def test_a_deleted_stack_is_told_of_for_ninety_days(here: Here) -> None:
    id = create(here, "shop", QUEUES)
    here.cloudformation.delete_stack(StackName="shop")
    here.jump(89 * 86_400)
    assert [each["StackStatus"] for each in here.cloudformation.list_stacks()["StackSummaries"]] == ["DELETE_COMPLETE"]
    here.jump(86_400)
    assert here.cloudformation.list_stacks() == {"StackSummaries": []}
    assert refusal(here.cloudformation.describe_stack_events, StackName=id) == ("ValidationError", f"Stack [{id}] does not exist")


def test_a_stack_tells_eventbridge_what_becomes_of_it(here: Here) -> None:
    queue = here.sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = here.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.cloudformation"], "detail": {"status-details": {"status": ["CREATE_COMPLETE"]}}}
    here.events.put_rule(Name="hears", EventPattern=json.dumps(pattern))
    here.events.put_targets(Rule="hears", Targets=[{"Id": "q", "Arn": arn}])
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    here.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})
    id = create(here, "shop", QUEUES, ClientRequestToken="mine")
    heard = [json.loads(each["Body"]) for each in here.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]]
    assert [(each["detail-type"], each["detail"].get("logical-resource-id")) for each in heard] == [
        ("CloudFormation Resource Status Change", "Orders"),
        ("CloudFormation Resource Status Change", "Copies"),
        ("CloudFormation Stack Status Change", None),
    ]
    details = {"status": "CREATE_COMPLETE", "status-reason": ""}
    assert heard[2]["detail"] == {"stack-id": id, "status-details": details, "client-request-token": "mine"}


def test_a_topic_is_notified_of_each_event(here: Here) -> None:
    topic = here.sns.create_topic(Name="news")["TopicArn"]
    queue = here.sqs.create_queue(QueueName="news")["QueueUrl"]
    arn = here.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    here.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    create(here, "shop", "Resources: {Q: {Type: AWS::SQS::Queue}}", NotificationARNs=[topic])
    bodies = [each["Body"] for each in here.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]]
    assert len(bodies) == len(story(here, "shop"))
    assert "LogicalResourceId='Q'\n" in bodies[1]
    assert "ResourceStatus='CREATE_IN_PROGRESS'\n" in bodies[1]


def test_the_stack_of_a_resource_is_found(here: Here) -> None:
    create(here, "shop", QUEUES)
    rows = here.cloudformation.describe_stack_resources(StackName="shop")["StackResources"]
    found = here.cloudformation.describe_stack_resources(PhysicalResourceId=rows[0]["PhysicalResourceId"])["StackResources"]
    assert found == rows
    refused = refusal(here.cloudformation.describe_stack_resources, PhysicalResourceId="none")
    assert refused == ("ValidationError", "Stack for none does not exist")
