"""Events at work: an upload reaches a queue and a function through EventBridge, is archived, and is told again."""

import json
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import uploads


def tell(stage: Any) -> None:
    """Deploys the template, uploads, lets time pass, and replays."""
    deployed = uploads.deploy(stage.prefix, stage.client)
    s3, sqs = stage.client("s3"), stage.client("sqs")
    stage.step("Deployed a template: a bucket, rules of EventBridge, a queue, a function, an archive, a schedule")
    answer = s3.put_object(Bucket=deployed.bucket, Key="hills.png", Body=b"x" * 2_000)
    (line,) = stage.until(lambda: uploads.take(sqs, deployed.catalogue) or None, "The line for the catalogue")
    stage.step(f"Uploaded a picture; the catalogue's queue has: {json.loads(line)['said']}", "windtunnel trace")
    s3.put_bucket_policy(Bucket=deployed.bucket, Policy=_policy(deployed.bucket))
    (alert,) = stage.until(lambda: uploads.take(sqs, deployed.alerts) or None, "The alert")
    stage.step(f"Changed who may read the bucket; the alert says {json.loads(alert)['Message']}")
    stage.jump("1d")
    stage.step(f"A day later the nightly schedule said: {uploads.take(sqs, deployed.catalogue)[0]}", "windtunnel clock jump 1d")
    uploaded = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    uploads.replay(stage.client, deployed, f"{stage.prefix}-again", uploaded + timedelta(minutes=1))
    stage.jump("2s")
    (line,) = stage.until(lambda: uploads.take(sqs, deployed.catalogue) or None, "The line that is told again")
    stage.step(f"Replayed the archive: {json.loads(line)['said']}, once more")


def remove(stage: Any) -> None:
    """Takes everything down."""
    uploads.remove(stage.prefix, stage.client)


def _policy(bucket: str) -> str:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
