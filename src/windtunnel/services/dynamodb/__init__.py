"""Amazon DynamoDB, and DynamoDB Streams: two services to their clients, over the same rows."""

from __future__ import annotations

from windtunnel.fabric import Service
from windtunnel.services.dynamodb import life
from windtunnel.services.dynamodb.backups import backups, copying, history, restoring
from windtunnel.services.dynamodb.exports import exports, imports, running, taking
from windtunnel.services.dynamodb.items import batches, items, query, statements, transacting, transactions
from windtunnel.services.dynamodb.stack import RESOURCES
from windtunnel.services.dynamodb.streams import destinations, shards, streams
from windtunnel.services.dynamodb.tables import global_tables, insights, policies, settings, tables, updating

SERVICE = Service(
    "dynamodb",
    modules=(
        tables,
        updating,
        settings,
        policies,
        insights,
        global_tables,
        destinations,
        items,
        query,
        batches,
        transactions,
        statements,
        backups,
        restoring,
        exports,
        imports,
    ),
    resources=RESOURCES,
    timers={
        "expire": life.expire,
        "note_expiring": life.note_expiring,
        "sweep_expiring": life.sweep_expiring,
        "forget_token": transacting.forget_token,
        "sweep_table": life.sweep_table,
        "sweep_index": life.sweep_index,
        "fill_index": life.fill_index,
        "sweep_stream": shards.sweep_stream,
        "copy_backup": copying.copy_backup,
        "sweep_backup": copying.sweep_backup,
        "fill_table": copying.fill_table,
        "forget_history": history.forget_history,
        "run_export": running.run_export,
        "run_import": taking.run_import,
    },
    faults={"NotImplemented": 501, "ValidationException": 400},
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html
    data_operations=(
        *("BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"),
        *("TransactGetItems", "TransactWriteItems", "BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction"),
    ),
)
STREAMS = Service(
    "dynamodbstreams", modules=(streams,), faults={"ValidationException": 400}, data_operations=("GetRecords", "GetShardIterator")
)
