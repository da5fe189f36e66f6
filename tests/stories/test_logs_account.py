"""Stories of account policies: one for many groups, described, replaced, deleted, and refused where it is none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.refusals import refusal

NOW = int(BEGIN * 1000)
TRANSFORMER = {"policyType": "TRANSFORMER_POLICY", "policyDocument": '[{"csv": {"columns": ["code"]}}]'}


def test_policies_are_described_by_type_and_name_and_deleted(here: Here) -> None:
    here.logs.put_account_policy(policyName="a", selectionCriteria='LogGroupNamePrefix IN ["a"]', **TRANSFORMER)
    here.logs.put_account_policy(policyName="b", selectionCriteria='LogGroupNamePrefix IN ["b"]', **TRANSFORMER)
    shown = {
        "policyName": "a",
        "lastUpdatedTime": NOW,
        "scope": "ALL",
        "accountId": "000000000000",
        "selectionCriteria": 'LogGroupNamePrefix IN ["a"]',
        **TRANSFORMER,
    }
    assert here.logs.describe_account_policies(policyType="TRANSFORMER_POLICY", policyName="a") == {"accountPolicies": [shown]}
    assert len(here.logs.describe_account_policies(policyType="TRANSFORMER_POLICY")["accountPolicies"]) == 2
    assert here.logs.describe_account_policies(policyType="FIELD_INDEX_POLICY") == {"accountPolicies": []}
    here.logs.delete_account_policy(policyType="TRANSFORMER_POLICY", policyName="b")
    assert here.logs.describe_account_policies(policyType="TRANSFORMER_POLICY") == {"accountPolicies": [shown]}
    assert refusal(here.logs.delete_account_policy, policyType="TRANSFORMER_POLICY", policyName="b")[0] == "ResourceNotFoundException"
    many = ["000000000000", "111111111111"]
    assert (
        refusal(here.logs.describe_account_policies, policyType="TRANSFORMER_POLICY", accountIdentifiers=many)[0]
        == "InvalidParameterException"
    )
    assert refusal(here.logs.describe_account_policies, policyType="TRANSFORMER_POLICY", nextToken="x")[0] == "InvalidParameterException"


def test_a_groups_own_transformer_goes_before_the_accounts(here: Here) -> None:
    here.logs.put_account_policy(policyName="a", selectionCriteria='LogGroupNamePrefix IN ["app"]', **TRANSFORMER)
    for name in ("app/1", "app/2", "other"):
        here.logs.create_log_group(logGroupName=name)
        here.logs.create_log_stream(logGroupName=name, logStreamName="s")
    here.logs.put_transformer(logGroupIdentifier="app/2", transformerConfig=[{"csv": {"columns": ["own"]}}])
    for name in ("app/1", "app/2", "other"):
        here.logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=[{"timestamp": NOW, "message": "200"}])
    request = {"startTime": NOW // 1000, "endTime": NOW // 1000 + 1, "queryString": "display code, own | sort @log asc"}
    query = here.logs.start_query(logGroupNames=["app/1", "app/2", "other"], **request)["queryId"]
    here.rest()
    found = here.logs.get_query_results(queryId=query)["results"]
    assert [[(one["field"], one["value"]) for one in row if one["field"] != "@ptr"] for row in found] == [
        [("code", "200")],
        [("own", "200")],
        [],
    ]


@pytest.mark.parametrize(
    "request_",
    [
        {"policyDocument": "none"},
        {"policyDocument": "{}"},
        {"policyDocument": '[{"trimString": {"withKeys": ["a"]}}]'},
        {"policyName": "aws/mine"},
        {"selectionCriteria": 'LogGroupName NOT IN ["a"]'},
        {"selectionCriteria": "LogGroupNamePrefix IN []"},
        {"selectionCriteria": 'LogGroupNamePrefix IN ["a" "b"]'},
        {"selectionCriteria": 'LogGroupNamePrefix IN ["%s"]' + " " * 26_000},
        {"policyType": "FIELD_INDEX_POLICY"},
        {"policyType": "METRIC_EXTRACTION_POLICY"},
        {"policyType": "METRIC_EXTRACTION_POLICY", "policyDocument": "{}"},
        {"policyType": "SUBSCRIPTION_FILTER_POLICY", "policyDocument": "{}"},
        {"policyType": "SUBSCRIPTION_FILTER_POLICY", "policyDocument": '{"DestinationArn": "x", "FilterPattern": ""}'},
        {
            "policyType": "SUBSCRIPTION_FILTER_POLICY",
            "policyDocument": '{"DestinationArn": "x", "FilterPattern": "", "Distribution": "All"}',
        },
    ],
)
def test_what_is_no_policy_is_refused(here: Here, request_: dict[str, Any]) -> None:
    request = {"policyName": "p", **TRANSFORMER, **request_}
    assert refusal(here.logs.put_account_policy, **request)[0] == "InvalidParameterException"


def test_policies_of_a_type_do_not_overlap_and_are_not_too_many(here: Here) -> None:
    put = here.logs.put_account_policy
    for number in range(20):
        put(policyName=f"p{number}", selectionCriteria=f'LogGroupNamePrefix IN ["p{number:02}"]', **TRANSFORMER)
    put(policyName="p0", selectionCriteria='LogGroupNamePrefix = "p00/"', **TRANSFORMER)
    assert refusal(put, policyName="p20", **TRANSFORMER) == ("LimitExceededException", "Resource limit exceeded.")
    here.logs.delete_account_policy(policyType="TRANSFORMER_POLICY", policyName="p19")
    overlapping = refusal(put, policyName="p20", selectionCriteria='LogGroupNamePrefix IN ["x", "p01-more"]', **TRANSFORMER)
    assert overlapping == ("InvalidParameterException", "The selection criteria of the policy overlap with those of another policy.")
    assert refusal(put, policyName="p20", **TRANSFORMER)[0] == "InvalidParameterException"
    assert refusal(put, policyName="x", **{**TRANSFORMER, "policyDocument": "[%s]" + " " * 31_000}) == (
        "LimitExceededException",
        "Resource limit exceeded.",
    )
