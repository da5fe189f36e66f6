"""What notification configurations have to keep to, read into rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault
from windtunnel.services.s3.rules import malformed, nested, several
from windtunnel.services.s3.state import Rule


class Kind(msgspec.Struct, frozen=True):
    """One kind of destination: its word in faults and its members."""

    name: str
    service: str
    member: str
    arn_member: str


KINDS = (
    Kind("Topic", "sns", "TopicConfigurations", "TopicArn"),
    Kind("Queue", "sqs", "QueueConfigurations", "QueueArn"),
    Kind("CloudFunction", "lambda", "LambdaFunctionConfigurations", "LambdaFunctionArn"),
)
FAMILIES: Mapping[str, Sequence[str]] = {
    "ObjectCreated": ("*", "Put", "Post", "Copy", "CompleteMultipartUpload"),
    "ObjectRemoved": ("*", "Delete", "DeleteMarkerCreated"),
    "ObjectRestore": ("*", "Post", "Completed", "Delete"),
    "Replication": (
        "*", "OperationFailedReplication", "OperationNotTracked", "OperationMissedThreshold", "OperationReplicatedAfterThreshold",
    ),
    "LifecycleTransition": (),
    "LifecycleExpiration": ("*", "Delete", "DeleteMarkerCreated"),
    "ObjectTagging": ("*", "Put", "Delete"),
    "ObjectAcl": ("Put",),
    "ObjectRetention": ("Put",),
    "ObjectAnnotation": ("*", "Put", "Delete"),
    "ReducedRedundancyLostObject": (),
    "IntelligentTiering": (),
}  # fmt: skip
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html"""


RULES_MAX = 100
"""Of a bucket: https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-enable-disable-notification-intro.html"""
VALUE_BYTES_MAX = 1024


def rule_of(kind: Kind, item: Mapping[str, Any], region: str, fresh_id: str) -> Rule:
    """One configuration of a kind, checked."""
    target = item[kind.arn_member]
    arn = parse_or_none(target)
    if arn is None or arn.service != kind.service:
        raise _refused("The ARN could not be parsed", kind.name, target)
    if arn.region != region:
        message = "The notification destination service region is not valid for the bucket location constraint"
        raise _refused(message, kind.name, target)
    if kind.name == "Queue" and target.endswith(".fifo"):
        raise _refused("FIFO SQS queues are not supported", kind.name, target)
    events: tuple[str, ...] = tuple(item.get("Events") or ())
    if not events:
        raise malformed()
    for event in events:
        _check_event(event)
    return Rule(item.get("Id") or fresh_id, kind.name, target, events, _filters_of(item))


def _refused(message: str, name: str, value: str) -> Fault:
    return Fault("InvalidArgument", message, ArgumentName=name, ArgumentValue=value)


def _check_event(event: str) -> None:
    family, _, word = event.removeprefix("s3:").partition(":")
    known = FAMILIES.get(family)
    if known is None or not event.startswith("s3:") or (word not in known if known else word):
        raise _refused("The event is not supported for notifications", "Event", event)


def _filters_of(item: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    filters: list[tuple[str, str]] = []
    for rule in several(nested(nested(item, "Filter"), "Key"), "FilterRules"):
        name = str(rule.get("Name") or "")
        if name.lower() not in ("prefix", "suffix"):
            raise _refused("filter rule name must be either prefix or suffix", "FilterRule.Name", name)
        if any(name.capitalize() == there for there, _ in filters):
            raise _refused(f"Cannot specify more than one {name.lower()} rule in a filter.", "FilterRule.Name", name)
        value: str = rule.get("Value") or ""
        if len(value.encode("utf-8", "surrogatepass")) > VALUE_BYTES_MAX:
            message = f"Size of filter rule value cannot exceed {VALUE_BYTES_MAX} bytes in UTF-8 representation"
            raise _refused(message, "FilterRule.Value", value)
        filters.append((name.capitalize(), value))
    return tuple(filters)


def check_overlaps(rules: Sequence[Rule]) -> None:
    """No event of any key may have two destinations."""
    for one, other in combinations(rules, 2):
        if not any(_meet(a, b) for a in one.events for b in other.events):
            continue
        mine, theirs = dict(one.filters), dict(other.filters)
        if not mine and not theirs:
            message = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
            raise Fault("InvalidArgument", message)
        prefix, other_prefix = mine.get("Prefix", ""), theirs.get("Prefix", "")
        suffix, other_suffix = mine.get("Suffix", ""), theirs.get("Suffix", "")
        ahead = prefix.startswith(other_prefix) or other_prefix.startswith(prefix)
        behind = suffix.endswith(other_suffix) or other_suffix.endswith(suffix)
        if ahead and behind:
            raise Fault(
                "InvalidArgument",
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for"
                " the same event type.",
            )


def _meet(one: str, other: str) -> bool:
    """Whether two event types have an event in common."""
    if one == other:
        return True
    if one.endswith("*"):
        return other.startswith(one[:-1])
    return other.endswith("*") and one.startswith(other[:-1])
