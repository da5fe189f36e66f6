"""A kind of resource, declared once by the service that has it: its table, its ARN, and how templates deploy it.

CloudFormation iterates over these declarations and knows none of them. A service writes them in its `stack.py`; what they do goes
through its own API, as the stack's role or whoever deploys it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec

from windtunnel.aws.coerce import coerced
from windtunnel.aws.errors import Fault
from windtunnel.fabric.call import unwritable
from windtunnel.fabric.tags import tag_list, tag_map
from windtunnel.kernel.store import StoreFull, Table

if TYPE_CHECKING:
    from windtunnel.fabric.call import Call
    from windtunnel.fabric.scope import Principal
    from windtunnel.kernel.store.syncer import Told

Act = Callable[[Any], Coroutine[Any, Any, Any]]
"""An operation as `at.aws` has it."""
Properties = dict[str, Any]
"""Properties of a resource as a template has them, with all functions resolved."""
LOGICAL_ID_CHARACTERS_MAX = 24
_GONE = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist")


class Deploy(msgspec.Struct, frozen=True):
    """How a kind of resource is made, changed and removed, by properties.

    Sets of names are written as one text, "A B C". Functions may raise any Fault: it becomes the reason of the failure.
    """

    properties: str
    """The properties that are implemented; others are refused by name."""
    create: Callable[[At, Properties], Coroutine[Any, Any, str]]
    """Makes it and returns its physical id, which is what `Ref` gives. A longer one says `await at.made(id)` as soon as there is
    something to remove."""
    delete: Callable[[At, str, Properties], Coroutine[Any, Any, None]]
    """Removes it. A fault that says that it is gone already is fine."""
    update: Callable[[At, str, Properties, Properties], Coroutine[Any, Any, None]] | None = None
    """`update(at, id, new, old)` changes it as it stands. None: every change makes a new one."""
    attributes: Callable[[At, str, Properties], Coroutine[Any, Any, dict[str, Any]]] | None = None
    """What `Fn::GetAtt` gives, by name; raises a fault where there is no such resource."""
    read: Callable[[At, str, Properties], Coroutine[Any, Any, Properties]] | None = None
    """The properties as they are now, for drift: those of `properties` (as it was deployed) that can be read back."""
    required: str = ""
    replaced: str = ""
    """The properties whose change needs a new resource (in AWS's documentation, "Update requires: Replacement")."""
    name: str = ""
    """The property that names it: where a template leaves it out, functions get the properties with a made name."""
    name_max: int = 64
    lower: bool = False
    """Whether made names are in lower case."""
    resumes: bool = False
    """Whether `create` may be called again where an earlier attempt was cut short: it is idempotent, or goes on with `at.begun`. Of all
    others what was begun is removed first."""
    tagged: bool = False
    """Whether it gets the stack's tags, and the system's (`aws:cloudformation:…`), which lie under its attribute "Arn" or its id."""
    marked: bool = True
    """Whether, being tagged, it gets the system's."""
    always: bool = False
    """Whether an update of its stack updates it also where none of its properties differ."""
    capability: str = ""
    """What a stack with it has to be acknowledged by: "CAPABILITY_IAM", with a name of its own "CAPABILITY_NAMED_IAM"."""
    update_policy: bool = False
    """Whether an update passes over what only its UpdatePolicy says."""


class Unmade(Exception):
    """A resource can't be made, for a reason that no service's fault says."""


class Resource(msgspec.Struct, frozen=True):
    """One kind of resource: its CloudFormation type, the table that holds it, the pattern of its ARN, and how it is deployed.

    The pattern has `{account}`, `{region}` and one field for each part of the table's key, in order: `{0}`, `{1}` …
    What is a part of another resource (a queue's policy) has neither.
    """

    type: str
    table: Table[Any] | None = None
    arn: str = ""
    deploy: Deploy | None = None

    def arn_of(self, account: str, region: str, *key: object) -> str:
        return self.arn.format(*key, account=account, region=region)


class Stacked(msgspec.Struct, frozen=True):
    """Which resource of which stack is meant."""

    stack_id: str
    stack_name: str
    logical_id: str
    type: str
    """As the template has it: custom resources have types of their own."""
    token: str
    """Twelve letters and digits that made names end with, the same as often as this resource is tried."""
    tags: dict[str, str]
    """The stack's own."""
    tags_before: dict[str, str]
    """Those it had when this resource was last deployed."""


class At:
    """Where and for whom a resource is deployed.

    `at.aws.sqs.create_queue({…})` calls as the stack's role or whoever deploys it; values are made the types that the operation takes,
    objects where it wants JSON become text, and members that are None are left out.
    """

    def __init__(
        self,
        call: Call,
        principal: Principal,
        stacked: Stacked,
        made: Callable[[str], Coroutine[Any, Any, None]] | None = None,
        failures: list[StoreFull] | None = None,
    ) -> None:
        self.call = call
        self.principal = principal
        self.stacked = stacked
        self.account = call.account
        self.region = call.region
        self._failures: list[StoreFull] = [] if failures is None else failures
        self.aws: Any = _Services(call, principal, self._heard)
        self._made = made
        self.begun = ""
        """What an earlier attempt to create it has made; see `Deploy.resumes`."""
        self.id = ""
        """What an update has made of it; see `become`."""
        self.kept: dict[str, Any] = {}
        """Attributes that are told once and never again; see `keep`."""

    async def made(self, id: str) -> None:
        """Says that there is something by this physical id now: it will be removed if the rest fails. In one process it is known by the
        same commit by which it is there."""
        if self._made is not None:
            await self._made(id)

    async def stands(self) -> None:
        """Returns once all that was called for is durable. Raises a fault where some of it could not be kept."""
        await self.call.committed()
        if self._failures:
            raise unwritable(self._failures[0])

    def _heard(self, failure: StoreFull | None) -> None:
        if failure is not None:
            self._failures.append(failure)

    def become(self, id: str) -> None:
        """Says that an update has made another one, by this physical id; the old one is removed once the stack's update stands."""
        self.id = id

    def elsewhere(self, region: str) -> At:
        """The same in another region."""
        return self if region == self.region else At(self.call.at(region=region), self.principal, self.stacked, self._made, self._failures)

    def keep(self, **attributes: Any) -> None:
        """Attributes that only the creation's answer has (a secret), beside those that `Deploy.attributes` gives."""
        self.kept.update(attributes)

    def name(self, most: int = 64, *, lower: bool = False, suffix: str = "") -> str:
        """A made name, `stack-logicalid-random`, cut to `most` characters."""
        stacked = self.stacked
        logical = stacked.logical_id[:LOGICAL_ID_CHARACTERS_MAX]
        room = most - len(suffix) - len(stacked.token) - 2 - len(logical)
        name = f"{stacked.stack_name[:room]}-{logical}-{stacked.token}{suffix}"
        return name.lower() if lower else name

    def tags(self, own: Iterable[Mapping[str, Any]] | Mapping[str, Any] | None) -> dict[str, str]:
        """The stack's tags and the resource's own, which win; as a list of keys and values or as a map."""
        return {**self.stacked.tags, **_tags(own)}

    def tag_list(self, own: Iterable[Mapping[str, Any]] | Mapping[str, Any] | None) -> list[dict[str, str]] | None:
        """The same as most APIs take them; None where there are none."""
        return tag_list(self.tags(own)) or None

    def tag_changes(self, new: Any, old: Any) -> tuple[dict[str, str], list[str]]:
        """Tags to set and keys to remove, from the properties of an update."""
        before, after = {**self.stacked.tags_before, **_tags(old)}, self.tags(new)
        return {key: value for key, value in after.items() if before.get(key) != value}, [key for key in before if key not in after]

    async def retag(
        self, new: Properties, old: Properties, named: Properties, tag: Act, untag: Act, *, as_map: bool = False, small: bool = False
    ) -> None:
        """Changes the tags of what is `named`, as an update of its properties does. `as_map`: `tag` takes them so, not as a list;
        `small`: its members begin with a small letter."""
        added, removed = self.tag_changes(new.get("Tags"), old.get("Tags"))
        if added:
            await tag({**named, "tags" if small else "Tags": added if as_map else tag_list(added)})
        if removed:
            await untag({**named, "tagKeys" if small else "TagKeys": removed})


def is_gone(fault: Fault) -> bool:
    """Whether a fault says that what was to be removed isn't there."""
    return any(word in fault.code for word in _GONE)


def deletes(service: str, operation: str, member: str) -> Callable[[At, str, Properties], Coroutine[Any, Any, None]]:
    """A `Deploy.delete` that is one call, with the id as its one member."""

    async def delete(at: At, id: str, properties: Properties) -> None:
        await getattr(getattr(at.aws, service), operation)({member: id})

    return delete


def changed(new: Properties, old: Properties, *names: str) -> bool:
    """Whether any of these properties differs."""
    return any(new.get(name) != old.get(name) for name in names)


def picked(properties: Properties, names: str) -> Properties:
    """Those properties of a text of names that are given."""
    return {name: properties[name] for name in names.split() if name in properties}


def camel(value: Any) -> Any:
    """Properties as APIs take them that begin members with a small letter."""
    if isinstance(value, dict):
        return {f"{key[0].lower()}{key[1:]}": camel(item) for key, item in cast("dict[str, Any]", value).items()}
    return [camel(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _tags(own: Iterable[Mapping[str, Any]] | Mapping[str, Any] | None) -> dict[str, str]:
    if not own:
        return {}
    given = cast("Mapping[str, Any]", own) if isinstance(own, Mapping) else tag_map(own)
    return {key: str(value) for key, value in given.items()}


class _Services:
    """`.sqs.create_queue(request)` for each service."""

    def __init__(self, call: Call, principal: Principal, told: Told) -> None:
        self._call, self._principal, self._told = call, principal, told

    def __getattr__(self, service: str) -> _Operations:
        return _Operations(self._call, self._principal, service, self._told)


class _Operations:
    def __init__(self, call: Call, principal: Principal, service: str, told: Told) -> None:
        self._call, self._service = call, service
        self._client: Any = getattr(call.aws_as(principal, told=told), service)

    def __getattr__(self, operation: str) -> Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]:
        service = self._service.removesuffix("_")
        function = getattr(self._client, operation)

        async def act(request: dict[str, Any]) -> dict[str, Any]:
            name = self._call.cloud.handled(service, operation).name
            return await function(coerced(service, name, request)) or {}

        return act
