"""A disk that fills up under a region: writes are refused, nothing acknowledged is lost, reads go on, and all else once there is room."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import windtunnel
from tests.app.kit import windtunnel as command
from windtunnel import LocalRegion

DISK_BYTES, BALLAST_BYTES = 16 * 1024**2, 8 * 1024**2
BODY_BYTES = 500_000
ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("there is no mount command here, so no small disk to fill")
    if sys.platform != "linux" or mounted.returncode:
        pytest.skip(f"a small disk can't be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


class Filled:
    """A region on a full disk, what it acknowledged, and the clients that saw it fill up."""

    def __init__(self, region: LocalRegion, disk: Path) -> None:
        self.region = region
        self._ballast = disk / "ballast"
        self.s3: Any = region.client("s3", config=ONCE)
        self.sqs: Any = region.client("sqs", config=ONCE)
        self.s3.create_bucket(Bucket="box")
        self.url: str = self.sqs.create_queue(QueueName="q")["QueueUrl"]
        self._ballast.write_bytes(bytes(BALLAST_BYTES))
        self.keys: list[str] = []
        self.sent: list[str] = []
        self.refused = [self._until_refused(self._put), self._until_refused(self._send), self._until_refused(self._send)]

    def free(self) -> None:
        self._ballast.unlink()

    def _put(self, name: str) -> None:
        self.s3.put_object(Bucket="box", Key=name, Body=name.encode() * (BODY_BYTES // len(name)))
        self.keys.append(name)

    def _send(self, name: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=name + "m" * 9_000)
        self.sent.append(name)

    def _until_refused(self, act: Any) -> tuple[int, str]:
        for number in range(1_000):
            try:
                act(f"name-{number:03}-{len(self.sent):03}")
            except ClientError as error:
                return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
        raise AssertionError("the disk never filled up")


@contextmanager
def filled(disk: Path) -> Iterator[Filled]:
    with windtunnel.region(disk / "data", clock="still") as region:
        yield Filled(region, disk)


def check(region: LocalRegion, filled: Filled, *more: str) -> None:
    """All that was acknowledged is there, and nothing else."""
    s3, sqs = region.client("s3", config=ONCE), region.client("sqs", config=ONCE)
    listed = [(item["Key"], item["Size"]) for item in s3.list_objects_v2(Bucket="box")["Contents"]]
    size = BODY_BYTES // 12 * 12
    assert listed == [(key, size) for key in sorted((*filled.keys, *more))]
    for key in filled.keys[:3]:
        assert s3.get_object(Bucket="box", Key=key)["Body"].read() == key.encode() * (BODY_BYTES // 12)
    attributes = sqs.get_queue_attributes(QueueUrl=filled.url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert attributes == {"ApproximateNumberOfMessages": str(len(filled.sent) + len(more))}


def blobs(disk: Path) -> int:
    return sum(path.is_file() for path in (disk / "data/blobs").rglob("*"))


def test_a_full_disk_refuses_writes_and_reads_go_on(disk: Path) -> None:
    with filled(disk) as full:
        assert full.refused == [(500, "InternalError"), (503, "ServiceUnavailable"), (503, "ServiceUnavailable")]
        check(full.region, full)
        assert blobs(disk) == len(full.keys)
        assert full.sqs.list_queues()["QueueUrls"] == [full.url]


def test_what_was_freed_can_be_used_and_a_restart_shows_all_that_was_acknowledged(disk: Path) -> None:
    with filled(disk) as full:
        full.free()
        full.s3.put_object(Bucket="box", Key="name-after-x", Body=b"name-after-x" * (BODY_BYTES // 12))
        full.sqs.send_message(QueueUrl=full.url, MessageBody="after")
        check(full.region, full, "name-after-x")
    with windtunnel.region(disk / "data", clock="still") as again:
        check(again, full, "name-after-x")
        assert blobs(disk) == len(full.keys) + 1


def test_a_region_can_be_stopped_and_started_on_a_disk_that_is_full(disk: Path) -> None:
    with filled(disk) as full:
        pass
    with windtunnel.region(disk / "data", clock="still") as again:
        check(again, full)
        full.free()
        again.client("sqs").send_message(QueueUrl=full.url, MessageBody="after")


def test_a_new_region_on_a_disk_without_room_is_refused_in_a_sentence(disk: Path) -> None:
    (disk / "ballast").write_bytes(bytes(DISK_BYTES - 8_192))
    refused = command("up", "--port", "0", "--data", str(disk / "data"))
    assert (refused.returncode, refused.stderr.count("\n"), "Traceback" in refused.stderr) == (1, 1, False)
    assert refused.stderr.startswith("windtunnel: ")
