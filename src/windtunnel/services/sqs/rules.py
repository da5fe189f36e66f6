"""SQS's limits, checksums, addresses and the checks that need no state."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import md5, sha256
from struct import pack
from typing import Any
from urllib.parse import urlsplit

from windtunnel.aws.errors import Fault
from windtunnel.fabric.tags import TAGS_MAX

RECEIVED_MAX = 10
BATCH_ENTRIES_MAX = 10
BATCH_BYTES_MAX = 1_048_576
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""
ATTRIBUTES_MAX = 10
ATTRIBUTE_TEXT_MAX = 256
TRACE = "AWSTraceHeader"
IN_FLIGHT_MAX = 120_000
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html"""
DELAY_SECONDS_MAX = 900
VISIBILITY_SECONDS_MAX = 43_200
WAIT_SECONDS_MAX = 20
SERVICE_WAIT_SECONDS_MAX = 86_400
"""What AWS's own services may wait: a poller of an idle queue then costs nothing while the clock jumps over a month."""
DEDUPLICATION_SECONDS = 300
ATTEMPT_SECONDS = 300
RECREATE_SECONDS = 60
SCOPE_SECONDS = 60
"""How long a change of the DeduplicationScope takes: "up to 60 seconds" is said of attributes in
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"""
PURGE_SECONDS = 60
POLICY_BYTES_MAX = 8_192
STATEMENTS_MAX = 20
ACTIONS_MAX = 7
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html"""
TAG_KEY_MAX, TAG_VALUE_MAX = 128, 256
BODY_INLINE_MAX = 65_536
"""Longer bodies lie in a row of their own, or a slice of a queue's rows could fill the memory. As for speed one row is as good
at any length, by measurement: moving a body costs less than reading another row."""
BILLED_BYTES = 65_536
"""Every 64 KB of a payload are billed as a request: https://aws.amazon.com/sqs/pricing/"""
FIRST_SEQUENCE = 18_850_000_000_000_000_000

SYSTEM_ATTRIBUTES = frozenset(
    {
        "All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "SequenceNumber",
        "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
    }
)  # fmt: skip

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FIFO_NAME = re.compile(r"(?=.{6,80}$)[A-Za-z0-9_-]+\.fifo")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r")
_TOKEN = re.compile(r"[!-~]{1,128}")
_BATCH_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ATTRIBUTE_NAME = re.compile(r"(?!(?i:aws|amazon)\.)(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ALL = frozenset({"All", "*", ".*"})
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")
_TAG_CHARACTERS = "can only include Unicode letters, digits, whitespace, or _.:/=+-@."
_LEGACY_HOST = "queue.amazonaws.com"


def invalid_value(value: object, parameter: str, reason: str) -> Fault:
    return Fault("InvalidParameterValue", f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def missing(parameter: str) -> Fault:
    return Fault("MissingParameter", f"The request must contain the parameter {parameter}.")


@lru_cache(maxsize=8192)
def address_of(url: str) -> tuple[str, str, str]:
    """(region, account, name) of a queue's URL; region and account are empty where the URL doesn't name them.

    Hosts are AWS's (`sqs.us-east-1.amazonaws.com`, the older `us-east-1.queue.amazonaws.com`) or any other.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    path = parts.path.strip("/").split("/")
    name = path[-1]
    if not name or (parts.netloc and len(path) < 2):
        raise Fault("InvalidAddress", f"The address {url} is not valid for this endpoint.")
    host = parts.hostname or ""
    region = next((label for label in host.split(".") if _REGION.fullmatch(label)), "")
    if host == _LEGACY_HOST:
        region = "us-east-1"
    account = path[-2] if len(path) > 1 else ""
    if not region and len(path) > 2 and _REGION.fullmatch(path[-3]):
        region = path[-3]
    return region, account, name


def check_name(name: str, *, fifo: bool) -> None:
    if fifo and not _FIFO_NAME.fullmatch(name):
        raise Fault(
            "InvalidParameterValue",
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix"
            " and be 1 to 80 in length.",
        )
    if not fifo and not _QUEUE_NAME.fullmatch(name):
        raise Fault("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")


def check_body(body: str) -> None:
    """Only what XML 1.0 allows: https://www.w3.org/TR/REC-xml/#charsets"""
    if not body:
        raise missing("MessageBody")
    plain = body.isascii() and len(body.encode().translate(None, _CONTROLS)) == len(body)
    if not plain and _FORBIDDEN.search(body):
        raise Fault(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to"
            " #x10FFFF",
        )


def check_token(value: str, parameter: str) -> None:
    """Group, deduplication and attempt ids."""
    if not _TOKEN.fullmatch(value):
        raise invalid_value(value, parameter, f"{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.")


def check_between(value: int, parameter: str, least: int, most: int, reason: str) -> int:
    if not least <= value <= most:
        raise invalid_value(value, parameter, reason)
    return value


def check_statements(statements: list[Mapping[str, Any]]) -> None:
    """What a queue's policy may have."""
    if len(statements) > STATEMENTS_MAX:
        found = f"{len(statements)} statements were found in the submitted policy"
        raise Fault("OverLimit", f"{found}, max allowed is {STATEMENTS_MAX}", status=403)
    for statement in statements:
        actions = statement.get("Action")
        if isinstance(actions, list) and (number := len(actions)) > ACTIONS_MAX:  # pyright: ignore[reportUnknownArgumentType]
            found = f"{number} actions were found in a statement from the submitted policy"
            raise Fault("OverLimit", f"{found}, max allowed is {ACTIONS_MAX}", status=403)


def check_entries(entries: Sequence[Mapping[str, Any]], kind: str) -> None:
    """What is refused of a batch as a whole."""
    if not entries:
        raise Fault("EmptyBatchRequest", f"There should be at least one {kind} in the request.")
    if len(entries) > BATCH_ENTRIES_MAX:
        raise Fault(
            "TooManyEntriesInBatchRequest", f"Maximum number of entries per request are {BATCH_ENTRIES_MAX}. You have sent {len(entries)}."
        )
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        id = entry.get("Id")
        if id is None:
            raise missing(f"{kind}.{number}.Id")
        if not _BATCH_ID.fullmatch(id):
            raise Fault(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
            )
        if id in seen:
            raise Fault("BatchEntryIdsNotDistinct", f"Id {id} repeated.")
        seen.add(id)


def failed(id: str, fault: Fault) -> dict[str, Any]:
    """The entry of a batch's result for what was refused."""
    return {"Id": id, "SenderFault": True, "Code": fault.code, "Message": fault.message}


def check_attributes(attributes: Mapping[str, Mapping[str, Any]], kind: str = "(user)") -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html"""
    if len(attributes) > ATTRIBUTES_MAX:
        raise Fault(
            "InvalidParameterValue", f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{ATTRIBUTES_MAX}]."
        )
    for name, attribute in attributes.items():
        wrong = "" if _ATTRIBUTE_NAME.fullmatch(name) else _wrong_name(name, kind)
        if wrong := wrong or _wrong_value(name, attribute, kind):
            raise Fault("InvalidParameterValue", wrong)


def check_system_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """A sender may set one of them: the header of a trace."""
    for name in attributes:
        if name != TRACE:
            raise Fault("InvalidParameterValue", f"Message system attribute name '{name}' is invalid.")
    check_attributes(attributes, "system")
    reserved = f"The message system attribute '{TRACE}' is reserved for AWS X-Ray trace header."
    if attributes[TRACE]["DataType"] != "String":
        raise Fault("InvalidParameterValue", f"{reserved} The type must be 'String'.")
    if "=" not in attributes[TRACE]["StringValue"]:
        raise Fault("InvalidParameterValue", f"{reserved} Value '{attributes[TRACE]['StringValue']}' is invalid.")


def _wrong_name(name: str, kind: str) -> str:
    """What is wrong with the name of an attribute."""
    if not name:
        return f"The request must contain non-empty message {kind} attribute names."
    if len(name) > ATTRIBUTE_TEXT_MAX:
        return f"Message {kind} attribute name must be shorter than {ATTRIBUTE_TEXT_MAX} bytes."
    if name.lower().startswith(("aws.", "amazon.")):
        return "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use."
    for found, what in (
        (name.startswith("."), "begin with character '.'"),
        (name.endswith("."), "end with character '.'"),
        (".." in name, "have successive '.' characters"),
    ):
        if found:
            return f"Message {kind} attribute name must not {what}."
    allowed = "Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters."
    return f"The message attribute name '{name}' is invalid. {allowed}"


def _wrong_value(name: str, attribute: Mapping[str, Any], kind: str) -> str:
    """What is wrong with the type or the value of an attribute; nothing as a rule."""
    type_ = attribute.get("DataType")
    if not type_:
        return f"The message {kind} attribute '{name}' must contain a non-empty message attribute type."
    base = type_.partition(".")[0]
    if base not in {"String", "Number", "Binary"}:
        only = "You must use only the following supported type prefixes: Binary, Number, String."
        return f"The type of message {kind} attribute '{name}' is invalid. {only}"
    if len(type_) > ATTRIBUTE_TEXT_MAX:
        return f"Message {kind} attribute type must be shorter than {ATTRIBUTE_TEXT_MAX} bytes."
    text, binary = attribute.get("StringValue"), attribute.get("BinaryValue")
    if not text and not binary:
        return f"Message {kind} attribute '{name}' must contain a non-empty value of type '{type_}'."
    if text and binary:
        return f"Message {kind} attribute '{name}' must have a single value."
    field = "Binary" if base == "Binary" else "String"
    if not attribute.get(f"{field}Value"):
        return f"Message {kind} attribute '{name}' with type '{type_}' must use field '{field}'."
    if text and _FORBIDDEN.search(text):
        return f"Message {kind} attribute '{name}' contains invalid characters."
    if base == "Number" and not _NUMBER.fullmatch(text or ""):
        return f"Can't cast the value of message {kind} attribute '{name}' to a number."
    return ""


def check_tags(arn: str, tags: Mapping[str, str], kept: Mapping[str, str]) -> None:
    """Tags that a queue is to have beside those it has: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html"""
    check_tag_keys(tags)
    for key, value in tags.items():
        if len(value) > TAG_VALUE_MAX:
            raise invalid_value(value, key, f"Tag values must be between 0 and {TAG_VALUE_MAX} characters in length.")
        if not _TAG_TEXT.fullmatch(value):
            raise invalid_value(value, key, f"Tag values {_TAG_CHARACTERS}")
    if len(kept.keys() | tags.keys()) > TAGS_MAX:
        raise Fault("InvalidParameterValue", f"Too many tags added for queue {arn.rpartition(':')[2]}.")


def check_tag_keys(keys: Iterable[str]) -> None:
    for key in keys:
        if not 1 <= len(key) <= TAG_KEY_MAX:
            raise Fault("InvalidParameterValue", f"Tag keys must be between 1 and {TAG_KEY_MAX} characters in length.")
        if key.lower().startswith("aws:"):
            raise Fault("InvalidParameterValue", "aws: prefixed tag key names are not allowed for external use.")
        if not _TAG_TEXT.fullmatch(key):
            raise Fault("InvalidParameterValue", f"Tag keys {_TAG_CHARACTERS}")


def bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def size_of(body: str, attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """A message's size: its body, and names, types and values of its attributes."""
    size = bytes_of(body)
    for name, attribute in attributes.items():
        binary = attribute.get("BinaryValue")
        size += bytes_of(name) + bytes_of(attribute.get("DataType", ""))
        size += len(binary) if binary is not None else bytes_of(attribute.get("StringValue", ""))
    return size


def digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def content_id(body: str) -> str:
    """The deduplication id that a body stands for."""
    return sha256(body.encode()).hexdigest()


def attributes_digest(attributes: Mapping[str, Mapping[str, Any]]) -> str:
    """The MD5 of attributes, as AWS's SDKs verify it.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
    """
    if not attributes:
        return ""
    out: list[bytes] = []
    for name in sorted(attributes):
        attribute = attributes[name]
        kind = attribute["DataType"]
        binary = kind.partition(".")[0] == "Binary"
        value = attribute["BinaryValue"] if binary else attribute["StringValue"].encode()
        for part in (name.encode(), kind.encode()):
            out += (pack(">I", len(part)), part)
        out += (b"\x02" if binary else b"\x01", pack(">I", len(value)), value)
    return md5(b"".join(out), usedforsecurity=False).hexdigest()


def chosen(attributes: Mapping[str, Mapping[str, Any]], names: list[str]) -> dict[str, Mapping[str, Any]]:
    """The attributes that a receiver asks for: by name, by prefix (`order.*`) or all of them."""
    if not _ALL.isdisjoint(names):
        return dict(attributes)
    exact = {name for name in names if not name.endswith(".*")}
    prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))
    return {name: value for name, value in attributes.items() if name in exact or (prefixes and name.startswith(prefixes))}


def sequence_of(serial: int) -> str:
    """A FIFO message's sequence number: 20 digits that rise."""
    return str(FIRST_SEQUENCE + serial)
