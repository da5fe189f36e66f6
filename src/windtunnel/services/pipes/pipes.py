"""Pipes: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes.html"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.streams import positions
from windtunnel.fabric.streams.positions import Checkpoint
from windtunnel.fabric.tags import remove_all_tags, set_tags, tags_of
from windtunnel.kernel.store import Key
from windtunnel.services.pipes.checks import check_pipe
from windtunnel.services.pipes.state import PIPES, RUNNING, STOPPED, Pipe, find_pipe, invalid, keep_pipe, pipe_arn
from windtunnel.services.pipes.streamed import begins_of, begun_as, is_stream, lanes_of

if TYPE_CHECKING:
    from windtunnel.aws.types import pipes as t

MEMBERS = (
    "Description", "Source", "SourceParameters", "Enrichment", "EnrichmentParameters", "Target", "TargetParameters", "RoleArn",
    "LogConfiguration", "KmsKeyIdentifier",
)  # fmt: skip
PARAMETERS = ("SourceParameters", "EnrichmentParameters", "TargetParameters")
LIMIT = 100


async def create_pipe(call: Call, req: t.CreatePipeRequest) -> t.CreatePipeResponse:
    settings = _settings(req)
    check_pipe(settings)
    begins = await begins_of(call, settings) if is_stream(settings) else []
    return await call.transact(_create, req, settings, begins)


def _create(tx: Tx, req: t.CreatePipeRequest, settings: dict[str, Any], begins: list[tuple[str, Checkpoint]]) -> t.CreatePipeResponse:
    name = req["Name"]
    if tx.get(PIPES, name) is not None:
        raise Fault("ConflictException", f"Pipe {name} already exists.")
    if is_stream(settings):
        positions.begin(tx, pipe_arn(tx, name), begins, lanes_of(settings))
    pipe = keep_pipe(tx, name, Pipe(0, tx.now, tx.now, req.get("DesiredState", RUNNING), settings))
    set_tags(tx, pipe_arn(tx, name), req.get("Tags", {}))
    return _brief(tx, name, pipe, "CREATING")  # pyright: ignore[reportReturnType]


def update_pipe(tx: Tx, req: t.UpdatePipeRequest) -> t.UpdatePipeResponse:
    name = req["Name"]
    old = find_pipe(tx, name)
    given = _settings(req)
    # What is left out stays, but within the parameters for one service.
    parameters = {member: {**old.settings.get(member, {}), **given[member]} for member in PARAMETERS if member in given}
    settings = {**old.settings, **given, **parameters}
    if is_stream(settings):
        settings = begun_as(old.settings, settings)
        lanes = lanes_of(settings)
        if lanes != lanes_of(old.settings):
            positions.relane(tx, pipe_arn(tx, name), lanes)
    check_pipe(settings)
    pipe = msgspec.structs.replace(old, desired=req.get("DesiredState", old.desired), settings=settings)
    return _brief(tx, name, keep_pipe(tx, name, pipe), "UPDATING")  # pyright: ignore[reportReturnType]


def describe_pipe(tx: Tx, req: t.DescribePipeRequest) -> t.DescribePipeResponse:
    name = req["Name"]
    pipe = find_pipe(tx, name)
    shown = {**_brief(tx, name, pipe, pipe.desired), **pipe.settings}
    tags = tags_of(tx, pipe_arn(tx, name))
    return {**shown, **({"Tags": tags} if tags else {})}  # pyright: ignore[reportReturnType]


def list_pipes(tx: Tx, req: t.ListPipesRequest) -> t.ListPipesResponse:
    prefix = req.get("NamePrefix", "")
    try:
        start = pages.decode(token) if (token := req.get("NextToken")) else (prefix,)
    except ValueError as error:
        raise invalid("Invalid NextToken.") from error

    def wanted() -> Iterator[tuple[Key, Pipe]]:
        for key, pipe in tx.scan(PIPES, start=start):
            if not str(key[0]).startswith(prefix):
                return
            states = {req.get("DesiredState", pipe.desired), req.get("CurrentState", pipe.desired)}
            places = ((pipe.settings[word], req.get(f"{word}Prefix", "")) for word in ("Source", "Target"))
            if states == {pipe.desired} and all(place.startswith(begin) for place, begin in places):
                yield key, pipe

    page, token = pages.page(wanted(), req.get("Limit", LIMIT))
    shown = [_listed(tx, str(key[0]), pipe) for key, pipe in page]
    return {"Pipes": shown, **({"NextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def delete_pipe(tx: Tx, req: t.DeletePipeRequest) -> t.DeletePipeResponse:
    name = req["Name"]
    pipe = find_pipe(tx, name)
    tx.delete(PIPES, name)
    positions.forget(tx, pipe_arn(tx, name))
    remove_all_tags(tx, pipe_arn(tx, name))
    tx.wake("pipes.pipe", tx.account, tx.region, name)
    return {**_brief(tx, name, pipe, "DELETING"), "DesiredState": "DELETED"}  # pyright: ignore[reportReturnType]


def start_pipe(tx: Tx, req: t.StartPipeRequest) -> t.StartPipeResponse:
    return _switched(tx, req["Name"], RUNNING, "STARTING")


def stop_pipe(tx: Tx, req: t.StopPipeRequest) -> t.StopPipeResponse:
    return _switched(tx, req["Name"], STOPPED, "STOPPING")


def _switched(tx: Tx, name: str, desired: str, current: str) -> Any:
    pipe = find_pipe(tx, name)
    if pipe.desired == desired:
        raise Fault("ConflictException", f"Pipe {name} is already {desired}.")
    return _brief(tx, name, keep_pipe(tx, name, msgspec.structs.replace(pipe, desired=desired)), current)


def _settings(req: Mapping[str, Any]) -> dict[str, Any]:
    return {member: req[member] for member in MEMBERS if member in req}


def _brief(tx: Tx, name: str, pipe: Pipe, current: str) -> dict[str, Any]:
    return {
        "Arn": pipe_arn(tx, name),
        "Name": name,
        "DesiredState": pipe.desired,
        "CurrentState": current,
        "CreationTime": pipe.created,
        "LastModifiedTime": pipe.modified,
    }


def _listed(tx: Tx, name: str, pipe: Pipe) -> dict[str, Any]:
    places = {member: pipe.settings[member] for member in ("Source", "Enrichment", "Target") if member in pipe.settings}
    return {**_brief(tx, name, pipe, pipe.desired), **places}
