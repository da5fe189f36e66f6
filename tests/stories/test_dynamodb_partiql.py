"""PartiQL: the same items, asked for in another language."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.dynamo import item, make, schema, value
from tests.stories.here import Here
from tests.stories.refusals import refusal

CONDITION_FAILED = ("ConditionalCheckFailedException", "The conditional request failed")


@pytest.fixture
def shelf(here: Here) -> Here:
    """Three books of two authors, and an index by the year."""
    by_year = {"IndexName": "by-year", "KeySchema": schema("year"), "Projection": {"ProjectionType": "ALL"}}
    make(here, keys="author:S title:S", more="year:N", GlobalSecondaryIndexes=[by_year])
    for author, title, year in (("Le Guin", "Lathe", 1971), ("Le Guin", "Dispossessed", 1974), ("Lem", "Solaris", 1961)):
        here.dynamodb.put_item(TableName="books", Item=item(author=author, title=title, year=year))
    return here


def run(here: Here, statement: str, *parameters: Any, **given: Any) -> Any:
    asked = {"Parameters": [value(one) for one in parameters]} if parameters else {}
    return here.dynamodb.execute_statement(Statement=statement, **asked, **given)


def titles(found: Any) -> list[str]:
    return [one["title"]["S"] for one in found["Items"]]


@pytest.mark.parametrize(
    ("where", "parameters", "found"),
    [
        ("author = 'Le Guin'", (), ["Dispossessed", "Lathe"]),
        ("author = ? ORDER BY title DESC", ("Le Guin",), ["Lathe", "Dispossessed"]),
        ("author = 'Le Guin' AND title > ?", ("E",), ["Lathe"]),
        ("author IN ['Lem', 'Le Guin'] AND year BETWEEN 1960 AND 1971", (), ["Solaris", "Lathe"]),
        ("begins_with(title, 'Sol')", (), ["Solaris"]),
        ("author = 'Lem' AND note IS MISSING AND NOT size(title) < 7", (), ["Solaris"]),
        ("author = 'Lem' AND (year = 1 OR year = 1961)", (), ["Solaris"]),
    ],
)
def test_a_select_finds_what_its_condition_says(shelf: Here, where: str, parameters: tuple[Any, ...], found: list[str]) -> None:
    assert titles(run(shelf, f'SELECT * FROM "books" WHERE {where}', *parameters)) == found


def test_a_select_reads_an_index_and_shows_what_it_names(shelf: Here) -> None:
    assert run(shelf, 'SELECT title FROM "books"."by-year" WHERE year = 1974') == {"Items": [item(title="Dispossessed")]}


def test_pages_go_on_where_the_last_ended(shelf: Here) -> None:
    statement = "SELECT * FROM books WHERE author IN ['Lem', 'Le Guin']"
    page = run(shelf, statement, Limit=1)
    seen = titles(page)
    while "NextToken" in page:
        page = run(shelf, statement, Limit=1, NextToken=page["NextToken"])
        seen += titles(page)
    assert seen == ["Solaris", "Dispossessed", "Lathe"]


def test_an_insert_puts_what_was_not_there(shelf: Here) -> None:
    new = "INSERT INTO books VALUE {'author': 'Lem', 'title': ?, 'tags': <<'a', 'b'>>, 'in': [1, {'x': true}, null]}"
    assert run(shelf, new, "Eden") == {"Items": []}
    kept = shelf.dynamodb.get_item(TableName="books", Key=item(author="Lem", title="Eden"))["Item"]
    assert kept == {**item(author="Lem", title="Eden"), "tags": {"SS": ["a", "b"]}, "in": value([1, {"x": True}, None])}
    again = refusal(shelf.dynamodb.execute_statement, Statement=new, Parameters=[value("Eden")])
    assert again == ("DuplicateItemException", "Duplicate primary key exists in table")


def test_an_update_changes_an_item_that_is_there(shelf: Here) -> None:
    change = "UPDATE books SET year = year + ? SET seen = [1] REMOVE note WHERE author = 'Lem' AND title = 'Solaris' RETURNING ALL NEW *"
    assert run(shelf, change, 2) == {"Items": [item(author="Lem", title="Solaris", year=1963, seen=[1])]}
    more = "UPDATE books SET seen = list_append(seen, [2]) WHERE author = 'Lem' AND title = 'Solaris' RETURNING MODIFIED NEW *"
    assert run(shelf, more) == {"Items": [item(seen=[1, 2])]}
    nobody = "UPDATE books SET year = 1 WHERE author = 'Lem' AND title = 'none'"
    assert refusal(shelf.dynamodb.execute_statement, Statement=nobody) == CONDITION_FAILED


def test_sets_grow_and_shrink(shelf: Here) -> None:
    where = "WHERE author = 'Lem' AND title = 'Solaris'"
    run(shelf, f"UPDATE books SET tags = set_add(tags, <<'a', 'b'>>) {where}")
    run(shelf, f"UPDATE books SET tags = set_delete(tags, <<'a'>>) {where}")
    assert run(shelf, f"SELECT tags FROM books {where}") == {"Items": [{"tags": {"SS": ["b"]}}]}


def test_a_delete_may_ask_for_more_than_the_key(shelf: Here) -> None:
    where = "WHERE author = 'Lem' AND title = 'Solaris'"
    assert refusal(shelf.dynamodb.execute_statement, Statement=f"DELETE FROM books {where} AND year = 1") == CONDITION_FAILED
    gone = run(shelf, f"DELETE FROM books {where} RETURNING ALL OLD *")
    assert gone == {"Items": [item(author="Lem", title="Solaris", year=1961)]}
    assert run(shelf, f"DELETE FROM books {where}") == {"Items": []}


def test_each_statement_of_a_batch_is_answered_by_itself(shelf: Here) -> None:
    answer = shelf.dynamodb.batch_execute_statement(
        Statements=[
            {"Statement": "SELECT year FROM books WHERE author = 'Lem' AND title = 'Solaris'"},
            {"Statement": "SELECT * FROM books WHERE author = 'Lem'"},
            {"Statement": "DELETE FROM books WHERE author = 'Lem' AND title = ?", "Parameters": [value("Solaris")]},
            {"Statement": "INSERT INTO books VALUE {'author': 'Le Guin', 'title': 'Lathe'}"},
        ]
    )
    whole = "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
    assert answer["Responses"] == [
        {"TableName": "books", "Item": item(year=1961)},
        {"TableName": "books", "Error": {"Code": "ValidationError", "Message": whole}},
        {"TableName": "books"},
        {"TableName": "books", "Error": {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}},
    ]


def test_a_transaction_of_statements_is_made_as_a_whole_or_not_at_all(shelf: Here) -> None:
    there = "EXISTS(SELECT * FROM books WHERE author = 'Lem' AND title = 'Solaris' AND year = {})"
    new = "INSERT INTO books VALUE {'author': 'Lem', 'title': 'Eden'}"
    code, sentence = refusal(shelf.dynamodb.execute_transaction, TransactStatements=[{"Statement": there.format(1)}, {"Statement": new}])
    assert (code, sentence.split("[")[1]) == ("TransactionCanceledException", "ConditionalCheckFailed, None]")
    assert titles(run(shelf, "SELECT title FROM books WHERE author = 'Lem'")) == ["Solaris"]
    shelf.dynamodb.execute_transaction(TransactStatements=[{"Statement": there.format(1961)}, {"Statement": new}])
    assert titles(run(shelf, "SELECT title FROM books WHERE author = 'Lem'")) == ["Eden", "Solaris"]
