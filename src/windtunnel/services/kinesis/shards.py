"""Shards: ranges of hash keys that are opened, split, merged and listed.

https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-resharding.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.pages import decode, encode
from windtunnel.fabric import Fault, Tx
from windtunnel.services.kinesis.resharding import check_provisioned, check_room, listed, merge, printed, split, take_apart
from windtunnel.services.kinesis.rules import (
    HASH_KEY_MAX,
    HOUR_SECONDS,
    ITERATOR_SECONDS,
    SCALINGS_PER_DAY,
    SHARDS_LISTED_MAX,
    STREAM_SHARDS_MAX,
    invalid,
    shard_id,
    shard_number,
)
from windtunnel.services.kinesis.state import Found, Shard, find

if TYPE_CHECKING:
    from windtunnel.aws.types import kinesis as t

DAY_SECONDS = 24 * HOUR_SECONDS


def list_shards(tx: Tx, req: t.ListShardsInput) -> dict[str, Any]:
    token = req.get("NextToken")
    if token:
        for other in ("StreamName", "StreamCreationTimestamp", "ExclusiveStartShardId"):
            if other in req:
                raise invalid(f"NextToken and {other} cannot be provided together.")
        name, created, start, issued, kind, at = _token(token)
        if tx.now - issued > ITERATOR_SECONDS:
            raise Fault("ExpiredNextTokenException", "NextToken has expired.")
        found = find(tx, {"StreamName": name, **({"StreamARN": req["StreamARN"]} if "StreamARN" in req else {})})
        if found.stream.created != created:
            raise invalid("NextToken is invalid.")
    else:
        if not (req.get("StreamName") or req.get("StreamARN")):
            raise invalid("Either NextToken or StreamName should be provided.")
        found = find(tx, req)
        if "StreamCreationTimestamp" in req and int(req["StreamCreationTimestamp"]) != found.stream.created:
            raise Fault("ResourceNotFoundException", f"Stream {found.name} under account {found.tx.account} not found.")
        kind, at, start = _filter(req, found)
    limit = min(req.get("MaxResults", SHARDS_LISTED_MAX), STREAM_SHARDS_MAX)
    shown: list[dict[str, Any]] = []
    for number, shard in listed(found, start):
        if not _passes(shard, kind, at):
            continue
        if len(shown) == limit:
            return {"Shards": shown, "NextToken": encode((found.name, found.stream.created, number, tx.now, kind, at))}
        shown.append(printed(number, shard))
    return {"Shards": shown}


def split_shard(tx: Tx, req: t.SplitShardInput) -> dict[str, Any]:
    found = find(tx, req)
    check_provisioned(found, "SplitShard")
    number, shard = found.shard(req["ShardToSplit"])
    key = int(req["NewStartingHashKey"])
    where = f"shard {shard_id(number)} in stream {found.name} under account {found.tx.account}"
    _check_open(found, number, shard)
    if not int(shard.start) + 1 < key < int(shard.end) or key > HASH_KEY_MAX:
        raise invalid(
            f"NewStartingHashKey {key} used in SplitShard() on {where} is not both greater than one plus the shard's "
            f"StartingHashKey {shard.start} and less than the shard's EndingHashKey {shard.end}."
        )
    check_room(found, 1)
    split(found, number, shard, key)
    return {}


def merge_shards(tx: Tx, req: t.MergeShardsInput) -> dict[str, Any]:
    found = find(tx, req)
    check_provisioned(found, "MergeShards")
    first, second = found.shard(req["ShardToMerge"]), found.shard(req["AdjacentShardToMerge"])
    for number, shard in (first, second):
        _check_open(found, number, shard)
    ends = sorted((first, second), key=lambda one: int(one[1].start))
    if int(ends[0][1].end) + 1 != int(ends[1][1].start):
        raise invalid(
            f"Shards {shard_id(first[0])} and {shard_id(second[0])} in stream {found.name} under account {found.tx.account} "
            "are not an adjacent pair of shards eligible for merging"
        )
    merge(found, first, second)
    return {}


def update_shard_count(tx: Tx, req: t.UpdateShardCountInput) -> dict[str, Any]:
    """https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html"""
    found = find(tx, req)
    check_provisioned(found, "UpdateShardCount")
    current, target = found.stream.open, req["TargetShardCount"]
    counts = f"Current open shard count: {current} Target shard count: {target}"
    if target > 2 * current:
        raise Fault("LimitExceededException", f"UpdateShardCount cannot scale up over double your current open shard count. {counts}")
    if target * 2 < current:
        raise Fault("LimitExceededException", f"UpdateShardCount cannot scale down below half your current open shard count. {counts}")
    if target > STREAM_SHARDS_MAX:
        raise Fault("LimitExceededException", f"UpdateShardCount cannot scale a stream to more than {STREAM_SHARDS_MAX} shards. {counts}")
    scaled = [moment for moment in found.stream.scaled if moment > tx.now - DAY_SECONDS]
    if len(scaled) >= SCALINGS_PER_DAY:
        raise Fault("LimitExceededException", f"UpdateShardCount cannot scale a stream more than {SCALINGS_PER_DAY} times in 24 hours.")
    check_room(found, max(target - current, 0))
    take_apart(found, target)
    found.keep(scaled=[*scaled, tx.now])
    return {"StreamName": found.name, "CurrentShardCount": current, "TargetShardCount": target, "StreamARN": found.arn}


def _check_open(found: Found, number: int, shard: Shard) -> None:
    if shard.closed:
        raise invalid(
            f"Shard {shard_id(number)} in stream {found.name} under account {found.tx.account} "
            "has already been merged or split, and thus is not eligible for merging or splitting."
        )


def _filter(req: t.ListShardsInput, found: Found) -> tuple[str, float, int]:
    """What is listed: the kind of filter, its moment, and the number of the first shard."""
    given: dict[str, Any] = dict(req.get("ShardFilter") or {})
    kind, start, at = given.get("Type", "FROM_TRIM_HORIZON"), 0, 0.0
    horizon = found.stream.horizon(found.tx.now) / 1000
    after = req.get("ExclusiveStartShardId")
    if kind == "AFTER_SHARD_ID":
        if not given.get("ShardId"):
            raise invalid("ShardId must be specified in the ShardFilter of type AFTER_SHARD_ID.")
        after = given["ShardId"]
    if kind.endswith("_TIMESTAMP"):
        if "Timestamp" not in given:
            raise invalid(f"Timestamp must be specified in the ShardFilter of type {kind}.")
        at = max(float(given["Timestamp"]), horizon)
    elif kind == "AT_TRIM_HORIZON":
        # A stream younger than its retention period begins with its first shards.
        at = max(horizon, float(found.stream.created))
    if after is not None:
        start = (shard_number(after) or 0) + 1
    return kind, at, start


def _passes(shard: Shard, kind: str, at: float) -> bool:
    if kind == "AT_LATEST":
        return not shard.closed
    if kind in ("AT_TRIM_HORIZON", "AT_TIMESTAMP"):
        return int(shard.opened) <= at and (not shard.closed or shard.closed > at)
    if kind == "FROM_TIMESTAMP":
        return not shard.closed or shard.closed >= at
    return True


def _token(token: str) -> tuple[str, int, int, float, str, float]:
    try:
        return msgspec.convert(decode(token), tuple[str, int, int, float, str, float])
    except (ValueError, msgspec.ValidationError) as error:
        raise invalid("NextToken is invalid.") from error
