"""What the simulation found, each told by itself."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sim.auditor.auditor import Signed, Written
from tests.sim.simulation import SQLITE
from tests.sim.workload.sqs import ANYONE
from tests.sim.world.durable import Player
from tests.sim.world.events import Ended, Played, Posted
from tests.sim.world.world import World
from windtunnel.fabric.timers import LOOK_AGAIN_SECONDS_MAX

URL = "http://localhost:4566/000000000000/q"

CODE = {"Runtime": "python3.11", "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": b"PK"}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path / "region", 1, SQLITE)
    yield one
    one.end()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[World]:
    """A region over the engine of several processes."""
    one = World(tmp_path / "region", 1, "tests.sim.world.disk:shared")
    yield one
    one.end()


def counts(attributes: dict[str, str]) -> list[int]:
    return [int(attributes[f"ApproximateNumberOfMessages{kind}"]) for kind in ("", "NotVisible", "Delayed")]


def posts(world: World) -> int:
    return sum(isinstance(event, Posted) for _, event in world.seen)


def test_who_asks_in_the_turn_of_a_receive_or_a_delay_sees_its_counts(world: World) -> None:
    world.call("sqs", "CreateQueue", QueueName="q")
    world.call("sqs", "SendMessage", QueueUrl=URL, MessageBody="a")
    world.begin("sqs", "SendMessage", {"QueueUrl": URL, "MessageBody": "b", "DelaySeconds": 5}, "1")
    world.begin("sqs", "ReceiveMessage", {"QueueUrl": URL}, "2")
    asked = world.begin("sqs", "GetQueueAttributes", {"QueueUrl": URL, "AttributeNames": ["All"]}, "3")
    world.machine.settle()
    assert counts(asked.answer.result["Attributes"]) == [0, 1, 1]


def test_no_room_for_an_objects_bytes_is_no_bug_wherever_they_are_written(world: World) -> None:
    place = {"Bucket": "box", "Key": "k"}
    world.call("s3", "CreateBucket", Bucket="box")
    upload = {**place, "UploadId": world.call("s3", "CreateMultipartUpload", **place).result["UploadId"]}
    parts = [{"PartNumber": 1, "ETag": world.call("s3", "UploadPart", **upload, PartNumber=1, Body=b"x" * 6_000_000).result["ETag"]}]
    parts.append({"PartNumber": 2, "ETag": world.call("s3", "UploadPart", **upload, PartNumber=2, Body=b"y").result["ETag"]})
    world.disk.full = True
    refused = world.call("s3", "CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts})
    assert (refused.fault, "no room" in refused.message) == ("ServiceUnavailable", True)
    world.disk.full = False
    assert world.call("s3", "CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts}).fault == ""


def test_time_does_not_go_back_where_a_jump_could_not_be_written_down(world: World) -> None:
    world.call("sqs", "CreateQueue", QueueName="q")
    world.disk.full = True
    world.jump(60)
    world.disk.full = False
    world.call("sqs", "SendMessage", QueueUrl=URL, MessageBody="a")
    now = world.now
    world.kill()
    assert world.now == now
    assert world.call("sqs", "ReceiveMessage", QueueUrl=URL).result["Messages"][0]["Body"] == "a"


def test_a_long_poll_that_ends_by_the_clients_own_clock_is_given_what_has_come(world: World) -> None:
    world.call("sqs", "CreateQueue", QueueName="q")
    world.call("lambda", "CreateFunction", FunctionName="f", **CODE, Handler="app.slow")
    world.call("lambda", "Invoke", FunctionName="f", InvocationType="Event", Payload=b'{"label": "a"}')
    world.machine.wait(2)
    world.call("sqs", "SendMessage", QueueUrl=URL, MessageBody="b", DelaySeconds=60)
    world.jump(59.5)
    asked = world.begin("sqs", "ReceiveMessage", {"QueueUrl": URL, "WaitTimeSeconds": 20}, "1")
    world.machine.settle()
    # The function runs again when the message comes, for a second of the machine's: the client has waited long enough by then.
    world.jump(0.5)
    assert [message["Body"] for message in asked.answer.result["Messages"]] == ["b"]


def test_an_event_whose_run_ends_while_the_disk_is_full_is_tried_again(world: World) -> None:
    world.call("lambda", "CreateFunction", FunctionName="f", **CODE, Handler="app.slow")
    world.call("lambda", "Invoke", FunctionName="f", InvocationType="Event", Payload=b'{"label": "a"}')
    world.disk.full = True
    world.machine.wait(2)
    assert world.functions.runs == {("f", "a"): 1}
    world.disk.full = False
    world.jump(600)
    assert world.functions.runs == {("f", "a"): 4}


def letters(world: World, url: str) -> str:
    """A topic with a subscriber at a URL, whose dead letters go to the queue; returns the topic's ARN."""
    arn = world.call("sns", "CreateTopic", Name="t").result["TopicArn"]
    world.call("sqs", "CreateQueue", QueueName="q", Attributes={"Policy": ANYONE})
    dead_letters = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:q"})}
    world.call("sns", "Subscribe", TopicArn=arn, Protocol="http", Endpoint=url, Attributes=dead_letters)
    world.call("sns", "ConfirmSubscription", TopicArn=arn, Token=world.subscribers.tokens[url])
    return str(arn)


def waiting(world: World) -> list[int]:
    return counts(world.call("sqs", "GetQueueAttributes", QueueUrl=URL, AttributeNames=["All"]).result["Attributes"])


def test_what_falls_due_while_the_disk_is_full_is_not_multiplied(world: World) -> None:
    arn = letters(world, "http://dead.example/1")
    world.call("sns", "Publish", TopicArn=arn, Message="a")
    world.disk.full = True
    world.jump(60)
    assert posts(world) == 1
    world.disk.full = False
    world.jump(600)
    assert (posts(world), waiting(world)) == (4, [1, 0, 0])


def test_a_day_with_a_full_disk_is_not_a_day_of_attempts_and_what_is_due_runs_once_there_is_room(world: World) -> None:
    arn = letters(world, "http://dead.example/1")
    world.call("lambda", "CreateFunction", FunctionName="f", **CODE, Handler="app.slow")
    world.call("lambda", "Invoke", FunctionName="f", InvocationType="Event", Payload=b'{"label": "a"}')
    world.call("sns", "Publish", TopicArn=arn, Message="a")
    world.disk.full = True
    world.jump(24 * 60 * 60)
    assert world.disk.refused < 3 * 24 * 60 * 60 / LOOK_AGAIN_SECONDS_MAX
    world.disk.full = False
    before = posts(world)
    world.call("sns", "CreateTopic", Name="other")
    assert posts(world) == before + 1


def test_a_queue_is_polled_again_after_a_day_with_a_full_disk(world: World) -> None:
    world.call("sqs", "CreateQueue", QueueName="q")
    world.call("lambda", "CreateFunction", FunctionName="f", **CODE, Handler="app.fine")
    arn = "arn:aws:sqs:us-east-1:000000000000:q"
    world.call("lambda", "CreateEventSourceMapping", EventSourceArn=arn, FunctionName="f", BatchSize=1)
    world.call("sqs", "SendMessage", QueueUrl=URL, MessageBody="before")
    world.disk.full = True
    world.jump(24 * 60 * 60)
    world.disk.full = False
    world.call("sqs", "SendMessage", QueueUrl=URL, MessageBody="after")
    world.jump(1_000)
    assert world.functions.runs == {("f", "before"): 1, ("f", "after"): 1}


def test_streams_are_read_while_the_disk_is_full(world: World) -> None:
    world.call("kinesis", "CreateStream", StreamName="s", ShardCount=1)
    world.call("kinesis", "PutRecord", StreamName="s", Data=b"a", PartitionKey="k")
    place = {"StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    keys = {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    }
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    made = world.call("dynamodb", "CreateTable", TableName="table", **keys, BillingMode="PAY_PER_REQUEST", StreamSpecification=stream)
    arn = made.result["TableDescription"]["LatestStreamArn"]
    shard = world.call("dynamodbstreams", "DescribeStream", StreamArn=arn).result["StreamDescription"]["Shards"][0]
    start = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    world.disk.full = True
    for service, where in (("kinesis", place), ("dynamodbstreams", start)):
        world.jump(1)  # the clock can't be written down
        iterator = world.call(service, "GetShardIterator", **where).result["ShardIterator"]
        assert world.call(service, "GetRecords", ShardIterator=iterator).fault == ""


def test_a_delivery_leaves_one_dead_letter_whenever_the_process_dies(world: World) -> None:
    arn, before = letters(world, "http://gone.example/1"), 0
    for turns in range(1, 16):
        sent = world.begin("sns", "Publish", {"TopicArn": arn, "Message": f"m{turns}"}, str(turns))
        world.machine.settle_within(turns)
        world.kill()
        world.jump(60)
        now = waiting(world)[0]
        assert before + sent.ended <= now <= before + 1
        before = now
    assert before > 10


def test_a_write_that_is_refused_ends_no_other_call_where_several_processes_serve_the_region(workers: World) -> None:
    workers.call("sqs", "CreateQueue", QueueName="q")
    workers.call("lambda", "CreateFunction", FunctionName="f", **CODE, Handler="app.slow")
    asked = workers.begin("sqs", "ReceiveMessage", {"QueueUrl": URL, "WaitTimeSeconds": 20}, "1")
    workers.begin("lambda", "Invoke", {"FunctionName": "f", "Payload": b'{"label": "a"}'}, "2")
    workers.machine.settle()
    workers.disk.full = True
    assert workers.call("sqs", "SendMessage", QueueUrl=URL, MessageBody="a").fault == "ServiceUnavailable"
    workers.machine.wait(3)
    workers.disk.full = False
    assert [event.outcome for _, event in workers.seen if isinstance(event, Ended)] == ["error"]
    workers.call("sqs", "SendMessage", QueueUrl=URL, MessageBody="b")
    assert [message["Body"] for message in asked.answer.result["Messages"]] == ["b"]


def test_a_jump_during_which_the_disk_fills_is_answered_once_there_is_room(workers: World) -> None:
    arn = letters(workers, "http://dead.example/1")
    workers.call("sns", "Publish", TopicArn=arn, Message="a")
    before = workers.now

    def fill(said: object) -> None:
        workers.disk.full = True
        tell(said)

    tell, workers.subscribers._tell = workers.subscribers._tell, fill
    jumping = workers.machine.create_task(workers.cloud.jump(before + 600))
    workers.machine.wait(1)
    workers.subscribers._tell = tell
    assert (workers.now, jumping.done()) == (before + 600, False)
    workers.disk.full = False
    workers.machine.wait(1)
    assert jumping.done()
    workers.kill()
    assert workers.now == before + 600
    workers.jump(600)
    assert (posts(workers), waiting(workers)) == (4, [1, 0, 0])


def test_who_reads_with_a_key_for_the_first_time_may_do_so_while_the_disk_is_full(workers: World) -> None:
    workers.call("iam", "CreateUser", UserName="ada")
    key = workers.call("iam", "CreateAccessKey", UserName="ada").result["AccessKey"]["AccessKeyId"]
    workers.disk.full = True
    assert workers.identify("sqs", Signed(key, "")) == "arn:aws:iam::000000000000:user/ada"


@pytest.mark.parametrize("name", ["world", "workers"])
def test_a_call_that_is_refused_is_counted_though_it_takes_the_transaction_with_it_that_it_was_a_part_of(
    name: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(name)
    key = world.call("kms", "CreateKey").result["KeyMetadata"]["KeyId"]
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    world.call("s3", "CreateBucket", Bucket="box")
    world.call("s3", "PutObject", Bucket="box", Key="k", Body=b"a", **sealed)
    world.call("kms", "DisableKey", KeyId=key)
    assert world.call("s3", "GetObject", Bucket="box", Key="k").fault == "KMS.DisabledException"
    (usage, trail), _ = world.recorded(Written([]).read)
    assert usage["kms", "Decrypt"] == trail["kms", "Decrypt"] == 1


def test_an_execution_that_ended_while_its_process_died_runs_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleeps(player: Player) -> None:
        world.functions.tell(Played(player.arn, "", "begins"))
        await asyncio.sleep(60)

    monkeypatch.setattr(Player, "play", sleeps)
    world.call("lambda", "CreateFunction", FunctionName="f", Handler="app.lasts", **CODE, DurableConfig={"ExecutionTimeout": 600})
    arn = world.call("lambda", "Invoke", FunctionName="f:$LATEST", InvocationType="Event").result["DurableExecutionArn"]
    world.call("lambda", "StopDurableExecution", DurableExecutionArn=arn)
    world.kill()
    assert sum(isinstance(event, Played) for _, event in world.seen) == 1
    assert world.call("lambda", "GetDurableExecution", DurableExecutionArn=arn).result["Status"] == "STOPPED"
    assert [
        event["EventType"] for event in world.call("lambda", "GetDurableExecutionHistory", DurableExecutionArn=arn).result["Events"]
    ] == ["ExecutionStarted", "ExecutionStopped"]
