"""What goes on by itself in slices or behind a reply, a process that dies in the middle of it, and what must be there all the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sim.auditor.auditor import snake
from tests.sim.auditor.base import Call
from tests.sim.auditor.elsewhere import Troubles
from tests.sim.auditor.stacks import KINDS, Stacks, template
from tests.sim.simulation import SQLITE
from tests.sim.workload.base import ACCOUNT, queue_arn, url_of
from tests.sim.workload.sqs import ANYONE
from tests.sim.world.world import World

MESSAGES = 70
"""More than one slice of a move task or a replay."""
TURNS = (4, 5, 6, 8, 13)
"""After so many turns of its loop the process is gone: before the call is kept, while it is, and with the slices after it."""


def made(world: World, service: str, operation: str, **request: Any) -> Any:
    answer = world.call(service, operation, **request)
    assert not answer.fault, answer.message
    return answer.result


def received(world: World, queue: str) -> list[str]:
    """Everything that can be received, in the order in which it comes."""
    found: list[str] = []
    while messages := made(world, "sqs", "ReceiveMessage", QueueUrl=url_of(queue), MaxNumberOfMessages=10).get("Messages"):
        found += [message["Body"] for message in messages]
        for message in messages:
            made(world, "sqs", "DeleteMessage", QueueUrl=url_of(queue), ReceiptHandle=message["ReceiptHandle"])
    return found


def dies(world: World, turns: int, service: str, operation: str, **request: Any) -> None:
    world.begin(service, operation, request, "1")
    world.machine.settle_within(turns)
    world.kill()


@pytest.mark.parametrize("turns", TURNS)
def test_a_move_task_loses_no_message_and_doubles_none(tmp_path: Path, turns: int) -> None:
    world = World(tmp_path, 1, SQLITE)
    for queue in ("dead", "q"):
        made(world, "sqs", "CreateQueue", QueueName=queue)
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": queue_arn("dead"), "maxReceiveCount": "3"})}
    made(world, "sqs", "SetQueueAttributes", QueueUrl=url_of("q"), Attributes=redrive)
    sent = [f"m{number}" for number in range(MESSAGES)]
    for body in sent:
        made(world, "sqs", "SendMessage", QueueUrl=url_of("dead"), MessageBody=body)
    dies(world, turns, "sqs", "StartMessageMoveTask", SourceArn=queue_arn("dead"), DestinationArn=queue_arn("q"))
    world.jump(1)
    assert sorted(received(world, "q") + received(world, "dead")) == sorted(sent)
    world.end()


@pytest.mark.parametrize("turns", TURNS)
def test_a_replay_gives_the_whole_archive_in_order(tmp_path: Path, turns: int) -> None:
    world = World(tmp_path, 1, SQLITE)
    archive = {"FifoTopic": "true", "ContentBasedDeduplication": "true", "ArchivePolicy": json.dumps({"MessageRetentionPeriod": "1"})}
    topic = made(world, "sns", "CreateTopic", Name="t.fifo", Attributes=archive)["TopicArn"]
    made(world, "sqs", "CreateQueue", QueueName="q.fifo", Attributes={"FifoQueue": "true", "Policy": ANYONE})
    sent = [f"m{number}" for number in range(MESSAGES)]
    for message in sent:
        made(world, "sns", "Publish", TopicArn=topic, Message=message, MessageGroupId="g")
    asked = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue_arn("q.fifo"), "ReturnSubscriptionArn": True}
    whole = {"PointType": "Timestamp", "StartingPoint": "2026-01-01T00:00:00.000Z"}
    dies(world, turns, "sns", "Subscribe", **asked, Attributes={"RawMessageDelivery": "true", "ReplayPolicy": json.dumps(whole)})
    world.jump(1)
    there = made(world, "sns", "ListSubscriptions")["Subscriptions"]
    assert received(world, "q.fifo") == (sent if there else [])
    world.end()


@pytest.mark.parametrize("turns", TURNS)
def test_a_version_is_replicated_once_and_told_of_once(tmp_path: Path, turns: int) -> None:
    world = World(tmp_path, 1, SQLITE)
    made(world, "sqs", "CreateQueue", QueueName="q", Attributes={"Policy": ANYONE})
    for bucket in ("from-here", "to-there"):
        made(world, "s3", "CreateBucket", Bucket=bucket)
        made(world, "s3", "PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""}, "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": "arn:aws:s3:::to-there"},
    }  # fmt: skip
    rules = {"Role": f"arn:aws:iam::{ACCOUNT}:role/copies", "Rules": [rule]}
    made(world, "s3", "PutBucketReplication", Bucket="from-here", ReplicationConfiguration=rules)
    told = {"QueueConfigurations": [{"QueueArn": queue_arn("q"), "Events": ["s3:ObjectCreated:*"]}]}
    made(world, "s3", "PutBucketNotificationConfiguration", Bucket="to-there", NotificationConfiguration=told)
    assert len(received(world, "q")) == 1
    dies(world, turns, "s3", "PutObject", Bucket="from-here", Key="k", Body=b"x" * 50_000)
    world.jump(900)
    here, there = (
        [(one["VersionId"], one["ETag"]) for one in made(world, "s3", "ListObjectVersions", Bucket=bucket).get("Versions", [])]
        for bucket in ("from-here", "to-there")
    )
    assert here == there
    assert len(received(world, "q")) == len(there)
    if there:
        assert made(world, "s3", "HeadObject", Bucket="from-here", Key="k")["ReplicationStatus"] == "COMPLETED"
        assert made(world, "s3", "GetObject", Bucket="to-there", Key="k")["Body"] == b"x" * 50_000
    world.end()


@pytest.mark.parametrize("turns", [6, 11, 12])
def test_a_stack_is_what_it_was_or_what_it_was_to_be(tmp_path: Path, turns: int) -> None:
    world = World(tmp_path, 1, SQLITE)
    model = Stacks(world.asks(Stacks.region), Troubles(lambda: world.now))

    def call(operation: str, turns: int, **request: Any) -> None:
        request = {"StackName": "stack-a", **request}
        said = world.begin("cloudformation", operation, request, "1", region=Stacks.region)
        world.machine.settle_within(turns)
        world.kill()
        ended = Call("cloudformation", operation, request, Stacks.region, "1", world.now, *said.answer)
        getattr(model, snake(operation) + ("" if said.ended else "_unknown"))(ended)
        model.audit()

    for operation, variant in (("CreateStack", 1), ("UpdateStack", 2)):
        body = json.dumps(template(dict.fromkeys(KINDS, variant), wrong=None))
        given = {"TemplateBody": body, "Capabilities": ["CAPABILITY_IAM"]}
        call(operation, turns, **given)
        if "stack-a" not in model.stacks:
            call(operation, 1_000, **given)
    call("DeleteStack", turns)
    world.end()


def test_a_secret_is_rotated_once_whenever_the_process_dies(tmp_path: Path) -> None:
    world = World(tmp_path, 1, SQLITE)
    code = {"Runtime": "python3.11", "Role": f"arn:aws:iam::{ACCOUNT}:role/r", "Code": {"ZipFile": b"PK"}, "Handler": "app.rotates"}
    function = made(world, "lambda", "CreateFunction", FunctionName="f", **code)["FunctionArn"]
    granted = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "secretsmanager.amazonaws.com"}
    made(world, "lambda", "AddPermission", FunctionName="f", **granted)
    made(world, "secretsmanager", "CreateSecret", Name="s", SecretString="old", ClientRequestToken="0" * 36)
    rotates = {"RotationLambdaARN": function, "RotationRules": {"AutomaticallyAfterDays": 1}}
    before = "0" * 36
    for turns in range(1, 30, 2):
        token = f"{turns:036}"
        dies(world, turns, "secretsmanager", "RotateSecret", SecretId="s", ClientRequestToken=token, **rotates)
        world.jump(2 * 3_600)
        labels = made(world, "secretsmanager", "DescribeSecret", SecretId="s")["VersionIdsToStages"]
        if token in labels:
            assert labels == {token: ["AWSCURRENT"], before: ["AWSPREVIOUS"]}
            assert made(world, "secretsmanager", "GetSecretValue", SecretId="s")["SecretString"] == f"new {token}"
            before = token
    world.jump(86_400)
    labels = made(world, "secretsmanager", "DescribeSecret", SecretId="s")["VersionIdsToStages"]
    assert (labels.pop(before), list(labels.values())) == (["AWSPREVIOUS"], [["AWSCURRENT"]])
    world.end()
