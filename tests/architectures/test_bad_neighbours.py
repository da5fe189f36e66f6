"""Functions and subscribers that misbehave: each is held to its limits in AWS's words, and the others notice nothing."""

from __future__ import annotations

import io
import json
import socket
import sys
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import pytest
from botocore.config import Config

from tests.architectures.raw import goes_on
from windtunnel import LocalRegion

ONCE = Config(retries={"total_max_attempts": 1})
ROLE = "arn:aws:iam::000000000000:role/runs"


def invoke(region: LocalRegion, body: str, timeout: int = 10) -> tuple[Any, str, list[str]]:
    """What a function with this body answers: (its payload, FunctionError, the tail of its log), while others are served."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("app.py", f"import os, sys, time\ndef handler(event, context):\n    {body}\n")
    functions = region.client("lambda", config=ONCE)
    functions.create_function(
        FunctionName="bad",
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role=ROLE,
        Timeout=timeout,
        MemorySize=128,
        Code={"ZipFile": zipped.getvalue()},
    )
    with others(region):
        answer = functions.invoke(FunctionName="bad", Payload=b"{}", LogType="Tail")
        payload = json.loads(answer["Payload"].read())
    goes_on(region)
    assert answer["StatusCode"] == 200
    return payload, answer.get("FunctionError", ""), b64decode(answer["LogResult"]).decode(errors="replace").splitlines()


class others:  # noqa: N801 - read as a sentence
    """Somebody else's calls, one after the other, while the `with` lasts; a region that stood still would answer none of them in it."""

    def __init__(self, region: LocalRegion) -> None:
        self._queues = region.client("sqs", config=ONCE)
        self._over = Event()
        self._answered = 0
        self._thread = Thread(target=self._call)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        meanwhile = self._answered
        self._over.set()
        self._thread.join()
        assert meanwhile > 0

    def _call(self) -> None:
        while not self._over.wait(0.01):
            self._queues.list_queues()
            self._answered += 1


def test_a_function_that_forks_without_end_ends_when_its_time_is_up_or_its_memory(region: LocalRegion) -> None:
    bomb = "while True:\n        try: os.fork()\n        except OSError: pass"
    payload, error, tail = invoke(region, bomb, timeout=1)
    assert error == "Unhandled"
    assert payload["errorType"] in {"Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory"}  # whichever comes first
    assert payload["errorMessage"].endswith(("Error: Task timed out after 1.00 seconds", "Runtime exited with error: signal: killed"))
    assert tail[-1].startswith("REPORT RequestId: ")


def test_a_function_that_never_returns_times_out(region: LocalRegion) -> None:
    payload, error, tail = invoke(region, "time.sleep(3_600)", timeout=1)
    assert (error, payload["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert tail[-1].endswith("Status: timeout")


def test_a_function_that_exits_says_with_what(region: LocalRegion) -> None:
    payload, error, _ = invoke(region, "os._exit(3)")
    assert (error, payload["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")


def test_a_function_that_takes_more_memory_than_it_has_is_killed(region: LocalRegion) -> None:
    payload, error, tail = invoke(region, "return len(bytearray(600 * 1024 ** 2))")
    assert (error, payload["errorType"]) == ("Unhandled", "Runtime.OutOfMemory")
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert "Max Memory Used: 128 MB" in tail[-1]


def test_a_function_that_answers_seven_megabytes_is_told_what_may_be(region: LocalRegion) -> None:
    payload, error, _ = invoke(region, "return 'x' * 7_000_000")
    assert (error, payload) == (
        "Unhandled",
        {
            "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
            "errorType": "Function.ResponseSizeTooLarge",
        },
    )


def test_a_function_that_prints_a_hundred_megabytes_is_let_and_answers(region: LocalRegion) -> None:
    payload, error, tail = invoke(
        region, "return [sys.stdout.write('x' * 99_999 + '\\n') and None for _ in range(1_000)] and 'done'", timeout=60
    )
    assert (payload, error) == ("done", "")
    assert tail[-1].startswith("REPORT RequestId: ")
    region.rest()
    logged = region.client("logs").filter_log_events(logGroupName="/aws/lambda/bad", limit=1)["events"]
    assert logged[0]["message"].startswith("INIT_START ")


def test_a_function_that_answers_what_is_no_json_is_told_so(region: LocalRegion) -> None:
    payload, error, _ = invoke(region, "return object()")
    assert (error, payload["errorType"]) == ("Unhandled", "Runtime.MarshalError")
    assert payload["errorMessage"] == "Unable to marshal response: Object of type object is not JSON serializable"


# ---------------------------------------------------------------- subscribers


class Hook:
    """An HTTP endpoint that takes what it is sent and answers with whatever bytes; `None`: with nothing, for ever."""

    def __init__(self) -> None:
        self.reply: bytes | None = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self.bodies: list[dict[str, Any]] = []
        self._held: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/hook"
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for held in self._held:
            held.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                data = b""
                while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < _length(data):
                    piece = client.recv(65_536)
                    if not piece:
                        break
                    data += piece
                self.bodies.append(json.loads(data.partition(b"\r\n\r\n")[2]))
                if self.reply is None:
                    self._held.append(client)
                    continue
                client.sendall(self.reply)
                client.close()


def _length(head: bytes) -> int:
    return next(int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))


@pytest.fixture
def hook() -> Iterator[Hook]:
    one = Hook()
    yield one
    one.close()


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"\x00\xff garbage that is no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\nConnection: close\r\n\r\n",
        b"",
        None,
    ],
    ids=["500", "garbage", "short", "closed", "silent"],
)
def test_a_subscriber_that_fails_keeps_nobody_waiting_and_its_message_ends_with_the_dead_letters(
    region: LocalRegion, hook: Hook, reply: bytes | None
) -> None:
    topics, queues = region.client("sns"), region.client("sqs")
    topic = topics.create_topic(Name="t")["TopicArn"]
    urls = {name: queues.create_queue(QueueName=name)["QueueUrl"] for name in ("good", "dead")}
    arn = "arn:aws:sqs:us-east-1:000000000000"
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    for url in urls.values():
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{arn}:good", Attributes={"RawMessageDelivery": "true"})
    redrive = json.dumps({"deadLetterTargetArn": f"{arn}:dead"})
    topics.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url, Attributes={"RedrivePolicy": redrive})
    region.rest()
    topics.confirm_subscription(TopicArn=topic, Token=hook.bodies[-1]["Token"])
    hook.reply = reply
    topics.publish(TopicArn=topic, Message="m")
    assert [message["Body"] for message in queues.receive_message(QueueUrl=urls["good"])["Messages"]] == ["m"]
    goes_on(region)
    if reply is None:
        # It is given up after fifteen seconds of the machine's, which nobody waits for here.
        return
    region.jump("2h")
    tried = [body for body in hook.bodies if body["Type"] == "Notification"]
    assert (len(tried), {body["Message"] for body in tried}) == (4, {"m"})
    letters = queues.receive_message(QueueUrl=urls["dead"], MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(letter["Body"])["Message"] for letter in letters] == ["m"]
