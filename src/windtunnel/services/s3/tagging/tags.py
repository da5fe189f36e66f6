"""The rules that tags of buckets and objects keep to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from windtunnel.fabric import Fault
from windtunnel.services.s3.rules import OBJECT_TAGS_MAX, malformed

KEY_LENGTH_MAX, VALUE_LENGTH_MAX = 128, 256
_WORD = re.compile(r"[\w\s+\-=.:/@]*")


def tag_set_of(tags: Sequence[Mapping[str, Any]], most: int, reserved: str) -> dict[str, str]:
    """A TagSet, checked; `reserved` is said of keys that are AWS's own. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html"""
    if len(tags) > most:
        raise Fault("BadRequest", f"Object tags cannot be greater than {most}")
    found: dict[str, str] = {}
    for tag in tags:
        key, value = tag.get("Key"), tag.get("Value")
        if key is None or value is None:
            raise malformed()
        if key in found:
            raise Fault("InvalidTag", "Cannot provide multiple Tags with the same key", TagKey=key)
        if key.startswith("aws:"):
            raise Fault("InvalidTag", reserved, TagKey=key)
        _check(key, value)
        found[key] = value
    return found


def bucket_tags_of(tags: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The tags a bucket is created with, whose faults differ a little."""
    found: dict[str, str] = {}
    for tag in tags:
        key, value = tag["Key"], tag["Value"]
        if key.startswith("aws:"):
            message = 'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags.'
            raise Fault("InvalidTag", message + ' Remove "aws:" from your tag keys and try again.')
        if key in found:  # as S3 does
            raise Fault("InternalError", "We encountered an internal error. Please try again.")
        _check(key, value)
        found[key] = value
    return found


def _check(key: str, value: str) -> None:
    if not key or len(key) > KEY_LENGTH_MAX or not _WORD.fullmatch(key):
        raise Fault("InvalidTag", "The TagKey you have provided is invalid", TagKey=key)
    if len(value) > VALUE_LENGTH_MAX or not _WORD.fullmatch(value):
        raise Fault("InvalidTag", "The TagValue you have provided is invalid", TagKey=key, TagValue=value)


def header_tags_of(text: str | None) -> dict[str, str]:
    """The tags in x-amz-tagging, which are written as a query string."""
    if not text:
        return {}
    pairs = parse_qsl(text, keep_blank_values=True)
    if len(pairs) != text.count("&") + 1 or len({key for key, _ in pairs}) != len(pairs) or any("," in key + value for key, value in pairs):
        raise _header_malformed(text)
    tags = dict(pairs)
    if len(tags) > OBJECT_TAGS_MAX:
        raise Fault("BadRequest", f"Object tags cannot be greater than {OBJECT_TAGS_MAX}")
    for key, value in tags.items():
        if key.startswith("aws:"):
            raise Fault("InvalidTag", "Your TagKey cannot be prefixed with aws:", TagKey=key)
        _check(key, value)
    return tags


def _header_malformed(text: str) -> Fault:
    message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
    return Fault("InvalidArgument", message, ArgumentName="x-amz-tagging", ArgumentValue=text)
