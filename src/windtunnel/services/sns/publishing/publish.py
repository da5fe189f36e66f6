"""Publishing, one message or up to ten, to a topic, a phone or a device."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.sns.archive import archive
from windtunnel.services.sns.delivery import feedback
from windtunnel.services.sns.delivery.fanout import fan_out
from windtunnel.services.sns.delivery.published import Published
from windtunnel.services.sns.devices.push import push
from windtunnel.services.sns.phones.texting import text
from windtunnel.services.sns.protection import protected
from windtunnel.services.sns.publishing.encryption import check_publish
from windtunnel.services.sns.publishing.order import next_number, remember, sent_before
from windtunnel.services.sns.rules import (
    BILLED_BYTES,
    FIRST_SEQUENCE,
    MESSAGE_BYTES_MAX,
    SMS_CHARACTERS_MAX,
    check_attributes,
    check_batch,
    check_phone,
    check_subject,
    check_token,
    invalid,
    size_of,
    texts_of,
)
from windtunnel.services.sns.state import Found, Sent, Topic, find_topic

if TYPE_CHECKING:
    from windtunnel.aws.types import sns as t

NOT_FOR_THIS_TYPE = "Reason: The request includes {} parameter that is not valid for this topic type"
NO_DEDUPLICATION = "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
Checked = tuple[Published, int]


def publish(tx: Tx, req: t.PublishInput) -> t.PublishResponse:
    arn, parameter = req.get("TopicArn"), "TopicArn"
    if arn is None and (phone := req.get("PhoneNumber")) is not None:
        return _to_phone(tx, phone, req)
    if arn is None:
        arn, parameter = req.get("TargetArn"), "TargetArn"
    if arn is None:
        raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
    if ":endpoint/" in arn:
        return {"MessageId": push(tx, arn, *_checked(req))}
    if parameter == "TargetArn" and ":app/" in arn:
        raise invalid("TargetArn Reason: No endpoint found for the target arn specified")
    found = find_topic(tx, arn, parameter)
    published, size = _checked(req)
    if size > int(found.topic.texts.get("MaximumMessageSize", MESSAGE_BYTES_MAX)):
        raise invalid("Message too long")
    _order(published, found.topic, req)
    check_publish(found)
    _meter(found.tx, size)
    return _publish(found, published)  # pyright: ignore[reportReturnType]


def publish_batch(tx: Tx, req: t.PublishBatchInput) -> t.PublishBatchResponse:
    """Refused as a whole where any message is wrong, unlike SQS's batches."""
    found = find_topic(tx, req["TopicArn"])
    entries = req["PublishBatchRequestEntries"]
    check_batch(entries)
    checked: list[Checked] = []
    for entry in entries:
        checked.append(_checked(entry))
        _order(checked[-1][0], found.topic, entry)
    total = sum(size for _, size in checked)
    if total > int(found.topic.texts.get("MaximumMessageSize", MESSAGE_BYTES_MAX)):
        raise Fault("BatchRequestTooLong", "The length of all the messages put together is more than the limit.")
    check_publish(found)
    _meter(found.tx, total)
    successful = [{"Id": entry["Id"], **_publish(found, one)} for entry, (one, _) in zip(entries, checked, strict=True)]
    return {"Successful": successful, "Failed": []}  # pyright: ignore[reportReturnType]


def _checked(req: Mapping[str, Any]) -> Checked:
    """A message and its size. Raises what is wrong with it, whatever its topic is."""
    message: str = req["Message"]
    if not message:
        raise invalid("Empty message")
    subject: str | None = req.get("Subject")
    if subject is not None:
        check_subject(subject)
    attributes: dict[str, dict[str, Any]] = req.get("MessageAttributes") or {}
    if attributes:
        check_attributes(attributes)
    structure = req.get("MessageStructure")
    if structure not in {None, "", "json"}:
        raise invalid(f"MessageStructure Reason: {structure} is not a supported message structure")
    texts = texts_of(message) if structure == "json" else None
    return Published("", message, subject or "", attributes, texts), size_of(message, attributes)


def _order(published: Published, topic: Topic, req: Mapping[str, Any]) -> None:
    """Takes over what gives messages their order, where the topic is one that has an order."""
    group, deduplication = req.get("MessageGroupId"), req.get("MessageDeduplicationId")
    if group is not None:
        check_token(group, "MessageGroupId")
    if deduplication is not None:
        check_token(deduplication, "MessageDeduplicationId")
    published.group, published.deduplication = group or "", deduplication or ""
    if not topic.fifo:
        if deduplication is not None:
            raise invalid(f"MessageDeduplicationId {NOT_FOR_THIS_TYPE.format('MessageDeduplicationId')}")
        return
    if group is None:
        raise invalid("The MessageGroupId parameter is required for FIFO topics")
    if deduplication is None:
        if not topic.content_deduplication:
            raise invalid(NO_DEDUPLICATION)
        published.deduplication = sha256(published.message.encode()).hexdigest()


def _publish(found: Found, published: Published) -> dict[str, str]:
    tx = found.tx
    published.id = tx.new_id()
    if found.topic.protected:
        _protect(found, published)
    if not found.topic.fifo:
        fan_out(found, published)
        return {"MessageId": published.id}
    sent = sent_before(tx, found.topic, published.group, published.deduplication)
    if sent is None:
        number = next_number(tx, found.topic)
        published.sequence = str(FIRST_SEQUENCE + number)
        sent = Sent(tx.now, published.id, published.sequence)
        remember(tx, found.topic, published.group, published.deduplication, sent)
        if found.topic.archived_days:
            archive.store(tx, found.topic, number, published)
        fan_out(found, published)
    return {"MessageId": sent.id, "SequenceNumber": sent.sequence}


def _protect(found: Found, published: Published) -> None:
    """Hides or refuses what the topic's data protection policy calls sensitive, before anyone gets it."""
    text, audits = protected(found.tx, found.topic, "Inbound", found.tx.scope.principal.arn, published.message)
    feedback.audit(found.tx, found.arn, published.id, found.tx.scope.principal.arn, audits)
    if text is None:
        raise Fault("AuthorizationError", f"The topic's data protection policy prohibits this message from being published to {found.arn}")
    if text != published.message:
        published.message, published.texts = text, None if published.texts is None else texts_of(text)


def _to_phone(tx: Tx, phone: str, req: t.PublishInput) -> t.PublishResponse:
    check_phone(phone)
    published, _ = _checked(req)  # pyright: ignore[reportArgumentType]
    if len(published.text("sms")) > SMS_CHARACTERS_MAX:
        raise invalid("Message too long")
    id = tx.new_id()
    log = feedback.asked(tx, {}, feedback.DIRECT, "", "sms", phone, id, published.message)
    sender = (published.attributes.get("AWS.SNS.SMS.SenderID") or {}).get("StringValue", "")
    text(tx, phone, published.text("sms"), source="sns.amazonaws.com", sender=sender, log=log)
    return {"MessageId": id}


def _meter(tx: Tx, size: int) -> None:
    if size > BILLED_BYTES:
        tx.meter("Requests", -(-size // BILLED_BYTES) - 1)
