"""Queues: created, found, described, purged and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.data_keys import forget_data_keys
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.sqs import settings
from windtunnel.services.sqs.life import abandon, watch
from windtunnel.services.sqs.rules import PURGE_SECONDS, RECREATE_SECONDS, check_between, check_name, check_tags
from windtunnel.services.sqs.state import DELETED, LAST, QUEUES, TASKS, Queue, arn_of, changed, find_queue, forget, no_such_queue, url_of

if TYPE_CHECKING:
    from windtunnel.aws.types import sqs as t

LISTED_MAX = 1_000
AFTER = "\U0010ffff"


def create_queue(tx: Tx, req: t.CreateQueueRequest) -> t.CreateQueueResult:
    name, attributes = req["QueueName"], settings.read(req.get("Attributes"))
    fifo = attributes.get("FifoQueue") == "true"
    check_name(name, fifo=fifo)
    existing = tx.get(QUEUES, name)
    if existing is not None:
        _check_same(tx, name, existing, attributes)
        return {"QueueUrl": url_of(tx, name)}
    deleted = tx.get(DELETED, name)
    if deleted is not None and tx.now < deleted + RECREATE_SECONDS:
        raise Fault(
            "QueueDeletedRecently",
            f"You must wait {RECREATE_SECONDS} seconds after deleting a queue before you can create another with the same name.",
        )
    fresh = Queue(tx.serial(), tx.serial(), tx.now, tx.now, fifo=fifo)
    queue = settings.apply(tx, name, fresh, attributes, new=True)
    tx.put(QUEUES, name, value=queue)
    arn, tags = arn_of(tx.region, tx.account, name), req.get("tags") or {}
    check_tags(arn, tags, {})
    set_tags(tx, arn, tags)
    watch(tx, name, queue, tx.now + queue.retention)
    return {"QueueUrl": url_of(tx, name)}


def get_queue_url(tx: Tx, req: t.GetQueueUrlRequest) -> t.GetQueueUrlResult:
    tx = tx.at(account=req.get("QueueOwnerAWSAccountId"))
    if tx.get(QUEUES, req["QueueName"]) is None:
        raise no_such_queue()
    return {"QueueUrl": url_of(tx, req["QueueName"])}


def list_queues(tx: Tx, req: t.ListQueuesRequest) -> t.ListQueuesResult:
    prefix = req.get("QueueNamePrefix", "")
    start = _start(req.get("NextToken"))
    rows = tx.scan(QUEUES, start=start or (prefix,), end=(prefix + AFTER,))
    names, token = pages.page(rows, _limit(req.get("MaxResults")))
    result: t.ListQueuesResult = {}
    if names:
        result["QueueUrls"] = [url_of(tx, str(key[0])) for key, _ in names]
    if token and "MaxResults" in req:
        result["NextToken"] = token
    return result


def list_dead_letter_source_queues(tx: Tx, req: t.ListDeadLetterSourceQueuesRequest) -> t.ListDeadLetterSourceQueuesResult:
    found = find_queue(tx, req["QueueUrl"])
    tx = found.tx
    rows = tx.find(QUEUES, "sources", arn_of(tx.region, tx.account, found.name), start=_start(req.get("NextToken")))
    names, token = pages.page(rows, _limit(req.get("MaxResults")))
    result: t.ListDeadLetterSourceQueuesResult = {"queueUrls": [url_of(tx, str(key[0])) for key, _ in names]}
    if token and "MaxResults" in req:
        result["NextToken"] = token
    return result


def delete_queue(tx: Tx, req: t.DeleteQueueRequest) -> None:
    found = find_queue(tx, req["QueueUrl"])
    tx, name, queue = found.tx, found.name, found.queue
    tx.delete(QUEUES, name)
    tx.put(DELETED, name, value=tx.now)
    tx.timer(tx.now + RECREATE_SECONDS, "forget_name", {"name": name}, name=name)
    tx.delete(LAST, queue.id)
    tx.cancel_timer("expire", str(queue.id))
    abandon(tx, queue.store)
    forget(tx, TASKS, [key for key, _ in tx.scan(TASKS, queue.id)])
    arn = arn_of(tx.region, tx.account, name)
    remove_all_tags(tx, arn)
    forget_data_keys(tx, arn)
    tx.wake(*changed(queue))


def purge_queue(tx: Tx, req: t.PurgeQueueRequest) -> None:
    found = find_queue(tx, req["QueueUrl"])
    tx, name, queue = found.tx, found.name, found.queue
    if queue.purged and tx.now < queue.purged + PURGE_SECONDS:
        raise Fault(
            "PurgeQueueInProgress", f"Only one PurgeQueue operation on {name} is allowed every {PURGE_SECONDS} seconds.", status=403
        )
    tx.put(QUEUES, name, value=msgspec.structs.replace(queue, store=tx.serial(), purged=tx.now))
    abandon(tx, queue.store)


def get_queue_attributes(tx: Tx, req: t.GetQueueAttributesRequest) -> t.GetQueueAttributesResult:
    found = find_queue(tx, req["QueueUrl"])
    names = frozenset(req.get("AttributeNames") or ())
    for name in sorted(names):
        if name not in settings.NAMES or (name in settings.FIFO_ONLY and not found.queue.fifo):
            raise settings.unknown(name)
    attributes = settings.printed(found.tx, found.name, found.queue, None if "All" in names else names) if names else {}
    return {"Attributes": attributes} if attributes else {}


def set_queue_attributes(tx: Tx, req: t.SetQueueAttributesRequest) -> None:
    found = find_queue(tx, req["QueueUrl"])
    tx, name, queue = found.tx, found.name, found.queue
    becomes = settings.apply(tx, name, queue, settings.read(req["Attributes"]), new=False)
    tx.put(QUEUES, name, value=msgspec.structs.replace(becomes, modified=tx.now))
    if becomes.retention != queue.retention:
        # A shorter period makes messages that are here too old; AWS takes up to 15 minutes for it.
        watch(tx, name, becomes, tx.now)
    tx.wake(*changed(queue))


def _check_same(tx: Tx, name: str, queue: Queue, attributes: dict[str, str]) -> None:
    """Creating a queue again is fine where nothing that is said of it differs."""
    if attributes.keys() & settings.FIFO_ONLY and not queue.fifo:
        settings.apply(tx, name, queue, attributes, new=True)
    becomes = settings.printed(tx, name, settings.apply(tx, name, queue, attributes, new=True), None)
    now = settings.printed(tx, name, queue, None)
    for attribute in attributes:
        if not settings.same(becomes.get(attribute, ""), now.get(attribute, "")):
            raise Fault("QueueNameExists", f"A queue already exists with the same name and a different value for attribute {attribute}")


def _limit(given: int | None) -> int:
    if given is None:
        return LISTED_MAX
    return check_between(given, "MaxResults", 1, LISTED_MAX, f"Must be between 1 and {LISTED_MAX}, if provided.")


def _start(token: str | None) -> tuple[str, ...] | None:
    if not token:
        return None
    try:
        return pages.decode(token)
    except ValueError:
        raise Fault("InvalidParameterValue", "Invalid or expired next token.") from None
