"""Tags of pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Tx
from windtunnel.fabric.tags import remove_tags, set_tags, tags_of
from windtunnel.services.pipes.state import find_pipe, pipe_arn

if TYPE_CHECKING:
    from windtunnel.aws.types import pipes as t


def tag_resource(tx: Tx, req: t.TagResourceRequest) -> t.TagResourceResponse:
    set_tags(tx, _pipe(tx, req["resourceArn"]), req["tags"])
    return {}


def untag_resource(tx: Tx, req: t.UntagResourceRequest) -> t.UntagResourceResponse:
    remove_tags(tx, _pipe(tx, req["resourceArn"]), req["tagKeys"])
    return {}


def list_tags_for_resource(tx: Tx, req: t.ListTagsForResourceRequest) -> t.ListTagsForResourceResponse:
    return {"tags": tags_of(tx, _pipe(tx, req["resourceArn"]))}


def _pipe(tx: Tx, resource: str) -> str:
    arn = parse_or_none(resource)
    name = resource if arn is None else arn.id
    find_pipe(tx, name)
    return pipe_arn(tx, name)
