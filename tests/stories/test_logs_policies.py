"""Stories of what stands beside the logs: resource policies and kept queries."""

from __future__ import annotations

import orjson

from tests.stories.here import BEGIN, Here
from tests.stories.refusals import refusal

NOW = int(BEGIN * 1000)
STATEMENT = {"Action": "logs:*", "Effect": "Allow", "Principal": {"Service": ["route53.amazonaws.com"]}, "Resource": "*"}
DOCUMENT = orjson.dumps({"Statement": [STATEMENT]}).decode()


def test_a_policy_is_kept_in_its_normal_form(here: Here) -> None:
    kept = {"policyName": "p", "lastUpdatedTime": NOW, "policyScope": "ACCOUNT"}
    assert here.logs.put_resource_policy(policyName="p", policyDocument=DOCUMENT) == {
        "resourcePolicy": {**kept, "policyDocument": DOCUMENT}
    }
    [policy] = here.logs.describe_resource_policies()["resourcePolicies"]
    assert {**policy, "policyDocument": orjson.loads(policy["policyDocument"])} == {
        **kept,
        "policyDocument": {"Version": "2008-10-17", "Statement": [{**STATEMENT, "Principal": {"Service": "route53.amazonaws.com"}}]},
    }
    here.logs.delete_resource_policy(policyName="p")
    assert refusal(here.logs.delete_resource_policy, policyName="p") == (
        "ResourceNotFoundException",
        "Policy with name [p] does not exist.",
    )


def test_ten_policies_are_enough_and_can_be_replaced(here: Here) -> None:
    for number in range(10):
        here.logs.put_resource_policy(policyName=str(number), policyDocument=DOCUMENT)
    here.logs.put_resource_policy(policyName="3", policyDocument=DOCUMENT)
    assert refusal(here.logs.put_resource_policy, policyName="x", policyDocument=DOCUMENT) == (
        "LimitExceededException",
        "Resource limit exceeded.",
    )


def test_a_query_is_kept_under_a_name_replaced_and_deleted(here: Here) -> None:
    kept = here.logs.put_query_definition(name="errors", queryString="fields @message", logGroupNames=["g"])["queryDefinitionId"]
    here.logs.put_query_definition(name="errors/new", queryString="stats count(*)", queryDefinitionId=kept)
    expected = {
        "queryDefinitionId": kept,
        "queryLanguage": "CWLI",
        "name": "errors/new",
        "queryString": "stats count(*)",
        "lastModified": NOW,
    }
    assert here.logs.describe_query_definitions(queryDefinitionNamePrefix="errors") == {"queryDefinitions": [expected]}
    assert here.logs.delete_query_definition(queryDefinitionId=kept) == {"success": True}
    assert refusal(here.logs.delete_query_definition, queryDefinitionId=kept)[0] == "ResourceNotFoundException"


def test_a_groups_policy_is_changed_by_who_knows_its_revision(here: Here) -> None:
    group, logs = "arn:aws:logs:us-east-1:000000000000:log-group:g", here.logs
    logs.create_log_group(logGroupName="g")
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}'
    first = logs.put_resource_policy(resourceArn=group, policyDocument=document)
    kept = {"policyDocument": document, "lastUpdatedTime": int(here.now * 1000), "policyScope": "RESOURCE", "resourceArn": group}
    assert first == {"resourcePolicy": {**kept, "revisionId": first["revisionId"]}, "revisionId": first["revisionId"]}
    aborted = ("OperationAbortedException", "The expectedRevisionId does not match the revision of the resource policy.")
    assert refusal(logs.put_resource_policy, resourceArn=group, policyDocument=document) == aborted
    second = logs.put_resource_policy(resourceArn=group, policyDocument=document, expectedRevisionId=first["revisionId"])
    assert logs.describe_resource_policies(resourceArn=group) == {"resourcePolicies": [second["resourcePolicy"]]}
    assert logs.describe_resource_policies(policyScope="RESOURCE") == {"resourcePolicies": [second["resourcePolicy"]]}
    assert logs.describe_resource_policies() == {"resourcePolicies": []}
    assert refusal(logs.delete_resource_policy, resourceArn=group, expectedRevisionId=first["revisionId"]) == aborted
    logs.delete_resource_policy(resourceArn=group, expectedRevisionId=second["revisionId"])
    none = ("ResourceNotFoundException", "The specified resource policy does not exist.")
    assert refusal(logs.delete_resource_policy, resourceArn=group) == none
    assert logs.describe_resource_policies(resourceArn=group) == {"resourcePolicies": []}
    missing = ("ResourceNotFoundException", "The specified log group does not exist.")
    assert refusal(logs.put_resource_policy, resourceArn=group + "2", policyDocument=document) == missing
