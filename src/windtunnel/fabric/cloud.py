"""The one door: HTTP requests, calls between services, due timers and deliveries all become `Cloud.run`."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import fault_of, operation_names, snake
from windtunnel.aws.validate import validator
from windtunnel.fabric import deliver, snapshot
from windtunnel.fabric.access import identify, remember_use
from windtunnel.fabric.call import Call
from windtunnel.fabric.courier import Courier
from windtunnel.fabric.meter import USAGE, hour
from windtunnel.fabric.scope import Proof, Scope, service_principal
from windtunnel.fabric.service import Handled, Service
from windtunnel.fabric.timers import Timers
from windtunnel.fabric.trail import TRAIL, Calls, trail_event
from windtunnel.fabric.tx import HELD, Tx
from windtunnel.fabric.visits import Answer, Host, Visit, finder
from windtunnel.kernel.clock import Anchor, Clock, stopwatch
from windtunnel.kernel.ids import Ids
from windtunnel.kernel.loop import Loop
from windtunnel.kernel.store import Overlay, Store, StoreFull, Table, Transaction
from windtunnel.kernel.store.keys import pack
from windtunnel.kernel.store.store import Engine

if TYPE_CHECKING:
    from windtunnel.planes.blobs import Blobs
    from windtunnel.planes.compute import Compute

Result = TypeVar("Result")
Authorise = Callable[[str, str, Mapping[str, Any], Scope], None]
log = logging.getLogger(__name__)

BOOTS = Table("fabric.boots", int, scope="global")
CLOSED = Table("fabric.closed", bool, scope="global")
"""There while the region is closed; a start that doesn't find it follows a kill."""
CLOCK = Table("fabric.clock", Anchor, scope="global")
SERIALS_PER_BOOT = 1 << 40
USAGE_KEYS_MAX = 10_000
NOWHERE = Scope("", "", service_principal("windtunnel.amazonaws.com", ""))
USAGE_KEYS = USAGE.prefix("", "")
REQUESTS = "Requests"
"""The usage type under which every call is counted, by operation."""


def _changes(tx: Tx) -> bool:
    """Whether anything but usage is written so far."""
    made = tx.overlay
    return bool(made.writes or made.wakes or tx.outgoing) or any(not key.startswith(USAGE_KEYS) for key in made.increments)


class Cloud:
    """One region's cloud: the services, and the ground they share.

    `anchor` is what the clock starts from unless the store remembers another; `authorise` raises where a policy denies.
    """

    def __init__(
        self,
        engine: Engine,
        services: Iterable[Service],
        *,
        blobs: Blobs,
        compute: Compute,
        account: str = "000000000000",
        endpoint: str = "http://localhost:4566",
        seed: int | None = None,
        anchor: Anchor | None = None,
        authorise: Authorise = lambda service, operation, request, scope: None,
    ) -> None:
        self.account = account
        self.endpoint = endpoint
        self.blobs = blobs
        self.compute = compute
        self._held: dict[str, Any] = {}
        self.services = {service.name: service for service in services}
        self.services[deliver.SERVICE] = Service(deliver.SERVICE, modules=(), timers={deliver.HANDLER: deliver.attempt})
        self.calls = Calls()
        self._authorise = authorise
        self._handled: dict[tuple[str, str], Handled] = {}
        self._handlers: dict[tuple[str, str], Handled] = {}
        self._usage_keys: dict[tuple[str, str, str, str, int], bytes] = {}
        self._pages = {beginning: page for service in self.services.values() for beginning, page in service.pages.items()}
        self.host = finder(self.services.values())
        """Who serves a host beside the APIs, by its Host header."""
        self.courier = Courier(self)
        self.clock = Clock(anchor)
        self.loop = Loop(self.clock)
        self.timers = Timers(self)
        self.store = Store(engine, woken=self.loop.wake, lost=self.timers.look_later)
        self._rows = Transaction(self.store.begin(), "", "")
        """What was kept so far, to be read only."""
        boot, self._closed_cleanly = self._restore(anchor)
        self.ids = Ids(None if seed is None else f"{seed}/{boot}")
        self.serials = count(boot * SERIALS_PER_BOOT)

    def start(self) -> None:
        """Lets happen what is due; needs the running event loop."""
        self.clock.changed = self._keep_anchor
        self._keep_anchor(self.clock.anchor)
        if not self._closed_cleanly:
            self.blobs.sweep(lambda blob_id: self._rows.get(HELD, blob_id) is not None)
            self._closed_cleanly = True
        for service in self.services.values():
            if service.boot is not None:
                service.boot(self)
        self.timers.start()

    async def reset(self) -> None:
        """Empties the region; the clock and the serial numbers go on."""
        await self._stop()
        self.store.clear()
        self.blobs.clear()
        self._begin_again()

    async def save(self, path: Path) -> int:
        """Writes the whole region, bytes of objects included, to a file; returns its size in bytes."""
        return await snapshot.save(self.store, self.blobs, path)

    async def load(self, path: Path) -> None:
        """Replaces the whole region by one that was saved. Raises ValueError where the file isn't one."""
        await self._stop()
        await snapshot.load(self.store, self.blobs, path)
        kept = self.apply(lambda tx: tx.get(CLOCK))
        if kept is not None:
            self.clock.restore(kept)
        # Serial numbers rise also over those of the region that was loaded.
        boot = max(self.apply(lambda tx: tx.get(BOOTS)) or 0, next(self.serials) // SERIALS_PER_BOOT) + 1
        self.serials = count(boot * SERIALS_PER_BOOT)
        self._begin_again()

    def held(self, name: str, make: Callable[[], Result]) -> Result:
        """What a service holds in this process (connections, children, tasks, never truth): made on first use, forgotten at a reset."""
        if name not in self._held:
            self._held[name] = make()
        return self._held[name]

    async def _stop(self) -> None:
        await self.loop.stop()
        await self.compute.clear()
        self._held.clear()

    def _begin_again(self) -> None:
        self.apply(lambda tx: tx.put(BOOTS, value=next(self.serials) // SERIALS_PER_BOOT))
        self.start()

    async def run(
        self,
        service: str,
        operation: str,
        request: dict[str, Any],
        scope: Scope,
        *,
        proof: Proof | None = None,
        signed: bool = True,
        under: Tx | None = None,
    ) -> dict[str, Any]:
        """One call: identify, authorise, validate, act, record.

        `operation` is named as in the API or in snake_case. A client's call carries its `proof` (`signed=False`: it signed nothing);
        others come with the principal in their scope. `under` lets a plain operation act within a transaction that is open. A plain
        operation never waits, so that this coroutine ends at its first step. Raises Fault.
        """
        started = stopwatch()
        handled = self.handled(service, operation)
        try:
            if proof is not None or not signed:
                scope = self.identified(scope, proof, service)
            self._authorise(service, handled.name, request, scope)
            handled.validate(request)
            if handled.plain:
                return self.transact(lambda tx: self._act(tx, handled, request, started), scope, service, under)
            result = await handled.function(Call(self, scope, service), request)
        except Fault as fault:
            self._record_apart(handled, request, scope, {}, fault, started, under)
            raise
        except StoreFull as failure:
            fault = Fault("ServiceUnavailable", f"The region's store could not write: {failure}", status=503)
            self._record_apart(handled, request, scope, {}, fault, started, under)
            raise fault from failure
        except Exception as error:
            log.exception("%s.%s failed with a bug", service, operation)
            fault = Fault("InternalFailure", f"{operation}: {type(error).__name__}: {error}", status=500)
            self._record_apart(handled, request, scope, {}, fault, started, under)
            raise fault from error
        self._record_apart(handled, request, scope, result, None, started, under)
        return result

    def _act(self, tx: Tx, handled: Handled, request: dict[str, Any], started: float) -> dict[str, Any]:
        """A plain operation, and its record in the same transaction."""
        result = handled.function(tx, request)
        tx.owed = _changes(tx)
        self._record(tx, handled, request, result, None, started)
        return result

    def transact(self, function: Callable[[Tx], Result], scope: Scope, service: str, under: Tx | None = None) -> Result:
        """Runs a plain function as one transaction of its own, or as a part of `under`; a fault undoes it."""
        overlay = self.store.begin() if under is None else Overlay(under.overlay)
        tx = Tx(self, overlay, scope, service)
        tx.depth = 0 if under is None else under.depth + 1
        result = function(tx)
        if tx.outgoing:
            self.courier.send(tx)
        if under is None:
            self.store.keep(overlay, owed=tx.owed)
            if tx.dropped:
                self.store.when_committed(lambda failure: self._delete_blobs(tx.dropped) if failure is None else None)
        else:
            under.overlay.merge(overlay)
            under.dropped += tx.dropped
        return result

    def apply(self, function: Callable[[Tx], Result]) -> Result:
        """A transaction of the region's own, in no account: for rows that belong to all."""
        return self.transact(function, NOWHERE, "windtunnel")

    def attempt(self, function: Callable[[Tx], None], scope: Scope, service: str) -> bool:
        """A timer's plain handler; False where a bug stopped it."""
        try:
            self.transact(function, scope, service)
        except Fault as fault:
            log.warning("a timer of %s gave up: %s", service, fault)
            return False
        except Exception:
            log.exception("a timer of %s failed with a bug", service)
            return False
        return True

    async def attempt_call(self, service: str, handler: str, payload: Mapping[str, Any], scope: Scope) -> bool:
        """A timer's handler that waits; False where a fault or a bug stopped it."""
        try:
            await self.handler(service, handler).function(Call(self, scope, service), payload)
        except Fault as fault:
            log.warning("%s.%s gave up: %s", service, handler, fault)
            return False
        except Exception:
            log.exception("%s.%s failed with a bug", service, handler)
            return False
        return True

    def handler(self, service: str, name: str) -> Handled:
        """A timer's handler."""
        found = self._handlers.get((service, name))
        if found is None:
            function = self.services[service].timers[name]
            plain = not inspect.iscoroutinefunction(function)
            found = self._handlers[service, name] = Handled(service, name, function, plain, lambda _: None)
        return found

    def status_of(self, service: str, fault: Fault) -> int:
        """The HTTP status of a fault of a service."""
        if fault.status is not None:
            return fault.status
        declared = self.services[service].faults.get(fault.code) if service in self.services else None
        return declared or fault_of(service, fault.code).status

    async def rest(self) -> None:
        """Returns once nothing is under way and all is durable."""
        while True:
            await self.loop.rest()
            if not self.store.pending:
                return
            with suppress(StoreFull):  # whoever waited for it has been told
                await self.store.committed()

    async def jump(self, target: float) -> None:
        """Moves the clock to a later time, through all that falls due on the way."""
        await self.clock.jump(target, self.rest)

    async def close(self) -> None:
        await self._stop()
        await self.compute.close()
        await self.courier.close()
        self.apply(lambda tx: tx.put(CLOSED, value=True))
        self.store.close()

    def emitted(self, tx: Tx, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
        """Hands a fact to the services that listen to facts."""
        for service in self.services.values():
            if service.facts is not None:
                service.facts(tx, source, detail_type, detail, resources)

    def handled(self, service: str, operation: str) -> Handled:
        """The function behind an operation, named as in the API or in snake_case. Raises the fault NotImplemented."""
        return self._handled.get((service, operation)) or self._find(service, operation)

    def _find(self, service: str, operation: str) -> Handled:
        found = self.services.get(service)
        names = {snake(name): name for name in operation_names(service)}
        name = names.get(operation, operation)
        function = found.functions.get(snake(name)) if found is not None else None
        if found is None or function is None:
            raise Fault("NotImplemented", f"windtunnel does not implement {service} {name}.", status=501)
        if not any(key[0] == service for key in self._handled):
            found.check()
        plain = not inspect.iscoroutinefunction(function)
        handled = Handled(service, name, function, plain, validator(service, name), name in found.data_operations)
        self._handled[service, name] = self._handled[service, snake(name)] = handled
        return handled

    def identified(self, scope: Scope, proof: Proof | None, service: str) -> Scope:
        """The scope with the principal who signed; raises AWS's faults for signatures and keys that don't hold."""
        principal, first_use = identify(self._rows, self.clock.now(), service, proof, self.account)
        if proof is not None and first_use:
            self.transact(lambda tx: self._remember(tx, proof.access_key), scope, service)
        account = scope.account if principal.kind == "Anonymous" else principal.account
        return msgspec.structs.replace(scope, principal=principal, account=account)

    def _remember(self, tx: Tx, access_key: str) -> None:
        tx.owed = False
        remember_use(tx, access_key)

    def _record(
        self, tx: Tx, handled: Handled, request: dict[str, Any], result: Mapping[str, Any], fault: Fault | None, started: float
    ) -> None:
        """Tells of a call: in the live list, in the usage, in the trail where CloudTrail would, and its service where it listens."""
        scope, seconds = tx.scope, stopwatch() - started
        self.calls.add(tx.now, handled.service, handled.name, scope, fault.code if fault else "", seconds)
        place = (scope.account, scope.region, handled.service, handled.name, hour(tx.now))
        tx.overlay.add(self._usage_keys.get(place) or self._usage_key(place), 1)
        if not handled.data:
            event = trail_event(handled.service, handled.name, tx.now, scope, request, fault)
            tx.put(TRAIL, tx.now, tx.serial(), value=event)
        recorded = self.services[handled.service].recorded
        if recorded is not None:
            recorded(
                tx, handled.name, request, result or {}, fault, 0 if fault is None else self.status_of(handled.service, fault), seconds
            )

    def _record_apart(
        self,
        handled: Handled,
        request: dict[str, Any],
        scope: Scope,
        result: Mapping[str, Any],
        fault: Fault | None,
        started: float,
        under: Tx | None,
    ) -> None:
        """Records a call that wrote nothing, or whose transactions are over."""
        overlay = self.store.begin() if under is None else under.overlay
        self._record(Tx(self, overlay, scope, handled.service), handled, request, result, fault, started)
        if under is None:
            self.store.keep(overlay, owed=False)

    def _delete_blobs(self, blob_ids: list[str]) -> None:
        # A reply of this turn may be about to open one of them: it gets its turn first.
        for blob_id in blob_ids:
            asyncio.get_running_loop().call_soon(self.blobs.delete, blob_id)

    def _usage_key(self, place: tuple[str, str, str, str, int]) -> bytes:
        account, region, service, operation, this_hour = place
        if len(self._usage_keys) > USAGE_KEYS_MAX:
            self._usage_keys.clear()
        key = USAGE_KEYS + pack((this_hour, account, region, service, REQUESTS, operation))
        self._usage_keys[place] = key
        return key

    def page(self, path: str) -> tuple[str, bytes] | None:
        """What a service serves at a path of the endpoint outside of its API, as (content type, bytes)."""
        found = next((page for beginning, page in self._pages.items() if path.startswith(beginning)), None)
        return None if found is None else self.apply(lambda tx: found(tx, path))

    async def visit(self, host: Host, visit: Visit, scope: Scope) -> Answer:
        """A request to a host that a service serves itself. Raises StoreFull; all else is answered."""
        started, error = stopwatch(), ""
        try:
            return await host.serve(Call(self, scope, host.service), visit)
        except Fault as fault:
            error = fault.code
            log.warning("%s left a fault unanswered: %s", host.label, fault)
        except StoreFull:
            error = "ServiceUnavailable"
            raise
        except Exception as bug:
            error = type(bug).__name__
            log.exception("%s failed with a bug", host.label)
        finally:
            self.calls.add(self.clock.now(), host.service, host.label, scope, error, stopwatch() - started)
        return Answer(500, [("Content-Type", "text/plain")], b"Internal Server Error")

    def _restore(self, anchor: Anchor | None) -> tuple[int, bool]:
        """Counts this start, and takes up the clock where the region left it. Tells whether the region was closed, not killed."""
        overlay = self.store.begin()
        tx = Transaction(overlay, "", "")
        boot = (tx.get(BOOTS) or 0) + 1
        tx.put(BOOTS, value=boot)
        closed = boot == 1 or tx.get(CLOSED) is not None
        tx.delete(CLOSED)
        kept = tx.get(CLOCK)
        if kept is not None and anchor is None:
            self.clock.restore(kept)
        self.store.keep(overlay)
        self.store.flush()
        return boot, closed

    def _keep_anchor(self, anchor: Anchor) -> None:
        self.apply(lambda tx: tx.put(CLOCK, value=anchor))
