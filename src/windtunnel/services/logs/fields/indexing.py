"""Which fields of a group's events are indexed, and what is remembered of them as events come in.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatchLogs-Field-Indexing-Syntax.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import orjson

from windtunnel.fabric import Tx
from windtunnel.services.logs.criteria import selected
from windtunnel.services.logs.fields.state import INDEXED, Indexed
from windtunnel.services.logs.insights.records import discovered, reported
from windtunnel.services.logs.rules import MILLISECONDS, invalid
from windtunnel.services.logs.state import ACCOUNT_POLICIES, GROUP_POLICIES, INDEXES, AccountPolicy, Chunk, Group

FIELDS_MAX = 20
FIELD_CHARACTERS_MAX = 100
DEFAULTS = (
    "@logStream",
    "@aws.region",
    "@aws.account",
    "@source.log",
    "@data_source_name",
    "@data_source_type",
    "@data_format",
    "traceId",
    "severityText",
    "attributes.session.id",
)
KIND = "FIELD_INDEX_POLICY"


def check_indexes(text: str) -> None:
    """Refuses what is no index policy."""
    try:
        fields = _fields(text)
    except (orjson.JSONDecodeError, AttributeError, TypeError, KeyError) as error:
        raise invalid("The index policy document is not valid.") from error
    if not 1 <= len(fields) <= FIELDS_MAX or any(not 1 <= len(name) <= FIELD_CHARACTERS_MAX for name, _ in fields):
        raise invalid(f"An index policy has between 1 and {FIELDS_MAX} fields, whose names have at most {FIELD_CHARACTERS_MAX} characters.")
    if len(dict(fields)) < len(fields) or any(kind not in ("FIELD_INDEX", "FACET") for _, kind in fields):
        raise invalid("The fields of an index policy must be different, and their types FIELD_INDEX or FACET.")


def indexed_fields(tx: Tx, name: str, group: Group) -> dict[str, str]:
    """The fields that are indexed in what comes into a group now, with their types."""
    policy = tx.get(GROUP_POLICIES, name, INDEXES) if group.policies & INDEXES else None
    documents = [policy.document] if policy is not None else [found.document for _, found in of_account(tx, name)]
    return {_plain(field): kind for document in documents for field, kind in _fields(document)}


def indexed_since(tx: Tx, name: str, group: Group, field: str) -> int | None:
    """Since when a field is indexed, in milliseconds; None where it isn't."""
    policy = tx.get(GROUP_POLICIES, name, INDEXES) if group.policies & INDEXES else None
    if policy is not None:
        return policy.created if field in indexed_fields(tx, name, group) else None
    found = (account.updated for _, account in of_account(tx, name) if field in {_plain(one) for one, _ in _fields(account.document)})
    return next(found, None)


def note(tx: Tx, name: str, group: Group, chunk: Chunk) -> None:
    """Remembers which of the indexed fields were seen in a chunk."""
    fields = indexed_fields(tx, name, group)
    if not fields:
        return
    now = int(tx.now * MILLISECONDS)
    rows = [
        {**discovered(chunk.transformed[at] if chunk.transformed else text), **reported(text)} for at, text in enumerate(chunk.messages)
    ]
    for field in fields:
        times = [time for time, row in zip(chunk.times, rows, strict=True) if field in row or field in ("@logStream", "@ingestionTime")]
        old = tx.get(INDEXED, group.id, field) or Indexed(now)
        first, last = min(times, default=0), max(times, default=0)
        seen = Indexed(now, min(old.first or first, first or old.first), max(old.last, last))
        tx.put(INDEXED, group.id, field, value=seen)


def of_account(tx: Tx, name: str) -> Iterator[tuple[str, AccountPolicy]]:
    if tx.count(ACCOUNT_POLICIES, "all"):
        yield from ((str(key[1]), policy) for key, policy in tx.scan(ACCOUNT_POLICIES, KIND) if selected(policy.criteria, name))


def _fields(text: str) -> list[tuple[str, str]]:
    document = cast("dict[str, Any]", orjson.loads(text))
    typed = cast("dict[str, dict[str, str]]", document.get("FieldsV2", {}))
    return [(field, "FIELD_INDEX") for field in document.get("Fields", [])] + [(field, one["type"]) for field, one in typed.items()]


def _plain(field: str) -> str:
    """A custom field that begins with `@` is told by one more of them."""
    return field[1:] if field.startswith("@@") else field
