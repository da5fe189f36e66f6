"""SNS's limits, the wording of its refusals, and the checks that need no state."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from windtunnel.aws.errors import Fault
from windtunnel.fabric.tags import TAGS_MAX

MESSAGE_BYTES_MAX = 262_144
"""https://docs.aws.amazon.com/general/latest/gr/sns.html"""
SMS_CHARACTERS_MAX = 1_600
"""https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""
BILLED_BYTES = 65_536
"""Every 64 KB of a payload are billed as a request: https://aws.amazon.com/sns/pricing/"""
SUBJECT_LENGTH_MAX = 100
BATCH_ENTRIES_MAX = 10
BATCH_ID_LENGTH_MAX = 80
DEDUPLICATION_SECONDS = 300
ATTRIBUTE_NAME_BYTES_MAX = 256
ARN_FIELDS = 6
FIRST_SEQUENCE = 10_000_000_000_000_000_000
PAGE_ITEMS = 100
CONFIRM_SECONDS_MAX = 2 * 86_400.0
"""A token is good for two days: https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html"""
TOKEN_LENGTH = 288
TRUE_FALSE = frozenset({"true", "false"})

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_FIFO_NAME = re.compile(r"(?=.{6,256}$)[A-Za-z0-9_-]+\.fifo")
_SUBJECT = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,100}")
_PHONE = re.compile(r"\+?[0-9]{1,20}")
_OWNED_PHONE = re.compile(r"\+?[0-9]{7,20}")
_TOKEN = re.compile(r"[!-~]{1,128}")
_ATTRIBUTE_TYPE = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_.-]")
_BATCH_ID = re.compile(r"[A-Za-z0-9_-]+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def invalid(what: str) -> Fault:
    return Fault("InvalidParameter", f"Invalid parameter: {what}")


def invalid_value(message: str) -> Fault:
    return Fault("ParameterValueInvalid", message)


@lru_cache(maxsize=8192)
def _fields(arn: str) -> tuple[str, ...]:
    return tuple(arn.split(":", ARN_FIELDS - 1))


def arn_parts(arn: str, parameter: str) -> tuple[str, ...]:
    """The six fields of an ARN."""
    parts = _fields(arn)
    if len(parts) < ARN_FIELDS:
        raise invalid(f"{parameter} Reason: An ARN must have at least 6 elements, not {len(parts)}")
    if parts[0] != "arn" or parts[2] != "sns":
        raise invalid(parameter)
    return parts


def check_name(name: str, *, fifo: bool) -> None:
    if not (_FIFO_NAME if fifo else _NAME).fullmatch(name):
        raise invalid("Topic Name")


def check_subject(subject: str) -> None:
    """https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""
    if not _SUBJECT.fullmatch(subject) or subject[0] == " ":
        raise invalid("Subject")


def check_phone(number: str) -> None:
    if not _PHONE.fullmatch(number):
        raise invalid(f"PhoneNumber Reason: {number} is not valid to publish to")


def checked_number(number: str) -> str:
    """The number of a telephone, of whoever may be texted."""
    if not _OWNED_PHONE.fullmatch(number):
        raise invalid("PhoneNumber Reason: input incorrectly formatted")
    return number


def check_token(value: str, parameter: str) -> None:
    """Group and deduplication ids."""
    if not _TOKEN.fullmatch(value):
        raise invalid(f"The {parameter} parameter must be a maximum of 128 alphanumeric and punctuation characters")


def texts_of(message: str) -> dict[str, Any]:
    """A message with a text for each protocol: MessageStructure is `json`."""
    try:
        texts = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise invalid("Message Structure - JSON message body failed to parse") from error
    if not isinstance(texts, dict) or not isinstance(texts.get("default"), str):  # pyright: ignore[reportUnknownMemberType]
        raise invalid("Message Structure - No default entry in JSON message body")
    return texts  # pyright: ignore[reportUnknownVariableType]


def check_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html"""
    for name, attribute in attributes.items():
        _check_attribute_name(name)
        match = _ATTRIBUTE_TYPE.fullmatch(attribute["DataType"])
        if match is None:
            raise invalid_value(
                f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary,"
                " Number, and String."
            )
        _check_attribute_value(name, attribute, match[1])


def _check_attribute_name(name: str) -> None:
    if not name:
        raise invalid_value("Message attribute name can not be empty.")
    if len(name.encode()) > ATTRIBUTE_NAME_BYTES_MAX:
        raise invalid_value("Length of message attribute name must be less than 256 bytes.")
    for character in name:
        if not _ATTRIBUTE_NAME.fullmatch(character):
            raise invalid_value(
                f"Invalid non-alphanumeric character '#x{ord(character):X}' was found in the message attribute name. Can only include"
                " alphanumeric characters, hyphens, underscores, or dots."
            )
    if name.startswith("."):
        raise invalid_value("Invalid message attribute name starting with character '.' was found.")
    if name.endswith("."):
        raise invalid_value("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise invalid_value("Message attribute name can not have successive '.' character.")


def _check_attribute_value(name: str, attribute: Mapping[str, Any], base: str) -> None:
    field, other = ("Binary", "String") if base == "Binary" else ("String", "Binary")
    value = attribute.get(f"{field}Value")
    if attribute.get(f"{other}Value") and not value:
        raise invalid_value(f"The message attribute '{name}' with type '{attribute['DataType']}' must use field '{field}'.")
    if not value:
        raise invalid_value(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type"
            f" '{attribute['DataType']}'."
        )
    if base == "Number" and not _NUMBER.fullmatch(value):
        raise invalid_value(f"Could not cast message attribute '{name}' value to number.")


def checked_tags(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    named: dict[str, str] = {}
    for tag in tags:
        if tag["Key"] in named:
            raise invalid("Duplicated keys are not allowed.")
        if tag["Key"].lower().startswith("aws:"):
            raise invalid("Tags Reason: aws: prefixed tag key names are not allowed for external use.")
        named[tag["Key"]] = tag["Value"]
    return named


def check_number(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise Fault("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")


def bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def size_of(message: str, attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """A message's size: its body, and names, types and values of its attributes."""
    size = bytes_of(message)
    for name, attribute in attributes.items():
        binary = attribute.get("BinaryValue")
        size += bytes_of(name) + bytes_of(attribute["DataType"])
        size += len(binary) if binary is not None else bytes_of(attribute.get("StringValue") or "")
    return size


def check_batch(entries: Sequence[Mapping[str, Any]]) -> None:
    """What is refused of a batch as a whole, whatever its messages are."""
    if not entries:
        raise Fault("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(entries) > BATCH_ENTRIES_MAX:
        raise Fault("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
    seen: set[str] = set()
    for entry in entries:
        id = entry["Id"]
        if len(id) > BATCH_ID_LENGTH_MAX:
            raise Fault("InvalidBatchEntryId", f"The Id of a batch entry in the batch request is too long: {id}")
        if not _BATCH_ID.fullmatch(id):
            raise Fault("InvalidBatchEntryId", f"The Id of a batch entry in the batch request contains an impermissible character: {id}")
        if id in seen:
            raise Fault("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
        seen.add(id)
