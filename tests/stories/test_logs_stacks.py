"""Templates deploy log groups and all that belongs to them."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.here import ACCOUNT, Here
from tests.stories.test_cloudformation_stacks import create, status

LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}"
STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"
DISTRIBUTION = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1Q5F5862X9VJ5"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
POLICY: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}
OUTPUTS = {
    "Group": "Arn",
    "Elsewhere": "Arn",
    "Account": "AccountId",
    "Detector": "AnomalyDetectorStatus",
    "Source": "Service",
    "Target": "DeliveryDestinationType",
    "Delivery": "DeliveryDestinationType",
}


def template(word: str, days: int) -> str:
    """All kinds of resources, with this word wherever an update changes one."""
    tags = [{"Key": "word", "Value": word}]
    dimensions = [{"Key": "code", "Value": f"$.{word}"}]
    transformation = {"MetricName": "m", "MetricNamespace": "n", "MetricValue": "1", "Dimensions": dimensions}
    of_group = {"LogGroupName": {"Ref": "Group"}, "FilterPattern": f"{{ $.{word} = 1 }}"}
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "Group": ("LogGroup", {"LogGroupName": "g", "RetentionInDays": days, "Tags": tags}),
        "Lines": ("LogStream", {"LogGroupName": {"Ref": "Group"}, "LogStreamName": "lines"}),
        "Metric": ("MetricFilter", {**of_group, "FilterName": "metric", "MetricTransformations": [transformation]}),
        "Filter": ("SubscriptionFilter", {**of_group, "FilterName": "f", "DestinationArn": STREAM, "RoleArn": ROLE}),
        "Resources": ("ResourcePolicy", {"PolicyName": "p", "PolicyDocument": json.dumps({**POLICY, "Id": word})}),
        "Columns": ("Transformer", {"LogGroupIdentifier": {"Ref": "Group"}, "TransformerConfig": [{"Csv": {"Columns": [word]}}]}),
        "Account": (
            "AccountPolicy",
            {
                "PolicyName": "a",
                "PolicyType": "FIELD_INDEX_POLICY",
                "PolicyDocument": json.dumps({"Fields": [word]}),
                "SelectionCriteria": 'LogGroupNamePrefix IN ["app"]',
            },
        ),
        "Elsewhere": (
            "Destination",
            {
                "DestinationName": "d",
                "TargetArn": STREAM,
                "RoleArn": ROLE,
                "DestinationPolicy": json.dumps({**POLICY, "Id": word}),
                "Tags": tags,
            },
        ),
        "Query": ("QueryDefinition", {"Name": "q", "QueryString": f"fields {word}", "LogGroupNames": [{"Ref": "Group"}]}),
        "Detector": ("LogAnomalyDetector", {"DetectorName": "o", "LogGroupArnList": [f"{LOGS}:log-group:g"], "FilterPattern": word}),
        "Source": ("DeliverySource", {"Name": "source", "ResourceArn": DISTRIBUTION, "LogType": "ACCESS_LOGS", "Tags": tags}),
        "Target": (
            "DeliveryDestination",
            {
                "Name": "target",
                "DestinationResourceArn": "arn:aws:s3:::bucket",
                "OutputFormat": "json",
                "DeliveryDestinationPolicy": {"DeliveryDestinationName": "target", "DeliveryDestinationPolicy": {**POLICY, "Id": word}},
            },
        ),
        "Delivery": (
            "Delivery",
            {
                "DeliverySourceName": {"Ref": "Source"},
                "DeliveryDestinationArn": {"Fn::GetAtt": ["Target", "Arn"]},
                "S3SuffixPath": word,
                "Tags": tags,
            },
        ),
    }
    resources = {name: {"Type": f"AWS::Logs::{kind}", "Properties": properties} for name, (kind, properties) in kinds.items()}
    resources["Detector"]["DependsOn"] = "Group"
    return json.dumps(
        {"Resources": resources, "Outputs": {name: {"Value": {"Fn::GetAtt": [name, shown]}} for name, shown in OUTPUTS.items()}}
    )


def shown(logs: Any) -> dict[str, Any]:
    """What an update changes of each, as far as there are any."""
    groups = logs.describe_log_groups()["logGroups"]
    metrics = logs.describe_metric_filters()["metricFilters"]
    found = {
        "retention": [one["retentionInDays"] for one in groups],
        "tags": [logs.list_tags_for_resource(resourceArn=f"{LOGS}:log-group:g")["tags"] for _ in groups],
        "metric": [(one["filterPattern"], one["metricTransformations"][0]["dimensions"]) for one in metrics],
        "filter": [
            filter["filterPattern"]
            for _ in groups
            for filter in logs.describe_subscription_filters(logGroupName="g")["subscriptionFilters"]
        ],
        "resources": [json.loads(one["policyDocument"])["Id"] for one in logs.describe_resource_policies()["resourcePolicies"]],
        "columns": [logs.get_transformer(logGroupIdentifier="g")["transformerConfig"] for _ in groups],
        "account": [one["policyDocument"] for one in logs.describe_account_policies(policyType="FIELD_INDEX_POLICY")["accountPolicies"]],
        "elsewhere": [json.loads(one["accessPolicy"])["Id"] for one in logs.describe_destinations()["destinations"]],
        "query": [one["queryString"] for one in logs.describe_query_definitions()["queryDefinitions"]],
        "detector": [one["filterPattern"] for one in logs.list_log_anomaly_detectors()["anomalyDetectors"]],
        "source": [one["logType"] for one in logs.describe_delivery_sources()["deliverySources"]],
        "target": [
            json.loads(logs.get_delivery_destination_policy(deliveryDestinationName=one["name"])["policy"]["deliveryDestinationPolicy"])[
                "Id"
            ]
            for one in logs.describe_delivery_destinations()["deliveryDestinations"]
        ],
        "delivery": [one["s3DeliveryConfiguration"]["suffixPath"] for one in logs.describe_deliveries()["deliveries"]],
    }
    return {name: values for name, values in found.items() if values}


def expected(word: str, days: int) -> dict[str, Any]:
    return {
        "retention": [days],
        "tags": [{"word": word}],
        "metric": [(f"{{ $.{word} = 1 }}", {"code": f"$.{word}"})],
        "filter": [f"{{ $.{word} = 1 }}"],
        "resources": [word],
        "columns": [[{"csv": {"columns": [word]}}]],
        "account": [json.dumps({"Fields": [word]})],
        "elsewhere": [word],
        "query": [f"fields {word}"],
        "detector": [word],
        "source": ["ACCESS_LOGS"],
        "target": [word],
        "delivery": [word],
    }


def test_a_template_makes_changes_and_removes_what_logs_need(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    here.jump(60)
    create(here, "app", template("one", 7))
    assert status(here, "app") == ("CREATE_COMPLETE", "")
    (stack,) = here.cloudformation.describe_stacks(StackName="app")["Stacks"]
    assert {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]} == {
        "Group": f"{LOGS}:log-group:g:*",
        "Elsewhere": f"{LOGS}:destination:d",
        "Account": ACCOUNT,
        "Detector": "TRAINING",
        "Source": "cloudfront",
        "Target": "S3",
        "Delivery": "S3",
    }
    assert shown(here.logs) == expected("one", 7)
    here.cloudformation.update_stack(StackName="app", TemplateBody=template("two", 14))
    here.rest()
    assert status(here, "app") == ("UPDATE_COMPLETE", "")
    assert shown(here.logs) == expected("two", 14)
    here.cloudformation.delete_stack(StackName="app")
    here.rest()
    assert shown(here.logs) == {}
