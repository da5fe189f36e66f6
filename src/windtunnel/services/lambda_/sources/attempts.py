"""What becomes of a batch of a stream's records: it is tried until it went well, is too old, or was tried often enough.

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
from windtunnel.services.lambda_.events.destinations import DELIVERY, SOURCE
from windtunnel.services.lambda_.places import Found, chosen, find
from windtunnel.services.lambda_.rules import moment_z, name_of
from windtunnel.services.lambda_.running.execute import Ran, execute
from windtunnel.services.lambda_.running.sandboxes import Concurrency
from windtunnel.services.lambda_.sources import positions
from windtunnel.services.lambda_.sources.batches import failed_items
from windtunnel.services.lambda_.sources.feeds import Feed
from windtunnel.services.lambda_.sources.positions import Lane
from windtunnel.services.lambda_.state import Mapping

Records = list[dict[str, Any]]
Extra = Callable[[], dict[str, Any]]
"""What an event has beside its records, asked for before each run."""
DELAY_SECONDS, DELAY_SECONDS_MAX = 0.5, 60.0
NONE_FAILED = frozenset({b"", b'""', b"[]", b"{}", b"null"})
"""Answers that AWS takes for a report without failures."""
EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"
NOTHING, WELL, BADLY = "No records processed", "OK", "PROBLEM: Function call failed"


class Batch(msgspec.Struct):
    """Records under way, and how often they were tried."""

    records: Records
    extra: Extra
    runs: int = 0
    retries: int = 0
    pauses: int = 0
    ran: Ran | None = None
    request_id: str = ""


class Attempts:
    """The batches of one lane, one after the other."""

    def __init__(self, call: Call, feed: Feed, mapping: Mapping, lane: Lane) -> None:
        self.call, self.feed, self.mapping, self.lane = call, feed, mapping, lane

    async def all(self, records: Records, extra: Extra, after: Callable[[Tx, Records, Ran | None], None]) -> None:
        """Returns once all records are done with. `after` writes down, record by record, how far it has come."""
        waiting = [Batch(records, extra)]
        while waiting:
            batch = waiting.pop()
            rest = await self._once(batch, after)
            waiting += reversed(rest)

    async def last(self, extra: Extra, ended: Callable[[Tx], None]) -> None:
        """The run that ends a window, without records; tried as often as any."""
        batch = Batch([], extra)
        while True:
            batch.ran = await self._run(batch)
            if batch.ran is not None and (not batch.ran.error or 0 <= self.mapping.retries <= batch.retries):
                await self.call.transact(ended)
                return
            batch.retries += 1
            await self._pause(batch)

    async def _once(self, batch: Batch, after: Callable[[Tx, Records, Ran | None], None]) -> list[Batch]:
        """One run of a batch; what is left to do of it."""
        mapping, call = self.mapping, self.call
        old = self._too_old(batch.records)
        if old:
            await call.transact(self._give_up, msgspec.structs.replace(batch, records=old, ran=None), TOO_OLD, after)
            left = batch.records[len(old) :]
            return [Batch(left, batch.extra)] if left else []
        batch.ran = await self._run(batch)
        if batch.ran is None:
            # Nothing ran, as the function is throttled or gone: that is no attempt.
            await self._pause(batch)
            return [batch]
        batch.runs += 1
        failed = self._first_failed(batch)
        done, left = batch.records[:failed], batch.records[failed:]
        await call.transact(self._note, batch, done, after)
        if not left:
            return []
        if mapping.bisect and len(batch.records) > 1:
            half = len(left) // 2 if not done and len(left) > 1 else len(left)
            return [Batch(part, batch.extra, batch.runs) for part in (left[:half], left[half:]) if part]
        batch.records = left
        if 0 <= mapping.retries <= batch.retries:
            await call.transact(self._give_up, batch, EXHAUSTED, after)
            return []
        batch.retries += 1
        await self._pause(batch)
        return [batch]

    def _note(self, tx: Tx, batch: Batch, done: Records, after: Callable[[Tx, Records, Ran | None], None]) -> None:
        """Writes down what came of a run."""
        if done:
            after(tx, done, batch.ran)
        positions.result(tx, self.lane.uuid, WELL if len(done) == len(batch.records) else BADLY)

    async def _pause(self, batch: Batch) -> None:
        delay = min(DELAY_SECONDS * 2.0 ** min(batch.pauses, 16), DELAY_SECONDS_MAX)
        batch.pauses += 1
        await self.call.wait(until=self.call.now() + delay)

    def _too_old(self, records: Records) -> Records:
        """The first of the records, as far as they are older than the mapping takes."""
        if self.mapping.age < 0:
            return []
        oldest = self.call.now() - self.mapping.age
        number = next((at for at, record in enumerate(records) if self.feed.arrival(record) > oldest), len(records))
        return records[:number]

    async def _run(self, batch: Batch) -> Ran | None:
        call = self.call
        try:
            found = call.read(_find, self.mapping.function)
            with Concurrency(call, found) as found:
                events = [self.feed.event(record, self.lane.shard, found.version.role) for record in batch.records]
                batch.request_id = call.ids.uuid()
                return await execute(call, found, msgspec.json.encode({"Records": events, **batch.extra()}), batch.request_id)
        except Fault:
            return None

    def _first_failed(self, batch: Batch) -> int:
        """The place of the first record that a run failed with; that after the last where it went well."""
        ran, records = batch.ran, batch.records
        if ran is None or ran.error:
            return 0
        if "ReportBatchItemFailures" not in self.mapping.responses or ran.payload.strip() in NONE_FAILED:
            return len(records)
        places = {self.feed.sequence(record): at for at, record in enumerate(records)}
        failed = failed_items(ran.payload, set(places))
        return 0 if failed is None else min((places[sequence] for sequence in failed), default=len(records))

    def _give_up(self, tx: Tx, batch: Batch, condition: str, after: Callable[[Tx, Records, Ran | None], None]) -> None:
        """Lets go of records, and tells of it where the mapping says whom."""
        after(tx, batch.records, None)
        destination = self.mapping.failure
        if not destination:
            return
        runs = batch.runs + (condition == TOO_OLD)
        told: dict[str, Any] = {
            "requestContext": {
                "requestId": batch.request_id or tx.new_id(),
                "functionArn": self.mapping.function,
                "condition": condition,
                "approximateInvokeCount": runs,
            }
        }
        if batch.ran is not None:
            error = batch.ran.error or None
            told["responseContext"] = {"statusCode": 200, "executedVersion": batch.ran.version, "functionError": error}
        told |= {"version": "1.0", "timestamp": moment_z(tx.now), **self.feed.batch_info(batch.records, self.lane.shard)}
        if parse(destination).service != "s3":
            event = Event(msgspec.json.encode(told).decode())
            tx.deliver(destination, event, source=SOURCE, source_arn=self.mapping.function, retry=DELIVERY)
            return
        role = _find(tx, self.mapping.function).version.role
        told["payload"] = {"Records": [self.feed.event(record, self.lane.shard, role) for record in batch.records]}
        text = msgspec.json.encode(told).decode()
        bucket, key = parse(destination).resource, self._key(tx)
        tx.timer(tx.now, "record", {"bucket": bucket, "key": key, "text": text, "arn": self.mapping.function})

    def _key(self, tx: Tx) -> str:
        """https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html"""
        moment = datetime.fromtimestamp(tx.now, UTC)
        lane = self.lane
        return f"aws/lambda/{lane.uuid}/{lane.shard}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{tx.new_id()}"


def _find(tx: Tx, function: str) -> Found:
    return chosen(find(tx, name_of(function)))
