"""Batches of a stream's records are run by a function; who wants to know is told of those that are given up.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Call, Event, Fault, Tx
from windtunnel.fabric.streams import positions
from windtunnel.fabric.streams.attempts import TOO_OLD
from windtunnel.fabric.streams.feed import Feed
from windtunnel.fabric.streams.reading import Batch, Lane, Records
from windtunnel.services.lambda_.events.destinations import DELIVERY, SOURCE
from windtunnel.services.lambda_.places import Found, chosen, find
from windtunnel.services.lambda_.rules import moment_z, name_of
from windtunnel.services.lambda_.running.execute import Ran
from windtunnel.services.lambda_.running.run import run
from windtunnel.services.lambda_.sources.batches import failed_items
from windtunnel.services.lambda_.state import MAPPINGS, RESULTS, Mapping

Extra = Callable[[], dict[str, Any]]
"""What an event has beside its records, asked for before each run."""
After = Callable[[Tx, Records, Ran | None], None]
"""Writes down how far the lane has come: to the last of some records, of which a run is the last, if any."""
NONE_FAILED = frozenset({b"", b'""', b"[]", b"{}", b"null"})
"""Answers that AWS takes for a report without failures."""
NOTHING, WELL, BADLY = "No records processed", "OK", "PROBLEM: Function call failed"
KINESIS = ("kinesisSchemaVersion", "partitionKey", "sequenceNumber", "data", "approximateArrivalTimestamp")
"""What lies a level deeper in the records that functions get."""


class FunctionRuns:
    """What a mapping's function does with the batches of a lane. `ran` is the last run, and `request_id` its id."""

    def __init__(self, call: Call, mapping: Mapping, lane: Lane, extra: Extra = dict, after: After | None = None) -> None:
        self.call, self.feed, self.mapping, self.lane, self._extra = call, Feed(mapping.source), mapping, lane, extra
        self._after = after or self._advance

    async def run(self, batch: Batch) -> int | None:
        call = self.call
        try:
            found = call.read(_find, self.mapping.function)
            events = [event_of(self.feed, record, self.lane.shard, found.version.role) for record in batch.records]
            request_id = call.ids.uuid()
            payload = msgspec.json.encode({"Records": events, **self._extra()})
            ran = await run(call, found, payload, request_id, messages=self.feed.marks(batch.records))
        except Fault:
            batch.last = None
            return None
        batch.last = (ran, request_id)
        return self._first_failed(batch.records, ran)

    def _first_failed(self, records: Records, ran: Ran) -> int:
        if ran.error:
            return 0
        if "ReportBatchItemFailures" not in self.mapping.responses or ran.payload.strip() in NONE_FAILED:
            return len(records)
        places = {self.feed.sequence(record): at for at, record in enumerate(records)}
        failed = failed_items(ran.payload, set(places))
        return 0 if failed is None else min((places[sequence] for sequence in failed), default=len(records))

    def note(self, tx: Tx, batch: Batch, done: Records) -> None:
        if done:
            self._after(tx, done, batch.last[0])
        text = WELL if len(done) == len(batch.records) else BADLY
        key = (tx.account, tx.region, self.lane.id)
        if tx.get(RESULTS, *key) != text and tx.get(MAPPINGS, *key) is not None:
            tx.put(RESULTS, *key, value=text)

    def _advance(self, tx: Tx, records: Records, ran: Ran | None) -> None:
        positions.advance(tx, self.lane, self.feed.sequence(records[-1]))

    def give_up(self, tx: Tx, batch: Batch, condition: str) -> None:
        """Lets go of records, and tells of it where the mapping says whom."""
        self._after(tx, batch.records, None)
        destination = self.mapping.failure
        if not destination:
            return
        ran, request_id = batch.last or (None, "")
        told: dict[str, Any] = {
            "requestContext": {
                "requestId": request_id or tx.new_id(),
                "functionArn": self.mapping.function,
                "condition": condition,
                "approximateInvokeCount": batch.runs + (condition == TOO_OLD),
            }
        }
        if ran is not None:
            told["responseContext"] = {"statusCode": 200, "executedVersion": ran.version, "functionError": ran.error or None}
        told |= {"version": "1.0", "timestamp": moment_z(tx.now), **self.feed.batch_info(batch.records, self.lane.shard)}
        if parse(destination).service != "s3":
            event = Event(msgspec.json.encode(told).decode())
            tx.deliver(destination, event, source=SOURCE, source_arn=self.mapping.function, retry=DELIVERY)
            return
        role = _find(tx, self.mapping.function).version.role
        told["payload"] = {"Records": [event_of(self.feed, record, self.lane.shard, role) for record in batch.records]}
        text = msgspec.json.encode(told).decode()
        bucket, key = parse(destination).resource, self._key(tx)
        tx.timer(tx.now, "record", {"bucket": bucket, "key": key, "text": text, "arn": self.mapping.function})

    def _key(self, tx: Tx) -> str:
        """https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html"""
        moment = datetime.fromtimestamp(tx.now, UTC)
        lane = self.lane
        return f"aws/lambda/{lane.id}/{lane.shard}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{tx.new_id()}"


def event_of(feed: Feed, record: dict[str, Any], shard: str, role: str) -> dict[str, Any]:
    """A record as functions get it."""
    event = feed.event(record, shard, role)
    return {"kinesis": {name: event.pop(name) for name in KINESIS}, **event} if feed.is_kinesis else event


def _find(tx: Tx, function: str) -> Found:
    return chosen(find(tx, name_of(function)))
