"""What CloudWatch Logs refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.refusals import Case, filled, one_region, refusal, untold
from windtunnel.aws.pages import decode, encode
from windtunnel.services.logs import groups
from windtunnel.services.logs.queries import definitions

ARN = "arn:aws:logs:us-east-1:000000000000:"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
UNKNOWN_ID = "11111111-2222-3333-4444-555555555555"
LONG = "x" * 513
NO_GROUP, NO_STREAM = "The specified log group does not exist.", "The specified log stream does not exist."
NO_QUERY = f"Query with id {UNKNOWN_ID} does not exist."
NO_SOURCE = "Requested Delivery Source does not exist in this account."
NO_DESTINATION = "Requested Delivery Destination does not exist in this account."
NO_DELIVERY = "Requested Delivery does not exist in this account."
NO_SCHEDULED = "The specified scheduled query does not exist."
NO_TABLE = "The specified lookup table does not exist."
TOO_LONG = "Invalid LogGroup or LogStream, both must have length less than or equal to 512."
BAD_TOKEN = "The specified nextToken is invalid."
NOT_STANDARD = "This operation is only supported on the Standard log class."
WORD = r"Member must satisfy regular expression pattern: [\w-]*"

METRIC: dict[str, Any] = {
    "filterName": "f",
    "filterPattern": "",
    "metricTransformations": [{"metricName": "m", "metricNamespace": "n", "metricValue": "1"}],
}
SUBSCRIPTION = {"filterName": "f", "filterPattern": "", "destinationArn": FUNCTION}
PARSER: list[dict[str, Any]] = [{"parseJSON": {}}]
SCHEDULE = {"queryLanguage": "CWLI", "queryString": "fields a", "scheduleExpression": "rate(1 hour)", "executionRoleArn": "r"}
BY_NAME: dict[str, dict[str, Any]] = {
    "associate_kms_key": {"kmsKeyId": "k"},
    "create_log_stream": {"logStreamName": "s"},
    "delete_log_group": {},
    "delete_log_stream": {"logStreamName": "s"},
    "delete_metric_filter": {"filterName": "f"},
    "delete_retention_policy": {},
    "delete_subscription_filter": {"filterName": "f"},
    "describe_log_streams": {},
    "describe_metric_filters": {},
    "describe_queries": {},
    "describe_subscription_filters": {},
    "disassociate_kms_key": {},
    "filter_log_events": {},
    "get_log_events": {"logStreamName": "s"},
    "get_log_group_fields": {},
    "list_tags_log_group": {},
    "put_log_events": {"logStreamName": "s", "logEvents": [{"timestamp": int(BEGIN * 1000), "message": "m"}]},
    "put_metric_filter": METRIC,
    "put_retention_policy": {"retentionInDays": 1},
    "put_subscription_filter": SUBSCRIPTION,
    "tag_log_group": {"tags": {"a": "b"}},
    "untag_log_group": {"tags": ["a"]},
}
"""Valid requests but for the name of their group."""
BY_IDENTIFIER: dict[str, dict[str, Any]] = {
    "delete_data_protection_policy": {},
    "delete_index_policy": {},
    "delete_transformer": {},
    "get_data_protection_policy": {},
    "get_transformer": {},
    "put_index_policy": {"policyDocument": '{"Fields": ["a"]}'},
    "put_log_group_deletion_protection": {"deletionProtectionEnabled": True},
    "put_transformer": {"transformerConfig": PARSER},
}
OF_DELIVERIES = ("get_delivery", "delete_delivery", "update_delivery_configuration")
BY_IDENTIFIERS = ("describe_field_indexes", "describe_index_policies")
PAGED: dict[str, dict[str, Any]] = {
    "describe_destinations": {},
    "describe_export_tasks": {},
    "describe_log_groups": {},
    "describe_log_streams": {"logGroupName": "g"},
    "describe_lookup_tables": {},
    "describe_metric_filters": {"logGroupName": "g"},
    "describe_queries": {},
    "describe_query_definitions": {},
    "describe_resource_policies": {},
    "describe_subscription_filters": {"logGroupName": "g"},
    "list_log_groups": {},
    "list_log_groups_for_query": {"queryId": "$query"},
}


def _not_found(operation: str, request: dict[str, Any], said: str = NO_GROUP) -> Case:
    return operation, request, "ResourceNotFoundException", said


def _invalid(operation: str, request: dict[str, Any], said: str) -> Case:
    return operation, request, "InvalidParameterException", said


def _ill_formed(operation: str, request: dict[str, Any], member: str, constraint: str = WORD, code: str = "ValidationException") -> Case:
    said = f"1 validation error detected: Value '{request[member]}' at '{member}' failed to satisfy constraint: {constraint}"
    return operation, request, code, said


def _empty(operation: str, request: dict[str, Any], member: str) -> Case:
    constraint = "Member must have length greater than or equal to 1"
    return _ill_formed(operation, {member: "", **request}, member, constraint, "InvalidParameterException")


NO_DETECTOR = "arn:aws:logs:us-east-1:000000000000:anomaly-detector:none"
OF_DETECTORS: dict[str, dict[str, Any]] = {
    "delete_log_anomaly_detector": {},
    "get_log_anomaly_detector": {},
    "list_anomalies": {},
    "update_anomaly": {"anomalyId": "a" * 36},
    "update_log_anomaly_detector": {"enabled": True},
}

CASES: list[Case] = [
    *(_not_found(operation, {"logGroupName": "none", **request}) for operation, request in BY_NAME.items()),
    *(_invalid(operation, {"logGroupName": LONG, **request}, TOO_LONG) for operation, request in BY_NAME.items()),
    *(_not_found(operation, {"logGroupIdentifier": "none", **request}) for operation, request in BY_IDENTIFIER.items()),
    *(_invalid(operation, {"logGroupIdentifier": LONG, **request}, TOO_LONG) for operation, request in BY_IDENTIFIER.items()),
    *(_not_found(operation, {"logGroupIdentifiers": ["none"]}) for operation in BY_IDENTIFIERS),
    *(_invalid(operation, {"logGroupIdentifiers": [LONG]}, TOO_LONG) for operation in BY_IDENTIFIERS),
    *(_invalid(operation, {**request, "nextToken": "x"}, BAD_TOKEN) for operation, request in PAGED.items()),
    *(
        (operation, {"logGroupName": "rare", **request}, "ValidationException", NOT_STANDARD)
        for operation, request in (
            ("delete_subscription_filter", {"filterName": "f"}),
            ("describe_subscription_filters", {}),
            ("put_metric_filter", METRIC),
            ("put_subscription_filter", SUBSCRIPTION),
        )
    ),
    *(
        (operation, {"logGroupIdentifier": "rare", **BY_IDENTIFIER[operation]}, "ValidationException", NOT_STANDARD)
        for operation in ("put_index_policy", "put_transformer")
    ),
    ("start_live_tail", {"logGroupIdentifiers": [f"{ARN}log-group:rare"]}, "ValidationException", NOT_STANDARD),
    _not_found("start_live_tail", {"logGroupIdentifiers": [f"{ARN}log-group:none"]}),
    _not_found("delete_log_stream", {"logGroupName": "g", "logStreamName": "none"}, NO_STREAM),
    _not_found("get_query_results", {"queryId": UNKNOWN_ID}, NO_QUERY),
    _not_found("stop_query", {"queryId": UNKNOWN_ID}, NO_QUERY),
    _not_found("list_log_groups_for_query", {"queryId": UNKNOWN_ID}, NO_QUERY),
    *(
        _not_found(operation, {"anomalyDetectorArn": NO_DETECTOR, **more}, "The specified anomaly detector does not exist.")
        for operation, more in OF_DETECTORS.items()
    ),
    _not_found("update_anomaly", {"anomalyDetectorArn": "$detector", "anomalyId": "a" * 36}, "The specified anomaly does not exist."),
    _invalid("update_anomaly", {"anomalyDetectorArn": "$detector"}, "Exactly one of anomalyId and patternId must be specified."),
    _invalid(
        "update_anomaly",
        {"anomalyDetectorArn": "$detector", "anomalyId": "a" * 36, "suppressionType": "LIMITED"},
        "A suppressionPeriod must be specified for a suppressionType of LIMITED.",
    ),
    _invalid("list_anomalies", {"nextToken": "x"}, BAD_TOKEN),
    _invalid("list_log_anomaly_detectors", {"nextToken": "x"}, BAD_TOKEN),
    _not_found("list_log_anomaly_detectors", {"filterLogGroupArn": "arn:aws:logs:us-east-1:111122223333:log-group:g"}),
    _not_found("create_log_anomaly_detector", {"logGroupArnList": ["none"]}),
    _invalid("create_log_anomaly_detector", {"logGroupArnList": ["g", "tagged"]}, "Exactly one log group ARN must be specified."),
    _invalid("create_log_anomaly_detector", {"logGroupArnList": ["g"], "filterPattern": "{"}, "Invalid filter pattern"),
    _invalid(
        "update_log_anomaly_detector", {"anomalyDetectorArn": "$detector", "enabled": True, "filterPattern": "{"}, "Invalid filter pattern"
    ),
    _invalid("get_log_record", {"logRecordPointer": "x"}, "The specified logRecordPointer is invalid."),
    _invalid("get_log_record", {"logRecordPointer": encode(())}, "The specified logRecordPointer is invalid."),
    *(
        _not_found(operation, {"resourceArn": f"{ARN}log-group:none", **request})
        for operation, request in (
            ("tag_resource", {"tags": {"a": "b"}}),
            ("untag_resource", {"tagKeys": ["a"]}),
            ("list_tags_for_resource", {}),
        )
    ),
    (
        "tag_resource",
        {"resourceArn": f"{ARN}log-group:tagged", "tags": {"one more": ""}},
        "TooManyTagsException",
        "Total number of tags including existing tags exceeds the maximum.",
    ),
    _not_found(
        "delete_subscription_filter", {"logGroupName": "g", "filterName": "none"}, "The specified subscription filter does not exist."
    ),
    _invalid("test_metric_filter", {"filterPattern": "{", "logEventMessages": ["m"]}, "Invalid filter pattern"),
    _not_found(
        "put_query_definition",
        {"name": "n", "queryString": "fields a", "queryDefinitionId": UNKNOWN_ID},
        "The specified query definition does not exist.",
    ),
    _not_found("delete_query_definition", {"queryDefinitionId": UNKNOWN_ID}, "The specified query definition does not exist."),
    _invalid("put_resource_policy", {"policyName": "p", "policyDocument": "x"}, "Syntax errors in policy."),
    _invalid("delete_resource_policy", {}, "The policyName must be specified."),
    _not_found("delete_resource_policy", {"policyName": "none"}, "Policy with name [none] does not exist."),
    _invalid(
        "put_destination",
        {"destinationName": "d", "targetArn": "x", "roleArn": "r"},
        "Invalid targetArn, expected a Kinesis stream or a Firehose stream.",
    ),
    _not_found("put_destination_policy", {"destinationName": "none", "accessPolicy": "{}"}, "The specified destination does not exist."),
    _not_found("delete_destination", {"destinationName": "none"}, "The specified destination does not exist."),
    _invalid(
        "test_transformer",
        {"transformerConfig": [{}], "logEventMessages": ["m"]},
        "The transformer configuration is not valid: each entry of a transformer must have exactly one processor.",
    ),
    _not_found(
        "delete_account_policy", {"policyName": "none", "policyType": "DATA_PROTECTION_POLICY"}, "Policy with name [none] does not exist."
    ),
    _not_found("cancel_export_task", {"taskId": UNKNOWN_ID}, "The specified export task does not exist."),
    *(
        _not_found(operation, {"lookupTableArn": f"{ARN}lookup-table:none", **request}, NO_TABLE)
        for operation, request in (("get_lookup_table", {}), ("delete_lookup_table", {}), ("update_lookup_table", {"tableBody": "a\n1"}))
    ),
    _not_found("create_delivery", {"deliverySourceName": "none", "deliveryDestinationArn": f"{ARN}delivery-destination:none"}, NO_SOURCE),
    *(_not_found(f"{verb}_delivery_source", {"name": "none"}, NO_SOURCE) for verb in ("get", "delete")),
    *(_not_found(f"{verb}_delivery_destination", {"name": "none"}, NO_DESTINATION) for verb in ("get", "delete")),
    *(
        _not_found(f"{verb}_delivery_destination_policy", {"deliveryDestinationName": "none", **more}, NO_DESTINATION)
        for verb, more in (("get", {}), ("delete", {}), ("put", {"deliveryDestinationPolicy": "{}"}))
    ),
    *(_not_found(operation, {"id": "none"}, NO_DELIVERY) for operation in OF_DELIVERIES),
    _ill_formed("create_delivery", {"deliverySourceName": "a b", "deliveryDestinationArn": "x"}, "deliverySourceName"),
    *(
        _ill_formed(operation, {"id": "a b"}, "id", "Member must satisfy regular expression pattern: ^[0-9A-Za-z]+$")
        for operation in OF_DELIVERIES
    ),
    *(_ill_formed(f"{verb}_delivery_source", {"name": "a b"}, "name") for verb in ("get", "delete")),
    _ill_formed("put_delivery_source", {"name": "a b", "resourceArn": "r", "logType": "ACCESS_LOGS"}, "name"),
    *(_ill_formed(f"{verb}_delivery_destination", {"name": "a b"}, "name") for verb in ("get", "delete", "put")),
    *(
        _ill_formed(f"{verb}_delivery_destination_policy", {"deliveryDestinationName": "a b", **more}, "deliveryDestinationName")
        for verb, more in (("get", {}), ("delete", {}), ("put", {"deliveryDestinationPolicy": "{}"}))
    ),
    _empty("cancel_export_task", {}, "taskId"),
    _empty("delete_destination", {}, "destinationName"),
    _empty("put_destination_policy", {"accessPolicy": "{}"}, "destinationName"),
    _empty("put_query_definition", {"queryString": "fields a"}, "name"),
    _empty("list_tags_for_resource", {}, "resourceArn"),
    _empty("tag_resource", {"tags": {"a": "b"}}, "resourceArn"),
    _empty("untag_resource", {"tagKeys": ["a"]}, "resourceArn"),
    _empty("delete_query_definition", {}, "queryDefinitionId"),
    _empty("get_query_results", {}, "queryId"),
    _ill_formed(
        "delete_account_policy",
        {"policyName": "p", "policyType": "NONE"},
        "policyType",
        "Member must satisfy enum value set: [DATA_PROTECTION_POLICY, FIELD_INDEX_POLICY, RETENTION_POLICY, SUBSCRIPTION_FILTER_POLICY,"
        " TRANSFORMER_POLICY, METRIC_EXTRACTION_POLICY]",
        "InvalidParameterException",
    ),
    _ill_formed(
        "put_storage_tier_policy",
        {"storageTier": "NONE"},
        "storageTier",
        "Member must satisfy enum value set: [INTELLIGENT_TIERING, STANDARD]",
        "InvalidParameterException",
    ),
    _not_found("get_log_record", {"logRecordPointer": "$beyond"}, "The specified log record does not exist."),
    _not_found("get_log_record", {"logRecordPointer": encode(("g", 1, 1, 1, 0))}, "The specified log record does not exist."),
    _ill_formed(
        "update_lookup_table",
        {"lookupTableArn": f"{ARN}lookup-table:t", "tableBody": ""},
        "tableBody",
        "Member must have length greater than or equal to 1",
    ),
    *(
        (f"describe_{kind}", {"nextToken": "x"}, "ValidationException", BAD_TOKEN)
        for kind in ("deliveries", "delivery_sources", "delivery_destinations")
    ),
    *(
        _ill_formed(operation, {"identifier": "", **request}, "identifier", "Member must have length greater than or equal to 1")
        for operation, request in (
            ("delete_scheduled_query", {}),
            ("get_scheduled_query", {}),
            ("get_scheduled_query_history", {"startTime": 0, "endTime": 1}),
            ("update_scheduled_query", SCHEDULE),
        )
    ),
    *(
        _not_found(operation, {"identifier": "none", **request}, NO_SCHEDULED)
        for operation, request in (
            ("delete_scheduled_query", {}),
            ("get_scheduled_query", {}),
            ("get_scheduled_query_history", {"startTime": 0, "endTime": 1}),
        )
    ),
]
SHOWN: dict[str, tuple[str, ...]] = {
    "test_logs_account.py::test_policies_are_described_by_type_and_name_and_deleted": (
        "describe_account_policies InvalidParameterException",
    ),
    "test_logs_account.py::test_policies_of_a_type_do_not_overlap_and_are_not_too_many": ("put_account_policy LimitExceededException",),
    "test_logs_account.py::test_what_is_no_policy_is_refused": ("put_account_policy InvalidParameterException",),
    "test_logs_anomalies.py::test_an_account_has_so_many_detectors": ("create_log_anomaly_detector LimitExceededException",),
    "test_logs_deliveries.py::test_a_delivery_joins_a_source_to_a_destination_and_keeps_both": (
        "create_delivery ConflictException",
        "delete_delivery_destination ConflictException",
        "delete_delivery_source ConflictException",
    ),
    "test_logs_deliveries.py::test_a_source_is_one_resource_and_one_type_of_log": (
        "put_delivery_source ConflictException",
        "put_delivery_source ResourceNotFoundException",
    ),
    "test_logs_exports.py::test_one_task_at_a_time_and_a_pending_one_can_be_cancelled": ("create_export_task LimitExceededException",),
    "test_logs_exports.py::test_what_can_not_be_exported_is_refused": (
        "create_export_task InvalidParameterException",
        "create_export_task ResourceNotFoundException",
    ),
    "test_logs_filters.py::test_subscription_filters_are_described_and_two_are_enough": ("put_subscription_filter LimitExceededException",),
    "test_logs_filters.py::test_the_filters_of_a_group_have_five_regular_expressions_at_most": (
        "put_metric_filter LimitExceededException",
    ),
    "test_logs_groups.py::test_a_name_is_taken_once_and_has_its_form": (
        "create_log_group InvalidParameterException",
        "create_log_group ResourceAlreadyExistsException",
    ),
    "test_logs_groups.py::test_a_protected_group_is_not_deleted": ("delete_log_group ValidationException",),
    "test_logs_groups.py::test_a_stream_tells_its_first_and_last_events": ("create_log_stream ResourceAlreadyExistsException",),
    "test_logs_insights.py::test_a_source_chooses_groups_by_their_names_and_classes": ("start_query InvalidParameterException",),
    "test_logs_insights.py::test_what_is_no_query_is_refused": ("start_query MalformedQueryException",),
    "test_logs_live.py::test_a_session_names_groups_by_their_arns": ("start_live_tail InvalidParameterException",),
    "test_logs_live.py::test_fifteen_sessions_at_once_are_enough": ("start_live_tail LimitExceededException",),
    "test_logs_lookups.py::test_a_table_has_one_origin_and_a_name_of_its_own": (
        "create_lookup_table InvalidParameterException",
        "create_lookup_table LimitExceededException",
        "create_lookup_table ResourceAlreadyExistsException",
    ),
    "test_logs_lookups.py::test_what_is_no_table_is_refused": ("create_lookup_table ValidationException",),
    "test_logs_policies.py::test_a_groups_policy_is_changed_by_who_knows_its_revision": ("put_resource_policy ResourceNotFoundException",),
    "test_logs_policies.py::test_ten_policies_are_enough_and_can_be_replaced": ("put_resource_policy LimitExceededException",),
    "test_logs_protection.py::test_a_policy_is_kept_until_it_is_deleted": ("put_data_protection_policy ResourceNotFoundException",),
    "test_logs_protection.py::test_what_is_no_policy_is_refused": (
        "put_data_protection_policy InvalidParameterException",
        "put_data_protection_policy LimitExceededException",
    ),
    "test_logs_queries.py::test_a_hundred_queries_at_once_are_enough": ("start_query LimitExceededException",),
    "test_logs_queries.py::test_queries_are_described_and_stopped": ("stop_query InvalidParameterException",),
    "test_logs_queries.py::test_what_a_query_needs_beside_its_groups_is_looked_for_when_it_is_started": (
        "start_query ResourceNotFoundException",
    ),
    "test_logs_refusals.py::test_an_account_has_so_many_groups_and_query_definitions": (
        "create_log_group LimitExceededException",
        "put_query_definition LimitExceededException",
    ),
    "test_logs_scheduled.py::test_scheduled_queries_are_listed_by_name_and_deleted": ("update_scheduled_query ResourceNotFoundException",),
    "test_logs_scheduled.py::test_what_can_not_be_scheduled_is_refused": (
        "create_scheduled_query ConflictException",
        "create_scheduled_query ValidationException",
        "list_scheduled_queries ValidationException",
    ),
}
ELSEWHERE = {error: story for story, errors in SHOWN.items() for error in errors}
NEVER = (
    *("ServiceUnavailableException", "ThrottlingException", "InternalServerException", "OperationAbortedException"),
    *("AccessDeniedException", "UnrecognizedClientException", "ServiceQuotaExceededException", "InvalidOperationException"),
    *("put_log_events InvalidSequenceTokenException", "put_log_events DataAlreadyAcceptedException"),
    *("create_export_task ResourceAlreadyExistsException", "create_scheduled_query ResourceNotFoundException"),
    # What only two who write at once would meet.
    *(f"{operation} ConflictException" for operation in ("delete_delivery", "update_delivery_configuration", "put_delivery_destination")),
    *(f"{verb}_delivery_destination_policy ConflictException" for verb in ("put", "delete")),
    "update_scheduled_query ConflictException",
    # Listings of what isn't there are empty, and what every account has is always found.
    *(f"describe_{kind} ResourceNotFoundException" for kind in ("account_policies", "lookup_tables")),
    *(f"{verb}_storage_tier_policy ResourceNotFoundException" for verb in ("get", "put")),
    *("put_delivery_destination ResourceNotFoundException", "get_storage_tier_policy InvalidParameterException"),
    "delete_log_stream ValidationException",
    # Limits of nothing that these make more of.
    *(f"{operation} LimitExceededException" for operation in ("delete_index_policy", "describe_field_indexes", "describe_index_policies")),
    *(
        f"{operation} LimitExceededException"
        for operation in ("get_log_group_fields", "get_log_record", "put_index_policy", "put_transformer")
    ),
    # What isn't the ARN of a detector or a lookup table is not found.
    *(f"{verb}_log_anomaly_detector InvalidParameterException" for verb in ("get", "delete")),
    *(f"{verb}_lookup_table InvalidParameterException" for verb in ("get", "delete", "update")),
)


here = one_region()


@pytest.fixture(scope="module")
def world(here: Here) -> dict[str, str]:
    here.logs.create_log_group(logGroupName="g")
    here.logs.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
    here.logs.create_log_group(logGroupName="tagged", tags={str(number): "" for number in range(50)})
    here.logs.create_lookup_table(lookupTableName="t", tableBody="a\n1")
    here.logs.create_log_stream(logGroupName="g", logStreamName="s")
    here.logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": int(BEGIN * 1000), "message": "m"}])
    query = here.logs.start_query(logGroupName="g", startTime=0, endTime=int(BEGIN) + 1, queryString="fields @message")["queryId"]
    detector = here.logs.create_log_anomaly_detector(logGroupArnList=["g"])["anomalyDetectorArn"]
    here.rest()
    [row] = here.logs.get_query_results(queryId=query)["results"]
    pointer = next(field["value"] for field in row if field["field"] == "@ptr")
    return {"$query": query, "$detector": detector, "$beyond": encode((*decode(pointer)[:-1], 1))}


@pytest.mark.parametrize(("operation", "request_", "code", "said"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_what_logs_refuses_is_refused_in_its_words(
    here: Here, world: dict[str, str], operation: str, request_: dict[str, Any], code: str, said: str
) -> None:
    assert refusal(getattr(here.logs, operation), **filled(request_, world)) == (code, said)


def test_an_account_has_so_many_groups_and_query_definitions(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = here.at(account="111111111111").logs
    monkeypatch.setattr(groups, "GROUPS_MAX", 1)
    monkeypatch.setattr(definitions, "DEFINITIONS_MAX", 1)
    fault = ("LimitExceededException", "Resource limit exceeded.")
    logs.create_log_group(logGroupName="a")
    assert refusal(logs.create_log_group, logGroupName="b") == fault
    logs.delete_log_group(logGroupName="a")
    logs.create_log_group(logGroupName="b")
    first = logs.put_query_definition(name="n", queryString="fields a")["queryDefinitionId"]
    assert refusal(logs.put_query_definition, name="m", queryString="fields a") == fault
    assert logs.put_query_definition(name="m", queryString="fields b", queryDefinitionId=first) == {"queryDefinitionId": first}
    assert logs.describe_log_groups()["logGroups"][0]["logGroupName"] == "b"


def test_each_error_that_the_model_documents_has_its_story() -> None:
    assert untold("logs", CASES, ELSEWHERE, NEVER) == []
