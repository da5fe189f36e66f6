"""Which services there are. One is loaded when something first leads to it, so that a region costs what it uses of them.

Most of what leads to a service names it: a call of an operation, a timer's row, the ARN of a delivery's target. What does not is said
in its `Named`, beside where it stands, and `app/boot.py` lists those. A test sees to it that they agree with what the services declare.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import fault_of, naming_member, operation_names, snake
from windtunnel.aws.validate import validator
from windtunnel.fabric import deliver
from windtunnel.fabric.service import Handled, Handler, Service

if TYPE_CHECKING:
    from windtunnel.fabric.resource import Resource
    from windtunnel.fabric.visits import Host, Serve


Validate = Callable[[dict[str, Any]], None]


def _unchecked(request: dict[str, Any]) -> None:
    """What the region itself asks for has no model."""


class Named(msgspec.Struct, frozen=True):
    """A service that is not loaded, and what leads to it beside its name: sets, each written as one text, "A B C"."""

    name: str
    """botocore's, and the service's in its ARNs where it takes deliveries."""
    declared: str
    """Where its `Service` stands, as module:variable."""
    types: str = ""
    """What the types of its resources begin with, in templates: AWS::SQS."""
    hosts: str = ""
    """The labels of the hosts that it serves itself."""
    paths: str = ""
    """What the paths begin with that it serves beside its API, as pages or by itself."""
    listens: bool = False
    """Whether it hears of what others do and tell (`facts`, `trailed`): it is loaded once there is something to hear."""

    def load(self) -> Service:
        return resolve_name(self.declared)


class Services:
    """All services of a region, by what leads to them."""

    def __init__(self, named: Iterable[Named]) -> None:
        self._named = {each.name: each for each in named}
        self.loaded = {deliver.SERVICE: Service(deliver.SERVICE, modules=(), timers={deliver.HANDLER: deliver.attempt})}
        self._types = {types: each.name for each in self._named.values() for types in each.types.split()}
        self._paths = {path: each.name for each in self._named.values() for path in each.paths.split()}
        self._beginnings = tuple(self._paths)
        self.labels = {label: each.name for each in self._named.values() for label in each.hosts.split()}
        """Who serves the hosts of a label."""
        self._handled: dict[tuple[str, str], Handled] = {}
        self._handlers: dict[tuple[str, str], Handled] = {}

    @property
    def names(self) -> list[str]:
        return list(self._named)

    def find(self, name: str) -> Service | None:
        """A service by its name; None where there is none."""
        found = self.loaded.get(name)
        if found is None and (named := self._named.get(name)) is not None:
            found = self.loaded[name] = named.load()
        return found

    @cached_property
    def listening(self) -> list[Service]:
        """Those that hear of what others do."""
        return [found for each in self._named.values() if each.listens and (found := self.find(each.name)) is not None]

    def owner_of(self, type: str) -> str:
        """The name of the service whose resources are of a type; "" where there is none."""
        return self._types.get("::".join(type.split("::")[:2]), "")

    def kind(self, type: str) -> Resource | None:
        """What templates can deploy under a type."""
        service = self.find(self.owner_of(type))
        return None if service is None else service.kinds.get(type)

    def at_path(self, path: str) -> tuple[Service, str] | None:
        """Who serves a path of the endpoint beside the APIs, and what of it is why."""
        if not path.startswith(self._beginnings):
            return None
        beginning = next(beginning for beginning in self._paths if path.startswith(beginning))
        service = self.find(self._paths[beginning])
        return None if service is None else (service, beginning)

    def serving(self, host: Host) -> Serve:
        """What answers a visit."""
        service = self.find(host.service)
        assert service is not None, "hosts are found by who serves them"
        return (service.hosts | service.paths)[host.label]

    def handled(self, service: str, operation: str) -> Handled:
        """The function behind an operation, named as in the API or in snake_case, or a taker. Raises the fault NotImplemented."""
        return self._handled.get((service, operation)) or self._find(service, operation)

    def _find(self, service: str, operation: str) -> Handled:
        found = self.find(service)
        if found is not None and (taker := found.takers.get(operation)) is not None:
            return self._handled.setdefault((service, operation), _handled(found, operation, taker, data=True))
        names = {snake(name): name for name in operation_names(service)}
        name = names.get(operation, operation)
        function = found.functions.get(snake(name)) if found is not None else None
        if found is None or function is None:
            raise Fault("NotImplemented", f"windtunnel does not implement {service} {name}.", status=501)
        if not any(key[0] == service for key in self._handled):
            found.check()
        data, about, marks = name in found.data_operations, naming_member(service, name), found.marks.get(name)
        handled = _handled(found, name, function, validator(service, name), data=data, about=about, marks=marks)
        self._handled[service, name] = self._handled[service, snake(name)] = handled
        return handled

    def handler(self, service: str, name: str) -> Handled:
        """A timer's handler."""
        found = self._handlers.get((service, name))
        if found is None:
            owner = self.find(service)
            assert owner is not None, f"a timer of {service}, which is none of the services"
            found = self._handlers[service, name] = _handled(owner, name, owner.timers[name])
        return found

    def status_of(self, service: str, fault: Fault) -> int:
        """The HTTP status of a fault of a service."""
        if fault.status is not None:
            return fault.status
        found = self.find(service)
        declared = None if found is None else found.faults.get(fault.code)
        return declared or fault_of(service, fault.code).status


def _handled(service: Service, name: str, function: Handler, validate: Validate = _unchecked, **said: Any) -> Handled:
    plain = not inspect.iscoroutinefunction(function)
    return Handled(service.name, name, function, plain, validate, recorded=service.recorded, **said)
