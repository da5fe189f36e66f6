"""Templates deploy streams, consumers and delivery streams, change them, and take them away."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.lambdas import make
from tests.stories.test_cloudformation_stacks import create, status
from tests.stories.test_firehose import ROLE, objects
from tests.stories.test_lambda_kinesis import PRINTS, batches, put

STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"


def template(shards: int, hours: int, prefix: str) -> str:
    place = {
        "BucketARN": "arn:aws:s3:::lake",
        "RoleARN": ROLE,
        "Prefix": prefix,
        "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 1},
    }
    source = {"KinesisStreamARN": {"Fn::GetAtt": "Stream.Arn"}, "RoleARN": ROLE}
    resources: dict[str, Any] = {
        "Stream": ("Kinesis::Stream", {"Name": "s", "ShardCount": shards, "RetentionPeriodHours": hours}),
        "Reader": ("Kinesis::StreamConsumer", {"ConsumerName": "c", "StreamARN": {"Fn::GetAtt": "Stream.Arn"}}),
        "Hose": (
            "KinesisFirehose::DeliveryStream",
            {
                "DeliveryStreamName": "d",
                "DeliveryStreamType": "KinesisStreamAsSource",
                "KinesisStreamSourceConfiguration": source,
                "ExtendedS3DestinationConfiguration": place,
            },
        ),
        "Mapping": (
            "Lambda::EventSourceMapping",
            {"FunctionName": "f", "EventSourceArn": {"Fn::GetAtt": "Stream.Arn"}, "StartingPosition": "TRIM_HORIZON"},
        ),
    }
    return json.dumps({"Resources": {name: {"Type": f"AWS::{kind}", "Properties": given} for name, (kind, given) in resources.items()}})


def test_a_stack_has_a_stream_with_all_who_read_it(here: Here) -> None:
    make(here, "f", PRINTS)
    here.s3.create_bucket(Bucket="lake")
    create(here, "stack", template(1, 24, "old/"))
    assert status(here, "stack")[0] == "CREATE_COMPLETE"
    assert here.kinesis.list_tags_for_stream(StreamName="s")["Tags"][0] == {"Key": "aws:cloudformation:logical-id", "Value": "Stream"}
    put(here, "a")
    here.jump(60)
    ((key, body),) = objects(here).items()
    assert (key[:8], body, batches(here)) == ("old/2026", b"a", [["a"]])
    here.cloudformation.update_stack(StackName="stack", TemplateBody=template(2, 48, "new/"))
    here.rest()
    assert status(here, "stack")[0] == "UPDATE_COMPLETE"
    summary = here.kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]
    assert (summary["OpenShardCount"], summary["RetentionPeriodHours"], summary["ConsumerCount"]) == (2, 48, 1)
    put(here, "b")
    here.jump(60)
    assert sorted(key[:8] for key in objects(here)) == ["new/2026", "old/2026"]
    here.cloudformation.delete_stack(StackName="stack")
    here.rest()
    assert (here.kinesis.list_streams()["StreamNames"], here.firehose.list_delivery_streams()["DeliveryStreamNames"]) == ([], [])


def test_a_policy_is_deployed_with_its_stream(here: Here) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kinesis:PutRecord", "Resource": STREAM}],
    }
    resources = {
        "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "s"}},
        "Policy": {
            "Type": "AWS::Kinesis::ResourcePolicy",
            "Properties": {"ResourceArn": {"Fn::GetAtt": "Stream.Arn"}, "ResourcePolicy": policy},
        },
    }
    create(here, "stack", json.dumps({"Resources": resources}))
    assert json.loads(here.kinesis.get_resource_policy(ResourceARN=STREAM)["Policy"]) == policy
    here.cloudformation.delete_stack(StackName="stack")
    here.rest()
    assert here.kinesis.list_streams()["StreamNames"] == []
