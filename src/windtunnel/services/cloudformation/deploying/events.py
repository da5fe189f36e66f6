"""A stack's story: each change of a stack's or a resource's status is a row, and a message to who wants to be told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from windtunnel.fabric import Event as Message
from windtunnel.fabric import Tx
from windtunnel.services.cloudformation.state import EVENTS, ROWS, STACKS, Event, Row, Stack, changed_channel, revision_of

STACK_TYPE = "AWS::CloudFormation::Stack"
INITIATED = "User Initiated"
EMITTER = "aws.cloudformation"
SOURCE = "cloudformation.amazonaws.com"
APART_SECONDS = 0.001


def _moment(tx: Tx, stack: Stack) -> float:
    """When an event happens: a millisecond at least after the last of its stack, as clients put them in order by their times."""
    last = next(tx.scan(EVENTS, stack.uuid, reverse=True, limit=1), None)
    return tx.now if last is None else max(tx.now, last[1].at + APART_SECONDS)


def set_stack(tx: Tx, stack: Stack, status: str, reason: str = "", **changes: Any) -> Stack:
    """Writes a stack with its new status, and tells of it."""
    stack = msgspec.structs.replace(stack, status=status, reason=reason, **changes)
    tx.put(STACKS, stack.uuid, value=stack)
    tell(tx, stack, Event(tx.new_id(), _moment(tx, stack), stack.name, stack.id, STACK_TYPE, status, reason))
    tx.wake(*changed_channel(stack.uuid))
    return stack


def set_row(tx: Tx, stack: Stack, logical: str, row: Row, status: str, reason: str = "", *, shown: bool = True, kept: bool = True) -> Row:
    """Writes a resource with its new status, and tells of it; without `kept` it is only told of (one that is going)."""
    row = msgspec.structs.replace(row, status=status, reason=reason, at=tx.now)
    if kept:
        tx.put(ROWS, stack.uuid, logical, value=row)
    at = _moment(tx, stack)
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    id = f"{logical}-{status}-{moment}" if shown else f"{logical}-{tx.new_id()}"
    properties = orjson.dumps(row.properties).decode() if shown else None
    tell(tx, stack, Event(id, at, logical, row.id, row.type, status, reason, properties))
    return row


def tell(tx: Tx, stack: Stack, event: Event) -> None:
    """Adds an event, and sends it to the topics that are to be notified."""
    token = stack.operation.token if stack.operation is not None else ""
    event = msgspec.structs.replace(event, token=token)
    tx.put(EVENTS, stack.uuid, tx.serial(), value=event)
    _emit(tx, stack, event)
    if not stack.current and (stack.operation is None or not stack.operation.target):
        return
    target = stack.operation.target if stack.operation is not None else 0
    for topic in revision_of(tx, stack, target).notifications:
        tx.deliver(topic, Message(_text(tx, stack, event), subject="AWS CloudFormation Notification"), source=SOURCE, source_arn=stack.id)


def _emit(tx: Tx, stack: Stack, event: Event) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/eventbridge-events.html"""
    told: dict[str, Any] = {"status-details": {"status": event.status, "status-reason": event.reason}, "client-request-token": event.token}
    if event.physical == stack.id:
        tx.emit(EMITTER, "CloudFormation Stack Status Change", {"stack-id": stack.id, **told}, [stack.id])
        return
    resource = {"logical-resource-id": event.logical, "physical-resource-id": event.physical, "resource-type": event.type}
    detail = {"stack-id": stack.id, **resource, **told}
    tx.emit(EMITTER, "CloudFormation Resource Status Change", detail, [stack.id])


def _text(tx: Tx, stack: Stack, event: Event) -> str:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""
    moment = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    lines = {
        "StackId": stack.id,
        "Timestamp": moment,
        "EventId": event.id,
        "LogicalResourceId": event.logical,
        "Namespace": tx.account,
        "PhysicalResourceId": event.physical,
        "PrincipalId": stack.principal.id,
        "ResourceProperties": event.properties or "null",
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
        "ResourceType": event.type,
        "StackName": stack.name,
        "ClientRequestToken": event.token or "null",
    }
    return "".join(f"{name}='{value}'\n" for name, value in lines.items())
