"""The configurations a bucket may have many of, each by its id: metrics, inventories, analytics, intelligent tiering.

They are checked, kept and given back. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketInventoryConfiguration.html
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.archive.tiering import TIERING, check_tiering
from windtunnel.services.s3.lifecycle.sweeps import schedule
from windtunnel.services.s3.places import bucket_of
from windtunnel.services.s3.reports.inventory import KIND as INVENTORY
from windtunnel.services.s3.reports.inventory import check_inventory
from windtunnel.services.s3.reports.inventory import schedule as schedule_inventory
from windtunnel.services.s3.state import CONFIGURATIONS

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

PAGE_CONFIGURATIONS_MAX = 100
CONFIGURATIONS_MAX = 1000
METRICS, ANALYTICS = "MetricsConfiguration", "AnalyticsConfiguration"
"""The kinds, as requests and answers name them."""


def _put(tx: Tx, req: Mapping[str, Any], kind: str) -> None:
    bucket_of(tx, req)
    wanted = req[kind]
    if wanted["Id"] != _id(req):
        raise Fault("IdMismatch", "Document ID does not match the specified configuration ID.")
    if tx.get(CONFIGURATIONS, req["Bucket"], kind, req["Id"]) is None:
        there = len(list(tx.scan(CONFIGURATIONS, req["Bucket"], kind, limit=CONFIGURATIONS_MAX)))
        if there == CONFIGURATIONS_MAX:
            message = "You are attempting to create a new configuration but have already reached the 1,000-configuration limit."
            raise Fault("TooManyConfigurations", message)
    tx.put(CONFIGURATIONS, req["Bucket"], kind, req["Id"], value=dict(wanted))


def _id(req: Mapping[str, Any]) -> str:
    if not req.get("Id"):
        raise Fault("InvalidArgument", "The request is missing the id of a configuration.", ArgumentName="id")
    return req["Id"]


def _get(tx: Tx, req: Mapping[str, Any], kind: str) -> dict[str, Any]:
    bucket_of(tx, req)
    kept = tx.get(CONFIGURATIONS, req["Bucket"], kind, _id(req))
    if kept is None:
        raise Fault("NoSuchConfiguration", "The specified configuration does not exist.")
    return kept


def _delete(tx: Tx, req: Mapping[str, Any], kind: str) -> None:
    _get(tx, req, kind)
    tx.delete(CONFIGURATIONS, req["Bucket"], kind, req["Id"])


def _list(tx: Tx, req: Mapping[str, Any], kind: str) -> Any:
    """A page, in the order of the ids."""
    bucket_of(tx, req)
    name, token = req["Bucket"], req.get("ContinuationToken")
    after = ""
    if token:
        try:
            after = pages.decode(token)[0]
        except ValueError:
            raise Fault("InvalidArgument", "The continuation token provided is incorrect", ArgumentName="continuation-token") from None
    rows = tx.scan(CONFIGURATIONS, name, kind, start=(after,) if after else None)
    taken = list(islice(((key, kept) for key, kept in rows if key[2] != after), PAGE_CONFIGURATIONS_MAX + 1))
    page = taken[:PAGE_CONFIGURATIONS_MAX]
    result: dict[str, Any] = {"IsTruncated": len(taken) > len(page)}
    if token:
        result["ContinuationToken"] = token
    if result["IsTruncated"]:
        result["NextContinuationToken"] = pages.encode((page[-1][0][2],))
    if page:
        result[f"{kind}List"] = [kept for _, kept in page]
    return result


# ---------------------------------------------------------------- metrics


def put_bucket_metrics_configuration(tx: Tx, req: t.PutBucketMetricsConfigurationRequest) -> None:
    _put(tx, req, METRICS)


def get_bucket_metrics_configuration(tx: Tx, req: t.GetBucketMetricsConfigurationRequest) -> t.GetBucketMetricsConfigurationOutput:
    return {METRICS: _get(tx, req, METRICS)}  # pyright: ignore[reportReturnType]


def delete_bucket_metrics_configuration(tx: Tx, req: t.DeleteBucketMetricsConfigurationRequest) -> None:
    _delete(tx, req, METRICS)


def list_bucket_metrics_configurations(tx: Tx, req: t.ListBucketMetricsConfigurationsRequest) -> t.ListBucketMetricsConfigurationsOutput:
    return _list(tx, req, METRICS)


# ---------------------------------------------------------------- inventories


def put_bucket_inventory_configuration(tx: Tx, req: t.PutBucketInventoryConfigurationRequest) -> None:
    check_inventory(req["InventoryConfiguration"])
    _put(tx, req, INVENTORY)
    schedule_inventory(tx, req["Bucket"], bucket_of(tx, req), req["InventoryConfiguration"])


def get_bucket_inventory_configuration(tx: Tx, req: t.GetBucketInventoryConfigurationRequest) -> t.GetBucketInventoryConfigurationOutput:
    return {INVENTORY: _get(tx, req, INVENTORY)}  # pyright: ignore[reportReturnType]


def delete_bucket_inventory_configuration(tx: Tx, req: t.DeleteBucketInventoryConfigurationRequest) -> None:
    _delete(tx, req, INVENTORY)


def list_bucket_inventory_configurations(
    tx: Tx, req: t.ListBucketInventoryConfigurationsRequest
) -> t.ListBucketInventoryConfigurationsOutput:
    return _list(tx, req, INVENTORY)


# ---------------------------------------------------------------- analytics


def put_bucket_analytics_configuration(tx: Tx, req: t.PutBucketAnalyticsConfigurationRequest) -> None:
    _put(tx, req, ANALYTICS)


def get_bucket_analytics_configuration(tx: Tx, req: t.GetBucketAnalyticsConfigurationRequest) -> t.GetBucketAnalyticsConfigurationOutput:
    return {ANALYTICS: _get(tx, req, ANALYTICS)}  # pyright: ignore[reportReturnType]


def delete_bucket_analytics_configuration(tx: Tx, req: t.DeleteBucketAnalyticsConfigurationRequest) -> None:
    _delete(tx, req, ANALYTICS)


def list_bucket_analytics_configurations(
    tx: Tx, req: t.ListBucketAnalyticsConfigurationsRequest
) -> t.ListBucketAnalyticsConfigurationsOutput:
    return _list(tx, req, ANALYTICS)


# ---------------------------------------------------------------- intelligent tiering


def put_bucket_intelligent_tiering_configuration(tx: Tx, req: t.PutBucketIntelligentTieringConfigurationRequest) -> None:
    check_tiering(req["IntelligentTieringConfiguration"])
    _put(tx, req, TIERING)
    schedule(tx, req["Bucket"], bucket_of(tx, req))


def get_bucket_intelligent_tiering_configuration(
    tx: Tx, req: t.GetBucketIntelligentTieringConfigurationRequest
) -> t.GetBucketIntelligentTieringConfigurationOutput:
    return {TIERING: _get(tx, req, TIERING)}  # pyright: ignore[reportReturnType]


def delete_bucket_intelligent_tiering_configuration(tx: Tx, req: t.DeleteBucketIntelligentTieringConfigurationRequest) -> None:
    _delete(tx, req, TIERING)
    schedule(tx, req["Bucket"], bucket_of(tx, req))


def list_bucket_intelligent_tiering_configurations(
    tx: Tx, req: t.ListBucketIntelligentTieringConfigurationsRequest
) -> t.ListBucketIntelligentTieringConfigurationsOutput:
    return _list(tx, req, TIERING)
