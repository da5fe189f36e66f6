"""Functions, versions, aliases, layers and code signing from templates.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Lambda.html
"""

from __future__ import annotations

from typing import Any

from windtunnel.fabric import At, Deploy, Properties
from windtunnel.fabric.resource import Unmade, changed, picked
from windtunnel.services.lambda_.deploying.inline import packed

CONFIGURED = (
    "DeadLetterConfig Description DurableConfig Environment EphemeralStorage FileSystemConfigs Handler ImageConfig KmsKeyArn Layers"
    " LoggingConfig MemorySize Role Runtime SnapStart Timeout TracingConfig VpcConfig"
)
RESET: dict[str, Any] = {
    "DeadLetterConfig": {"TargetArn": ""},
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [],
    "KmsKeyArn": "",
    "Layers": [],
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "SnapStart": {"ApplyOn": "None"},
}
"""What a setting is again when a template leaves it out."""


def _code(properties: Properties) -> dict[str, Any]:
    code = dict(properties["Code"])
    if "ZipFile" in code:
        code["ZipFile"] = packed(str(code["ZipFile"]), str(properties.get("Runtime", "")))
    return picked(code, "ImageUri S3Bucket S3Key S3ObjectVersion SourceKMSKeyArn ZipFile")


async def _create(at: At, properties: Properties) -> str:
    name = properties["FunctionName"]
    given = picked(properties, f"{CONFIGURED} Architectures CodeSigningConfigArn PackageType")
    tags = {"Tags": at.tags(properties.get("Tags")) or None}
    await at.aws.lambda_.create_function({"FunctionName": name, "Code": _code(properties), **given, **tags})
    await at.made(name)
    await _set(at, name, properties, {})
    return str(name)


async def _set(at: At, id: str, new: Properties, old: Properties) -> None:
    """What an operation of its own sets."""
    aws, named = at.aws.lambda_, {"FunctionName": id}
    if changed(new, old, "ReservedConcurrentExecutions"):
        if "ReservedConcurrentExecutions" in new:
            await aws.put_function_concurrency({**named, "ReservedConcurrentExecutions": new["ReservedConcurrentExecutions"]})
        else:
            await aws.delete_function_concurrency(named)
    if changed(new, old, "RecursiveLoop"):
        await aws.put_function_recursion_config({**named, "RecursiveLoop": new.get("RecursiveLoop", "Terminate")})
    if changed(new, old, "RuntimeManagementConfig"):
        settings = new.get("RuntimeManagementConfig", {"UpdateRuntimeOn": "Auto"})
        await aws.put_runtime_management_config({**named, **settings})


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    aws, named = at.aws.lambda_, {"FunctionName": id}
    if "DurableConfig" not in new and "DurableConfig" in old and "DurableConfig" in await aws.get_function_configuration(named):
        # AWS makes another function in its place.
        raise Unmade("A durable function stays durable: give the one that is not another logical id.")
    if changed(new, old, *CONFIGURED.split()):
        removed = {name: RESET[name] for name in picked(old, CONFIGURED) if name not in new and name in RESET}
        await aws.update_function_configuration({**named, **picked(new, CONFIGURED), **removed})
    if changed(new, old, "Code", "Architectures"):
        await aws.update_function_code({**named, **_code(new), **picked(new, "Architectures")})
    if changed(new, old, "CodeSigningConfigArn"):
        if "CodeSigningConfigArn" in new:
            await aws.put_function_code_signing_config({**named, "CodeSigningConfigArn": new["CodeSigningConfigArn"]})
        else:
            await aws.delete_function_code_signing_config(named)
    await _set(at, id, new, old)
    await _set_tags(at, (await _told(at, id, new))["Arn"], new, old)


async def _set_tags(at: At, arn: str, new: Properties, old: Properties) -> None:
    await at.retag(new, old, {"Resource": arn}, at.aws.lambda_.tag_resource, at.aws.lambda_.untag_resource, as_map=True)


async def _delete(at: At, id: str, properties: Properties) -> None:
    await at.aws.lambda_.delete_function({"FunctionName": id})


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    known = await at.aws.lambda_.get_function_configuration({"FunctionName": id})
    return {"Arn": known["FunctionArn"], "SnapStartResponse": known.get("SnapStart", {})}


async def _read(at: At, id: str, properties: Properties) -> Properties:
    known = await at.aws.lambda_.get_function_configuration({"FunctionName": id})
    readable = "Description Environment EphemeralStorage Handler KmsKeyArn MemorySize Role Runtime Timeout TracingConfig"
    return {name: known.get(name) for name in picked(properties, readable)}


async def _create_version(at: At, properties: Properties) -> str:
    request = picked(properties, "CodeSha256 Description FunctionName")
    made = await at.aws.lambda_.publish_version(request)
    arn = str(made["FunctionArn"])
    await at.made(arn)
    await _provision(at, properties, str(made["Version"]))
    return arn


async def _provision(at: At, properties: Properties, qualifier: str) -> None:
    if "ProvisionedConcurrencyConfig" in properties:
        settings = properties["ProvisionedConcurrencyConfig"]
        await at.aws.lambda_.put_provisioned_concurrency_config(
            {"FunctionName": properties["FunctionName"], "Qualifier": qualifier, **settings}
        )


async def _delete_version(at: At, id: str, properties: Properties) -> None:
    await at.aws.lambda_.delete_function({"FunctionName": id})


async def _told_version(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"FunctionArn": id, "Version": id.rpartition(":")[2]}


def _alias(properties: Properties) -> dict[str, Any]:
    request = picked(properties, "Description FunctionName FunctionVersion Name")
    if "RoutingConfig" in properties:
        weights = properties["RoutingConfig"].get("AdditionalVersionWeights", [])
        request["RoutingConfig"] = {"AdditionalVersionWeights": {each["FunctionVersion"]: each["FunctionWeight"] for each in weights}}
    return request


async def _create_alias(at: At, properties: Properties) -> str:
    arn = str((await at.aws.lambda_.create_alias(_alias(properties)))["AliasArn"])
    await at.made(arn)
    await _provision(at, properties, properties["Name"])
    return arn


async def _update_alias(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.lambda_.update_alias({"RoutingConfig": {}, "Description": "", **_alias(new)})
    if changed(new, old, "ProvisionedConcurrencyConfig"):
        if "ProvisionedConcurrencyConfig" in new:
            await _provision(at, new, new["Name"])
        else:
            await at.aws.lambda_.delete_provisioned_concurrency_config({"FunctionName": new["FunctionName"], "Qualifier": new["Name"]})


async def _delete_alias(at: At, id: str, properties: Properties) -> None:
    await at.aws.lambda_.delete_alias(picked(properties, "FunctionName Name"))


async def _told_alias(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"AliasArn": id}


async def _create_layer(at: At, properties: Properties) -> str:
    request = picked(properties, "CompatibleArchitectures CompatibleRuntimes Content Description LayerName LicenseInfo")
    return str((await at.aws.lambda_.publish_layer_version(request))["LayerVersionArn"])


def _layer(arn: str) -> dict[str, Any]:
    name, _, number = arn.rpartition(":")
    return {"LayerName": name, "VersionNumber": int(number)}


async def _delete_layer(at: At, id: str, properties: Properties) -> None:
    await at.aws.lambda_.delete_layer_version(_layer(id))


async def _told_layer(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"LayerVersionArn": id}


async def _create_layer_permission(at: At, properties: Properties) -> str:
    statement = at.name(100)
    request = picked(properties, "Action OrganizationId Principal")
    await at.aws.lambda_.add_layer_version_permission({**_layer(properties["LayerVersionArn"]), "StatementId": statement, **request})
    return f"{properties['LayerVersionArn']}#{statement}"


async def _delete_layer_permission(at: At, id: str, properties: Properties) -> None:
    arn, _, statement = id.partition("#")
    await at.aws.lambda_.remove_layer_version_permission({**_layer(arn), "StatementId": statement})


async def _create_signing(at: At, properties: Properties) -> str:
    request = picked(properties, "AllowedPublishers CodeSigningPolicies Description")
    made = await at.aws.lambda_.create_code_signing_config({**request, "Tags": at.tags(properties.get("Tags")) or None})
    return str(made["CodeSigningConfig"]["CodeSigningConfigArn"])


async def _update_signing(at: At, id: str, new: Properties, old: Properties) -> None:
    request = picked(new, "AllowedPublishers CodeSigningPolicies Description")
    await at.aws.lambda_.update_code_signing_config({"CodeSigningConfigArn": id, **request})
    await _set_tags(at, id, new, old)


async def _delete_signing(at: At, id: str, properties: Properties) -> None:
    await at.aws.lambda_.delete_code_signing_config({"CodeSigningConfigArn": id})


async def _told_signing(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"CodeSigningConfigArn": id, "CodeSigningConfigId": id.rpartition(":")[2]}


FUNCTION = Deploy(
    properties=f"{CONFIGURED} Architectures Code CodeSigningConfigArn FunctionName PackageType RecursiveLoop ReservedConcurrentExecutions"
    " RuntimeManagementConfig Tags",
    required="Code Role",
    create=_create,
    update=_update,
    delete=_delete,
    attributes=_told,
    read=_read,
    replaced="FunctionName PackageType",
    name="FunctionName",
    tagged=True,
)
VERSION = Deploy(
    properties="CodeSha256 Description FunctionName ProvisionedConcurrencyConfig",
    required="FunctionName",
    create=_create_version,
    delete=_delete_version,
    attributes=_told_version,
)
ALIAS = Deploy(
    properties="Description FunctionName FunctionVersion Name ProvisionedConcurrencyConfig RoutingConfig",
    required="FunctionName FunctionVersion Name",
    create=_create_alias,
    update=_update_alias,
    delete=_delete_alias,
    attributes=_told_alias,
    replaced="FunctionName Name",
)
LAYER = Deploy(
    properties="CompatibleArchitectures CompatibleRuntimes Content Description LayerName LicenseInfo",
    required="Content",
    create=_create_layer,
    delete=_delete_layer,
    attributes=_told_layer,
    name="LayerName",
    name_max=140,
)
LAYER_PERMISSION = Deploy(
    properties="Action LayerVersionArn OrganizationId Principal",
    required="Action LayerVersionArn Principal",
    create=_create_layer_permission,
    delete=_delete_layer_permission,
)
SIGNING = Deploy(
    properties="AllowedPublishers CodeSigningPolicies Description Tags",
    required="AllowedPublishers",
    create=_create_signing,
    update=_update_signing,
    delete=_delete_signing,
    attributes=_told_signing,
    tagged=True,
)
