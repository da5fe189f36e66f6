"""Tags of log groups, by the present API and the one before it, and of all else by the present one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault, Table, Tx
from windtunnel.fabric.tags import TAGS_MAX, remove_tags, set_tags, tags_of
from windtunnel.services.logs.anomalies.state import DETECTORS
from windtunnel.services.logs.deliveries.state import DELIVERIES, DELIVERY_DESTINATIONS, DELIVERY_SOURCES
from windtunnel.services.logs.filters.state import DESTINATIONS
from windtunnel.services.logs.queries.state import LOOKUPS, SCHEDULED
from windtunnel.services.logs.state import arn_of, arn_within, find_group, name_of

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

_TABLES: dict[str, Table[Any]] = {
    "anomaly-detector": DETECTORS,
    "delivery": DELIVERIES,
    "delivery-destination": DELIVERY_DESTINATIONS,
    "delivery-source": DELIVERY_SOURCES,
    "destination": DESTINATIONS,
    "lookup-table": LOOKUPS,
    "scheduled-query": SCHEDULED,
}


def tag_resource(tx: Tx, req: t.TagResourceRequest) -> None:
    _tag(tx, _arn(tx, req["resourceArn"]), req["tags"])


def untag_resource(tx: Tx, req: t.UntagResourceRequest) -> None:
    remove_tags(tx, _arn(tx, req["resourceArn"]), req["tagKeys"])


def list_tags_for_resource(tx: Tx, req: t.ListTagsForResourceRequest) -> t.ListTagsForResourceResponse:
    return {"tags": tags_of(tx, _arn(tx, req["resourceArn"]))}


def tag_log_group(tx: Tx, req: t.TagLogGroupRequest) -> None:
    _tag(tx, _group_arn(tx, req["logGroupName"]), req["tags"])


def untag_log_group(tx: Tx, req: t.UntagLogGroupRequest) -> None:
    remove_tags(tx, _group_arn(tx, req["logGroupName"]), req["tags"])


def list_tags_log_group(tx: Tx, req: t.ListTagsLogGroupRequest) -> t.ListTagsLogGroupResponse:
    return {"tags": tags_of(tx, _group_arn(tx, req["logGroupName"]))}


def _tag(tx: Tx, arn: str, tags: Mapping[str, str]) -> None:
    if len(tags_of(tx, arn).keys() | tags.keys()) > TAGS_MAX:
        raise Fault("TooManyTagsException", "Total number of tags including existing tags exceeds the maximum.", resourceName=arn)
    set_tags(tx, arn, tags)


def _arn(tx: Tx, resource: str) -> str:
    arn = parse_or_none(resource)
    table = None if arn is None else _TABLES.get(arn.type)
    if arn is not None and table is not None:
        if resource != arn_within(tx, arn.type, arn.id) or tx.get(table, arn.id) is None:
            raise Fault("ResourceNotFoundException", "The specified resource does not exist.")
        return resource
    return _group_arn(tx, name_of(tx, resource))


def _group_arn(tx: Tx, name: str) -> str:
    find_group(tx, name)
    return arn_of(tx, name)
