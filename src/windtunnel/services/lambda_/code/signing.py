"""Code signing configurations: whose signatures functions ask for. They are kept and told; code itself is not verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.aws.pages import page
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.lambda_.places import latest, own, signing_of, start_of
from windtunnel.services.lambda_.rules import PAGE_MAX, arn_of, conflict, moment, signing_arn
from windtunnel.services.lambda_.state import FUNCTIONS, SIGNINGS, Signing

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t

ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def create_code_signing_config(tx: Tx, req: t.CreateCodeSigningConfigRequest) -> dict[str, Any]:
    signing_id = f"csc-{tx.ids.text(17, ID_LETTERS)}"
    policy = req.get("CodeSigningPolicies", {}).get("UntrustedArtifactOnDeployment", "Warn")
    publishers = list(req["AllowedPublishers"]["SigningProfileVersionArns"])
    config = Signing(publishers, policy, tx.now, req.get("Description", ""))
    tx.put(SIGNINGS, signing_id, value=config)
    if tags := req.get("Tags"):
        set_tags(tx, signing_arn(tx.region, tx.account, signing_id), tags)
    return {"CodeSigningConfig": _printed(tx, signing_id, config)}


def update_code_signing_config(tx: Tx, req: t.UpdateCodeSigningConfigRequest) -> dict[str, Any]:
    signing_id, config = _found(tx, req["CodeSigningConfigArn"])
    fields: dict[str, Any] = {"modified": tx.now}
    if "Description" in req:
        fields["description"] = req["Description"]
    if "AllowedPublishers" in req:
        fields["publishers"] = list(req["AllowedPublishers"]["SigningProfileVersionArns"])
    if "CodeSigningPolicies" in req:
        fields["policy"] = req["CodeSigningPolicies"].get("UntrustedArtifactOnDeployment", config.policy)
    if len(fields) > 1:
        config = msgspec.structs.replace(config, **fields)
        tx.put(SIGNINGS, signing_id, value=config)
    return {"CodeSigningConfig": _printed(tx, signing_id, config)}


def get_code_signing_config(tx: Tx, req: t.GetCodeSigningConfigRequest) -> dict[str, Any]:
    return {"CodeSigningConfig": _printed(tx, *_found(tx, req["CodeSigningConfigArn"]))}


def delete_code_signing_config(tx: Tx, req: t.DeleteCodeSigningConfigRequest) -> dict[str, Any]:
    arn = req["CodeSigningConfigArn"]
    signing_id, _ = _found(tx, arn)
    if any(True for _ in tx.find(FUNCTIONS, "signing", signing_id, limit=1)):
        raise conflict(f"The code signing configuration {arn} is used by functions.")
    tx.delete(SIGNINGS, signing_id)
    remove_all_tags(tx, arn)
    return {}


def list_code_signing_configs(tx: Tx, req: t.ListCodeSigningConfigsRequest) -> dict[str, Any]:
    rows, marker = page(tx.scan(SIGNINGS, start=start_of(req)), min(req.get("MaxItems", PAGE_MAX), PAGE_MAX))
    shown = [_printed(tx, str(key[0]), config) for key, config in rows]
    return {"CodeSigningConfigs": shown, **({"NextMarker": marker} if marker else {})}


def list_functions_by_code_signing_config(tx: Tx, req: t.ListFunctionsByCodeSigningConfigRequest) -> dict[str, Any]:
    signing_id, _ = _found(tx, req["CodeSigningConfigArn"])
    rows, marker = page(tx.find(FUNCTIONS, "signing", signing_id, start=start_of(req)), min(req.get("MaxItems", PAGE_MAX), PAGE_MAX))
    shown = [arn_of(tx.region, tx.account, str(key[0])) for key, _ in rows]
    return {"FunctionArns": shown, **({"NextMarker": marker} if marker else {})}


def put_function_code_signing_config(tx: Tx, req: t.PutFunctionCodeSigningConfigRequest) -> dict[str, Any]:
    arn = req["CodeSigningConfigArn"]
    signing_id = signing_of(tx, arn)
    name = own(tx, req).name
    function, _ = latest(tx, name)
    tx.put(FUNCTIONS, name, value=msgspec.structs.replace(function, signing=signing_id))
    return {"CodeSigningConfigArn": arn, "FunctionName": name}


def get_function_code_signing_config(tx: Tx, req: t.GetFunctionCodeSigningConfigRequest) -> dict[str, Any]:
    name = own(tx, req).name
    function, _ = latest(tx, name)
    if not function.signing:
        return {}
    return {"CodeSigningConfigArn": signing_arn(tx.region, tx.account, function.signing), "FunctionName": name}


def delete_function_code_signing_config(tx: Tx, req: t.DeleteFunctionCodeSigningConfigRequest) -> None:
    name = own(tx, req).name
    function, _ = latest(tx, name)
    if function.signing:
        tx.put(FUNCTIONS, name, value=msgspec.structs.replace(function, signing=""))


def _found(tx: Tx, arn: str) -> tuple[str, Signing]:
    signing_id = parse(arn).id
    config = tx.get(SIGNINGS, signing_id)
    if config is None:
        raise Fault("ResourceNotFoundException", f"The Lambda code signing configuration {arn} can not be found.")
    return signing_id, config


def _printed(tx: Tx, signing_id: str, config: Signing) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "CodeSigningConfigId": signing_id,
        "CodeSigningConfigArn": signing_arn(tx.region, tx.account, signing_id),
        "AllowedPublishers": {"SigningProfileVersionArns": config.publishers},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": config.policy},
        "LastModified": moment(config.modified),
    }
    return shown | ({"Description": config.description} if config.description else {})
