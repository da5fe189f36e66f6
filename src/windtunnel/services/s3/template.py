"""A bucket's settings as templates write them, in the form that the API takes.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_BIG = re.compile(r"(?<=[a-z])(?=[A-Z])")


def acl_of(name: str) -> str:
    """`PublicRead` is public-read."""
    return _BIG.sub("-", name).lower()


def renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): item for name, item in value.items()}


def encryption_of(value: Mapping[str, Any]) -> dict[str, Any]:
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {"Rules": [renamed(rule, names) for rule in value["ServerSideEncryptionConfiguration"]]}


def cors_of(value: Mapping[str, Any]) -> dict[str, Any]:
    names = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
    return {"CORSRules": [renamed(rule, names) for rule in value["CorsRules"]]}


def logging_of(value: Mapping[str, Any]) -> dict[str, Any]:
    told = {"TargetPrefix": value.get("LogFilePrefix", ""), "TargetObjectKeyFormat": value.get("TargetObjectKeyFormat")}
    return {"LoggingEnabled": {**told, "TargetBucket": value["DestinationBucketName"]}} if "DestinationBucketName" in value else {}


def locks_of(value: Mapping[str, Any]) -> dict[str, Any]:
    return dict(value)


def website_of(value: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value[name] for name in ("RedirectAllRequestsTo",) if name in value}
    if "IndexDocument" in value:
        found["IndexDocument"] = {"Suffix": value["IndexDocument"]}
    if "ErrorDocument" in value:
        found["ErrorDocument"] = {"Key": value["ErrorDocument"]}
    if "RoutingRules" in value:
        names = {"RedirectRule": "Redirect", "RoutingRuleCondition": "Condition"}
        found["RoutingRules"] = [renamed(rule, names) for rule in value["RoutingRules"]]
    return found


def notifications_of(value: Mapping[str, Any]) -> dict[str, Any]:
    kinds = (
        ("LambdaConfigurations", "LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
        ("QueueConfigurations", "QueueConfigurations", "Queue", "QueueArn"),
        ("TopicConfigurations", "TopicConfigurations", "Topic", "TopicArn"),
    )
    found: dict[str, Any] = {}
    for theirs, ours, target, arn in kinds:
        if theirs in value:
            found[ours] = [{arn: each[target], "Events": [each["Event"]], **_key_filter(each)} for each in value[theirs]]
    if value.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled", False) in (True, "true"):
        found["EventBridgeConfiguration"] = {}
    return found


def _key_filter(each: Mapping[str, Any]) -> dict[str, Any]:
    return {"Filter": {"Key": {"FilterRules": each["Filter"]["S3Key"]["Rules"]}}} if "Filter" in each else {}


def _filter(rule: Mapping[str, Any], prefix: str = "Prefix") -> dict[str, Any]:
    """Conditions of a rule; several are an And."""
    parts: dict[str, Any] = {name: rule[name] for name in (prefix, "ObjectSizeGreaterThan", "ObjectSizeLessThan") if name in rule}
    tags = rule.get("TagFilters", [])
    if not tags:
        return parts if len(parts) == 1 else {"And": parts} if parts else {"Prefix": ""}
    if not parts and len(tags) == 1:
        return {"Tag": tags[0]}
    return {"And": {**parts, "Tags": tags}}


def lifecycle_of(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"Rules": [_rule(rule) for rule in value["Rules"]]}


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"Status": rule["Status"], "Filter": _filter(rule)}
    if "Id" in rule:
        found["ID"] = rule["Id"]
    expiration = {
        "Days": rule.get("ExpirationInDays"),
        "Date": rule.get("ExpirationDate"),
        "ExpiredObjectDeleteMarker": rule.get("ExpiredObjectDeleteMarker"),
    }
    if any(each is not None for each in expiration.values()):
        found["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in rule:
        found["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    if "NoncurrentVersionExpiration" in rule:
        found["NoncurrentVersionExpiration"] = rule["NoncurrentVersionExpiration"]
    days = {"TransitionInDays": "Days", "TransitionDate": "Date"}
    if transitions := [*rule.get("Transitions", []), *([rule["Transition"]] if "Transition" in rule else [])]:
        found["Transitions"] = [renamed(each, days) for each in transitions]
    old = {"TransitionInDays": "NoncurrentDays"}
    one = [rule["NoncurrentVersionTransition"]] if "NoncurrentVersionTransition" in rule else []
    if transitions := [*rule.get("NoncurrentVersionTransitions", []), *one]:
        found["NoncurrentVersionTransitions"] = [renamed(each, old) for each in transitions]
    if "AbortIncompleteMultipartUpload" in rule:
        found["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
    return found


def replication_of(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"Role": value["Role"], "Rules": [renamed(rule, {"Id": "ID"}) for rule in value["Rules"]]}


def listed_of(noun: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """One of a list of configurations with ids, under the member that its operation takes."""
    given = {name: item for name, item in value.items() if name not in ("Prefix", "TagFilters", "AccessPointArn")}
    if noun == "intelligent_tiering":
        return {"IntelligentTieringConfiguration": {**given, **_filtered(value)}}
    if noun == "inventory":
        destination = renamed(value["Destination"], {"BucketArn": "Bucket", "BucketAccountId": "AccountId"})
        prefix = {"Filter": {"Prefix": value["Prefix"]}} if "Prefix" in value else {}
        schedule = {"Schedule": {"Frequency": value["ScheduleFrequency"]}}
        rest = {name: item for name, item in given.items() if name not in ("Enabled", "ScheduleFrequency")}
        rest["IsEnabled"] = value["Enabled"]
        return {"InventoryConfiguration": {**rest, **prefix, **schedule, "Destination": {"S3BucketDestination": destination}}}
    if noun == "analytics":
        return {"AnalyticsConfiguration": {**given, **_filtered(value), "StorageClassAnalysis": _analysis(value["StorageClassAnalysis"])}}
    return {"MetricsConfiguration": {**given, **_filtered(value)}}


def _filtered(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"Filter": _filter(value)} if "Prefix" in value or "TagFilters" in value else {}


def _analysis(value: Mapping[str, Any]) -> dict[str, Any]:
    if "DataExport" not in value:
        return {}
    destination = renamed(value["DataExport"]["Destination"], {"BucketArn": "Bucket"})
    export = {"OutputSchemaVersion": value["DataExport"]["OutputSchemaVersion"], "Destination": {"S3BucketDestination": destination}}
    return {"DataExport": export}
