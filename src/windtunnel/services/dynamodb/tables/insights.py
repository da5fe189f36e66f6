"""Contributor Insights switched on and off: the setting is kept, and its rules are named; nothing is counted by them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/contributorinsights.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.lookup import find_named
from windtunnel.services.dynamodb.state import INSIGHTS, Insight, TableRow

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

LISTED_MAX = 100
USUAL_MODE = "ACCESSED_AND_THROTTLED_KEYS"


def update_contributor_insights(tx: Tx, req: t.UpdateContributorInsightsInput) -> dict[str, Any]:
    found = find_named(tx, req["TableName"])
    tx, row, index = found.tx, found.row, req.get("IndexName", "")
    _check(row, index)
    enabled = req["ContributorInsightsAction"] == "ENABLE"
    mode = req.get("ContributorInsightsMode", USUAL_MODE)
    tx.put(INSIGHTS, row.name, index, value=Insight(row.number, tx.now, mode, enabled))
    return {**_names(row, index), "ContributorInsightsStatus": "ENABLING" if enabled else "DISABLING", "ContributorInsightsMode": mode}


def describe_contributor_insights(tx: Tx, req: t.DescribeContributorInsightsInput) -> dict[str, Any]:
    found = find_named(tx, req["TableName"])
    row, index = found.row, req.get("IndexName", "")
    _check(row, index)
    kept = found.tx.get(INSIGHTS, row.name, index)
    if kept is None or kept.table != row.number:
        return {**_names(row, index), "ContributorInsightsStatus": "DISABLED"}
    shown: dict[str, Any] = {**_names(row, index), "LastUpdateDateTime": kept.at}
    if not kept.enabled:
        return {**shown, "ContributorInsightsStatus": "DISABLED"}
    keys = (row.hash, row.range) if not index else next((one.hash, one.range) for one in row.indexes if one.name == index)
    kinds = ("PKC", "PKT", *(("SKC", "SKT") if keys[1] else ()))
    rules = [f"DynamoDBContributorInsights-{kind}-{row.name}-{int(kept.at * 1000)}" for kind in kinds]
    return {**shown, "ContributorInsightsRuleList": rules, "ContributorInsightsStatus": "ENABLED", "ContributorInsightsMode": kept.mode}


def list_contributor_insights(tx: Tx, req: t.ListContributorInsightsInput) -> dict[str, Any]:
    prefix = ()
    if "TableName" in req:
        found = find_named(tx, req["TableName"])
        tx, prefix = found.tx, (found.row.name,)
    try:
        start = pages.decode(req["NextToken"])[len(prefix) :] if "NextToken" in req else None
    except ValueError as error:
        raise invalid("Invalid NextToken") from error
    page, token = pages.page(tx.scan(INSIGHTS, *prefix, start=start), req.get("MaxResults") or LISTED_MAX)
    summaries = [
        {
            "TableName": str(key[0]),
            **({"IndexName": str(key[1])} if key[1] else {}),
            "ContributorInsightsStatus": "ENABLED" if kept.enabled else "DISABLED",
            "ContributorInsightsMode": kept.mode,
        }
        for key, kept in page
    ]
    return {"ContributorInsightsSummaries": summaries, **({"NextToken": token} if token else {})}


def _check(row: TableRow, index: str) -> None:
    if index and row.index(index) is None:
        raise Fault("ResourceNotFoundException", f"Requested resource not found: Index: {index} not found")


def _names(row: TableRow, index: str) -> dict[str, Any]:
    return {"TableName": row.name, **({"IndexName": index} if index else {})}
