"""Kinesis and DynamoDB have the same shards, iterators and records, under other names."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping as Members
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric.call import Call

GONE = "ResourceNotFoundException"
WAIT = "WaitSeconds"
"""GetRecords waits so long for a record when a service of AWS's asks for it; of a stream that doesn't know it the caller asks again."""


def moment_z(at: float, exact: str = "milliseconds") -> str:
    """2026-01-01T00:00:00.000Z"""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=exact).replace("+00:00", "Z")


class Feed(msgspec.Struct, frozen=True):
    """A stream that is read. `arn` may name one of its consumers."""

    arn: str

    @property
    def is_kinesis(self) -> bool:
        return parse(self.arn).service == "kinesis"

    @property
    def stream(self) -> str:
        return self.arn.partition("/consumer/")[0]

    def _api(self, call: Call) -> Any:
        place = parse(self.arn)
        aws = call.at(account=place.account, region=place.region).aws
        return aws.kinesis if self.is_kinesis else getattr(aws, "dynamodbstreams")  # noqa: B009

    async def shards(self, call: Call) -> list[dict[str, Any]]:
        """All shards whose records may still be there. Raises the fault of a stream that isn't."""
        api, found, more = self._api(call), list[dict[str, Any]](), dict[str, Any]()
        while True:
            if self.is_kinesis:
                answer = await api.list_shards(more or {"StreamARN": self.stream})
                found += answer["Shards"]
                more = {"NextToken": answer.get("NextToken")}
                last = answer.get("NextToken")
            else:
                answer = (await api.describe_stream({"StreamArn": self.stream, **more}))["StreamDescription"]
                found += answer["Shards"]
                last = answer.get("LastEvaluatedShardId")
                more = {"ExclusiveStartShardId": last}
            if not last:
                return found

    async def iterator(self, call: Call, shard: str, kind: str, **more: Any) -> str:
        """An iterator; `more` is its sequence number or timestamp."""
        given = {} if self.is_kinesis else {"StreamArn": self.stream}
        named = {"StreamARN": self.stream} if self.is_kinesis else given
        if not self.is_kinesis and "StartingSequenceNumber" in more:
            more = {"SequenceNumber": more["StartingSequenceNumber"]}
        answer = await self._api(call).get_shard_iterator({**named, "ShardId": shard, "ShardIteratorType": kind, **more})
        return str(answer["ShardIterator"])

    async def records(self, call: Call, iterator: str, limit: int, seconds: float) -> tuple[list[dict[str, Any]], str | None]:
        """What comes within so many seconds, and where to go on; None at the end of a shard."""
        most = limit if self.is_kinesis else min(limit, 1000)
        answer = await self._api(call).get_records({"ShardIterator": iterator, "Limit": most, WAIT: seconds})
        return answer["Records"], answer.get("NextShardIterator")

    def sequence(self, record: Members[str, Any]) -> str:
        return record["SequenceNumber"] if self.is_kinesis else record["dynamodb"]["SequenceNumber"]

    def marks(self, records: list[dict[str, Any]]) -> list[str]:
        """What the live list of calls knows records by, where whoever put them is told of it."""
        return [f"{parse(self.stream).id}/{self.sequence(record)}" for record in records] if self.is_kinesis else []

    def arrival(self, record: Members[str, Any]) -> float:
        """When a record came into the stream."""
        if self.is_kinesis:
            return float(record["ApproximateArrivalTimestamp"])
        return float(record["dynamodb"]["ApproximateCreationDateTime"])

    def lane(self, record: Members[str, Any], lanes: int) -> int:
        """Which of so many batches at a time a record belongs to: those of one key follow each other."""
        key = (
            record.get("PartitionKey", "").encode() if self.is_kinesis else msgspec.json.encode(record["dynamodb"]["Keys"], order="sorted")
        )
        return int.from_bytes(md5(key, usedforsecurity=False).digest()[:4], "big") % lanes

    def event(self, record: Members[str, Any], shard: str, role: str) -> dict[str, Any]:
        """A record as its readers are told of it; `role` is whose keys it was read with."""
        if not self.is_kinesis:
            return {**record, "eventSourceARN": self.arn}
        return {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.get("PartitionKey", ""),
            "sequenceNumber": record["SequenceNumber"],
            "data": b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard}:{record['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role,
            "awsRegion": parse(self.arn).region,
            "eventSourceARN": self.arn,
        }

    def matched(self, record: Members[str, Any], shard: str = "", role: str = "") -> dict[str, Any]:
        """The same as filters see it: the data of Kinesis' is looked into where it is JSON."""
        event = self.event(record, shard, role)
        if not self.is_kinesis:
            return event
        try:
            event["data"] = msgspec.json.decode(record["Data"])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            event["data"] = record["Data"].decode("utf-8", "replace")
        return event

    def batch_info(self, records: list[dict[str, Any]], shard: str) -> dict[str, Any]:
        """https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html"""
        exact = "milliseconds" if self.is_kinesis else "seconds"
        first, last = (moment_z(self.arrival(record), exact) for record in (records[0], records[-1]))
        info = {
            "shardId": shard,
            "startSequenceNumber": self.sequence(records[0]),
            "endSequenceNumber": self.sequence(records[-1]),
            "approximateArrivalOfFirstRecord": first,
            "approximateArrivalOfLastRecord": last,
            "batchSize": len(records),
            "streamArn": self.stream,
        }
        return {"KinesisBatchInfo" if self.is_kinesis else "DDBStreamBatchInfo": info}
