"""One resource is made, changed or removed: the part of an operation that calls services, and may wait."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from windtunnel.fabric import At, Call, Deploy, Fault, Properties, Tx
from windtunnel.fabric.resource import Stacked, Unmade, is_gone
from windtunnel.fabric.tags import set_tags
from windtunnel.services.cloudformation.deploying import endings
from windtunnel.services.cloudformation.deploying.dynamic import dynamic
from windtunnel.services.cloudformation.deploying.engine import advance
from windtunnel.services.cloudformation.deploying.events import set_row
from windtunnel.services.cloudformation.deploying.places import kind_of
from windtunnel.services.cloudformation.deploying.signals import wait_for_signals
from windtunnel.services.cloudformation.state import BEFORE, ROWS, STACKS, WORK, Item, Row, Stack, revision_of
from windtunnel.services.cloudformation.template.templates import template_of

log = logging.getLogger(__name__)
INITIATED = "Resource creation Initiated"
CODES = (
    ("AlreadyExists", ("Exists", "AlreadyOwned", "Conflict")),
    ("AccessDenied", ("Denied", "Unauthorized")),
    ("NotFound", ("NotFound", "NoSuch", "NonExistent")),
)
"""https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html"""


class Doing(msgspec.Struct, frozen=True):
    """What a step is about."""

    stack: Stack
    item: Item
    row: Row
    before: Row | None
    tags: dict[str, str]
    definition: dict[str, Any]
    """Of the template that the stack is to become; empty where it isn't in it."""


class Done(msgspec.Struct, frozen=True):
    """What came of a step."""

    id: str = ""
    attributes: dict[str, Any] = {}
    error: str = ""


async def step(call: Call, payload: Mapping[str, Any]) -> Callable[[Tx], None]:
    """Timer: one item of an operation."""
    uuid, key, serial = payload["stack"], payload["key"], payload["serial"]
    doing = call.read(_read, uuid, key, serial)
    if doing is None:
        return lambda _: None
    deploy = _deploy(call, doing.row.type)
    try:
        done = Done(error=f"windtunnel does not implement {doing.row.type}.") if deploy is None else await _do(call, doing, deploy)
    except Unmade as why:
        done = Done(error=str(why))
    except Fault as fault:
        done = Done(error=reason_of(call, doing.row.type, fault))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # Properties of a form that their declaration didn't expect: a stack says so and goes on, where an operation would say 500.
        log.exception("%s %s of %s failed with a bug", doing.row.type, doing.item.logical, doing.stack.name)
        done = Done(error=f"InternalFailure: {type(error).__name__}: {error}")
    return partial(_settle, uuid=uuid, key=key, serial=serial, done=done)


def _read(tx: Tx, uuid: str, key: str, serial: int) -> Doing | None:
    stack, item = tx.get(STACKS, uuid), tx.get(WORK, uuid, key)
    if stack is None or stack.operation is None or item is None or item.serial != serial:
        return None
    row = item.row if item.action == "delete" else tx.get(ROWS, uuid, item.logical)
    assert row is not None
    revision = revision_of(tx, stack, stack.operation.target)
    definition: dict[str, Any] = {}
    if stack.operation.phase == "forward":
        definition = template_of(revision.template).resources.get(item.logical, {})
    return Doing(stack, item, row, tx.get(BEFORE, uuid, item.logical), revision.tags, definition)


def _deploy(call: Call, type: str) -> Deploy | None:
    kind = kind_of(call.cloud.services.kind, type)
    return None if kind is None else kind.deploy


def place_of(call: Call, stack: Stack, logical: str, row: Row, tags: dict[str, str], made: Any = None) -> At:
    """Where a resource of a stack is deployed."""
    stacked = Stacked(stack.id, stack.name, logical, row.type, row.token, tags, row.tags)
    return At(call, stack.principal, stacked, made)


def filled(at: At, deploy: Deploy, properties: Properties) -> Properties:
    """The properties with a made name, where they have none."""
    if not deploy.name or deploy.name in properties:
        return properties
    return {**properties, deploy.name: at.name(deploy.name_max, lower=deploy.lower)}


async def _do(call: Call, doing: Doing, deploy: Deploy) -> Done:
    async def made(id: str) -> None:
        await call.transact(_made, doing.stack.uuid, doing.item.logical, id)

    at = place_of(call, doing.stack, doing.item.logical, doing.row, doing.tags, made)
    done = await _done(at, doing, deploy)
    await at.stands()
    return done


async def _done(at: At, doing: Doing, deploy: Deploy) -> Done:
    item, row = doing.item, doing.row
    properties = filled(at, deploy, await dynamic(at, row.properties))
    if item.action == "delete":
        return await _delete(at, deploy, row, properties)
    if item.action in ("update", "restore"):
        old = item.properties if item.action == "restore" or doing.before is None else doing.before.properties
        if deploy.update is not None:
            await deploy.update(at, row.id, properties, filled(at, deploy, await dynamic(at, old)))
        told = at.kept or row.attributes
        return Done(at.id or row.id, {**told, **await _attributes(at, deploy, row.id, properties)})
    if item.action == "import":
        assert doing.stack.operation is not None
        id = next(iter(doing.stack.operation.imported[item.logical].values()))
        return Done(id, await _attributes(at, deploy, id, properties))
    at.begun = row.id if doing.before is None or row.id != doing.before.id else ""
    if at.begun and not deploy.resumes:
        # The region was stopped in the middle of it: what was begun is taken away.
        await _delete(at, deploy, row, properties)
    id = await deploy.create(at, properties)
    await at.made(id)
    await wait_for_signals(at.call, doing.stack.uuid, item.logical, doing.definition)
    return Done(id, {**at.kept, **await _attributes(at, deploy, id, properties)})


async def _attributes(at: At, deploy: Deploy, id: str, properties: Properties) -> dict[str, Any]:
    return {} if deploy.attributes is None else await deploy.attributes(at, id, properties)


async def _delete(at: At, deploy: Deploy, row: Row, properties: Properties) -> Done:
    try:
        await deploy.delete(at, row.id, properties)
    except Fault as fault:
        if not is_gone(fault):
            raise
    return Done(row.id)


def reason_of(call: Call, type: str, fault: Fault) -> str:
    """A fault as the reason of a resource's status."""
    if fault.code in ("ValidationError", "NotImplemented"):
        return fault.message
    service, owner = type.split("::")[1] if type.count("::") > 1 else type, call.cloud.services.owner_of(type)
    status = call.cloud.status_of(owner, fault) if owner else fault.status or 400
    code = next((code for code, words in CODES if any(word in fault.code for word in words)), "InvalidRequest")
    id = call.ids.uuid()
    told = f"{fault.message or fault.code} (Service: {service}, Status Code: {status}, Request ID: {id})"
    return f'Resource handler returned message: "{told}" (RequestToken: {call.ids.uuid()}, HandlerErrorCode: {code})'


def _made(tx: Tx, uuid: str, logical: str, id: str) -> None:
    """There is something by this id now."""
    stack, row = tx.get(STACKS, uuid), tx.get(ROWS, uuid, logical)
    if stack is None or row is None or row.id == id:
        return
    set_row(tx, stack, logical, msgspec.structs.replace(row, id=id), row.status, INITIATED)


def _settle(tx: Tx, uuid: str, key: str, serial: int, done: Done) -> None:
    """The end of a step, and the beginning of what waited for it."""
    stack, item = tx.get(STACKS, uuid), tx.get(WORK, uuid, key)
    if stack is None or item is None or stack.operation is None or item.serial != serial:
        return
    if item.action == "delete":
        _settle_deletion(tx, stack, key, item, done)
    else:
        _settle_put(tx, stack, item, done)
    tx.put(WORK, uuid, key, value=msgspec.structs.replace(item, state="failed" if done.error else "done"))
    advance(tx, uuid)


def _settle_deletion(tx: Tx, stack: Stack, key: str, item: Item, done: Done) -> None:
    assert item.row is not None
    assert stack.operation is not None
    shown, whole = stack.operation.phase in ("delete", "rollback"), key == item.logical
    set_row(tx, stack, item.logical, item.row, "DELETE_FAILED" if done.error else "DELETE_COMPLETE", done.error, shown=shown, kept=whole)
    if not done.error and whole and not shown:
        tx.delete(ROWS, stack.uuid, item.logical)


def _settle_put(tx: Tx, stack: Stack, item: Item, done: Done) -> None:
    row, before = tx.get(ROWS, stack.uuid, item.logical), tx.get(BEFORE, stack.uuid, item.logical)
    assert row is not None
    verb = {"create": "CREATE", "import": "IMPORT"}.get(item.action, "UPDATE")
    if done.error:
        set_row(tx, stack, item.logical, row, f"{verb}_FAILED", done.error)
        return
    if item.action == "restore":
        assert item.row is not None
        row = item.row
    elif item.action in ("replace", "update") and before is not None and before.id != done.id:
        endings.abandon(tx, stack, item.logical, before)
    assert stack.operation is not None
    tags = revision_of(tx, stack, stack.current if item.action == "restore" else stack.operation.target).tags
    row = msgspec.structs.replace(row, id=done.id, attributes=done.attributes, tags=tags)
    set_row(tx, stack, item.logical, row, f"{verb}_COMPLETE")
    kind = kind_of(tx.kind, row.type)
    arn = str(done.attributes.get("Arn", done.id))
    if kind is not None and kind.deploy is not None and kind.deploy.tagged and kind.deploy.marked and arn.startswith("arn:"):
        set_tags(tx, arn, system_tags(stack, item.logical))


def system_tags(stack: Stack, logical: str) -> dict[str, str]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html"""
    return {"aws:cloudformation:logical-id": logical, "aws:cloudformation:stack-id": stack.id, "aws:cloudformation:stack-name": stack.name}
