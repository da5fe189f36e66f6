"""The one door: HTTP requests, calls between services, due timers and deliveries all become `Cloud.run`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.fabric import snapshot, starts
from windtunnel.fabric.access import identify, remember_use
from windtunnel.fabric.call import Call, as_fault
from windtunnel.fabric.courier import Courier
from windtunnel.fabric.dropped import Dropped
from windtunnel.fabric.peers import CLOCK, EPOCH_CHANNEL, TIMED, Peers
from windtunnel.fabric.recorder import Recorder
from windtunnel.fabric.registry import Services
from windtunnel.fabric.roll import CLOSED
from windtunnel.fabric.scope import Proof, Scope, service_principal
from windtunnel.fabric.starts import BOOTS, SERIALS_PER_BOOT
from windtunnel.fabric.timers import Timers
from windtunnel.fabric.together import Together
from windtunnel.fabric.trail import Calls
from windtunnel.fabric.tx import HELD, Tx
from windtunnel.fabric.visits import Visits
from windtunnel.kernel.clock import Anchor, Clock, stopwatch
from windtunnel.kernel.ids import Ids, Serials
from windtunnel.kernel.loop import Loop
from windtunnel.kernel.store import Overlay, Store, StoreFull, Transaction
from windtunnel.kernel.store.engine import Engine, SharedEngine
from windtunnel.kernel.store.shared import SharedStore
from windtunnel.planes.network.client import HttpClient

if TYPE_CHECKING:
    from windtunnel.fabric.service import Handled
    from windtunnel.planes.blobs import Blobs
    from windtunnel.planes.compute import Compute

Result = TypeVar("Result")
Members = dict[str, Any]
"""A request or a result, its members as botocore names them."""
Authorise = Callable[[str, str, Mapping[str, Any], Scope], None]
log = logging.getLogger(__name__)

NOWHERE = Scope("", "", service_principal("windtunnel.amazonaws.com", ""))


class Cloud:
    """One region's cloud: the services, and the ground they share.

    `anchor` is what the clock starts from unless the store remembers another; `authorise` raises where a policy denies. With an engine
    that is `shared` other processes may serve the same region; `first` says that none does at this moment. `synced`: what is answered
    survives a power cut.
    """

    def __init__(
        self,
        engine: Engine | SharedEngine,
        services: Services,
        *,
        blobs: Blobs,
        compute: Compute,
        web: HttpClient | None = None,
        account: str = "000000000000",
        endpoint: str = "http://localhost:4566",
        seed: int | None = None,
        anchor: Anchor | None = None,
        shared: bool = False,
        first: bool = True,
        synced: bool = False,
        authorise: Authorise = lambda service, operation, request, scope: None,
    ) -> None:
        self.account = account
        self.endpoint = endpoint
        self.blobs = blobs
        self.compute = compute
        self._held: dict[str, Any] = {}
        self.services = services
        self.handled, self.handler, self.status_of = services.handled, services.handler, services.status_of
        self.calls = Calls()
        self._recorder = Recorder(self.calls, services)
        self.dropped = Dropped(blobs, others=shared)
        self._authorise = authorise
        self.visits = Visits(self)
        self.courier = Courier(self, web or HttpClient())
        self.clock = Clock(anchor)
        self.loop = Loop(self.clock)
        self.timers = Timers(self)
        self._anchor_lost = False
        self.ids = Ids(seed)
        self._first = first
        self.peers: Peers | None = None
        self.shared: SharedStore | None = None
        """The store, where other processes use it as well."""
        self.together: Together | None = None
        if shared:
            self.shared = SharedStore(
                cast(SharedEngine, engine),
                woken=self.loop.wake,
                missed=self.loop.wake_all,
                returned=lambda: None if self.peers is None else self.peers.returned(),
                found=self.timers.look_at_once,
                fraction=Ids().fraction,
                synced=synced,
            )
            self.together = Together(self, self.shared)
        self.store: Store = self.shared or Store(
            cast(Engine, engine), woken=self.loop.wake, lost=self._lost, found=self.timers.look_at_once, synced=synced
        )
        self._rows = Transaction(self.store.begin(), "", "")
        """What was kept so far, to be read only."""
        begun = self.apply(lambda tx: starts.start(tx, self.clock.anchor, shared=shared, given=anchor is not None))
        self.store.flush()
        if begun.anchor is not None:
            self.clock.restore(begun.anchor)
        self._closed_cleanly = begun.closed
        self.ids = Ids(None if seed is None else f"{seed}/{begun.process or begun.boot}")
        self.serials = Serials(begun.process) if begun.timed else count(begun.boot * SERIALS_PER_BOOT)
        if self.shared is not None:
            self.peers = Peers(self, self.shared, begun.process, first=first)
            self.shared.join(begun.process)

    def start(self) -> None:
        """Lets happen what is due; needs the running event loop."""
        self.clock.changed = self._keep_anchor
        if not self._closed_cleanly and self._first:
            self.blobs.sweep(lambda blob_id: self._rows.get(HELD, blob_id) is not None)
        self._closed_cleanly = True
        if self.peers is None:
            self._keep_anchor(self.clock.anchor)
            self.lead()
        else:
            self.peers.start()

    def lead(self) -> None:
        """Begins with what one process of a region does for all: timers."""
        self.timers.start()

    @property
    def leads(self) -> bool:
        """Whether that is this process."""
        return self.peers is None or self.peers.leads

    async def reset(self) -> None:
        """Empties the region; the clock and the serial numbers go on."""
        await self.stop_all()
        if self.shared is None or self.peers is None:
            self.store.clear()
        else:
            self.shared.clear(self.peers.rows_to_keep(time=True), {EPOCH_CHANNEL})
        self.blobs.clear()
        self._begin_again()

    async def save(self, path: Path) -> int:
        """Writes the whole region, bytes of objects included, to a file; returns its size in bytes."""
        return await snapshot.save(self.store, self.blobs, path)

    async def load(self, path: Path) -> None:
        """Replaces the whole region by one that was saved. Raises ValueError where the file isn't one."""
        await self.stop_all()
        await snapshot.load(self._load, self.blobs, path)
        kept = self.apply(lambda tx: tx.get(CLOCK))
        if kept is not None:
            self.clock.restore(kept)
        # Serial numbers rise also over those of the region that was loaded.
        if not isinstance(self.serials, Serials):
            boot = max(self.apply(lambda tx: tx.get(BOOTS)) or 0, next(self.serials) // SERIALS_PER_BOOT) + 1
            self.serials = Serials(0) if self.apply(lambda tx: tx.get(TIMED)) else count(boot * SERIALS_PER_BOOT)
        self._begin_again()

    def _load(self, path: str) -> None:
        if self.peers is None:
            self.store.load(path)
        else:
            self.peers.load(path)

    def held(self, name: str, make: Callable[[], Result]) -> Result:
        """What a service holds in this process (connections, children, tasks, never truth): made on first use, forgotten at a reset."""
        if name not in self._held:
            self._held[name] = make()
        return self._held[name]

    async def stop_all(self) -> None:
        """Ends what runs in this process, open calls included."""
        self.dropped.forget()
        self.timers.stop()
        await self.loop.stop()
        await self.compute.clear()
        self._held.clear()

    def _begin_again(self) -> None:
        boot = next(self.serials) // SERIALS_PER_BOOT
        self.apply(lambda tx: tx.put(BOOTS, value=boot))
        if self.peers is None:
            self.start()
        else:
            self.peers.begin_again()

    async def run(
        self,
        service: str,
        operation: str,
        request: Members,
        scope: Scope,
        *,
        proof: Proof | None = None,
        signed: bool = True,
        under: Tx | None = None,
        waits: bool = False,
    ) -> Members:
        """One call: identify, authorise, validate, act, record.

        `operation` is named as in the API or in snake_case. A client's call carries its `proof` (`signed=False`: it signed nothing);
        others come with the principal in their scope. `under` lets a plain operation act within a transaction that is open. A plain
        operation never waits, so that this coroutine ends at its first step, unless the caller says that it `waits`. Raises Fault.
        """
        handled, together = self.handled(service, operation), self.together
        gathered = handled.plain and waits and together is not None and together.gathers(handled.function)
        if handled.plain and not gathered:
            return self.act(handled, request, scope, proof=proof, signed=signed, under=under)
        started = stopwatch()
        try:
            scope = self._admitted(handled, request, scope, proof, signed=signed)
            if gathered and together is not None:
                return await together.gather(partial(self._act, handled, request, started), scope, service, handled.function)
            result = await handled.function(Call(self, scope, service), request)
        except Exception as error:
            fault = self._failed(error, handled, request, scope, started, under)
            raise fault from fault.__cause__
        self._record_apart(handled, request, scope, result, None, started, under)
        return result

    def act(
        self, handled: Handled, request: Members, scope: Scope, proof: Proof | None = None, under: Tx | None = None, signed: bool = True
    ) -> Members:
        """As `run`, for a plain operation, which is over when this returns."""
        started = stopwatch()
        try:
            scope = self._admitted(handled, request, scope, proof, signed=signed)
            return self.transact(partial(self._act, handled, request, started), scope, handled.service, under, handled.function)
        except Exception as error:
            fault = self._failed(error, handled, request, scope, started, under)
            raise fault from fault.__cause__

    def _admitted(self, handled: Handled, request: Members, scope: Scope, proof: Proof | None, *, signed: bool) -> Scope:
        """The scope of a call that may be made, and that its model lets pass."""
        if proof is not None or not signed:
            scope = self.identified(scope, proof, handled.service)
        self._authorise(handled.service, handled.name, request, scope)
        handled.validate(request)
        return scope

    def _act(self, handled: Handled, request: Members, started: float, tx: Tx) -> Members:
        """A plain operation, and its record in the same transaction."""
        result = handled.function(tx, request)
        tx.owed = tx.changes()
        if self._recorder.record(tx, handled, request, result, None, started) and self.shared is not None:
            tx.owed = True  # what a service notes may hang on what it has read
        return result

    def _failed(self, error: Exception, handled: Handled, request: Members, scope: Scope, started: float, under: Tx | None) -> Fault:
        """What a call that failed is answered, and recorded with."""
        fault = as_fault(error, handled)
        self._record_apart(handled, request, scope, {}, fault, started, under)
        return fault

    def transact(
        self, function: Callable[[Tx], Result], scope: Scope, service: str, under: Tx | None = None, by: Callable[..., Any] | None = None
    ) -> Result:
        """Runs a plain function as one transaction of its own, or as a part of `under`; a fault undoes it. `by`: see `Together`."""
        if under is None and self.together is not None:
            return self.together.transact(function, scope, service, by)
        overlay = self.store.begin() if under is None else Overlay(under.overlay)
        tx = Tx(self, overlay, scope, service)
        tx.depth = 0 if under is None else under.depth + 1
        result = function(tx)
        if tx.outgoing:
            self.courier.send(tx)
        if under is None:
            if self._anchor_lost:
                self._anchor_lost = False
                # In a transaction of its own, or one that only reads would be refused while the disk is full.
                clock = self.store.begin()
                Tx(self, clock, NOWHERE, service).put(CLOCK, value=self.clock.anchor)
                self.store.keep(clock, owed=False)
            self.store.keep(overlay, owed=tx.owed)
            if tx.dropped:
                self.store.when_committed(lambda failure: self.dropped.add(tx.dropped) if failure is None else None)
        else:
            under.overlay.merge(overlay)
            under.dropped += tx.dropped
        return result

    def read(self, function: Callable[[Tx], Result], scope: Scope, service: str) -> Result:
        """Runs a function for what it returns; what it writes is forgotten."""
        if self.shared is not None:
            return self.shared.read(lambda overlay: function(Tx(self, overlay, scope, service)))
        return function(Tx(self, self.store.begin(), scope, service))

    def apply(self, function: Callable[[Tx], Result]) -> Result:
        """A transaction of the region's own, in no account: for rows that belong to all."""
        return self.transact(function, NOWHERE, "windtunnel")

    def attempt(self, function: Callable[[Tx], None], scope: Scope, service: str) -> bool:
        """A timer's plain handler; False where a bug stopped it. Raises StoreFull where others use the store as well."""
        try:
            self.transact(function, scope, service)
        except Fault as fault:
            log.warning("a timer of %s gave up: %s", service, fault)
            return False
        except StoreFull:
            raise
        except Exception:
            log.exception("a timer of %s failed with a bug", service)
            return False
        return True

    async def attempt_call(self, service: str, handler: str, payload: Mapping[str, Any], scope: Scope) -> Callable[[Tx], None] | None:
        """A timer's handler that waits; what it leaves to be done at its end, or None where a fault, a full disk or a bug stopped it."""
        try:
            return await self.handler(service, handler).function(Call(self, scope, service), payload) or (lambda _: None)
        except (Fault, StoreFull) as fault:
            log.warning("%s.%s gave up: %s", service, handler, fault)
            return None
        except Exception:
            log.exception("%s.%s failed with a bug", service, handler)
            return None

    async def rest(self) -> None:
        """Returns once nothing is under way and all is durable."""
        while True:
            await self.loop.rest()
            if not self.store.pending and not await self.clock.rung():
                return
            with suppress(StoreFull):  # whoever waited for it has been told
                await self.store.committed()

    async def jump(self, target: float) -> None:
        """Moves the clock to a later time, through all that falls due on the way."""
        if self.peers is None:
            await self.clock.jump(target, self.rest)
        else:
            await self.peers.jump(target)

    async def settle(self) -> None:
        """Returns once an order that was carried out holds for every process of the region."""
        if self.peers is not None:
            await self.peers.settle()

    async def close(self) -> None:
        self.dropped.end()
        await self.stop_all()
        await self.compute.close()
        await self.courier.close()
        if self.peers is None:
            self.apply(lambda tx: tx.put(CLOSED, value=True))
        else:
            await self.peers.stop()
        self.store.close()

    def emitted(self, tx: Tx, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
        """Hands a fact to the services that listen to facts."""
        for service in self.services.listening:
            if service.facts is not None:
                service.facts(tx, source, detail_type, detail, resources)

    def identified(self, scope: Scope, proof: Proof | None, service: str) -> Scope:
        """The scope with the principal who signed; raises AWS's faults for signatures and keys that don't hold."""
        principal, first_use = identify(self._rows, self.clock.now(), service, proof, self.account)
        if proof is not None and first_use:
            with suppress(StoreFull):  # who only reads may do so while the disk is full
                self.transact(lambda tx: self._remember(tx, proof.access_key), scope, service)
        account = scope.account if principal.kind == "Anonymous" else principal.account
        return msgspec.structs.replace(scope, principal=principal, account=account)

    def _remember(self, tx: Tx, access_key: str) -> None:
        # Where others write as well, what was read is checked, and so is written at once.
        tx.owed = self.shared is not None
        remember_use(tx, access_key)

    def _record_alone(self, tx: Tx, *call: Any) -> None:
        tx.owed = self._recorder.record(tx, *call)

    def _record_apart(
        self,
        handled: Handled,
        request: Members,
        scope: Scope,
        result: Mapping[str, Any],
        fault: Fault | None,
        started: float,
        under: Tx | None,
    ) -> None:
        """Records a call that wrote nothing, or whose transactions are over. What was refused is recorded also where it takes a
        transaction with it that it was a part of."""
        if under is not None and fault is None:
            self._recorder.record(Tx(self, under.overlay, scope, handled.service), handled, request, result, fault, started)
            return
        if under is None and self.shared is not None and handled.recorded is not None:
            with suppress(StoreFull):  # as good as a log on a disk that is full
                self.transact(lambda tx: self._record_alone(tx, handled, request, result, fault, started), scope, handled.service)
            return
        overlay = self.store.begin()
        self._recorder.record(Tx(self, overlay, scope, handled.service), handled, request, result, fault, started)
        self.store.keep(overlay, owed=False)

    def _lost(self) -> None:
        """What was done in the last turn was not kept. The clock may have been set in it: the next transaction keeps that."""
        self._anchor_lost = True
        self.timers.look_later()

    def _keep_anchor(self, anchor: Anchor) -> None:
        if self.peers is None:
            self.apply(lambda tx: tx.put(CLOCK, value=anchor))
        else:
            self.peers.keep_anchor(anchor)
