"""Archives keep what came to a bus for as long as they say, and replays bring it there again."""

from __future__ import annotations

from typing import Any

from tests.stories.events_kit import DEFAULT_BUS, PREFIX, bodies, details, put, queue, rule
from tests.stories.here import Here
from tests.stories.refusals import refusal

DAY = 86_400
MANAGER = "prod.vhs.events.aws.internal"


def _replay(here: Here, name: str = "again", begin: float = 0, **destination: Any) -> Any:
    request = {"EventSourceArn": f"{PREFIX}archive/a", "Destination": {"Arn": DEFAULT_BUS, **destination}}
    return here.events.start_replay(ReplayName=name, EventStartTime=here.now - DAY + begin, EventEndTime=here.now, **request)


def test_an_archive_counts_what_its_pattern_lets_in(here: Here) -> None:
    created = here.events.create_archive(
        ArchiveName="a", EventSourceArn=DEFAULT_BUS, EventPattern='{"source": ["shop"]}', RetentionDays=2, Description="x"
    )
    assert created == {"ArchiveArn": f"{PREFIX}archive/a", "State": "ENABLED", "CreationTime": here.now}
    put(here, {"n": 1})
    put(here, {"n": 1}, source="stock")
    shown = here.events.describe_archive(ArchiveName="a")
    size = shown["SizeBytes"]
    listed = {
        "ArchiveName": "a",
        "EventSourceArn": DEFAULT_BUS,
        "State": "ENABLED",
        "RetentionDays": 2,
        "SizeBytes": size,
        "EventCount": 1,
        "CreationTime": here.now,
    }
    described = {"ArchiveArn": f"{PREFIX}archive/a", "Description": "x", "EventPattern": '{"source": ["shop"]}', **listed}
    assert (size > 100, shown) == (True, described)
    assert here.events.list_archives(EventSourceArn=DEFAULT_BUS) == {"Archives": [listed]}
    assert here.events.list_archives(State="DISABLED") == {"Archives": []}
    here.events.update_archive(ArchiveName="a", EventPattern='{"source": ["stock"]}')
    put(here, {"n": 2}, source="stock")
    assert here.events.describe_archive(ArchiveName="a")["EventCount"] == 2


def test_what_is_older_than_the_days_of_an_archive_leaves_it(here: Here) -> None:
    here.events.create_archive(ArchiveName="a", EventSourceArn=DEFAULT_BUS, EventPattern='{"source": ["shop"]}', RetentionDays=2)
    put(here, {"n": 1})
    here.jump(DAY + DAY / 2)
    put(here, {"n": 2})
    here.jump(1.5 * DAY)
    assert here.events.describe_archive(ArchiveName="a")["EventCount"] == 1
    here.events.update_archive(ArchiveName="a", RetentionDays=0)
    here.jump(30 * DAY)
    assert here.events.describe_archive(ArchiveName="a")["EventCount"] == 1


def test_an_archive_is_a_rule_that_nobody_but_aws_changes(here: Here) -> None:
    here.events.create_archive(ArchiveName="a", EventSourceArn=DEFAULT_BUS)
    name = "Events-Archive-a"
    assert here.events.describe_rule(Name=name)["ManagedBy"] == MANAGER
    (target,) = here.events.list_targets_by_rule(Rule=name)["Targets"]
    assert target["Arn"] == "arn:aws:events:us-east-1:::"
    said = ("ManagedRuleException", f"Rule {name} is managed by {MANAGER} and can't be modified.")
    assert refusal(here.events.delete_rule, Name=name) == said
    assert refusal(here.events.put_targets, Rule=name, Targets=[{"Id": "x", "Arn": queue(here)}]) == said
    here.events.delete_archive(ArchiveName="a")
    assert here.events.list_rules() == {"Rules": []}


def test_a_replay_brings_events_again_with_its_name(here: Here) -> None:
    here.events.create_archive(ArchiveName="a", EventSourceArn=DEFAULT_BUS, EventPattern='{"source": ["shop"]}')
    rule(here, {"source": ["shop"]}, queue(here))
    ids = [put(here, {"n": n}, Time=here.now + n - 200) for n in range(150)]
    put(here, {"n": "early"}, Time=here.now - 2 * DAY)
    bodies(here)
    begun = here.now
    started = _replay(here)
    assert started == {"ReplayArn": f"{PREFIX}replay/again", "State": "STARTING", "ReplayStartTime": begun}
    here.jump(1)
    told = bodies(here)
    assert (len(told), {body["id"] for body in told}, {body["replay-name"] for body in told}) == (150, set(ids), {"again"})
    assert list(told[0]) == ["version", "id", "detail-type", "source", "account", "time", "region", "replay-name", "resources", "detail"]
    assert here.events.describe_replay(ReplayName="again") == {
        "ReplayName": "again",
        "ReplayArn": f"{PREFIX}replay/again",
        "EventSourceArn": f"{PREFIX}archive/a",
        "State": "COMPLETED",
        "EventStartTime": begun - DAY,
        "EventEndTime": begun,
        "ReplayStartTime": begun,
        "EventLastReplayedTime": begun - 51,
        "ReplayEndTime": begun + 0.001,
        "Destination": {"Arn": DEFAULT_BUS},
    }
    # What is replayed is not archived again.
    assert here.events.describe_archive(ArchiveName="a")["EventCount"] == 151


def test_a_replay_can_be_for_some_rules_only(here: Here) -> None:
    here.events.create_archive(ArchiveName="a", EventSourceArn=DEFAULT_BUS, EventPattern='{"source": ["shop"]}')
    put(here, {"n": 1})
    rule(here, {"source": ["shop"]}, queue(here), name="one")
    rule(here, {"source": ["shop"]}, queue(here, "p"), name="two")
    _replay(here, FilterArns=[f"{PREFIX}rule/two"])
    here.jump(1)
    assert (details(here), details(here, "p")) == ([], [{"n": 1}])


def test_a_replay_can_be_cancelled_while_it_runs(here: Here) -> None:
    here.events.create_archive(ArchiveName="a", EventSourceArn=DEFAULT_BUS, EventPattern='{"source": ["shop"]}')
    put(here, {"n": 1})
    rule(here, {"source": ["shop"]}, queue(here))
    _replay(here)
    assert here.events.cancel_replay(ReplayName="again") == {"ReplayArn": f"{PREFIX}replay/again", "State": "CANCELLING"}
    here.jump(1)
    assert [one["State"] for one in here.events.list_replays(NamePrefix="a")["Replays"]] == ["CANCELLED"]
    assert here.events.list_replays(State="COMPLETED") == {"Replays": []}
    assert bodies(here) == []
    said = ("IllegalStatusException", "Replay again is not in a valid state for this operation.")
    assert refusal(here.events.cancel_replay, ReplayName="again") == said


def test_a_deleted_archive_takes_its_events_along(here: Here) -> None:
    here.events.create_archive(ArchiveName="a", EventSourceArn=DEFAULT_BUS)
    put(here, {"n": 1})
    here.events.delete_archive(ArchiveName="a")
    here.events.create_archive(ArchiveName="a", EventSourceArn=DEFAULT_BUS, EventPattern='{"source": ["shop"]}')
    rule(here, {"source": ["shop"]}, queue(here))
    _replay(here)
    here.jump(1)
    assert bodies(here) == []
