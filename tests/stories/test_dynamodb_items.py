"""Items are put, got, asked for by their keys and written in batches and transactions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.dynamo import item, make, schema, table_arn, value
from tests.stories.here import Here
from tests.stories.refusals import refusal

NUMBERS = ["-1E+40", "-12.5", "-12.45", "-1", "-0.001", "0", "1E-100", "0.5", "1", "1.01", "9", "10", "99", "100", "123456789012345678901"]
CHECK_FAILED = ("ConditionalCheckFailedException", "The conditional request failed")


def query(here: Here, condition: str, index: str | None = None, table: str = "books", **given: Any) -> Any:
    values = {f":{name}": value(one) for name, one in given.pop("values", {}).items()}
    more = {"IndexName": index} if index else {}
    return here.dynamodb.query(TableName=table, KeyConditionExpression=condition, ExpressionAttributeValues=values, **more, **given)


@pytest.fixture
def numbers(here: Here) -> Here:
    make(here, keys="id:S at:N")
    for number in reversed(NUMBERS):
        here.dynamodb.put_item(TableName="books", Item={**item(id="a"), "at": {"N": number}})
    return here


def test_what_is_put_is_got_as_it_was(here: Here) -> None:
    make(here)
    whole: dict[str, Any] = {
        "id": {"S": "a"},
        "text": {"S": "ÿ\U0001f600"},
        "empty": {"S": ""},
        "bytes": {"B": b"\x00\xff"},
        "list": {"L": [{"N": "1"}, {"M": {"x": {"NULL": True}, "y": {"BOOL": False}}}]},
        "sets": {"M": {"s": {"SS": ["b", "a"]}, "n": {"NS": ["2", "1"]}, "b": {"BS": [b"\x01"]}}},
    }
    assert here.dynamodb.put_item(TableName="books", Item=whole) == {}
    assert here.dynamodb.get_item(TableName="books", Key=item(id="a")) == {"Item": whole}
    assert here.dynamodb.get_item(TableName=table_arn("books"), Key=item(id="b")) == {}
    assert here.dynamodb.delete_item(TableName="books", Key=item(id="a"), ReturnValues="ALL_OLD") == {"Attributes": whole}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0.10", "0.1"),
        ("+7", "7"),
        ("-0", "0"),
        ("1e3", "1000"),
        ("12300e-2", "123"),
        (".5", "0.5"),
        ("1E125", "1" + "0" * 125),
        ("9.9999999999999999999999999999999999999", "9.9999999999999999999999999999999999999"),
    ],
)
def test_numbers_are_exact(here: Here, given: str, kept: str) -> None:
    make(here)
    here.dynamodb.put_item(TableName="books", Item={**item(id="a"), "n": {"N": given}})
    assert here.dynamodb.get_item(TableName="books", Key=item(id="a"))["Item"]["n"] == {"N": kept}


def test_numbers_are_in_their_order_and_found_in_ranges(numbers: Here) -> None:
    found = query(numbers, "id = :a", values={"a": "a"})["Items"]
    assert [float(one["at"]["N"]) for one in found] == [float(number) for number in NUMBERS]
    between = query(
        numbers, "id = :a AND #at BETWEEN :b AND :c", values={"a": "a", "b": -12.45, "c": 1}, ExpressionAttributeNames={"#at": "at"}
    )
    assert [float(one["at"]["N"]) for one in between["Items"]] == [float(number) for number in NUMBERS[2:9]]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("kind = :s", ["a", "ab", "abc", "b"]),
        ("kind = :s AND title = :ab", ["ab"]),
        ("kind = :s AND title < :ab", ["a"]),
        ("kind = :s AND title <= :ab", ["a", "ab"]),
        ("kind = :s AND :ab < title", ["abc", "b"]),
        ("kind = :s AND title >= :ab", ["ab", "abc", "b"]),
        ("kind = :s AND begins_with(title, :ab)", ["ab", "abc"]),
    ],
)
def test_a_query_reads_a_range_forwards_and_backwards_and_in_pages(here: Here, condition: str, found: list[str]) -> None:
    make(here, keys="kind:S title:S")
    for title in ("b", "abc", "a", "ab"):
        here.dynamodb.put_item(TableName="books", Item=item(kind="s", title=title))
    here.dynamodb.put_item(TableName="books", Item=item(kind="t", title="ab"))
    values = {name: one for name, one in {"s": "s", "ab": "ab"}.items() if f":{name}" in condition}
    for forward in (True, False):
        order = found if forward else found[::-1]
        assert [one["title"]["S"] for one in query(here, condition, values=values, ScanIndexForward=forward)["Items"]] == order
        seen: list[str] = []
        page: Any = {"LastEvaluatedKey": None}
        while "LastEvaluatedKey" in page:
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page["LastEvaluatedKey"] else {}
            page = query(here, condition, values=values, ScanIndexForward=forward, Limit=1, **start)
            seen += [one["title"]["S"] for one in page["Items"]]
        assert seen == order


def test_a_page_holds_a_megabyte(here: Here) -> None:
    make(here, keys="id:S at:N")
    for number in range(4):
        here.dynamodb.put_item(TableName="books", Item=item(id="a", at=number, text="x" * 300_000))
    page = query(here, "id = :a", values={"a": "a"}, ReturnConsumedCapacity="TOTAL", ProjectionExpression="id")
    assert page == {
        "Count": 3,
        "ScannedCount": 3,
        "Items": [item(id="a")] * 3,
        "LastEvaluatedKey": item(id="a", at=2),
        "ConsumedCapacity": {"TableName": "books", "CapacityUnits": 110.0},
    }


def test_segments_of_a_scan_have_each_item_once(here: Here) -> None:
    make(here)
    ids = [f"b{number}" for number in range(50)]
    for at in range(0, 50, 25):
        here.dynamodb.batch_write_item(RequestItems={"books": [{"PutRequest": {"Item": item(id=one)}} for one in ids[at : at + 25]]})
    parts = [here.dynamodb.scan(TableName="books", Segment=segment, TotalSegments=4)["Items"] for segment in range(4)]
    assert all(parts)
    assert sorted(one["id"]["S"] for part in parts for one in part) == sorted(ids)
    assert here.dynamodb.scan(TableName="books", Select="COUNT") == {"Count": 50, "ScannedCount": 50}


def test_indexes_show_what_is_projected_into_them(here: Here) -> None:
    local = {"IndexName": "by-year", "KeySchema": schema("author", "year"), "Projection": {"ProjectionType": "KEYS_ONLY"}}
    wide = {
        "IndexName": "by-shelf",
        "KeySchema": schema("shelf"),
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["price"]},
    }
    make(here, keys="author:S title:S", more="year:N shelf:S", LocalSecondaryIndexes=[local], GlobalSecondaryIndexes=[wide])
    book = item(author="Lem", title="Solaris", year=1961, shelf="s", price=9, pages=200)
    here.dynamodb.put_item(TableName="books", Item=book)
    here.dynamodb.put_item(TableName="books", Item=item(author="Lem", title="Eden", year=1959))
    by_year = query(here, "author = :a AND #y > :y", "by-year", values={"a": "Lem", "y": 1960}, ExpressionAttributeNames={"#y": "year"})
    assert by_year["Items"] == [item(author="Lem", title="Solaris", year=1961)]
    whole = query(here, "author = :a", "by-year", values={"a": "Lem"}, Select="ALL_ATTRIBUTES")["Items"]
    assert whole == [item(author="Lem", title="Eden", year=1959), book]
    shelf = query(here, "shelf = :s", "by-shelf", values={"s": "s"}, ReturnConsumedCapacity="INDEXES")
    assert shelf["Items"] == [item(author="Lem", title="Solaris", shelf="s", price=9)]
    assert shelf["ConsumedCapacity"] == {
        "TableName": "books",
        "CapacityUnits": 0.5,
        "Table": {"CapacityUnits": 0.0},
        "GlobalSecondaryIndexes": {"by-shelf": {"CapacityUnits": 0.5}},
    }
    here.dynamodb.update_item(TableName="books", Key=item(author="Lem", title="Solaris"), UpdateExpression="REMOVE shelf")
    assert query(here, "shelf = :s", "by-shelf", values={"s": "s"})["Items"] == []
    assert here.dynamodb.scan(TableName="books", IndexName="by-year")["Count"] == 2


def test_writes_consume_by_the_kilobyte_in_the_table_and_its_indexes(here: Here) -> None:
    wide = {"IndexName": "by-shelf", "KeySchema": schema("shelf"), "Projection": {"ProjectionType": "KEYS_ONLY"}}
    make(here, more="shelf:S", GlobalSecondaryIndexes=[wide])

    def consumed(**given: Any) -> tuple[float, float]:
        answer = here.dynamodb.put_item(TableName="books", Item=item(id="a", **given), ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
        indexes = answer.get("GlobalSecondaryIndexes", {"by-shelf": {"CapacityUnits": 0.0}})
        return answer["Table"]["CapacityUnits"], indexes["by-shelf"]["CapacityUnits"]

    steps = [consumed(), consumed(shelf="s"), consumed(shelf="s", text="x" * 2_000), consumed(shelf="t"), consumed()]
    assert steps == [(1.0, 0.0), (1.0, 1.0), (2.0, 0.0), (2.0, 2.0), (1.0, 1.0)]


def test_a_batch_reads_from_several_tables(here: Here) -> None:
    for name in ("books", "films"):
        make(here, name)
        here.dynamodb.put_item(TableName=name, Item=item(id="a", of=name))
    keys = {"Keys": [item(id="a"), item(id="b")], "ProjectionExpression": "#o", "ExpressionAttributeNames": {"#o": "of"}}
    answer = here.dynamodb.batch_get_item(RequestItems={"books": keys, "films": {"Keys": [item(id="a")]}}, ReturnConsumedCapacity="TOTAL")
    assert answer == {
        "Responses": {"books": [item(of="books")], "films": [item(id="a", of="films")]},
        "UnprocessedKeys": {},
        "ConsumedCapacity": [{"TableName": "books", "CapacityUnits": 1.0}, {"TableName": "films", "CapacityUnits": 0.5}],
    }


def test_a_transaction_is_made_as_a_whole_or_not_at_all(here: Here) -> None:
    make(here)
    here.dynamodb.put_item(TableName="books", Item=item(id="a", n=1))
    add = {"UpdateExpression": "ADD n :n", "ConditionExpression": "n < :n", "ExpressionAttributeValues": {":n": value(5)}}
    update = {"Update": {"TableName": "books", "Key": item(id="a"), **add, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}
    absent = {"ConditionCheck": {"TableName": "books", "Key": item(id="c"), "ConditionExpression": "attribute_not_exists(id)"}}
    whole = [{"Put": {"TableName": "books", "Item": item(id="b")}}, update, absent]
    answer = here.dynamodb.transact_write_items(TransactItems=whole, ReturnConsumedCapacity="TOTAL")
    assert answer == {"ConsumedCapacity": [{"TableName": "books", "CapacityUnits": 6.0, "WriteCapacityUnits": 6.0}]}
    code, sentence = refusal(
        here.dynamodb.transact_write_items, TransactItems=[{"Delete": {"TableName": "books", "Key": item(id="b")}}, update]
    )
    assert (code, sentence) == (
        "TransactionCanceledException",
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]",
    )
    got = here.dynamodb.transact_get_items(
        TransactItems=[{"Get": {"TableName": "books", "Key": item(id=one)}} for one in ("a", "b", "c")], ReturnConsumedCapacity="TOTAL"
    )
    assert got == {
        "Responses": [{"Item": item(id="a", n=6)}, {"Item": item(id="b")}, {}],
        "ConsumedCapacity": [{"TableName": "books", "CapacityUnits": 6.0, "ReadCapacityUnits": 6.0}],
    }


def test_a_transaction_is_made_once_for_each_token(here: Here) -> None:
    make(here)
    add = {"UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": value(1)}}
    request = {"TransactItems": [{"Update": {"TableName": "books", "Key": item(id="a"), **add}}], "ClientRequestToken": "t"}
    for _ in range(2):
        assert here.dynamodb.transact_write_items(**request) == {}
    assert here.dynamodb.get_item(TableName="books", Key=item(id="a"))["Item"]["n"] == value(1)
    here.jump(601)
    here.dynamodb.transact_write_items(**request)
    assert here.dynamodb.get_item(TableName="books", Key=item(id="a"))["Item"]["n"] == value(2)


def test_who_fails_a_condition_can_be_shown(here: Here) -> None:
    make(here)
    here.dynamodb.put_item(TableName="books", Item=item(id="a", n=1))
    with pytest.raises(Exception, match=CHECK_FAILED[1]) as refused:
        here.dynamodb.delete_item(
            TableName="books",
            Key=item(id="a"),
            ConditionExpression="attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    fault: Any = refused.value
    assert (fault.code, fault.members) == (CHECK_FAILED[0], {"Item": item(id="a", n=1)})


def test_collections_are_measured_where_there_are_local_indexes(here: Here) -> None:
    local = {"IndexName": "by-year", "KeySchema": schema("id", "year"), "Projection": {"ProjectionType": "ALL"}}
    make(here, keys="id:S at:N", more="year:N", LocalSecondaryIndexes=[local])
    answer = here.dynamodb.put_item(TableName="books", Item=item(id="a", at=1), ReturnItemCollectionMetrics="SIZE")
    assert answer == {"ItemCollectionMetrics": {"ItemCollectionKey": item(id="a"), "SizeEstimateRangeGB": [0.0, 1.0]}}


def test_nothing_is_lost_by_a_restart(here: Here) -> None:
    make(here)
    here.dynamodb.put_item(TableName="books", Item=item(id="a"))
    here.kill()
    assert here.dynamodb.get_item(TableName="books", Key=item(id="a")) == {"Item": item(id="a")}
