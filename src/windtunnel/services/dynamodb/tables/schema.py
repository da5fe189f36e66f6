"""What a table may be: keys, indexes and throughput, checked in the order in which AWS says what is wrong.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import WRONG
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.lookup import check_name
from windtunnel.services.dynamodb.state import Index

KEYS_MAX = 2
LOCAL_INDEXES_MAX, GLOBAL_INDEXES_MAX = 5, 20
UNITS_MAX = 1_000_000_000_000
PROJECTED_MAX = 100
BOTH_MODES = f"{WRONG}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"


def key_names(schema: Sequence[Mapping[str, str]]) -> list[str]:
    return [element["AttributeName"] for element in schema]


def check_throughput(req: Mapping[str, Any], *, on_demand: bool) -> None:
    given = req.get("ProvisionedThroughput")
    if on_demand and given is not None:
        raise invalid(BOTH_MODES)
    if not on_demand and given is None:
        raise invalid(f"{WRONG}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
    if given is not None:
        check_units(given)


def check_units(given: Mapping[str, int]) -> None:
    for member in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if given[member] > UNITS_MAX:
            raise invalid(f"Given value {given[member]} for {member} is out of bounds")


def check_keys(schema: Sequence[Mapping[str, str]], defined: Sequence[str]) -> None:
    """Refuses a key schema that is none, or whose attributes are not all defined."""
    if len(schema) > KEYS_MAX:
        shown = ", ".join(f"KeySchemaElement(attributeName={one['AttributeName']}, keyType={one['KeyType']})" for one in schema)
        raise invalid(
            f"1 validation error detected: Value '[{shown}]' at 'keySchema' failed to satisfy constraint: "
            f"Member must have length less than or equal to {KEYS_MAX}"
        )
    names = key_names(schema)
    if not all(name in defined for name in names):
        raise invalid(
            f"{WRONG}Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(defined)}]"
        )
    if len(set(names)) < len(names):
        raise invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if schema[0]["KeyType"] != "HASH":
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) == KEYS_MAX and schema[1]["KeyType"] != "RANGE":
        raise invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def indexes_of(tx: Tx, req: Mapping[str, Any], *, on_demand: bool) -> list[Index]:
    """The indexes that a table is created with."""
    keys, defined = key_names(req["KeySchema"]), key_names(req["AttributeDefinitions"])
    local, wide = req.get("LocalSecondaryIndexes"), req.get("GlobalSecondaryIndexes")
    used = {*keys, *(name for index in (*(local or ()), *(wide or ())) for name in key_names(index["KeySchema"]))}
    if local is None and wide is None and len(used) != len(defined):
        raise invalid(
            f"{WRONG}Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"
        )
    found: list[Index] = []
    if local is not None:
        if not local:
            raise invalid(f"{WRONG}List of LocalSecondaryIndexes is empty")
        if len(keys) < KEYS_MAX:
            raise invalid(f"{WRONG}Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
        for given in local:
            found.append(_local(tx, given, keys, defined, found))
        if len(local) > LOCAL_INDEXES_MAX:
            raise invalid(f"{WRONG}Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_INDEXES_MAX}")
    if wide is not None:
        if not wide:
            raise invalid(f"{WRONG}List of GlobalSecondaryIndexes is empty")
        for given in wide:
            found.append(global_index(tx, given, defined, found, on_demand=on_demand))
        if len(wide) > GLOBAL_INDEXES_MAX:
            raise invalid(f"{WRONG}GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_MAX}")
    if len(used) != len(defined):
        raise invalid(
            f"{WRONG}Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(defined)}], keys used: "
            f"[{', '.join(name for name in defined if name in used)}]"
        )
    if sum(len(index.attributes) for index in found) > PROJECTED_MAX:
        raise invalid(f"{WRONG}Number of projected attributes in all indexes exceeds limit: {PROJECTED_MAX}")
    return found


def _local(tx: Tx, given: Mapping[str, Any], keys: Sequence[str], defined: Sequence[str], others: Sequence[Index]) -> Index:
    name, schema = given["IndexName"], given["KeySchema"]
    check_keys(schema, defined)
    if len(schema) < KEYS_MAX:
        raise invalid(f"{WRONG}Index KeySchema does not have a range key for index: {name}")
    if schema[0]["AttributeName"] != keys[0]:
        raise invalid(
            f"{WRONG}Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. "
            f"index hash key: {schema[0]['AttributeName']}, table hash key: {keys[0]}"
        )
    return _index(tx, given, others, local=True)


def global_index(tx: Tx, given: Mapping[str, Any], defined: Sequence[str], others: Sequence[Index], *, on_demand: bool) -> Index:
    name, schema = given["IndexName"], given["KeySchema"]
    if len(schema) > KEYS_MAX:
        raise Fault("NotImplemented", "windtunnel has indexes of one partition key and one sort key only.", status=501)
    check_keys(schema, defined)
    throughput = given.get("ProvisionedThroughput")
    index = _index(tx, given, others)
    if on_demand and throughput is not None:
        raise invalid(f"{WRONG}ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST")
    if not on_demand and throughput is None:
        raise invalid(f"{WRONG}ProvisionedThroughput is not specified for index: {name}")
    return index


def _index(tx: Tx, given: Mapping[str, Any], others: Sequence[Index], *, local: bool = False) -> Index:
    name, names, projection = given["IndexName"], key_names(given["KeySchema"]), given["Projection"]
    check_name(name, "IndexName")
    kind, attributes = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise invalid(f"{WRONG}Unknown ProjectionType: null")
    if kind != "INCLUDE" and attributes is not None:
        raise invalid(f"{WRONG}ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE" and attributes is None:
        raise invalid(f"{WRONG}ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if any(other.name == name for other in others):
        raise invalid(f"{WRONG}Duplicate index name: {name}")
    throughput: Mapping[str, int] = given.get("ProvisionedThroughput") or {}
    if throughput:
        check_units(throughput)
    return Index(
        name=name,
        number=tx.serial(),
        hash=names[0],
        range=names[1] if len(names) > 1 else "",
        projection=kind,
        attributes=list(attributes or ()),
        local=local,
        read=throughput.get("ReadCapacityUnits", 0),
        write=throughput.get("WriteCapacityUnits", 0),
        on_demand=dict(given.get("OnDemandThroughput") or {}),
        warm=dict(given.get("WarmThroughput") or {}),
    )


def unchanged(what: str, read: int, write: int) -> str:
    return (
        f"The provisioned throughput for the {what} will not change. The requested value equals the current value. "
        f"Current ReadCapacityUnits provisioned for the {what}: {read}. Requested ReadCapacityUnits: {read}. "
        f"Current WriteCapacityUnits provisioned for the {what}: {write}. Requested WriteCapacityUnits: {write}. "
        "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
    )
