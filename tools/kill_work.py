"""What the kill loop does to a region, a worker each: it notes what it tries and what is acknowledged, and audits that after the kill.

An audit returns what is wrong, in sentences. What was tried but not acknowledged may be there or not, but never in half.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Protocol

Client = Callable[[str], Any]
SNS_SENDS = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}
LAMBDA_ASSUMES = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
SENDS = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
FUNCTION = """
import os
import boto3

sqs = boto3.client("sqs")

def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=event["name"])
"""


class Worker(Protocol):
    """One kind of load. `acknowledged` counts what it was told is done."""

    name: str
    acknowledged: int

    def step(self, random: Random) -> None:
        """One piece of work; whatever the client raises ends the round for this worker."""
        ...

    def audit(self) -> Iterator[str]:
        """What is wrong after the restart; takes everything out of the region on the way, so that the next round begins empty."""
        ...


def drain(sqs: Any, url: str) -> Iterator[str]:
    """The bodies of all messages of a queue, each acknowledged."""
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            assert hashlib.md5(message["Body"].encode()).hexdigest() == message["MD5OfBody"], message
            yield message["Body"]
        entries = [{"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(messages)]
        refused = sqs.delete_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])
        assert not refused, refused


def padded(name: str, random: Random) -> str:
    """A name with a tail of random length, which a half-written value would have lost."""
    return f"{name} {'x' * random.choice((0, 10, 1_000, 20_000))}."


def compare(what: str, acknowledged: set[str], tried: set[str], found: list[str], *, once: bool = False) -> Iterator[str]:
    """What a queue should hold against what it held."""
    if missing := acknowledged - set(found):
        yield f"{what}: {len(missing)} of {len(acknowledged)} acknowledged are gone, such as {min(missing)[:40]!r}"
    if strange := set(found) - tried:
        yield f"{what}: {len(strange)} were never sent, such as {min(strange)[:40]!r}"
    if once and len(found) != len(set(found)):
        yield f"{what}: {len(found) - len(set(found))} came twice"


class Sender:
    """Sends messages to a standard queue, delayed or not, receives some and deletes some of those."""

    def __init__(self, client: Client, name: str, delay: int = 0) -> None:
        self.name, self._delay = name, delay
        self.acknowledged = self._number = 0
        self._sqs = client("sqs")
        self._url = self._sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
        self._tried: set[str] = set()
        self._sent: set[str] = set()
        self._deleted: set[str] = set()

    def step(self, random: Random) -> None:
        self._number += 1
        body = padded(f"{self.name} {self._number}", random)
        self._tried.add(body)
        self._sqs.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=self._delay)
        self._sent.add(body)
        self.acknowledged += 1
        if not self._delay and random.random() < 0.2:
            for message in self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=2).get("Messages", []):
                # From here on it may be gone; once the call has returned it has to be.
                self._sent.discard(message["Body"])
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                self._deleted.add(message["Body"])

    def audit(self) -> Iterator[str]:
        found = list(drain(self._sqs, self._url))
        yield from compare(self.name, self._sent, self._tried, found, once=True)
        if back := self._deleted & set(found):
            yield f"{self.name}: {len(back)} came back after they were deleted"
        for names in (self._tried, self._sent, self._deleted):
            names.clear()


class Orderly:
    """Sends to a FIFO queue, in one group."""

    def __init__(self, client: Client) -> None:
        self.name = "fifo"
        self.acknowledged = self._number = 0
        self._sqs = client("sqs")
        attributes = {"FifoQueue": "true", "VisibilityTimeout": "5"}
        self._url = self._sqs.create_queue(QueueName="orderly.fifo", Attributes=attributes)["QueueUrl"]
        self._sent: list[int] = []

    def step(self, random: Random) -> None:
        self._number += 1
        self._sqs.send_message(
            QueueUrl=self._url, MessageBody=str(self._number), MessageGroupId="a", MessageDeduplicationId=str(self._number)
        )
        self._sent.append(self._number)
        self.acknowledged += 1

    def audit(self) -> Iterator[str]:
        found = [int(body) for body in drain(self._sqs, self._url)]
        if found != sorted(set(found)):
            yield "fifo: out of order or twice"
        if missing := set(self._sent) - set(found):
            yield f"fifo: {len(missing)} of {len(self._sent)} acknowledged are gone"
        self._sent.clear()


class Publisher:
    """Publishes to a topic with two queues."""

    def __init__(self, client: Client) -> None:
        self.name = "published"
        self.acknowledged = self._number = 0
        self._sns, self._sqs = client("sns"), client("sqs")
        self._topic = self._sns.create_topic(Name="news")["TopicArn"]
        policy = json.dumps({"Version": "2012-10-17", "Statement": [SNS_SENDS]})
        self._urls: list[str] = []
        for name in ("news-a", "news-b"):
            url = self._sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
            arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            self._sns.subscribe(TopicArn=self._topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
            self._urls.append(url)
        self._tried: set[str] = set()
        self._sent: set[str] = set()

    def step(self, random: Random) -> None:
        self._number += 1
        body = padded(f"news {self._number}", random)
        self._tried.add(body)
        self._sns.publish(TopicArn=self._topic, Message=body)
        self._sent.add(body)
        self.acknowledged += 1

    def audit(self) -> Iterator[str]:
        for url in self._urls:
            yield from compare(f"published to {url.rpartition('/')[2]}", self._sent, self._tried, list(drain(self._sqs, url)))
        self._tried.clear()
        self._sent.clear()


class Putter:
    """Puts objects under a few names again and again, and deletes some; a queue is told of every one."""

    def __init__(self, client: Client) -> None:
        self.name = "objects"
        self.acknowledged = self._number = 0
        self._s3, self._sqs = client("s3"), client("sqs")
        self._s3.create_bucket(Bucket="bucket")
        s3_sends = {**SNS_SENDS, "Principal": {"Service": "s3.amazonaws.com"}}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [s3_sends]})
        self._url = self._sqs.create_queue(QueueName="told", Attributes={"Policy": policy})["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        told = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
        self._s3.put_bucket_notification_configuration(Bucket="bucket", NotificationConfiguration=told)
        list(drain(self._sqs, self._url))
        self._tried: dict[str, int] = {}
        self._put: dict[str, int] = {}
        """The number of the put (0 a deletion) that was acknowledged last, by key."""
        self._loose: set[str] = set()
        """Keys with a call that was not acknowledged."""
        self._told: set[str] = set()

    def step(self, random: Random) -> None:
        self._number += 1
        key = f"key-{random.randrange(200):03}"
        self._loose.add(key)
        if random.random() < 0.1:
            self._s3.delete_object(Bucket="bucket", Key=key)
            self._put[key] = 0
        else:
            self._tried[key] = self._number
            body = _body(key, self._number, random.choice((0, 100, 5_000, 70_000, 1_500_000 if random.random() < 0.2 else 300)))
            etag = self._s3.put_object(Bucket="bucket", Key=key, Body=body)["ETag"].strip('"')
            self._told.add(etag)
            self._put[key] = self._number
        self._loose.discard(key)
        self.acknowledged += 1

    def audit(self) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket="bucket")
        listed = {item["Key"]: item for page in pages for item in page.get("Contents", [])}
        for key, item in listed.items():
            answer = self._s3.get_object(Bucket="bucket", Key=key)
            body: bytes = answer["Body"].read()
            number = int(body.split(b" ", 2)[1])
            if body != _body(key, number, int(body.split(b" ", 3)[2])) or item["ETag"].strip('"') != hashlib.md5(body).hexdigest():
                yield f"objects: {key} is half-written"
            expected = {self._put.get(key, 0), *([self._tried.get(key, 0)] if key in self._loose else [])}
            if number not in expected:
                yield f"objects: {key} is of put {number}, expected {expected}"
        for key, number in self._put.items():
            if number and key not in listed and key not in self._loose:
                yield f"objects: {key} of put {number} is gone"
        if listed:
            self._s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": key} for key in listed]})
        told = {record["s3"]["object"]["eTag"] for body in drain(self._sqs, self._url) for record in json.loads(body)["Records"]}
        if silent := self._told - told:
            yield f"objects: of {len(silent)} of {len(self._told)} puts the queue was not told"
        for kept in (self._tried, self._put, self._loose, self._told):
            kept.clear()


class Invoker:
    """Leaves events for a function, which sends their names to a queue: deliveries that are pending when the region is killed."""

    def __init__(self, client: Client, runtime: str) -> None:
        self.name = "events"
        self.acknowledged = self._number = 0
        self._functions, self._sqs, iam = client("lambda"), client("sqs"), client("iam")
        self._url = self._sqs.create_queue(QueueName="ran")["QueueUrl"]
        document = {"Version": "2012-10-17", "Statement": [LAMBDA_ASSUMES]}
        role = iam.create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
        iam.put_role_policy(RoleName="runner", PolicyName="sends", PolicyDocument=json.dumps({**document, "Statement": [SENDS]}))
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w") as archive:
            archive.writestr("app.py", FUNCTION)
        self._functions.create_function(
            FunctionName="runner",
            Runtime=runtime,
            Handler="app.handler",
            Role=role,
            Code={"ZipFile": zipped.getvalue()},
            Timeout=30,
            Environment={"Variables": {"QUEUE": self._url}},
        )
        self._functions.get_waiter("function_active_v2").wait(FunctionName="runner")
        self._tried: set[str] = set()
        self._sent: set[str] = set()

    def step(self, random: Random) -> None:
        self._number += 1
        name = f"event {self._number}"
        self._tried.add(name)
        self._functions.invoke(FunctionName="runner", InvocationType="Event", Payload=json.dumps({"name": name}))
        self._sent.add(name)
        self.acknowledged += 1

    def audit(self) -> Iterator[str]:
        yield from compare(self.name, self._sent, self._tried, list(drain(self._sqs, self._url)))
        self._tried.clear()
        self._sent.clear()


def _body(key: str, number: int, size: int) -> bytes:
    """The bytes of an object, which say themselves what they have to be."""
    head = f"{key} {number} {size} ".encode()
    return head + (hashlib.sha256(head).digest() * (size // 32 + 1))[:size]
