"""Cost allocation tags of queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Tx
from windtunnel.fabric.tags import remove_tags, set_tags, tags_of
from windtunnel.services.sqs.rules import check_tag_keys, check_tags, missing
from windtunnel.services.sqs.state import arn_of, find_queue

if TYPE_CHECKING:
    from windtunnel.aws.types import sqs as t


def tag_queue(tx: Tx, req: t.TagQueueRequest) -> None:
    arn = _arn(tx, req["QueueUrl"])
    if not req["Tags"]:
        raise missing("Tags")
    check_tags(arn, req["Tags"], tags_of(tx, arn))
    set_tags(tx, arn, req["Tags"])


def untag_queue(tx: Tx, req: t.UntagQueueRequest) -> None:
    arn = _arn(tx, req["QueueUrl"])
    check_tag_keys(req["TagKeys"] or [""])
    remove_tags(tx, arn, req["TagKeys"])


def list_queue_tags(tx: Tx, req: t.ListQueueTagsRequest) -> t.ListQueueTagsResult:
    tags = tags_of(tx, _arn(tx, req["QueueUrl"]))
    return {"Tags": tags} if tags else {}


def _arn(tx: Tx, url: str) -> str:
    found = find_queue(tx, url)
    return arn_of(found.tx.region, found.tx.account, found.name)
