"""AWS's small languages: what is written in them means something or is refused, and what it means can be asked of anything."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.bends import TEXTS, VALUES, bent_text, woven
from windtunnel.aws import arn, pages, schedules
from windtunnel.aws.dynamodb.binding import bind
from windtunnel.aws.dynamodb.conditions import holds
from windtunnel.aws.dynamodb.decimals import normal, sortable
from windtunnel.aws.dynamodb.partiql.statements import statement as statement_of
from windtunnel.aws.dynamodb.partiql.trees import bound
from windtunnel.aws.dynamodb.projections import projected
from windtunnel.aws.dynamodb.updates import updated
from windtunnel.aws.dynamodb.values import checked_item, size_of
from windtunnel.aws.errors import Fault
from windtunnel.aws.filters import compile_filter, compile_value
from windtunnel.aws.java_patterns import java_pattern
from windtunnel.aws.patterns import compile_filter_policy, compile_pattern
from windtunnel.aws.policy import Context, Policies, compile_policy, evaluate
from windtunnel.aws.policy import Principal as Asking
from windtunnel.aws.policy_check import check_policy
from windtunnel.services.logs.insights.compiling import compile_query
from windtunnel.services.logs.insights.words import Malformed

CONDITIONS = st.sampled_from(
    [
        {"prefix": "a"}, {"anything-but": ["a", 1]}, {"numeric": [">", 0, "<=", 5]}, {"exists": True}, {"cidr": "10.0.0.0/8"},
        {"wildcard": "a*b"}, {"suffix": 1},
    ]
)  # fmt: skip
PATTERNS = st.dictionaries(st.sampled_from(["a", "b", "$or", "detail"]), st.lists(CONDITIONS | VALUES, max_size=3) | VALUES, max_size=3)
FILTER = '{"store": ["a", {"anything-but": "b"}], "price": [{"numeric": [">=", 100]}], "$or": [{"a": [1]}, {"b": [{"exists": false}]}]}'
CONDITION = {
    "StringLike": {"aws:PrincipalArn": "arn:*"},
    "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
    "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"},
    "ForAllValues:StringEquals": {"aws:TagKeys": ["a"]},
    "NumericLessThanEquals": {"s3:max-keys": "10"},
    "Null": {"aws:SourceVpc": "true"},
}
STATEMENT = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["s3:Get*", "sqs:SendMessage"], "Condition": CONDITION}
POLICY = {"Version": "2012-10-17", "Statement": [{"Sid": "a", "Resource": "arn:aws:s3:::b/${aws:username}/*", **STATEMENT}]}
ALLOWED = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
STATEMENTS = st.dictionaries(
    st.sampled_from(["Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition", "Sid"]),
    VALUES,
    max_size=5,
)
POLICIES = (
    bent_text(json.dumps(POLICY))
    | STATEMENTS.map(lambda one: json.dumps({"Version": "2012-10-17", "Statement": [{**ALLOWED, **one}]}))
    | VALUES.map(json.dumps)
    | TEXTS
)
INSIGHTS = [
    "fields", "filter", "stats", "sort", "limit", "parse", "display", "dedup", "count(*)", "by", "bin(5m)", "@message", "@timestamp",
    "like",
    "/a.*/", '"x"', "|", "and", "not", "in", "[", "]", "(", ")", "=", ">", "as", "avg(", "strlen(", "desc", "5", "1.5", "unnest", "join",
    "pattern", "SOURCE", "#", "'",
]  # fmt: skip
TERMS = [
    "{", "}", "[", "]", "$.a", "$.a.b[0]", "=", "!=", ">", "<", "&&", "||", "(", ")", '"x"', "*", "?a", "-b", "%a.*%", "IS NULL",
    "NOT EXISTS", "...", ",", "w1=a*", "5", "1e9", '"',
]  # fmt: skip
EXPRESSION = [
    "a", "b.c", "l[0]", "#n", ":v", ":w", "SET", "REMOVE", "ADD", "DELETE", "=", "<>", "<", ">=", "AND", "OR", "NOT", "BETWEEN", "IN", "(",
    ")", ",", "+", "-", ".", "[", "]", "[99]", "size(a)", "size(", "attribute_exists(a)", "begins_with(a, :v)", "contains(l, :w)",
    "attribute_type(a, :v)", "if_not_exists(a, :w)", "list_append(l, l)", "status", "a = :v", "SET a = :v", "ADD n :w", "REMOVE l[1]",
]  # fmt: skip
PARTIQL = [
    "SELECT", "*", "FROM", "t", '"t"', '"t"."i"', "WHERE", "a", "b.c", "l[0]", "m['x']", "=", "<>", "!=", "<", ">=", "AND", "OR", "NOT",
    "BETWEEN", "IN", "IS", "NULL", "MISSING", "INSERT INTO", "VALUE", "{'a': 1, 'b': ?}", "UPDATE", "SET", "REMOVE", "DELETE FROM",
    "RETURNING ALL OLD *",
    "ORDER BY", "DESC", "'x'", "''", "1.5", "-1e9", "?", "<<1, 2>>", "<<'a', ?>>", "[1, 'x']", "(", ")", "[", "]", "{", "}", ",", "size(a)",
    "begins_with(a, 'x')", "list_append(l, [1])", "set_add(s, <<1>>)", "EXISTS(", "true", "a = 1", "+", "-",
]  # fmt: skip
ITEM = {
    "a": {"S": "x"}, "n": {"N": "1.5"}, "l": {"L": [{"N": "1"}, {"M": {"x": {"B": b"1"}}}]}, "b": {"M": {"c": {"NS": ["1", "2"]}}},
    "s": {"SS": ["x"]},
}  # fmt: skip
NUMBER_BYTES_MAX = 21
OPERANDS: dict[str, Any] = {":v": {"S": "x"}, ":w": {"N": "2"}}
CRON = [
    "cron(", "rate(", "at(", ")", "*", "?", "0", "12", "L", "W", "15W", "MON", "MON#2", "6L", "JAN-MAR", "1/5", "2026",
    "2026-01-01T00:00:00", "5 minutes", "1 hour", ",", " ",
]  # fmt: skip


@given(bent_text(FILTER) | PATTERNS.map(json.dumps) | TEXTS, st.sampled_from(["MessageAttributes", "MessageBody"]), VALUES)
def test_a_filter_policy_means_something_or_is_refused(text: str, scope: Any, value: Any) -> None:
    with suppress(ValueError):
        matches = compile_filter_policy(text, scope)
        attributes = {
            "a": {"DataType": "String.Array", "StringValue": json.dumps(value)},
            "price": {"DataType": "Number", "StringValue": "1e3"},
        }
        assert matches(attributes if scope == "MessageAttributes" else value) in (True, False)


@given(bent_text(FILTER) | PATTERNS.map(json.dumps) | TEXTS, VALUES)
def test_an_event_pattern_means_something_or_is_refused(text: str, event: Any) -> None:
    with suppress(ValueError):
        matches = compile_pattern(text)
        assert matches(event if isinstance(event, dict) else {"detail": event, "a": event}) in (True, False)


@given(POLICIES, st.sampled_from(["identity", "trust", "resource"]))
def test_a_policy_is_checked_or_refused(text: str, kind: Any) -> None:
    with suppress(ValueError):
        assert isinstance(check_policy(text, kind)["Statement"], list)


@given(POLICIES, TEXTS)
def test_a_policy_can_be_asked_about_anything(text: str, word: str) -> None:
    with suppress(ValueError):
        policy = compile_policy(text)
        keys: Any = {
            "aws:principalarn": [word],
            "aws:sourceip": [word],
            "aws:currenttime": [word],
            "aws:tagkeys": [word, "a"],
            "s3:max-keys": [word],
        }
        context = Context(Asking("arn:aws:iam::000000000000:user/a", "000000000000"), "s3:GetObject", f"arn:aws:s3:::b/{word}", keys)
        assert evaluate(Policies(identity=[policy]), context) is not None


@given(woven(TERMS) | TEXTS, st.sampled_from(["$.a", "$a", "$w1", "5", "$.a[0].b"]) | TEXTS, TEXTS | VALUES.map(json.dumps))
def test_a_log_filter_means_something_or_is_refused(pattern: str, reference: str, message: str) -> None:
    with suppress(ValueError):
        assert compile_filter(pattern)(message) in (True, False)
        value = compile_value(pattern, reference)(message)
        assert value is None or isinstance(value, str)


@given(woven(INSIGHTS) | TEXTS)
def test_an_insights_query_means_something_or_is_refused(text: str) -> None:
    with suppress(Malformed, NotImplementedError):
        assert compile_query(text) is not None


@given(woven(EXPRESSION) | TEXTS, st.sampled_from(["UpdateExpression", "ConditionExpression", "ProjectionExpression"]))
def test_an_expression_means_something_or_is_refused(text: str, member: str) -> None:
    values = {name: one for name, one in OPERANDS.items() if name in text}
    request = {member: text, "ExpressionAttributeNames": {"#n": "n"} if "#n" in text else None}
    with suppress(Fault):
        bound = bind({**request, "ExpressionAttributeValues": values or None}, [member])
        if bound.condition is not None:
            assert holds(bound.condition, ITEM) in (True, False)
        if bound.actions is not None:
            assert checked_item(updated(ITEM, bound.actions)) is not ITEM
        if bound.paths is not None:
            assert size_of(projected(ITEM, bound.paths)) <= size_of(ITEM)


@given(woven(PARTIQL) | TEXTS, st.lists(st.sampled_from([*OPERANDS.values(), {"L": []}, {"X": 1}, {}]), max_size=3))
def test_a_partiql_statement_means_something_or_is_refused(text: str, parameters: list[Any]) -> None:
    with suppress(Fault):
        statement = bound(statement_of(text), parameters)
        assert statement.where is None or holds(statement.where, ITEM) in (True, False)


@given(bent_text("-123.4500e+17") | st.decimals(allow_nan=False, allow_infinity=False).map(str) | TEXTS)
def test_a_number_is_kept_exactly_or_refused(text: str) -> None:
    with suppress(Fault):
        kept = normal(text)
        assert (Decimal(kept), normal(kept)) == (Decimal(text), kept)
        assert size_of({"n": {"N": kept}}) <= 1 + NUMBER_BYTES_MAX


@given(st.lists(st.decimals(-(10**29), 10**29, places=8).map(str).map(normal), min_size=2))
def test_numbers_sort_as_their_bytes_do(texts: list[str]) -> None:
    assert sorted(texts, key=sortable) == sorted(texts, key=Decimal)


@given(bent_text("arn:aws:s3:us-east-1:000000000000:bucket/key") | TEXTS)
def test_an_arn_is_one_or_not(text: str) -> None:
    found = arn.parse_or_none(text)
    assert found is None or str(found) == text


@given(woven(CRON) | bent_text("cron(0/5 8-17 ? * MON-FRI 2026-2030)") | TEXTS, st.floats(0, 4e9))
def test_a_schedule_means_something_or_is_refused(text: str, now: float) -> None:
    with suppress(ValueError):
        due = schedules.parse(text).next(now)
        assert due is None or due > now


@given(TEXTS | bent_text(pages.encode(("a", 1, 2.5, b"x"))))
def test_a_page_token_is_one_or_not(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(pages.decode(text), tuple)


@given(woven(["[a-z&&[^b]]", "\\p{L}", "(?<n>a)", "\\Q", "\\E", "*+", "{2,}", "^", "$", "[", "]", "(", ")", "|", "\\", "&&"]) | TEXTS)
def test_a_javas_pattern_is_understood_or_not(text: str) -> None:
    found = java_pattern(text)
    assert found is None or found.search("abc") is not NotImplemented
