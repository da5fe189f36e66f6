"""Tags of delivery streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_tags, set_tags, tag_list, tags_of
from windtunnel.services.firehose.rules import TAGS_MAX
from windtunnel.services.firehose.state import arn_of, find

if TYPE_CHECKING:
    from windtunnel.aws.types import firehose as t


def tag_delivery_stream(tx: Tx, req: t.TagDeliveryStreamInput) -> dict[str, Any]:
    name, _ = find(tx, req)
    arn, tags = arn_of(tx, name), {tag["Key"]: tag.get("Value", "") for tag in req["Tags"]}
    if len({*tags_of(tx, arn), *tags}) > TAGS_MAX:
        raise Fault("LimitExceededException", f"Firehose {name} under account {tx.account} can't have more than {TAGS_MAX} tags.")
    set_tags(tx, arn, tags)
    return {}


def untag_delivery_stream(tx: Tx, req: t.UntagDeliveryStreamInput) -> dict[str, Any]:
    name, _ = find(tx, req)
    remove_tags(tx, arn_of(tx, name), req["TagKeys"])
    return {}


def list_tags_for_delivery_stream(tx: Tx, req: t.ListTagsForDeliveryStreamInput) -> dict[str, Any]:
    name, _ = find(tx, req)
    after, limit = req.get("ExclusiveStartTagKey", ""), req.get("Limit", TAGS_MAX)
    tags = {key: value for key, value in tags_of(tx, arn_of(tx, name)).items() if key > after}
    return {"Tags": tag_list(dict(list(tags.items())[:limit])), "HasMoreTags": len(tags) > limit}
