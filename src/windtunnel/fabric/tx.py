"""A transaction as an operation sees it: typed rows of its own account and region, and what is to happen after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from msgspec import structs

from windtunnel.fabric.deliver import Delivery, Event, Retry
from windtunnel.fabric.meter import USAGE, USAGE_KEYS, hour
from windtunnel.fabric.timers import add_timer, remove_timer
from windtunnel.kernel.store import Overlay, Table, Transaction

if TYPE_CHECKING:
    from windtunnel.fabric.cloud import Cloud
    from windtunnel.fabric.resource import Resource
    from windtunnel.fabric.scope import Principal, Scope
    from windtunnel.kernel.ids import Ids
    from windtunnel.planes.blobs import Blobs

HELD = Table("fabric.blobs", str, scope="global")
"""Blobs that rows name: blob id -> the service whose rows they are."""


class Tx(Transaction):
    """One atomic transaction in one scope. It cannot wait and cannot call; a fault undoes it as a whole."""

    def __init__(self, cloud: Cloud, overlay: Overlay, scope: Scope, service: str) -> None:
        super().__init__(overlay, scope.account, scope.region)
        self.scope = scope
        self.now: float = cloud.clock.now()
        """The region's time, seconds since 1970."""
        self.ids: Ids = cloud.ids
        self.service = service
        """The service whose code runs, by botocore's name."""
        self.outgoing: list[Delivery] = []
        self.dropped: list[str] = []
        self.owed = True
        """Whether the answer waits until this is durable: not where it only records a call that changed nothing."""
        self.depth = 0
        """How many transactions this one lies within."""
        self._cloud = cloud

    def new_id(self) -> str:
        """A fresh UUID."""
        return self.ids.uuid()

    def serial(self) -> int:
        """A number greater than all that this region gave out before, also before its last restart."""
        return next(self._cloud.serials)

    def changes(self) -> bool:
        """Whether anything but usage is written so far."""
        made = self.overlay
        return bool(made.writes or made.wakes or self.outgoing) or any(not key.startswith(USAGE_KEYS) for key in made.increments)

    def kind(self, type: str) -> Resource | None:
        """What templates can deploy under a type."""
        return self._cloud.services.kind(type)

    @property
    def blobs(self) -> Blobs:
        """Where bytes lie; a transaction only asks for places, it never reads or writes them."""
        return self._cloud.blobs

    def hold(self, blob_id: str) -> None:
        """Says that a row of this transaction names a blob: a blob that nothing holds is a crash's left-over."""
        self.put(HELD, blob_id, value=self.service)

    def drop(self, blob_id: str) -> None:
        """Lets go of a blob that was held; its bytes go once this transaction is durable."""
        self.delete(HELD, blob_id)
        self.dropped.append(blob_id)

    def timer(self, due: float, handler: str, payload: Mapping[str, Any], *, name: str | None = None) -> None:
        """Runs the service's timer handler at region time `due`. The same name replaces a timer of that name."""
        add_timer(self, due, self.service, handler, payload, name=name)

    def cancel_timer(self, handler: str, name: str) -> None:
        """Forgets a named timer; that there is none is fine."""
        remove_timer(self, self.service, handler, name)

    def deliver(
        self,
        target: str,
        event: Event,
        *,
        source: str,
        source_arn: str = "",
        retry: Retry | None = None,
        dead_letter: str = "",
        failed: str = "",
        context: Mapping[str, Any] | None = None,
        order: str = "",
        report: str = "",
        due: float = 0.0,
    ) -> None:
        """Hands `event` to the ARN or URL `target` once this transaction stands, with `retry` (none: one attempt).

        `source` is the service principal that delivers ("sns.amazonaws.com"), `source_arn` the resource it delivers for. What
        can't be delivered goes to the queue `dead_letter`, or, where `failed` names a timer handler of the calling service, to that
        handler: its payload is `{"delivery": …, "error_code": …, "error_message": …, "final": …, "attempts": …, "context": context}`.
        Deliveries of one `order` arrive in order: while one is tried again, later ones wait behind it.
        `report` names a timer handler that is told how it ended: as `failed`, or with `"answer"` where the target took it.
        It is not tried before `due`.
        """
        scope = self.scope
        # In their order: eighteen names would cost more than all else that a delivery is made of.
        said = (target, event, source, source_arn, retry or Retry(), dead_letter, failed, self.service, dict(context or {}))
        place = (self.account, self.region, self.now, scope.link, scope.endpoint, 0, scope.trace)
        self.outgoing.append(Delivery(*said, *place, order, report, due))

    def finish(self, late: str, body: str) -> str:
        """The whole body of an event that was delivered as `late`."""
        return self._cloud.courier.finish(self, late, body)

    def acting_as(self, principal: Principal, source_arn: str = "") -> Self:
        """The same transaction, whose calls are in another's name: a service's own for one of its resources, or a role's it was given."""
        other = self.at()
        other.scope = structs.replace(self.scope, principal=principal, source_arn=source_arn)
        return other

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Runs a plain operation of another service as a part of this transaction, in the name of whoever calls this one.

        AWS calls that a forward access session; policies know by `Scope.via` for whom it is. A fault undoes what the operation did.
        """
        scope = structs.replace(
            self.scope,
            account=self.account,
            region=self.region,
            request_id=self.new_id(),
            cause=self.scope.link,
            unseen=False,
            via=f"{self.service}.{self.region}.amazonaws.com",
        )
        return self._cloud.act(self._cloud.handled(service, operation), request, scope, under=self)

    def emit(self, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str] = ()) -> None:
        """Publishes a fact to EventBridge, as AWS's services do by themselves."""
        self._cloud.emitted(self, source, detail_type, detail, resources)

    def tell(self, what: str, resource: str, marks: tuple[str, ...] = ()) -> None:
        """Puts into the live list what is no call: something that a service does by itself, with a message where `marks` name one."""
        scope = structs.replace(self.scope, request_id="", cause="" if marks else self.scope.link)
        self._cloud.calls.add(self.now, self.service, what, scope, "", 0.0, resource, marks)

    def meter(self, usage_type: str, amount: float, resource: str = "") -> None:
        """Adds to the usage of this hour, in the unit AWS bills the usage type by."""
        self.add(USAGE, hour(self.now), self.account, self.region, self.service, usage_type, resource, amount=amount)
