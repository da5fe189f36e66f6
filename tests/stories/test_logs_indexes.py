"""Stories of field indexes: the policies of groups and of the account, and the fields that were found."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.here import BEGIN, Here
from tests.stories.refusals import refusal

NOW = int(BEGIN * 1000)
ARN = "arn:aws:logs:us-east-1:000000000000:log-group:g"
POLICY = '{"Fields": ["code"], "FieldsV2": {"@@own": {"type": "FACET"}}}'


def put(logs: Any, time: int, message: str) -> None:
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": time, "message": message}])


def test_a_groups_policy_goes_before_the_accounts(logs: Any) -> None:
    own = {"logGroupIdentifier": ARN, "lastUpdateTime": NOW, "policyDocument": POLICY, "source": "LOG_GROUP"}
    account = {
        "policyType": "FIELD_INDEX_POLICY",
        "policyDocument": '{"Fields": ["a"]}',
        "selectionCriteria": 'LogGroupNamePrefix IN ["g"]',
    }
    assert logs.describe_index_policies(logGroupIdentifiers=["g"]) == {"indexPolicies": []}
    logs.put_account_policy(policyName="all", **account)
    logs.put_account_policy(policyName="others", **{**account, "selectionCriteria": 'LogGroupNamePrefix IN ["h"]'})
    shown = {**own, "policyDocument": '{"Fields": ["a"]}', "source": "ACCOUNT", "policyName": "all"}
    assert logs.describe_index_policies(logGroupIdentifiers=["g"]) == {"indexPolicies": [shown]}
    assert logs.put_index_policy(logGroupIdentifier="g", policyDocument=POLICY) == {"indexPolicy": own}
    assert logs.describe_index_policies(logGroupIdentifiers=[ARN]) == {"indexPolicies": [own]}
    logs.delete_index_policy(logGroupIdentifier="g")
    assert logs.describe_index_policies(logGroupIdentifiers=["g"]) == {"indexPolicies": [shown]}


def test_indexes_tell_when_their_fields_were_seen(here: Here, logs: Any) -> None:
    logs.put_index_policy(logGroupIdentifier="g", policyDocument=POLICY)
    for time, message in ((NOW + 5, '{"code": 1}'), (NOW + 2, '{"code": 2}'), (NOW + 9, "nothing")):
        put(logs, time, message)
    custom = {"logGroupIdentifier": ARN, "indexCategory": "CUSTOM", "lastScanTime": NOW}
    code = {**custom, "fieldIndexName": "code", "type": "FIELD_INDEX", "firstEventTime": NOW + 2, "lastEventTime": NOW + 5}
    request = {"logGroupIdentifiers": ["g"], "indexCategories": ["CUSTOM", "INACTIVE"]}
    assert logs.describe_field_indexes(**request) == {"fieldIndexes": [code, {**custom, "fieldIndexName": "@own", "type": "FACET"}]}
    logs.put_index_policy(logGroupIdentifier="g", policyDocument='{"Fields": ["other"]}')
    found = logs.describe_field_indexes(**request)["fieldIndexes"]
    assert [(one["fieldIndexName"], one["indexCategory"]) for one in found] == [
        ("other", "CUSTOM"),
        ("@own", "INACTIVE"),
        ("code", "INACTIVE"),
    ]
    everything = logs.describe_field_indexes(logGroupIdentifiers=["g"])["fieldIndexes"]
    assert everything[0] == {"logGroupIdentifier": ARN, "fieldIndexName": "@logStream", "type": "FIELD_INDEX", "indexCategory": "DEFAULT"}


def test_an_index_filter_reads_only_what_came_in_since_the_field_is_indexed(here: Here, logs: Any) -> None:
    logs.create_log_group(logGroupName="h")
    logs.create_log_stream(logGroupName="h", logStreamName="s")
    put(logs, NOW, '{"code": 1, "n": "before"}')
    here.jump(1)
    logs.put_index_policy(logGroupIdentifier="g", policyDocument=POLICY)
    logs.put_account_policy(policyName="p", policyType="FIELD_INDEX_POLICY", policyDocument='{"Fields": ["other"]}')
    put(logs, NOW, '{"code": 1, "n": "after"}')
    put(logs, NOW, '{"code": 2, "n": "another"}')
    logs.put_log_events(logGroupName="h", logStreamName="s", logEvents=[{"timestamp": NOW, "message": '{"code": 1, "other": 5}'}])

    def found(text: str) -> tuple[list[str], float]:
        request = {"logGroupNames": ["g", "h"], "startTime": NOW // 1000, "endTime": NOW // 1000 + 1}
        query = logs.start_query(queryString=text, **request)["queryId"]
        here.rest()
        results = logs.get_query_results(queryId=query)
        return [row[0]["value"] for row in results["results"] if row[0]["field"] != "@ptr"], results["statistics"]["recordsScanned"]

    assert found("filterIndex code = 1 | display n") == (["after"], 2.0)
    assert found("filterIndex other in [5] | display code") == (["1"], 1.0)
    assert found("filterIndex n = 1 | display n") == ([], 0.0)
    assert found("filterIndex @logStream = 's' | display n") == (["another", "after", "before"], 4.0)


def test_what_is_no_index_policy_is_refused(logs: Any) -> None:
    many = json.dumps({"Fields": [str(number) for number in range(21)]})
    bad = (
        "none",
        "[]",
        "{}",
        '{"Fields": []}',
        many,
        '{"Fields": ["a", "a"]}',
        '{"FieldsV2": {"a": {"type": "TREE"}}}',
        '{"FieldsV2": {"a": 1}}',
    )
    for document in bad:
        assert refusal(logs.put_index_policy, logGroupIdentifier="g", policyDocument=document)[0] == "InvalidParameterException", document
    none = ("ResourceNotFoundException", "The specified log group does not exist.")
    for call in (logs.describe_index_policies, logs.describe_field_indexes):
        assert refusal(call, logGroupIdentifiers=["x"]) == none
    assert refusal(logs.delete_index_policy, logGroupIdentifier="x") == none
    logs.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
    assert refusal(logs.put_index_policy, logGroupIdentifier="rare", policyDocument=POLICY)[0] == "ValidationException"
