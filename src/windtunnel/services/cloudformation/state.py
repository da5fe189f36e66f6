"""What CloudFormation remembers, and under which keys.

A stack lies under the UUID in its id; NAMES finds the one that has a name now. What a template, its parameters and its tags were
at one time is a revision: a stack has the one it was deployed by and, while it is changed, the one it is to become; a change set is a
revision that waits. What an operation has still to do are rows in WORK, one a resource; see deploying/engine.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.arn import parse_or_none, partition_of
from windtunnel.fabric import Fault, Principal, Properties, Table, Tx
from windtunnel.services.cloudformation.template.parameters import Given

NOT_CHECKED = "NOT_CHECKED"


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is done to a stack now."""

    phase: str
    """"prepare", "forward", "cleanup", "rollback", "rollback_cleanup" or "delete"."""
    target: int = 0
    """The revision that it is to become."""
    token: str = ""
    """The client's request token, which is on each event."""
    began: float = 0.0
    on_failure: str = "ROLLBACK"
    retain: list[str] = []
    """Logical ids that a deletion leaves, and that a rollback passes over."""
    keep: bool = False
    """A deletion keeps all resources."""
    creating: bool = False
    """Whether the stack is new, so that what fails is taken back as a whole."""
    cancelled: str = ""
    """Why what is under way is to end."""
    imported: dict[str, dict[str, str]] = {}
    """Identifiers of resources that are to be imported, by logical id."""

    @property
    def stops(self) -> bool:
        """Whether a failure ends the phase; deletions go on with what doesn't hang on it."""
        return self.phase == "forward" or (self.phase == "rollback" and not self.creating)


class Stack(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stack. `principal` calls for it: its role's session, or whoever began the operation."""

    id: str
    name: str
    created: float
    status: str
    principal: Principal
    reason: str = ""
    updated: float = 0.0
    deleted: float = 0.0
    current: int = 0
    """The revision that it was deployed by; 0 before the first."""
    role: str = ""
    protected: bool = False
    disable_rollback: bool = False
    minutes: int = 0
    parent: str = ""
    root: str = ""
    change_set: str = ""
    """The ARN of the change set that was executed last."""
    outputs: list[dict[str, str]] = []
    drift: str = NOT_CHECKED
    drift_checked: float = 0.0
    operation: Operation | None = None

    @property
    def uuid(self) -> str:
        return self.id.rpartition("/")[2]


class Revision(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a stack was, is, or is to be made of. `processed` is the template after its transforms; "" where it has none."""

    original: str
    processed: str = ""
    parameters: dict[str, Given] = {}
    tags: dict[str, str] = {}
    capabilities: list[str] = []
    notifications: list[str] = []
    triggers: dict[str, Any] = {}
    role: str = ""

    @property
    def template(self) -> str:
        return self.processed or self.original


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """A resource of a stack."""

    type: str
    status: str
    at: float
    id: str = ""
    """Its physical id; "" where there is none yet."""
    reason: str = ""
    token: str = ""
    """What its made names end with."""
    properties: Properties = {}
    attributes: dict[str, Any] = {}
    tags: dict[str, str] = {}
    """The stack's tags when it was deployed."""
    needs: list[str] = []
    deletion: str = "Delete"
    replacing: str = "Delete"
    """Its policies for the deletion and for being replaced."""
    metadata: str = ""
    description: str = ""
    drift: str = NOT_CHECKED
    drift_checked: float = 0.0


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that an operation has to do. `action`: "put", "create", "update", "replace", "restore" or "delete"."""

    action: str
    state: str = "waiting"
    """"waiting", "running", "done" or "failed"."""
    needs: list[str] = []
    logical: str = ""
    row: Row | None = None
    """What is to be deleted, or what is to be again."""
    properties: Properties = {}
    """What a resource has that is to be what it was."""
    serial: int = 0
    """Of the step that runs for it: another's end is no news."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a stack's story."""

    id: str
    at: float
    logical: str
    physical: str
    type: str
    status: str
    reason: str = ""
    properties: str | None = None
    token: str = ""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change set: `changes` as DescribeChangeSet prints them, values of properties included."""

    id: str
    name: str
    created: float
    kind: str
    revision: int
    status: str
    execution: str = "UNAVAILABLE"
    reason: str = ""
    description: str = ""
    changes: list[dict[str, Any]] = []
    nested: bool = False
    on_failure: str = ""
    imported: dict[str, dict[str, str]] = {}


class Export(msgspec.Struct, frozen=True):
    """A value that other stacks can import."""

    stack_id: str
    value: str


STACKS = Table("cloudformation.stacks", Stack)
"""uuid -> Stack"""
NAMES = Table("cloudformation.names", str)
"""name -> the uuid of the stack that has it, until it is deleted"""
LISTED = Table("cloudformation.listed", str)
"""(-created, serial) -> uuid: the newest first"""
REVISIONS = Table("cloudformation.revisions", Revision)
"""(uuid, serial) -> Revision"""
POLICIES = Table("cloudformation.policies", str)
"""(uuid, "" | "update") -> the stack policy; "update" holds for the update under way alone"""
ROWS = Table("cloudformation.resources", Row, indexes={"physical": lambda _, row: (row.id,) if row.id else None})
"""(uuid, logical id) -> Row; "physical" by what it is"""
BEFORE = Table("cloudformation.before", Row)
"""(uuid, logical id) -> the Row as it was when the update under way began"""
GONE = Table("cloudformation.gone", Row)
"""(uuid, logical id, serial) -> what was replaced, and has to go when the update stands"""
WORK = Table("cloudformation.work", Item)
"""(uuid, key) -> Item"""
EVENTS = Table("cloudformation.events", Event)
"""(uuid, serial) -> Event"""
CHANGES = Table("cloudformation.changes", Change)
"""(uuid, name) -> Change"""
CHANGE_IDS = Table("cloudformation.change_ids", list[str])
"""the UUID of a change set -> [uuid of its stack, name]"""
EXPORTS = Table("cloudformation.exports", Export)
"""name -> Export"""
IMPORTS = Table("cloudformation.imports", str, indexes={"by": lambda key, _: (key[1],)})
"""(name of an export, uuid of the stack that imports it) -> that stack's name"""
TOKENS = Table("cloudformation.tokens", str)
"""(uuid, client request token) -> what was asked with it"""
SIGNALS = Table("cloudformation.signals", list[str])
"""(uuid, logical id, unique id) -> [status, data, reason]"""


def stack_id(tx: Tx, name: str) -> str:
    return f"arn:{partition_of(tx.region)}:cloudformation:{tx.region}:{tx.account}:stack/{name}/{tx.new_id()}"


def uuid_of(tx: Tx, text: str) -> str | None:
    """The UUID of the stack that a name or an id means: a name is that of a stack which isn't deleted."""
    arn = parse_or_none(text)
    return tx.get(NAMES, text) if arn is None else arn.resource.rpartition("/")[2]


def find_stack(tx: Tx, text: str) -> Stack | None:
    """The stack of a name or an id; deleted ones are found by their id alone."""
    uuid = uuid_of(tx, text)
    stack = None if uuid is None else tx.get(STACKS, uuid)
    return stack if stack is not None and text in (stack.id, stack.name) else None


def stack_of(tx: Tx, text: str) -> Stack:
    """The same, which has to be there."""
    stack = find_stack(tx, text)
    if stack is None:
        raise Fault("ValidationError", f"Stack with id {text} does not exist")
    return stack


def bracketed(tx: Tx, text: str) -> Stack:
    """The same, in the words of the other half of the operations."""
    stack = find_stack(tx, text)
    if stack is None:
        raise Fault("ValidationError", f"Stack [{text}] does not exist")
    return stack


def revision_of(tx: Tx, stack: Stack, number: int = 0) -> Revision:
    """A revision of a stack, by default the newest that it was or is to be deployed by."""
    target = stack.operation.target if stack.operation is not None else 0
    found = tx.get(REVISIONS, stack.uuid, number or stack.current or target)
    assert found is not None, f"{stack.id} has no revision {number}"
    return found


def is_repeated(tx: Tx, stack: Stack, req: Mapping[str, Any], what: str) -> bool:
    """Whether a request is one that was taken before, by its token. Raises TokenAlreadyExistsException where that was another one."""
    token = str(req.get("ClientRequestToken", ""))
    known = tx.get(TOKENS, stack.uuid, token) if token else None
    if known is not None and known != what:
        raise Fault("TokenAlreadyExistsException", f"A client request token already exists: {token}")
    if token:
        tx.put(TOKENS, stack.uuid, token, value=what)
    return known is not None


def changed_channel(uuid: str) -> tuple[str, str]:
    """The channel that is woken when something of a stack has changed."""
    return ("cloudformation.stack", uuid)
