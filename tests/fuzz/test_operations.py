"""Every operation that is implemented, asked for whatever its model lets through: it does it or says by a fault that it doesn't."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.bends import BYTES, NASTY, TEXTS, VALUES, bent_text
from tests.fuzz.test_languages import CRON, FILTER, INSIGHTS, POLICY, TERMS
from tests.stories import dynamo as tables
from tests.stories.here import ACCOUNT, Here
from tests.stories.lambdas import make
from tests.wire import peer
from windtunnel.app.boot import SERVICES
from windtunnel.aws.errors import Fault
from windtunnel.aws.model import service_model, snake
from windtunnel.wire.codec import compiled

DEPTH_MAX = 5
RUNS = {"invoke", "invoke_async", "invoke_with_response_stream"}
"""These start processes, which is another matter."""
OPERATIONS = [(service.name, name) for service in SERVICES for name in sorted(service.load().functions) if name not in RUNS]
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
URLS = [f"http://localhost:4566/{ACCOUNT}/{name}" for name in ("q", "q.fifo")]
WORDS = [
    *(f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}" for name in ("q", "q.fifo", "none")),
    *(f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}" for name in ("t", "t.fifo", "t:00000000-0000-4000-8000-000000000000")),
    *(f"arn:aws:lambda:us-east-1:{ACCOUNT}:{name}" for name in ("function:f", "layer:l:1")),
    *(f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}" for name in ("g", "g:*", "g:log-stream:s")),
    *(f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{rest}" for rest in ("s", "none", "s/consumer/c:1767225600")),
    *("d", f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/d", "shardId-000000000000", "shardId-000000000001"),
    *(f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/books{rest}" for rest in ("", "/stream/2026-01-01T00:00:00.000", "/index/i")),
    *("SELECT * FROM books WHERE id = ?", "id = :a", "SET n = :a", "books", "id", ":a"),
    *(f"arn:aws:iam::{ACCOUNT}:{name}" for name in ("role/r", "user/u", "group/p")),
    *("arn:aws:s3:::box", "arn:aws:s3:::box/*", "arn:aws:iam::aws:policy/ReadOnlyAccess", *URLS, "http://127.0.0.1:1/", ACCOUNT),
    *("q", "q.fifo", "t", "box", "k", "f", "g", "s", "r", "u", "p", "a", "All", "true", "false", "null", "sqs", "email", "http"),
    *("0", "1", "-1", "30", "345600", "*", "/", "/a/", "a/b", "us-east-1", "eu-west-1", "$LATEST", "$DEFAULT", "python3.11", "app.handler"),
    *("2026-01-01", "2026-01-01T00:00:00Z", "bytes=0-1", "bytes=5-", "box/k", "/box/k?versionId=null", "a=b&c=d", "eyJhIjoxfQ=="),
    *("SELECT * FROM s3object s WHERE s.a > 1", "SELECT count(*) FROM S3Object[*].a LIMIT 5", "rate(5 minutes)", "cron(0 12 * * ? *)"),
    *("fields @message | filter a like /x/ | stats count() by bin(5m)", "[a, b = 1*, ...]", "{ $.a = 1 }", '"x" -y', "*.csv"),
]
DOCUMENTS = [
    *(json.dumps(POLICY), TRUST, FILTER, f'{{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:{ACCOUNT}:q", "maxReceiveCount": 3}}'),
    *('{"a": [1, {"b": null}]}', "[]", "<a/>"),
]
STRINGS = (
    st.sampled_from(WORDS)
    | st.sampled_from([*DOCUMENTS, *INSIGHTS, *TERMS, *CRON])
    | st.sampled_from(NASTY).map(lambda data: data.decode("utf-8", "replace"))
    | st.sampled_from([*WORDS, *DOCUMENTS]).flatmap(bent_text)
    | TEXTS
    | VALUES.map(json.dumps)
)
FOUND = {
    "Bucket": ["box"], "Key": ["k", "new"], "QueueUrl": URLS, "TopicArn": WORDS[3:5], "FunctionName": ["f"], "RoleName": ["r"],
    "UserName": ["u"],
    "StreamName": ["s", "o"], "StreamARN": [f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}" for name in ("s", "o")],
    "ShardId": ["shardId-000000000000", "shardId-000000000001"], "DeliveryStreamName": ["d"],
    "TableName": ["books"], "AttributeName": ["id", "n"],
    "GroupName": ["p"], "logGroupName": ["g"], "logStreamName": ["s"], "logGroupIdentifier": ["g"], "PolicyDocument": DOCUMENTS[:2],
}  # fmt: skip
"""What members are mostly to name, so that there is something to be done."""
NUMBERS = st.integers(-2, 20) | st.sampled_from([1_000, 2**31 - 1, 2**31, -(2**63), 2**63 - 1, 86_400, 1_767_225_600_000])
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "blob": BYTES,
    "timestamp": st.sampled_from([0.0, 1_767_225_600.0, 4e9, 1e12, -1.0]),
    "float": st.floats(),
    "double": st.floats(),
}


def value(draw: st.DrawFn, shape: Any, name: str, depth: int) -> Any:
    """Something of a shape of botocore's."""
    match shape.type_name:
        case "structure" if shape.is_document_type:
            return draw(VALUES)
        case "structure":
            return structure(draw, shape, depth + 1)
        case "list":
            return [value(draw, shape.member, name, depth) for _ in range(draw(st.integers(0, 2)))]
        case "map":
            return {value(draw, shape.key, name, depth): value(draw, shape.value, name, depth) for _ in range(draw(st.integers(0, 2)))}
        case "string" if shape.enum:
            return draw(st.sampled_from([*shape.enum, "a"]))
        case "string" if name in FOUND and draw(st.integers(0, 9)):
            return draw(st.sampled_from(FOUND[name]))
        case "string":
            return draw(STRINGS)
        case other:
            return draw(PLAIN.get(other, NUMBERS))


def structure(draw: st.DrawFn, shape: Any, depth: int) -> dict[str, Any]:
    """What is required, and some of the rest."""
    seldom = 3 if depth > 1 or draw(st.booleans()) else 1
    return {
        name: value(draw, member, name, depth)
        for name, member in shape.members.items()
        if name in shape.required_members or (depth < DEPTH_MAX and draw(st.integers(0, seldom)) == 0)
    }


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    service, name = draw(st.sampled_from(OPERATIONS))
    model: Any = peer.model(service)
    shape: Any = model.operation_model(next(known for known in model.operation_names if snake(known) == name)).input_shape
    return service, name, {} if shape is None else structure(draw, shape, 0)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    region = Here(tmp_path_factory.mktemp("fuzzed"))
    yield region
    region.close()


@pytest.fixture(scope="module")
def bugs() -> Iterator[list[str]]:
    """What the region logs as its own failures."""
    told = list[str]()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(self.format(record))

    handler = Handler(logging.ERROR)
    logging.getLogger("windtunnel").addHandler(handler)
    yield told
    logging.getLogger("windtunnel").removeHandler(handler)


@given(asked=st.lists(calls(), min_size=1, max_size=4))
def test_an_operation_is_carried_out_or_refused(here: Here, bugs: list[str], asked: list[tuple[str, str, dict[str, Any]]]) -> None:
    here.run(here.cloud.reset())
    furnish(here)
    bugs.clear()
    for service, name, request in asked:
        here.run(carried_out(here, service, name, request))
    here.jump(60)
    assert bugs == []


async def carried_out(here: Here, service: str, name: str, request: dict[str, Any]) -> None:
    """A call up to its response, or to where it waits."""
    codec = compiled(service, here.cloud.handled(service, name).name, service_model(service).protocols[0])
    over = asyncio.Event()

    async def answered() -> None:
        try:
            codec.respond(await here.cloud.run(service, name, request, here.scope), "id")
        except Fault as fault:
            codec.refuse(fault, "id")
        finally:
            over.set()

    task = here.cloud.loop.spawn(answered())
    here.cloud.loop.when_parked(task, over.set)
    await over.wait()
    task.cancel()
    await asyncio.wait([task])


def furnish(here: Here) -> None:
    """Something of everything."""
    here.sqs.create_queue(QueueName="q")
    here.sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})
    here.sqs.send_message(QueueUrl=URLS[0], MessageBody="m")
    here.sns.create_topic(Name="t")
    here.sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true"})
    here.s3.create_bucket(Bucket="box")
    here.s3.put_object(Bucket="box", Key="k", Body=b"a,b\n1,2\n")
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    here.iam.create_user(UserName="u")
    here.iam.create_group(GroupName="p")
    here.logs.create_log_group(logGroupName="g")
    here.logs.create_log_stream(logGroupName="g", logStreamName="s")
    here.logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": int(here.now * 1_000), "message": '{"a": 1}'}])
    here.kinesis.create_stream(StreamName="s", ShardCount=2)
    here.kinesis.create_stream(StreamName="o", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    here.kinesis.register_stream_consumer(StreamARN=f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s", ConsumerName="c")
    here.kinesis.put_record(StreamName="s", Data=b"{}", PartitionKey="k")
    place = {"BucketARN": "arn:aws:s3:::box", "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/r"}
    here.firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=place)
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    tables.make(here, StreamSpecification=stream)
    here.dynamodb.put_item(TableName="books", Item=tables.item(id="id", n=1))
    make(here, "f")
