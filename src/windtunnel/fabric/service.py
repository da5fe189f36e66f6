"""What a service declares of itself. The centre iterates over declarations and knows no service by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.model import operation_names, snake
from windtunnel.fabric.resource import Resource

if TYPE_CHECKING:
    from windtunnel.aws.arn import Arn
    from windtunnel.fabric.deliver import Event
    from windtunnel.fabric.visits import Serve

Handler = Callable[..., Any]
"""`def handler(tx, payload)` or `async def handler(call, payload)`."""
Marks = Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[str, ...]]
"""What joins a call to others, from its request and its result."""
Target = Callable[["Arn", "Event"], tuple[str, dict[str, Any]]]
"""Turns the ARN of a target and what is delivered into one operation of the service, as (name in snake_case, request)."""


class Handled(msgspec.Struct, frozen=True):
    """A function the door leads to: an operation or a timer's handler. `plain`: it takes a Tx and never waits."""

    service: str
    name: str
    function: Handler
    plain: bool
    validate: Callable[[dict[str, Any]], None]
    data: bool = False
    """CloudTrail records it only where a trail selects it."""
    about: str = ""
    """The member of its request that says what it is about."""
    marks: Marks | None = None
    recorded: Handler | None = None
    """Who is told of each call when it is over: see `Service`."""


class Service:
    """One AWS service, under botocore's name for it.

    The public functions of `modules` are its operations. `timers` are the handlers of what happens by itself, `targets` say for
    which ARN services and URL schemes it takes deliveries; a target may name one of `takers` in place of an operation, a function of the
    same two forms that no client can call. `faults` are codes AWS answers without documenting them in the model (with
    their HTTP status), `data_operations` are the calls CloudTrail records only where a trail selects them.
    `finish(tx, body)` completes the bodies of events that this service delivers as `late`. One with `late_bodies` takes such events as
    they are (the request its target makes must carry `event.late`) and calls `tx.finish` when a body is read. `pages` are what it
    serves beside its API: by the beginning of a path, `page(tx, path)` returns (content type, bytes) or None. `hosts` it serves itself, all
    requests to them: by the label in `NAME.label.REGION.…`, `async serve(call, visit)` returns an `Answer` (see `visits`). `paths` of the
    endpoint it serves itself likewise, by how they begin.
    `recorded(tx, operation, request, result, fault, status, seconds)` is told of each of its calls when it is over, in a transaction
    (`result` is empty and `status` the fault's where there is a `fault`, else 0).
    `trailed(tx, event, result)` is told of each management call of any service as the trail has it, in a transaction that delivers nothing.
    `marks` say by operation, from request and result, what else than its cause joins a call to others: the ids of messages.
    `facts(tx, source, detail_type, detail, resources)` is told what services emit.
    """

    def __init__(
        self,
        name: str,
        *,
        modules: Sequence[ModuleType],
        resources: Sequence[Resource] = (),
        timers: Mapping[str, Handler] | None = None,
        targets: Mapping[str, Target] | None = None,
        takers: Mapping[str, Handler] | None = None,
        faults: Mapping[str, int] | None = None,
        data_operations: Sequence[str] = (),
        facts: Handler | None = None,
        trailed: Handler | None = None,
        finish: Handler | None = None,
        late_bodies: bool = False,
        recorded: Handler | None = None,
        pages: Mapping[str, Handler] | None = None,
        hosts: Mapping[str, Serve] | None = None,
        paths: Mapping[str, Serve] | None = None,
        marks: Mapping[str, Marks] | None = None,
    ) -> None:
        self.name = name
        self.resources = tuple(resources)
        self.timers = dict(timers or {})
        self.targets = dict(targets or {})
        self.takers = dict(takers or {})
        self.faults = dict(faults or {})
        self.data_operations = frozenset(data_operations)
        self.facts = facts
        self.trailed = trailed
        self.finish = finish
        self.late_bodies = late_bodies
        self.recorded = recorded
        self.pages = dict(pages or {})
        self.hosts = dict(hosts or {})
        self.paths = dict(paths or {})
        self.marks = dict(marks or {})
        self.kinds = {resource.type: resource for resource in resources if resource.deploy}
        """What templates can deploy, by type."""
        self.functions: dict[str, Handler] = {}
        for module in modules:
            for function_name, function in vars(module).items():
                if inspect.isfunction(function) and not function_name.startswith("_") and function.__module__ == module.__name__:
                    assert function_name not in self.functions, f"{name}: {function_name} stands in two modules"
                    self.functions[function_name] = function

    def check(self) -> None:
        """Every operation is one of the API's. Costs loading the model, so it is done on first use and in the tests."""
        known = {snake(operation) for operation in operation_names(self.name)}
        unknown = sorted(self.functions.keys() - known)
        assert not unknown, f"{self.name}: not operations of the API: {', '.join(unknown)}"
        data = sorted(self.data_operations - set(operation_names(self.name)))
        assert not data, f"{self.name}: not operations of the API: {', '.join(data)}"
