"""Records come into the buffer that is being filled, which is closed when it is full or its time is over."""

from __future__ import annotations

from windtunnel.fabric import Tx
from windtunnel.services.firehose.rules import MIB, part
from windtunnel.services.firehose.state import BUFFERS, RECORDS, Buffer, Record, Stream

SIZE_MB, PARTITIONED_SIZE_MB, SECONDS = 5, 64, 300
"""What AWS takes where nothing is said; with dynamic partitioning a buffer is larger."""


def hints(stream: Stream) -> tuple[int, float]:
    """How many bytes, and for how many seconds, a stream gathers."""
    given = part(stream.settings, "BufferingHints")
    partitioned = part(stream.settings, "DynamicPartitioningConfiguration").get("Enabled")
    return given.get("SizeInMBs", PARTITIONED_SIZE_MB if partitioned else SIZE_MB) * MIB, given.get("IntervalInSeconds", SECONDS)


def add(tx: Tx, name: str, stream: Stream, records: list[Record]) -> None:
    """Puts records into a stream's buffer."""
    size, seconds = hints(stream)
    buffer = tx.get(BUFFERS, stream.id) or Buffer(0)
    for record in records:
        if not buffer.records:
            _flush(tx, name, stream, buffer.number, tx.now + seconds)
        tx.put(RECORDS, stream.id, buffer.number, buffer.records, value=record)
        buffer = Buffer(buffer.number, buffer.bytes + len(record.data), buffer.records + 1)
        if buffer.bytes >= size:
            _flush(tx, name, stream, buffer.number, tx.now)
            buffer = Buffer(buffer.number + 1)
    tx.put(BUFFERS, stream.id, value=buffer)


def close(tx: Tx, stream: int, number: int) -> list[Record]:
    """The records of a buffer, which takes no more from now on."""
    buffer = tx.get(BUFFERS, stream)
    if buffer is not None and buffer.number == number:
        tx.put(BUFFERS, stream, value=Buffer(number + 1))
    return [record for _, record in tx.scan(RECORDS, stream, number)]


def empty(tx: Tx, stream: int, number: int) -> None:
    """Removes what was delivered."""
    for key, _ in tx.scan(RECORDS, stream, number):
        tx.delete(RECORDS, *key)


def _flush(tx: Tx, name: str, stream: Stream, number: int, due: float) -> None:
    payload = {"name": name, "id": stream.id, "buffer": number, "since": tx.now}
    tx.timer(due, "flush", payload, name=f"{stream.id}/{number}")
