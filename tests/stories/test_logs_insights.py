"""Stories of Logs Insights' language: functions, maps and lists, stats of stats, patterns, joins, subqueries and sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.here import BEGIN, Here
from windtunnel.fabric import Fault
from windtunnel.services.logs.insights.expression import Reader
from windtunnel.services.logs.insights.values import Moment, printed
from windtunnel.services.logs.insights.words import words_of

NOW = int(BEGIN * 1000)
JSON = '{"user": {"name": "Ann", "odd key": 1}, "roles": ["admin", "dev"], "list": [{"n": 1}, {"n": 2}]}'


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """One region for all stories of this file: they only ask."""
    path: Path = tmp_path_factory.mktemp("region")
    region = Here(path / "region")
    for group, *messages in (
        ("api", '{"id": "1", "status": 500, "ms": 12}', '{"id": "2", "status": 200, "ms": 7}', '{"id": "3", "status": 500, "ms": 30}'),
        ("fn", '{"id": "1", "error": "timeout"}', '{"id": "2", "error": "none"}'),
        ("json", JSON),
        ("text", "user 17 took 20 ms", "user 18 took 31 ms", "ERROR no disk", "user 19 took 5 ms", "shutdown"),
    ):
        region.logs.create_log_group(logGroupName=group)
        region.logs.create_log_stream(logGroupName=group, logStreamName="s")
        events = [{"timestamp": NOW + number * 60_000, "message": message} for number, message in enumerate(messages)]
        region.logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    region.logs.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
    yield region
    region.close()


def rows(here: Here, text: str, *groups: str) -> list[dict[str, str]]:
    where = {"logGroupNames": list(groups)} if groups else {}
    query = here.logs.start_query(queryString=text, startTime=NOW // 1000, endTime=NOW // 1000 + 3600, **where)["queryId"]
    here.rest()
    found = here.logs.get_query_results(queryId=query)
    assert found["status"] == "Complete"
    return [{one["field"]: one["value"] for one in row if one["field"] != "@ptr"} for row in found["results"]]


def malformed(here: Here, text: str, group: str = "api") -> str:
    with pytest.raises(Fault) as refused:
        here.logs.start_query(queryString=text, logGroupName=group, startTime=0, endTime=1)
    assert refused.value.code == "MalformedQueryException"
    return refused.value.message


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("abs(-2) + ceil(1.2) * floor(1.8)", "4"),
        ("round(2.5)", "3"),
        ("round(2.345, 2)", "2.35"),
        ("round(-2.5)", "-3"),
        ("greatest(1, 3, 2) - least(1, 3, 2)", "2"),
        ("sqrt(9) ^ 2 % 5", "4"),
        ("sqrt(-1)", None),
        ("log(1)", "0"),
        ("haversine(52.52, 13.405, 48.8566, 2.3522)", "877.4633"),
        ("toInt('7.9') + toLong('1') + toNumber('0.5')", "8.5"),
        ("toDouble('x')", None),
        ("if(1 < 2, 'yes', 'no')", "yes"),
        ("case(1 > 2, 'a', 2 > 1, 'b', 'c')", "b"),
        ("case(1 > 2, 'a', 'c')", "c"),
        ("case(1 > 2, 'a')", None),
        ("coalesce(none, 'x')", "x"),
        ("isNumeric('1.5')", "1"),
        ("isNumeric('x')", "0"),
        ("messageSize('hé')", "3"),
        ("isempty(none)", "1"),
        ("isblank(' ')", "1"),
        ("ispresent(none)", "0"),
        ("!ispresent(none)", "1"),
        ("concat('a', 1, 'b')", "a1b"),
        ("ltrim('xyZxyfooxyZ', 'xyZ')", "fooxyZ"),
        ("rtrim('xyZfooxyxyZ', 'xyZ')", "xyZfoo"),
        ("trim('  a ')", "a"),
        ("substr('xyZfooxyZ', 3, 3)", "foo"),
        ("replace('a-b-c', '-', '+')", "a+b+c"),
        ("regexReplace('a1b22', '[0-9]+', '#')", "a#b#"),
        ("regexReplace('a', '(', '')", None),
        ("strcontains('abc', 'B')", "0"),
        ("strcontains('abc', 'B', true)", "1"),
        ("startsWith('abc', 'ab') + endsWith('abc', 'bc')", "2"),
        ("toupper(tolower('aB'))", "AB"),
        ("strlen('héé')", "3"),
        ("urlencode('a b/')", "a%20b%2F"),
        ("urldecode('a%20b')", "a b"),
        ("base64encode('hi')", "aGk="),
        ("base64decode('aGk=')", "hi"),
        ("base64decode('!')", None),
        ("split('a,b', ',')", '["a","b"]'),
        ("hexToAscii('48656c6c6f')", "Hello"),
        ("hexToDec('0xff')", "255"),
        ("decToHex(-255)", "-0xff"),
        ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("sha256('')", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("isIpInSubnet('10.1.2.3', '10.0.0.0/8')", "1"),
        ("isIpv4InSubnet('2001:db8::1', '2001:db8::/32')", "0"),
        ("isIpv6InSubnet('2001:db8::1', '2001:db8::/32')", "1"),
        ("isIpInSubnet('10.1.2.3', 'none')", "0"),
        ("ipv4ToNumber('1.2.3.4')", "16909060"),
        ("isPrivateIP('192.168.1.1') + isPublicIP('8.8.8.8') + isReservedIP('127.0.0.1')", "3"),
        ("isPublicIP('192.168.1.1')", "0"),
        ("parseDate('2026-01-01', 'yyyy-MM-dd')", str(NOW)),
        ("parseDate('2026-01-01 00:00', 'yyyy-MM-dd HH:mm', 'Europe/Berlin')", str(NOW - 3_600_000)),
        ("parseDate('never', 'yyyy-MM-dd')", None),
        (f"formatDate({NOW}, '%Y/%m', 'America/New_York')", "2025/12"),
        (f"fromMillis({NOW})", "2026-01-01 00:00:00.000"),
        (f"toMillis(fromMillis({NOW}))", str(NOW)),
        (f"datefloor({NOW + 90_000}, 1m)", "2026-01-01 00:01:00.000"),
        (f"dateceil({NOW + 90_000}, 1m)", "2026-01-01 00:02:00.000"),
        (f"dateceil({NOW}, 1h)", "2026-01-01 00:00:00.000"),
        (f"datefloor({NOW + 90_000}, 300s)", "2026-01-01 00:01:00.000"),
        (f"datefloor({NOW + 45 * 86_400_000}, 1month)", "2026-02-01 00:00:00.000"),
        (f"datefloor({NOW + 100 * 86_400_000}, 1q)", "2026-04-01 00:00:00.000"),
        (f"dateceil({NOW + 45 * 86_400_000}, 1y)", "2027-01-01 00:00:00.000"),
        (f"datefloor({NOW + 1}, 2d)", "2026-01-01 00:00:00.000"),
        ("jsonArraySize('[1, 2]')", "2"),
        ("jsonArraySize('{}')", None),
        ("jsonArrayContains('[\"a\"]', 'a')", "1"),
        ("jsonArrayContains('no', 'a')", "0"),
        ("jsonStringify(jsonParse('{\"a\": [1]}'))", '{"a":[1]}'),
        ("jsonParse('[1, 2]')", "[1,2]"),
        ("jsonParse('1')", None),
        ("toupper(jsonParse('{}'))", None),
        ("jsonParse('{}') = '{}'", "0"),
        ("'a' not in ['b', 'c']", "1"),
    ],
)  # fmt: skip
def test_functions_and_operators(expression: str, value: str | None) -> None:
    reader = Reader(words_of(expression), expression)
    found = reader.expression()({"@timestamp": Moment(NOW)})
    assert (reader.word.kind, printed(found)) == ("end", value)


def test_maps_and_lists_are_walked_by_dots_and_brackets(here: Here) -> None:
    text = (
        "fields jsonParse(@message) as j | display j.user.name, j.user.`odd key` as odd, j.list[1].n as second, j.roles[5] as none, j.roles"
    )
    assert rows(here, text, "json") == [{"j.user.name": "Ann", "odd": "1", "second": "2", "j.roles": '["admin","dev"]'}]


def test_a_list_becomes_a_row_for_each_element(here: Here) -> None:
    text = "fields jsonParse(@message) as j | unnest j.list into item | stats sum(item.n) as total, count() as n"
    assert rows(here, text, "json") == [{"total": "3", "n": "2"}]
    assert rows(here, "unnest @logStream into x | display x", "json") == [{"x": "s"}]


def test_a_query_knows_its_own_times(here: Here) -> None:
    text = "fields now() as now, queryStartTime() as a, queryEndTime() as b, queryTimeRange() as c | display now, a, b, c"
    begin, end = NOW, NOW + 3_600_999
    assert rows(here, text, "json") == [{"now": str(NOW // 1000), "a": str(begin), "b": str(end), "c": str(end - begin)}]


def test_stats_reckon_with_aggregates_and_go_over_stats(here: Here) -> None:
    text = "stats sum(ms) / count(*) as mean by status | stats max(mean) - min(mean) as spread, count() as n"
    assert rows(here, text, "api") == [{"spread": "14", "n": "2"}]
    text = "stats values(status) as all, variance(ms) as var, countDistinct(status) as d, median(ms) as half"
    assert rows(here, text, "api") == [{"all": '["500","200"]', "var": "97.5556", "d": "2", "half": "12"}]
    assert rows(here, "stats topk(1, status) as top", "api") == [{"top": '["500"]'}]
    text = "stats sum(ms) as total by bin(5m) as slot | stats max(total) as most by dateceil(slot, 10m)"
    assert rows(here, text, "api") == [{"dateceil(slot, 10m)": "2026-01-01 00:00:00.000", "most": "49"}]


def test_messages_of_one_form_are_a_pattern(here: Here) -> None:
    assert rows(here, "pattern @message", "text") == [
        {"@pattern": "user <Number-1> took <Number-2> ms", "@ratio": "0.6", "@sampleCount": "3"},
        {"@pattern": "shutdown", "@ratio": "0.2", "@sampleCount": "1"},
        {"@pattern": "ERROR no disk", "@ratio": "0.2", "@sampleCount": "1", "@severityLabel": "Error"},
    ]


def test_a_join_puts_rows_of_two_groups_together(here: Here) -> None:
    text = "filter status >= 500 | join type={} left=a right=f where a.id=f.id (SOURCE 'fn') | fields a.id, a.ms, f.error | sort a.id asc"
    assert rows(here, text.format("inner"), "api") == [{"a.id": "1", "a.ms": "12", "f.error": "timeout"}]
    assert rows(here, text.format("left"), "api") == [{"a.id": "1", "a.ms": "12", "f.error": "timeout"}, {"a.id": "3", "a.ms": "30"}]


def test_a_subquery_says_which_values_are_wanted(here: Here) -> None:
    text = "filter id in (SOURCE 'fn' | filter error = 'timeout' | fields id) | display id, ms"
    assert rows(here, text, "api") == [{"id": "1", "ms": "12"}]
    text = "filter id not in (SOURCE 'fn' | stats count(*) as n by id | fields id) | display id"
    assert rows(here, text, "api") == [{"id": "3"}]


def test_a_source_chooses_groups_by_their_names_and_classes(here: Here) -> None:
    assert rows(here, "SOURCE logGroups(namePrefix: ['ap', 'f']) | stats count() as n by @log | sort @log asc") == [
        {"@log": "000000000000:api", "n": "3"},
        {"@log": "000000000000:fn", "n": "2"},
    ]
    assert rows(here, "SOURCE logGroups(class: ['INFREQUENT_ACCESS']) | stats count() as n") == [{"n": "0"}]
    assert rows(here, "SOURCE logGroups(accountIdentifiers: ['111111111111']) | stats count() as n") == [{"n": "0"}]
    with pytest.raises(Fault) as refused:
        rows(here, "SOURCE logGroups() | limit 1", "api")
    assert refused.value.code == "InvalidParameterException"
    with pytest.raises(Fault) as refused:
        rows(here, "SOURCE logGroups(namePrefix: ['a', 'b', 'c', 'd', 'e', 'f'])")
    assert refused.value.code == "InvalidParameterException"


def test_rows_are_told_by_those_before_them(here: Here) -> None:
    ordered = "fields id, ms | sort @timestamp asc"
    assert [row["ms"] for row in rows(here, f"{ordered} | accum ms as total | display total as ms", "api")] == ["12", "19", "49"]
    assert rows(here, f"{ordered} | autoregress ms p=1-2 | display ms_p1, ms_p2", "api")[1:] == [
        {"ms_p1": "12"},
        {"ms_p1": "7", "ms_p2": "12"},
    ]
    filled = "fields id, error | sort @timestamp asc | filldown error* | display id, error"
    assert rows(here, filled, "fn", "api")[-1] == {"id": "3", "error": "none"}
    assert rows(here, "countFrequent status", "api") == [{"status": "500", "_approxcount": "2"}, {"status": "200", "_approxcount": "1"}]


@pytest.mark.parametrize(
    "text",
    [
        "sort ms | stats count()",
        "limit 1 | stats count()",
        "stats 1 + 2",
        "stats topk(0, ms)",
        "limit 100001",
        "filter @message | source 'x'",
        "join type=outer left=a right=b where a.x=b.x (SOURCE 'fn')",
        "join left=a right=b where a.x=c.x (SOURCE 'fn')",
        "filter id in (fields id)",
        "filter id in (SOURCE 'fn' | filter x in (SOURCE 'fn' | fields x))",
        "lookup none id OUTPUT name",
        "unnest x as y",
        "fields j[x]",
        " | ".join(["stats count() as n"] * 11),
    ],
)
def test_what_is_no_query_is_refused(here: Here, text: str) -> None:
    malformed(here, text)


def test_groups_of_rare_access_take_two_stats(here: Here) -> None:
    assert "at most 2 stats" in malformed(here, "stats count() as n | stats count() as n | stats count() as n", "rare")


def test_what_is_missing_is_said(here: Here) -> None:
    for text in ("diff", "anomaly", "addtotals ms", "SOURCE dataSource(['amazon_vpc.flow']) | limit 1"):
        with pytest.raises(Fault) as refused:
            here.logs.start_query(queryString=text, logGroupName="api", startTime=0, endTime=1)
        assert refused.value.code == "NotImplemented"
