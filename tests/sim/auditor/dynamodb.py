"""DynamoDB: an item is what was last written to it, in its table, its index and its stream alike, and a transaction is whole or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.sim.auditor.base import Ask, Call, ended, holds, same

Item = dict[str, Any]
Key = tuple[str, ...]
ABSENT, REFUSED, CANCELED = "ResourceNotFoundException", "ConditionalCheckFailedException", "TransactionCanceledException"
STREAM_SECONDS = 24 * 3600


class Change(NamedTuple):
    """What the stream tells of one write."""

    at: float
    old: Item | None
    new: Item | None


@dataclass(eq=False, slots=True)
class Table:
    """One table. Its items have a label of their own for each write, so that no write is like another."""

    name: str
    ranged: bool
    stream: str
    expires: float = 0.0
    """Since when it minds when its items expire; 0: it does not."""
    items: dict[Key, Item] = field(default_factory=dict)
    changes: dict[Key, list[Change]] = field(default_factory=lambda: defaultdict(list))

    def key(self, item: Item) -> Key:
        return (item["pk"]["S"], item["sk"]["N"]) if self.ranged else (item["pk"]["S"],)

    def write(self, key: Key, new: Item | None, now: float) -> None:
        old = self.items.pop(key, None)
        if new is not None:
            self.items[key] = new
        if old != new:
            self.changes[key].append(Change(now, old, new))


class Tables:
    """All tables. `inexact` says until when what expires by itself may still be there."""

    def __init__(self, ask: Ask, inexact: Callable[[], float]) -> None:
        self._ask, self._inexact = ask, inexact
        self.tables: dict[str, Table] = {}

    def _table(self, call: Call, name: str) -> Table | None:
        table = self.tables.get(name)
        if table is None:
            ended(call, ABSENT)
        else:
            self._expire(table, call.now)
        return table

    def passed(self, now: float) -> None:
        """A step is over. While what falls due may be late, the region is asked what has expired."""
        for table in self.tables.values():
            self._expire(table, now)
            for key, item, due in self._due(table, now):
                if self._seen(table, item) is None:
                    table.write(key, None, due)

    def _expire(self, table: Table, now: float) -> None:
        if now >= self._inexact():
            for key, _, due in self._due(table, now):
                table.write(key, None, due)

    def _due(self, table: Table, now: float) -> list[tuple[Key, Item, float]]:
        """The items whose time is over, and since when."""
        timed = [(key, item, max(float(item["ttl"]["N"]), table.expires)) for key, item in table.items.items() if "ttl" in item]
        return [one for one in timed if table.expires and one[2] <= now]

    def _seen(self, table: Table, item: Item) -> Item | None:
        """What the region has in an item's place."""
        answer = self._ask("dynamodb", "GetItem", TableName=table.name, Key=_key(table, item))
        found: Item | None = answer.result.get("Item")
        return found

    # ------------------------------------------------------------ tables

    def create_table(self, call: Call) -> None:
        name = call.request["TableName"]
        if ended(call, *(["ResourceInUseException"] if name in self.tables else [])):
            self._made(call, call.result["TableDescription"])

    def _made(self, call: Call, shown: dict[str, Any]) -> None:
        name = call.request["TableName"]
        self.tables[name] = Table(name, len(call.request["KeySchema"]) > 1, shown["LatestStreamArn"])

    def create_table_unknown(self, call: Call) -> None:
        if call.request["TableName"] not in self.tables:
            answer = self._ask("dynamodb", "DescribeTable", TableName=call.request["TableName"])
            if not answer.fault:
                self._made(call, answer.result["Table"])

    def delete_table(self, call: Call) -> None:
        if self._table(call, call.request["TableName"]) and ended(call):
            del self.tables[call.request["TableName"]]

    def update_time_to_live(self, call: Call) -> None:
        table = self._table(call, call.request["TableName"])
        if table and ended(call, *(["ValidationException"] if table.expires else [])):
            table.expires = call.now

    def update_time_to_live_unknown(self, call: Call) -> None:
        table = self.tables.get(call.request["TableName"])
        if table and not table.expires:
            shown = self._ask("dynamodb", "DescribeTimeToLive", TableName=table.name).result["TimeToLiveDescription"]
            table.expires = call.now if shown["TimeToLiveStatus"] == "ENABLED" else 0.0

    def list_tables(self, call: Call) -> None:
        ended(call)
        same("tables", call.result["TableNames"], sorted(self.tables))

    def describe_table(self, call: Call) -> None:
        if (table := self._table(call, call.request["TableName"])) and ended(call):
            shown = call.result["Table"]
            same(f"the state of {table.name}", (shown["TableStatus"], shown["LatestStreamArn"]), ("ACTIVE", table.stream))

    # ------------------------------------------------------------ items

    def put_item(self, call: Call) -> None:
        self._written(call, "Put")

    def update_item(self, call: Call) -> None:
        self._written(call, "Update")

    def delete_item(self, call: Call) -> None:
        self._written(call, "Delete")

    def _written(self, call: Call, kind: str) -> None:
        table = self._table(call, call.request["TableName"])
        if table is None:
            return
        key, new, allowed = self._meant(table, kind, call.request)
        old = table.items.get(key)
        if ended(call, *([] if allowed else [REFUSED])):
            table.write(key, new, call.now)
            shown = {"ALL_OLD": old, "ALL_NEW": new}.get(call.request.get("ReturnValues", ""))
            same(f"what {call} returns", call.result.get("Attributes"), shown)

    def _meant(self, table: Table, kind: str, request: dict[str, Any]) -> tuple[Key, Item | None, bool]:
        """The place of a write, what is to stand there, and whether its condition holds."""
        key = table.key(request.get("Item") or request["Key"])
        old = table.items.get(key)
        condition = request.get("ConditionExpression", "")
        values = request.get("ExpressionAttributeValues", {})
        allowed = {
            "": True,
            "attribute_exists(pk)": old is not None,
            "attribute_not_exists(pk)": old is None,
            "n < :most": old is not None and "n" in old and int(old["n"]["N"]) < int(values.get(":most", {"N": "0"})["N"]),
        }[condition]
        if kind == "Put":
            return key, request["Item"], allowed
        if kind == "Update":
            before = old or request["Key"]
            total = int(before.get("n", {"N": "0"})["N"]) + int(values[":add"]["N"])
            return key, {**before, "v": values[":v"], "kind": values[":kind"], "n": {"N": str(total)}}, allowed
        return key, None if kind == "Delete" else old, allowed

    def put_item_unknown(self, call: Call) -> None:
        self._wondered(call, [("Put", call.request)])

    def update_item_unknown(self, call: Call) -> None:
        self._wondered(call, [("Update", call.request)])

    def delete_item_unknown(self, call: Call) -> None:
        self._wondered(call, [("Delete", call.request)])

    def _wondered(self, call: Call, writes: list[tuple[str, dict[str, Any]]]) -> None:
        """Writes that were made together, or not at all."""
        if any(request["TableName"] not in self.tables for _, request in writes):
            return
        tables = [self.tables[request["TableName"]] for _, request in writes]
        for table in tables:
            self._expire(table, call.now)
        meant = [(table, *self._meant(table, *write)) for table, write in zip(tables, writes, strict=True)]
        if any(one[0] == key for table, key, *_ in meant for one in self._due(table, call.now)):
            # It may have expired before it was written to, or not.
            for table, key, *_ in meant:
                table.write(key, self._seen(table, _item_at(table, key)), call.now)
            return
        if not all(allowed for *_, allowed in meant):
            return
        changed = [(table, key, new) for table, key, new, _ in meant if new != table.items.get(key)]
        done = {self._stands(table, key, new, call) for table, key, new in changed}
        holds(len(done) < 2, f"{call}: a part of it was carried out, and a part was not")
        if True in done:
            for table, key, new in changed:
                table.write(key, new, call.now)

    def _stands(self, table: Table, key: Key, new: Item | None, call: Call) -> bool:
        found = self._seen(table, _item_at(table, key))
        holds(found in (new, table.items.get(key)), f"{call}: {found} is neither what was there nor what was meant")
        return found == new

    def batch_write_item(self, call: Call) -> None:
        if any(name not in self.tables for name in call.request["RequestItems"]):
            ended(call, ABSENT)
        elif ended(call):
            same("what a batch left undone", call.result["UnprocessedItems"], {})
            for table, kind, request in self._batch(call):
                self._expire(table, call.now)
                key, new, _ = self._meant(table, kind, request)
                table.write(key, new, call.now)

    def batch_write_item_unknown(self, call: Call) -> None:
        for table, kind, request in self._batch(call):
            self._wondered(call, [(kind, {**request, "TableName": table.name})])

    def _batch(self, call: Call) -> list[tuple[Table, str, dict[str, Any]]]:
        asked = call.request["RequestItems"].items()
        return [
            (self.tables[name], kind.removesuffix("Request"), request)
            for name, writes in asked
            if name in self.tables
            for write in writes
            for kind, request in write.items()
        ]

    def transact_write_items(self, call: Call) -> None:
        writes = _transaction(call)
        if any(request["TableName"] not in self.tables for _, request in writes):
            ended(call, ABSENT)
            return
        tables = [self.tables[request["TableName"]] for _, request in writes]
        for table in tables:
            self._expire(table, call.now)
        meant = [self._meant(table, *write) for table, write in zip(tables, writes, strict=True)]
        if ended(call, *([] if all(allowed for *_, allowed in meant) else [CANCELED])):
            for table, (key, new, _) in zip(tables, meant, strict=True):
                table.write(key, new, call.now)

    def transact_write_items_unknown(self, call: Call) -> None:
        self._wondered(call, _transaction(call))

    # ------------------------------------------------------------ reading

    def get_item(self, call: Call) -> None:
        if (table := self._table(call, call.request["TableName"])) and ended(call):
            same(f"what {call} gives", call.result.get("Item"), table.items.get(table.key(call.request["Key"])))

    def query(self, call: Call) -> None:
        if not (table := self._table(call, call.request["TableName"])) or not ended(call):
            return
        value = call.request["ExpressionAttributeValues"][":key"]
        indexed = "IndexName" in call.request
        items = [item for item in table.items.values() if item.get("kind" if indexed else "pk") == value]
        order = "n" if indexed else "sk"
        items = [item for item in items if order in item or not table.ranged]
        if not indexed and table.ranged:
            items.sort(key=lambda item: int(item["sk"]["N"]), reverse=not call.request.get("ScanIndexForward", True))
            most = call.request.get("Limit", len(items))
            same(f"what {call} gives", call.result["Items"], items[:most])
            holds("LastEvaluatedKey" in call.result or len(items) <= most, f"{call} does not say that there is more")
        else:
            same(f"what {call} gives", _sorted(call.result["Items"]), _sorted(items))

    def scan(self, call: Call) -> None:
        if (table := self._table(call, call.request["TableName"])) and ended(call):
            same(f"the items of {table.name}", _sorted(call.result["Items"]), _sorted(table.items.values()))

    def streamed(self, name: str, now: float, look: Callable[..., Any]) -> None:
        """The stream of a table tells each of the last day's writes once, those of one item in their order."""
        table, told = self.tables[name], defaultdict[Key, list[tuple[Item | None, Item | None]]](list)
        self._expire(table, now)
        shards = look("dynamodbstreams", "DescribeStream", {"StreamArn": table.stream})["StreamDescription"]["Shards"]
        start = {"StreamArn": table.stream, "ShardId": shards[0]["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator, numbers = look("dynamodbstreams", "GetShardIterator", start)["ShardIterator"], list[int]()
        while True:
            page = look("dynamodbstreams", "GetRecords", {"ShardIterator": iterator})
            for record in page["Records"]:
                change = record["dynamodb"]
                numbers.append(int(change["SequenceNumber"]))
                told[table.key(change["Keys"])].append((change.get("OldImage"), change.get("NewImage")))
            if not page["Records"]:
                break
            iterator = page["NextShardIterator"]
        same(f"the order of the stream of {name}", numbers, sorted(numbers))
        for key in {*told, *table.changes}:
            changes, found = table.changes[key], told[key]
            least = sum(change.at > now - STREAM_SECONDS for change in changes)
            holds(len(found) >= least, f"the stream of {name} tells {len(found)} writes of {key}; it has to tell {least}")
            same(
                f"what the stream of {name} tells of {key}", found, [(one.old, one.new) for one in changes][-len(found) :] if found else []
            )
            # What expired while the disk was full is told later than it was due.
            table.changes[key] = [change for change in changes if change.at > now - 3 * STREAM_SECONDS]


class StreamReads:
    """What is read of a stream is looked at by `Tables.streamed`."""

    def describe_stream(self, call: Call) -> None:
        ended(call)

    get_shard_iterator = get_records = describe_stream


def _transaction(call: Call) -> list[tuple[str, dict[str, Any]]]:
    return [one for write in call.request["TransactItems"] for one in write.items()]


def _item_at(table: Table, key: Key) -> Item:
    return {"pk": {"S": key[0]}} | ({"sk": {"N": key[1]}} if table.ranged else {})


def _key(table: Table, item: Item) -> Item:
    return {name: item[name] for name in (("pk", "sk") if table.ranged else ("pk",))}


def _sorted(items: Any) -> list[Item]:
    return sorted(items, key=lambda item: (item["pk"]["S"], int(item.get("sk", {"N": "0"})["N"])))
