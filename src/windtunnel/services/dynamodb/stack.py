"""How templates deploy tables, in one region and in several.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_DynamoDB.html
"""

from __future__ import annotations

from typing import Any

from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import changed, picked
from windtunnel.services.dynamodb.state import TABLES

NAME_CHARACTERS_MAX = 255
CREATED = (
    "AttributeDefinitions BillingMode DeletionProtectionEnabled KeySchema LocalSecondaryIndexes OnDemandThroughput ProvisionedThroughput"
    " TableClass TableName WarmThroughput"
)
SETTINGS = "ContributorInsightsSpecification KinesisStreamSpecification PointInTimeRecoverySpecification TimeToLiveSpecification"
INDEX = "IndexName KeySchema OnDemandThroughput Projection ProvisionedThroughput WarmThroughput"
Settings = tuple[tuple[str, Properties, Properties], ...]


async def _create(at: At, properties: Properties) -> str:
    name = str(properties["TableName"])
    await at.aws.dynamodb.create_table({**_request(properties), "Tags": at.tag_list(properties.get("Tags"))})
    await at.made(name)
    await _set(at, name, properties, {})
    return name


def _request(properties: Properties) -> dict[str, Any]:
    """What CreateTable takes of a table's properties."""
    request: dict[str, Any] = picked(properties, CREATED)
    indexes = properties.get("GlobalSecondaryIndexes")
    if indexes:
        request["GlobalSecondaryIndexes"] = [picked(index, INDEX) for index in indexes]
    request["SSESpecification"] = _sse(properties)
    stream = properties.get("StreamSpecification")
    if stream:
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["StreamViewType"]}
    policy = properties.get("ResourcePolicy")
    if policy:
        request["ResourcePolicy"] = policy["PolicyDocument"]
    return request


def _sse(properties: Properties) -> dict[str, Any] | None:
    given = properties.get("SSESpecification")
    if not given:
        return None
    return {"Enabled": given["SSEEnabled"], "SSEType": given.get("SSEType"), "KMSMasterKeyId": given.get("KMSMasterKeyId")}


async def _set(at: At, name: str, new: Properties, old: Properties) -> None:
    """What is set of a table beside its schema, as far as it differs."""
    api = at.aws.dynamodb
    if changed(new, old, "TimeToLiveSpecification"):
        await _set_ttl(at, name, _of(new, "TimeToLiveSpecification"), _of(old, "TimeToLiveSpecification"))
    if changed(new, old, "PointInTimeRecoverySpecification"):
        given = new.get("PointInTimeRecoverySpecification") or {"PointInTimeRecoveryEnabled": False}
        await api.update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": given})
    if changed(new, old, "KinesisStreamSpecification"):
        before, after = old.get("KinesisStreamSpecification"), new.get("KinesisStreamSpecification")
        if before:
            await api.disable_kinesis_streaming_destination({"TableName": name, "StreamArn": before["StreamArn"]})
        if after:
            precision = picked(after, "ApproximateCreationDateTimePrecision")
            request = {"TableName": name, "StreamArn": after["StreamArn"], "EnableKinesisStreamingConfiguration": precision or None}
            await api.enable_kinesis_streaming_destination(request)
    for index, after, before in _insights(new, old):
        action = "ENABLE" if str(after.get("Enabled")).lower() == "true" else "DISABLE"
        if after != before and (before or action == "ENABLE"):
            request = {"TableName": name, "IndexName": index or None, "ContributorInsightsAction": action}
            await api.update_contributor_insights({**request, "ContributorInsightsMode": after.get("Mode")})


def _insights(new: Properties, old: Properties) -> Settings:
    """The Contributor Insights of a table ("") and of each of its indexes: as they are to be, and as they were."""
    member = "ContributorInsightsSpecification"

    def of(properties: Properties) -> dict[str, Properties]:
        indexes = {index["IndexName"]: _of(index, member) for index in properties.get("GlobalSecondaryIndexes") or ()}
        return {"": _of(properties, member), **indexes}

    before, after = of(old), of(new)
    return tuple((index, given, before.get(index, {})) for index, given in after.items())


async def _set_ttl(at: At, name: str, new: Properties, old: Properties) -> None:
    enabled, was = (str(given.get("Enabled")).lower() == "true" for given in (new, old))
    update = at.aws.dynamodb.update_time_to_live
    if was and (not enabled or new["AttributeName"] != old["AttributeName"]):
        await update({"TableName": name, "TimeToLiveSpecification": {"Enabled": False, "AttributeName": old["AttributeName"]}})
        was = False
    if enabled and not was:
        await update({"TableName": name, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": new["AttributeName"]}})


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    update = at.aws.dynamodb.update_table
    for request in _updates(new, old):
        await update({"TableName": id, **request})
    if changed(new, old, "ResourcePolicy"):
        arn = await _arn(at, id)
        if new.get("ResourcePolicy"):
            await at.aws.dynamodb.put_resource_policy({"ResourceArn": arn, "Policy": new["ResourcePolicy"]["PolicyDocument"]})
        else:
            await at.aws.dynamodb.delete_resource_policy({"ResourceArn": arn})
    await _set(at, id, new, old)
    await at.retag(new, old, {"ResourceArn": await _arn(at, id)}, at.aws.dynamodb.tag_resource, at.aws.dynamodb.untag_resource)


def _updates(new: Properties, old: Properties) -> list[dict[str, Any]]:
    """The changes of a table, each as a request of its own: most can't be made together."""
    requests: list[dict[str, Any]] = []
    if changed(new, old, "BillingMode", "ProvisionedThroughput", "OnDemandThroughput"):
        requests.append(picked(new, "BillingMode ProvisionedThroughput OnDemandThroughput"))
    defined = picked(new, "AttributeDefinitions")
    before = {index["IndexName"]: index for index in old.get("GlobalSecondaryIndexes") or ()}
    after = {index["IndexName"]: index for index in new.get("GlobalSecondaryIndexes") or ()}
    for name, index in before.items():
        if name not in after or changed(after[name], index, "KeySchema", "Projection"):
            requests.append({"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]})
    for name, index in after.items():
        if name not in before or changed(index, before[name], "KeySchema", "Projection"):
            requests.append({**defined, "GlobalSecondaryIndexUpdates": [{"Create": picked(index, INDEX)}]})
        elif changed(index, before[name], "ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput"):
            given = picked(index, "IndexName ProvisionedThroughput OnDemandThroughput WarmThroughput")
            requests.append({"GlobalSecondaryIndexUpdates": [{"Update": given}]})
    if changed(new, old, "StreamSpecification"):
        if old.get("StreamSpecification"):
            requests.append({"StreamSpecification": {"StreamEnabled": False}})
        if new.get("StreamSpecification"):
            view = new["StreamSpecification"]["StreamViewType"]
            requests.append({"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}})
    if changed(new, old, "SSESpecification"):
        requests.append({"SSESpecification": _sse(new) or {"Enabled": False}})
    if changed(new, old, "DeletionProtectionEnabled"):
        requests.append({"DeletionProtectionEnabled": new.get("DeletionProtectionEnabled", False)})
    if changed(new, old, "TableClass"):
        requests.append({"TableClass": new.get("TableClass", "STANDARD")})
    if changed(new, old, "WarmThroughput") and new.get("WarmThroughput"):
        requests.append(picked(new, "WarmThroughput"))
    return requests


async def _delete(at: At, id: str, properties: Properties) -> None:
    await at.aws.dynamodb.delete_table({"TableName": id})


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    table = (await at.aws.dynamodb.describe_table({"TableName": id}))["Table"]
    told = {"Arn": table["TableArn"], "TableId": table["TableId"]}
    return {**told, "StreamArn": table["LatestStreamArn"]} if "StreamSpecification" in table else told


async def _arn(at: At, id: str) -> str:
    return str((await at.aws.dynamodb.describe_table({"TableName": id}))["Table"]["TableArn"])


def _local(at: At, properties: Properties, region: str = "") -> Properties:
    """A global table's properties as those of its replica in a region."""
    replica = _replica(properties, region or at.region)
    shared = {name: value for name, value in properties.items() if name != "Replicas"}
    own = picked(replica, f"{SETTINGS} DeletionProtectionEnabled ResourcePolicy TableClass Tags")
    if properties.get("SSESpecification"):
        own["SSESpecification"] = {**properties["SSESpecification"], **_of(replica, "SSESpecification")}
    return {**shared, **own}


def _replica(properties: Properties, region: str) -> Properties:
    found: list[Properties] = [one for one in properties.get("Replicas") or () if one["Region"] == region]
    return found[0] if found else {}


def _of(properties: Properties, name: str) -> Properties:
    """A property that has properties itself, empty where it isn't given."""
    return properties.get(name) or {}


def _regions(properties: Properties) -> list[str]:
    return [str(replica["Region"]) for replica in properties.get("Replicas") or ()]


async def _create_global(at: At, properties: Properties) -> str:
    name = await _create(at, _local(at, properties))
    for region in _regions(properties):
        if region != at.region:
            await _add_replica(at, name, properties, region)
    return name


async def _add_replica(at: At, name: str, properties: Properties, region: str) -> None:
    replica = _replica(properties, region)
    action: dict[str, Any] = {"RegionName": region, "TableClassOverride": replica.get("TableClass")}
    action["KMSMasterKeyId"] = _of(replica, "SSESpecification").get("KMSMasterKeyId")
    await at.aws.dynamodb.update_table({"TableName": name, "ReplicaUpdates": [{"Create": action}]})
    own = _local(at, properties, region)
    await _set(at.elsewhere(region), name, {**own, "TimeToLiveSpecification": None}, {"TimeToLiveSpecification": None})


async def _update_global(at: At, id: str, new: Properties, old: Properties) -> None:
    before, after = _regions(old), _regions(new)
    for region in before:
        if region not in after:
            await at.aws.dynamodb.update_table({"TableName": id, "ReplicaUpdates": [{"Delete": {"RegionName": region}}]})
    await _update(at, id, _local(at, new), _local(at, old))
    for region in after:
        if region in before and region != at.region:
            mine, was = (picked(_local(at, one, region), SETTINGS.replace("TimeToLiveSpecification", "")) for one in (new, old))
            await _set(at.elsewhere(region), id, mine, was)
        elif region not in before:
            await _add_replica(at, id, new, region)


async def _delete_global(at: At, id: str, properties: Properties) -> None:
    for region in _regions(properties):
        if region != at.region:
            await at.elsewhere(region).aws.dynamodb.delete_table({"TableName": id})
    await _delete(at, id, properties)


RESOURCES = (
    Resource(
        "AWS::DynamoDB::Table",
        TABLES,
        "arn:aws:dynamodb:{region}:{account}:table/{0}",
        Deploy(
            properties=f"{CREATED} {SETTINGS} GlobalSecondaryIndexes ResourcePolicy SSESpecification StreamSpecification Tags",
            required="KeySchema",
            replaced="KeySchema LocalSecondaryIndexes TableName",
            name="TableName",
            name_max=NAME_CHARACTERS_MAX,
            create=_create,
            update=_update,
            delete=_delete,
            attributes=_told,
            tagged=True,
            marked=False,
        ),
    ),
    Resource(
        "AWS::DynamoDB::GlobalTable",
        deploy=Deploy(
            properties=(
                "AttributeDefinitions BillingMode GlobalSecondaryIndexes KeySchema LocalSecondaryIndexes Replicas SSESpecification"
                " StreamSpecification TableName TimeToLiveSpecification WarmThroughput"
            ),
            required="AttributeDefinitions KeySchema Replicas",
            replaced="KeySchema LocalSecondaryIndexes TableName",
            name="TableName",
            name_max=NAME_CHARACTERS_MAX,
            create=_create_global,
            update=_update_global,
            delete=_delete_global,
            attributes=_told,
        ),
    ),
)
