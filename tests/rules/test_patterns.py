"""Event patterns and filter policies decide and refuse as EventBridge and SNS were seen to do."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windtunnel.aws.patterns import Scope, compile_filter_policy, compile_pattern

# One value tried against one list of conditions: what AWS answered.
VALUES: list[tuple[list[Any], Any, bool]] = [
    ([False], False, True),
    ([False], True, False),
    ([0], False, False),
    ([True], 1, False),
    ([None], None, True),
    ([None], "null", False),
    ([None], [], False),
    ([""], "", True),
    (["A sign 🚀 and space "], "A sign 🚀 and space ", True),
    ([300], 300.0, True),
    (["a", "b"], ["x", "b"], True),
    (["a", "b"], ["x"], False),
    ([{"prefix": "2022-07-13"}], "2022-07-13T13:48:01Z", True),
    ([{"prefix": "2022-07-99"}], "2022-07-13T13:48:01Z", False),
    ([{"prefix": ""}], "any", True),
    ([{"prefix": {"equals-ignore-case": "EventB"}}], "EvEnTb", True),
    ([{"suffix": ".png"}], "image.png", True),
    ([{"suffix": ".PNG"}], "image.png", False),
    ([{"suffix": {"equals-ignore-case": ".png"}}], "image.PNG", True),
    ([{"suffix": {"equals-ignore-case": ".png"}}], "image.jpg", False),
    ([{"equals-ignore-case": "ec2 state"}], ["EC2 State"], True),
    ([{"equals-ignore-case": "ec2 state"}], ["other"], False),
    ([{"equals-ignore-case": ""}], "full", False),
    ([{"anything-but": "init"}], "pending", True),
    ([{"anything-but": "init"}], "init", False),
    ([{"anything-but": "init"}], None, True),
    ([{"anything-but": 123}], 789, True),
    ([{"anything-but": 123}], 123, False),
    ([{"anything-but": 0}], 789, True),
    ([{"anything-but": 1}], True, True),
    ([{"anything-but": ["a", "b"]}], "c", True),
    ([{"anything-but": ["a", "b"]}], "b", False),
    ([{"anything-but": [100, 200]}], 100, False),
    ([{"anything-but": ["a", "b"]}], ["a", "c"], True),
    ([{"anything-but": {"prefix": "init"}}], "post-init", True),
    ([{"anything-but": {"prefix": "init"}}], "init-post", False),
    ([{"anything-but": {"prefix": "init"}}], 12, True),
    ([{"anything-but": {"prefix": ["init", "post"]}}], "post-init", False),
    ([{"anything-but": {"prefix": ["init", "post"]}}], None, True),
    ([{"anything-but": {"suffix": [".txt", ".jpg"]}}], "file.jpg", False),
    ([{"anything-but": {"suffix": [".txt", ".jpg"]}}], "file.txt.bak", True),
    ([{"anything-but": {"equals-ignore-case": ["stopped"]}}], "Stopped", False),
    ([{"anything-but": {"equals-ignore-case": "stopped"}}], "pending", True),
    ([{"anything-but": {"wildcard": "*/init/*"}}], "dir/init/file", False),
    ([{"anything-but": {"wildcard": ["*/dir/*", "*/lib/*"]}}], "dir/init/file", True),
    ([{"anything-but": {"wildcard": ""}}], "dir", True),
    ([{"numeric": [">", 0, "<=", 5]}], 5, True),
    ([{"numeric": [">", 0, "<=", 5]}], 0, False),
    ([{"numeric": ["=", 301.8]}], 3.018e2, True),
    ([{"numeric": [">", 100]}], "300", False),
    ([{"numeric": [">", 0]}], True, False),
    ([{"numeric": [">", 100]}], None, False),
    ([{"numeric": [">", 100]}, {"anything-but": "101"}], "42", True),
    ([{"numeric": [">", 100]}, {"anything-but": "101"}], "101", False),
    ([{"exists": True}], "x", True),
    ([{"exists": True}], None, True),
    ([{"exists": True}], [], False),
    ([{"exists": True}], {"S": "x"}, False),
    ([{"exists": False}], "x", False),
    ([{"exists": False}, {"anything-but": ["rose"]}], "tulip", True),
    ([{"exists": True}, {"prefix": "no"}], "x", True),
    ([{"cidr": "10.0.0.0/24"}], "10.0.0.255", True),
    ([{"cidr": "10.0.0.0/24"}], "10.0.0.256", False),
    ([{"cidr": "10.0.0.0/24"}], "::10.0.0.1", False),
    ([{"cidr": "10.0.0.0/24"}], 123, False),
    ([{"cidr": "2001:db8:1234:1a00::/64"}], "2001:0db8:1234:1a00:0000:0000:0000:0000", True),
    ([{"cidr": "2001:db8:1234:1a00::/64"}], "2001:0db8:123f:1a01:0000:0000:0000:0000", False),
    ([{"wildcard": "/Users/*/doc.txt"}], "/Users/me/dir/doc.txt", True),
    ([{"wildcard": "/Users/*/doc.txt"}], "/Users/me/dir/notdoc.txt", False),
    ([{"wildcard": "/*/dir/dir/doc"}], "/me/dir/dir/dir/doc", True),
    ([{"wildcard": "a\\*b*"}], "a*bc", True),
    ([{"wildcard": "a\\*b*"}], "axbc", False),
    ([{"wildcard": ""}], "x", False),
]


@pytest.mark.parametrize(("conditions", "value", "expected"), VALUES)
def test_a_condition_holds_for_a_value_as_eventbridge_answered(conditions: list[Any], value: Any, expected: bool) -> None:
    assert compile_pattern({"detail": {"key": conditions}})({"detail": {"key": value}}) is expected


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"KEY": ["x"]}, {"key": "x"}, False),
        ({"detail": {"key": ["x"]}}, {"detail": '{"key": "x"}'}, False),
        ({"a": {"b": [{"anything-but": "x"}]}}, {"a": {}}, False),
        ({"a": {"b": {"c": [{"exists": False}]}}}, {"a": "leaf"}, True),
        ({"a": {"b": {"c": [{"exists": False}]}}}, {"a": {"b": {"c": 1}}}, False),
        ({"a": {"b": ["x"], "c": [{"exists": False}]}}, {"a": [{"b": "x"}, {"c": 1}]}, False),
        ({"a": {"b": [{"exists": True}]}}, {"a": [{"z": 1}, {}, {"b": 2}]}, True),
        ({"a": {"b": ["x"], "c": ["y"]}}, {"a": [{"b": "x", "c": "n"}, {"b": "n", "c": "y"}]}, False),
        ({"a": {"b": ["x"], "c": ["y"]}}, {"a": [{}, [[{"b": "x", "c": "y"}]]]}, True),
        ({"a": {"b": {"c": ["x"]}}}, {"a.b": {"c": "x"}}, True),
        ({"a": {"b": {"c": ["x"]}}}, {"a": {"b.c": "x"}}, True),
        ({"a.b.c": ["x"]}, {"a": {"b": {"c": "x"}}}, True),
        ({"a.b": ["x"], "a": {"c": ["y"]}}, {"a.b": "x", "a": {"c": "y"}}, True),
        ({"a": {"b": {"c": ["x"]}}}, {"a.b": {"b": {"c": "x"}}}, False),
        ({"a.b": {"b": ["x"]}}, {"a": {"b": "x"}}, False),
    ],
)
def test_keys_nest_join_and_run_through_arrays(pattern: dict[str, Any], event: dict[str, Any], expected: bool) -> None:
    assert compile_pattern(pattern)(event) is expected


def test_or_takes_any_of_its_objects_at_its_level() -> None:
    pattern = {
        "$or": [{"metric": ["cpu", "read"]}, {"namespace": ["ec2"]}],
        "detail": {"scope": ["service"], "$or": [{"source": ["watch"]}, {"kind": ["alarm"]}]},
    }
    matches = compile_pattern(pattern)
    events = [
        {"metric": "cpu", "detail": {"scope": "service", "source": "watch"}},
        {"namespace": "ec2", "detail": {"scope": "service", "kind": "alarm"}},
        {"metric": "cpu", "detail": {"scope": "service"}},
        {"metric": "cpu", "detail": {"kind": "alarm"}},
        {"metric": "ec2", "detail": {"scope": "service", "kind": "alarm"}},
    ]
    assert [matches(event) for event in events] == [True, True, False, False, False]


def test_or_is_a_key_like_any_other_unless_two_objects_follow() -> None:
    assert compile_pattern({"$or": ["x"]})({"$or": "x"})
    assert compile_pattern({"$or": [{"prefix": "x"}, {"prefix": "y"}]})({"$or": "yes"})


def test_or_inside_an_array_asks_one_element_for_everything() -> None:
    matches = compile_pattern({"a": {"$or": [{"b": ["x"]}, {"c": ["y"]}], "d": ["z"]}})
    assert not matches({"a": [{"b": "x"}, {"d": "z"}]})
    assert matches({"a": [{"b": "n"}, {"c": "y", "d": "z"}]})


@pytest.mark.parametrize(
    ("pattern", "reason", "column"),
    [
        ('{"int": 42}', '"int" must be an object or an array', 11),
        ('{"string": "my-value"}', '"string" must be an object or an array', 13),
        ('{"resources": []}', "Empty arrays are not allowed", 17),
        ('{"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}', "Unrecognized match type NUMERIC", 36),
        ('{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}', "Bad numeric range operator: >", 49),
        ('{"detail": {"c-count": [{"numeric": [">", 0, "<"]}]}}', "Value of < must be numeric", 50),
        ('{"detail": {"c-count": [{"numeric": 10}]}}', "Value of numeric must be an array.", 39),
        ('{"t": [{"equals-ignore-case": ["x"]}]}', "equals-ignore-case match pattern must be a string", 32),
        ('{"t": [{"prefix": 123}]}', "prefix match pattern must be a string", 22),
        ('{"t": [{"suffix": [".png"]}]}', "suffix match pattern must be a string", 20),
        ('{"t": [{"wildcard": "a:**"}]}', "Consecutive wildcard characters at pos 3", 27),
        ('{"t": [{"anything-but": null}]}', "Value of anything-but must be an array or single string/number value.", 29),
        ('{"t": [{"anything-but": {"prefix": ""}}]}', "Null prefix/suffix not allowed", 38),
        ('{"t": [{"anything-but": {"suffix": 123}}]}', "prefix/suffix match pattern must be a string", 39),
        ('["not", "a dict"]', "Filter is not an object", 2),
        ("this is valid json but not a dict", None, 5),
        ("{'bad': 'quotation'}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name", 2),
        ("{}", "Empty objects are not allowed", 3),
    ],
)
def test_a_bad_pattern_is_refused_in_eventbridges_words_with_the_place(pattern: str, reason: str | None, column: int) -> None:
    if reason is None:
        reason = "Unrecognized token 'this': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    with pytest.raises(ValueError, match="Event pattern is not valid") as refusal:
        compile_pattern(pattern)
    place = f'\n at [Source: (String)"{pattern}"; line: 1, column: {column}]'
    assert str(refusal.value) == f"Event pattern is not valid. Reason: {reason}{place}"


def test_inside_the_lists_of_anything_but_the_place_is_said_twice() -> None:
    with pytest.raises(ValueError, match="Event pattern is not valid") as refusal:
        compile_pattern('{"detail": {"state": [{"anything-but": ["stopped", null]}]}}')
    place = '\n at [Source: (String)"{"detail": {"state": [{"anything-but": ["stopped", null]}]}}"; line: 1, column: 56]'
    expected = "Event pattern is not valid. Reason: Inside anything but list, start|null|boolean is not supported."
    assert str(refusal.value) == expected + place * 2


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"cidr": "bad"}, "Malformed CIDR, one '/' required"),
        ({"cidr": "bad-/64filter"}, "Malformed CIDR, mask bits must be an integer"),
        ({"cidr": "xx.11.xx/8"}, "Nonstandard IP address: xx.11.xx"),
        (
            {"wildcard": "*:*:*:*:*:event-bus/*"},
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character",
        ),
    ],
)
def test_some_refusals_name_no_place(condition: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match="Event pattern is not valid") as refusal:
        compile_pattern({"key": [condition]})
    assert str(refusal.value) == f"Event pattern is not valid. Reason: {reason}"


SNS_REFUSALS: list[tuple[dict[str, Any], str, int | None]] = [
    ({"key": [["value"]]}, "Match value must be String, number, true, false, or null", 10),
    ({"key": [{"wrong-operator": True}]}, "Unrecognized match type wrong-operator", 31),
    ({"key": [{"suffix": "value", "prefix": "value2"}]}, "Only one key allowed in match expression", 37),
    ({"key": []}, "Empty arrays are not allowed", 10),
    ({"key": [{"suffix": 100}]}, "suffix match pattern must be a string", 22),
    ({"key": [{"suffix": None}]}, "suffix match pattern must be a string", 23),
    ({"key": {"suffix": "value"}}, '"suffix" must be an object or an array', 19),
    ({"key": [{"cidr": ["bad-filter"]}]}, "prefix match pattern must be a string", 18),
    ({"key": [{"cidr": "bad-filter/64"}]}, "Nonstandard IP address: bad-filter", None),
    ({"key": [{"numeric": []}]}, "Invalid member in numeric match: ]", 22),
    ({"key": [{"numeric": ["operator"]}]}, "Unrecognized numeric range operator: operator", 32),
    ({"key": [{"numeric": [1, "<="]}]}, "Invalid member in numeric match: 1", 22),
    ({"key": [{"numeric": ["=", "000"]}]}, "Value of equals must be numeric", 26),
    ({"key": [{"numeric": [">="]}]}, "Value of >= must be numeric", 26),
    ({"key": [{"numeric": ["<", 100, ">", 10]}]}, "Too many elements in numeric expression", 30),
    ({"key": [{"numeric": [">=", 1, ">", 2]}]}, "Bad numeric range operator: >", 31),
    ({"key": [{"numeric": [">", 3, "<", 1]}]}, "Bottom must be less than top", 33),
    ({"key": [{"numeric": [">", 20, "<="]}]}, "Value of <= must be numeric", 33),
    ({"key": [{"numeric": [">", 20, 30]}]}, "Bad value in numeric range: 30", 30),
    ({"key": [{"numeric": [">", 20, "<", 30, "<", 50]}]}, "Too many terms in numeric range expression", 36),
    ({"key": [{"exists": None}]}, "exists match pattern must be either true or false.", 23),
    ({"key": [{"exists": "no"}]}, "exists match pattern must be either true or false.", 20),
    ({"key": [{"anything-but": {"wrong-operator": None}}]}, "Unsupported anything-but pattern: wrong-operator", 47),
    ({"key": [{"anything-but": {"suffix": "test"}}]}, "Unsupported anything-but pattern: suffix", 36),
    ({"key": [{"anything-but": {"prefix": False}}]}, "prefix match pattern must be a string", 40),
    ({"key": [f"value{i}" for i in range(151)]}, "Filter policy is too complex", None),
    ({"a": list(range(100)), "b": list(range(51))}, "Filter policy is too complex", None),
    ({key: ["value"] for key in "abcdef"}, "Filter policy can not have more than 5 keys", None),
]


@pytest.mark.parametrize(("policy", "reason", "column"), SNS_REFUSALS)
def test_a_bad_filter_policy_is_refused_in_snss_words(policy: dict[str, Any], reason: str, column: int | None) -> None:
    place = ""
    if column is not None:
        shown = json.dumps(policy, separators=(",", ":"))
        place = f'\n at [Source: (String)"{shown}"; line: 1, column: {column}]'
    for attribute, start in ((False, "Invalid parameter: "), (True, "Invalid parameter: Attributes Reason: ")):
        with pytest.raises(ValueError, match="Invalid parameter") as refusal:
            compile_filter_policy(policy, attribute=attribute)
        assert str(refusal.value) == f"{start}FilterPolicy: {reason}{place}"


def test_attributes_have_no_members_to_filter_by() -> None:
    with pytest.raises(ValueError, match="Invalid parameter") as refusal:
        compile_filter_policy({"object": {"key": ["x"]}}, "MessageAttributes", attribute=True)
    assert str(refusal.value) == "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"


def _flat_or(spaces: int, sources: int) -> dict[str, Any]:
    inner = [{"metricId": list(range(4))}, {"spaceId": list(range(spaces))}]
    outer = [{"metricName": list(range(6))}, {"metricType": list(range(4)), "$or": inner}]
    return {"source": list(range(sources)), "$or": outer}


DEEP = {"a": {"b": {"c": list(range(4))}}, "d": {"e": list(range(3))}, "f": list(range(3))}
DEEP_OR = {
    "$or": [{"metricName": list(range(3))}, {"namespace": list(range(2))}],
    "detail": {"scope": list(range(2)), "$or": [{"source": [1]}, {"type": list(range(3))}]},
}


@pytest.mark.parametrize(
    ("policy", "scope", "combinations"),
    [
        (_flat_or(7, 3), "MessageAttributes", 150),
        (_flat_or(4, 4), "MessageAttributes", 152),
        (DEEP, "MessageBody", 216),
        (DEEP_OR, "MessageBody", 160),
    ],
)
def test_combinations_multiply_values_and_depth_and_add_the_alternatives(policy: dict[str, Any], scope: Scope, combinations: int) -> None:
    if combinations <= 150:
        assert callable(compile_filter_policy(policy, scope))
        return
    with pytest.raises(ValueError, match="Invalid parameter: FilterPolicy: Filter policy is too complex"):
        compile_filter_policy(policy, scope)


@pytest.mark.parametrize(
    ("policy", "attributes", "expected"),
    [
        ({}, {}, True),
        ({"a": [{"numeric": [">", 0, "<=", 100]}]}, {"a": {"DataType": "Number", "StringValue": "99"}}, True),
        ({"a": [{"numeric": [">", 0, "<=", 100]}]}, {"a": {"DataType": "Number", "StringValue": "111"}}, False),
        ({"a": [{"numeric": [">", 0, "<=", 100]}]}, {"a": {"DataType": "String", "StringValue": "99"}}, False),
        ({"a": [99]}, {"a": {"DataType": "Number", "StringValue": "99.0"}}, True),
        ({"a": [None, {"anything-but": "whatever"}]}, {}, False),
        (
            {"a": [{"exists": True}]},
            {"a": {"DataType": "Number", "StringValue": "9"}, "b": {"DataType": "String", "StringValue": ""}},
            True,
        ),
        ({"a": [{"exists": True}]}, {"a": {"DataType": "Binary", "BinaryValue": b"x"}}, False),
        ({"a": [{"exists": False}]}, {"b": {"DataType": "Number", "StringValue": "9"}}, True),
        ({"a": ["v1"]}, {"a": {"DataType": "String.Array", "StringValue": '["v1", "v2"]'}}, True),
        ({"a": ["v1"]}, {"a": {"DataType": "String.Array", "StringValue": '["v2", "v3"]'}}, False),
        ({"a": [{"anything-but": ["rugby"]}]}, {"a": {"DataType": "String.Array", "StringValue": '["rugby", "golf"]'}}, True),
        ({"a": [True]}, {"a": {"DataType": "String.Array", "StringValue": "[true]"}}, True),
        ({"a.b": ["x"]}, {"a.b": {"DataType": "String", "StringValue": "x"}}, True),
    ],
)
def test_a_message_passes_by_its_attributes(policy: dict[str, Any], attributes: dict[str, Any], expected: bool) -> None:
    assert compile_filter_policy(policy, "MessageAttributes")(attributes) is expected


def test_a_message_passes_by_its_body_only_when_that_is_a_json_object() -> None:
    policy = {"object": {"key": [{"prefix": "auto-"}, "hard"], "nested": [{"exists": False}]}, "test": [{"exists": False}]}
    passes = compile_filter_policy(policy, "MessageBody")
    bodies: list[Any] = [
        {"object": {"key": "auto-test"}},
        {"object": {"key": "hard"}},
        {"object": {"key": "test-auto"}},
        {"object": {"key": "auto-test"}, "test": 1},
        {"object": {"key": "auto-test", "nested": 1}},
        {"test": "auto-test"},
        "a text",
    ]
    assert [passes(body) for body in bodies] == [True, True, False, False, False, False, False]


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text("ab.", max_size=2)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["a", "b", "a.b"]), inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "a.b"]), values, max_size=3), st.sampled_from([["a"], ["a", "b"], ["b"]]))
def test_a_key_either_exists_or_does_not(event: dict[str, Any], path: list[str]) -> None:
    def pattern(exists: bool) -> dict[str, Any]:
        found: Any = [{"exists": exists}]
        for key in reversed(path):
            found = {key: found}
        return found

    assert compile_pattern(pattern(True))(event) is not compile_pattern(pattern(False))(event)
