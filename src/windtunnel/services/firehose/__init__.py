"""Amazon Data Firehose: records are gathered, transformed, and taken to buckets and HTTP endpoints."""

from __future__ import annotations

from typing import Any

from windtunnel.aws.arn import Arn
from windtunnel.fabric import Event, Service
from windtunnel.services.firehose import delivery, encryption, life, put, sources, streams, tags
from windtunnel.services.firehose.stack import RESOURCES


def _delivered(arn: Arn, event: Event) -> tuple[str, dict[str, Any]]:
    """What is delivered to a stream is a record; a stream of another account or region is out of reach, as in AWS."""
    return "put_record", {"DeliveryStreamName": arn.id, "Record": {"Data": event.body.encode()}, **event.parameters}


SERVICE = Service(
    "firehose",
    modules=(streams, put, tags, encryption),
    resources=RESOURCES,
    timers={"flush": delivery.flush, "undelivered": delivery.undelivered, "read": sources.read, "sweep": life.sweep},
    targets={"firehose": _delivered},
    faults={"NotImplemented": 501},
    # https://docs.aws.amazon.com/firehose/latest/dev/monitoring-using-cloudtrail.html
    data_operations=("PutRecord", "PutRecordBatch"),
)
