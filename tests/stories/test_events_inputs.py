"""What a target gets of an event: all, a part, a constant, or a text made of pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.events_kit import PREFIX, attributes, bodies, letters, put, queue, rule
from tests.stories.here import Here

DETAIL: dict[str, Any] = {"id": "a-1", "n": 7, "ok": True, "many": ["x", "y"], "deep": {"k": 'say "hi"', "l": [{"m": 1}, {"m": 2}]}}
PATHS = {
    "id": "$.detail.id",
    "n": "$.detail.n",
    "ok": "$.detail.ok",
    "many": "$.detail.many",
    "deep": "$.detail.deep",
    "said": "$.detail.deep.k",
    "ms": "$.detail.deep.l[*].m",
    "none": "$.detail.none",
    "time": "$.time",
}


def test_a_target_gets_a_constant_a_part_or_all(here: Here) -> None:
    for name, member in {
        "constant": {"Input": '{"a": 1}'},
        "part": {"InputPath": "$.detail.deep.l[1]"},
        "text": {"InputPath": "$.detail.id"},
    }.items():
        rule(here, {"source": ["shop"]}, queue(here, name), name=name, **member)
    rule(here, {"source": ["shop"]}, queue(here, "nothing"), name="nothing", InputPath="$.detail.none")
    put(here, DETAIL)
    assert [letters(here, name)[0]["Body"] for name in ("constant", "part", "text", "nothing")] == ['{"a": 1}', '{"m":2}', '"a-1"', '""']


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ('{"id": <id>, "n": <n>, "ok": <ok>}', '{"id": "a-1", "n": 7, "ok": true}'),
        ('{"id": "<id>", "path": "users/<id>/<n>/<id>"}', '{"id": "a-1", "path": "users/a-1/7/a-1"}'),
        ('{"many": <many>, "one": [<id>, "fixed"]}', '{"many": ["x","y"], "one": ["a-1", "fixed"]}'),
        ('{"deep": <deep>}', '{"deep": {"k":"say \\"hi\\"","l":[{"m":1},{"m":2}]}}'),
        ('{"none": <none>, "quoted": "<none>!"}', '{"none": "", "quoted": "!"}'),
        ('{"said": "they <said>"}', '{"said": "they say \\"hi\\""}'),
        ('{"ms": <ms>}', '{"ms": [1,2]}'),
        ("<many>", '["x","y"]'),
        ('"<id> has <many> and <n> at <time><none>"', '"a-1 has [x,y] and 7 at 2026-01-01T00:00:00Z"'),
        ('"{[/ <id>"', '"{[/ a-1"'),
        ('"first <id>"\n"second <n>"', '"first a-1"\n"second 7"'),
        ('"rule <aws.events.rule-name> <aws.events.rule-arn>"', f'"rule r {PREFIX}rule/r"'),
        ('{"at": <aws.events.event.ingestion-time>}', '{"at": "2026-01-01T00:00:00Z"}'),
    ],
)
def test_a_template_is_filled(here: Here, template: str, body: str) -> None:
    rule(here, {"source": ["shop"]}, queue(here), InputTransformer={"InputPathsMap": PATHS, "InputTemplate": template})
    put(here, DETAIL)
    assert letters(here)[0]["Body"] == body


def test_the_event_itself_goes_into_a_template_with_or_without_its_detail(here: Here) -> None:
    template = '{"short": <aws.events.event>, "whole": <aws.events.event.json>}'
    rule(here, {"source": ["shop"]}, queue(here), InputTransformer={"InputTemplate": template})
    id = put(here, {"n": 1}, Time=here.now - 60)
    common: dict[str, Any] = {"version": "0", "id": id, "source": "shop", "account": "000000000000", "region": "us-east-1", "resources": []}
    assert bodies(here) == [
        {
            "short": {**common, "detailType": "Order", "time": "2026-01-01T00:00:00Z"},
            "whole": {**common, "detail-type": "Order", "time": "2025-12-31T23:59:00Z", "detail": {"n": 1}},
        }
    ]


@pytest.mark.parametrize("template", ['{"many": "<many>"}', "<many> in a line", '{"a": <id>'])
def test_what_is_no_json_in_the_end_is_a_dead_letter(here: Here, template: str) -> None:
    dead = queue(here, "dead")
    transformer = {"InputPathsMap": PATHS, "InputTemplate": template}
    rule(here, {"source": ["shop"]}, queue(here), InputTransformer=transformer, DeadLetterConfig={"Arn": dead})
    id = put(here, DETAIL)
    (letter,) = letters(here, "dead")
    assert (letters(here), json.loads(letter["Body"])["id"], attributes(letter)["ERROR_CODE"]) == ([], id, "INVALID_JSON")
