"""S3 Select: SQL over CSV and JSON, answered as a stream of records, statistics and an end."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.s3_kit import refused
from windtunnel.fabric import Fault

PEOPLE = 'name,age,"home town"\nAda,36,London\nBob,7,"Paris, France"\nCid,,Rome\n'
LINES = '{"name": "Ada", "age": 36, "tags": ["a", "b"]}\n{"name": "Bob", "pet": {"kind": "cat"}}\n'
CSV: dict[str, Any] = {"CSV": {}}
JSON: dict[str, Any] = {"JSON": {}}
USE: dict[str, Any] = {"CSV": {"FileHeaderInfo": "USE"}}


@pytest.fixture
def s3(here: Here) -> Any:
    here.s3.create_bucket(Bucket="box")
    here.s3.put_object(Bucket="box", Key="people.csv", Body=PEOPLE.encode())
    here.s3.put_object(Bucket="box", Key="people.json", Body=LINES.encode())
    return here.s3


def _events(
    here: Here, expression: str, key: str, source: Mapping[str, Any], target: Mapping[str, Any], **more: Any
) -> list[dict[str, Any]]:
    answer = here.s3.select_object_content(
        Bucket="box", Key=key, Expression=expression, ExpressionType="SQL", InputSerialization=source, OutputSerialization=target, **more
    )

    async def all_of() -> list[dict[str, Any]]:
        return [event async for event in answer["Payload"]]

    return here.run(all_of())


def _text(events: list[dict[str, Any]]) -> str:
    return b"".join(event["Records"]["Payload"] for event in events if "Records" in event).decode()


def _csv(here: Here, expression: str, source: Mapping[str, Any] = USE, target: Mapping[str, Any] = CSV, key: str = "people.csv") -> str:
    return _text(_events(here, expression, key, source, target))


def _json(here: Here, expression: str, kind: str = "LINES") -> list[Any]:
    text = _text(_events(here, expression, "people.json", {"JSON": {"Type": kind}}, JSON))
    return [json.loads(line) for line in text.splitlines()]


def test_records_come_with_statistics_and_an_end(here: Here, s3: Any) -> None:
    events = _events(here, "SELECT name FROM S3Object WHERE age > 10", "people.csv", USE, CSV, RequestProgress={"Enabled": True})
    details = {"Details": {"BytesScanned": len(PEOPLE), "BytesProcessed": len(PEOPLE), "BytesReturned": 4}}
    assert events == [{"Records": {"Payload": b"Ada\n"}}, {"Progress": details}, {"Stats": details}, {"End": {}}]


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("SELECT * FROM S3Object", 'Ada,36,London\nBob,7,"Paris, France"\nCid,,Rome\n'),
        ("select s.* from s3object s limit 1", "Ada,36,London\n"),
        ("SELECT s.\"home town\", s._1 FROM S3Object AS s WHERE s.NAME = 'Bob'", '"Paris, France",Bob\n'),
        ("SELECT name FROM S3Object s WHERE s.age BETWEEN 5 AND 36 AND NOT name LIKE 'A%'", "Bob\n"),
        ("SELECT name FROM S3Object s WHERE name IN ('Ada', 'Cid') OR age <= 7", "Ada\nBob\nCid\n"),
        ("SELECT name FROM S3Object s WHERE CAST(NULLIF(age, '') AS INT) % 2 = 1", "Bob\n"),
        ("SELECT name FROM S3Object s WHERE s.shoes IS MISSING AND age IS NOT NULL LIMIT 2", "Ada\nBob\n"),
        ("SELECT UPPER(name) || '-' || SUBSTRING(name FROM 2 FOR 1), CHAR_LENGTH(name) * (1 + 1) FROM S3Object LIMIT 1", "ADA-d,6\n"),
        ("SELECT COUNT(*), COUNT(NULLIF(age, '')), SUM(NULLIF(age, '')), AVG(NULLIF(age, '')) FROM S3Object", "3,2,43,21.5\n"),
        ("SELECT MIN(CAST(age AS FLOAT)), MAX(CAST(age AS FLOAT)) FROM S3Object WHERE age <> ''", "7.0,36.0\n"),
        ("SELECT name FROM S3Object WHERE name LIKE '_i%'", "Cid\n"),
        ("SELECT CASE name WHEN 'Ada' THEN 1 WHEN 'Bob' THEN 2 END FROM S3Object", '1\n2\n""\n'),
        ("SELECT CASE WHEN age < 10 THEN 'child' WHEN age <> '' THEN 'adult' ELSE 'nobody' END FROM S3Object", "adult\nchild\nnobody\n"),
        ("SELECT COALESCE(shoes, TRIM('  none ')), -CAST(age AS DECIMAL) / 2 FROM S3Object WHERE name = 'Ada'", "none,-18.0\n"),
    ],
)
def test_an_expression_is_answered(here: Here, s3: Any, expression: str, answer: str) -> None:
    assert _csv(here, expression) == answer


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("DATE_ADD(year, 5, `2010-01-01T`)", "2015-01-01T00:00:00Z"),
        ("DATE_ADD(month, 13, `2010T`)", "2011-02-01T00:00:00Z"),
        ("DATE_ADD(month, 1, `2024-01-31T`)", "2024-02-29T00:00:00Z"),
        ("DATE_ADD(day, -1, `2017-01-10T`)", "2017-01-09T00:00:00Z"),
        ("DATE_ADD(minute, 1, `2017-01-02T03:04:05.006Z`)", "2017-01-02T03:05:05.006000Z"),
        ("DATE_DIFF(year, `2010-01-01T`, `2011-01-01T`)", "1"),
        ("DATE_DIFF(month, `2010T`, `2010-05T`)", "4"),
        ("DATE_DIFF(month, `2011T`, `2010T`)", "-12"),
        ("DATE_DIFF(month, `2010-01-31T`, `2010-02-27T`)", "0"),
        ("DATE_DIFF(day, `2010-01-01T23:00Z`, `2010-01-02T01:00Z`)", "0"),
        ("EXTRACT(MONTH FROM `2010-08-01T`)", "8"),
        ("EXTRACT(TIMEZONE_HOUR FROM `2017-01-02T03:04:05-07:08`)", "-7"),
        ("EXTRACT(TIMEZONE_MINUTE FROM `2017-01-02T03:04:05-07:08`)", "-8"),
        ("TO_TIMESTAMP('2007-02-23T12:14:33.079-08:00')", "2007-02-23T12:14:33.079000-08:00"),
        ("UTCNOW()", "2026-01-01T00:00:00Z"),
        ("TO_STRING(`1969-07-20T20:18Z`, 'MMMM d, y')", '"July 20, 1969"'),
        ("TO_STRING(`1969-07-20T20:18Z`, 'M-d-yy h:mm a')", "7-20-69 8:18 PM"),
        ("TO_STRING(`1969-07-20T20:18:13.5Z`, 'y-MM-dd''T''H:m:ssX')", "1969-07-20T20:18:13Z"),
        ("TO_STRING(`1969-07-20T20:18:13.5+08:00`, 'HH.SSS n XXXX xxx x')", "20.500 500000000 +0800 +08:00 +08"),
        ("TO_STRING(NULL, 'y')", '""'),
        ("DATE_ADD(day, NULL, `2017T`)", '""'),
        ("EXTRACT(YEAR FROM shoes)", '""'),
    ],
)
def test_dates_are_reckoned_with(here: Here, s3: Any, expression: str, answer: str) -> None:
    assert _csv(here, f"SELECT {expression} FROM S3Object LIMIT 1") == f"{answer}\n"


def test_csv_is_read_and_written_in_many_forms(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="odd", Body=b"#no|a;'x;y'|b;z|")
    odd = {"CSV": {"FieldDelimiter": ";", "RecordDelimiter": "|", "QuoteCharacter": "'"}}
    assert _csv(here, "SELECT _2 FROM S3Object", odd, {"CSV": {"QuoteFields": "ALWAYS", "RecordDelimiter": "!"}}, "odd") == '"x;y"!"z"!'
    assert (
        _csv(here, "SELECT * FROM S3Object LIMIT 1", {"CSV": {"FileHeaderInfo": "IGNORE"}}, JSON)
        == '{"_1":"Ada","_2":"36","_3":"London"}\n'
    )
    assert _csv(here, "SELECT name AS who, shoes FROM S3Object LIMIT 1", USE, {"JSON": {"RecordDelimiter": ";"}}) == '{"who":"Ada"};'
    s3.put_object(Bucket="box", Key="lines", Body=b'a,"b\nc"\n')
    assert _csv(here, "SELECT _2 FROM S3Object", {"CSV": {"AllowQuotedRecordDelimiter": True}}, JSON, "lines") == '{"_2":"b\\nc"}\n'


def test_json_is_read_by_lines_and_as_documents(here: Here, s3: Any) -> None:
    assert _json(here, "SELECT s.name, s.tags[1], s.pet.kind FROM S3Object s") == [
        {"name": "Ada", "_2": "b"},
        {"name": "Bob", "kind": "cat"},
    ]
    assert _json(here, "SELECT COUNT(*) AS n FROM S3Object[*] s WHERE s.age = 36") == [{"n": 1}]
    s3.put_object(Bucket="box", Key="people.json", Body=json.dumps({"all": {"people": [{"n": 1}, {"n": 2}]}}).encode())
    assert _json(here, "SELECT s.n FROM S3Object[*].all.people[*] s WHERE s.n > 1", "DOCUMENT") == [{"n": 2}]
    assert _json(here, "SELECT * FROM S3Object", "DOCUMENT") == [{"all": {"people": [{"n": 1}, {"n": 2}]}}]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"Start": 0, "End": 19}, []),  # the header alone
        ({"Start": 0, "End": 21}, ["Ada"]),
        ({"Start": 21, "End": 21}, ["Ada"]),
        ({"Start": 22, "End": 35}, ["Bob"]),
        ({"Start": 36}, ["Cid"]),
        ({"End": 11}, ["Cid"]),
        ({"End": 1000}, ["Ada", "Bob", "Cid"]),
        ({"Start": 1000, "End": 2000}, []),
    ],
    ids=str,
)
def test_only_records_that_begin_in_a_range_are_looked_at(here: Here, s3: Any, wanted: dict[str, int], names: list[str]) -> None:
    assert PEOPLE.index("Ada") == 21
    assert PEOPLE.index("Bob") == 35
    text = _text(_events(here, "SELECT name FROM S3Object", "people.csv", USE, CSV, ScanRange=wanted))
    assert text.split() == names


def test_ranges_are_of_plain_lines(here: Here, s3: Any) -> None:
    lines = {"JSON": {"Type": "LINES"}}
    assert _text(_events(here, "SELECT s.name FROM S3Object s", "people.json", lines, CSV, ScanRange={"Start": 1})) == "Bob\n"
    everything, start = "SELECT * FROM S3Object", {"Start": 1}
    for source in ({"JSON": {"Type": "DOCUMENT"}}, {**USE, "CompressionType": "GZIP"}, {"CSV": {"AllowQuotedRecordDelimiter": True}}):
        assert _fault(here, everything, source, ScanRange=start) == "UnsupportedScanRangeInput"
    assert _fault(here, everything, USE, ScanRange={"Start": 2, "End": 1}) == "InvalidScanRange"


def test_packed_objects_are_unpacked(here: Here, s3: Any) -> None:
    for kind, pack in (("GZIP", gzip.compress), ("BZIP2", bz2.compress)):
        s3.put_object(Bucket="box", Key="packed", Body=pack(PEOPLE.encode()))
        assert _csv(here, "SELECT name FROM S3Object LIMIT 1", {**USE, "CompressionType": kind}, CSV, "packed") == "Ada\n"
    assert _fault(here, "SELECT name FROM S3Object", {**USE, "CompressionType": "GZIP"}) == "InvalidCompressionFormat"


def _fault(here: Here, expression: str, source: Mapping[str, Any] = USE, key: str = "people.csv", **more: Any) -> str:
    with pytest.raises(Fault) as caught:
        _events(here, expression, key, source, CSV, **more)
    return caught.value.code


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("DELETE FROM S3Object", "ParseExpectedKeyword"),
        ("SELECT name", "ParseSelectMissingFrom"),
        ("SELECT name FROM people", "ParseUnexpectedToken"),
        ("SELECT name FROM S3Object WHERE", "ParseUnexpectedToken"),
        ("SELECT name FROM S3Object LIMIT many", "ParseUnexpectedToken"),
        ("SELECT name, FROM S3Object", "ParseUnexpectedToken"),
        ("SELECT name FROM S3Object s WHERE name NOT", "ParseUnexpectedToken"),
        ("SELECT name FROM S3Object s ORDER BY name", "ParseUnexpectedToken"),
        ("SELECT name ; FROM S3Object", "LexerInvalidChar"),
        ("SELECT REVERSE(name) FROM S3Object", "UnsupportedFunction"),
        ("SELECT UPPER(name, age) FROM S3Object", "EvaluatorInvalidArguments"),
        ("SELECT name + 1 FROM S3Object", "EvaluatorInvalidArguments"),
        ("SELECT age / 0 FROM S3Object", "EvaluatorInvalidArguments"),
        ("SELECT SUM(name) FROM S3Object", "EvaluatorInvalidArguments"),
        ("SELECT CAST(name AS INT) FROM S3Object", "CastFailed"),
        ("SELECT TO_TIMESTAMP(name) FROM S3Object", "CastFailed"),
        ("SELECT CASE name END FROM S3Object", "ParseUnexpectedToken"),
        ("SELECT CASE WHEN name THEN 1 FROM S3Object", "ParseUnexpectedToken"),
        ("SELECT EXTRACT(DECADE FROM UTCNOW()) FROM S3Object", "ParseExpectedDatePart"),
        ("SELECT DATE_ADD(timezone_hour, 1, UTCNOW()) FROM S3Object", "ParseExpectedDatePart"),
        ("SELECT DATE_ADD(day, 1) FROM S3Object", "EvaluatorInvalidArguments"),
        ("SELECT DATE_ADD(year, 10000, UTCNOW()) FROM S3Object", "EvaluatorTimestampFieldOutOfRange"),
        ("SELECT TO_STRING(UTCNOW(), 'QQ') FROM S3Object", "InvalidTimestampFormatPattern"),
        ("SELECT CAST(name AS SHOE) FROM S3Object", "ParseUnexpectedToken"),
        ("SELECT name, COUNT(*) FROM S3Object", "UnsupportedSyntax"),
        ("SELECT " + "(" * 5_000 + "1" + ")" * 5_000 + " FROM S3Object", "UnsupportedSyntax"),
        ("SELECT 1" + "+1" * 20_000 + " FROM S3Object", "UnsupportedSyntax"),
        ("SELECT * FROM S3Object WHERE TRUE" + " AND TRUE" * 20_000, "UnsupportedSyntax"),
        ("SELECT SUBSTRING(name, 'x') FROM S3Object", "CastFailed"),
        ("SELECT '" + "x" * 262_144 + "' FROM S3Object", "ExpressionTooLong"),
    ],
)
def test_an_expression_that_makes_no_sense_is_refused(here: Here, s3: Any, expression: str, code: str) -> None:
    assert _fault(here, expression) == code


def test_what_is_neither_csv_nor_json_is_refused(here: Here, s3: Any) -> None:
    everything = "SELECT * FROM S3Object"
    assert _fault(here, everything, {**CSV, "JSON": {"Type": "LINES"}}) == "ObjectSerializationConflict"
    assert _fault(here, everything, {"Parquet": {}}) == "NotImplemented"
    assert _fault(here, everything, {"JSON": {"Type": "LINES"}}) == "JSONParsingError"
    s3.put_object(Bucket="box", Key="latin", Body=b"\xff")
    assert _fault(here, everything, CSV, "latin") == "InvalidTextEncoding"
    s3.put_object(Bucket="box", Key="cold", Body=b"x", StorageClass="GLACIER")
    request = {"Expression": everything, "ExpressionType": "SQL", "InputSerialization": CSV, "OutputSerialization": CSV}
    assert refused(s3.select_object_content, Bucket="box", Key="cold", **request)[0] == "InvalidObjectState"
    assert refused(s3.select_object_content, Bucket="box", Key="none", **request)[0] == "NoSuchKey"
