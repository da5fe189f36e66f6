"""Records are put into a stream that takes them directly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Tx
from windtunnel.services.firehose import buffers
from windtunnel.services.firehose.rules import BATCH_BYTES_MAX, MIB, invalid
from windtunnel.services.firehose.state import DIRECT, Record, Stream, find

if TYPE_CHECKING:
    from windtunnel.aws.types import firehose as t

ROUNDED_BYTES = 5 * 1024
"""Data is billed in steps of so many bytes a record: https://aws.amazon.com/firehose/pricing/"""


def put_record(tx: Tx, req: t.PutRecordInput) -> dict[str, Any]:
    name, stream = find(tx, req)
    (record_id,) = _put(tx, name, stream, [req["Record"]["Data"]])
    return {"RecordId": record_id, "Encrypted": bool(stream.encryption)}


def put_record_batch(tx: Tx, req: t.PutRecordBatchInput) -> dict[str, Any]:
    name, stream = find(tx, req)
    data = [record["Data"] for record in req["Records"]]
    if sum(map(len, data)) > BATCH_BYTES_MAX:
        raise invalid(f"Records size exceeds {BATCH_BYTES_MAX // MIB} MB limit")
    ids = _put(tx, name, stream, data)
    return {"FailedPutCount": 0, "Encrypted": bool(stream.encryption), "RequestResponses": [{"RecordId": one} for one in ids]}


def _put(tx: Tx, name: str, stream: Stream, data: list[Any]) -> list[str]:
    if stream.type != DIRECT:
        raise invalid(f"This operation is not permitted on {stream.type} delivery stream type.")
    buffers.add(tx, name, stream, [Record(one, tx.now) for one in data])
    billed = sum(-(-len(one) // ROUNDED_BYTES) * ROUNDED_BYTES for one in data)
    tx.meter("BilledBytes", billed / (1 << 30), name)
    return [tx.new_id() for _ in data]
