"""A queue's attributes: what may be set, what it means, and how it is printed. Limits and defaults are CreateQueue's.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.policy_check import check_policy
from windtunnel.fabric import Fault, Tx
from windtunnel.services.sqs import standard
from windtunnel.services.sqs.fifo import by_group
from windtunnel.services.sqs.rules import POLICY_BYTES_MAX, SCOPE_SECONDS, check_statements, invalid_value
from windtunnel.services.sqs.state import NUMBERS, QUEUES, Queue, arn_of, count_after

NUMBERS_OF: Final[Mapping[str, tuple[str, int, int]]] = {
    "VisibilityTimeout": ("visibility", 0, 43_200),
    "MaximumMessageSize": ("size_max", 1_024, 1_048_576),
    "MessageRetentionPeriod": ("retention", 60, 1_209_600),
    "DelaySeconds": ("delay", 0, 900),
    "ReceiveMessageWaitTimeSeconds": ("wait", 0, 20),
}
"""attribute -> (field of Queue, least, most)"""
FIFO_ONLY = frozenset({"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"})
COUNTED = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
READ_ONLY = frozenset({*COUNTED, "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn", "All"})
TEXTS = frozenset(
    {
        "Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled",
        "DeduplicationScope", "FifoThroughputLimit",
    }
)  # fmt: skip
NAMES = frozenset({*NUMBERS_OF, *FIFO_ONLY, *READ_ONLY, *TEXTS})
RECEIVES_MAX = 1_000
REUSE_SECONDS = (60, 86_400)
SOURCES_MAX = 10
FLAGS = ("true", "false")
_FLAGGED = frozenset({"FifoQueue", "ContentBasedDeduplication", "SqsManagedSseEnabled"})


class Allowed(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A RedriveAllowPolicy."""

    redrive_permission: Literal["allowAll", "denyAll", "byQueue"]
    source_queue_arns: list[str] = []


def read(attributes: Mapping[str, str] | None) -> dict[str, str]:
    """Attributes as a request gives them: what is true or false may be written with capitals."""
    return {name: value.lower() if name in _FLAGGED else value for name, value in (attributes or {}).items()}


def apply(tx: Tx, name: str, queue: Queue, attributes: Mapping[str, str], *, new: bool) -> Queue:
    """A queue with attributes set. Raises AWS's faults for those that can't be."""
    changes: dict[str, Any] = {}
    texts = dict(queue.texts)
    for attribute, value in attributes.items():
        if attribute in NUMBERS_OF:
            field, least, most = NUMBERS_OF[attribute]
            changes[field] = _number(attribute, value, least, most)
        elif attribute in FIFO_ONLY:
            changes |= _ordering(tx, queue, attribute, value, texts, new=new)
        elif attribute in TEXTS:
            _set_text(texts, attribute, _CHECKS[attribute](attribute, value), value)
        else:
            raise unknown(attribute)
    if attributes.get("KmsMasterKeyId") and attributes.get("SqsManagedSseEnabled") == "true":
        raise Fault(
            "InvalidAttributeName",
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
        )
    if attributes.get("KmsMasterKeyId"):
        texts["SqsManagedSseEnabled"] = "false"
    if attributes.get("SqsManagedSseEnabled") == "true":
        texts.pop("KmsMasterKeyId", None)
    if texts.get("FifoThroughputLimit") == "perMessageGroupId" and texts.get("DeduplicationScope") != "messageGroup":
        raise Fault(
            "InvalidAttributeValue",
            "Invalid value for the parameter FifoThroughputLimit. Reason: The perMessageGroupId value is allowed only when the value for"
            " DeduplicationScope is messageGroup.",
        )
    if "RedrivePolicy" in attributes:
        changes["dead_letter"], changes["receives_max"] = _redrive(tx, name, queue, attributes["RedrivePolicy"])
    return msgspec.structs.replace(queue, texts=texts, **changes)


def unknown(attribute: str) -> Fault:
    return Fault("InvalidAttributeName", f"Unknown Attribute {attribute}.")


def printed(tx: Tx, name: str, queue: Queue, wanted: frozenset[str] | None) -> dict[str, str]:
    """Attributes by name; None for all of them."""
    out = {attribute: str(getattr(queue, field)) for attribute, (field, _, _) in NUMBERS_OF.items()}
    out["QueueArn"] = arn_of(tx.region, tx.account, name)
    out["CreatedTimestamp"] = str(int(queue.created))
    out["LastModifiedTimestamp"] = str(int(queue.modified))
    out["SqsManagedSseEnabled"] = "true"
    if queue.fifo:
        out |= {"FifoQueue": "true", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}
        out["ContentBasedDeduplication"] = "true" if queue.content_deduplication else "false"
    out |= queue.texts
    if "KmsMasterKeyId" in out:
        out.setdefault("KmsDataKeyReusePeriodSeconds", "300")
    else:
        out.pop("KmsDataKeyReusePeriodSeconds", None)
    if wanted is None or not wanted.isdisjoint(COUNTED):
        out |= dict(zip(COUNTED, map(str, counts(tx, queue)), strict=True))
    return out if wanted is None else {attribute: value for attribute, value in out.items() if attribute in wanted}


def same(one: str, other: str) -> bool:
    """Whether two values of an attribute are equal; policies may be written differently."""
    return one == other or ((map_ := _map(one)) is not None and map_ == _map(other))


def counts(tx: Tx, queue: Queue) -> tuple[int, int, int]:
    """How many messages can be received, are in flight, are delayed."""
    total = int(tx.amount(NUMBERS, queue.store, "all"))
    held = standard.in_flight(tx, queue)
    if queue.fifo:
        delayed = count_after(tx, queue.store, "fresh", tx.now - queue.delay) if queue.delay else 0
    else:
        delayed = count_after(tx, queue.store, "delayed", tx.now)
    return max(total - held - delayed, 0), held, delayed


def sources_allowed(queue: Queue, source: str) -> bool:
    """Whether a dead-letter queue's RedriveAllowPolicy lets a source name it."""
    text = queue.texts.get("RedriveAllowPolicy")
    policy = msgspec.json.decode(text, type=Allowed) if text else Allowed("allowAll")
    return policy.redrive_permission == "allowAll" or source in policy.source_queue_arns


def _number(attribute: str, value: str, least: int, most: int) -> int:
    number = int(value) if value.isascii() and value.removeprefix("-").isdigit() else -1
    if not least <= number <= most:
        raise invalid(attribute)
    return number


def invalid(attribute: str, reason: str = "") -> Fault:
    return Fault("InvalidAttributeValue", f"Invalid value for the parameter {attribute}.{f' Reason: {reason}' if reason else ''}")


def _ordering(tx: Tx, queue: Queue, attribute: str, value: str, texts: dict[str, str], *, new: bool) -> dict[str, Any]:
    """FIFO queues' own attributes."""
    if not queue.fifo:
        if attribute in {"DeduplicationScope", "FifoThroughputLimit"}:
            raise Fault("InvalidAttributeName", f"You can specify the {attribute} only when FifoQueue is set to true.")
        raise unknown(attribute)
    if attribute == "FifoQueue":
        if value not in FLAGS:
            raise invalid(attribute)
        if value == "false" and not new:
            raise invalid(attribute, "Modifying queue type is not supported.")
        return {}
    if attribute == "ContentBasedDeduplication":
        _flag(attribute, value)
        return {"content_deduplication": value == "true"}
    allowed = ("queue", "messageGroup") if attribute == "DeduplicationScope" else ("perQueue", "perMessageGroupId")
    if value not in allowed:
        raise invalid(attribute)
    texts[attribute] = value
    if attribute != "DeduplicationScope":
        return {}
    wanted = value == "messageGroup"
    at_once = new or wanted == by_group(queue, tx.now)
    return {"group_deduplication": wanted, "scoped": 0.0 if at_once else tx.now + SCOPE_SECONDS}


def _set_text(texts: dict[str, str], attribute: str, keep: bool, value: str) -> None:
    if keep:
        texts[attribute] = value
    else:
        texts.pop(attribute, None)


def _map(text: str) -> dict[str, Any] | None:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    return value if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType]


def _flag(attribute: str, value: str) -> bool:
    if value not in FLAGS:
        raise invalid(attribute)
    return True


def _check_policy(attribute: str, value: str) -> bool:
    if not value:
        return False
    if len(value.encode()) > POLICY_BYTES_MAX:
        raise Fault("OverLimit", "Submitted policy is over max allowed size.", status=403)
    try:
        policy = check_policy(value, "resource")
    except ValueError as error:
        raise invalid(attribute) from error
    check_statements(policy["Statement"])
    return True


def _check_reuse(attribute: str, value: str) -> bool:
    _number(attribute, value, *REUSE_SECONDS)
    return True


def _check_allow(attribute: str, value: str) -> bool:
    if not value:
        return False
    cannot = "Amazon SQS can't create the redrive allow policy"
    try:
        policy = msgspec.json.decode(value, type=Allowed)
    except msgspec.DecodeError:
        raise invalid(attribute, f"{cannot}, as it’s in an unsupported format.") from None
    sources, by_queue = policy.source_queue_arns, policy.redrive_permission == "byQueue"
    if sources and not by_queue:
        must = "To specify one or more source queue ARNs, you must set redrivePermission to byQueue."
        raise invalid_value(value, attribute, f"{cannot}. {must}")
    if by_queue and not sources:
        must = "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values."
        raise invalid_value(value, attribute, f"{cannot}. {must}")
    if len(sources) > SOURCES_MAX:
        must = f"The maximum number of source queue ARNs you can specify is {SOURCES_MAX}."
        raise invalid_value(value, attribute, f"{cannot}. {must}")
    return True


def _anything(attribute: str, value: str) -> bool:
    return bool(value)


_CHECKS: Final = {
    "Policy": _check_policy,
    "RedrivePolicy": _anything,
    "RedriveAllowPolicy": _check_allow,
    "KmsMasterKeyId": _anything,
    "KmsDataKeyReusePeriodSeconds": _check_reuse,
    "SqsManagedSseEnabled": _flag,
}


def _redrive(tx: Tx, name: str, queue: Queue, text: str) -> tuple[str, int]:
    """The dead-letter queue's ARN and the number of receives a RedrivePolicy says."""
    if not text:
        return "", 0

    def refuse(reason: str) -> Fault:
        return invalid_value(text, "RedrivePolicy", reason)

    policy = _map(text)
    if policy is None:
        raise refuse("Redrive policy is not a valid JSON map.")
    for mandatory in ("maxReceiveCount", "deadLetterTargetArn"):
        if mandatory not in policy:
            raise refuse(f"Redrive policy does not contain mandatory attribute: {mandatory}.")
    if policy.keys() - {"maxReceiveCount", "deadLetterTargetArn"}:
        raise refuse("Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].")
    said = str(policy["maxReceiveCount"])
    if not said.isdigit() or not 1 <= int(said) <= RECEIVES_MAX:
        raise refuse(f"Invalid value for maxReceiveCount: {said}, valid values are from 1 to {RECEIVES_MAX} both inclusive.")
    arn = parse_or_none(str(policy["deadLetterTargetArn"]))
    if arn is None or arn.service != "sqs":
        raise refuse("Invalid value for deadLetterTargetArn.")
    if (arn.region, arn.account) != (tx.region, tx.account):
        raise refuse("Dead-letter target owner and region should be same as the source.")
    target = tx.get(QUEUES, arn.resource)
    if target is None:
        raise refuse("Dead letter target does not exist.")
    if target.fifo != queue.fifo:
        raise refuse("Dead-letter queue must be same type of queue as the source.")
    if not sources_allowed(target, arn_of(tx.region, tx.account, name)):
        raise refuse("Dead letter target does not allow this queue as a source by its RedriveAllowPolicy.")
    return arn.text(), int(said)
