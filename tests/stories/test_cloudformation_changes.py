"""Change sets: what an update would do, said before it is done."""

import json
from typing import Any

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.refusals import refusal
from tests.stories.test_cloudformation_stacks import create, status, story

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}"
TEMPLATE = """
Parameters: {Name: {Type: String}}
Resources:
  News: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Name, DisplayName: %s}}
  Copies: {Type: AWS::SQS::Queue, Properties: {Tags: [{Key: of, Value: !Ref News}]}}
"""


def changed(here: Here, template: str, name: str, **given: Any) -> Any:
    parameters = [{"ParameterKey": "Name", "ParameterValue": name}]
    here.cloudformation.create_change_set(StackName="shop", ChangeSetName="next", TemplateBody=template, Parameters=parameters, **given)
    here.rest()
    return here.cloudformation.describe_change_set(StackName="shop", ChangeSetName="next", IncludePropertyValues=True)


def test_a_change_set_tells_what_is_changed_by_what_and_what_is_replaced(here: Here) -> None:
    create(here, "shop", TEMPLATE % "Old", Parameters=[{"ParameterKey": "Name", "ParameterValue": "one"}])
    told = changed(here, TEMPLATE % "New", "two")
    assert (told["Status"], told["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    copies, news = (each["ResourceChange"] for each in told["Changes"])
    unknown = "{{changeSet:KNOWN_AFTER_APPLY}}"
    assert (copies["Replacement"], [detail["ChangeSource"] for detail in copies["Details"]]) == (
        "False",
        ["ResourceReference", "DirectModification"],
    )
    assert json.loads(copies["AfterContext"]) == {"Properties": {"Tags": [{"Key": "of", "Value": unknown}]}}
    direct = {"Evaluation": "Static", "ChangeSource": "DirectModification"}

    def target(name: str, recreation: str, before: str, after: str) -> dict[str, str]:
        path = {"Path": f"/Properties/{name}", "AttributeChangeType": "Modify", "BeforeValue": before, "AfterValue": after}
        return {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation, **path}

    shown, named = target("DisplayName", "Never", "Old", "New"), target("TopicName", "Always", "one", "two")
    assert news == {
        "PolicyAction": "ReplaceAndDelete",
        "Action": "Modify",
        "LogicalResourceId": "News",
        "PhysicalResourceId": f"{TOPIC}:one",
        "ResourceType": "AWS::SNS::Topic",
        "Replacement": "True",
        "Scope": ["Properties"],
        "Details": [
            {"Target": shown, **direct},
            {"Target": named, "Evaluation": "Static", "ChangeSource": "ParameterReference", "CausingEntity": "Name"},
            {"Target": named, "Evaluation": "Dynamic", "ChangeSource": "DirectModification"},
        ],
        "BeforeContext": news["BeforeContext"],
        "AfterContext": news["AfterContext"],
    }
    assert json.loads(news["BeforeContext"]) == {"Properties": {"TopicName": "one", "DisplayName": "Old"}}


def test_a_change_set_is_carried_out_once(here: Here) -> None:
    create(here, "shop", TEMPLATE % "Old", Parameters=[{"ParameterKey": "Name", "ParameterValue": "one"}])
    id = changed(here, TEMPLATE % "New", "one")["ChangeSetId"]
    here.cloudformation.execute_change_set(ChangeSetName=id)
    assert status(here, "shop") == ("UPDATE_COMPLETE", ""), "who looks at once finds it done"
    assert here.sns.get_topic_attributes(TopicArn=f"{TOPIC}:one")["Attributes"]["DisplayName"] == "New"
    assert here.cloudformation.describe_change_set(ChangeSetName=id)["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert here.cloudformation.list_change_sets(StackName="shop") == {"Summaries": []}
    again = refusal(here.cloudformation.execute_change_set, ChangeSetName=id)
    assert again == ("InvalidChangeSetStatus", f"ChangeSet [{id}] cannot be executed in its current status of [CREATE_COMPLETE]")
    here.cloudformation.delete_stack(StackName="shop")
    here.rest()
    assert here.cloudformation.describe_change_set(ChangeSetName=id)["ExecutionStatus"] == "EXECUTE_COMPLETE"
    here.jump(91 * 86_400)
    assert refusal(here.cloudformation.describe_change_set, ChangeSetName=id)[0] == "ChangeSetNotFound"


def test_a_change_set_without_changes_fails(here: Here) -> None:
    create(here, "shop", TEMPLATE % "Old", Parameters=[{"ParameterKey": "Name", "ParameterValue": "one"}])
    told = changed(here, TEMPLATE % "Old", "one")
    assert (told["Status"], told["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert told["StatusReason"] == "The submitted information didn't contain changes. Submit different information to create a change set."


def test_a_new_stack_is_reviewed_before_it_is_made(here: Here) -> None:
    told = changed(here, TEMPLATE % "Old", "one", ChangeSetType="CREATE")
    assert status(here, "shop") == ("REVIEW_IN_PROGRESS", "User Initiated")
    assert [each["ResourceChange"]["Action"] for each in told["Changes"]] == ["Add", "Add"]
    assert here.sns.list_topics() == {"Topics": []}
    assert here.cloudformation.get_template(StackName="shop")["TemplateBody"] == ""
    here.cloudformation.execute_change_set(ChangeSetName=told["ChangeSetId"])
    here.rest()
    assert story(here, "shop")[:2] == [("shop", "REVIEW_IN_PROGRESS", "User Initiated"), ("shop", "CREATE_IN_PROGRESS", "User Initiated")]
    assert status(here, "shop") == ("CREATE_COMPLETE", "")


def test_a_change_set_that_includes_nested_stacks_makes_them(here: Here) -> None:
    here.s3.create_bucket(Bucket="templates")
    here.s3.put_object(Bucket="templates", Key="child", Body=b"Resources: {Q: {Type: AWS::SQS::Queue}}")
    nested = "Resources: {Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://templates.s3.amazonaws.com/child'}}}"
    given = {"StackName": "shop", "ChangeSetName": "next", "ChangeSetType": "CREATE", "IncludeNestedStacks": True}
    here.cloudformation.create_change_set(**given, TemplateBody=nested)
    here.rest()
    told = here.cloudformation.describe_change_set(StackName="shop", ChangeSetName="next")
    changes = [(each["ResourceChange"]["Action"], each["ResourceChange"]["LogicalResourceId"]) for each in told["Changes"]]
    assert (told["Status"], told["IncludeNestedStacks"], changes) == ("CREATE_COMPLETE", True, [("Add", "Child")])
    here.cloudformation.execute_change_set(ChangeSetName=told["ChangeSetId"])
    here.rest()
    assert (status(here, "shop")[0], len(here.sqs.list_queues()["QueueUrls"])) == ("CREATE_COMPLETE", 1)


def test_a_removed_resource_is_told_and_a_kept_one_stays(here: Here) -> None:
    template = (
        "Resources:\n  A: {Type: AWS::SQS::Queue}\n  B: {Type: AWS::SQS::Queue, DeletionPolicy: Retain}\n  C: {Type: AWS::SQS::Queue}"
    )
    create(here, "shop", template)
    here.cloudformation.create_change_set(StackName="shop", ChangeSetName="next", TemplateBody="Resources: {A: {Type: AWS::SQS::Queue}}")
    here.rest()
    told = here.cloudformation.describe_change_set(StackName="shop", ChangeSetName="next")["Changes"]
    assert [(each["ResourceChange"]["LogicalResourceId"], each["ResourceChange"]["PolicyAction"]) for each in told] == [
        ("B", "Retain"),
        ("C", "Delete"),
    ]
    here.cloudformation.execute_change_set(StackName="shop", ChangeSetName="next")
    here.rest()
    assert ("B", "DELETE_SKIPPED", "") in story(here, "shop")
    assert len(here.sqs.list_queues()["QueueUrls"]) == 2


def test_what_is_there_already_can_be_imported(here: Here) -> None:
    url = here.sqs.create_queue(QueueName="orders")["QueueUrl"]
    template = "Resources: {Q: {Type: AWS::SQS::Queue, DeletionPolicy: Retain, Properties: {QueueName: orders}}}"
    resources = [{"ResourceType": "AWS::SQS::Queue", "LogicalResourceId": "Q", "ResourceIdentifier": {"QueueUrl": url}}]
    here.cloudformation.create_change_set(
        StackName="shop", ChangeSetName="first", ChangeSetType="IMPORT", TemplateBody=template, ResourcesToImport=resources
    )
    here.rest()
    (change,) = here.cloudformation.describe_change_set(StackName="shop", ChangeSetName="first")["Changes"]
    assert (change["ResourceChange"]["Action"], change["ResourceChange"]["PhysicalResourceId"]) == ("Import", url)
    here.cloudformation.execute_change_set(StackName="shop", ChangeSetName="first")
    here.rest()
    assert story(here, "shop")[1:] == [
        ("shop", "IMPORT_IN_PROGRESS", "User Initiated"),
        ("Q", "IMPORT_IN_PROGRESS", ""),
        ("Q", "IMPORT_COMPLETE", ""),
        ("shop", "IMPORT_COMPLETE", ""),
    ]


def test_a_deleted_change_set_is_not_found(here: Here) -> None:
    id = changed(here, TEMPLATE % "Old", "one", ChangeSetType="CREATE")["ChangeSetId"]
    assert here.cloudformation.delete_change_set(ChangeSetName=id) == {}
    assert refusal(here.cloudformation.describe_change_set, ChangeSetName=id) == ("ChangeSetNotFound", f"ChangeSet [{id}] does not exist")
    assert here.cloudformation.delete_change_set(ChangeSetName=id) == {}


def test_an_update_left_where_it_failed_can_be_rolled_back(here: Here) -> None:
    template = """
Resources:
  A: {Type: AWS::SQS::Queue, Properties: {QueueName: %s}}
  B: {Type: AWS::SQS::Queue, DependsOn: A, Properties: {DelaySeconds: %s}}
"""
    create(here, "shop", template % ("one", 1))
    here.cloudformation.update_stack(StackName="shop", TemplateBody=template % ("two", 5000), DisableRollback=True)
    here.rest()
    assert status(here, "shop")[0] == "UPDATE_FAILED"
    assert here.sqs.get_queue_url(QueueName="two")
    here.cloudformation.rollback_stack(StackName="shop")
    here.rest()
    assert status(here, "shop")[0] == "UPDATE_ROLLBACK_COMPLETE"
    names = [url.rpartition("/")[2] for url in here.sqs.list_queues()["QueueUrls"]]
    assert ("one" in names, "two" in names) == (True, False)


def test_who_carries_out_a_change_set_that_waits_is_answered_meanwhile(here: Here) -> None:
    waits = """
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Ready: {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref Handle, Timeout: 60}}
"""
    id = here.cloudformation.create_change_set(StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=waits)["Id"]
    here.rest()
    answer = here.begin.cloudformation.execute_change_set(ChangeSetName=id)
    here.jump(1.9)
    assert not answer.done()
    here.jump(0.1)
    assert (here.result(answer), status(here, "s")[0]) == ({}, "CREATE_IN_PROGRESS")
