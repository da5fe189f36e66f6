"""Tags of streams and of their consumers, by both families of operations.

https://docs.aws.amazon.com/streams/latest/dev/tagging.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Tx
from windtunnel.fabric.tags import remove_tags, set_tags, tag_list, tags_of
from windtunnel.services.kinesis.queues.state import find_queue
from windtunnel.services.kinesis.state import find, find_arn, find_consumer
from windtunnel.services.kinesis.tagging import check_tags

if TYPE_CHECKING:
    from windtunnel.aws.types import kinesis as t

LIMIT = 50


def add_tags_to_stream(tx: Tx, req: t.AddTagsToStreamInput) -> dict[str, Any]:
    found = find(tx, req)
    _add(found.tx, found.arn, req["Tags"])
    return {}


def remove_tags_from_stream(tx: Tx, req: t.RemoveTagsFromStreamInput) -> dict[str, Any]:
    found = find(tx, req)
    remove_tags(found.tx, found.arn, req["TagKeys"])
    return {}


def list_tags_for_stream(tx: Tx, req: t.ListTagsForStreamInput) -> dict[str, Any]:
    found = find(tx, req)
    after, limit = req.get("ExclusiveStartTagKey", ""), req.get("Limit", LIMIT)
    tags = {key: value for key, value in tags_of(found.tx, found.arn).items() if key > after}
    page = dict(list(tags.items())[:limit])
    return {"Tags": tag_list(page), "HasMoreTags": len(tags) > limit}


def tag_resource(tx: Tx, req: t.TagResourceInput) -> dict[str, Any]:
    _add(tx, _resource(tx, req["ResourceARN"]), req["Tags"])
    return {}


def untag_resource(tx: Tx, req: t.UntagResourceInput) -> dict[str, Any]:
    remove_tags(tx, _resource(tx, req["ResourceARN"]), req["TagKeys"])
    return {}


def list_tags_for_resource(tx: Tx, req: t.ListTagsForResourceInput) -> dict[str, Any]:
    return {"Tags": tag_list(tags_of(tx, _resource(tx, req["ResourceARN"])))}


def _resource(tx: Tx, arn: str) -> str:
    """The ARN of a stream, a consumer or a queue that is there."""
    if "/consumer/" in arn:
        find_consumer(tx, arn)
    elif ":queue/" in arn:
        find_queue(tx, arn)
    else:
        find_arn(tx, arn)
    return arn


def _add(tx: Tx, arn: str, tags: Mapping[str, str]) -> None:
    check_tags(tx, arn, tags)
    set_tags(tx, arn, tags)
