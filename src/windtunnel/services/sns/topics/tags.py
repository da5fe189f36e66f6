"""Tags of topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_tags, set_tags, tag_list, tags_of
from windtunnel.services.sns.rules import check_number, checked_tags
from windtunnel.services.sns.state import TOPICS, place_of

if TYPE_CHECKING:
    from windtunnel.aws.types import sns as t


def tag_resource(tx: Tx, req: t.TagResourceRequest) -> t.TagResourceResponse:
    tx = _place(tx, req["ResourceArn"])
    tags = checked_tags(req["Tags"])
    check_number(tags_of(tx, req["ResourceArn"]) | tags)
    set_tags(tx, req["ResourceArn"], tags)
    return {}


def untag_resource(tx: Tx, req: t.UntagResourceRequest) -> t.UntagResourceResponse:
    remove_tags(_place(tx, req["ResourceArn"]), req["ResourceArn"], req["TagKeys"])
    return {}


def list_tags_for_resource(tx: Tx, req: t.ListTagsForResourceRequest) -> t.ListTagsForResourceResponse:
    return {"Tags": tag_list(tags_of(_place(tx, req["ResourceArn"]), req["ResourceArn"]))}  # pyright: ignore[reportReturnType]


def _place(tx: Tx, arn: str) -> Tx:
    tx, name = place_of(tx, arn, "ResourceArn")
    if tx.get(TOPICS, name) is None:
        raise Fault("ResourceNotFound", "Resource does not exist")
    return tx
