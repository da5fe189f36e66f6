"""Tags of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Tx
from windtunnel.fabric.tags import TAGS, remove_tags, set_tags, tags_of
from windtunnel.services.kms.listing import page_of
from windtunnel.services.kms.places import key_of
from windtunnel.services.kms.rules import check_tags
from windtunnel.services.kms.state import check_state

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t


def tag_resource(tx: Tx, req: t.TagResourceRequest) -> None:
    found = key_of(tx, req, "TagResource")
    check_state(found, disabled=True, importing=True)
    set_tags(tx, found.arn, check_tags(req["Tags"], tags_of(tx, found.arn)))  # pyright: ignore[reportArgumentType]


def untag_resource(tx: Tx, req: t.UntagResourceRequest) -> None:
    found = key_of(tx, req, "UntagResource")
    check_state(found, disabled=True, importing=True)
    remove_tags(tx, found.arn, req["TagKeys"])


def list_resource_tags(tx: Tx, req: t.ListResourceTagsRequest) -> t.ListResourceTagsResponse:
    found = key_of(tx, req, "ListResourceTags")
    return page_of(
        req,
        "Tags",
        lambda start: tx.scan(TAGS, found.arn, start=start and start[1:]),
        lambda key, value: {"TagKey": key[1], "TagValue": value},
        default=50,
    )
