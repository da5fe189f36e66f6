"""A stack over HTTP: waiters, a function that is a custom resource and answers by PUT, an update, and nothing left in the end."""

from __future__ import annotations

from windtunnel import LocalRegion

TEMPLATE = """
Parameters: {Greeting: {Type: String}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
  Maker:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.11
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Code:
        ZipFile: |
          import cfnresponse
          def handler(event, context):
              said = event["ResourceProperties"]["Greeting"]
              cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Said": said.upper()}, "it-" + said)
  It: {Type: Custom::It, Properties: {ServiceToken: !GetAtt Maker.Arn, Greeting: !Ref Greeting}}
  Orders: {Type: AWS::SQS::Queue, Properties: {Tags: [{Key: said, Value: !GetAtt It.Said}]}}
Outputs:
  Said: {Value: !GetAtt It.Said}
  Id: {Value: !Ref It}
  Queue: {Value: !Ref Orders}
"""
QUICK = {"Delay": 1, "MaxAttempts": 30}


def outputs(region: LocalRegion) -> dict[str, str]:
    stack = region.client("cloudformation").describe_stacks(StackName="shop")["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def test_a_stack_with_a_custom_resource_is_made_changed_and_removed(region: LocalRegion) -> None:
    cfn, sqs = region.client("cloudformation"), region.client("sqs")
    given = {"StackName": "shop", "TemplateBody": TEMPLATE, "Capabilities": ["CAPABILITY_IAM"]}
    cfn.create_stack(**given, Parameters=[{"ParameterKey": "Greeting", "ParameterValue": "hello"}])
    cfn.get_waiter("stack_create_complete").wait(StackName="shop", WaiterConfig=QUICK)
    assert {**outputs(region), "Queue": ""} == {"Said": "HELLO", "Id": "it-hello", "Queue": ""}
    cfn.update_stack(**given, Parameters=[{"ParameterKey": "Greeting", "ParameterValue": "bye"}])
    cfn.get_waiter("stack_update_complete").wait(StackName="shop", WaiterConfig=QUICK)
    told = outputs(region)
    assert (told["Said"], told["Id"]) == ("BYE", "it-bye")
    assert sqs.list_queue_tags(QueueUrl=told["Queue"])["Tags"]["said"] == "BYE"
    assert cfn.get_template(StackName="shop")["TemplateBody"] == TEMPLATE
    cfn.delete_stack(StackName="shop")
    cfn.get_waiter("stack_delete_complete").wait(StackName="shop", WaiterConfig=QUICK)
    assert sqs.list_queues().get("QueueUrls", []) == []
