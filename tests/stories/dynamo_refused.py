"""What DynamoDB says of requests about items that can't be: each case its request, its code and its sentence."""

from __future__ import annotations

from typing import Any

from tests.stories.dynamo import item, value
from tests.stories.refusals import Case

INVALID = "ValidationException"
WRONG = "One or more parameter values were invalid: "
NO_KEY = "The provided key element does not match the schema"
KEY = item(id="a", at=1)
T = {"TableName": "books"}
OF_A_TABLE: dict[str, dict[str, Any]] = {
    "put_item": {"Item": KEY},
    "get_item": {"Key": KEY},
    "delete_item": {"Key": KEY},
    "update_item": {"Key": KEY},
    "query": {"KeyConditionExpression": "id = :a", "ExpressionAttributeValues": {":a": value("a")}},
    "scan": {},
}


def bad(operation: str, said: str, **request: Any) -> Case:
    return operation, {**T, **request} if operation in OF_A_TABLE else request, INVALID, said


def _put(said: str, **given: dict[str, Any]) -> Case:
    return bad("put_item", said, Item={**KEY, **given})


def _query(said: str, condition: str, **given: Any) -> Case:
    values = {":a": value("a"), ":n": value(1), ":m": value(2)}
    used = {name: one for name, one in values.items() if name in condition}
    names = {"ExpressionAttributeNames": {"#at": "at"}} if "#at" in condition else {}
    return bad("query", said, KeyConditionExpression=condition, ExpressionAttributeValues=used, **names, **given)


def deep(levels: int) -> dict[str, Any]:
    return {"L": [deep(levels - 1)]} if levels else {"S": ""}


VALUES = [
    _put(f"{WRONG}Type mismatch for key id expected: S actual: N", id=value(1)),
    _put("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes", x={}),
    _put(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        x={"S": "a", "N": "1"},
    ),
    _put("The parameter cannot be converted to a numeric value", x={"N": ""}),
    _put("The parameter cannot be converted to a numeric value: b", x={"N": "b"}),
    _put("Number overflow. Attempting to store a number with magnitude larger than supported range", x={"N": "1e126"}),
    _put("Number underflow. Attempting to store a number with magnitude smaller than supported range", x={"N": "1e-131"}),
    _put("Attempting to store more than 38 significant digits in a Number", x={"N": "1" * 39}),
    _put(f"{WRONG}An string set  may not be empty", x={"SS": []}),
    _put(f"{WRONG}An number set  may not be empty", x={"NS": []}),
    _put(f"{WRONG}Binary sets should not be empty", x={"BS": []}),
    _put(f"{WRONG}Input collection [a, a] contains duplicates.", x={"SS": ["a", "a"]}),
    _put("Input collection contains duplicates", x={"NS": ["1", "1.0"]}),
    _put(f"{WRONG}Null attribute value types must have the value of true", x={"NULL": False}),
    _put("Nesting Levels have exceeded supported limits: Attributes level in item exceeded maximum", x=deep(32)),
    _put("Item size has exceeded the maximum allowed size", x={"S": "x" * 409_600}),
    _put(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id",
        id=value(""),
    ),
    _put(f"{WRONG}Size of hashkey has exceeded the maximum size limit of2048 bytes", id=value("x" * 2_049)),
    _put(f"{WRONG}Type mismatch for Index Key shelf Expected: S Actual: N IndexName: by-shelf", shelf=value(1)),
    bad("put_item", f"{WRONG}Missing the key at in the item", Item=item(id="a")),
    bad("put_item", "ReturnValues can only be ALL_OLD or NONE", Item=KEY, ReturnValues="ALL_NEW"),
    bad("get_item", NO_KEY, Key=item(id="a")),
    bad("get_item", NO_KEY, Key=item(id="a", at="x")),
    bad("get_item", f"{WRONG}The AttributeValue for a key attribute cannot contain an empty string value. Key: id", Key=item(id="", at=1)),
    bad("get_item", "ExpressionAttributeNames can only be specified when using expressions", Key=KEY, ExpressionAttributeNames={"#a": "b"}),
    bad("get_item", f"{WRONG}Duplicate value in attribute name: a", Key=KEY, AttributesToGet=["a", "a"]),
    bad(
        "get_item",
        (
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"
        ),
        Key=KEY,
        AttributesToGet=["a"],
        ProjectionExpression="b",
    ),
    bad(
        "get_item",
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: id",
        Key=KEY,
        ProjectionExpression="id.x",
    ),
    bad(
        "update_item",
        "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null",
        Key=KEY,
        ExpressionAttributeValues={":a": value(1)},
    ),
    bad(
        "update_item",
        'ExpressionAttributeValues contains invalid key: Syntax error; key: "a"',
        Key=KEY,
        UpdateExpression="SET x = :a",
        ExpressionAttributeValues={"a": value(1)},
    ),
    bad(
        "update_item",
        "Item size to update has exceeded the maximum allowed size",
        Key=KEY,
        UpdateExpression="SET x = :a",
        ExpressionAttributeValues={":a": value("x" * 409_600)},
    ),
    bad(
        "update_item",
        f"{WRONG}ADD action is not supported for the type S",
        Key=KEY,
        AttributeUpdates={"x": {"Action": "ADD", "Value": value("")}},
    ),
]
PARAMETERS = [
    bad("get_item", "ExpressionAttributeNames must not be empty", Key=KEY, ProjectionExpression="#a", ExpressionAttributeNames={}),
    bad("scan", "ConditionalOperator cannot be used without Filter or Expected", ConditionalOperator="AND"),
    bad(
        "scan",
        "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ConditionalOperator="OR",
        ScanFilter={"a": {"ComparisonOperator": "NULL"}},
    ),
    bad(
        "put_item",
        (
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {ConditionalOperator} Expression parameters: {ConditionExpression}"
        ),
        Item=KEY,
        ConditionalOperator="AND",
        ConditionExpression="attribute_exists(id)",
    ),
    bad(
        "scan",
        "Invalid FilterExpression: Expression size has exceeded the maximum allowed size; expression size: 4097",
        FilterExpression="a" * 4_097,
    ),
    bad("scan", "Invalid ProjectionExpression: Expression size has exceeded the maximum allowed size;", ProjectionExpression="a" * 4_097),
    bad(
        "scan",
        "ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that is too long; size of key: 256",
        ProjectionExpression="#a",
        ExpressionAttributeNames={"#" + "a" * 255: "b"},
    ),
    bad(
        "scan",
        "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a",
        ProjectionExpression="#a",
        ExpressionAttributeNames={"#a": ""},
    ),
    (
        "put_item",
        {"TableName": "aa", "Item": {}},
        INVALID,
        (
            "1 validation error detected: Value 'aa' at 'tableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 3"
        ),
    ),
]
READS = [
    _query("Query condition missed key schema element: id", "#at = :n"),
    _query("Query key condition not supported", "id > :a"),
    _query("Invalid operator used in KeyConditionExpression: OR", "id = :a OR #at = :n"),
    _query("KeyConditionExpressions must only contain one condition per key", "id = :a AND #at > :n AND #at < :m"),
    _query(f"{WRONG}Condition parameter type does not match schema type", "id = :n"),
    _query("The table does not have the specified index: none", "id = :a", IndexName="none"),
    _query("Consistent reads are not supported on global secondary indexes", "shelf = :a", IndexName="by-shelf", ConsistentRead=True),
    _query("The provided starting key is invalid", "id = :a", ExclusiveStartKey=item(id="a")),
    _query(
        "The provided starting key is outside query boundaries based on provided conditions",
        "id = :a",
        ExclusiveStartKey=item(id="b", at=1),
    ),
    _query(
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: id",
        "id = :a",
        FilterExpression="attribute_exists(id)",
    ),
    _query("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName", "id = :a", Select="ALL_PROJECTED_ATTRIBUTES"),
    (
        "query",
        {**T, "KeyConditions": {"id": {"ComparisonOperator": "NE", "AttributeValueList": [value("a")]}}},
        INVALID,
        "Attempted conditional constraint is not an indexable operation",
    ),
    ("query", T, INVALID, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
    bad("scan", "The TotalSegments parameter is required but was not present in the request when Segment parameter is present", Segment=1),
    bad(
        "scan",
        "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
        TotalSegments=1,
    ),
    bad(
        "scan",
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2",
        Segment=2,
        TotalSegments=2,
    ),
    bad("scan", f"The provided starting key is invalid: {NO_KEY}", ExclusiveStartKey=item(id="a")),
    bad("batch_get_item", "Provided list of item keys contains duplicates", RequestItems={"books": {"Keys": [KEY, KEY]}}),
    bad(
        "batch_write_item",
        "Provided list of item keys contains duplicates",
        RequestItems={"books": [{"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": KEY}}]},
    ),
    bad("batch_write_item", NO_KEY, RequestItems={"books": [{"PutRequest": {"Item": item(id="a")}}]}),
    bad("transact_write_items", "TransactItems can only contain one of Check, Put, Update or Delete", TransactItems=[{}]),
    bad(
        "transact_write_items",
        "Transaction request cannot include multiple operations on one item",
        TransactItems=[{"Put": {**T, "Item": KEY}}, {"Delete": {**T, "Key": KEY}}],
    ),
]
CANCELLED = "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]"
NEVER_THERE = {"ConditionExpression": "attribute_exists(id)"}
TOGETHER: list[Case] = [
    *(
        (operation, {**T, **OF_A_TABLE[operation], **NEVER_THERE}, "ConditionalCheckFailedException", "The conditional request failed")
        for operation in ("put_item", "update_item", "delete_item")
    ),
    (
        "transact_write_items",
        {"TransactItems": [{"ConditionCheck": {**T, "Key": KEY, **NEVER_THERE}}]},
        "TransactionCanceledException",
        CANCELLED.format("ConditionalCheckFailed"),
    ),
    (
        "transact_get_items",
        {"TransactItems": [{"Get": {**T, "Key": item(id="a")}}]},
        "TransactionCanceledException",
        CANCELLED.format("ValidationError"),
    ),
    (
        "transact_write_items",
        {"TransactItems": [{"Put": {**T, "Item": KEY}}], "ClientRequestToken": "t"},
        "IdempotentParameterMismatchException",
        "The request uses the same client token as a previous, but non-identical request.",
    ),
    (
        "execute_transaction",
        {"TransactStatements": [{"Statement": "DELETE FROM books WHERE id = 'z' AND \"at\" = 1"}], "ClientRequestToken": "t"},
        "IdempotentParameterMismatchException",
        "The request uses the same client token as a previous, but non-identical request.",
    ),
    (
        "execute_transaction",
        {"TransactStatements": [{"Statement": "UPDATE books SET x = 1 WHERE id = 'z' AND \"at\" = 1"}]},
        "TransactionCanceledException",
        CANCELLED.format("ConditionalCheckFailed"),
    ),
    (
        "execute_statement",
        {"Statement": "UPDATE books SET x = 1 WHERE id = 'z' AND \"at\" = 1"},
        "ConditionalCheckFailedException",
        "The conditional request failed",
    ),
    (
        "execute_statement",
        {"Statement": "INSERT INTO books VALUE {'id': 'there', 'at': 1}"},
        "DuplicateItemException",
        "Duplicate primary key exists in table",
    ),
    (
        "execute_statement",
        {"Statement": "UPDATE books SET x = 1 WHERE id = 'z'"},
        INVALID,
        "Where clause does not contain a mandatory equality on all key attributes",
    ),
    ("execute_statement", {"Statement": "SELEC"}, INVALID, "Statement wasn't well formed, can't be processed: Unexpected keyword SELEC"),
    (
        "execute_statement",
        {"Statement": "SELECT * FROM books WHERE id = ?"},
        INVALID,
        "Number of parameters in request and statement don't match.",
    ),
]
