"""Stories of log transformers: what each processor makes of a message, and where transformed events are seen."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.refusals import refusal

NOW = int(BEGIN * 1000)
INNER = '{"outer": {"inner": "a_B"}}'


def made(logs: Any, config: list[dict[str, Any]], message: str) -> Any:
    [record] = logs.test_transformer(transformerConfig=config, logEventMessages=[message])["transformedLogs"]
    assert (record["eventNumber"], record["eventMessage"]) == (1, message)
    return orjson.loads(record["transformedEventMessage"]) if "transformedEventMessage" in record else None


@pytest.mark.parametrize(
    ("processor", "message", "expected"),
    [
        ({"parseJSON": {"destination": "new"}}, INNER, {"new": {"outer": {"inner": "a_B"}}}),
        ({"parseJSON": {}}, "no JSON", None),
        (
            {"csv": {"delimiter": ":", "quoteCharacter": "'"}},
            "'Akua Mansa':28:'New York: USA'",
            {"column_1": "Akua Mansa", "column_2": "28", "column_3": "New York: USA"},
        ),
        ({"csv": {"columns": ["a", "b.c"]}}, "1,2,3", {"a": "1", "b": {"c": "2"}, "column_3": "3"}),
        (
            {
                "parseKeyValue": {
                    "destination": "n",
                    "fieldDelimiter": "!",
                    "keyValueDelimiter": ":",
                    "nonMatchValue": "none",
                    "keyPrefix": "p_",
                }
            },
            "k1:v1!k2:v2!k3",
            {"n": {"p_k1": "v1", "p_k2": "v2", "p_k3": "none"}},
        ),
        ({"grok": {"match": "%{WORD:verb} %{QUOTEDSTRING:said} %{DATA}"}}, 'say "hello you" now', {"verb": "say", "said": "hello you"}),
        ({"grok": {"match": "%{IP:client.ip} [%{NUMBER:port}]"}}, "10.0.0.1 [80]", {"client": {"ip": "10.0.0.1"}, "port": "80"}),
        (
            {"grok": {"match": "%{HOSTPORT:at} %{SYSLOGFACILITY:s}"}},
            "10.0.0.1:8080 <13.6>",
            {"at": "10.0.0.1:8080", "PORT": "8080", "s": "<13.6>", "facility": "13", "priority": "6"},
        ),
        (
            {"grok": {"match": "%{NGINX_ACCESS_LOG} %{GREEDYDATA:rest}"}},
            '192.168.1.100 - Foo [03/Aug/2023:12:34:56 +0000] "GET /login.html HTTP/1.1" 200 42 "https://x.y/" "curl/8" more of it',
            {
                "remote_host": "192.168.1.100",
                "auth_user": "Foo",
                "timestamp": "2023-08-03T12:34:56Z",
                "http_method": "GET",
                "request": "/login.html",
                "http_version": "1.1",
                "status_code": 200,
                "response_size": 42,
                "referrer": "https://x.y/",
                "agent": "curl/8",
                "rest": "more of it",
            },
        ),
        ({"grok": {"match": "%{INT:n}"}}, "none", None),
        (
            {"parseWAF": {}},
            '{"httpRequest": {"headers": [{"name": "Host", "value": "h"}], "uri": "/"}, "labels": [{"name": "value"}]}',
            {"httpRequest": {"headers": {"Host": "h"}, "uri": "/"}, "labels": {"name": "value"}},
        ),
        (
            {"parsePostgres": {}},
            "2019-03-10 03:54:59 UTC:10.0.0.123(52834):postgres@logtestdb:[20175]:ERROR: no such column",
            {
                "logTime": "2019-03-10 03:54:59 UTC",
                "srcIp": "10.0.0.123(52834)",
                "userName": "postgres",
                "dbName": "logtestdb",
                "processId": "20175",
                "logLevel": "ERROR",
            },
        ),
        ({"parsePostgres": {}}, "hello", None),
        (
            {"parseVPC": {}},
            "2 123456789010 eni-abc123de 192.0.2.0 192.0.2.24 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
            {
                "version": 2,
                "accountId": "123456789010",
                "interfaceId": "eni-abc123de",
                "srcAddr": "192.0.2.0",
                "dstAddr": "192.0.2.24",
                "srcPort": 20641,
                "dstPort": 22,
                "protocol": 6,
                "packets": 20,
                "bytes": 4249,
                "start": 1418530010,
                "end": 1418530070,
                "action": "ACCEPT",
                "logStatus": "OK",
            },
        ),
        ({"parseVPC": {}}, "2 123", None),
        (
            {"parseRoute53": {}},
            "1.0 2017-12-13T08:15:50.235Z Z123412341234 example.com AAAA NOERROR TCP IAD12 192.0.2.0 198.51.100.0/24",
            {
                "version": 1.0,
                "queryTimestamp": "2017-12-13T08:15:50.235Z",
                "hostZoneId": "Z123412341234",
                "queryName": "example.com",
                "queryType": "AAAA",
                "responseCode": "NOERROR",
                "protocol": "TCP",
                "edgeLocation": "IAD12",
                "resolverIp": "192.0.2.0",
                "ednsClientSubnet": "198.51.100.0/24",
            },
        ),
    ],
)
def test_parsers_make_fields_of_a_text(logs: Any, processor: dict[str, Any], message: str, expected: Any) -> None:
    assert made(logs, [processor], message) == expected


def test_a_line_of_cloudfront_has_its_numbers_and_is_decoded(logs: Any) -> None:
    line = (
        "2019-12-04 21:02:31 LAX1 392 192.0.2.24 GET d.cloudfront.net /index.html 200 - Mozilla/5.0%20(X) - - Hit SOX4== d.cloudfront.net "
        "https 23 0.001 - TLSv1.2 ECDHE Hit HTTP/2.0 - - 11040 0.001 Hit text/html 78 - -"
    )
    found = made(logs, [{"parseCloudfront": {}}], line)
    assert {name: found[name] for name in ("sc-bytes", "cs(User-Agent)", "time-taken", "sc-range-end", "c-ip")} == {
        "sc-bytes": 392,
        "cs(User-Agent)": "Mozilla/5.0 (X)",
        "time-taken": 0.001,
        "sc-range-end": "-",
        "c-ip": "192.0.2.24",
    }


LIST = '{"l": [{"k": "a", "v": "1"}, {"k": "b", "v": "2"}, {"k": "b", "v": "3"}]}'
DATES = {"source": "at", "target": "to", "matchPatterns": ["dd/MMM/yyyy:HH:mm:ss Z", "EEEE dd. MMMM yyyy HH:mm:ss"]}


@pytest.mark.parametrize(
    ("processor", "message", "expected"),
    [
        ({"lowerCaseString": {"withKeys": ["outer.inner", "none"]}}, INNER, {"outer": {"inner": "a_b"}}),
        ({"upperCaseString": {"withKeys": ["outer.inner"]}}, INNER, {"outer": {"inner": "A_B"}}),
        ({"trimString": {"withKeys": ["a"]}}, '{"a": "  x "}', {"a": "x"}),
        ({"splitString": {"entries": [{"source": "outer.inner", "delimiter": "_"}]}}, INNER, {"outer": {"inner": ["a", "B"]}}),
        (
            {"substituteString": {"entries": [{"source": "a", "from": r"(\w+), (\w+), and (?<last>\w+)", "to": "$1 and ${last}"}]}},
            '{"a": "Tom, Dick, and Harry"}',
            {"a": "Tom and Harry"},
        ),
        (
            {"addKeys": {"entries": [{"key": "outer.new", "value": "v"}, {"key": "outer.inner", "value": "v"}]}},
            INNER,
            {"outer": {"inner": "a_B", "new": "v"}},
        ),
        ({"addKeys": {"entries": [{"key": "outer.inner", "value": "v", "overwriteIfExists": True}]}}, INNER, {"outer": {"inner": "v"}}),
        ({"deleteKeys": {"withKeys": ["outer.inner"]}}, INNER, {"outer": {}}),
        ({"moveKeys": {"entries": [{"source": "a.x", "target": "b"}]}}, '{"a": {"x": 1}, "b": {"y": 2}}', {"a": {}, "b": {"y": 2, "x": 1}}),
        ({"moveKeys": {"entries": [{"source": "a.x", "target": "c"}]}}, '{"a": {"x": 1}}', {"a": {}, "c": 1}),
        ({"renameKeys": {"entries": [{"key": "outer", "renameTo": "new"}]}}, INNER, {"new": {"inner": "a_B"}}),
        (
            {
                "copyValue": {
                    "entries": [
                        {"source": "outer.inner", "target": "c"},
                        {"source": "@regionName", "target": "r"},
                        {"source": "none", "target": "n"},
                    ]
                }
            },
            INNER,
            {"outer": {"inner": "a_B"}, "c": "a_B", "r": "us-east-1"},
        ),
        (
            {"listToMap": {"source": "l", "key": "k", "valueKey": "v", "target": "m"}},
            LIST,
            {**orjson.loads(LIST), "m": {"a": ["1"], "b": ["2", "3"]}},
        ),
        (
            {"listToMap": {"source": "l", "key": "k", "valueKey": "v", "flatten": True, "flattenedElement": "last"}},
            LIST,
            {**orjson.loads(LIST), "a": "1", "b": "3"},
        ),
        ({"listToMap": {"source": "l", "key": "k"}}, '{"l": 1}', None),
        (
            {
                "typeConverter": {
                    "entries": [
                        {"key": "s", "type": "integer"},
                        {"key": "t", "type": "boolean"},
                        {"key": "n", "type": "string"},
                        {"key": "d", "type": "double"},
                    ]
                }
            },
            '{"s": "200", "t": "TRUE", "n": 7, "d": "1.5"}',
            {"s": 200, "t": True, "n": "7", "d": 1.5},
        ),
        ({"typeConverter": {"entries": [{"key": "s", "type": "integer"}]}}, '{"s": "many"}', None),
        (
            {"dateTimeConverter": DATES},
            '{"at": "23/Nov/2024:10:25:15 -0900"}',
            {"at": "23/Nov/2024:10:25:15 -0900", "to": "2024-11-23T19:25:15.000Z"},
        ),
        (
            {
                "dateTimeConverter": {
                    **DATES,
                    "locale": "de",
                    "sourceTimezone": "Europe/Berlin",
                    "targetTimezone": "America/New_York",
                    "targetFormat": "yyyy-MM-dd'T'HH:mm:ss z",
                }
            },
            '{"at": "Samstag 05. Dezember 1998 11:00:00"}',
            {"at": "Samstag 05. Dezember 1998 11:00:00", "to": "1998-12-05T05:00:00 EST"},
        ),
        ({"dateTimeConverter": DATES}, '{"at": "tomorrow"}', None),
    ],
)
def test_processors_change_what_a_parser_found(logs: Any, processor: dict[str, Any], message: str, expected: Any) -> None:
    assert made(logs, [{"parseJSON": {}}, processor], message) == expected


NO_TRANSFORMERS: list[list[dict[str, Any]]] = [
    [{}],
    [{"parseJSON": {}, "csv": {}}],
    [{"trimString": {"withKeys": ["a"]}}],
    [{"parseJSON": {}}] * 6,
    [{"parseJSON": {}}, {"parseVPC": {}}],
    [{"parseVPC": {"source": "other"}}],
    [{"grok": {"match": "%{INT:a}"}}, {"grok": {"match": "%{INT:b}"}}],
    [{"grok": {"match": "%{NONE:a}"}}],
    [{"grok": {"match": "text"}}],
    [{"grok": {"match": "%{DATA}" * 6}}],
    [{"grok": {"match": "%{NGINX_ACCESS_LOG} %{INT:a}"}}],
    [{"parseJSON": {"destination": "a.b.c.d"}}],
    [{"parseJSON": {}}, {"substituteString": {"entries": [{"source": "a", "from": "(", "to": ""}]}}],
    [{"parseJSON": {}}, {"substituteString": {"entries": [{"source": "a", "from": "a", "to": "$2"}]}}],
    [{"parseJSON": {}}, {"listToMap": {"source": "a", "key": "k", "flatten": True}}],
    [{"parseJSON": {}}, {"dateTimeConverter": {**DATES, "sourceTimezone": "Mars/Olympus"}}],
]


@pytest.mark.parametrize("config", NO_TRANSFORMERS)
def test_what_is_no_transformer_is_refused(logs: Any, config: list[dict[str, Any]]) -> None:
    assert refusal(logs.put_transformer, logGroupIdentifier="g", transformerConfig=config)[0] == "InvalidParameterException"


def test_what_can_not_be_transformed_here_is_said(logs: Any) -> None:
    for processor in ({"parseToOCSF": {"eventSource": "VPCFlow", "ocsfVersion": "V1.1"}}, {"dateTimeConverter": {**DATES, "locale": "zh"}}):
        config: list[dict[str, Any]] = [processor] if "parseToOCSF" in processor else [{"parseJSON": {}}, processor]
        assert refusal(logs.test_transformer, transformerConfig=config, logEventMessages=["m"])[0] == "NotImplemented"


def test_a_groups_transformer_is_kept_until_it_is_deleted(here: Here, logs: Any) -> None:
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=[{"parseJSON": {}}])
    here.jump(1)
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=[{"csv": {}}])
    assert logs.get_transformer(logGroupIdentifier="g") == {
        "logGroupIdentifier": "g",
        "creationTime": NOW,
        "lastModifiedTime": NOW + 1000,
        "transformerConfig": [{"csv": {}}],
    }
    logs.delete_transformer(logGroupIdentifier="g")
    none = ("ResourceNotFoundException", "The specified transformer does not exist.")
    assert refusal(logs.get_transformer, logGroupIdentifier="g") == refusal(logs.delete_transformer, logGroupIdentifier="g") == none
    assert refusal(logs.get_transformer, logGroupIdentifier="x") == ("ResourceNotFoundException", "The specified log group does not exist.")
    logs.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
    assert refusal(logs.put_transformer, logGroupIdentifier="rare", transformerConfig=[{"csv": {}}])[0] == "ValidationException"


def test_queries_see_what_was_made_of_events_and_readers_what_came_in(here: Here, logs: Any) -> None:
    logs.put_transformer(
        logGroupIdentifier="g",
        transformerConfig=[{"csv": {"columns": ["code", "path"]}}, {"typeConverter": {"entries": [{"key": "code", "type": "integer"}]}}],
    )
    events = [{"timestamp": NOW, "message": "200,/a"}, {"timestamp": NOW + 1, "message": "x,/b"}]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    assert [event["message"] for event in logs.get_log_events(logGroupName="g", logStreamName="s")["events"]] == ["200,/a", "x,/b"]
    query = logs.start_query(
        logGroupName="g",
        startTime=NOW // 1000,
        endTime=NOW // 1000 + 1,
        queryString="fields code, path, @message, ispresent(@transformationError) as failed | sort @timestamp asc",
    )["queryId"]
    here.rest()
    found = logs.get_query_results(queryId=query)["results"]
    assert [{one["field"]: one["value"] for one in row if one["field"] != "@ptr"} for row in found] == [
        {"code": "200", "path": "/a", "@message": "200,/a", "failed": "0"},
        {"@message": "x,/b", "failed": "1"},
    ]
