"""Layers: archives that several functions share, in numbered versions that never change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.pages import page
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.lambda_.access.sharing import check_layer
from windtunnel.services.lambda_.code import archives
from windtunnel.services.lambda_.code.archives import Taken
from windtunnel.services.lambda_.places import start_of
from windtunnel.services.lambda_.rules import PAGE_MAX, RETIRED, RUNTIMES, Name, invalid, layer_arn, layer_of, moment, not_found
from windtunnel.services.lambda_.state import LAYER_POLICIES, LAYER_VERSIONS, LAYERS, LayerVersion

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t

ARCHITECTURES = ("x86_64", "arm64")
FILTER_RUNTIMES = (
    "ruby3.5", "ruby2.6", "dotnetcore1.0", "python3.7", "nodejs8.10", "nasa", "ruby2.7", "python2.7-greengrass", "dotnetcore2.0",
    "python3.8", "java21", "dotnet6", "dotnetcore2.1", "python3.9", "java11", "nodejs6.10", "provided", "dotnetcore3.1", "dotnet8",
    "java25", "java17", "nodejs", "nodejs4.3", "java8.al2", "go1.x", "dotnet10", "nodejs20.x", "go1.9", "byol", "nodejs10.x",
    "provided.al2023", "nodejs22.x", "python3.10", "java8", "nodejs12.x", "python3.11", "nodejs24.x", "nodejs8.x", "python3.12",
    "nodejs14.x", "nodejs8.9", "nodejs26.x", "python3.13", "python3.14", "nodejs16.x", "python3.15", "provided.al2", "nodejs4.3-edge",
    "nodejs18.x", "ruby3.2", "python3.4", "ruby3.3", "ruby3.4", "ruby2.5", "python3.6", "python2.7",
)  # fmt: skip
"""What listings of layers may be asked for, in the order in which AWS's refusal names them."""


async def publish_layer_version(call: Call, req: t.PublishLayerVersionRequest) -> dict[str, Any]:
    _check_compatible(req)
    taken = await archives.take(call, req["Content"])
    try:
        return call.act(_publish, req, taken)
    except Fault:
        call.blobs.delete(taken.blob)
        raise


def _publish(tx: Tx, req: t.PublishLayerVersionRequest, taken: Taken) -> dict[str, Any]:
    name = layer_of(req["LayerName"]).name
    number = (tx.get(LAYERS, name) or 0) + 1
    version = LayerVersion(
        taken.code,
        taken.size,
        tx.now,
        req.get("Description", ""),
        req.get("LicenseInfo", ""),
        list(req["CompatibleRuntimes"]) if "CompatibleRuntimes" in req else None,
        list(req["CompatibleArchitectures"]) if "CompatibleArchitectures" in req else None,
    )
    archives.count(tx, taken.size)
    archives.use(tx, taken.code, taken)
    tx.put(LAYERS, name, value=number)
    tx.put(LAYER_VERSIONS, name, -number, value=version)
    return _printed_whole(tx, name, number, version)


def get_layer_version(tx: Tx, req: t.GetLayerVersionRequest) -> dict[str, Any]:
    name = layer_of(req["LayerName"])
    return _get(tx, name, req["VersionNumber"])


def get_layer_version_by_arn(tx: Tx, req: t.GetLayerVersionByArnRequest) -> dict[str, Any]:
    name = layer_of(req["Arn"])
    return _get(tx, name, int(name.qualifier))


def delete_layer_version(tx: Tx, req: t.DeleteLayerVersionRequest) -> None:
    name, number = layer_of(req["LayerName"]).name, req["VersionNumber"]
    _check_number(number)
    version = tx.get(LAYER_VERSIONS, name, -number)
    if version is not None:
        archives.count(tx, -version.size)
        archives.leave(tx, version.code)
        tx.delete(LAYER_VERSIONS, name, -number)
        tx.delete(LAYER_POLICIES, name, number)


def list_layer_versions(tx: Tx, req: t.ListLayerVersionsRequest) -> dict[str, Any]:
    _check_runtime(req)
    name = layer_of(req["LayerName"]).name
    found = ((key, row) for key, row in tx.scan(LAYER_VERSIONS, name, start=start_of(req, name)) if _fits(row, req))
    rows, marker = page(found, min(req.get("MaxItems", PAGE_MAX), PAGE_MAX))
    shown = [_printed(tx, name, -int(key[1] or 0), version) for key, version in rows]
    return {"LayerVersions": shown, **({"NextMarker": marker} if marker else {})}


def list_layers(tx: Tx, req: t.ListLayersRequest) -> dict[str, Any]:
    _check_runtime(req)
    newest = ((key, row) for key, _ in tx.scan(LAYERS, start=start_of(req)) if (row := _newest(tx, str(key[0]), req)) is not None)
    rows, marker = page(newest, min(req.get("MaxItems", PAGE_MAX), PAGE_MAX))
    shown = [
        {
            "LayerName": str(key[0]),
            "LayerArn": layer_arn(tx.region, tx.account, str(key[0])),
            "LatestMatchingVersion": _printed(tx, str(key[0]), number, version),
        }
        for key, (number, version) in rows
    ]
    return {"Layers": shown, **({"NextMarker": marker} if marker else {})}


def _newest(tx: Tx, name: str, req: t.ListLayersRequest) -> tuple[int, LayerVersion] | None:
    return next(((-int(key[1] or 0), row) for key, row in tx.scan(LAYER_VERSIONS, name) if _fits(row, req)), None)


def _fits(version: LayerVersion, req: t.ListLayersRequest | t.ListLayerVersionsRequest) -> bool:
    runtime, architecture = req.get("CompatibleRuntime"), req.get("CompatibleArchitecture")
    if runtime and runtime not in (version.runtimes or ()):
        return False
    return not architecture or architecture in (version.architectures or ())


def _check_compatible(req: t.PublishLayerVersionRequest) -> None:
    """All that is wrong with what a layer is compatible with is said at once."""
    errors: list[str] = []
    for member, values, known, unnamed, constraint in (
        # Runtimes that are retired for functions are as good as any here, though the refusal doesn't name them.
        ("compatibleRuntimes", req.get("CompatibleRuntimes", []), RUNTIMES, RETIRED, "{}"),
        (
            "compatibleArchitectures",
            req.get("CompatibleArchitectures", []),
            ARCHITECTURES,
            frozenset[str](),
            "Member must satisfy constraint: [{}, Member must not be null]",
        ),
    ):
        if not set(values) <= {*known, *unnamed}:
            words = constraint.format(f"Member must satisfy enum value set: [{', '.join(known)}]")
            errors.append(f"Value '[{', '.join(values)}]' at '{member}' failed to satisfy constraint: {words}")
    if errors:
        plural = "s" if len(errors) > 1 else ""
        raise Fault("ValidationException", f"{len(errors)} validation error{plural} detected: {'; '.join(errors)}")


def _check_runtime(req: t.ListLayersRequest | t.ListLayerVersionsRequest) -> None:
    runtime = req.get("CompatibleRuntime")
    if runtime and runtime not in FILTER_RUNTIMES:
        raise Fault(
            "ValidationException",
            f"1 validation error detected: Value '{runtime}' at 'compatibleRuntime' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(FILTER_RUNTIMES)}]",
        )


def _get(tx: Tx, layer: Name, number: int) -> dict[str, Any]:
    _check_number(number)
    check_layer(tx, layer, number)
    place, name = tx.at(account=layer.account or tx.account), layer.name
    version = place.get(LAYER_VERSIONS, name, -number)
    if version is None:
        raise not_found("The resource you requested does not exist.")
    return _printed_whole(place, name, number, version)


def _check_number(number: int) -> None:
    if number < 1:
        raise invalid("Layer Version Cannot be less than 1")


def _printed(tx: Tx, name: str, number: int, version: LayerVersion) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "LayerVersionArn": layer_arn(tx.region, tx.account, name, number),
        "Version": number,
        "Description": version.description,
        "CreatedDate": moment(version.created),
    }
    if version.runtimes is not None:
        shown["CompatibleRuntimes"] = version.runtimes
    if version.architectures is not None:
        shown["CompatibleArchitectures"] = version.architectures
    if version.license:
        shown["LicenseInfo"] = version.license
    return shown


def _printed_whole(tx: Tx, name: str, number: int, version: LayerVersion) -> dict[str, Any]:
    content = {"Location": archives.location(tx, version.code), "CodeSha256": version.code, "CodeSize": version.size}
    return {"LayerArn": layer_arn(tx.region, tx.account, name), "Content": content, **_printed(tx, name, number, version)}
