"""The tour: the picture example of `examples/thumbnails`, deployed into a running region, watched at work, and taken down."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
import uuid
from pathlib import Path
from types import ModuleType
from typing import Any

from windtunnel.app.local import DEFAULT_REGION, Clients
from windtunnel.app.problem import Problem
from windtunnel.app.remote import DEFAULT_ENDPOINT, Remote

NEEDED = {"boto3": "boto3", "PIL": "Pillow"}
KEY, OTHER_KEY = "portraits/hills.png", "places/hills.png"
WAIT_SECONDS_MAX = 60.0
POLL_SECONDS = 0.02
WIDTH = 92


def tour(endpoint: str, *, keep: bool = False) -> int:
    """Tells in the terminal, step by step, what happens; returns the exit status."""
    missing = [name for module, name in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise Problem(f"The tour needs {' and '.join(missing)}: pip install 'windtunnel[tour]' (and start the region again after).")
    Remote(endpoint).get("health")
    example = Example(endpoint)
    story = Story(endpoint)
    try:
        _tell(example, story)
    except example.client("s3").exceptions.ClientError as error:
        raise Problem(f"The tour ended early: {error}") from error
    finally:
        if keep:
            script = example.folder / "deploy.py"
            print(f"\nEverything stays. To remove it: AWS_ENDPOINT_URL={endpoint} {sys.executable} {script} down {example.prefix}")
        else:
            example.remove()
    if not keep:
        story.step("Took everything down again; `windtunnel tour --keep` leaves it, to try these commands on")
    return 0


class Example:
    """The example's own modules, with clients that know where the region is and a prefix that is nobody else's."""

    def __init__(self, endpoint: str) -> None:
        self.prefix = f"tour-{uuid.uuid4().hex[:6]}"
        self.folder = _folder()
        self._deploy = _module(self.folder / "deploy.py")
        self._clients = Clients(endpoint)
        self._region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
        # Keys of the environment are taken by boto3 itself.
        self._keys = () if "AWS_ACCESS_KEY_ID" in os.environ else ("test", "test")

    def client(self, service: str) -> Any:
        return self._clients.client(service, self._region, self._keys, {})

    def deploy(self) -> Any:
        return self._deploy.deploy(self.prefix, self.client, bring_pillow=False)

    def picture(self) -> bytes:
        return _module(self.folder / "picture.py").paint()

    def remove(self) -> None:
        self._deploy.remove(self.prefix, self.client)


class Story:
    """Lines of what happened, each with the time it took since the one before and a command that shows it."""

    def __init__(self, endpoint: str) -> None:
        self._aside = "" if endpoint == DEFAULT_ENDPOINT else f" --endpoint {endpoint}"
        self._number = 0
        self.begin()

    def begin(self) -> None:
        self._begin = time.perf_counter()

    def step(self, text: str, *commands: str) -> None:
        took = time.perf_counter() - self._begin
        self._number += 1
        print(f"{self._number}  {text:<{WIDTH}} {took * 1_000:>7,.0f} ms")
        for command in commands:
            words = command.split(" ", 1)
            print(f"       {words[0]}{self._aside} {words[1]}" if words[0] == "windtunnel" else f"       {command}")
        sys.stdout.flush()
        self.begin()


def _tell(example: Example, story: Story) -> None:
    s3 = example.client("s3")
    picture = example.picture()
    story.begin()
    built = example.deploy()
    story.step(
        "Built two buckets, a function, a topic, three queues and a role",
        f"windtunnel aws s3api get-bucket-notification-configuration --bucket {built.uploads}",
        f"windtunnel aws sns list-subscriptions-by-topic --topic-arn {built.topic_arn}",
    )
    s3.put_object(Bucket=built.uploads, Key=KEY, Body=picture, ContentType="image/png")
    story.step(
        f"Uploaded a picture of {_size(picture)}, {len(picture):,} bytes", f"windtunnel aws s3 cp hills.png s3://{built.uploads}/{KEY}"
    )
    thumbnail = _thumbnail(example, built, KEY)
    story.step(
        f"S3 called the function (a cold start): a thumbnail of {_size(thumbnail)}, {len(thumbnail):,} bytes",
        f"windtunnel aws s3 cp s3://{built.thumbnails}/{KEY} thumbnail.png",
        f"windtunnel aws logs filter-log-events --log-group-name /aws/lambda/{built.function} --query 'events[].message'",
    )
    for what, url in (
        ("The catalogue's queue has the notice in SNS's envelope", built.catalogue),
        ("The portraits' queue has it, for its key passed the filter policy", built.portraits),
        ("The audit's queue has it raw, as S3 wrote it", built.audit),
    ):
        name = _notice(example, url, KEY)
        story.step(f"{what}: {name}", f"windtunnel aws sqs receive-message --queue-url {url}")
    s3.put_object(Bucket=built.uploads, Key=OTHER_KEY, Body=picture, ContentType="image/png")
    _thumbnail(example, built, OTHER_KEY)
    _notice(example, built.audit, OTHER_KEY)
    kept = [_event(message)["s3"]["object"]["key"] for message in _peek(example, built.portraits)]
    if kept != [KEY]:
        raise Problem(f"The portraits' queue should hold {KEY} alone, and holds {kept}.")
    story.step(f"Uploaded {OTHER_KEY} too (a warm start); the filter kept it from the portraits' queue", "windtunnel calls")


def _thumbnail(example: Example, built: Any, key: str) -> bytes:
    """The thumbnail's bytes, as soon as it is there."""
    s3 = example.client("s3")
    end = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < end:
        try:
            return s3.get_object(Bucket=built.thumbnails, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            time.sleep(POLL_SECONDS)
    raise Problem(f"No thumbnail came within {WAIT_SECONDS_MAX:g} seconds. The function's log says:\n{_log(example, built.function)}")


def _notice(example: Example, url: str, key: str) -> str:
    """The name of the event that a queue holds for a key, as soon as it is there. It stays in the queue."""
    end = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < end:
        for message in _peek(example, url):
            event = _event(message)
            if event["s3"]["object"]["key"] == key:
                return event["eventName"]
    raise Problem(f"No notice of {key} arrived in {url}.")


def _peek(example: Example, url: str) -> list[dict[str, Any]]:
    """What a queue holds, left visible for whoever looks next."""
    sqs = example.client("sqs")
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=5).get("Messages", [])


def _event(message: dict[str, Any]) -> dict[str, Any]:
    """The S3 event in a message, out of whatever it is wrapped in."""
    body = json.loads(message["Body"])
    return (json.loads(body["Message"]) if "Message" in body else body)["Records"][0]


def _log(example: Example, function: str) -> str:
    logs = example.client("logs")
    try:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return "nothing: it did not run"
    return "\n".join(event["message"].rstrip() for event in events)


def _size(picture: bytes) -> str:
    """Width and height as a PNG's header has them."""
    return f"{int.from_bytes(picture[16:20], 'big')}x{int.from_bytes(picture[20:24], 'big')}"


def _folder() -> Path:
    """Where the example lies: in the package as installed, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "examples/thumbnails", package.parents[1] / "examples/thumbnails"):
        if folder.is_dir():
            return folder
    raise Problem("The example's files are not installed: get windtunnel's sources, or install it again.")


def _module(path: Path) -> ModuleType:
    name = f"windtunnel_example_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, path
    assert spec.loader is not None, path
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
