"""Takes deliveries to their targets: at once inside of the transaction that makes them where that can be, else when their row is due."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from windtunnel.aws.arn import Arn, parse
from windtunnel.aws.errors import Fault
from windtunnel.fabric import deliver
from windtunnel.fabric.scope import Scope, anonymous, service_principal
from windtunnel.fabric.visits import Host, Visit
from windtunnel.kernel.clock import stopwatch
from windtunnel.kernel.store import StoreFull

if TYPE_CHECKING:
    from windtunnel.fabric.cloud import Cloud
    from windtunnel.fabric.service import Handled
    from windtunnel.fabric.tx import Tx
    from windtunnel.planes.network.client import HttpClient


class Courier:
    """Knows which service takes deliveries for which ARNs. `web` reaches what is outside."""

    def __init__(self, cloud: Cloud, web: HttpClient) -> None:
        self._cloud = cloud
        self.web = web

    async def close(self) -> None:
        await self.web.close()

    def send(self, tx: Tx) -> None:
        """Tries deliveries to plain operations at once, within the transaction; the others get rows."""
        outgoing, tx.outgoing = tx.outgoing, []
        for number, delivery in enumerate(outgoing):
            if deliver.waits(tx, delivery):
                continue
            if deliver.is_url(delivery.target) or delivery.due > tx.now:
                deliver.queue_delivery(tx, delivery, max(tx.now, delivery.due))
                continue
            try:
                inline = number < deliver.INLINE_DELIVERIES_MAX and tx.depth < deliver.INLINE_DEPTH_MAX
                handled, request, scope = self._aim(delivery)
                if inline and handled.plain:
                    if (whole := self._whole(tx, delivery)) is not delivery:
                        handled, request, scope = self._aim(whole)
                    answer = self._cloud.act(handled, request, scope, under=tx)
                    if delivery.report:
                        deliver.settle_success(tx, delivery, {"RequestId": scope.request_id, **(answer or {})})
                else:
                    deliver.queue_delivery(tx, delivery, tx.now)
            except deliver.DeliveryFailed as failure:
                deliver.settle_failure(tx, delivery, failure)
            except Fault as fault:
                status = self._cloud.status_of(parse(delivery.target).service, fault)
                deliver.settle_failure(tx, delivery, deliver.failure_of(fault, status, delivery.retry))

    async def hand_over(self, delivery: deliver.Delivery) -> dict[str, Any]:
        """Calls a delivery's target; returns what it answered. Raises DeliveryFailed."""
        if deliver.is_url(delivery.target):
            event = delivery.event
            body = self._cloud.apply(lambda tx: tx.finish(event.late, event.body))
            host = self._cloud.visits.host(urlsplit(delivery.target).netloc)
            return {"StatusCode": await (self._post(delivery, body) if host is None else self._visit(host, delivery, body))}
        handled, request, scope = self._aim(self._cloud.apply(lambda tx: self._whole(tx, delivery)))
        try:
            return {"RequestId": scope.request_id, **(await self._cloud.run(handled.service, handled.name, request, scope) or {})}
        except Fault as fault:
            raise deliver.failure_of(fault, self._cloud.status_of(handled.service, fault), delivery.retry) from fault

    async def _post(self, delivery: deliver.Delivery, body: str) -> int:
        """A POST to a URL outside, which is in the live list like the calls of services; its status. Raises DeliveryFailed."""
        started, error = stopwatch(), ""
        try:
            return await deliver.post(self.web, delivery, body)
        except deliver.DeliveryFailed as failure:
            error = failure.code
            raise
        finally:
            principal = service_principal(delivery.source, delivery.account)
            scope = Scope(delivery.account, delivery.region, principal, self._cloud.ids.uuid(), cause=delivery.cause, trace=delivery.trace)
            took = stopwatch() - started
            self._cloud.calls.add(self._cloud.clock.now(), delivery.service, "POST", scope, error, took, delivery.target)

    async def _visit(self, host: Host, delivery: deliver.Delivery, body: str) -> int:
        """A POST to a host that is served here (its name need not lead anywhere on this machine); its status. Raises DeliveryFailed."""
        url = urlsplit(delivery.target)
        headers = {name.lower(): value for name, value in delivery.event.headers.items()} | {"host": url.netloc}
        visit = Visit(host.name, host.region, "POST", url.path or "/", url.query, headers, body.encode(), url.scheme, None)
        agent, id, endpoint = headers.get("user-agent", ""), self._cloud.ids.uuid(), f"{url.scheme}://{url.netloc}"
        scope = Scope(self._cloud.account, host.region, anonymous(), id, user_agent=agent, endpoint=endpoint, cause=delivery.cause)
        try:
            async with asyncio.timeout(deliver.HTTP_TIMEOUT_SECONDS):
                answer = await self._cloud.visits.answer(host, visit, scope)
        except TimeoutError as error:
            raise deliver.DeliveryFailed("Timeout", f"{delivery.target} did not answer", final=False) from error
        except StoreFull as error:
            raise deliver.DeliveryFailed("HTTP503", str(error), final=False) from error
        if not isinstance(answer.body, bytes):
            await answer.body.aclose()
        return deliver.check_status(delivery, answer.status)

    def finish(self, tx: Tx, late: str, body: str) -> str:
        """The whole body of an event that a service delivered as `late`."""
        service = self._cloud.services.find(late)
        return body if service is None or service.finish is None else service.finish(tx, body)

    def _whole(self, tx: Tx, delivery: deliver.Delivery) -> deliver.Delivery:
        """A delivery whose body is complete, unless its target completes bodies itself when they are read."""
        event = delivery.event
        if not event.late:
            return delivery
        target = self._cloud.services.find(parse(delivery.target).service)
        if target is not None and target.late_bodies:
            return delivery
        whole = msgspec.structs.replace(event, body=self.finish(tx, event.late, event.body), late="")
        return msgspec.structs.replace(delivery, event=whole)

    def _aim(self, delivery: deliver.Delivery) -> tuple[Handled, dict[str, Any], Scope]:
        """The call that a delivery becomes, in the account and region its target's ARN names."""
        scheme, _, _ = delivery.target.partition(":")
        arn = parse(delivery.target) if scheme == "arn" else Arn("aws", scheme, "", "", delivery.target)
        service = self._cloud.services.find(arn.service)
        target = None if service is None else service.targets.get(arn.service)
        scope = Scope(
            arn.account or delivery.account,
            arn.region or delivery.region,
            service_principal(delivery.source, delivery.account),
            self._cloud.ids.uuid(),
            endpoint=delivery.endpoint,
            cause=delivery.cause,
            source_arn=delivery.source_arn,
            trace=delivery.trace,
        )
        if service is None or target is None:
            self._cloud.calls.add(self._cloud.clock.now(), arn.service, "Deliver", scope, "NotImplemented", 0.0)
            raise deliver.DeliveryFailed("NotImplemented", f"nothing here takes deliveries to {delivery.target}", final=True)
        operation, request = target(arn, delivery.event)
        return self._cloud.handled(service.name, operation), request, scope
