"""`make soak`: mixed load on all services with functions running, for as long as MINUTES says, and what the server holds meanwhile.

Each loop clears away what it has made, so that a server which keeps nothing needless stays as large as it was when warm: its
memory, descriptors, processes and threads are sampled, and the report (`bench/results/soak.md`) compares the second quarter of the
time with the last one.
"""

import argparse
import io
import itertools
import json
import random
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench import proc, servers
from bench.report import machine
from bench.servers import ROOT, Server

RESULT = ROOT / "bench/results/soak.md"
SAMPLE_SECONDS = 10.0
PAUSE_SECONDS = 0.03
"""Between two steps of a loop, so that the server is busy and not swamped."""
SETTLE_SECONDS = 20.0
GROWTH_MAX = 1.05
HANDLER = """
import boto3, json
s3 = boto3.client("s3")
def handler(event, context):
    print("seen", len(json.dumps(event)))
    for record in event.get("Records", []):
        if "s3" in record:
            s3.head_object(Bucket=record["s3"]["bucket"]["name"], Key=record["s3"]["object"]["key"])
    if event.get("fail"):
        raise ValueError("asked to fail")
    return {"ok": True}
"""


@dataclass(frozen=True)
class Sample:
    """What the server held at one moment. `memory` in bytes: of the server itself, and of it with all its children."""

    at: float
    memory: int
    memory_tree: int
    descriptors: int
    threads: int
    processes: int
    data_bytes: int


class Clients(dict[str, Any]):
    """A loop's clients, each made when it is first asked for."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    def __missing__(self, service: str) -> Any:
        self[service] = client = self._server.client(service)
        return client


@dataclass
class Soak:
    """The load: what it uses, what it has done, and when it ends."""

    server: Server
    ends: float
    done: Counter[str] = field(default_factory=Counter[str])
    errors: Counter[str] = field(default_factory=Counter[str])
    names: dict[str, str] = field(default_factory=dict[str, str])

    def loop(self, step: Callable[["Soak", dict[str, Any], int], None]) -> None:
        clients = Clients(self.server)
        for number in itertools.count():
            if time.monotonic() >= self.ends:
                return
            try:
                step(self, clients, number)
                self.done[step.__name__] += 1
            except Exception as error:  # whatever goes wrong is counted, and the load goes on
                self.errors[f"{step.__name__}: {type(error).__name__}: {str(error)[:120]}"] += 1
            time.sleep(PAUSE_SECONDS)


def queues(soak: Soak, aws: dict[str, Any], number: int) -> None:
    """Sends, receives and deletes on a standard and a FIFO queue; one message in fifty is left to its dead-letter queue."""
    sqs, names = aws["sqs"], soak.names
    sqs.send_message(QueueUrl=names["orders"], MessageBody=f"order {number} " + "x" * random.randrange(2_000))
    sqs.send_message(QueueUrl=names["orders.fifo"], MessageBody=str(number), MessageGroupId=str(number % 7))
    for name in ("orders", "orders.fifo", "dead"):
        for message in sqs.receive_message(QueueUrl=names[name], MaxNumberOfMessages=10).get("Messages", []):
            if name != "orders" or number % 50:
                sqs.delete_message(QueueUrl=names[name], ReceiptHandle=message["ReceiptHandle"])


def topics(soak: Soak, aws: dict[str, Any], number: int) -> None:
    """Publishes to two queues, one of them filtered, and a function."""
    attributes = {"size": {"DataType": "Number", "StringValue": str(number % 10)}}
    aws["sns"].publish(TopicArn=soak.names["news"], Message=f"news {number}", MessageAttributes=attributes)
    for name in ("news-all", "news-large"):
        received = aws["sqs"].receive_message(QueueUrl=soak.names[name], MaxNumberOfMessages=10).get("Messages", [])
        entries = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(received)]
        if entries:
            aws["sqs"].delete_message_batch(QueueUrl=soak.names[name], Entries=entries)


def objects(soak: Soak, aws: dict[str, Any], number: int) -> None:
    """Puts, reads, lists and deletes objects of many sizes; each upload calls a function."""
    s3, key = aws["s3"], f"folder {number % 5}/{number}"
    body = random.randbytes(random.choice((100, 10_000, 1_000_000)))
    s3.put_object(Bucket="soak", Key=key, Body=body)
    assert s3.get_object(Bucket="soak", Key=key)["Body"].read() == body
    s3.list_objects_v2(Bucket="soak", Delimiter="/")
    s3.delete_object(Bucket="soak", Key=key)


def functions(soak: Soak, aws: dict[str, Any], number: int) -> None:
    """Invokes a function and waits, or not; now and then it fails, or gets new code."""
    event = json.dumps({"number": number, "fail": number % 20 == 0}).encode()
    aws["lambda"].invoke(FunctionName="soak", Payload=event, InvocationType="Event" if number % 3 else "RequestResponse")
    if number % 200 == 199:
        aws["lambda"].update_function_code(FunctionName="soak", ZipFile=archive(f"# {number}\n{HANDLER}"))


def groups(soak: Soak, aws: dict[str, Any], number: int) -> None:
    """Writes, searches and deletes logs."""
    logs, group = aws["logs"], f"/soak/{number % 3}"
    if number % 100 < 3:
        logs.delete_log_group(logGroupName=group) if number > 3 else None
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="stream")
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName=group, logStreamName="stream", logEvents=[{"timestamp": now, "message": f"line {line}"} for line in range(20)]
    )
    logs.filter_log_events(logGroupName=group, filterPattern="line", limit=50)


def people(_: Soak, aws: dict[str, Any], number: int) -> None:
    """Makes and deletes users with keys, and assumes a role."""
    iam, name = aws["iam"], f"user-{number}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    iam.delete_user(UserName=name)
    aws["sts"].get_caller_identity()
    aws["sts"].assume_role(RoleArn="arn:aws:iam::000000000000:role/visitor", RoleSessionName=f"s{number}")


def tables(soak: Soak, aws: dict[str, Any], number: int) -> None:
    """Puts, changes, queries and deletes items; each change goes to a stream that is read, and to a function."""
    dynamodb, key = aws["dynamodb"], {"pk": {"S": f"p{number % 5}"}, "sk": {"N": str(number)}}
    dynamodb.put_item(TableName="soak", Item={**key, "text": {"S": "x" * random.randrange(2_000)}})
    dynamodb.update_item(TableName="soak", Key=key, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}})
    found = dynamodb.query(TableName="soak", KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": key["pk"]})
    assert key["sk"] in [item["sk"] for item in found["Items"]]
    dynamodb.delete_item(TableName="soak", Key=key)
    if number % 20 == 0:
        streams, arn = aws["dynamodbstreams"], soak.names["changes"]
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            streams.get_records(ShardIterator=streams.get_shard_iterator(**place)["ShardIterator"], Limit=100)


def streams(soak: Soak, aws: dict[str, Any], number: int) -> None:
    """Puts records into a stream that stays and is read on, and now and then into one that doesn't."""
    kinesis, records = aws["kinesis"], [{"Data": random.randbytes(500), "PartitionKey": str(key)} for key in range(10)]
    if number % 50 == 0:
        if number:
            kinesis.delete_stream(StreamName="brief")
        kinesis.create_stream(StreamName="brief", ShardCount=2)
        place = {"StreamName": "soak", "ShardId": "shardId-000000000000", "ShardIteratorType": "LATEST"}
        soak.names["place"] = kinesis.get_shard_iterator(**place)["ShardIterator"]
    kinesis.put_records(StreamName="brief", Records=records)
    kinesis.put_records(StreamName="soak", Records=records[: 1 if number % 10 else 5])
    if number % 10 == 0:
        soak.names["place"] = kinesis.get_records(ShardIterator=soak.names["place"], Limit=100)["NextShardIterator"]


def rules(soak: Soak, aws: dict[str, Any], number: int) -> None:
    """Puts events, of which a rule takes some to a queue; another rule comes and goes."""
    events, sqs, url = aws["events"], aws["sqs"], soak.names["told"]
    detail = json.dumps({"number": number})
    events.put_events(Entries=[{"Source": "soak", "DetailType": kind, "Detail": detail} for kind in ("sale", "loss")])
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    if number % 10 == 0:
        events.put_rule(Name="brief", ScheduleExpression="rate(1 minute)")
        events.put_targets(Rule="brief", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:told"}])
        events.remove_targets(Rule="brief", Ids=["1"])
        events.delete_rule(Name="brief")


def stacks(_: Soak, aws: dict[str, Any], number: int) -> None:
    """Makes, changes and deletes a stack; one in five is rolled back. Names come again: what is remembered by name has an end, but it
    would not come to it in this time."""
    cloudformation, name = aws["cloudformation"], f"soak-{number % STACK_NAMES}"
    subscribed = [{"Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}}]
    trusted = {"Version": "2012-10-17", "Statement": [TRUST]}
    resources: dict[str, Any] = {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, "Subscription": subscribed}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name, "AssumeRolePolicyDocument": trusted}},
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": 1}},
    }
    if number % 5 == 4:
        resources["Wrong"] = {"Type": "AWS::SQS::Queue", "DependsOn": "Topic", "Properties": {"DelaySeconds": 99_999}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_NAMED_IAM"])
    status = _ended(cloudformation, name)
    assert status == ("ROLLBACK_COMPLETE" if "Wrong" in resources else "CREATE_COMPLETE"), status
    if status == "CREATE_COMPLETE":
        resources["Group"]["Properties"]["RetentionInDays"] = 3
        cloudformation.update_stack(
            StackName=name, TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        status = _ended(cloudformation, name)
        assert status == "UPDATE_COMPLETE", status
    cloudformation.delete_stack(StackName=name)


def _ended(cloudformation: Any, name: str) -> str:
    """A stack's status once nothing is in progress."""
    while True:
        status = str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(PAUSE_SECONDS)


STACK_NAMES = 500
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
STEPS = (queues, topics, objects, functions, groups, people, tables, streams, rules, stacks)


def archive(code: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("app.py", code)
    return packed.getvalue()


def set_up(soak: Soak) -> None:
    server, names = soak.server, soak.names
    iam, sqs, sns, s3, functions = (server.client(name) for name in ("iam", "sqs", "sns", "s3", "lambda"))
    roles = {"soak": TRUST, "visitor": {**TRUST, "Principal": {"AWS": "arn:aws:iam::000000000000:root"}}}
    for name, statement in roles.items():
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everyone]})
    for name in ("dead", "news-all", "news-large", "told"):
        names[name] = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 2})
    names["orders"] = sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "2", "RedrivePolicy": redrive})["QueueUrl"]
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    names["orders.fifo"] = sqs.create_queue(QueueName="orders.fifo", Attributes=fifo)["QueueUrl"]
    runtime = "python{}.{}".format(*sys.version_info[:2])
    role = "arn:aws:iam::000000000000:role/soak"
    made = functions.create_function(
        FunctionName="soak", Runtime=runtime, Role=role, Handler="app.handler", Code={"ZipFile": archive(HANDLER)}, Timeout=20
    )
    functions.put_function_event_invoke_config(FunctionName="soak", MaximumRetryAttempts=0)
    for name in ("s3", "sns"):
        principal = f"{name}.amazonaws.com"
        functions.add_permission(FunctionName="soak", StatementId=name, Action="lambda:InvokeFunction", Principal=principal)
    names["news"] = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=names["news"], Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:news-all")
    large = {"FilterPolicy": json.dumps({"size": [{"numeric": [">", 5]}]})}
    sns.subscribe(TopicArn=names["news"], Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:news-large", Attributes=large)
    sns.subscribe(TopicArn=names["news"], Protocol="lambda", Endpoint=made["FunctionArn"])
    s3.create_bucket(Bucket="soak")
    told = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": made["FunctionArn"], "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(Bucket="soak", NotificationConfiguration=told)
    set_up_streams(soak)


def set_up_streams(soak: Soak) -> None:
    server, names = soak.server, soak.names
    dynamodb, kinesis, events, functions = (server.client(name) for name in ("dynamodb", "kinesis", "events", "lambda"))
    table = dynamodb.create_table(
        TableName="soak",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    names["changes"] = table["TableDescription"]["LatestStreamArn"]
    kinesis.create_stream(StreamName="soak", ShardCount=1)
    stream = kinesis.describe_stream_summary(StreamName="soak")["StreamDescriptionSummary"]["StreamARN"]
    for source in (names["changes"], stream):
        functions.create_event_source_mapping(EventSourceArn=source, FunctionName="soak", StartingPosition="LATEST", BatchSize=100)
    events.put_rule(Name="soak", EventPattern=json.dumps({"source": ["soak"], "detail-type": ["sale"]}))
    events.put_targets(Rule="soak", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:told"}])


def take(server: Server, began: float) -> Sample:
    own, page = server.process.pid, servers.os.sysconf("SC_PAGE_SIZE")
    memory = int(Path(f"/proc/{own}/statm").read_text().split()[1]) * page
    threads = int(proc.stat(own)[17])
    descriptors = len(list(Path(f"/proc/{own}/fd").iterdir()))
    held = sum(path.stat().st_size for path in server.data.glob("*.db*"))
    return Sample(time.monotonic() - began, memory, server.memory(), descriptors, threads, len(proc.tree(own)), held)


def growth(samples: list[Sample], of: Callable[[Sample], float]) -> tuple[float, float]:
    """The medians of the second quarter of the time, when all is warm, and of the last."""
    quarter = max(1, len(samples) // 4)
    return median(map(of, samples[quarter : 2 * quarter])), median(map(of, samples[-quarter:]))


def report(soak: Soak, samples: list[Sample], after: Sample, minutes: float) -> str:
    figures: dict[str, Callable[[Sample], float]] = {
        "memory of the server, MB": lambda one: one.memory / 1e6,
        "memory with its functions, MB": lambda one: one.memory_tree / 1e6,
        "open descriptors": lambda one: one.descriptors,
        "threads": lambda one: one.threads,
        "processes": lambda one: one.processes,
        "rows' file and log, MB": lambda one: one.data_bytes / 1e6,
    }
    lines = [f"# A soak of {minutes:g} minutes", "", machine(), ""]
    lines += ["| | second quarter | last quarter | after the load |", "|---|---|---|---|"]
    for name, of in figures.items():
        early, late = growth(samples, of)
        lines.append(f"| {name} | {early:,.1f} | {late:,.1f} | {of(after):,.1f} |")
    early, late = growth(samples, figures["memory of the server, MB"])
    verdict = "flat" if late / early <= GROWTH_MAX else "NOT flat"
    lines += ["", f"The server's memory grew by {(late / early - 1) * 100:+.1f} %: {verdict}."]
    lines += ["", "| loop | rounds |", "|---|---|", *(f"| {name} | {count:,} |" for name, count in sorted(soak.done.items()))]
    lines += ["", "Errors: " + ("none." if not soak.errors else "")]
    lines += [f"- {count} x {error}" for error, count in soak.errors.most_common(20)]
    by_minute = " ".join(f"{one.memory / 1e6:.0f}" for one in samples[:: round(60 / SAMPLE_SECONDS)])
    lines += ["", f"Memory of the server, MB, by the minute: {by_minute}"]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make soak MINUTES=…", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes = parser.parse_args().minutes
    server = servers.start("windtunnel")
    try:
        began = time.monotonic()
        soak = Soak(server, began + minutes * 60)
        set_up(soak)
        loops = [threading.Thread(target=soak.loop, args=(step,), daemon=True) for step in STEPS]
        for loop in loops:
            loop.start()
        samples: list[Sample] = []
        while time.monotonic() < soak.ends:
            time.sleep(min(SAMPLE_SECONDS, max(0.1, soak.ends - time.monotonic())))
            samples.append(take(server, began))
        for loop in loops:
            loop.join(30)
        functions = server.client("lambda")
        for mapping in functions.list_event_source_mappings(FunctionName="soak")["EventSourceMappings"]:
            functions.delete_event_source_mapping(UUID=mapping["UUID"])
        functions.delete_function(FunctionName="soak")
        time.sleep(SETTLE_SECONDS)
        text = report(soak, samples, take(server, began), minutes)
        print(text)
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
