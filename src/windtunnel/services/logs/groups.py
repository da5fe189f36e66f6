"""Log groups: what they are called, how long they keep events, and what they are encrypted with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.logs import life
from windtunnel.services.logs.encryption import check_key
from windtunnel.services.logs.retention import DELIVERY, retention
from windtunnel.services.logs.rules import DESCRIBE_LIMIT, MILLISECONDS, bad_token, check_group_name, check_retention, invalid
from windtunnel.services.logs.state import ACCOUNT_POLICIES, GROUPS, PROTECTION, STORED, UNPROTECTED, Group, arn_of, find_group, name_of

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

RESERVED = "aws/"
LESSER_CLASSES = {"INFREQUENT_ACCESS", "ESSENTIALS"}
GROUPS_MAX = 1_000_000
"""Of an account in a region: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""


def create_log_group(tx: Tx, req: t.CreateLogGroupRequest) -> None:
    name = req["logGroupName"]
    check_group_name(name)
    if name.lower().startswith(RESERVED):
        raise invalid("Log groups starting with AWS/ are reserved for AWS.")
    if tx.get(GROUPS, name) is not None:
        raise Fault("ResourceAlreadyExistsException", "The specified log group already exists")
    if tx.count(GROUPS, "all") >= GROUPS_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    group = Group(
        id=tx.serial(),
        created=int(tx.now * MILLISECONDS),
        kind=req.get("logGroupClass", "STANDARD"),
        kms=req.get("kmsKeyId", ""),
        protected=req.get("deletionProtectionEnabled", False),
    )
    if group.kms:
        check_key(tx, arn_of(tx, name), group.kms)
    tx.put(GROUPS, name, value=group)
    if retention(tx, name, group)[0] < inf:
        life.watch(tx, name, group, tx.now + life.DAY_SECONDS)
    set_tags(tx, arn_of(tx, name), req.get("tags", {}))


def delete_log_group(tx: Tx, req: t.DeleteLogGroupRequest) -> None:
    name = req["logGroupName"]
    group = find_group(tx, name)
    if group.protected:
        raise Fault("ValidationException", "The log group has deletion protection enabled. Disable deletion protection to delete it.")
    tx.delete(GROUPS, name)
    remove_all_tags(tx, arn_of(tx, name))
    life.abandon_group(tx, name, group)


def describe_log_groups(tx: Tx, req: t.DescribeLogGroupsRequest) -> t.DescribeLogGroupsResponse:
    prefix, pattern = req.get("logGroupNamePrefix", ""), req.get("logGroupNamePattern", "")
    if prefix and pattern:
        raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    if "logGroupIdentifiers" in req:
        names = [name_of(tx, identifier) for identifier in req["logGroupIdentifiers"]]
        found = [(name, group) for name in sorted(set(names)) if (group := tx.get(GROUPS, name)) is not None]
        return {"logGroups": [_described(tx, name, group) for name, group in found]}  # pyright: ignore[reportReturnType]
    groups = _matching(tx, prefix, lambda name: pattern in name, req.get("logGroupClass", ""), req.get("nextToken", ""))
    page, token = pages.page(groups, req.get("limit", DESCRIBE_LIMIT))
    described = [_described(tx, key[0], group) for key, group in page]
    if pattern:
        # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
        for one in described:
            del one["storedBytes"], one["deletionProtectionEnabled"]
    return {"logGroups": described, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def list_log_groups(tx: Tx, req: t.ListLogGroupsRequest) -> t.ListLogGroupsResponse:
    wanted = _any_of(req.get("logGroupNamePattern", ""))
    groups = _matching(tx, "", wanted, req.get("logGroupClass", ""), req.get("nextToken", ""))
    page, token = pages.page(groups, req.get("limit", DESCRIBE_LIMIT))
    summaries = [{"logGroupName": key[0], "logGroupArn": arn_of(tx, key[0]), "logGroupClass": group.kind} for key, group in page]
    return {"logGroups": summaries, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def put_retention_policy(tx: Tx, req: t.PutRetentionPolicyRequest) -> None:
    group = find_group(tx, req["logGroupName"])
    check_retention(req["retentionInDays"])
    group = _changed(tx, req["logGroupName"], group, retention=req["retentionInDays"])
    life.watch(tx, req["logGroupName"], group, tx.now)


def delete_retention_policy(tx: Tx, req: t.DeleteRetentionPolicyRequest) -> None:
    group = find_group(tx, req["logGroupName"])
    _changed(tx, req["logGroupName"], group, retention=0)


def associate_kms_key(tx: Tx, req: t.AssociateKmsKeyRequest) -> None:
    name = _encrypted(tx, req)
    group = find_group(tx, name)
    check_key(tx, arn_of(tx, name), req["kmsKeyId"])
    _changed(tx, name, group, kms=req["kmsKeyId"])


def disassociate_kms_key(tx: Tx, req: t.DisassociateKmsKeyRequest) -> None:
    name = _encrypted(tx, req)
    _changed(tx, name, find_group(tx, name), kms="")


def put_log_group_deletion_protection(tx: Tx, req: t.PutLogGroupDeletionProtectionRequest) -> None:
    name = name_of(tx, req["logGroupIdentifier"])
    _changed(tx, name, find_group(tx, name), protected=req["deletionProtectionEnabled"])


def _changed(tx: Tx, name: str, group: Group, **changes: Any) -> Group:
    group = msgspec.structs.replace(group, **changes)
    tx.put(GROUPS, name, value=group)
    return group


def _encrypted(tx: Tx, req: Any) -> str:
    """The name of the group in a request about encryption, which may name a group or any resource."""
    if ("logGroupName" in req) == ("resourceIdentifier" in req):
        raise invalid("Exactly one of logGroupName and resourceIdentifier must be specified.")
    return req["logGroupName"] if "logGroupName" in req else name_of(tx, req["resourceIdentifier"])


def _any_of(pattern: str) -> Callable[[str], bool]:
    """Up to five texts divided by `|`, of which a name holds one, or begins with it where a `^` stands before it."""
    words = pattern.split("|")
    begins = tuple(word[1:] for word in words if word.startswith("^"))
    holds = [word for word in words if not word.startswith("^")]
    return lambda name: name.startswith(begins) or any(word in name for word in holds)


def _matching(tx: Tx, prefix: str, wanted: Callable[[str], bool], kind: str, token: str) -> Iterator[tuple[tuple[str], Group]]:
    """The groups of a listing, in the order of their names."""
    try:
        start = pages.decode(token) if token else (prefix,)
    except ValueError as error:
        raise bad_token() from error
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html: asking for one shows both
    kinds = LESSER_CLASSES if kind in LESSER_CLASSES else {kind} - {""}
    for key, group in tx.scan(GROUPS, start=start):
        name = str(key[0])
        if not name.startswith(prefix):
            return
        if wanted(name) and (not kinds or group.kind in kinds):
            yield (name,), group


def _described(tx: Tx, name: str, group: Group) -> dict[str, Any]:
    arn = arn_of(tx, name)
    described: dict[str, Any] = {
        "logGroupName": name,
        "creationTime": group.created,
        "metricFilterCount": group.metric_filters,
        "arn": f"{arn}:*",
        "storedBytes": int(tx.amount(STORED, group.id)),
        "logGroupClass": group.kind,
        "logGroupArn": arn,
        "deletionProtectionEnabled": group.protected,
    }
    days, policy = retention(tx, name, group)
    if days < inf and group.kind != DELIVERY:
        described["retentionInDays"] = int(days)
    if policy:
        described["retentionPolicyName"] = policy
    if group.policies & (PROTECTION | UNPROTECTED):
        described["dataProtectionStatus"] = "ACTIVATED" if group.policies & PROTECTION else "DELETED"
    if tx.count(ACCOUNT_POLICIES, "all") and next(tx.scan(ACCOUNT_POLICIES, "DATA_PROTECTION_POLICY", limit=1), None) is not None:
        described["inheritedProperties"] = ["ACCOUNT_DATA_PROTECTION"]
    if group.kms:
        described["kmsKeyId"] = group.kms
    return described
