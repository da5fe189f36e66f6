"""Tags of all resources, under their ARNs: kept once, so that every service, template and bill sees the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from windtunnel.kernel.store import Table

if TYPE_CHECKING:
    from windtunnel.fabric.tx import Tx

TAGS_MAX = 50
"""https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"""
TAGS = Table("fabric.tags", str, scope="global")
"""(ARN, key) -> value"""


def tags_of(tx: Tx, arn: str) -> dict[str, str]:
    """The tags of a resource, in the order of their keys."""
    return {str(key[1]): value for key, value in tx.scan(TAGS, arn)}


def set_tags(tx: Tx, arn: str, tags: Mapping[str, str]) -> None:
    """Adds tags, replacing those of the same keys. Limits and their faults are the service's."""
    for key, value in tags.items():
        tx.put(TAGS, arn, key, value=value)


def remove_tags(tx: Tx, arn: str, keys: Iterable[str]) -> None:
    for key in keys:
        tx.delete(TAGS, arn, key)


def remove_all_tags(tx: Tx, arn: str) -> None:
    """Forgets a resource's tags, with the resource."""
    remove_tags(tx, arn, tags_of(tx, arn))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """As most APIs print them: `[{"Key": …, "Value": …}]`."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """From most APIs' lists."""
    return {tag["Key"]: tag["Value"] for tag in tags}
