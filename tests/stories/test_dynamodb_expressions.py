"""What expressions mean, and what is said of those that mean nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.stories.dynamo import item, make, value
from tests.stories.here import Here
from tests.stories.refusals import refusal

BOOK = item(id="a", n=5, title="Solaris", bits=b"\x01\x02", tags=["x", 2, {"y": None}], of={"author": "Lem", "years": [1961, 1972]})
BOOK |= {"nums": {"NS": ["1", "2.50"]}, "crew": {"SS": ["a", "b"]}, "flag": {"BOOL": True}}
NAMES = {"#of": "of", "#size": "size"}
VALUES: dict[str, Any] = {":five": value(5), ":s": value("Sol"), ":title": value("title"), ":N": value("N"), ":two": value(2)}


@pytest.fixture
def shelf(here: Here) -> Here:
    make(here)
    here.dynamodb.put_item(TableName="books", Item=BOOK)
    return here


def used(expression: str, given: dict[str, Any]) -> dict[str, Any] | None:
    return {key: one for key, one in given.items() if re.search(rf"{key}\b", expression)} or None


def asked(member: str, expression: str) -> dict[str, Any]:
    """A request's members for an expression and the names and values that it uses."""
    named = {"ExpressionAttributeNames": used(expression, NAMES), "ExpressionAttributeValues": used(expression, VALUES)}
    return {member: expression, **{name: one for name, one in named.items() if one}}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("n = :five", True),
        ("n <> :five", False),
        ("n > :two AND NOT n > :five", True),
        ("gone = :five", False),
        ("gone <> :five", True),
        ("n BETWEEN :two AND :five", True),
        ("title IN (:title, :s)", False),
        ("n IN (:two, :five)", True),
        ("begins_with(title, :s)", True),
        ("contains(title, :s)", True),
        ("contains(tags, :two)", True),
        ("contains(crew, :s)", False),
        ("attribute_exists(#of.author) AND attribute_not_exists(#of.price)", True),
        ("attribute_exists(tags[1]) AND attribute_not_exists(tags[7])", True),
        ("attribute_type(n, :N)", True),
        ("size(tags) > :two AND size(bits) = :two", True),
        ("size(n) > :two", False),
        ("(n = :two OR n = :five) AND (title = :title OR begins_with(title, :s))", True),
        ("n = :two OR n = :five AND title = :title", False),
        ("tags[1] < #of.years[0]", True),
        ("title > :five", False),
    ],
)
def test_a_condition_is_true_or_not(shelf: Here, expression: str, holds: bool) -> None:
    found = shelf.dynamodb.scan(TableName="books", **asked("FilterExpression", expression))
    assert (found["Count"] == 1) == holds
    write = {"TableName": "books", "Item": BOOK, **asked("ConditionExpression", expression)}
    if holds:
        assert shelf.dynamodb.put_item(**write) == {}
    else:
        assert refusal(shelf.dynamodb.put_item, **write) == ("ConditionalCheckFailedException", "The conditional request failed")


@pytest.mark.parametrize(
    ("expression", "changed"),
    [
        ("SET n = n + :five, title = if_not_exists(title, :s)", {"n": value(10), "title": value("Solaris")}),
        ("SET n = :two - n", {"n": value(-3)}),
        ("SET price = if_not_exists(price, :two)", {"price": value(2)}),
        ("SET tags[1] = :s, tags[9] = :title", {"tags": value(["x", "Sol", {"y": None}, "title"])}),
        ("REMOVE tags[0], tags[1]", {"tags": value([{"y": None}])}),
        (
            "SET tags[2].z = :five REMOVE #of.years[0]",
            {"tags": value(["x", 2, {"y": None, "z": 5}]), "of": value({"author": "Lem", "years": [1972]})},
        ),
        ("SET tags = list_append(tags, tags)", {"tags": value(["x", 2, {"y": None}, "x", 2, {"y": None}])}),
        ("SET title = #of.author, #of.author = title", {"title": value("Lem"), "of": value({"author": "Solaris", "years": [1961, 1972]})}),
        ("ADD n :five, price :two", {"n": value(10), "price": value(2)}),
        ("ADD fresh :set", {"fresh": {"SS": ["b", "c"]}}),
        ("ADD crew :set", {"crew": {"SS": ["a", "b", "c"]}}),
        ("DELETE crew :set", {"crew": {"SS": ["a"]}}),
    ],
)
def test_an_update_changes_what_it_names(shelf: Here, expression: str, changed: dict[str, Any]) -> None:
    request = asked("UpdateExpression", expression)
    if ":set" in expression:
        request["ExpressionAttributeValues"] = {":set": {"SS": ["b", "c"]}}
    after = shelf.dynamodb.update_item(TableName="books", Key=item(id="a"), ReturnValues="ALL_NEW", **request)["Attributes"]
    assert after == {**BOOK, "nums": {"NS": ["1", "2.5"]}, **changed}
    assert shelf.dynamodb.get_item(TableName="books", Key=item(id="a")) == {"Item": after}


def test_a_set_that_loses_its_last_member_is_gone(shelf: Here) -> None:
    request = {"UpdateExpression": "DELETE crew :all REMOVE gone", "ExpressionAttributeValues": {":all": {"SS": ["a", "b", "q"]}}}
    after = shelf.dynamodb.update_item(TableName="books", Key=item(id="a"), ReturnValues="ALL_NEW", **request)["Attributes"]
    assert "crew" not in after


def test_a_projection_keeps_the_structure(shelf: Here) -> None:
    request = asked("ProjectionExpression", "n, #of.years[1], tags[2].y, tags[0], gone")
    found = shelf.dynamodb.get_item(TableName="books", Key=item(id="a"), **request)["Item"]
    assert found == item(n=5, of={"years": [1972]}, tags=["x", {"y": None}])


def test_what_was_updated_is_shown_as_it_was_and_as_it_is(shelf: Here) -> None:
    request = {"TableName": "books", "Key": item(id="a"), **asked("UpdateExpression", "SET n = n + :two, #of.price = :five")}
    assert shelf.dynamodb.update_item(**request, ReturnValues="UPDATED_NEW")["Attributes"] == item(n=7, of={"price": 5})
    assert shelf.dynamodb.update_item(**request, ReturnValues="UPDATED_OLD")["Attributes"] == item(n=7, of={"price": 5})


NOT_DEFINED = "An expression attribute {} is not defined; attribute {}"
REFUSED = [
    ("UpdateExpression", "", "The expression can not be empty;"),
    ("UpdateExpression", "n = :five", 'Syntax error; token: "n", near: "n ="'),
    ("UpdateExpression", "SET n =", 'Syntax error; token: "<EOF>", near: "="'),
    ("UpdateExpression", "SET n = 5", 'Syntax error; token: "5", near: "= 5"'),
    ("UpdateExpression", "SET status = :five", "Attribute name is a reserved keyword; reserved keyword: status"),
    ("UpdateExpression", "SET n = :five SET title = :s", 'The "SET" section can only be used once in an update expression;'),
    ("UpdateExpression", "SET n = lower(title)", "Invalid function name; function: lower"),
    ("UpdateExpression", "SET n = :x", "An expression attribute value used in expression is not defined; attribute value: :x"),
    ("UpdateExpression", "SET #x = :five", "An expression attribute name used in the document path is not defined; attribute name: #x"),
    (
        "UpdateExpression",
        "SET n = :five, n = :two",
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]",
    ),
    (
        "UpdateExpression",
        "SET tags[0] = :five, tags.x = :two",
        (
            "Two document paths conflict with each other; must remove or rewrite one of these paths; "
            "path one: [tags, [0]], path two: [tags, x]"
        ),
    ),
    (
        "UpdateExpression",
        "ADD title :s",
        "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
    ),
    ("UpdateExpression", "SET n = n + :s", "Incorrect operand type for operator or function; operator or function: +, operand type: S"),
    (
        "UpdateExpression",
        "SET n = if_not_exists(n)",
        "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
    ),
    ("ConditionExpression", "n", 'Syntax error; token: "<EOF>", near: "n"'),
    ("ConditionExpression", "n = :five AND", 'Syntax error; token: "<EOF>", near: "AND"'),
    ("ConditionExpression", "((n = :five))", "The expression has redundant parentheses;"),
    ("ConditionExpression", "size(n)", "The function is not allowed to be used this way in an expression; function: size"),
    (
        "ConditionExpression",
        "attribute_exists(n) = :five",
        "The function is not allowed to be used this way in an expression; function: attribute_exists",
    ),
    (
        "ConditionExpression",
        "attribute_exists(:five)",
        "Operator or function requires a document path; operator or function: attribute_exists",
    ),
    (
        "ConditionExpression",
        "begins_with(title, :five)",
        "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
    ),
    (
        "ConditionExpression",
        "attribute_type(n, :title)",
        "Invalid attribute type name found; type: title, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
    ),
    (
        "ConditionExpression",
        "n = n",
        "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [n]",
    ),
    (
        "ConditionExpression",
        "n BETWEEN :five AND :two",
        (
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            "lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {N:2}"
        ),
    ),
]


@pytest.mark.parametrize(("member", "expression", "said"), REFUSED)
def test_what_is_wrong_with_an_expression_is_said(shelf: Here, member: str, expression: str, said: str) -> None:
    request = {"TableName": "books", "Key": item(id="a"), **asked(member, expression)}
    assert refusal(shelf.dynamodb.update_item, **request) == ("ValidationException", f"Invalid {member}: {said}")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("SET n = gone + :five", "The provided expression refers to an attribute that does not exist in the item"),
        ("SET n = title + :five", "An operand in the update expression has an incorrect data type"),
        ("SET gone.x = :five", "The document path provided in the update expression is invalid for update"),
        ("SET title.x = :five", "The document path provided in the update expression is invalid for update"),
        ("ADD title :five", "An operand in the update expression has an incorrect data type"),
        ("SET id = :s", "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key"),
    ],
)
def test_an_update_that_does_not_fit_the_item_changes_nothing(shelf: Here, expression: str, said: str) -> None:
    request = {"TableName": "books", "Key": item(id="a"), **asked("UpdateExpression", expression)}
    assert refusal(shelf.dynamodb.update_item, **request) == ("ValidationException", said)


def test_every_name_and_value_has_to_be_used(shelf: Here) -> None:
    request = {"TableName": "books", "Key": item(id="a"), "UpdateExpression": "REMOVE n"}
    assert refusal(shelf.dynamodb.update_item, **request, ExpressionAttributeNames=NAMES) == (
        "ValidationException",
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#of, #size}",
    )
    assert refusal(shelf.dynamodb.update_item, **request, ExpressionAttributeValues={":x": value(1)}) == (
        "ValidationException",
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}",
    )


def test_the_former_parameters_mean_the_same(shelf: Here) -> None:
    updates = {
        "n": {"Action": "ADD", "Value": value(2)},
        "title": {"Value": value("Eden")},
        "crew": {"Action": "DELETE", "Value": {"SS": ["a"]}},
        "flag": {"Action": "DELETE"},
    }
    expected = {"n": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [value(1), value(5)]}, "gone": {"Exists": False}}
    request = {"TableName": "books", "Key": item(id="a"), "AttributeUpdates": updates, "Expected": expected}
    after = shelf.dynamodb.update_item(**request, ReturnValues="UPDATED_NEW")["Attributes"]
    assert after == {**item(n=7, title="Eden"), "crew": {"SS": ["b"]}}
    assert refusal(shelf.dynamodb.update_item, **request) == ("ConditionalCheckFailedException", "The conditional request failed")
    found = shelf.dynamodb.scan(
        TableName="books",
        ScanFilter={
            "title": {"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [value("Sol")]},
            "gone": {"ComparisonOperator": "NOT_NULL"},
        },
        ConditionalOperator="OR",
        AttributesToGet=["n"],
    )
    assert found["Items"] == [item(n=7)]
