"""The rows of lookup tables: read from CSV, or made of what a query found."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.logs.queries.state import LOOKUPS, QUERIES, QUERY_SERIALS, RESULTS, Lookup, Result
from windtunnel.services.logs.rules import MILLISECONDS, invalid

BODY_BYTES_MAX = 10 << 20


def table_of(tx: Tx, req: Mapping[str, Any]) -> str:
    """The CSV of a request that gives it, or that names a query whose results are to be it."""
    body, query_id = req.get("tableBody"), req.get("queryId")
    if (body is None) == (query_id is None):
        raise invalid("Exactly one of tableBody and queryId must be specified.")
    if body is not None:
        return body
    serial = tx.get(QUERY_SERIALS, query_id)
    query = None if serial is None else tx.get(QUERIES, serial)
    if serial is None or query is None or query.status not in ("Complete", "Cancelled"):
        raise invalid("The query must be complete or cancelled.")
    return csv_of(result for _, result in tx.scan(RESULTS, serial))


def csv_of(results: Iterable[Result]) -> str:
    """Results as CSV, without their pointers."""
    rows = [{name: value for name, value in result.fields if name != "@ptr"} for result in results]
    out = StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def keep_table(tx: Tx, name: str, body: str, description: str, kms: str) -> Lookup:
    """Puts a table in the place of one of its name, if there is any. Raises the fault of a body that is none."""
    if len(body.encode()) > BODY_BYTES_MAX:
        raise Fault("ValidationException", "The lookup table must not exceed 10 MB.")
    lines = [line for line in csv.reader(StringIO(body)) if line]
    fields = lines[0] if lines else []
    if not fields or "" in fields or len(set(fields)) < len(fields) or any(len(line) != len(fields) for line in lines):
        raise Fault("ValidationException", "The lookup table must have a header row of different names, and rows of as many values.")
    now = int(tx.now * MILLISECONDS)
    old = tx.get(LOOKUPS, name)
    lookup = Lookup(now if old is None else old.created, now, body, fields, len(lines) - 1, description, kms)
    tx.put(LOOKUPS, name, value=lookup)
    return lookup
