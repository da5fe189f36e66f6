"""An archive under the clock: a year of lifecycle rules and a restore, in seconds. It moves the region's time on by a year."""

import json
from typing import Any

import archive


def tell(stage: Any) -> None:
    """Deploys the archive, and lets a year pass."""
    kept, s3 = archive.deploy(stage.prefix, stage.client), stage.client("s3")
    record = {"Bucket": kept.bucket, "Key": "records/1"}
    s3.put_object(**record, Body=b"a record")
    stage.step("Put a record into a bucket whose objects get colder after 30 and 90 days and go after a year")
    for span in ("31d", "60d"):
        stage.jump(span)
        told = _told(stage, kept.queue)
        storage = s3.head_object(**record)["StorageClass"]
        stage.step(f"{span[:-1]} days later it is {storage}; the queue was told: {told}", f"windtunnel clock jump {span}")
    try:
        s3.get_object(**record)
    except s3.exceptions.InvalidObjectState as error:
        stage.step(f"It can't be read now: {error.response['Error']['Code']}")
    s3.restore_object(**record, RestoreRequest={"Days": 2, "GlacierJobParameters": {"Tier": "Expedited"}})
    stage.jump("5m")
    body = s3.get_object(**record)["Body"].read().decode()
    stage.step(
        f"Asked for it back, expedited; five minutes later it reads {body!r}: {_told(stage, kept.queue)}", "windtunnel clock jump 5m"
    )
    stage.jump("3d")
    stage.step(f"Three days later it is in the archive alone again: {_told(stage, kept.queue)}", "windtunnel clock jump 3d")
    stage.jump("300d")
    stage.step(f"300 days later {s3.list_objects_v2(Bucket=kept.bucket)['KeyCount']} records are left", "windtunnel clock jump 300d")


def remove(stage: Any) -> None:
    """Takes everything down."""
    archive.remove(stage.prefix, stage.client)


def _told(stage: Any, url: str) -> str:
    """The names of the events that a queue holds by now; it is emptied, since messages don't last as long as the archive."""
    sqs, names = stage.client("sqs"), list[str]()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            names += [record["eventName"] for record in json.loads(message["Body"]).get("Records", [])]
    return ", ".join(names)
