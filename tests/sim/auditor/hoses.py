"""Firehose: each record that was taken lies in the bucket once its buffer's time is over, once or more."""

from __future__ import annotations

from collections import Counter

from tests.sim.auditor.base import Ask, Call, ended, holds, same
from tests.sim.auditor.elsewhere import Elsewhere, Places, Troubles

BUCKET, NAME = "lake-things", "hose"
SECONDS = 60
LATE_SECONDS = 400
"""A buffer that could not be written is tried again by then."""


class Hoses(Elsewhere, Places):
    """One stream and its bucket."""

    region = "ap-south-1"

    def __init__(self, ask: Ask, troubles: Troubles) -> None:
        Elsewhere.__init__(self, ask, troubles)
        Places.__init__(self, ask)
        self._taken: dict[str, float] = {}
        """Records that are to come, with the moment at which they were put."""
        self._doubtful: set[str] = set()
        self._came: set[str] = set()
        self._seen: set[str] = set()

    def create_delivery_stream(self, call: Call) -> None:
        if ended(call):
            self.made.add(NAME)

    def create_delivery_stream_unknown(self, call: Call) -> None:
        if not self.ask("firehose", "DescribeDeliveryStream", DeliveryStreamName=NAME).fault:
            self.made.add(NAME)

    def put_record(self, call: Call) -> None:
        if ended(call):
            self._taken[call.request["Record"]["Data"].decode().strip()] = call.now

    def put_record_unknown(self, call: Call) -> None:
        self._doubtful.add(call.request["Record"]["Data"].decode().strip())

    def put_record_batch(self, call: Call) -> None:
        if ended(call):
            same("records that failed", call.result["FailedPutCount"], 0)
            self._taken |= {record["Data"].decode().strip(): call.now for record in call.request["Records"]}

    def put_record_batch_unknown(self, call: Call) -> None:
        self._doubtful |= {record["Data"].decode().strip() for record in call.request["Records"]}

    def audit(self) -> None:
        if BUCKET not in self.made:
            return
        came = Counter[str]()
        for page in self._pages():
            for key in page - self._seen:
                came.update(self.said("s3", "GetObject", Bucket=BUCKET, Key=key)["Body"].decode().split())
                self._seen.add(key)
        known = self._taken.keys() | self._doubtful | self._came
        same("records in the bucket that nobody put", set(came) - known, set())
        self._came |= came.keys()
        self._taken = {label: at for label, at in self._taken.items() if label not in came}
        now = self.troubles.now()
        for label, at in self._taken.items():
            late = LATE_SECONDS if self.troubles.within(at, now) else 0
            holds(now <= at + SECONDS + late, f"{label} was put at {at:.0f}, and isn't in the bucket at {now:.0f}")

    def _pages(self) -> list[set[str]]:
        pages, more = [], {}
        while True:
            said = self.said("s3", "ListObjectsV2", Bucket=BUCKET, **more)
            pages.append({one["Key"] for one in said.get("Contents", [])})
            if not said["IsTruncated"]:
                return pages
            more = {"ContinuationToken": said["NextContinuationToken"]}
