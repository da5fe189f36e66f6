"""Records put into a Firehose stream."""

from __future__ import annotations

from typing import Any

from tests.sim.auditor.hoses import BUCKET, NAME, SECONDS, Hoses
from tests.sim.workload.base import Chance, Wish

BATCH_MAX = 5


class HoseWork:
    """Wishes of Firehose."""

    def __init__(self, chance: Chance, model: Hoses) -> None:
        self._chance, self._model = chance, model

    def wish(self) -> Wish | None:
        chance, missing = self._chance, self._model.missing(BUCKET, NAME)
        if missing == BUCKET:
            place = {"CreateBucketConfiguration": {"LocationConstraint": Hoses.region}}
            return Wish("s3", "CreateBucket", {"Bucket": BUCKET, **place}, Hoses.region)
        if missing:
            goes = {
                "BucketARN": f"arn:aws:s3:::{BUCKET}",
                "RoleARN": "arn:aws:iam::111111111111:role/writes",
                "BufferingHints": {"IntervalInSeconds": SECONDS, "SizeInMBs": 1},
            }
            return self._make("CreateDeliveryStream", ExtendedS3DestinationConfiguration=goes)
        if chance.percent(60):
            return self._make("PutRecord", Record=self._record())
        return self._make("PutRecordBatch", Records=[self._record() for _ in range(chance.number(1, BATCH_MAX))])

    def _make(self, operation: str, **request: Any) -> Wish:
        return Wish("firehose", operation, {"DeliveryStreamName": NAME, **request}, Hoses.region)

    def _record(self) -> dict[str, bytes]:
        return {"Data": f"{self._chance.label()}\n".encode()}
