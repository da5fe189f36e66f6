"""What becomes of a batch of a stream's records: it is tried until it went well, is too old, or was tried often enough.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

import msgspec

from windtunnel.fabric.call import Call
from windtunnel.fabric.streams.feed import Feed
from windtunnel.fabric.streams.reading import Batch, Reading, Records, Runs

DELAY_SECONDS, DELAY_SECONDS_MAX = 0.5, 60.0
EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"


async def attempt(call: Call, reading: Reading, records: Records, runs: Runs) -> None:
    """Returns once all records are done with."""
    waiting = [Batch(records)]
    while waiting:
        waiting += reversed(await _once(call, reading, waiting.pop(), runs))


async def pause(call: Call, batch: Batch) -> None:
    """Waits before a batch is tried again, ever longer."""
    delay = min(DELAY_SECONDS * 2.0 ** min(batch.pauses, 16), DELAY_SECONDS_MAX)
    batch.pauses += 1
    await call.wait(until=call.now() + delay)


async def _once(call: Call, reading: Reading, batch: Batch, runs: Runs) -> list[Batch]:
    """One run of a batch; what is left to do of it."""
    old = _too_old(reading, batch.records, call.now())
    if old:
        await call.transact(runs.give_up, msgspec.structs.replace(batch, records=old, last=None), TOO_OLD)
        left = batch.records[len(old) :]
        return [Batch(left)] if left else []
    failed = await runs.run(batch)
    if failed is None:
        # Nothing ran, as whoever takes the batch is throttled or gone: that is no attempt.
        await pause(call, batch)
        return [batch]
    batch.runs += 1
    done, left = batch.records[:failed], batch.records[failed:]
    await call.transact(runs.note, batch, done)
    if not left:
        return []
    if reading.bisect and len(batch.records) > 1:
        half = len(left) // 2 if not done and len(left) > 1 else len(left)
        return [Batch(part, batch.runs) for part in (left[:half], left[half:]) if part]
    batch.records = left
    if 0 <= reading.retries <= batch.retries:
        await call.transact(runs.give_up, batch, EXHAUSTED)
        return []
    batch.retries += 1
    await pause(call, batch)
    return [batch]


def _too_old(reading: Reading, records: Records, now: float) -> Records:
    """The first of the records, as far as they are older than is wanted."""
    if reading.age < 0:
        return []
    feed, oldest = Feed(reading.source), now - reading.age
    number = next((at for at, record in enumerate(records) if feed.arrival(record) > oldest), len(records))
    return records[:number]
