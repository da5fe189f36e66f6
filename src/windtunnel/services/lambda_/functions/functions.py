"""Functions: created, changed, described and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.pages import page
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags, tags_of
from windtunnel.services.lambda_.access.sharing import shared
from windtunnel.services.lambda_.code import archives
from windtunnel.services.lambda_.code.archives import Taken
from windtunnel.services.lambda_.concurrency.keepers import changed
from windtunnel.services.lambda_.functions.configure import configured, durable_of, given, layers
from windtunnel.services.lambda_.functions.encryption import with_data_key
from windtunnel.services.lambda_.functions.publish import publish, without
from windtunnel.services.lambda_.places import (
    find,
    latest,
    own,
    printed,
    printed_changing,
    printed_creating,
    printed_whole,
    signing_of,
    start_of,
)
from windtunnel.services.lambda_.rules import (
    CONCURRENCY_MAX,
    LATEST,
    NAME_MAX,
    PAGE_MAX,
    TAGS_MAX,
    TOTAL_CODE_BYTES_MAX,
    UNZIPPED_BYTES_MAX,
    ZIPPED_BYTES_MAX,
    arn_of,
    check_revision,
    check_size,
    conflict,
    invalid,
    not_found,
    shown_number,
)
from windtunnel.services.lambda_.running.keys import check_role
from windtunnel.services.lambda_.running.sandboxes import retire
from windtunnel.services.lambda_.state import ALIASES, CODE_BYTES, FUNCTIONS, QUALIFIED, RESERVED, TAKEN, VERSIONS, Function, Version

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


async def create_function(call: Call, req: t.CreateFunctionRequest) -> dict[str, Any]:
    name = call.read(own, req).name
    if len(name) > NAME_MAX:
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
            f"Member must have length less than or equal to {NAME_MAX}"
        )
    if req.get("PackageType", "Zip") == "Image":
        raise Fault("NotImplemented", "windtunnel runs functions of package type Zip only, not container images.", status=501)
    for member in ("Runtime", "Handler"):
        if not req.get(member):
            raise invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    check_size(req, "CreateFunction")
    await check_role(call, req["Role"], name)
    durable_of(req, None, new=True)
    fields = call.read(given, req)  # what is wrong with the request is said before its archive is looked at
    arn = req.get("CodeSigningConfigArn")
    signing = call.read(signing_of, arn) if arn else ""
    if call.read(Tx.get, FUNCTIONS, name) is not None:
        raise conflict(f"Function already exist: {name}")
    taken = await archives.take(call, req["Code"])
    try:
        await archives.check_signed(call, signing, name, fields.get("layers", ()), signed=taken.signed)
        return call.act(_create, name, req, taken)
    except Fault:
        call.blobs.delete(taken.blob)
        raise


def _create(tx: Tx, name: str, req: Mapping[str, Any], taken: Taken) -> dict[str, Any]:
    if tx.get(FUNCTIONS, name) is not None:
        raise conflict(f"Function already exist: {name}")
    version = Version(
        req["Role"], taken.code, taken.size, tx.now, tx.new_id(), tx.serial(), **given(tx, req), durable=durable_of(req, None, new=True)
    )
    version = with_data_key(tx, name, version)
    arn = req.get("CodeSigningConfigArn")
    function = Function(tx.serial(), signing=signing_of(tx, arn) if arn else "")
    archives.count(tx, taken.size)
    archives.use(tx, taken.code, taken)
    for layer in version.layers:
        archives.use(tx, layer.code)
    tx.put(FUNCTIONS, name, value=function)
    tx.put(VERSIONS, name, 0, value=version)
    if len(req.get("Tags", {})) > TAGS_MAX:
        raise invalid("Number of tags exceeds resource tag limit.")
    if req.get("Tags"):
        set_tags(tx, arn_of(tx.region, tx.account, name), req["Tags"])
    number = 0
    if req.get("Publish"):
        number, version = publish(tx, name, function, version, version.description)
    return printed_creating(tx, name, number, version)


@shared
async def update_function_code(call: Call, req: t.UpdateFunctionCodeRequest) -> dict[str, Any]:
    name = call.read(own, req).name
    function, before = call.read(latest, name)
    if req.get("ImageUri"):
        raise invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
    check_revision(req, before.revision, "GetFunction/GetAlias")
    taken = await archives.take(call, req)
    try:
        await archives.check_signed(call, function.signing, name, (), signed=taken.signed)
        shown = call.act(_change_code, name, req, taken)
    except Fault:
        call.blobs.delete(taken.blob)
        raise
    if not req.get("DryRun"):
        retire(call, name, 0, before)
    return shown


def _change_code(tx: Tx, name: str, req: Mapping[str, Any], taken: Taken) -> dict[str, Any]:
    function, version = latest(tx, name)
    check_revision(req, version.revision, "GetFunction/GetAlias")
    architectures = req.get("Architectures") or version.architectures
    changed = msgspec.structs.replace(
        version,
        code=taken.code,
        size=taken.size,
        architectures=architectures,
        modified=tx.now,
        revision=tx.new_id(),
        generation=tx.serial(),
    )
    if req.get("DryRun"):
        tx.dropped.append(taken.blob)
        return printed_changing(tx, name, changed)
    archives.count(tx, taken.size - version.size)
    archives.use(tx, taken.code, taken)
    archives.leave(tx, version.code)
    tx.put(VERSIONS, name, 0, value=changed)
    if req.get("Publish"):
        number, published = publish(tx, name, function, changed, changed.description)
        return printed_creating(tx, name, number, published, shown_number(number))
    return printed_changing(tx, name, changed)


@shared
async def update_function_configuration(call: Call, req: t.UpdateFunctionConfigurationRequest) -> dict[str, Any]:
    name = call.read(own, req).name
    function, before = call.read(latest, name)
    if "Role" in req:
        await check_role(call, req["Role"], name)
    if "Layers" in req:
        await archives.check_signed(call, function.signing, name, call.read(layers, req["Layers"]))
    shown = call.act(_change_configuration, name, req)
    retire(call, name, 0, before)
    return shown


def _change_configuration(tx: Tx, name: str, req: Mapping[str, Any]) -> dict[str, Any]:
    _, version = latest(tx, name)
    check_revision(req, version.revision, "GetFunction/GetAlias")
    changed = with_data_key(tx, name, configured(tx, version, req))
    for layer in changed.layers:
        archives.use(tx, layer.code)
    for layer in version.layers:
        archives.leave(tx, layer.code)
    tx.put(VERSIONS, name, 0, value=changed)
    return printed_changing(tx, name, changed)


@shared
def get_function(tx: Tx, req: t.GetFunctionRequest) -> dict[str, Any]:
    found = find(tx, own(tx, req))
    shown: dict[str, Any] = {
        "Configuration": printed_whole(tx, found.name, found.number, found.version, found.qualifier),
        "Code": {"RepositoryType": "S3", "Location": archives.location(tx, found.version.code)},
    }
    # A version is told without the function's tags.
    if not found.number and (tags := tags_of(tx, arn_of(tx.region, tx.account, found.name))):
        shown["Tags"] = tags
    if found.function.reserved is not None:
        shown["Concurrency"] = {"ReservedConcurrentExecutions": found.function.reserved}
    return shown


@shared
def get_function_configuration(tx: Tx, req: t.GetFunctionConfigurationRequest) -> dict[str, Any]:
    found = find(tx, own(tx, req))
    return printed_whole(tx, found.name, found.number, found.version, found.qualifier)


def list_functions(tx: Tx, req: t.ListFunctionsRequest) -> dict[str, Any]:
    start = start_of(req)
    limit = min(req.get("MaxItems", PAGE_MAX), PAGE_MAX)
    if req.get("FunctionVersion") == "ALL":
        rows, marker = page(tx.scan(VERSIONS, start=start), limit)
        shown = [printed(tx, str(key[0]), int(key[1] or 0), row, shown_number(int(key[1] or 0))) for key, row in rows]
    else:
        functions, marker = page(tx.scan(FUNCTIONS, start=start), limit)
        names = [str(key[0]) for key, _ in functions]
        shown = [printed(tx, name, 0, latest(tx, name)[1]) for name in names]
    return {"Functions": shown, **({"NextMarker": marker} if marker else {})}


@shared
async def delete_function(call: Call, req: t.DeleteFunctionRequest) -> dict[str, Any]:
    name = call.read(own, req)
    if name.qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    if name.qualifier and not name.qualifier.isdigit():
        raise invalid("Deletion of aliases is not currently supported.")
    gone = call.act(_delete, name.name, name.qualifier)
    for number, version in gone:
        retire(call, name.name, number, version)
    return {"StatusCode": 204}


def _delete(tx: Tx, name: str, qualifier: str) -> list[tuple[int, Version]]:
    if tx.get(FUNCTIONS, name) is None:
        raise not_found(f"Function not found: {arn_of(tx.region, tx.account, name)}")
    if qualifier:
        return _delete_version(tx, name, qualifier)
    versions = [(int(key[1] or 0), version) for key, version in tx.scan(VERSIONS, name)]
    for number, version in versions:
        without(tx, name, number, version)
    for table in (*QUALIFIED, TAKEN):
        for key, _ in list(tx.scan(table, name)):
            tx.delete(table, *key)
    tx.delete(RESERVED, name)
    tx.delete(FUNCTIONS, name)
    changed(tx, name)
    remove_all_tags(tx, arn_of(tx.region, tx.account, name))
    return versions


def _delete_version(tx: Tx, name: str, qualifier: str) -> list[tuple[int, Version]]:
    """A version that isn't there is deleted without a word."""
    number = int(qualifier)
    version = tx.get(VERSIONS, name, number) if number else None
    if version is None:
        return []
    alias = next((str(key[1]) for key, _ in tx.find(ALIASES, "version", name, number, limit=1)), "")
    if alias:
        used = arn_of(tx.region, tx.account, name, alias)
        raise conflict(f"Version is referenced by alias(es): {used}")
    without(tx, name, number, version)
    changed(tx, name)
    return [(number, version)]


def get_account_settings(tx: Tx, req: t.GetAccountSettingsRequest) -> dict[str, Any]:
    reserved = sum(number for _, number in tx.scan(RESERVED))
    return {
        "AccountLimit": {
            "TotalCodeSize": TOTAL_CODE_BYTES_MAX,
            "CodeSizeUnzipped": UNZIPPED_BYTES_MAX,
            "CodeSizeZipped": ZIPPED_BYTES_MAX,
            "ConcurrentExecutions": CONCURRENCY_MAX,
            "UnreservedConcurrentExecutions": CONCURRENCY_MAX - reserved,
        },
        "AccountUsage": {"TotalCodeSize": int(tx.amount(CODE_BYTES)), "FunctionCount": tx.count(FUNCTIONS, "all")},
    }
