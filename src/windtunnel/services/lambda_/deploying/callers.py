"""Who may call a function, and what calls it, from templates: permissions, event sources, URLs and the settings of events."""

from __future__ import annotations

from typing import Any

from windtunnel.fabric import At, Deploy, Properties
from windtunnel.fabric.resource import changed, picked

PERMITTED = (
    "Action EventSourceToken FunctionName FunctionUrlAuthType InvokedViaFunctionUrl Principal PrincipalOrgID SourceAccount SourceArn"
)
MAPPED = (
    "AmazonManagedKafkaEventSourceConfig BatchSize BisectBatchOnFunctionError DestinationConfig DocumentDBEventSourceConfig Enabled"
    " EventSourceArn FilterCriteria FunctionName FunctionResponseTypes KmsKeyArn LoggingConfig MaximumBatchingWindowInSeconds"
    " MaximumRecordAgeInSeconds MaximumRetryAttempts MetricsConfig ParallelizationFactor ProvisionedPollerConfig Queues ScalingConfig"
    " SelfManagedEventSource SelfManagedKafkaEventSourceConfig SourceAccessConfigurations StartingPosition StartingPositionTimestamp Topics"
    " TumblingWindowInSeconds"
)
FIXED = "EventSourceArn SelfManagedEventSource StartingPosition StartingPositionTimestamp"


async def _create_permission(at: At, properties: Properties) -> str:
    statement = at.name(100)
    await at.aws.lambda_.add_permission({**picked(properties, PERMITTED), "StatementId": statement})
    return statement


async def _delete_permission(at: At, id: str, properties: Properties) -> None:
    await at.aws.lambda_.remove_permission({"FunctionName": properties["FunctionName"], "StatementId": id})


async def _told_permission(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Id": id}


async def _create_mapping(at: At, properties: Properties) -> str:
    request = {**picked(properties, MAPPED), "Tags": at.tags(properties.get("Tags")) or None}
    return str((await at.aws.lambda_.create_event_source_mapping(request))["UUID"])


async def _update_mapping(at: At, id: str, new: Properties, old: Properties) -> None:
    request = {name: value for name, value in picked(new, MAPPED).items() if name not in FIXED.split()}
    removed: dict[str, Any] = {"FilterCriteria": {}} if "FilterCriteria" in old and "FilterCriteria" not in new else {}
    if changed(new, old, *MAPPED.split()):
        await at.aws.lambda_.update_event_source_mapping({"UUID": id, **request, **removed})
    arn = (await _told_mapping(at, id, new))["EventSourceMappingArn"]
    await at.retag(new, old, {"Resource": arn}, at.aws.lambda_.tag_resource, at.aws.lambda_.untag_resource, as_map=True)


async def _delete_mapping(at: At, id: str, properties: Properties) -> None:
    await at.aws.lambda_.delete_event_source_mapping({"UUID": id})


async def _told_mapping(at: At, id: str, properties: Properties) -> dict[str, Any]:
    arn = (await at.aws.lambda_.get_event_source_mapping({"UUID": id}))["EventSourceMappingArn"]
    return {"Arn": arn, "EventSourceMappingArn": arn, "Id": id}


def _address(properties: Properties) -> dict[str, Any]:
    given = {"FunctionName": properties["TargetFunctionArn"]}
    return {**given, "Qualifier": properties["Qualifier"]} if "Qualifier" in properties else given


async def _create_url(at: At, properties: Properties) -> str:
    made = await at.aws.lambda_.create_function_url_config({**_address(properties), **picked(properties, "AuthType Cors InvokeMode")})
    return str(made["FunctionArn"])


async def _update_url(at: At, id: str, new: Properties, old: Properties) -> None:
    settings: dict[str, Any] = {"Cors": {}, "InvokeMode": "BUFFERED", **picked(new, "AuthType Cors InvokeMode")}
    await at.aws.lambda_.update_function_url_config({**_address(new), **settings})


async def _delete_url(at: At, id: str, properties: Properties) -> None:
    await at.aws.lambda_.delete_function_url_config(_address(properties))


async def _told_url(at: At, id: str, properties: Properties) -> dict[str, Any]:
    known = await at.aws.lambda_.get_function_url_config(_address(properties))
    return {"FunctionArn": known["FunctionArn"], "FunctionUrl": known["FunctionUrl"]}


SENT = "DestinationConfig FunctionName MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier"


async def _create_events(at: At, properties: Properties) -> str:
    await at.aws.lambda_.put_function_event_invoke_config(picked(properties, SENT))
    return at.name()


async def _update_events(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.lambda_.put_function_event_invoke_config(picked(new, SENT))


async def _delete_events(at: At, id: str, properties: Properties) -> None:
    await at.aws.lambda_.delete_function_event_invoke_config(picked(properties, "FunctionName Qualifier"))


PERMISSION = Deploy(
    properties=PERMITTED,
    required="Action FunctionName Principal",
    create=_create_permission,
    delete=_delete_permission,
    attributes=_told_permission,
)
MAPPING = Deploy(
    properties=f"{MAPPED} Tags",
    required="FunctionName",
    create=_create_mapping,
    update=_update_mapping,
    delete=_delete_mapping,
    attributes=_told_mapping,
    replaced=FIXED,
    tagged=True,
)
URL = Deploy(
    properties="AuthType Cors InvokeMode Qualifier TargetFunctionArn",
    required="AuthType TargetFunctionArn",
    create=_create_url,
    update=_update_url,
    delete=_delete_url,
    attributes=_told_url,
    replaced="Qualifier TargetFunctionArn",
)
EVENTS = Deploy(
    properties=SENT,
    required="FunctionName Qualifier",
    create=_create_events,
    update=_update_events,
    delete=_delete_events,
    replaced="FunctionName Qualifier",
)
