"""Drift: a resource that was changed behind its stack's back is found, with what differs."""

from typing import Any

from tests.stories.here import Here
from tests.stories.test_cloudformation_stacks import create

TEMPLATE = """
Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: orders, DelaySeconds: 3, VisibilityTimeout: 40}}
  P:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Q]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: "*", Action: "sqs:*", Resource: "*"}]}
  T: {Type: AWS::SNS::Topic, Properties: {TopicName: news}}
"""


def detected(here: Here) -> Any:
    id = here.cloudformation.detect_stack_drift(StackName="shop")["StackDriftDetectionId"]
    here.rest()
    return here.cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=id)


def test_a_stack_that_nobody_touched_is_in_sync(here: Here) -> None:
    create(here, "shop", TEMPLATE)
    told = detected(here)
    assert (told["DetectionStatus"], told["StackDriftStatus"], told["DriftedStackResourceCount"]) == ("DETECTION_COMPLETE", "IN_SYNC", 0)
    drifts = here.cloudformation.describe_stack_resource_drifts(StackName="shop")["StackResourceDrifts"]
    assert {each["LogicalResourceId"]: each["StackResourceDriftStatus"] for each in drifts} == {"Q": "IN_SYNC", "T": "IN_SYNC"}


def test_what_differs_is_told_by_its_property(here: Here) -> None:
    create(here, "shop", TEMPLATE)
    url = here.sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    here.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "9"})
    (topic,) = here.sns.list_topics()["Topics"]
    here.sns.delete_topic(TopicArn=topic["TopicArn"])
    told = detected(here)
    assert (told["StackDriftStatus"], told["DriftedStackResourceCount"]) == ("DRIFTED", 2)
    drifts = here.cloudformation.describe_stack_resource_drifts(StackName="shop", StackResourceDriftStatusFilters=["MODIFIED"])
    (queue,) = drifts["StackResourceDrifts"]
    difference = {"PropertyPath": "/DelaySeconds", "ExpectedValue": "3", "ActualValue": "9", "DifferenceType": "NOT_EQUAL"}
    assert queue["PropertyDifferences"] == [difference]
    one = here.cloudformation.detect_stack_resource_drift(StackName="shop", LogicalResourceId="T")["StackResourceDrift"]
    assert one["StackResourceDriftStatus"] == "DELETED"
    stack = here.cloudformation.describe_stacks(StackName="shop")["Stacks"][0]
    assert stack["DriftInformation"] == {"StackDriftStatus": "DRIFTED", "LastCheckTimestamp": here.now}
