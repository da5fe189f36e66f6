"""The AWS CLI as it is installed, through `windtunnel aws`, against a region."""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.app.kit import windtunnel
from windtunnel import LocalRegion
from windtunnel.app.commands.aws import settings

FUNCTION = """
import json

def handler(event, context):
    print("greeting", event["name"])
    return {"greeting": "Hello, " + event["name"]}
"""


@pytest.fixture
def folder(tmp_path: Path, region: LocalRegion) -> Path:
    (tmp_path / "endpoint").write_text(region.endpoint)
    return tmp_path


def _aws(folder: Path, *words: str) -> str:
    ended = windtunnel("aws", *words, endpoint=(folder / "endpoint").read_text(), folder=folder)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_files_are_copied_synced_and_presigned(folder: Path, region: LocalRegion) -> None:
    large = bytes(range(256)) * 40_000  # more than 8 MB: the CLI uploads it in parts
    site = folder / "site"
    (site / "pages").mkdir(parents=True)
    (site / "index.html").write_text("<h1>Hello</h1>")
    (site / "pages/a b.txt").write_text("spaces")
    (site / "large.bin").write_bytes(large)
    # The clock stands at the second in which the test began; `sync` takes files that are younger than their objects for changed.
    region.jump(60)
    _aws(folder, "s3", "mb", "s3://pages")
    _aws(folder, "s3", "sync", "site", "s3://pages/v1", "--no-progress")
    assert _aws(folder, "s3", "sync", "site", "s3://pages/v1", "--no-progress") == ""
    listed = [line.split(maxsplit=2)[2] for line in _aws(folder, "s3", "ls", "--recursive", "s3://pages").splitlines()]
    assert listed == ["14 v1/index.html", "10240000 v1/large.bin", "6 v1/pages/a b.txt"]
    _aws(folder, "s3", "cp", "s3://pages/v1/large.bin", "back.bin", "--no-progress")
    assert (folder / "back.bin").read_bytes() == large
    url = _aws(folder, "s3", "presign", "s3://pages/v1/pages/a b.txt").strip()
    with urllib.request.urlopen(url) as response:
        assert response.read() == b"spaces"


def test_what_is_published_to_a_topic_waits_in_its_queue(folder: Path) -> None:
    queue = json.loads(_aws(folder, "sqs", "create-queue", "--queue-name", "orders"))["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:orders"
    topic = json.loads(_aws(folder, "sns", "create-topic", "--name", "orders"))["TopicArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    _aws(folder, "sqs", "set-queue-attributes", "--queue-url", queue, "--attributes", json.dumps({"Policy": policy}))
    subscribe = ("sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", arn)
    _aws(folder, *subscribe, "--attributes", "RawMessageDelivery=true")
    _aws(folder, "sns", "publish", "--topic-arn", topic, "--message", "one bicycle")
    received = json.loads(_aws(folder, "sqs", "receive-message", "--queue-url", queue))["Messages"]
    assert [message["Body"] for message in received] == ["one bicycle"]


def test_a_function_answers_and_its_log_is_read(folder: Path) -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("app.py", FUNCTION)
    (folder / "function.zip").write_bytes(zipped.getvalue())
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = json.loads(_aws(folder, "iam", "create-role", "--role-name", "greeter", "--assume-role-policy-document", document))["Role"][
        "Arn"
    ]
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    _aws(folder, "iam", "attach-role-policy", "--role-name", "greeter", "--policy-arn", basic)
    code = ("--runtime", "python3.11", "--handler", "app.handler", "--zip-file", "fileb://function.zip")
    _aws(folder, "lambda", "create-function", "--function-name", "greet", "--role", role, *code)
    _aws(folder, "lambda", "invoke", "--function-name", "greet", "--payload", '{"name": "Ada"}', "answer.json")
    assert json.loads((folder / "answer.json").read_text()) == {"greeting": "Hello, Ada"}
    # `logs tail` is version 2's alone; it asks for these events.
    logged = json.loads(_aws(folder, "logs", "filter-log-events", "--log-group-name", "/aws/lambda/greet"))["events"]
    assert [event["message"] for event in logged if "greeting" in event["message"]] == ["greeting Ada\n"]


def test_what_the_cli_ends_with_is_what_the_command_ends_with(folder: Path) -> None:
    ended = windtunnel("aws", "sqs", "get-queue-url", "--queue-name", "nothing", endpoint=(folder / "endpoint").read_text())
    assert ended.returncode in {254, 255}, "as versions 2 and 1 of the AWS CLI say that the service refused"
    assert "AWS.SimpleQueueService.NonExistentQueue" in ended.stderr


def test_keys_and_region_are_set_unless_the_user_has_them(tmp_path: Path) -> None:
    nothing = {"AWS_CONFIG_FILE": str(tmp_path / "none")}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    assert settings(nothing, "http://e") == {"AWS_ENDPOINT_URL": "http://e", **keys, "AWS_DEFAULT_REGION": "us-east-1"}
    assert settings({**nothing, "AWS_REGION": "eu-west-1"}, "http://e") == {"AWS_ENDPOINT_URL": "http://e", **keys}
    own = {**nothing, "AWS_ACCESS_KEY_ID": "123456789012", "AWS_DEFAULT_REGION": "eu-west-1"}
    assert settings(own, "http://e") == {"AWS_ENDPOINT_URL": "http://e"}
    assert settings({**nothing, "AWS_PROFILE": "work"}, "http://e") == {"AWS_ENDPOINT_URL": "http://e"}
    (tmp_path / "config").write_text("[default]\nregion = ap-south-1\n")
    assert settings({"AWS_CONFIG_FILE": str(tmp_path / "config")}, "http://e") == {"AWS_ENDPOINT_URL": "http://e", **keys}
