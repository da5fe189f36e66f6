"""SAM: the short forms of serverless resources, written out as what they stand for.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, cast

import orjson

from windtunnel.aws.serverless_events import Making, event_of
from windtunnel.aws.serverless_policies import TEMPLATES, document_of

Tree = dict[str, Any]
PREFIX = "AWS::Serverless::"
SAME = (
    *("Architectures", "CodeSigningConfigArn", "Description", "DurableConfig", "Environment", "EphemeralStorage", "FileSystemConfigs"),
    *("FunctionName", "Handler", "ImageConfig", "KmsKeyArn", "Layers", "LoggingConfig", "MemorySize", "PackageType", "RecursiveLoop"),
    *("ReservedConcurrentExecutions", "Runtime", "RuntimeManagementConfig", "SnapStart", "Timeout", "VpcConfig"),
)
KEPT = ("Condition", "DependsOn", "Metadata")
BASIC = "service-role/AWSLambdaBasicExecutionRole"
CREATED = {"Key": "lambda:createdBy", "Value": "SAM"}
TYPES = {"String": "S", "Number": "N", "Binary": "B"}
HASH_CHARACTERS = 10


class NotTransformed(Exception):
    """A template that can't be written out, and why."""


def written_out(tree: Mapping[str, Any]) -> Tree:
    """A template without short forms. Raises NotTransformed."""
    found: Tree = {name: section for name, section in tree.items() if name != "Globals"}
    globals_: Tree = tree.get("Globals", {})
    resources: Tree = {}
    found["Resources"] = resources
    aliases: dict[str, str] = {}
    for name, resource in tree.get("Resources", {}).items():
        type = str(resource.get("Type", ""))
        if not type.startswith(PREFIX):
            resources.setdefault(name, {}).update(resource)
            continue
        kind = type.removeprefix(PREFIX)
        properties = merged(globals_.get(kind, {}), resource.get("Properties", {}))
        if kind == "Function":
            made = _function(name, properties, aliases)
        elif kind == "SimpleTable":
            made = {name: {"Type": "AWS::DynamoDB::Table", "Properties": _table(properties)}}
        elif kind == "LayerVersion":
            made = {name: _layer(name, properties)}
        else:
            raise NotTransformed(f"windtunnel does not implement the resource type {type}.")
        for id, each in made.items():
            kept = {member: resource[member] for member in KEPT if member in resource and (member == "Condition" or id == name)}
            resources[id] = {**each, **kept}
    _tell_buckets(resources)
    return cast("Tree", _renamed(found, aliases))


def merged(base: Any, own: Any) -> Any:
    """Global settings under a resource's own: maps are merged, lists follow each other."""
    if isinstance(base, dict) and isinstance(own, dict):
        mine, theirs = cast("Tree", own), cast("Tree", base)
        return {**theirs, **{name: merged(theirs[name], value) if name in theirs else value for name, value in mine.items()}}
    return [*base, *own] if isinstance(base, list) and isinstance(own, list) else own  # pyright: ignore[reportUnknownVariableType]


def _function(name: str, properties: Tree, aliases: dict[str, str]) -> Tree:
    function: Tree = {member: properties[member] for member in SAME if member in properties}
    function["Code"] = _code(properties)
    function["Tags"] = [CREATED, *({"Key": key, "Value": value} for key, value in properties.get("Tags", {}).items())]
    if "Tracing" in properties:
        function["TracingConfig"] = {"Mode": properties["Tracing"]}
    if "DeadLetterQueue" in properties:
        function["DeadLetterConfig"] = {"TargetArn": properties["DeadLetterQueue"]["TargetArn"]}
    made: Tree = {name: {"Type": "AWS::Lambda::Function", "Properties": function}}
    target: Any = {"Ref": name}
    if "AutoPublishAlias" in properties:
        target = {"Ref": _publish(name, properties, function["Code"], made, aliases)}
    managed: list[str] = []
    for event, given in properties.get("Events", {}).items():
        making = Making(name, f"{name}{event}", target, given.get("Properties", {}))
        written = event_of(str(given.get("Type", "")), making)
        if written is None:
            raise NotTransformed(f"windtunnel does not implement events of the type {given.get('Type')} in AWS::Serverless::Function.")
        made |= written.resources
        managed += written.managed
    if "Role" in properties:
        function["Role"] = properties["Role"]
    else:
        made[f"{name}Role"] = _role(name, properties, managed)
        function["Role"] = {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    made |= _beside(name, properties, target)
    return made


def _code(properties: Tree) -> Tree:
    if "InlineCode" in properties:
        return {"ZipFile": properties["InlineCode"]}
    if "ImageUri" in properties:
        return {"ImageUri": properties["ImageUri"]}
    if "CodeUri" not in properties:
        raise NotTransformed("'InlineCode', 'ImageUri' or 'CodeUri' is required.")
    return _place(properties["CodeUri"], "S3Bucket", "S3Key", "S3ObjectVersion")


def _place(uri: Any, *members: str) -> Tree:
    """Where something lies in S3, as `s3://bucket/key` or as Bucket, Key and Version."""
    if isinstance(uri, dict):
        given = cast("Tree", uri)
        return {member: given[name] for member, name in zip(members, ("Bucket", "Key", "Version"), strict=True) if name in given}
    if not str(uri).startswith("s3://"):
        raise NotTransformed(f"'{uri}' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId query parameter.")
    bucket, _, key = str(uri).removeprefix("s3://").partition("/")
    return {members[0]: bucket, members[1]: key}


def _publish(name: str, properties: Tree, code: Tree, made: Tree, aliases: dict[str, str]) -> str:
    """A version for each code, and an alias that follows it; its logical id."""
    alias = properties["AutoPublishAlias"]
    digest = sha256(orjson.dumps(properties.get("AutoPublishCodeSha256", code), option=orjson.OPT_SORT_KEYS)).hexdigest()[:HASH_CHARACTERS]
    version, follows = f"{name}Version{digest}", f"{name}Alias{alias}"
    described = {"Description": properties["VersionDescription"]} if "VersionDescription" in properties else {}
    made[version] = {"Type": "AWS::Lambda::Version", "DeletionPolicy": "Retain", "Properties": {"FunctionName": {"Ref": name}, **described}}
    settings: Tree = {"Name": alias, "FunctionName": {"Ref": name}, "FunctionVersion": {"Fn::GetAtt": [version, "Version"]}}
    if "ProvisionedConcurrencyConfig" in properties:
        settings["ProvisionedConcurrencyConfig"] = properties["ProvisionedConcurrencyConfig"]
    made[follows] = {"Type": "AWS::Lambda::Alias", "Properties": settings}
    aliases |= {f"{name}.Alias": follows, f"{name}.Version": version}
    return follows


def _role(name: str, properties: Tree, managed: list[str]) -> Tree:
    arns: list[Any] = [_managed(each) for each in dict.fromkeys([BASIC, *managed])]
    inline: list[Tree] = []
    given = properties.get("Policies", [])
    for policy in cast("list[Any]", given) if isinstance(given, list) else [given]:
        document = _document(policy)
        if document is None:
            arns.append(policy if not isinstance(policy, str) or policy.startswith("arn:") else _managed(policy))
        else:
            inline.append({"PolicyName": f"{name}RolePolicy{len(inline)}", "PolicyDocument": document})
    trust = {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": {"Service": ["lambda.amazonaws.com"]}}
    role: Tree = {
        "AssumeRolePolicyDocument": properties.get("AssumeRolePolicyDocument", {"Version": "2012-10-17", "Statement": [trust]}),
        "ManagedPolicyArns": arns,
        "Tags": [CREATED],
    }
    if inline:
        role["Policies"] = inline
    for theirs, ours in (("RolePath", "Path"), ("PermissionsBoundary", "PermissionsBoundary")):
        if theirs in properties:
            role[ours] = properties[theirs]
    return {"Type": "AWS::IAM::Role", "Properties": role}


def _managed(name: str) -> Tree:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::aws:policy/{name}"}


def _document(policy: Any) -> Tree | None:
    """An inline policy's document; None of what names a managed one."""
    if not isinstance(policy, dict):
        return None
    given = cast("Tree", policy)
    if "Statement" in given:
        return {"Version": "2012-10-17", **given}
    name = next(iter(given))
    if name in TEMPLATES:
        return document_of(name, given[name] or {})
    if name.endswith("Policy"):
        raise NotTransformed(f"windtunnel does not implement the policy template {name}.")
    return None


def _beside(name: str, properties: Tree, target: Any) -> Tree:
    """A function's URL, and what becomes of its events."""
    made: Tree = {}
    if "FunctionUrlConfig" in properties:
        given = properties["FunctionUrlConfig"]
        made[f"{name}Url"] = {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": target, **given}}
        if given.get("AuthType") == "NONE":
            permission = {"Action": "lambda:InvokeFunctionUrl", "FunctionName": target, "Principal": "*", "FunctionUrlAuthType": "NONE"}
            made[f"{name}UrlPublicPermissions"] = {"Type": "AWS::Lambda::Permission", "Properties": permission}
    if "EventInvokeConfig" in properties:
        given = dict(properties["EventInvokeConfig"])
        if "DestinationConfig" in given:
            outcomes = given["DestinationConfig"]
            given["DestinationConfig"] = {outcome: {"Destination": each["Destination"]} for outcome, each in outcomes.items()}
        settings = {"FunctionName": {"Ref": name}, "Qualifier": properties.get("AutoPublishAlias", "$LATEST"), **given}
        made[f"{name}EventInvokeConfig"] = {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": settings}
    return made


def _table(properties: Tree) -> Tree:
    key = properties.get("PrimaryKey", {"Name": "id", "Type": "String"})
    table: Tree = {
        "AttributeDefinitions": [{"AttributeName": key["Name"], "AttributeType": TYPES.get(key.get("Type", "String"), "S")}],
        "KeySchema": [{"AttributeName": key["Name"], "KeyType": "HASH"}],
        **{name: properties[name] for name in ("TableName", "SSESpecification", "ProvisionedThroughput") if name in properties},
    }
    if "ProvisionedThroughput" not in properties:
        table["BillingMode"] = "PAY_PER_REQUEST"
    if "Tags" in properties:
        table["Tags"] = [{"Key": name, "Value": value} for name, value in properties["Tags"].items()]
    return table


def _layer(name: str, properties: Tree) -> Tree:
    content = _place(properties["ContentUri"], "S3Bucket", "S3Key", "S3ObjectVersion")
    same = ("CompatibleArchitectures", "CompatibleRuntimes", "Description", "LicenseInfo")
    settings = {member: properties[member] for member in same if member in properties}
    kept = "Delete" if properties.get("RetentionPolicy") == "Delete" else "Retain"
    return {
        "Type": "AWS::Lambda::LayerVersion",
        "DeletionPolicy": kept,
        "UpdateReplacePolicy": kept,
        "Properties": {"LayerName": properties.get("LayerName", name), "Content": content, **settings},
    }


def _tell_buckets(resources: Tree) -> None:
    """Events of buckets stand in the buckets, which have to wait for the permissions."""
    for id in [id for id, resource in resources.items() if "Bucket" in resource.get("SamEvent", {})]:
        event = resources[id].pop("SamEvent")
        bucket = resources.get(event["Bucket"])
        if bucket is None or bucket.get("Type") != "AWS::S3::Bucket":
            raise NotTransformed(f"'{event['Bucket']}' is no bucket of this template.")
        properties: Tree = bucket.get("Properties", {})
        settings: Tree = properties.get("NotificationConfiguration", {})
        told = {**settings, "LambdaConfigurations": [*settings.get("LambdaConfigurations", []), *event["Configurations"]]}
        bucket["Properties"] = {**properties, "NotificationConfiguration": told}
        depends: Iterable[str] = bucket.get("DependsOn", [])
        bucket["DependsOn"] = [*([depends] if isinstance(depends, str) else depends), id]


def _renamed(value: Any, aliases: Mapping[str, str]) -> Any:
    """Refs to a function's alias or version lead to what stands for it."""
    if isinstance(value, dict):
        given = cast("Tree", value)
        if set(given) == {"Ref"} and given["Ref"] in aliases:
            return {"Ref": aliases[str(given["Ref"])]}
        return {name: _renamed(item, aliases) for name, item in given.items()}
    return [_renamed(item, aliases) for item in cast("list[Any]", value)] if isinstance(value, list) else value
