"""How descriptions print stacks and the state of their drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Tx
from windtunnel.fabric.tags import tag_list
from windtunnel.services.cloudformation.paging import start_of
from windtunnel.services.cloudformation.state import NOT_CHECKED, Row, Stack, revision_of
from windtunnel.services.cloudformation.template.parameters import shown
from windtunnel.services.cloudformation.template.templates import template_of

LISTED_MAX = 100
REVIEW = "REVIEW_IN_PROGRESS"
UNDONE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")
BACK = ("rollback", "rollback_cleanup")


def next_page(req: Mapping[str, Any]) -> int:
    """Where a page of numbered things begins."""
    start = start_of(req)
    return start[0] if start and isinstance(start[0], int) else 0


def described(tx: Tx, stack: Stack) -> dict[str, Any]:
    """A stack as DescribeStacks prints it."""
    told: dict[str, Any] = {
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": stack.created,
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "DisableRollback": stack.disable_rollback,
        "NotificationARNs": [],
        "Tags": [],
        "DriftInformation": drift_of(stack),
    }
    if stack.status != "DELETE_COMPLETE":
        told["EnableTerminationProtection"] = stack.protected
        if stack.change_set and stack.status not in UNDONE:
            told["ChangeSetId"] = stack.change_set
    optional: dict[str, Any] = {
        "StackStatusReason": stack.reason,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "RoleARN": stack.role,
        "ParentId": stack.parent,
        "RootId": stack.root,
        "TimeoutInMinutes": stack.minutes,
        "Outputs": stack.outputs,
    }
    told |= {name: value for name, value in optional.items() if value}
    if stack.status == REVIEW:
        return told
    return told | of_revision(tx, stack)


def of_revision(tx: Tx, stack: Stack) -> dict[str, Any]:
    """What a stack's revision says: the new one while it is brought in."""
    forth = stack.operation is not None and stack.operation.phase not in BACK
    number = stack.operation.target if stack.operation is not None and forth else stack.current
    if not number and stack.operation is None:
        return {}
    revision = revision_of(tx, stack, number)
    template = template_of(revision.template)
    told: dict[str, Any] = {
        "NotificationARNs": revision.notifications,
        "Tags": tag_list(revision.tags),
        "RollbackConfiguration": revision.triggers,
    }
    optional: dict[str, Any] = {
        "Description": template.description,
        "Parameters": shown(template, revision.parameters),
        "Capabilities": revision.capabilities,
    }
    return told | {name: value for name, value in optional.items() if value}


def drift_of(stack: Stack) -> dict[str, Any]:
    told: dict[str, Any] = {"StackDriftStatus": stack.drift}
    return told if stack.drift == NOT_CHECKED else {**told, "LastCheckTimestamp": stack.drift_checked}


def resource_drift(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {"StackResourceDriftStatus": row.drift}
    return told if row.drift == NOT_CHECKED else {**told, "LastCheckTimestamp": row.drift_checked}
