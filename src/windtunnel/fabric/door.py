"""The one door: HTTP requests, calls between services, due timers and deliveries all become `Cloud.run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric.access import identify, remember_use
from windtunnel.fabric.call import Call, as_fault
from windtunnel.fabric.recorder import Recorder
from windtunnel.fabric.scope import Scope
from windtunnel.fabric.tx import Tx
from windtunnel.kernel.clock import stopwatch
from windtunnel.kernel.store import StoreFull, Transaction

if TYPE_CHECKING:
    from windtunnel.aws.errors import Fault
    from windtunnel.fabric.cloud import Cloud
    from windtunnel.fabric.scope import Proof
    from windtunnel.fabric.service import Handled

Members = dict[str, Any]
"""A request or a result, its members as botocore names them."""
Authorise = Callable[[str, str, Mapping[str, Any], Scope], None]


class Door:
    """What `cloud.run` and its like are. `rows` are what was kept so far; `authorise` raises where a policy denies."""

    def __init__(self, cloud: Cloud, rows: Transaction, authorise: Authorise) -> None:
        self._cloud = cloud
        self._rows = rows
        self._authorise = authorise
        self._recorder = Recorder(cloud.calls, cloud.services)

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
        handled, together = self._cloud.handled(service, operation), self._cloud.together
        gathered = handled.plain and waits and together is not None and together.gathers(handled.function)
        if handled.plain and not gathered:
            return self.act(handled, request, scope, proof=proof, signed=signed, under=under)
        started = stopwatch()
        try:
            scope = self._admitted(handled, request, scope, proof, signed=signed)
            if gathered and together is not None:
                return await together.gather(partial(self._act, handled, request, started), scope, service, handled.function)
            result = await handled.function(Call(self._cloud, scope, service), request)
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
            return self._cloud.transact(partial(self._act, handled, request, started), scope, handled.service, under, handled.function)
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
        if self._recorder.record(tx, handled, request, result, None, started) and self._cloud.shared is not None:
            tx.owed = True  # what a service notes may hang on what it has read
        return result

    def _failed(self, error: Exception, handled: Handled, request: Members, scope: Scope, started: float, under: Tx | None) -> Fault:
        """What a call that failed is answered, and recorded with."""
        fault = as_fault(error, handled)
        self._record_apart(handled, request, scope, {}, fault, started, under)
        return fault

    def identified(self, scope: Scope, proof: Proof | None, service: str) -> Scope:
        """The scope with the principal who signed; raises AWS's faults for signatures and keys that don't hold."""
        principal, first_use = identify(self._rows, self._cloud.clock.now(), service, proof, self._cloud.account)
        if proof is not None and first_use:
            with suppress(StoreFull):  # who only reads may do so while the disk is full
                self._cloud.transact(lambda tx: self._remember(tx, proof.access_key), scope, service)
        account = scope.account if principal.kind == "Anonymous" else principal.account
        return msgspec.structs.replace(scope, principal=principal, account=account)

    def _remember(self, tx: Tx, access_key: str) -> None:
        # Where others write as well, what was read is checked, and so is written at once.
        tx.owed = self._cloud.shared is not None
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
        cloud, service, call = self._cloud, handled.service, (handled, request, result, fault, started)
        if under is not None and fault is None:
            self._recorder.record(Tx(cloud, under.overlay, scope, service), *call)
        elif under is None and cloud.shared is not None and handled.recorded is not None:
            with suppress(StoreFull):  # as good as a log on a disk that is full
                cloud.transact(lambda tx: self._record_alone(tx, *call), scope, service)
        else:
            overlay = cloud.store.begin()
            self._recorder.record(Tx(cloud, overlay, scope, service), *call)
            cloud.store.keep(overlay, owed=False)
