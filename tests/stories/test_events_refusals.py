"""What EventBridge refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stories.events_kit import DEFAULT_BUS, PREFIX, put, queue, rule
from tests.stories.here import ACCOUNT, Here
from tests.stories.refusals import Case, filled, refusal, untold

MISSING = "ResourceNotFoundException"
EXISTS = "ResourceAlreadyExistsException"
INVALID = "ValidationException"
MANAGED = "ManagedRuleException"
PATTERN = "InvalidEventPatternException"
LIMIT = "LimitExceededException"
NO_BUS = "Event bus none does not exist."
NO_RULE = "Rule none does not exist on EventBus default."
PLACE = '\n at [Source: (String)"{"source": "a"}"; line: 1, column: 13]'
BAD_PATTERN = f'Event pattern is not valid. Reason: "source" must be an object or an array{PLACE}'
PARTNER = {"Name": "aws.partner/x/y", "EventSourceName": "aws.partner/x/y"}
METHOD = (
    "1 validation error detected: Value 'HEAD' at 'authParameters.oAuthParameters.httpMethod' failed to satisfy constraint: Member must "
    "satisfy enum value set: [POST, PUT, GET]"
)
LARGE = {"Effect": "Deny", "Principal": "*", "Action": "a:" + "x" * 10_300}
ARCHIVED = "Rule Events-Archive-a is managed by prod.vhs.events.aws.internal and can't be modified."
SOURCE = f"{PREFIX}archive/a"
TIMES = {"EventStartTime": 1_000_000_000, "EventEndTime": 1_000_000_060}
REPLAY = {"ReplayName": "r", "EventSourceArn": SOURCE, **TIMES, "Destination": {"Arn": DEFAULT_BUS}}
KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}}
CONNECTION = {"Name": "c", "AuthorizationType": "API_KEY", "AuthParameters": KEY}
NO_CONNECTION = f"{PREFIX}connection/none/11111111-1111-1111-1111-111111111111"
DESTINATION = {"Name": "d", "ConnectionArn": "$c", "InvocationEndpoint": "https://example.com/", "HttpMethod": "POST"}
BUSES = [{"EventBusArn": f"arn:aws:events:{region}:{ACCOUNT}:event-bus/default"} for region in ("us-east-1", "us-west-2")]
ROUTING = {"FailoverConfig": {"Primary": {"HealthCheck": "arn:aws:route53:::healthcheck/1"}, "Secondary": {"Route": "us-west-2"}}}
ENDPOINT = {"Name": "e", "RoutingConfig": ROUTING, "EventBuses": BUSES}
PERMISSION = {"Action": "events:PutEvents", "Principal": "111122223333", "StatementId": "s"}
TARGET = {"Id": "t", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"}
ENTRY = {"Source": "shop", "DetailType": "t", "Detail": "{}"}


def _targets(said: str, **members: Any) -> Case:
    return "put_targets", {"Rule": "r", "Targets": [{**TARGET, **members}]}, INVALID, said


CASES: list[Case] = [
    ("create_event_bus", {"Name": "mine"}, EXISTS, "Event bus mine already exists."),
    ("create_event_bus", {"Name": "default"}, EXISTS, "Event bus default already exists."),
    ("describe_event_bus", {"Name": "none"}, MISSING, NO_BUS),
    ("describe_event_bus", {"Name": "arn:aws:events:eu-west-1:000000000000:event-bus/none"}, MISSING, NO_BUS),
    ("update_event_bus", {"Name": "none"}, MISSING, NO_BUS),
    ("delete_event_bus", {"Name": "none"}, MISSING, NO_BUS),
    ("delete_event_bus", {"Name": "default"}, INVALID, "Cannot delete event bus default."),
    ("list_event_buses", {"NextToken": "none"}, INVALID, "NextToken is invalid."),
    ("put_permission", {"EventBusName": "none", **PERMISSION}, MISSING, NO_BUS),
    ("put_permission", {**PERMISSION, "Action": "events:PutRule"}, INVALID, "Provided value in parameter 'action' is not supported."),
    ("put_permission", {"Action": "events:PutEvents"}, INVALID, "Parameter Principal must not be null."),
    ("put_permission", {"Policy": "{"}, INVALID, "Parameter Policy is not valid."),
    (
        "put_permission",
        {**PERMISSION, "Condition": {"Type": "StringLike", "Key": "aws:PrincipalOrgID", "Value": "o-1"}},
        INVALID,
        "Parameter Condition is not valid. Reason: only StringEquals of aws:PrincipalOrgID is supported.",
    ),
    (
        "put_permission",
        {
            "Policy": json.dumps(
                {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "a:" + "x" * 10_300}]}
            )
        },
        "PolicyLengthExceededException",
        "The event bus policy is larger than 10240 bytes.",
    ),
    ("remove_permission", {"StatementId": "none"}, MISSING, "Statement with the provided id does not exist."),
    ("put_rule", {"Name": "r", "EventBusName": "none", "EventPattern": "{}"}, MISSING, NO_BUS),
    ("put_rule", {"Name": "r"}, INVALID, "Parameter(s) EventPattern or ScheduleExpression must be specified."),
    ("put_rule", {"Name": "r", "EventPattern": '{"source": "a"}'}, PATTERN, BAD_PATTERN),
    ("put_rule", {"Name": "r", "ScheduleExpression": "rate(1 days)"}, INVALID, "Parameter ScheduleExpression is not valid."),
    (
        "put_rule",
        {"Name": "r", "EventBusName": "mine", "ScheduleExpression": "rate(1 day)"},
        INVALID,
        "ScheduleExpression is supported only on the default event bus.",
    ),
    ("put_rule", {"Name": "Events-Archive-a", "ScheduleExpression": "rate(1 day)"}, MANAGED, ARCHIVED),
    ("delete_rule", {"Name": "r", "EventBusName": "none"}, MISSING, NO_BUS),
    ("delete_rule", {"Name": "r"}, INVALID, "Rule can't be deleted since it has targets."),
    ("delete_rule", {"Name": "Events-Archive-a"}, MANAGED, ARCHIVED),
    ("describe_rule", {"Name": "none"}, MISSING, NO_RULE),
    ("enable_rule", {"Name": "none"}, MISSING, NO_RULE),
    ("enable_rule", {"Name": "Events-Archive-a"}, MANAGED, ARCHIVED),
    ("disable_rule", {"Name": "none"}, MISSING, NO_RULE),
    ("disable_rule", {"Name": "Events-Archive-a"}, MANAGED, ARCHIVED),
    ("list_rules", {"EventBusName": "none"}, MISSING, NO_BUS),
    ("list_rule_names_by_target", {"EventBusName": "none", "TargetArn": "a"}, MISSING, NO_BUS),
    ("test_event_pattern", {"EventPattern": '{"source": "a"}', "Event": "{}"}, PATTERN, BAD_PATTERN),
    ("test_event_pattern", {"EventPattern": '{"source": ["a"]}', "Event": "{}"}, INVALID, "Parameter Event is not valid."),
    ("test_event_pattern", {"EventPattern": '{"source": ["a"]}', "Event": "{"}, INVALID, "Parameter Event is not valid."),
    ("put_targets", {"Rule": "none", "Targets": [TARGET]}, MISSING, NO_RULE),
    ("put_targets", {"Rule": "Events-Archive-a", "Targets": [TARGET]}, MANAGED, ARCHIVED),
    (
        "put_targets",
        {"Rule": "r", "Targets": [{**TARGET, "Id": str(n)} for n in range(6)]},
        LIMIT,
        "The requested resource exceeds the maximum number allowed.",
    ),
    _targets("Parameter none is not valid. Reason: Provided Arn is not in correct format.", Arn="none"),
    _targets("Only one of Input, InputPath, or InputTransformer must be provided for target t.", Input="1", InputPath="$.id"),
    _targets("Parameter InputPath for target t is not valid. Reason: id is not a JSON path.", InputPath="id"),
    _targets("InputTemplate for target t contains invalid placeholder x.", InputTransformer={"InputTemplate": "<x>"}),
    _targets("InputPathsMap for target t contains invalid path id.", InputTransformer={"InputTemplate": "1", "InputPathsMap": {"x": "id"}}),
    _targets("Parameter(s) SqsParameters must be specified for target: t.", Arn=f"{TARGET['Arn']}.fifo"),
    _targets("Parameter EcsParameters for target t must not be null.", Arn=f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/c"),
    ("remove_targets", {"Rule": "none", "Ids": ["t"]}, MISSING, NO_RULE),
    ("remove_targets", {"Rule": "Events-Archive-a", "Ids": ["a"]}, MANAGED, ARCHIVED),
    ("list_targets_by_rule", {"Rule": "none"}, MISSING, NO_RULE),
    ("tag_resource", {"ResourceARN": f"{PREFIX}rule/none", "Tags": []}, MISSING, NO_RULE),
    ("tag_resource", {"ResourceARN": f"{PREFIX}event-bus/none", "Tags": []}, MISSING, NO_BUS),
    ("tag_resource", {"ResourceARN": f"{PREFIX}archive/a", "Tags": []}, INVALID, "Parameter ResourceARN is not valid."),
    ("tag_resource", {"ResourceARN": f"{PREFIX}rule/Events-Archive-a", "Tags": []}, MANAGED, ARCHIVED),
    (
        "tag_resource",
        {"ResourceARN": f"{PREFIX}rule/r", "Tags": [{"Key": str(n), "Value": ""} for n in range(51)]},
        LIMIT,
        "The requested resource exceeds the maximum number allowed.",
    ),
    ("untag_resource", {"ResourceARN": f"{PREFIX}rule/none", "TagKeys": ["a"]}, MISSING, NO_RULE),
    ("untag_resource", {"ResourceARN": f"{PREFIX}rule/Events-Archive-a", "TagKeys": ["a"]}, MANAGED, ARCHIVED),
    ("list_tags_for_resource", {"ResourceARN": f"{PREFIX}rule/none"}, MISSING, NO_RULE),
    (
        "put_events",
        {"Entries": [{**ENTRY, "Detail": json.dumps({"x": "x" * 1_048_600})}]},
        INVALID,
        "Total size of the entries in the request is over the limit.",
    ),
    ("put_events", {"EndpointId": "none.abc", "Entries": [ENTRY]}, MISSING, "Endpoint none.abc does not exist."),
    ("create_archive", {"ArchiveName": "a", "EventSourceArn": DEFAULT_BUS}, EXISTS, "Archive a already exists."),
    ("create_archive", {"ArchiveName": "b", "EventSourceArn": f"{PREFIX}event-bus/none"}, MISSING, NO_BUS),
    ("create_archive", {"ArchiveName": "b", "EventSourceArn": DEFAULT_BUS, "EventPattern": '{"source": "a"}'}, PATTERN, BAD_PATTERN),
    ("update_archive", {"ArchiveName": "none", "RetentionDays": 1}, MISSING, "Archive none does not exist."),
    ("update_archive", {"ArchiveName": "a", "EventPattern": '{"source": "a"}'}, PATTERN, BAD_PATTERN),
    ("update_archive", {"ArchiveName": "a"}, INVALID, "At least one of EventPattern, RetentionDays or Description must be provided."),
    ("describe_archive", {"ArchiveName": "none"}, MISSING, "Archive none does not exist."),
    ("delete_archive", {"ArchiveName": "none"}, MISSING, "Archive none does not exist."),
    ("list_archives", {"EventSourceArn": f"{PREFIX}event-bus/none"}, MISSING, NO_BUS),
    (
        "list_archives",
        {"NamePrefix": "a", "State": "ENABLED"},
        INVALID,
        "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.",
    ),
    ("start_replay", {**REPLAY, "Destination": {"Arn": f"{PREFIX}event-bus/none"}}, MISSING, NO_BUS),
    (
        "start_replay",
        {**REPLAY, "Destination": {"Arn": f"{PREFIX}event-bus/mine"}},
        INVALID,
        "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.",
    ),
    (
        "start_replay",
        {**REPLAY, "EventSourceArn": f"{PREFIX}archive/none"},
        INVALID,
        "Parameter EventSourceArn is not valid. Reason: Archive none does not exist.",
    ),
    (
        "start_replay",
        {**REPLAY, "EventEndTime": TIMES["EventStartTime"]},
        INVALID,
        "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.",
    ),
    ("start_replay", {**REPLAY, "ReplayName": "done"}, EXISTS, "Replay done already exists."),
    ("cancel_replay", {"ReplayName": "none"}, MISSING, "Replay none does not exist."),
    ("cancel_replay", {"ReplayName": "done"}, "IllegalStatusException", "Replay done is not in a valid state for this operation."),
    ("describe_replay", {"ReplayName": "none"}, MISSING, "Replay none does not exist."),
    (
        "list_replays",
        {"NamePrefix": "a", "State": "FAILED"},
        INVALID,
        "At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix.",
    ),
    ("create_connection", CONNECTION, EXISTS, "Connection c already exists."),
    (
        "create_connection",
        {**CONNECTION, "Name": "x", "AuthorizationType": "BASIC"},
        INVALID,
        "Parameter BasicAuthParameters must be provided for authorization type BASIC.",
    ),
    (
        "create_connection",
        {**CONNECTION, "Name": "x", "AuthParameters": {**KEY, "BasicAuthParameters": {"Username": "a", "Password": "b"}}},
        INVALID,
        "Parameter BasicAuthParameters is not valid for authorization type API_KEY.",
    ),
    (
        "create_connection",
        {
            "Name": "x",
            "AuthorizationType": "OAUTH_CLIENT_CREDENTIALS",
            "AuthParameters": {
                "OAuthParameters": {
                    "ClientParameters": {"ClientID": "i", "ClientSecret": "s"},
                    "AuthorizationEndpoint": "https://example.com",
                    "HttpMethod": "HEAD",
                }
            },
        },
        INVALID,
        METHOD,
    ),
    ("create_api_destination", {**DESTINATION, "Name": "there"}, EXISTS, "An api-destination 'there' already exists."),
    ("create_api_destination", {**DESTINATION, "ConnectionArn": NO_CONNECTION}, MISSING, "Connection 'none' does not exist."),
    ("update_api_destination", {"Name": "there", "ConnectionArn": NO_CONNECTION}, MISSING, "Connection 'none' does not exist."),
    ("create_endpoint", {**ENDPOINT, "Name": "there"}, EXISTS, "Endpoint there already exists."),
    (
        "create_endpoint",
        {**ENDPOINT, "EventBuses": BUSES[::-1]},
        INVALID,
        "EventBuses must be one of this Region and one of the secondary Region, in this order.",
    ),
    (
        "create_endpoint",
        {**ENDPOINT, "EventBuses": [BUSES[0], {"EventBusArn": f"arn:aws:events:us-west-2:{ACCOUNT}:event-bus/other"}]},
        INVALID,
        "EventBuses must have the same name and belong to this account.",
    ),
    *[(f"{verb}_endpoint", {"Name": "none"}, MISSING, "Endpoint none does not exist.") for verb in ("describe", "update", "delete")],
    *[
        (f"{verb}_connection", {"Name": "none"}, MISSING, f"Failed to {verb} the connection(s). Connection 'none' does not exist.")
        for verb in ("describe", "update", "delete", "deauthorize")
    ],
    *[
        (
            f"{verb}_api_destination",
            {"Name": "none"},
            MISSING,
            f"Failed to {verb} the api-destination(s). An api-destination 'none' does not exist.",
        )
        for verb in ("describe", "update", "delete")
    ],
    ("create_event_bus", PARTNER, "NotImplemented", "windtunnel does not implement event buses of partners."),
]
ELSEWHERE = {
    "put_events AccessDeniedException": "test_events_targets.py::test_a_bus_of_another_account_takes_what_its_policy_lets_in",
    "start_replay LimitExceededException": "test_events_refusals.py::test_only_ten_replays_run_at_once",
}
NEVER = (
    *("InternalException", "ConcurrentModificationException", "OperationDisabledException", "ThrottlingException"),
    *("InvalidStateException", "create_event_bus ResourceNotFoundException", "start_replay InvalidEventPatternException"),
    *("describe_archive ResourceAlreadyExistsException", "create_connection ResourceNotFoundException"),
    *(f"{operation}_connection AccessDeniedException" for operation in ("create", "update")),
    *(f"{operation} LimitExceededException" for operation in ("put_rule", "create_event_bus", "create_endpoint")),
    *(f"{verb}_{noun} LimitExceededException" for verb in ("create", "update") for noun in ("archive", "connection", "api_destination")),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Here, dict[str, str]]]:
    """A region that refuses all of this, and is none the worse for it: one for all cases."""
    here = Here(tmp_path_factory.mktemp("refusals"))
    here.events.create_event_bus(Name="mine")
    rule(here, {"source": ["shop"]}, queue(here))
    here.events.create_archive(ArchiveName="a", EventSourceArn=DEFAULT_BUS)
    here.events.start_replay(**{**REPLAY, "ReplayName": "done"})
    here.jump(1)
    connection = here.events.create_connection(**CONNECTION)["ConnectionArn"]
    here.events.create_api_destination(**{**DESTINATION, "Name": "there", "ConnectionArn": connection})
    here.events.create_endpoint(**{**ENDPOINT, "Name": "there"})
    yield here, {"$c": connection}
    assert put(here)
    here.close()


@pytest.mark.parametrize(("operation", "request_", "code", "said"), CASES)
def test_what_eventbridge_refuses_is_refused_in_its_words(
    world: tuple[Here, dict[str, str]], operation: str, request_: dict[str, Any], code: str, said: str
) -> None:
    here, names = world
    assert refusal(getattr(here.events, operation), **filled(request_, names)) == (code, said)


def test_only_ten_replays_run_at_once(here: Here) -> None:
    here.events.create_archive(ArchiveName="a", EventSourceArn=DEFAULT_BUS)
    for number in range(10):
        here.events.start_replay(**{**REPLAY, "ReplayName": str(number)})
    said = (LIMIT, "The requested resource exceeds the maximum number allowed.")
    assert refusal(here.events.start_replay, **{**REPLAY, "ReplayName": "x"}) == said
    here.jump(1)
    assert here.events.start_replay(**{**REPLAY, "ReplayName": "x"})["State"] == "STARTING"


def test_each_error_that_the_model_documents_has_its_story() -> None:
    assert untold("events", CASES, ELSEWHERE, NEVER) == []
