"""Tags of rules and event buses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Tx
from windtunnel.fabric.tags import TAGS_MAX, remove_tags, set_tags, tag_list, tag_map, tags_of
from windtunnel.services.events.routing.ruling import taggable
from windtunnel.services.events.state import limit_exceeded

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t


def tag_resource(tx: Tx, req: t.TagResourceRequest) -> t.TagResourceResponse:
    arn, tags = taggable(tx, req["ResourceARN"], changes=True), tag_map(req["Tags"])  # pyright: ignore[reportArgumentType]
    if len(tags_of(tx, arn).keys() | tags.keys()) > TAGS_MAX:
        raise limit_exceeded()
    set_tags(tx, arn, tags)
    return {}


def untag_resource(tx: Tx, req: t.UntagResourceRequest) -> t.UntagResourceResponse:
    remove_tags(tx, taggable(tx, req["ResourceARN"], changes=True), req["TagKeys"])
    return {}


def list_tags_for_resource(tx: Tx, req: t.ListTagsForResourceRequest) -> t.ListTagsForResourceResponse:
    return {"Tags": tag_list(tags_of(tx, taggable(tx, req["ResourceARN"], changes=False)))}  # pyright: ignore[reportReturnType]
