"""The example of events: an upload reaches a queue and a function, is archived and told again; calls and the clock are heard too."""

from __future__ import annotations

import importlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from windtunnel import LocalRegion

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples/events"))
uploads = importlib.import_module("uploads")


def test_an_upload_goes_through_eventbridge_and_comes_again_from_the_archive(region: LocalRegion) -> None:
    deployed = uploads.deploy("shop", region.client)
    s3, sqs, logs = region.client("s3"), region.client("sqs"), region.client("logs")
    for key, body in (("hills.png", b"12345"), ("notes.txt", b"1"), ("empty.jpg", b"")):
        s3.put_object(Bucket=deployed.bucket, Key=key, Body=body)
    region.rest()
    (line,) = map(json.loads, uploads.take(sqs, deployed.catalogue))
    said = line.pop("said")
    assert (line, said.startswith("hills.png came at 20")) == ({"picture": "hills.png", "bytes": 5}, True)
    printed = [event["message"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{deployed.function}")["events"]]
    assert "measured hills.png 5\n" in printed

    s3.put_bucket_policy(Bucket=deployed.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [_deny(deployed.bucket)]}))
    region.rest()
    (alert,) = map(json.loads, uploads.take(sqs, deployed.alerts))
    assert alert["Message"] == '"arn:aws:iam::000000000000:root called PutBucketPolicy"'

    uploads.replay(region.client, deployed, "again", datetime.fromtimestamp(region.now + 60, UTC))
    region.jump("2s")
    assert [json.loads(line)["picture"] for line in uploads.take(sqs, deployed.catalogue)] == ["hills.png"]
    assert region.client("events").describe_replay(ReplayName="again")["State"] == "COMPLETED"

    region.jump("1d")
    assert [list(json.loads(line)) for line in uploads.take(sqs, deployed.catalogue)] == [["close"]]
    uploads.remove("shop", region.client)
    assert (s3.list_buckets()["Buckets"], region.client("events").list_rules()["Rules"]) == ([], [])


def _deny(bucket: str) -> dict[str, object]:
    return {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
