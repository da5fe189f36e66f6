"""Commands against a region: what they print, and what they do to it."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tests.app.kit import WINDTUNNEL, environment, windtunnel
from windtunnel import LocalRegion, __version__

NOWHERE = "http://localhost:1"


def test_status_tells_the_version_the_account_the_time_and_the_services(endpoint: str) -> None:
    told = windtunnel("status", endpoint=endpoint).stdout.splitlines()
    assert told[0] == f"windtunnel {__version__} at {endpoint}"
    assert told[1] == "account   000000000000"
    assert told[2].endswith("Z, standing still")
    assert "sqs" in told[3].removeprefix("services  ").split(", ")


def test_a_command_says_where_it_looked_when_no_region_answers() -> None:
    ended = windtunnel("--endpoint", NOWHERE, "status")
    said = f"windtunnel: No region answers at {NOWHERE}. Start one with `windtunnel up`, or say where it is with --endpoint URL.\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", said)


def test_an_endpoint_that_is_given_comes_before_the_one_of_the_environment(endpoint: str) -> None:
    assert windtunnel("status", "--endpoint", endpoint, endpoint=NOWHERE).returncode == 0
    assert windtunnel("--endpoint", endpoint, "status", endpoint=NOWHERE).returncode == 0


def test_the_clock_jumps_and_what_falls_due_has_happened(region: LocalRegion) -> None:
    sqs = region.client("sqs")
    url = sqs.create_queue(QueueName="a", Attributes={"DelaySeconds": "900"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="later")
    before = region.now
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    ended = windtunnel("clock", "jump", "15m", endpoint=region.endpoint)
    assert (ended.returncode, region.now - before) == (0, 900.0)
    assert [message["Body"] for message in sqs.receive_message(QueueUrl=url)["Messages"]] == ["later"]


def test_the_clock_runs_at_the_pace_it_is_told_and_goes_to_moments(region: LocalRegion) -> None:
    assert windtunnel("clock", "rate", "60", endpoint=region.endpoint).stdout.endswith("Z, 60 seconds a second\n")
    assert windtunnel("clock", "real", endpoint=region.endpoint).stdout.endswith("Z, at the world's pace\n")
    assert windtunnel("clock", "still", endpoint=region.endpoint).stdout.endswith("Z, standing still\n")
    assert windtunnel("clock", "to", "2101-01-01", endpoint=region.endpoint).stdout == "2101-01-01T00:00:00Z, standing still\n"
    assert windtunnel("clock", endpoint=region.endpoint).stdout == "2101-01-01T00:00:00Z, standing still\n"
    assert windtunnel("clock", "to", "2100-01-01", endpoint=region.endpoint).stderr == "windtunnel: the region's time doesn't go back\n"
    refused = windtunnel("clock", "jump", "soon", endpoint=region.endpoint)
    assert (refused.returncode, refused.stderr) == (1, "windtunnel: 'soon' is no span: say 90 (seconds), 30d or 1h30m\n")


def test_a_state_that_was_saved_comes_back_with_the_bytes_of_its_objects(region: LocalRegion, tmp_path: Path) -> None:
    s3, sqs = region.client("s3"), region.client("sqs")
    picture = bytes(range(256)) * 2_000
    s3.create_bucket(Bucket="pictures")
    s3.put_object(Bucket="pictures", Key="a", Body=picture)
    url = sqs.create_queue(QueueName="a")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    saved = windtunnel("state", "save", "region.tar", endpoint=region.endpoint, folder=tmp_path)
    size = (tmp_path / "region.tar").stat().st_size
    assert saved.stdout == f"Saved to region.tar ({size:,} bytes).\n"
    assert windtunnel("state", "reset", endpoint=region.endpoint).stdout == "The region is empty.\n"
    assert (s3.list_buckets()["Buckets"], sqs.list_queues().get("QueueUrls")) == ([], None)
    loaded = windtunnel("state", "load", "region.tar", endpoint=region.endpoint, folder=tmp_path)
    assert loaded.stdout == "The region is now as region.tar has it.\n"
    assert s3.get_object(Bucket="pictures", Key="a")["Body"].read() == picture
    assert [message["Body"] for message in sqs.receive_message(QueueUrl=url)["Messages"]] == ["kept"]


def test_a_file_that_is_no_state_is_refused_and_the_region_stays_as_it_was(region: LocalRegion, tmp_path: Path) -> None:
    region.client("sqs").create_queue(QueueName="a")
    (tmp_path / "letter.txt").write_text("Dear region,\n" * 100)
    refused = windtunnel("state", "load", "letter.txt", endpoint=region.endpoint, folder=tmp_path)
    assert (refused.returncode, "is not a region's snapshot" in refused.stderr) == (1, True)
    assert len(region.client("sqs").list_queues()["QueueUrls"]) == 1


def test_calls_are_a_table_of_who_did_what_with_which_result(region: LocalRegion) -> None:
    sqs = region.client("sqs", account="123456789012")
    sqs.create_queue(QueueName="a")
    try:
        sqs.get_queue_url(QueueName="b")
    except sqs.exceptions.QueueDoesNotExist:
        pass
    lines = windtunnel("calls", "--last", "2", endpoint=region.endpoint).stdout.splitlines()
    assert lines[0].split() == ["TIME", "(UTC)", "SERVICE", "OPERATION", "RESOURCE", "WHO", "RESULT", "TOOK"]
    assert [line.split()[2:-2] for line in lines[1:]] == [
        ["sqs", "CreateQueue", "a", "root", "of", "123456789012", "ok"],
        ["sqs", "GetQueueUrl", "b", "root", "of", "123456789012", "QueueDoesNotExist"],
    ]


def test_the_outbox_shows_what_a_person_would_have_got(region: LocalRegion) -> None:
    sns = region.client("sns")
    sns.publish(PhoneNumber="+491701234567", Message="It is done.")
    sns.publish(PhoneNumber="+491707654321", Message="It is not.")
    time = datetime.fromtimestamp(region.now, UTC).strftime("%Y-%m-%d %H:%M:%S")
    shown = windtunnel("outbox", "+491701234567", endpoint=region.endpoint).stdout
    assert shown == f"{time}  sms to +491701234567, from sns.amazonaws.com\nIt is done.\n"
    letters = [json.loads(line) for line in windtunnel("outbox", "--json", endpoint=region.endpoint).stdout.splitlines()]
    assert [letter["body"] for letter in letters] == ["It is done.", "It is not."]


def test_calls_that_are_followed_are_printed_as_they_come(region: LocalRegion) -> None:
    command = [*WINDTUNNEL, "calls", "--follow", "--json", "--last", "1"]
    sqs = region.client("sqs")
    sqs.list_queues()
    with subprocess.Popen(command, env=environment(AWS_ENDPOINT_URL=region.endpoint), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        before = json.loads(process.stdout.readline())
        sqs.create_queue(QueueName="a")
        after = json.loads(process.stdout.readline())
        process.kill()
    assert (before["operation"], after["operation"], after["serial"] - before["serial"]) == ("ListQueues", "CreateQueue", 1)
