"""Log groups, their streams, and what watches them."""

from __future__ import annotations

from typing import Any

from windtunnel.fabric import At, Deploy, Fault, Properties
from windtunnel.fabric.resource import camel, changed, deletes, picked

DETECTED = "AnomalyVisibilityTime DetectorName EvaluationFrequency FilterPattern KmsKeyId LogGroupArnList"


async def _create_group(at: At, properties: Properties) -> str:
    name = properties["LogGroupName"]
    members = camel(picked(properties, "LogGroupName KmsKeyId LogGroupClass DeletionProtectionEnabled"))
    await at.aws.logs.create_log_group({**members, "tags": at.tags(properties.get("Tags")) or None})
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
    arn = (await _told_group(at, id, new))["Arn"].removesuffix(":*")
    await at.retag(new, old, {"resourceArn": arn}, logs.tag_resource, logs.untag_resource, as_map=True, small=True)


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


async def _create_detector(at: At, properties: Properties) -> str:
    return str((await at.aws.logs.create_log_anomaly_detector(camel(picked(properties, DETECTED))))["anomalyDetectorArn"])


async def _update_detector(at: At, id: str, new: Properties, old: Properties) -> None:
    changes = camel(picked(new, "AnomalyVisibilityTime EvaluationFrequency FilterPattern"))
    await at.aws.logs.update_log_anomaly_detector({"anomalyDetectorArn": id, "enabled": True, **changes})


async def _told_detector(at: At, id: str, properties: Properties) -> dict[str, Any]:
    known = await at.aws.logs.get_log_anomaly_detector({"anomalyDetectorArn": id})
    told = "AnomalyDetectorStatus CreationTimeStamp LastModifiedTimeStamp"
    return {"AnomalyDetectorArn": id, **{name: known[f"{name[0].lower()}{name[1:]}"] for name in told.split()}}


GROUP = Deploy(
    properties="DataProtectionPolicy DeletionProtectionEnabled FieldIndexPolicies KmsKeyId LogGroupClass LogGroupName RetentionInDays Tags",
    create=_create_group,
    update=_update_group,
    delete=deletes("logs", "delete_log_group", "logGroupName"),
    attributes=_told_group,
    read=_read_group,
    replaced="LogGroupName LogGroupClass",
    name="LogGroupName",
    name_max=512,
    tagged=True,
)
STREAM = Deploy(
    properties="LogGroupName LogStreamName",
    required="LogGroupName",
    create=_create_stream,
    delete=_delete_stream,
    name="LogStreamName",
    name_max=512,
)
DETECTOR = Deploy(
    properties=f"AccountId {DETECTED}",
    create=_create_detector,
    update=_update_detector,
    delete=deletes("logs", "delete_log_anomaly_detector", "anomalyDetectorArn"),
    attributes=_told_detector,
    replaced="AccountId DetectorName KmsKeyId LogGroupArnList",
)
