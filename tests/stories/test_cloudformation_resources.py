"""Resources of each service: made, changed (what a "~" stands for), found in sync, and removed without a trace."""

from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.test_cloudformation_stacks import create, status, story

TRUST = "{Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}"
ALLOW = "{Version: 2012-10-17, Statement: [{Effect: Allow, Action: 's3:Get~', Resource: '*'}]}"
SNS = """
Resources:
  Q: {Type: AWS::SQS::Queue}
  I:
    Type: AWS::SQS::QueueInlinePolicy
    Properties:
      Queue: !Ref Q
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: '*', Action: 'sqs:*', Resource: '*'}]}
  T:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: d~
      Tags: [{Key: a, Value: x~}]
      DeliveryStatusLogging: [{Protocol: sqs, SuccessFeedbackSampleRate: '10'}]
      Subscription: [{Protocol: sqs, Endpoint: !GetAtt Q.Arn}]
  F: {Type: AWS::SNS::Topic, Properties: {FifoTopic: true, ContentBasedDeduplication: true}}
  S:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref T, Protocol: email, Endpoint: a@b.c, FilterPolicy: {a: [x~]}}
  P:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref T]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: '*', Action: 'sns:Publish', Resource: !Ref T}]}
"""
LOGS = """
Resources:
  G: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: ~, Tags: [{Key: a, Value: x~}]}}
  S: {Type: AWS::Logs::LogStream, Properties: {LogGroupName: !Ref G}}
  M:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: !Ref G
      FilterPattern: ERROR
      MetricTransformations: [{MetricName: m~, MetricNamespace: n, MetricValue: '1'}]
  R: {Type: AWS::Logs::ResourcePolicy, Properties: {PolicyName: p, PolicyDocument: '{"Version":"2012-10-17","Statement":[]}'}}
  D: {Type: AWS::Logs::QueryDefinition, Properties: {Name: q~, QueryString: 'fields @message'}}
"""
S3 = """
Resources:
  B:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {Status: Enabled}
      Tags: [{Key: a, Value: x~}]
      LifecycleConfiguration: {Rules: [{Id: r, Status: Enabled, ExpirationInDays: ~, Prefix: tmp/}]}
      CorsConfiguration: {CorsRules: [{AllowedMethods: [GET], AllowedOrigins: ['*'], MaxAge: 30}]}
      BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}]}
      WebsiteConfiguration: {IndexDocument: index~.html}
      PublicAccessBlockConfiguration: {BlockPublicAcls: true}
      IntelligentTieringConfigurations: [{Id: t, Status: Enabled, Tierings: [{AccessTier: ARCHIVE_ACCESS, Days: 90}]}]
      MetricsConfigurations: [{Id: m, Prefix: a/}]
  P:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref B
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {AWS: !Ref AWS::AccountId}, Action: 's3:GetObject', Resource: !Sub '${B.Arn}/*'}]
"""
LAMBDA = f"""
Resources:
  Role: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {TRUST}}}}}
  Q: {{Type: AWS::SQS::Queue}}
  F:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.11
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Code: {{ZipFile: 'def handler(e, c): return "x~"'}}
      Timeout: 1~
      Environment: {{Variables: {{AAA: x~}}}}
  V: {{Type: AWS::Lambda::Version, Properties: {{FunctionName: !Ref F, Description: v~}}}}
  A: {{Type: AWS::Lambda::Alias, Properties: {{FunctionName: !Ref F, FunctionVersion: !GetAtt V.Version, Name: live}}}}
  P: {{Type: AWS::Lambda::Permission, Properties: {{FunctionName: !Ref F, Action: 'lambda:InvokeFunction', Principal: s3.amazonaws.com}}}}
  M: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: !Ref F, EventSourceArn: !GetAtt Q.Arn, BatchSize: 5}}}}
  U: {{Type: AWS::Lambda::Url, Properties: {{TargetFunctionArn: !GetAtt F.Arn, AuthType: NONE}}}}
  E: {{Type: AWS::Lambda::EventInvokeConfig, Properties: {{FunctionName: !Ref F, Qualifier: $LATEST, MaximumRetryAttempts: 1}}}}
"""
IAM = f"""
Resources:
  G: {{Type: AWS::IAM::Group}}
  U: {{Type: AWS::IAM::User, Properties: {{Groups: [!Ref G], LoginProfile: {{Password: Abcdef1234!}}, Tags: [{{Key: a, Value: x~}}]}}}}
  K: {{Type: AWS::IAM::AccessKey, Properties: {{UserName: !Ref U}}}}
  R:
    Type: AWS::IAM::Role
    Properties:
      MaxSessionDuration: 360~
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess']
      AssumeRolePolicyDocument: {TRUST}
  I: {{Type: AWS::IAM::InstanceProfile, Properties: {{Roles: [!Ref R]}}}}
  M: {{Type: AWS::IAM::ManagedPolicy, Properties: {{Users: [!Ref U], PolicyDocument: {ALLOW}}}}}
  P: {{Type: AWS::IAM::Policy, Properties: {{PolicyName: p~, Users: [!Ref U], PolicyDocument: {ALLOW}}}}}
  RP: {{Type: AWS::IAM::RolePolicy, Properties: {{PolicyName: rp, RoleName: !Ref R, PolicyDocument: {ALLOW}}}}}
  A: {{Type: AWS::IAM::UserToGroupAddition, Properties: {{GroupName: !Ref G, Users: [!Ref U]}}}}
  D: {{Type: AWS::IAM::VirtualMFADevice, Properties: {{Users: [!Ref U]}}}}
  O: {{Type: AWS::IAM::OIDCProvider, Properties: {{Url: https://x.example.com, ClientIdList: [c~], ThumbprintList: [{"a" * 40}]}}}}
  L: {{Type: AWS::IAM::ServiceLinkedRole, Properties: {{AWSServiceName: autoscaling.amazonaws.com}}}}
"""


def left(here: Here) -> list[Any]:
    """What a region has that templates can make."""
    return [
        *here.iam.list_users()["Users"],
        *here.iam.list_roles()["Roles"],
        *here.iam.list_groups()["Groups"],
        *here.iam.list_policies(Scope="Local")["Policies"],
        *here.lambda_.list_functions()["Functions"],
        *here.lambda_.list_event_source_mappings()["EventSourceMappings"],
        *here.sns.list_topics()["Topics"],
        *here.sqs.list_queues().get("QueueUrls", []),
        *(here.s3.list_buckets().get("Buckets") or []),
        *here.logs.describe_log_groups()["logGroups"],
        *here.logs.describe_resource_policies().get("resourcePolicies", []),
    ]


def drift(here: Here) -> list[Any]:
    here.cloudformation.detect_stack_drift(StackName="all")
    here.rest()
    drifts = here.cloudformation.describe_stack_resource_drifts(StackName="all")["StackResourceDrifts"]
    return [each for each in drifts if each["StackResourceDriftStatus"] != "IN_SYNC"]


@pytest.mark.parametrize("template", [SNS, LOGS, S3, LAMBDA, IAM], ids=["sns", "logs", "s3", "lambda", "iam"])
def test_the_resources_of_a_service_are_made_changed_and_removed(here: Here, template: str) -> None:
    capabilities = {"Capabilities": ["CAPABILITY_IAM"]}
    create(here, "all", template.replace("~", "1"), **capabilities)
    assert [line for line in story(here, "all") if "FAILED" in line[1]] == []
    assert (status(here, "all")[0], drift(here)) == ("CREATE_COMPLETE", [])
    newer = template.replace("~", "3")
    tags = [{"Key": "team", "Value": "blue"}]
    here.cloudformation.update_stack(StackName="all", TemplateBody=newer, Tags=tags, **capabilities)
    here.rest()
    assert [line for line in story(here, "all") if "FAILED" in line[1]] == []
    assert (status(here, "all")[0], drift(here)) == ("UPDATE_COMPLETE", [])
    here.cloudformation.delete_stack(StackName="all")
    here.rest()
    assert left(here) == []
