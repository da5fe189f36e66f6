"""Lookup tables: reference data that queries put beside events.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Lookup.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.logs.queries.state import LOOKUPS, Lookup
from windtunnel.services.logs.queries.tables import keep_table, table_of
from windtunnel.services.logs.rules import bad_token, invalid
from windtunnel.services.logs.state import arn_within

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

TABLES_MAX = 100
PAGE, PAGE_MAX = 50, 100
KIND = "lookup-table"


def create_lookup_table(tx: Tx, req: t.CreateLookupTableRequest) -> t.CreateLookupTableResponse:
    name = req["lookupTableName"]
    if tx.get(LOOKUPS, name) is not None:
        raise Fault("ResourceAlreadyExistsException", "The specified lookup table already exists.")
    if sum(1 for _ in tx.scan(LOOKUPS, limit=TABLES_MAX)) == TABLES_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    lookup = keep_table(tx, name, table_of(tx, req), req.get("description", ""), req.get("kmsKeyId", ""))
    arn = arn_within(tx, KIND, name)
    set_tags(tx, arn, req.get("tags", {}))
    return {"lookupTableArn": arn, "createdAt": lookup.created}


def update_lookup_table(tx: Tx, req: t.UpdateLookupTableRequest) -> t.UpdateLookupTableResponse:
    """All of its rows are replaced; what isn't said of the rest stays."""
    name, old = _named(tx, req["lookupTableArn"])
    lookup = keep_table(tx, name, table_of(tx, req), req.get("description", old.description), req.get("kmsKeyId", old.kms))
    return {"lookupTableArn": req["lookupTableArn"], "lastUpdatedTime": lookup.updated}


def get_lookup_table(tx: Tx, req: t.GetLookupTableRequest) -> t.GetLookupTableResponse:
    name, lookup = _named(tx, req["lookupTableArn"])
    shown = _shown(tx, name, lookup)
    del shown["tableFields"], shown["recordsCount"]
    return {**shown, "tableBody": lookup.body}  # pyright: ignore[reportReturnType]


def describe_lookup_tables(tx: Tx, req: t.DescribeLookupTablesRequest) -> t.DescribeLookupTablesResponse:
    if not 1 <= req.get("maxResults", PAGE) <= PAGE_MAX:
        raise invalid(f"maxResults must be between 1 and {PAGE_MAX}.")
    page, token = pages.page(_matching(tx, req), req.get("maxResults", PAGE))
    shown = [_shown(tx, name, lookup) for (name,), lookup in page]
    return {"lookupTables": shown, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def delete_lookup_table(tx: Tx, req: t.DeleteLookupTableRequest) -> None:
    name, _ = _named(tx, req["lookupTableArn"])
    tx.delete(LOOKUPS, name)
    remove_all_tags(tx, req["lookupTableArn"])


def _matching(tx: Tx, req: t.DescribeLookupTablesRequest) -> Iterator[tuple[tuple[str], Lookup]]:
    prefix = req.get("lookupTableNamePrefix", "")
    try:
        start = pages.decode(req["nextToken"]) if "nextToken" in req else (prefix,)
    except ValueError as error:
        raise bad_token() from error
    for key, lookup in tx.scan(LOOKUPS, start=start):
        if not str(key[0]).startswith(prefix):
            return
        yield (str(key[0]),), lookup


def _named(tx: Tx, arn: str) -> tuple[str, Lookup]:
    begin = arn_within(tx, KIND, "")
    name = arn.removeprefix(begin)
    lookup = tx.get(LOOKUPS, name) if arn.startswith(begin) else None
    if lookup is None:
        raise Fault("ResourceNotFoundException", "The specified lookup table does not exist.")
    return name, lookup


def _shown(tx: Tx, name: str, lookup: Lookup) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "lookupTableArn": arn_within(tx, KIND, name),
        "lookupTableName": name,
        "tableFields": lookup.fields,
        "recordsCount": lookup.records,
        "sizeBytes": len(lookup.body.encode()),
        "lastUpdatedTime": lookup.updated,
    }
    told = {"description": lookup.description, "kmsKeyId": lookup.kms}
    return {**shown, **{word: value for word, value in told.items() if value}}
