"""Who writes into streams by themselves: subscriptions of logs, of groups, of other accounts and of all, and topics."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.test_firehose import ARN as HOSE
from tests.stories.test_firehose import ROLE, create, objects
from windtunnel.fabric.meter import USAGE

STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"


@pytest.fixture
def stream(here: Here, logs: Any) -> Any:
    """Kinesis with a stream `s`, beside a log group `g`."""
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    return here.kinesis


def log(here: Here, *texts: str) -> None:
    events = [{"timestamp": int(here.now * 1000), "message": text} for text in texts]
    here.logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)


def documents(kinesis: Any) -> list[Any]:
    """What lies in the stream, unpacked: the first is a message that only tries it out."""
    at = kinesis.get_shard_iterator(StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    return [json.loads(gzip.decompress(record["Data"])) for record in kinesis.get_records(ShardIterator=at)["Records"]]


def test_a_group_s_events_come_into_a_stream(here: Here, stream: Any) -> None:
    here.logs.put_subscription_filter(logGroupName="g", filterName="all", filterPattern="", destinationArn=STREAM, roleArn=ROLE)
    log(here, "one", "two")
    tried, told = documents(stream)
    assert tried["messageType"] == "CONTROL_MESSAGE"
    assert [event["message"] for event in told.pop("logEvents")] == ["one", "two"]
    assert told == {"messageType": "DATA_MESSAGE", "owner": ACCOUNT, "logGroup": "g", "logStream": "s", "subscriptionFilters": ["all"]}


def test_another_account_s_events_come_by_a_destination(here: Here, stream: Any) -> None:
    destination = here.logs.put_destination(destinationName="d", targetArn=STREAM, roleArn=ROLE)["destination"]["arn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "logs:*", "Resource": destination}]}
    here.logs.put_destination_policy(destinationName="d", accessPolicy=json.dumps(policy))
    other = here.at(account="111122223333")
    other.logs.create_log_group(logGroupName="g")
    other.logs.create_log_stream(logGroupName="g", logStreamName="s")
    other.logs.put_subscription_filter(logGroupName="g", filterName="all", filterPattern="", destinationArn=destination)
    log(other, "one")
    told = documents(stream)[-1]
    assert (told["owner"], [event["message"] for event in told["logEvents"]]) == ("111122223333", ["one"])


def test_all_events_of_an_account_come_into_a_bucket(here: Here, stream: Any) -> None:
    here.s3.create_bucket(Bucket="lake")
    create(here, "arn:aws:s3:::lake")
    document = {"DestinationArn": HOSE, "RoleArn": ROLE, "FilterPattern": "", "Distribution": "Random"}
    here.logs.put_account_policy(policyName="p", policyType="SUBSCRIPTION_FILTER_POLICY", policyDocument=json.dumps(document), scope="ALL")
    log(here, "one")
    here.jump(60)
    (body,) = objects(here).values()
    assert json.loads(gzip.decompress(body).decode().partition("}]}")[2])["logEvents"][0]["message"] == "one"


def test_a_topic_s_delivery_to_a_stream_is_logged(here: Here) -> None:
    here.s3.create_bucket(Bucket="lake")
    create(here, "arn:aws:s3:::lake")
    topic = here.sns.create_topic(Name="t", Attributes={"FirehoseSuccessFeedbackRoleArn": ROLE, "FirehoseSuccessFeedbackSampleRate": "100"})
    arn = topic["TopicArn"]
    attributes = {"SubscriptionRoleArn": ROLE, "RawMessageDelivery": "true"}
    here.sns.subscribe(TopicArn=arn, Protocol="firehose", Endpoint=HOSE, Attributes=attributes)
    here.sns.publish(TopicArn=arn, Message="hello")
    here.jump(60)
    assert list(objects(here).values()) == [b"hello"]
    (event,) = here.logs.filter_log_events(logGroupName=f"sns/{REGION}/{ACCOUNT}/t")["events"]
    delivery = json.loads(event["message"])["delivery"]
    assert (delivery["destination"], delivery["statusCode"]) == (HOSE, 200)


def test_what_is_put_is_metered(here: Here, stream: Any) -> None:
    stream.put_record(StreamName="s", Data=b"x" * 30_000, PartitionKey="k")
    used = here.cloud.apply(lambda tx: {key[4:]: amount for key, amount in tx.scan(USAGE) if key[3] == "kinesis"})
    assert used["PutRequestPayloadUnits", "s"] == 2
