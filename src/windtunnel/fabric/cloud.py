"""One region: what its services share, its transactions, and how it begins, is emptied, saved, loaded and ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from windtunnel.aws.errors import Fault
from windtunnel.fabric import snapshot, starts
from windtunnel.fabric.call import Call
from windtunnel.fabric.courier import Courier
from windtunnel.fabric.door import Authorise, Door
from windtunnel.fabric.dropped import Dropped
from windtunnel.fabric.peers import CLOCK, EPOCH_CHANNEL, TIMED, Peers
from windtunnel.fabric.registry import Services
from windtunnel.fabric.roll import CLOSED
from windtunnel.fabric.scope import Scope, service_principal
from windtunnel.fabric.starts import BOOTS, SERIALS_PER_BOOT
from windtunnel.fabric.timers import Timers
from windtunnel.fabric.together import Together
from windtunnel.fabric.trail import Calls
from windtunnel.fabric.tx import HELD, Tx
from windtunnel.fabric.visits import Visits
from windtunnel.kernel.clock import Anchor, Clock
from windtunnel.kernel.ids import Ids, Serials
from windtunnel.kernel.loop import Loop
from windtunnel.kernel.store import Overlay, Store, StoreFull, Transaction
from windtunnel.kernel.store.engine import Engine, SharedEngine
from windtunnel.kernel.store.shared import SharedStore
from windtunnel.planes.network.client import HttpClient

if TYPE_CHECKING:
    from windtunnel.planes.blobs import Blobs
    from windtunnel.planes.compute import Compute

Result = TypeVar("Result")
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
        self.dropped = Dropped(blobs, others=shared)
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
        door = Door(self, self._rows, authorise)
        self.run, self.act, self.identified = door.run, door.act, door.identified
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

    def _lost(self) -> None:
        """What was done in the last turn was not kept. The clock may have been set in it: the next transaction keeps that."""
        self._anchor_lost = True
        self.timers.look_later()

    def _keep_anchor(self, anchor: Anchor) -> None:
        if self.peers is None:
            self.apply(lambda tx: tx.put(CLOCK, value=anchor))
        else:
            self.peers.keep_anchor(anchor)
