"""Stories of anomaly detectors: they learn what messages look like, and tell of those that look like none of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.refusals import refusal
from windtunnel.fabric.timers import TIMERS
from windtunnel.services.logs.anomalies import detectors

GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:g"
NONE = ("ResourceNotFoundException", "The specified anomaly detector does not exist.")
MINUTES = 60


@pytest.fixture(autouse=True)
def group(here: Here) -> None:
    here.logs.create_log_group(logGroupName="g")
    here.logs.create_log_stream(logGroupName="g", logStreamName="s")


def put(here: Here, *messages: str) -> None:
    events = [{"timestamp": int(here.now * 1000), "message": message} for message in messages]
    here.logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)


def detector(here: Here, **members: Any) -> str:
    """A detector that has learnt what the group looks like."""
    put(here, *(f"[INFO] Request time: {number} ms" for number in range(20)), "[INFO] cache is warm")
    arn = here.logs.create_log_anomaly_detector(logGroupArnList=[GROUP], evaluationFrequency="FIVE_MIN", **members)["anomalyDetectorArn"]
    here.jump(15 * MINUTES)
    return arn


def found(here: Here, **members: Any) -> list[dict[str, Any]]:
    return here.logs.list_anomalies(**members)["anomalies"]


def test_a_detector_is_described_as_it_was_made_and_as_it_is(here: Here) -> None:
    members: dict[str, Any] = {"detectorName": "d", "evaluationFrequency": "ONE_HOUR", "anomalyVisibilityTime": 7, "filterPattern": "ERROR"}
    arn = here.logs.create_log_anomaly_detector(logGroupArnList=[GROUP], tags={"a": "b"}, **members)["anomalyDetectorArn"]
    now = int(BEGIN * 1000)
    shown = {"logGroupArnList": [GROUP], **members, "creationTimeStamp": now, "lastModifiedTimeStamp": now}
    get = here.logs.get_log_anomaly_detector
    assert get(anomalyDetectorArn=arn) == {**shown, "anomalyDetectorStatus": "TRAINING"}
    here.jump(15 * MINUTES)
    assert get(anomalyDetectorArn=arn)["anomalyDetectorStatus"] == "ANALYZING"
    here.logs.update_log_anomaly_detector(anomalyDetectorArn=arn, enabled=False, evaluationFrequency="ONE_MIN")
    paused = {**shown, "evaluationFrequency": "ONE_MIN", "lastModifiedTimeStamp": now + 900_000, "anomalyDetectorStatus": "PAUSED"}
    assert here.logs.list_log_anomaly_detectors(filterLogGroupArn=GROUP) == {"anomalyDetectors": [{"anomalyDetectorArn": arn, **paused}]}
    assert here.logs.list_tags_for_resource(resourceArn=arn) == {"tags": {"a": "b"}}
    here.logs.delete_log_anomaly_detector(anomalyDetectorArn=arn)
    assert here.logs.list_log_anomaly_detectors() == {"anomalyDetectors": []}
    assert refusal(get, anomalyDetectorArn=arn) == NONE


def test_a_message_of_a_form_that_was_never_seen_is_an_anomaly(here: Here) -> None:
    arn = detector(here)
    began = here.now
    put(here, "[INFO] Request time: 77 ms", "[ERROR] disk 3 is full", "[ERROR] disk 14 is full")
    assert found(here) == []
    here.jump(5 * MINUTES)
    (anomaly,) = found(here, anomalyDetectorArn=arn)
    first = int(began * 1000)
    words = ["[ERROR]", " ", "disk", " ", "<*>", " ", "is", " ", "full"]
    assert anomaly == {
        "anomalyId": anomaly["anomalyId"],
        "patternId": anomaly["patternId"],
        "anomalyDetectorArn": arn,
        "patternString": "[ERROR] disk <*> is full",
        "patternRegex": r"\[ERROR\]\ disk\ (.*?)\ is\ full",
        "priority": "HIGH",
        "firstSeen": first,
        "lastSeen": first,
        "description": "2 log events are of a pattern that was not seen before: [ERROR] disk <*> is full",
        "active": True,
        "state": "Active",
        "histogram": {str(int(began + 5 * MINUTES)): 2},
        "logSamples": [
            {"timestamp": first, "message": "[ERROR] disk 3 is full"},
            {"timestamp": first, "message": "[ERROR] disk 14 is full"},
        ],
        "patternTokens": [
            {
                "dynamicTokenPosition": 1,
                "isDynamic": True,
                "tokenString": "<*>",
                "enumerations": {"3": 1, "14": 1},
                "inferredTokenName": "Number-1",
            }
            if word == "<*>"
            else {"dynamicTokenPosition": 0, "isDynamic": False, "tokenString": word}
            for word in words
        ],
        "logGroupArnList": [GROUP],
        "suppressed": False,
    }
    put(here, "[ERROR] disk 5 is full")
    here.jump(5 * MINUTES)
    assert list(found(here)[0]["histogram"].values()) == [2, 1]
    here.jump(11 * MINUTES)
    assert not found(here)[0]["active"]


def test_what_was_not_dealt_with_in_time_is_normal(here: Here) -> None:
    detector(here, anomalyVisibilityTime=7)
    put(here, "[WARN] odd")
    here.jump(7 * 86_400 + 1)
    (anomaly,) = found(here)
    assert (anomaly["state"], anomaly["priority"]) == ("Baseline", "MEDIUM")
    put(here, "[WARN] odd")
    here.jump(5 * MINUTES)
    assert found(here) == [anomaly]


@pytest.mark.parametrize("by", ["anomalyId", "patternId"])
def test_an_anomaly_is_suppressed_for_a_while_or_for_good_and_no_more(here: Here, by: str) -> None:
    arn = detector(here)
    put(here, "[WARN] odd")
    here.jump(5 * MINUTES)
    (anomaly,) = found(here)
    one = {"anomalyDetectorArn": arn, by: anomaly[by]}
    here.logs.update_anomaly(**one, suppressionType="LIMITED", suppressionPeriod={"value": 1, "suppressionUnit": "HOURS"})
    (suppressed,) = found(here, suppressionState="SUPPRESSED")
    now = int(here.now * 1000)
    told = {name: suppressed[name] for name in ("state", "suppressedDate", "suppressedUntil", "isPatternLevelSuppression")}
    until = now + 3_600_000
    assert told == {"state": "Suppressed", "suppressedDate": now, "suppressedUntil": until, "isPatternLevelSuppression": by == "patternId"}
    put(here, "[WARN] odd")
    here.jump(30 * MINUTES)
    assert found(here)[0]["histogram"] == anomaly["histogram"]
    here.jump(30 * MINUTES)
    assert (found(here, suppressionState="SUPPRESSED"), len(found(here, suppressionState="UNSUPPRESSED"))) == ([], 1)
    here.logs.update_anomaly(**one, suppressionType="INFINITE")
    assert found(here)[0]["suppressedUntil"] == 0
    here.logs.update_anomaly(**one)
    assert found(here)[0]["state"] == "Active"
    here.logs.update_anomaly(**one, baseline=True)
    assert found(here)[0]["state"] == "Baseline"


def test_a_group_that_was_empty_is_learnt_from_what_comes_first(here: Here) -> None:
    here.logs.create_log_anomaly_detector(logGroupArnList=["g"], evaluationFrequency="ONE_MIN")
    here.jump(15 * MINUTES)
    put(here, "hello", "goodbye now")
    here.jump(1 * MINUTES)
    assert found(here) == []
    put(here, "hello", "who are you")
    here.jump(1 * MINUTES)
    assert [one["patternString"] for one in found(here)] == ["who are you"]


def test_only_what_the_filter_lets_through_is_looked_at_and_a_paused_detector_looks_at_nothing(here: Here) -> None:
    arn = detector(here, filterPattern="INFO")
    put(here, "[ERROR] unseen", "[INFO] unheard of as well")
    here.jump(5 * MINUTES)
    assert [one["patternString"] for one in found(here)] == ["[INFO] unheard of as well"]
    here.logs.update_log_anomaly_detector(anomalyDetectorArn=arn, enabled=False)
    put(here, "[INFO] something else again")
    here.jump(5 * MINUTES)
    assert len(found(here)) == 1


def test_anomalies_come_in_pages_and_go_with_their_detector_and_groups_take_theirs_along(here: Here) -> None:
    arn = detector(here)
    put(here, "one", "two three", "four five six")
    here.jump(5 * MINUTES)
    for members in ({}, {"anomalyDetectorArn": arn}):
        first = here.logs.list_anomalies(limit=2, **members)
        rest = here.logs.list_anomalies(nextToken=first["nextToken"], **members)
        assert {one["patternString"] for one in first["anomalies"] + rest["anomalies"]} == {"one", "two three", "four five six"}
    put(here, "on its way")
    here.logs.delete_log_group(logGroupName="g")
    here.jump(5 * MINUTES)
    assert here.logs.get_log_anomaly_detector(anomalyDetectorArn=arn)["anomalyDetectorStatus"] == "FAILED"
    here.logs.delete_log_anomaly_detector(anomalyDetectorArn=arn)
    assert found(here) == []


def test_an_idle_detector_schedules_nothing(here: Here) -> None:
    detector(here)
    timers = here.cloud.apply(lambda tx: [timer.handler for _, timer in tx.scan(TIMERS) if timer.service == "logs"])
    assert timers == []


def test_an_account_has_so_many_detectors(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "DETECTORS_MAX", 1)
    detector(here)
    assert refusal(here.logs.create_log_anomaly_detector, logGroupArnList=[GROUP]) == ("LimitExceededException", "Resource limit exceeded.")


def test_a_template_makes_a_detector(here: Here) -> None:
    properties = {"LogGroupArnList": [GROUP], "EvaluationFrequency": "ONE_HOUR"}
    resource = {"Type": "AWS::Logs::LogAnomalyDetector", "Properties": properties}
    outputs = {"Status": {"Value": {"Fn::GetAtt": ["D", "AnomalyDetectorStatus"]}}}
    body = json.dumps({"Resources": {"D": resource}, "Outputs": outputs})
    here.cloudformation.create_stack(StackName="s", TemplateBody=body)
    here.rest()
    (stack,) = here.cloudformation.describe_stacks(StackName="s")["Stacks"]
    assert [one["OutputValue"] for one in stack["Outputs"]] == ["TRAINING"]
    (made,) = here.logs.list_log_anomaly_detectors()["anomalyDetectors"]
    assert made["evaluationFrequency"] == "ONE_HOUR"
    here.cloudformation.delete_stack(StackName="s")
    here.rest()
    assert here.logs.list_log_anomaly_detectors() == {"anomalyDetectors": []}
