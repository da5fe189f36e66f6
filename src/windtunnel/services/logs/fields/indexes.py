"""Field indexes: the policies of groups, and which fields of events they found.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatchLogs-Field-Indexing.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Tx
from windtunnel.services.logs import group_policies
from windtunnel.services.logs.fields.indexing import DEFAULTS, check_indexes, indexed_fields, of_account
from windtunnel.services.logs.fields.state import INDEXED, Indexed
from windtunnel.services.logs.rules import MILLISECONDS
from windtunnel.services.logs.state import GROUP_POLICIES, INDEXES, AccountPolicy, GroupPolicy, arn_of, find_group, name_of

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t


def put_index_policy(tx: Tx, req: t.PutIndexPolicyRequest) -> t.PutIndexPolicyResponse:
    check_indexes(req["policyDocument"])
    name, _ = group_policies.named(tx, req, standard=True)
    now = int(tx.now * MILLISECONDS)
    old = group_policies.kept(tx, req, INDEXES)
    policy = GroupPolicy(old.created if old is not None else now, now, req["policyDocument"])
    group_policies.keep(tx, name, INDEXES, policy)
    return {"indexPolicy": _shown(tx, name, "LOG_GROUP", policy)}


def describe_index_policies(tx: Tx, req: t.DescribeIndexPoliciesRequest) -> t.DescribeIndexPoliciesResponse:
    """A group's own policy, else the account's that is for it."""
    shown: list[Any] = []
    for identifier in req["logGroupIdentifiers"]:
        name = name_of(tx, identifier)
        find_group(tx, name)
        policy = tx.get(GROUP_POLICIES, name, INDEXES)
        if policy is not None:
            shown.append(_shown(tx, name, "LOG_GROUP", policy))
        else:
            shown += [{**_shown(tx, name, "ACCOUNT", found), "policyName": key} for key, found in of_account(tx, name)]
    return {"indexPolicies": shown}


def delete_index_policy(tx: Tx, req: t.DeleteIndexPolicyRequest) -> t.DeleteIndexPolicyResponse:
    group_policies.forget(tx, req, INDEXES)
    return {}


def describe_field_indexes(tx: Tx, req: t.DescribeFieldIndexesRequest) -> t.DescribeFieldIndexesResponse:
    wanted = req.get("indexCategories", ["DEFAULT", "CUSTOM", "INACTIVE"])
    found: list[dict[str, Any]] = []
    for identifier in req["logGroupIdentifiers"]:
        name = name_of(tx, identifier)
        group = find_group(tx, name)
        arn = arn_of(tx, name)
        if group.kind == "STANDARD":
            found += [_index(arn, field, "FIELD_INDEX", "DEFAULT", None) for field in DEFAULTS]
        active = indexed_fields(tx, name, group)
        seen = {str(key[1]): indexed for key, indexed in tx.scan(INDEXED, group.id)}
        found += [_index(arn, field, kind, "CUSTOM", seen.get(field)) for field, kind in active.items()]
        found += [_index(arn, field, "FIELD_INDEX", "INACTIVE", one) for field, one in seen.items() if field not in active]
    return {"fieldIndexes": [one for one in found if one["indexCategory"] in wanted]}  # pyright: ignore[reportReturnType]


def _shown(tx: Tx, name: str, source: str, policy: GroupPolicy | AccountPolicy) -> Any:
    return {"logGroupIdentifier": arn_of(tx, name), "lastUpdateTime": policy.updated, "policyDocument": policy.document, "source": source}


def _index(arn: str, field: str, kind: str, category: str, seen: Indexed | None) -> dict[str, Any]:
    index: dict[str, Any] = {"logGroupIdentifier": arn, "fieldIndexName": field, "type": kind, "indexCategory": category}
    if seen is not None:
        index["lastScanTime"] = seen.scanned
        if seen.last:
            index |= {"firstEventTime": seen.first, "lastEventTime": seen.last}
    return index
