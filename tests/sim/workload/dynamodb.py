"""Tables made and deleted, items written alone, in batches and in transactions, on conditions, and read by key, by index and whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.sim.auditor.dynamodb import Tables
from tests.sim.workload.base import Chance, Wish

NAMES = {"orders": False, "visits": True}
KINDS = ("red", "green", "blue")
CONDITIONS = ("attribute_exists(pk)", "attribute_not_exists(pk)", "n < :most")
TABLE_CALLS = (
    "CreateTable",
    "CreateTable",
    "CreateTable",
    "UpdateTimeToLive",
    "UpdateTimeToLive",
    "DescribeTable",
    "ListTables",
    "DeleteTable",
)
Item = dict[str, Any]


class TableWork:
    """Wishes of DynamoDB."""

    def __init__(self, chance: Chance, model: Tables, now: Callable[[], float]) -> None:
        self._chance, self._model, self._now = chance, model, now
        self._weighted = {self._table: 2, self._write: 14, self._batch: 3, self._transaction: 6, self._read: 10}

    def wish(self) -> Wish | None:
        return self._chance.pick(self._weighted)

    def _name(self) -> str:
        return str(self._chance.one(*NAMES)) if self._chance.percent(98) else "nothing"

    def _table(self) -> Wish:
        name, kind = self._name(), self._chance.one(*TABLE_CALLS)
        if kind == "UpdateTimeToLive":
            specification = {"Enabled": True, "AttributeName": "ttl"}
            return Wish("dynamodb", kind, {"TableName": name, "TimeToLiveSpecification": specification})
        if kind != "CreateTable":
            return Wish("dynamodb", kind, {} if kind == "ListTables" else {"TableName": name})
        ranged = NAMES.get(name, False)
        types = {"pk": "S", "kind": "S", "n": "N"} | ({"sk": "N"} if ranged else {})
        request = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": type} for key, type in types.items()],
            "KeySchema": _schema("pk", *(["sk"] if ranged else [])),
            "GlobalSecondaryIndexes": [{"IndexName": "kinds", "KeySchema": _schema("kind", "n"), "Projection": {"ProjectionType": "ALL"}}],
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        }
        return Wish("dynamodb", kind, request)

    def _key(self, name: str) -> Item:
        chance = self._chance
        return {"pk": {"S": f"p{chance.number(0, 3)}"}} | ({"sk": {"N": str(chance.number(-3, 12))}} if NAMES.get(name) else {})

    def _one(self, name: str, *kinds: str) -> tuple[str, Item]:
        """One write, perhaps on a condition: its kind and its members."""
        chance, kind = self._chance, self._chance.one(*kinds)
        key, label = self._key(name), {"S": chance.label()}
        values: Item = {}
        request: Item = {"TableName": name}
        if kind == "Put":
            item = {**key, "v": label, "kind": {"S": chance.one(*KINDS)}, "n": {"N": str(chance.number(0, 9))}}
            if chance.percent(20):
                del item["kind"]
            if chance.percent(10):
                item["ttl"] = {"N": str(int(self._now()) + chance.one(1, 20, 300, 4_000))}
            request["Item"] = item
        else:
            request["Key"] = key
        if kind == "Update":
            request["UpdateExpression"] = "SET v = :v, kind = :kind ADD n :add"
            values = {":v": label, ":kind": {"S": chance.one(*KINDS)}, ":add": {"N": str(chance.number(1, 3))}}
        if kind == "ConditionCheck" or chance.percent(30):
            request["ConditionExpression"] = chance.one(*CONDITIONS)
            if ":most" in request["ConditionExpression"]:
                values[":most"] = {"N": str(chance.number(1, 12))}
        return kind, request | ({"ExpressionAttributeValues": values} if values else {})

    def _write(self) -> Wish:
        kind, request = self._one(self._name(), "Put", "Put", "Update", "Update", "Delete")
        if self._chance.percent(40):
            request["ReturnValues"] = "ALL_NEW" if kind == "Update" else "ALL_OLD"
        return Wish("dynamodb", f"{kind}Item", request)

    def _batch(self) -> Wish:
        found: dict[tuple[str, str], Item] = {}
        for _ in range(self._chance.number(1, 5)):
            name = self._name()
            kind, request = self._one(name, "Put", "Put", "Delete")
            place = request.get("Item") or request["Key"]
            written = {one: request[one] for one in ("Item", "Key") if one in request}
            found[name, str([place["pk"], place.get("sk")])] = {f"{kind}Request": written}
        asked: dict[str, list[Item]] = {}
        for (name, _), one in found.items():
            asked.setdefault(name, []).append(one)
        return Wish("dynamodb", "BatchWriteItem", {"RequestItems": asked})

    def _transaction(self) -> Wish:
        found: dict[tuple[str, str], Item] = {}
        for _ in range(self._chance.number(1, 4)):
            name = self._name()
            kind, request = self._one(name, "Put", "Update", "Delete", "ConditionCheck")
            place = request.get("Item") or request["Key"]
            found[name, str([place["pk"], place.get("sk")])] = {kind: request}
        return Wish("dynamodb", "TransactWriteItems", {"TransactItems": list(found.values())})

    def _read(self) -> Wish:
        chance, name = self._chance, self._name()
        kind = chance.one("GetItem", "GetItem", "Query", "Query", "Index", "Scan")
        request: Item = {"TableName": name}
        if kind == "GetItem":
            request["Key"] = self._key(name)
        elif kind == "Query":
            request |= {"KeyConditionExpression": "pk = :key", "ExpressionAttributeValues": {":key": self._key(name)["pk"]}}
            request |= {"ScanIndexForward": chance.percent(50)} | ({"Limit": chance.number(1, 6)} if NAMES.get(name) else {})
        elif kind == "Index":
            kind = "Query"
            request |= {"IndexName": "kinds", "KeyConditionExpression": "kind = :key"}
            request["ExpressionAttributeValues"] = {":key": {"S": chance.one(*KINDS)}}
        return Wish("dynamodb", kind, request)


def _schema(hash: str, *ranges: str) -> list[Item]:
    return [{"AttributeName": hash, "KeyType": "HASH"}, *({"AttributeName": name, "KeyType": "RANGE"} for name in ranges)]
