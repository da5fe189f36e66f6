"""How templates deploy log groups and what belongs to them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Logs.html
"""

from __future__ import annotations

from functools import partial
from typing import Any

from windtunnel.fabric import At, Deploy, Fault, Properties, Resource
from windtunnel.fabric.resource import camel, changed, picked
from windtunnel.services.logs.state import GROUPS


async def _create_group(at: At, properties: Properties) -> str:
    name = properties["LogGroupName"]
    given = {"kmsKeyId": properties.get("KmsKeyId"), "logGroupClass": properties.get("LogGroupClass")}
    deletion = {"deletionProtectionEnabled": properties.get("DeletionProtectionEnabled")}
    tags = {"tags": at.tags(properties.get("Tags")) or None}
    await at.aws.logs.create_log_group({"logGroupName": name, **given, **deletion, **tags})
    await at.made(name)
    await _set_group(at, name, properties, {})
    return str(name)


async def _set_group(at: At, id: str, new: Properties, old: Properties) -> None:
    logs, group = at.aws.logs, {"logGroupName": id}
    if changed(new, old, "RetentionInDays"):
        if "RetentionInDays" in new:
            await logs.put_retention_policy({**group, "retentionInDays": new["RetentionInDays"]})
        else:
            await logs.delete_retention_policy(group)
    if changed(new, old, "DataProtectionPolicy"):
        identified = {"logGroupIdentifier": id}
        if "DataProtectionPolicy" in new:
            await logs.put_data_protection_policy({**identified, "policyDocument": new["DataProtectionPolicy"]})
        else:
            await logs.delete_data_protection_policy(identified)
    policies: list[Any] = new.get("FieldIndexPolicies", [])
    for policy in policies if changed(new, old, "FieldIndexPolicies") else ():
        await logs.put_index_policy({"logGroupIdentifier": id, "policyDocument": policy})


async def _update_group(at: At, id: str, new: Properties, old: Properties) -> None:
    logs, group = at.aws.logs, {"logGroupName": id}
    if changed(new, old, "KmsKeyId"):
        if "KmsKeyId" in new:
            await logs.associate_kms_key({**group, "kmsKeyId": new["KmsKeyId"]})
        else:
            await logs.disassociate_kms_key(group)
    if changed(new, old, "DeletionProtectionEnabled"):
        enabled = new.get("DeletionProtectionEnabled", False)
        await logs.put_log_group_deletion_protection({"logGroupIdentifier": id, "deletionProtectionEnabled": enabled})
    await _set_group(at, id, new, old)
    await _set_tags(at, (await _told_group(at, id, new))["Arn"].removesuffix(":*"), new, old)


async def _set_tags(at: At, arn: str, new: Properties, old: Properties) -> None:
    added, removed = at.tag_changes(new.get("Tags"), old.get("Tags"))
    if added:
        await at.aws.logs.tag_resource({"resourceArn": arn, "tags": added})
    if removed:
        await at.aws.logs.untag_resource({"resourceArn": arn, "tagKeys": removed})


async def _delete_group(at: At, id: str, properties: Properties) -> None:
    await at.aws.logs.delete_log_group({"logGroupName": id})


async def _group(at: At, id: str) -> dict[str, Any]:
    found = (await at.aws.logs.describe_log_groups({"logGroupNamePrefix": id}))["logGroups"]
    group = next((group for group in found if group["logGroupName"] == id), None)
    if group is None:
        raise Fault("ResourceNotFoundException", "The specified log group does not exist.")
    return group


async def _told_group(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Arn": (await _group(at, id))["arn"]}


async def _read_group(at: At, id: str, properties: Properties) -> Properties:
    group = await _group(at, id)
    members = {"RetentionInDays": "retentionInDays", "KmsKeyId": "kmsKeyId"}
    return {**properties, **{name: group.get(member) for name, member in members.items() if name in properties}}


async def _create_stream(at: At, properties: Properties) -> str:
    await at.aws.logs.create_log_stream(camel(picked(properties, "LogGroupName LogStreamName")))
    return str(properties["LogStreamName"])


async def _delete_stream(at: At, id: str, properties: Properties) -> None:
    await at.aws.logs.delete_log_stream({"logGroupName": properties["LogGroupName"], "logStreamName": id})


async def _put(operation: str, id: str, at: At, properties: Properties) -> str:
    """What is put is there, whatever was there before."""
    await getattr(at.aws.logs, operation)(_request(properties))
    return str(properties[id])


async def _put_again(operation: str, at: At, id: str, new: Properties, old: Properties) -> None:
    await getattr(at.aws.logs, operation)(_request(new))


async def _remove(operation: str, members: str, at: At, id: str, properties: Properties) -> None:
    await getattr(at.aws.logs, operation)(camel(picked(properties, members)))


def _request(properties: Properties) -> dict[str, Any]:
    request = camel({name: value for name, value in properties.items() if name != "MetricTransformations"})
    transformations = [
        {**camel(each), "dimensions": {pair["Key"]: pair["Value"] for pair in each["Dimensions"]}} if "Dimensions" in each else camel(each)
        for each in properties.get("MetricTransformations", [])
    ]
    return {**request, "metricTransformations": transformations} if transformations else request


def _putting(properties: str, put: str, delete: str, id: str, required: str, replaced: str, members: str, **more: Any) -> Deploy:
    """What one operation writes and another removes. `members` are what the second needs."""
    return Deploy(
        properties=properties,
        required=required,
        replaced=replaced,
        create=partial(_put, put, id),
        update=partial(_put_again, put),
        delete=partial(_remove, delete, members),
        **more,
    )


async def _create_destination(at: At, properties: Properties) -> str:
    request = camel(picked(properties, "DestinationName RoleArn TargetArn"))
    await at.aws.logs.put_destination({**request, "tags": at.tags(properties.get("Tags")) or None})
    name = str(properties["DestinationName"])
    await at.made(name)
    await _set_access(at, name, properties)
    return name


async def _set_access(at: At, id: str, properties: Properties) -> None:
    if "DestinationPolicy" in properties:
        await at.aws.logs.put_destination_policy({"destinationName": id, "accessPolicy": properties["DestinationPolicy"]})


async def _update_destination(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.logs.put_destination(camel(picked(new, "DestinationName RoleArn TargetArn")))
    await _set_access(at, id, new)


async def _delete_destination(at: At, id: str, properties: Properties) -> None:
    await at.aws.logs.delete_destination({"destinationName": id})


async def _told_destination(at: At, id: str, properties: Properties) -> dict[str, Any]:
    found = (await at.aws.logs.describe_destinations({"DestinationNamePrefix": id}))["destinations"]
    return {"Arn": next(each["arn"] for each in found if each["destinationName"] == id)}


async def _create_definition(at: At, properties: Properties) -> str:
    return str((await at.aws.logs.put_query_definition(camel(properties)))["queryDefinitionId"])


async def _update_definition(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.logs.put_query_definition({**camel(new), "queryDefinitionId": id})


async def _delete_definition(at: At, id: str, properties: Properties) -> None:
    await at.aws.logs.delete_query_definition({"queryDefinitionId": id})


async def _told_definition(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"QueryDefinitionId": id}


async def _create_account_policy(at: At, properties: Properties) -> str:
    await at.aws.logs.put_account_policy(camel(properties))
    return f"{at.account}|{properties['PolicyType']}|{properties['PolicyName']}"


async def _told_account_policy(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"AccountId": at.account}


async def _told_vended(get: str, noun: str, at: At, id: str, properties: Properties) -> dict[str, Any]:
    found = (await getattr(at.aws.logs, get)({"id" if noun == "delivery" else "name": id}))[noun]
    return {f"{name[0].upper()}{name[1:]}": value for name, value in found.items() if isinstance(value, str)} | {"Arn": found["arn"]}


async def _create_source(at: At, properties: Properties) -> str:
    request = camel(picked(properties, "Name LogType ResourceArn"))
    await at.aws.logs.put_delivery_source({**request, "tags": at.tags(properties.get("Tags")) or None})
    return str(properties["Name"])


async def _update_source(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.logs.put_delivery_source(camel(picked(new, "Name LogType ResourceArn")))


async def _create_target(at: At, properties: Properties) -> str:
    name = str(properties["Name"])
    await _put_target(at, properties, at.tags(properties.get("Tags")))
    await at.made(name)
    await _set_target_policy(at, name, properties, {})
    return name


async def _put_target(at: At, properties: Properties, tags: dict[str, str] | None) -> None:
    request = camel(picked(properties, "Name OutputFormat DeliveryDestinationType"))
    if "DestinationResourceArn" in properties:
        request["deliveryDestinationConfiguration"] = {"destinationResourceArn": properties["DestinationResourceArn"]}
    await at.aws.logs.put_delivery_destination({**request, "tags": tags or None})


async def _set_target_policy(at: At, id: str, new: Properties, old: Properties) -> None:
    if changed(new, old, "DeliveryDestinationPolicy") and new.get("DeliveryDestinationPolicy"):
        policy = new["DeliveryDestinationPolicy"].get("DeliveryDestinationPolicy", new["DeliveryDestinationPolicy"])
        await at.aws.logs.put_delivery_destination_policy({"deliveryDestinationName": id, "deliveryDestinationPolicy": policy})


async def _update_target(at: At, id: str, new: Properties, old: Properties) -> None:
    await _put_target(at, new, None)
    await _set_target_policy(at, id, new, old)


async def _create_delivery(at: At, properties: Properties) -> str:
    request = camel(picked(properties, "DeliveryDestinationArn DeliverySourceName FieldDelimiter RecordFields"))
    bucket = {"suffixPath": properties.get("S3SuffixPath"), "enableHiveCompatiblePath": properties.get("S3EnableHiveCompatiblePath")}
    if any(value is not None for value in bucket.values()):
        request["s3DeliveryConfiguration"] = bucket
    made = await at.aws.logs.create_delivery({**request, "tags": at.tags(properties.get("Tags")) or None})
    return str(made["delivery"]["id"])


async def _update_delivery(at: At, id: str, new: Properties, old: Properties) -> None:
    request = camel(picked(new, "FieldDelimiter RecordFields"))
    bucket = {"suffixPath": new.get("S3SuffixPath"), "enableHiveCompatiblePath": new.get("S3EnableHiveCompatiblePath")}
    if any(value is not None for value in bucket.values()):
        request["s3DeliveryConfiguration"] = bucket
    await at.aws.logs.update_delivery_configuration({"id": id, **request})


async def _create_detector(at: At, properties: Properties) -> str:
    members = "AnomalyVisibilityTime DetectorName EvaluationFrequency FilterPattern KmsKeyId LogGroupArnList"
    made = await at.aws.logs.create_log_anomaly_detector(camel(picked(properties, members)))
    return str(made["anomalyDetectorArn"])


async def _update_detector(at: At, id: str, new: Properties, old: Properties) -> None:
    changes = camel(picked(new, "AnomalyVisibilityTime EvaluationFrequency FilterPattern"))
    await at.aws.logs.update_log_anomaly_detector({"anomalyDetectorArn": id, "enabled": True, **changes})


async def _delete_detector(at: At, id: str, properties: Properties) -> None:
    await at.aws.logs.delete_log_anomaly_detector({"anomalyDetectorArn": id})


async def _told_detector(at: At, id: str, properties: Properties) -> dict[str, Any]:
    known = await at.aws.logs.get_log_anomaly_detector({"anomalyDetectorArn": id})
    times = {name: known[name[0].lower() + name[1:]] for name in ("CreationTimeStamp", "LastModifiedTimeStamp")}  # pyright: ignore[reportGeneralTypeIssues]
    return {"AnomalyDetectorArn": id, "AnomalyDetectorStatus": known["anomalyDetectorStatus"], **times}


async def _delete_vended(operation: str, at: At, id: str, properties: Properties) -> None:
    await getattr(at.aws.logs, operation)({"id" if operation == "delete_delivery" else "name": id})


GROUP = Deploy(
    properties="DataProtectionPolicy DeletionProtectionEnabled FieldIndexPolicies KmsKeyId LogGroupClass LogGroupName RetentionInDays Tags",
    create=_create_group,
    update=_update_group,
    delete=_delete_group,
    attributes=_told_group,
    read=_read_group,
    replaced="LogGroupName LogGroupClass",
    name="LogGroupName",
    name_max=512,
    tagged=True,
)
RESOURCES = (
    Resource("AWS::Logs::LogGroup", GROUPS, "arn:aws:logs:{region}:{account}:log-group:{0}", GROUP),
    Resource(
        "AWS::Logs::LogAnomalyDetector",
        deploy=Deploy(
            properties="AccountId AnomalyVisibilityTime DetectorName EvaluationFrequency FilterPattern KmsKeyId LogGroupArnList",
            create=_create_detector,
            update=_update_detector,
            delete=_delete_detector,
            attributes=_told_detector,
            replaced="AccountId DetectorName KmsKeyId LogGroupArnList",
        ),
    ),
    Resource(
        "AWS::Logs::LogStream",
        deploy=Deploy(
            properties="LogGroupName LogStreamName",
            required="LogGroupName",
            create=_create_stream,
            delete=_delete_stream,
            name="LogStreamName",
            name_max=512,
        ),
    ),
    Resource(
        "AWS::Logs::MetricFilter",
        deploy=_putting(
            "ApplyOnTransformedLogs EmitSystemFieldDimensions FieldSelectionCriteria FilterName FilterPattern LogGroupName"
            " MetricTransformations",
            "put_metric_filter",
            "delete_metric_filter",
            "FilterName",
            "FilterPattern LogGroupName MetricTransformations",
            "FilterName LogGroupName",
            "FilterName LogGroupName",
            name="FilterName",
            name_max=512,
        ),
    ),
    Resource(
        "AWS::Logs::SubscriptionFilter",
        deploy=_putting(
            "ApplyOnTransformedLogs DestinationArn Distribution EmitSystemFields FieldSelectionCriteria FilterName FilterPattern"
            " LogGroupName RoleArn",
            "put_subscription_filter",
            "delete_subscription_filter",
            "FilterName",
            "DestinationArn FilterPattern LogGroupName",
            "FilterName LogGroupName",
            "FilterName LogGroupName",
            name="FilterName",
            name_max=512,
        ),
    ),
    Resource(
        "AWS::Logs::ResourcePolicy",
        deploy=_putting(
            "PolicyDocument PolicyName ResourceArn",
            "put_resource_policy",
            "delete_resource_policy",
            "PolicyName",
            "PolicyDocument PolicyName",
            "PolicyName ResourceArn",
            "PolicyName ResourceArn",
        ),
    ),
    Resource(
        "AWS::Logs::Transformer",
        deploy=_putting(
            "LogGroupIdentifier TransformerConfig",
            "put_transformer",
            "delete_transformer",
            "LogGroupIdentifier",
            "LogGroupIdentifier TransformerConfig",
            "LogGroupIdentifier",
            "LogGroupIdentifier",
        ),
    ),
    Resource(
        "AWS::Logs::Destination",
        deploy=Deploy(
            properties="DestinationName DestinationPolicy RoleArn Tags TargetArn",
            required="DestinationName RoleArn TargetArn",
            replaced="DestinationName",
            create=_create_destination,
            update=_update_destination,
            delete=_delete_destination,
            attributes=_told_destination,
        ),
    ),
    Resource(
        "AWS::Logs::QueryDefinition",
        deploy=Deploy(
            properties="LogGroupNames Name Parameters QueryLanguage QueryString",
            required="Name QueryString",
            create=_create_definition,
            update=_update_definition,
            delete=_delete_definition,
            attributes=_told_definition,
        ),
    ),
    Resource(
        "AWS::Logs::AccountPolicy",
        deploy=Deploy(
            properties="PolicyDocument PolicyName PolicyType Scope SelectionCriteria",
            required="PolicyDocument PolicyName PolicyType",
            replaced="PolicyName PolicyType",
            create=_create_account_policy,
            update=partial(_put_again, "put_account_policy"),
            delete=partial(_remove, "delete_account_policy", "PolicyName PolicyType"),
            attributes=_told_account_policy,
        ),
    ),
    Resource(
        "AWS::Logs::DeliverySource",
        deploy=Deploy(
            properties="LogType Name ResourceArn Tags",
            required="Name",
            replaced="Name",
            create=_create_source,
            update=_update_source,
            delete=partial(_delete_vended, "delete_delivery_source"),
            attributes=partial(_told_vended, "get_delivery_source", "deliverySource"),
        ),
    ),
    Resource(
        "AWS::Logs::DeliveryDestination",
        deploy=Deploy(
            properties="DeliveryDestinationPolicy DeliveryDestinationType DestinationResourceArn Name OutputFormat Tags",
            required="Name",
            replaced="DestinationResourceArn Name",
            create=_create_target,
            update=_update_target,
            delete=partial(_delete_vended, "delete_delivery_destination"),
            attributes=partial(_told_vended, "get_delivery_destination", "deliveryDestination"),
        ),
    ),
    Resource(
        "AWS::Logs::Delivery",
        deploy=Deploy(
            properties="DeliveryDestinationArn DeliverySourceName FieldDelimiter RecordFields S3EnableHiveCompatiblePath S3SuffixPath Tags",
            required="DeliveryDestinationArn DeliverySourceName",
            replaced="DeliveryDestinationArn DeliverySourceName",
            create=_create_delivery,
            update=_update_delivery,
            delete=partial(_delete_vended, "delete_delivery"),
            attributes=partial(_told_vended, "get_delivery", "delivery"),
        ),
    ),
)
