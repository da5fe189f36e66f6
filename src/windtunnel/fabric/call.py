"""A call that may wait: it reads and writes through transactions, calls other services, and sleeps on the region's clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.fabric.scope import Principal, Scope, service_principal
from windtunnel.fabric.tx import Tx
from windtunnel.kernel.clock import stopwatch
from windtunnel.kernel.store import StoreFull
from windtunnel.planes.blobs import DiskFull

if TYPE_CHECKING:
    from windtunnel.aws.types.clients import Aws
    from windtunnel.fabric.cloud import Cloud
    from windtunnel.fabric.service import Handled
    from windtunnel.kernel.ids import Ids
    from windtunnel.kernel.loop import Channel
    from windtunnel.kernel.store.syncer import Told
    from windtunnel.planes.blobs import Blobs

Result = TypeVar("Result")
P = ParamSpec("P")
log = logging.getLogger(__name__)


class Call:
    """One operation under way, in one scope. State changes only through `transact`; re-read after every wait."""

    def __init__(self, cloud: Cloud, scope: Scope, service: str) -> None:
        self.cloud = cloud
        self.scope = scope
        self.service = service

    @property
    def account(self) -> str:
        return self.scope.account

    @property
    def region(self) -> str:
        return self.scope.region

    @property
    def ids(self) -> Ids:
        return self.cloud.ids

    @property
    def blobs(self) -> Blobs:
        return self.cloud.blobs

    @property
    def aws(self) -> Aws:
        """Typed clients of all services, called as this service's principal: `await call.aws.sqs.send_message({…})`."""
        return self.aws_for("")

    def aws_for(self, source_arn: str) -> Aws:
        """As `aws`, called for one resource of this service: policies know it as `aws:SourceArn`."""
        principal = service_principal(f"{self.service}.amazonaws.com", self.account)
        scope = msgspec.structs.replace(self.scope, principal=principal, source_arn=source_arn)
        return _Clients(self.cloud, scope)  # pyright: ignore[reportReturnType]

    def aws_as(self, principal: Principal, *, told: Told | None = None) -> Aws:
        """As `aws`, called by somebody else on whose behalf this service acts. With `told` a call returns before what it did is durable,
        so that what follows can go into the same commit; `told` hears what became of it."""
        return _Clients(self.cloud, msgspec.structs.replace(self.scope, principal=principal), told)  # pyright: ignore[reportReturnType]

    async def committed(self) -> None:
        """Returns once all that was done so far is durable. Raises the fault of a region that could not write."""
        await _committed(self.cloud)

    def now(self) -> float:
        """The region's time, seconds since 1970."""
        return self.cloud.clock.now()

    def at(self, *, account: str | None = None, region: str | None = None) -> Call:
        """The same call in another account or region."""
        scope = msgspec.structs.replace(self.scope, account=account or self.account, region=region or self.region)
        return Call(self.cloud, scope, self.service)

    def acting(self, principal: Principal) -> Call:
        """The same call in another's name."""
        return Call(self.cloud, msgspec.structs.replace(self.scope, principal=principal), self.service)

    def traced(self, trace: str) -> Call:
        """The same call within a trace that came another way than with a request."""
        return Call(self.cloud, msgspec.structs.replace(self.scope, trace=trace), self.service)

    async def transact(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Runs `function(tx, *args)` as one transaction, and returns when it is durable. A fault it raises undoes it."""
        result = await self.gather(function, *args, **kwargs)
        await _committed(self.cloud)
        return result

    async def gather(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """As `act`, and the better form of it for who can wait: where other processes write as well, a turn's transactions go together."""
        together = self.cloud.together
        try:
            if together is not None and together.gathers(function):
                return await together.gather(lambda tx: function(tx, *args, **kwargs), self.scope, self.service, function)
            return self.cloud.transact(lambda tx: function(tx, *args, **kwargs), self.scope, self.service, by=function)
        except StoreFull as failure:
            raise unwritable(failure) from failure

    def act(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """As `transact`, but returns before it is durable: for the last thing a call does, since replies wait for their commit."""
        return self.cloud.transact(lambda tx: function(tx, *args, **kwargs), self.scope, self.service)

    def read(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Runs `function(tx, *args)` for what it returns; what it writes is forgotten."""
        return self.cloud.read(lambda tx: function(tx, *args, **kwargs), self.scope, self.service)

    async def wait(self, *channels: Channel, until: float | None = None) -> bool:
        """Returns when a channel is woken or the region's time reaches `until`.

        False where neither happened, but the clock stands and the client has waited as long by its own: answer it.
        """
        return await self.cloud.loop.wait(channels, until)

    async def told(
        self,
        what: str,
        resource: str,
        work: Coroutine[Any, Any, Result],
        error: Callable[[Result], str],
        *,
        request_id: str,
        marks: tuple[str, ...] = (),
    ) -> Result:
        """Does what is no call, and puts it into the live list; see `Tx.tell`."""
        began, started = self.now(), stopwatch()
        result = await work
        scope = msgspec.structs.replace(self.scope, request_id=request_id)
        self.cloud.calls.add(began, self.service, what, scope, error(result), stopwatch() - started, resource, marks)
        return result

    def spawn(self, coroutine: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Goes on beside this call and after its reply; a jump of the clock waits for it."""
        return self.cloud.loop.spawn(coroutine)


def unwritable(failure: Exception) -> Fault:
    """What is said where the region could not write: services hear of nothing but faults."""
    return Fault("ServiceUnavailable", f"The region could not write: {failure}", status=503)


def as_fault(error: Exception, by: Handled) -> Fault:
    """What a caller hears of an operation's exception; one that is neither a fault nor a full disk is a bug."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, StoreFull | DiskFull):
        fault = unwritable(error)
    else:
        log.error("%s.%s failed with a bug", by.service, by.name, exc_info=error)
        fault = Fault("InternalFailure", f"{by.name}: {type(error).__name__}: {error}", status=500)
    fault.__cause__ = error
    return fault


async def _committed(cloud: Cloud) -> None:
    try:
        await cloud.store.committed()
    except StoreFull as failure:
        raise unwritable(failure) from failure


class _Clients:
    """`.sqs.send_message(request)` for each service; the names are checked when called."""

    def __init__(self, cloud: Cloud, scope: Scope, told: Told | None = None) -> None:
        self._cloud, self._scope, self._told = cloud, scope, told

    def __getattr__(self, service: str) -> _Client:
        return _Client(self._cloud, self._scope, service.removesuffix("_"), self._told)


class _Client:
    def __init__(self, cloud: Cloud, scope: Scope, service: str, told: Told | None) -> None:
        self._cloud, self._scope, self._service, self._told = cloud, scope, service, told

    def __getattr__(self, operation: str) -> Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]:
        cloud = self._cloud
        scope = msgspec.structs.replace(self._scope, request_id=cloud.ids.uuid(), cause=self._scope.link, unseen=False)

        async def call(request: dict[str, Any]) -> dict[str, Any]:
            result = await cloud.run(self._service, operation, request, scope, waits=True)
            if self._told is None:
                await _committed(cloud)
            else:
                cloud.store.when_committed(self._told)
            return result

        return call
