"""Nested stacks: a stack that is a resource of another.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

from __future__ import annotations

from typing import Any

from windtunnel.aws.coerce import plain_text
from windtunnel.fabric import At, Call, Fault, Properties, Tx
from windtunnel.fabric.resource import Unmade
from windtunnel.services.cloudformation.deploying.signals import is_stopped
from windtunnel.services.cloudformation.stacks.changing import created, deleted, updated
from windtunnel.services.cloudformation.state import STACKS, Stack, changed_channel, revision_of, stack_of

NAME_CHARACTERS_MAX = 128
BUSY = "_IN_PROGRESS"


async def create(at: At, properties: Properties) -> str:
    call, parent = _own(at)
    id = at.begun
    if not id:
        request = {"StackName": at.name(NAME_CHARACTERS_MAX), "OnFailure": "DO_NOTHING", **_request(call, parent, at, properties)}
        id = await created(call, request, parent)
        await at.made(id)
    stack = await _end(call, parent, id)
    if stack.status != "CREATE_COMPLETE":
        raise Unmade(f"Embedded stack {id} was not successfully created: {stack.reason}")
    return id


async def update(at: At, id: str, new: Properties, old: Properties) -> None:
    call, parent = _own(at)
    if not call.read(stack_of, id).status.endswith(BUSY):
        try:
            await updated(call, {"StackName": id, **_request(call, parent, at, new)}, parent)
        except Fault as fault:
            if fault.message != "No updates are to be performed.":
                raise
            return
    stack = await _end(call, parent, id)
    if stack.status != "UPDATE_COMPLETE":
        raise Unmade(f"Embedded stack {id} was not successfully updated. Currently in {stack.status} with reason: {stack.reason}")


async def delete(at: At, id: str, properties: Properties) -> None:
    call = at.call.acting(at.principal)
    await call.transact(deleted, {"StackName": id}, at.principal)
    stack = await _end(call, None, id)
    if stack.status != "DELETE_COMPLETE":
        raise Unmade(f"Embedded stack {id} was not successfully deleted: {stack.reason}")


async def attributes(at: At, id: str, properties: Properties) -> dict[str, Any]:
    stack = at.call.read(stack_of, id)
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in stack.outputs}


def _own(at: At) -> tuple[Call, Stack]:
    """The call in the name of who deploys, and the stack that this one is a part of."""
    return at.call.acting(at.principal), at.call.read(stack_of, at.stacked.stack_id)


def _request(call: Call, parent: Stack, at: At, properties: Properties) -> dict[str, Any]:
    given = properties.get("Parameters", {})
    revision = call.read(_revision, parent)
    request: dict[str, Any] = {
        "TemplateURL": properties["TemplateURL"],
        "Parameters": [{"ParameterKey": name, "ParameterValue": _text(value)} for name, value in given.items()],
        "Tags": at.tag_list(properties.get("Tags")) or [],
        "NotificationARNs": properties.get("NotificationARNs", []),
        "Capabilities": revision,
    }
    return {**request, "TimeoutInMinutes": int(properties["TimeoutInMinutes"])} if "TimeoutInMinutes" in properties else request


def _revision(tx: Tx, stack: Stack) -> list[str]:
    """What the parent's client acknowledged holds for what is within it."""
    target = stack.operation.target if stack.operation is not None else 0
    return revision_of(tx, stack, target).capabilities


def _text(value: Any) -> str:
    return ",".join(map(plain_text, value)) if isinstance(value, list) else plain_text(value)  # pyright: ignore[reportUnknownArgumentType]


async def _end(call: Call, parent: Stack | None, id: str) -> Stack:
    """Returns when a stack's operation is over. Raises Unmade where its parent's is to end before."""
    uuid = id.rpartition("/")[2]
    while True:
        stack = call.read(Tx.get, STACKS, uuid)
        assert stack is not None
        if not stack.status.endswith(BUSY):
            return stack
        channels = [changed_channel(uuid)]
        if parent is not None:
            if call.read(is_stopped, parent.uuid):
                raise Unmade("Resource creation cancelled")
            channels.append(changed_channel(parent.uuid))
        await call.wait(*channels)
