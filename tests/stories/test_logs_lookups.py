"""Stories of lookup tables: made of CSV or of results, described, replaced, and put beside events by queries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.refusals import refusal

NOW = int(BEGIN * 1000)
ARN = "arn:aws:logs:us-east-1:000000000000:lookup-table:users"
BODY = 'id,name,mail\n1,Ann,a@x\n2,"Bob, Jr",b@x\n'


@pytest.fixture
def logs(logs: Any) -> Any:
    events = [{"timestamp": NOW + number, "message": f'{{"id": "{number}", "user": "{number}"}}'} for number in (1, 2, 3)]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    return logs


def ask(here: Here, text: str) -> str:
    query = here.logs.start_query(logGroupName="g", startTime=NOW // 1000, endTime=NOW // 1000 + 1, queryString=text)["queryId"]
    here.rest()
    return query


def test_a_table_is_kept_described_replaced_and_deleted(here: Here, logs: Any) -> None:
    made = logs.create_lookup_table(lookupTableName="users", tableBody=BODY, description="who", tags={"a": "b"})
    assert made == {"lookupTableArn": ARN, "createdAt": NOW}
    assert logs.list_tags_for_resource(resourceArn=ARN) == {"tags": {"a": "b"}}
    shown = {"lookupTableArn": ARN, "lookupTableName": "users", "sizeBytes": len(BODY), "lastUpdatedTime": NOW, "description": "who"}
    assert logs.get_lookup_table(lookupTableArn=ARN) == {**shown, "tableBody": BODY}
    described = {**shown, "tableFields": ["id", "name", "mail"], "recordsCount": 2}
    assert logs.describe_lookup_tables(lookupTableNamePrefix="us") == {"lookupTables": [described]}
    assert logs.describe_lookup_tables(lookupTableNamePrefix="x") == {"lookupTables": []}
    here.jump(1)
    assert logs.update_lookup_table(lookupTableArn=ARN, tableBody="id\n7\n") == {"lookupTableArn": ARN, "lastUpdatedTime": NOW + 1000}
    assert logs.get_lookup_table(lookupTableArn=ARN)["description"] == "who"
    logs.delete_lookup_table(lookupTableArn=ARN)
    none = ("ResourceNotFoundException", "The specified lookup table does not exist.")
    assert refusal(logs.get_lookup_table, lookupTableArn=ARN) == refusal(logs.delete_lookup_table, lookupTableArn=ARN) == none
    assert refusal(logs.update_lookup_table, lookupTableArn="users", tableBody=BODY) == none


def test_tables_are_described_in_pages(logs: Any) -> None:
    for name in ("a", "b", "c"):
        logs.create_lookup_table(lookupTableName=name, tableBody=BODY)
    first = logs.describe_lookup_tables(maxResults=2)
    second = logs.describe_lookup_tables(maxResults=2, nextToken=first["nextToken"])
    assert [one["lookupTableName"] for one in first["lookupTables"] + second["lookupTables"]] == ["a", "b", "c"]
    assert refusal(logs.describe_lookup_tables, nextToken="x")[0] == "InvalidParameterException"
    assert refusal(logs.describe_lookup_tables, maxResults=0)[0] == "InvalidParameterException"


def test_a_query_looks_events_up(here: Here, logs: Any) -> None:
    logs.create_lookup_table(lookupTableName="users", tableBody=BODY)
    query = ask(here, "lookup users id as user OUTPUT name, mail | sort @timestamp asc | display user, name, mail")
    found = logs.get_query_results(queryId=query)["results"]
    assert [[one["value"] for one in row if one["field"] != "@ptr"] for row in found] == [
        ["1", "Ann", "a@x"],
        ["2", "Bob, Jr", "b@x"],
        ["3"],
    ]
    query = ask(here, "lookup users id OUTPUT name | stats count() as n by name | sort name asc")
    assert [row[-1]["value"] for row in logs.get_query_results(queryId=query)["results"]] == ["1", "1", "1"]


def test_a_table_is_made_of_what_a_query_found(here: Here, logs: Any) -> None:
    query = ask(here, "fields id, user | sort @timestamp asc | limit 2")
    logs.create_lookup_table(lookupTableName="users", queryId=query)
    assert logs.get_lookup_table(lookupTableArn=ARN)["tableBody"] == "id,user\n1,1\n2,2\n"


@pytest.mark.parametrize("body", ["\n", "a,a\n1,2\n", "a,\n1,2\n", "a,b\n1\n", "a\n" + "x" * (10 << 20)])
def test_what_is_no_table_is_refused(logs: Any, body: str) -> None:
    assert refusal(logs.create_lookup_table, lookupTableName="t", tableBody=body)[0] == "ValidationException"


def test_a_table_has_one_origin_and_a_name_of_its_own(here: Here, logs: Any) -> None:
    assert refusal(logs.create_lookup_table, lookupTableName="t")[0] == "InvalidParameterException"
    assert refusal(logs.create_lookup_table, lookupTableName="t", tableBody=BODY, queryId="q")[0] == "InvalidParameterException"
    assert refusal(logs.create_lookup_table, lookupTableName="t", queryId="none")[0] == "InvalidParameterException"
    for number in range(100):
        logs.create_lookup_table(lookupTableName=f"t{number}", tableBody="a\n")
    taken = ("ResourceAlreadyExistsException", "The specified lookup table already exists.")
    assert refusal(logs.create_lookup_table, lookupTableName="t1", tableBody=BODY) == taken
    assert refusal(logs.create_lookup_table, lookupTableName="t", tableBody=BODY) == ("LimitExceededException", "Resource limit exceeded.")
