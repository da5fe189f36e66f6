"""Kinesis streams that get the changes of a table's items.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.lookup import find_named
from windtunnel.services.dynamodb.state import TABLES, Destination, TableRow

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

INVALID = "Table is not in a valid state to enable Kinesis Streaming Destination: "


def enable_kinesis_streaming_destination(tx: Tx, req: t.KinesisStreamingDestinationInput) -> dict[str, Any]:
    found = find_named(tx, req["TableName"])
    row, arn = found.row, req["StreamArn"]
    present = row.destinations.get(arn)
    if present is not None and present.status == "ACTIVE":
        raise invalid(f"{INVALID}EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation.")
    configuration = req.get("EnableKinesisStreamingConfiguration") or {}
    try:
        found.tx.call("kinesis", "describe_stream_summary", {"StreamARN": arn})
        status = "ACTIVE"
    except Fault:
        status = "ENABLE_FAILED"
    _keep(found.tx, row, arn, Destination(status, configuration.get("ApproximateCreationDateTimePrecision", "")))
    return {"TableName": row.name, "StreamArn": arn, "DestinationStatus": "ENABLING", "EnableKinesisStreamingConfiguration": configuration}


def disable_kinesis_streaming_destination(tx: Tx, req: t.KinesisStreamingDestinationInput) -> dict[str, Any]:
    found = find_named(tx, req["TableName"])
    one = found.row.destinations.get(req["StreamArn"])
    if one is None or one.status != "ACTIVE":
        raise invalid(f"{INVALID}KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")
    _keep(found.tx, found.row, req["StreamArn"], msgspec.structs.replace(one, status="DISABLED"))
    return {"TableName": found.row.name, "StreamArn": req["StreamArn"], "DestinationStatus": "DISABLING"}


def describe_kinesis_streaming_destination(tx: Tx, req: t.DescribeKinesisStreamingDestinationInput) -> dict[str, Any]:
    row = find_named(tx, req["TableName"]).row
    listed = [
        {
            "StreamArn": arn,
            "DestinationStatus": one.status,
            **({"ApproximateCreationDateTimePrecision": one.precision} if one.precision else {}),
        }
        for arn, one in row.destinations.items()
    ]
    return {"TableName": row.name, "KinesisDataStreamDestinations": listed}


def update_kinesis_streaming_destination(tx: Tx, req: t.UpdateKinesisStreamingDestinationInput) -> dict[str, Any]:
    found = find_named(tx, req["TableName"])
    row, arn = found.row, req["StreamArn"]
    precision = (req.get("UpdateKinesisStreamingConfiguration") or {}).get("ApproximateCreationDateTimePrecision")
    if not precision:
        raise invalid(
            "Streaming destination cannot be updated with given parameters: "
            "UpdateKinesisStreamingConfiguration cannot be null or contain only null values"
        )
    one = row.destinations.get(arn)
    if one is None:
        raise invalid(f"{INVALID}No streaming destination with streamArn: {arn} found for table with tableName: {row.name}")
    if one.status != "ACTIVE":
        raise invalid(
            f"{INVALID}Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. "
            f"TableName: {row.name}, kdsArn: {arn}"
        )
    if one.precision == precision:
        raise invalid(f"Invalid Request: Precision is already set to the desired value of {precision} for tableId: {row.id}, kdsArn: {arn}")
    _keep(found.tx, row, arn, msgspec.structs.replace(one, precision=precision))
    return {
        "TableName": row.name,
        "StreamArn": arn,
        "DestinationStatus": "UPDATING",
        "UpdateKinesisStreamingConfiguration": {"ApproximateCreationDateTimePrecision": precision},
    }


def _keep(tx: Tx, row: TableRow, arn: str, destination: Destination) -> None:
    tx.put(TABLES, row.name, value=msgspec.structs.replace(row, destinations={**row.destinations, arn: destination}))
