"""What the transactions of both languages, requests and PartiQL, do alike: make all changes or say of each why not, once for each token."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.items import changes, requests
from windtunnel.services.dynamodb.items.capacity import TRANSACTIONAL, Kind, Units, added, consumed, meter, read_units, write_units
from windtunnel.services.dynamodb.items.changes import Done, Wanted
from windtunnel.services.dynamodb.keys import Place
from windtunnel.services.dynamodb.lookup import Found, find
from windtunnel.services.dynamodb.state import TOKENS, TableRow, Token

TOKEN_SECONDS = 600
"""So long a client's token stands for the transaction that it was first sent with."""


class Part(msgspec.Struct, frozen=True):
    """One change of a transaction."""

    table: str
    wanted: Wanted


class Summed:
    """What a transaction consumes of each table: twice of what the same would outside of one."""

    def __init__(self, kind: Kind) -> None:
        self._kind: Kind = kind
        self._rows: dict[tuple[str, str, str], tuple[Found, Units]] = {}

    def _units(self, found: Found) -> Units:
        return self._rows.setdefault((found.tx.account, found.tx.region, found.row.name), (found, {}))[1]

    def write(self, found: Found, done: Done) -> None:
        added(self._units(found), write_units(found.row, done.old, done.new, done.size), TRANSACTIONAL)

    def read(self, found: Found, size: int) -> None:
        added(self._units(found), {"": read_units(size, consistent=True)}, TRANSACTIONAL)

    def consumed(self, asked: str | None) -> dict[str, Any]:
        """The members of a result that tell it."""
        capacities: list[dict[str, Any]] = []
        for found, units in self._rows.values():
            meter(found.tx, found.row, self._kind, sum(units.values()))
            capacity = consumed(found.row, units, asked, self._kind)
            capacities += [capacity] if capacity is not None else []
        return {"ConsumedCapacity": capacities} if capacities else {}


def make_all(tx: Tx, parts: Sequence[Part], capacity: str | None, metrics: str | None = None) -> dict[str, Any]:
    """Makes all changes, or raises why each of them can't be."""
    tables = [find(tx, part.table) for part in parts]
    seen: set[tuple[str, str, int, Place]] = set()
    for found, part in zip(tables, parts, strict=True):
        place = _place(found.row, part.wanted)
        if place is None:
            continue
        whole = (found.tx.account, found.tx.region, found.row.number, place)
        if whole in seen:
            raise invalid("Transaction request cannot include multiple operations on one item")
        seen.add(whole)
    summed = Summed("Write")
    collections: dict[str, list[Any]] = {}
    reasons: list[dict[str, Any]] = []
    for found, part in zip(tables, parts, strict=True):

        def act(found: Found = found, wanted: Wanted = part.wanted) -> None:
            done = changes.make(found.tx, found.row, wanted)
            summed.write(found, done)

        reasons.append(reason(act))
        collected = requests.collection_metrics(found.row, part.wanted.item, metrics) if metrics else {}
        if collected:
            collections.setdefault(part.table, []).append(collected)
    if any(one["Code"] != "None" for one in reasons):
        raise cancelled(reasons)
    result = summed.consumed(capacity)
    return {**result, "ItemCollectionMetrics": collections} if collections else result


def reason(act: Callable[[], None]) -> dict[str, Any]:
    """Does something and tells its CancellationReason."""
    try:
        act()
    except Fault as fault:
        code = fault.code.removesuffix("Exception")
        return {"Code": "ValidationError" if code == "Validation" else code, "Message": fault.message, **fault.members}
    return {"Code": "None"}


def cancelled(reasons: Sequence[Mapping[str, Any]]) -> Fault:
    codes = ", ".join(one["Code"] for one in reasons)
    return Fault(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=list(reasons),
    )


def check_token(tx: Tx, token: str | None, digest: str) -> dict[str, Any] | None:
    """What a transaction of this token has answered before, if there was one."""
    made = tx.get(TOKENS, token) if token is not None else None
    if made is None or made.at + TOKEN_SECONDS <= tx.now:
        return None
    if made.digest != digest:
        raise Fault(
            "IdempotentParameterMismatchException", "The request uses the same client token as a previous, but non-identical request."
        )
    return made.result


def remember(tx: Tx, token: str | None, digest: str, result: dict[str, Any]) -> None:
    if token is not None:
        tx.put(TOKENS, token, value=Token(tx.now, digest, result))
        tx.timer(tx.now + TOKEN_SECONDS, "forget_token", {"token": token}, name=token)


def forget_token(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: a token's time is over."""
    tx.delete(TOKENS, payload["token"])


def _place(row: TableRow, wanted: Wanted) -> Place | None:
    try:
        return changes.place(row, wanted)
    except Fault:
        return None  # the change itself will say what is wrong
