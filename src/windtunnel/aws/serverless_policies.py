"""SAM's policy templates: short names for what a function may do to a resource.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html
"""

from __future__ import annotations

from typing import Any

_BUCKET = "arn:${AWS::Partition}:s3:::${BucketName}"
_HERE = "${AWS::Region}:${AWS::AccountId}"
_TABLE = f"arn:${{AWS::Partition}}:dynamodb:{_HERE}:table/${{TableName}}"
_STREAM = f"arn:${{AWS::Partition}}:kinesis:{_HERE}:stream/${{StreamName}}"
_READ_ITEMS = "dynamodb:GetItem dynamodb:Scan dynamodb:Query dynamodb:BatchGetItem dynamodb:DescribeTable"
_WRITE_ITEMS = "dynamodb:PutItem dynamodb:UpdateItem dynamodb:BatchWriteItem"
_CRUD_STREAM = (
    "kinesis:AddTagsToStream kinesis:CreateStream kinesis:DecreaseStreamRetentionPeriod kinesis:DeleteStream kinesis:DescribeStream"
    " kinesis:DescribeStreamSummary kinesis:GetShardIterator kinesis:IncreaseStreamRetentionPeriod kinesis:ListTagsForStream"
    " kinesis:MergeShards kinesis:PutRecord kinesis:PutRecords kinesis:SplitShard kinesis:RemoveTagsFromStream"
)
_READ_STREAM = "kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards"
_READ_OBJECTS = "s3:GetObject s3:ListBucket s3:GetBucketLocation s3:GetObjectVersion s3:GetLifecycleConfiguration"
_WRITE_OBJECTS = "s3:PutObject s3:PutObjectAcl s3:PutLifecycleConfiguration"
_POLL = (
    "sqs:ChangeMessageVisibility sqs:ChangeMessageVisibilityBatch sqs:DeleteMessage sqs:DeleteMessageBatch sqs:GetQueueAttributes"
    " sqs:ReceiveMessage"
)
_CRUD_TOPIC = "sns:ListSubscriptionsByTopic sns:CreateTopic sns:SetTopicAttributes sns:Subscribe sns:Publish"
_READ_PARAMETERS = "ssm:GetParameters ssm:GetParameter ssm:GetParametersByPath"
_READ_RECORDS = "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator"
_CRUD_ITEMS = f"{_READ_ITEMS} {_WRITE_ITEMS} dynamodb:DeleteItem dynamodb:ConditionCheckItem"
_TABLES, _OBJECTS = (_TABLE, f"{_TABLE}/index/*"), (_BUCKET, f"{_BUCKET}/*")


def _in(service: str, resource: str) -> tuple[str, ...]:
    return (f"arn:${{AWS::Partition}}:{service}:{_HERE}:{resource}",)


TEMPLATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "AWSSecretsManagerGetSecretValuePolicy": ("secretsmanager:GetSecretValue", ("${SecretArn}",)),
    "CloudWatchPutMetricPolicy": ("cloudwatch:PutMetricData", ("*",)),
    "DynamoDBCrudPolicy": (_CRUD_ITEMS, _TABLES),
    "DynamoDBReadPolicy": (_READ_ITEMS, _TABLES),
    "DynamoDBStreamReadPolicy": (_READ_RECORDS, _in("dynamodb", "table/${TableName}/stream/${StreamName}")),
    "DynamoDBWritePolicy": (_WRITE_ITEMS, _TABLES),
    "EventBridgePutEventsPolicy": ("events:PutEvents", _in("events", "event-bus/${EventBusName}")),
    "FirehoseWritePolicy": ("firehose:PutRecord firehose:PutRecordBatch", _in("firehose", "deliverystream/${DeliveryStreamName}")),
    "KMSDecryptPolicy": ("kms:Decrypt", _in("kms", "key/${KeyId}")),
    "KMSEncryptPolicy": ("kms:Encrypt", _in("kms", "key/${KeyId}")),
    "KinesisCrudPolicy": (_CRUD_STREAM, (_STREAM,)),
    "KinesisStreamReadPolicy": (_READ_STREAM, (_STREAM,)),
    "LambdaInvokePolicy": ("lambda:InvokeFunction", _in("lambda", "function:${FunctionName}*")),
    "S3CrudPolicy": (f"{_READ_OBJECTS} {_WRITE_OBJECTS} s3:DeleteObject", _OBJECTS),
    "S3ReadPolicy": (_READ_OBJECTS, _OBJECTS),
    "S3WritePolicy": (_WRITE_OBJECTS, _OBJECTS),
    "SNSCrudPolicy": (_CRUD_TOPIC, _in("sns", "${TopicName}*")),
    "SNSPublishMessagePolicy": ("sns:Publish", _in("sns", "${TopicName}")),
    "SQSPollerPolicy": (_POLL, _in("sqs", "${QueueName}")),
    "SQSSendMessagePolicy": ("sqs:SendMessage*", _in("sqs", "${QueueName}")),
    "SSMParameterReadPolicy": (_READ_PARAMETERS, _in("ssm", "parameter/${ParameterName}")),
    "StepFunctionsExecutionPolicy": ("states:StartExecution", _in("states", "stateMachine:${StateMachineName}")),
}
"""name -> (actions, resources)"""


def document_of(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The policy that a template and its parameters make; KeyError where there is no such template."""
    actions, resources = TEMPLATES[name]
    targets = [{"Fn::Sub": [resource, parameters]} if "${" in resource else resource for resource in resources]
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions.split(), "Resource": targets}]}
