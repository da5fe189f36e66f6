"""Filter patterns match the messages that the examples of CloudWatch Logs' pages say they match."""

import json
from typing import Any

import pytest

from windtunnel.aws.filters import compile_filter, compile_value, filter_of

BAD_REQUEST = "[ERROR 400] BAD REQUEST"
UNAUTHORISED = "[ERROR 401] UNAUTHORIZED REQUEST"
WARNING = "[WARN] SLOW REQUEST"
INFORMATION = "[INFO] request done"
MESSAGES = [BAD_REQUEST, UNAUTHORISED, WARNING, INFORMATION]


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("", MESSAGES),
        ("  ", MESSAGES),
        ("ERROR", [BAD_REQUEST, UNAUTHORISED]),
        ("error", []),
        ("ERROR REQUEST", [BAD_REQUEST, UNAUTHORISED]),
        ("ERROR BAD", [BAD_REQUEST]),
        ("?ERROR ?WARN", [BAD_REQUEST, UNAUTHORISED, WARNING]),
        ('?"BAD REQUEST" ?SLOW', [BAD_REQUEST, WARNING]),
        ("?INFO REQUEST", [BAD_REQUEST, UNAUTHORISED, WARNING]),
        ("ERROR -UNAUTHORIZED", [BAD_REQUEST]),
        ('- "REQUEST"', [INFORMATION]),
        ('"[WARN] SLOW"', [WARNING]),
        ("%ERROR 40[01]%", [BAD_REQUEST, UNAUTHORISED]),
        ("%^\\[WARN% -BAD", [WARNING]),
    ],
)
def test_terms_are_all_wanted_optional_terms_one_of_them_and_excluded_terms_none(pattern: str, matched: list[str]) -> None:
    assert list(filter(compile_filter(pattern), MESSAGES)) == matched


def test_brackets_in_brackets_are_characters() -> None:
    assert [message for message in MESSAGES if compile_filter("%[[]E.*0[]]%")(message)] == [BAD_REQUEST]


def test_a_quoted_term_may_hold_any_character() -> None:
    matches = compile_filter(r'"say \"hi\": 100%"')
    assert matches('we say "hi": 100% sure')
    assert not matches("we say hi: 100% sure")


TRAIL: dict[str, Any] = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "ThisFlag": True,
    "latency": 50,
    "ratio": 2.5,
    "text": "404",
    "user": {"name": "ann", "e mail": "ann@example.com"},
}


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{$.eventType=UpdateTrail}", True),
        ('{ $.eventType = "Update*" }', True),
        ("{ $.eventType = * }", True),
        ("{ $.missing = * }", False),
        ("{ $.eventType != DeleteTrail }", True),
        ("{ $.missing != DeleteTrail }", False),
        ("{ $.eventType = %Trail$% }", True),
        ("{ $.eventType = %^Trail% }", False),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ("{ $.sourceIPAddress = 111.111.* }", True),
        ('{ $.arrayKey[0] = "value" }', True),
        ('{ $.arrayKey[1] = "value" }', False),
        ('{ $.arrayKey[*] = "another value" }', True),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.objectList[*].id > 2 }", False),
        ("{ $.objectList[2].id = 2 }", False),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.missing IS NULL }", False),
        ("{ $.missing NOT EXISTS }", True),
        ("{ $.SomeObject NOT EXISTS }", False),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.ThisFlag IS FALSE }", False),
        ("{ $.latency > 49.5 }", True),
        ("{ $.latency >= 5e1 && $.latency <= 50 }", True),
        ("{ $.latency < 50 }", False),
        ("{ $.latency = 50.0 }", True),
        ("{ $.ratio != 2.5 }", False),
        ("{ $.text > 400 }", False),
        ("{ $.text = 404 }", True),
        ("{ $.user['name'] = ann }", True),
        ('{ $.user["e mail"] = "*@example.com" }', True),
        ("{ $.user.* = ann }", True),
        ("{ $['user'].name = ann }", True),
        ("{ $.user = ann }", False),
        ("{ $.latency > 60 || $.eventType = UpdateTrail && $.ThisFlag IS TRUE }", True),
        ("{ ($.latency > 60 || $.eventType = UpdateTrail) && $.ThisFlag IS FALSE }", False),
        ("{ ($.latency < 60) && ($.user.name = bob || $.SomeObject IS NULL) }", True),
    ],
)
def test_a_pattern_in_braces_selects_from_json(pattern: str, matched: bool) -> None:
    assert compile_filter(pattern)(json.dumps(TRAIL)) is matched


def test_what_is_not_json_matches_no_pattern_in_braces() -> None:
    matches = compile_filter("{ $.a NOT EXISTS }")
    assert [matches(message) for message in ('{"b": 1}', "[]", "text", '{"b": ', "1")] == [True, True, False, False, False]


ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("[]", True),
        ("[ip, id, user, timestamp, request, status_code, bytes]", True),
        ("[ip, id, user, timestamp, request, status_code = 4*, bytes > 1000]", True),
        ("[ip, id, user, timestamp, request = *.html*, status_code = 4*, bytes]", True),
        ("[ip, id, user, timestamp, request = *.htm, status_code, bytes]", False),
        ("[ip, id, user, timestamp, request, status_code != 4*, bytes]", False),
        ("[ip, id, user, timestamp, request, status_code, bytes < 1000]", False),
        ("[ip, id, user, timestamp, request, status_code]", False),
        ("[ip, ..., status_code = 404 || status_code = 410, bytes]", True),
        ("[ip, ..., (status_code = 404 || status_code = 410) && status_code != 410, bytes]", True),
        ("[..., status_code = 4*, bytes]", True),
        ("[ip = 127.*, ...]", True),
        ("[ip = %^127%, ..., bytes = 1534]", True),
        ('[ip, id, user, timestamp, request = "GET /index.html HTTP/1.0", ...]', True),
        ("[a, b, c, d, e, f, g, ...]", True),
        ("[a, b, c, d, e, f, g, h, ...]", False),
    ],
)
def test_a_pattern_in_brackets_compares_fields_by_their_places(pattern: str, matched: bool) -> None:
    assert compile_filter(pattern)(ACCESS) is matched


def test_fields_are_read_out_by_name_and_unnamed_ones_by_place() -> None:
    assert filter_of("[..., request, status_code, size]").extract(ACCESS) == {
        "$1": "127.0.0.1",
        "$2": "-",
        "$3": "frank",
        "$4": "10/Oct/2000:13:25:15 -0700",
        "$request": "GET /index.html HTTP/1.0",
        "$status_code": "404",
        "$size": "1534",
    }
    assert filter_of("{ $.latency > 1 && $.user.name = * && $.missing NOT EXISTS }").extract(json.dumps(TRAIL)) == {
        "$.latency": "50",
        "$.user.name": "ann",
    }
    assert filter_of("ERROR").extract(BAD_REQUEST) == {}


def test_a_metrics_value_is_a_constant_or_a_field() -> None:
    assert compile_value("ERROR", "1")(BAD_REQUEST) == "1"
    assert compile_value("[..., size]", "$size")(ACCESS) == "1534"
    assert compile_value("[..., size]", "$other")(ACCESS) is None
    assert compile_value("{ $.eventType = * }", "$.latency")(json.dumps(TRAIL)) == "50"
    assert compile_value("{ $.eventType = * }", "$.SomeObject")(json.dumps(TRAIL)) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a = 1",
        "{ }",
        "{ $.a }",
        "{ $.a = }",
        "{ a = 1 }",
        "{ $.a > text }",
        "{ $.a IS BIG }",
        "{ ($.a = 1 }",
        "{ $.a = 1 && }",
        "{ $.a = 1 $.b = 2 }",
        "{ $.a = %(?=x)% }",
        "{ $ = 1 }",
        "[a, b = ]",
        "[a, b",
        "[..., a, ...]",
        "%[a% x",
        '"open',
        "%a% %b% %c%",
    ],
)
def test_a_bad_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="Invalid filter pattern"):
        compile_filter(pattern)


def test_a_term_with_other_characters_must_be_quoted() -> None:
    with pytest.raises(ValueError, match=r"Invalid character\(s\) in term 'error:'"):
        compile_filter("error: x")
