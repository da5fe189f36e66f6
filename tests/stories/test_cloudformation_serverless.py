"""The serverless transform: short forms become functions, roles, and what calls them."""

import json

from tests.stories.here import Here
from tests.stories.test_cloudformation_stacks import create, status

CAPABILITIES = ["CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM"]
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Timeout: 7, Runtime: python3.11, Environment: {Variables: {ONE: "1"}}}}
Resources:
  Orders: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 60}}
  News: {Type: AWS::SNS::Topic}
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      InlineCode: "def handler(event, context): return event"
      Environment: {Variables: {TWO: "2"}}
      Policies: [AmazonSNSFullAccess, {SQSPollerPolicy: {QueueName: !GetAtt Orders.QueueName}}]
      AutoPublishAlias: live
      FunctionUrlConfig: {AuthType: NONE}
      Events:
        Order: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn, BatchSize: 3}}
        News: {Type: SNS, Properties: {Topic: !Ref News}}
Outputs: {Alias: {Value: !Ref Hello.Alias}}
"""


def test_a_serverless_function_brings_its_role_alias_url_and_events(here: Here) -> None:
    create(here, "shop", TEMPLATE, Capabilities=CAPABILITIES)
    assert status(here, "shop") == ("CREATE_COMPLETE", "")
    rows = here.cloudformation.list_stack_resources(StackName="shop")["StackResourceSummaries"]
    ids = {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in rows}
    version = next(name for name in ids if name.startswith("HelloVersion"))
    function = ["Hello", "HelloAliaslive", "HelloNews", "HelloNewsPermission", "HelloOrder", "HelloRole", "HelloUrl", version]
    assert sorted(ids) == sorted([*function, "HelloUrlPublicPermissions", "News", "Orders"])
    assert here.cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["Outputs"][0]["OutputValue"] == ids["HelloAliaslive"]
    known = here.lambda_.get_function(FunctionName=ids["Hello"])
    assert (known["Configuration"]["Timeout"], known["Configuration"]["Environment"]["Variables"]) == (7, {"ONE": "1", "TWO": "2"})
    assert known["Tags"]["lambda:createdBy"] == "SAM"
    attached = here.iam.list_attached_role_policies(RoleName=ids["HelloRole"])["AttachedPolicies"]
    assert [each["PolicyName"] for each in attached] == [
        "AmazonSNSFullAccess",
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaSQSQueueExecutionRole",
    ]
    inline = here.iam.get_role_policy(RoleName=ids["HelloRole"], PolicyName="HelloRolePolicy0")["PolicyDocument"]
    assert "sqs%3AReceiveMessage" in inline or "sqs:ReceiveMessage" in inline


def test_what_sam_makes_is_shown_as_the_processed_template(here: Here) -> None:
    template = "Transform: AWS::Serverless-2016-10-31\nResources: {T: {Type: AWS::Serverless::SimpleTable}}"
    here.cloudformation.create_change_set(StackName="shop", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=template)
    here.rest()
    change = here.cloudformation.describe_change_set(StackName="shop", ChangeSetName="first")
    assert [each["ResourceChange"]["ResourceType"] for each in change["Changes"]] == ["AWS::DynamoDB::Table"]
    shown = here.cloudformation.get_template(StackName="shop", ChangeSetName="first", TemplateStage="Processed")["TemplateBody"]
    assert json.loads(shown)["Resources"]["T"]["Properties"]["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]


def test_a_short_form_that_is_not_implemented_fails_by_its_name(here: Here) -> None:
    template = "Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: AWS::Serverless::Api, Properties: {StageName: prod}}}"
    create(here, "shop", template, Capabilities=CAPABILITIES)
    events = here.cloudformation.describe_stack_events(StackName="shop")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    why = "Transform AWS::Serverless-2016-10-31 failed with: windtunnel does not implement the resource type AWS::Serverless::Api."
    assert f"{why}. Rollback requested by user." in reasons
