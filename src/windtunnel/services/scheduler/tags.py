"""Tags of schedule groups; schedules have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.aws.arn import parse
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import TAGS_MAX, remove_tags, set_tags, tag_list, tag_map, tags_of
from windtunnel.services.scheduler.state import find_group, group_arn

if TYPE_CHECKING:
    from windtunnel.aws.types import scheduler as t


def tag_resource(tx: Tx, req: t.TagResourceInput) -> t.TagResourceOutput:
    arn, tags = _group(tx, req["ResourceArn"]), tag_map(req["Tags"])  # pyright: ignore[reportArgumentType]
    if len(tags_of(tx, arn).keys() | tags.keys()) > TAGS_MAX:
        raise Fault("ServiceQuotaExceededException", f"A resource can have at most {TAGS_MAX} tags.", status=402)
    set_tags(tx, arn, tags)
    return {}


def untag_resource(tx: Tx, req: t.UntagResourceInput) -> t.UntagResourceOutput:
    remove_tags(tx, _group(tx, req["ResourceArn"]), req["TagKeys"])
    return {}


def list_tags_for_resource(tx: Tx, req: t.ListTagsForResourceInput) -> t.ListTagsForResourceOutput:
    return {"Tags": tag_list(tags_of(tx, _group(tx, req["ResourceArn"])))}  # pyright: ignore[reportReturnType]


def _group(tx: Tx, resource: str) -> str:
    name = parse(resource).id
    find_group(tx, name)
    if resource != group_arn(tx, name):
        raise Fault("ResourceNotFoundException", f"Schedule group {name} does not exist.")
    return resource
