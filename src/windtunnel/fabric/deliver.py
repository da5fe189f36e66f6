"""One machine for all deliveries: an ARN and a payload become the right call, with retry, back-off and dead letter.

S3 notifications, SNS, EventBridge, Scheduler, Pipes, Lambda destinations and alarms all hand over a `Delivery`. Where the target's
operation is a plain one it is tried at once, inside the transaction that delivers, so that fan-out costs no row of its own; whatever
fails or has to wait becomes a timer's row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.fabric.timers import add_timer
from windtunnel.kernel.store import Table
from windtunnel.planes.network.client import HttpClient, HttpError

if TYPE_CHECKING:
    from windtunnel.fabric.call import Call
    from windtunnel.fabric.tx import Tx

SERVICE = "deliver"
HANDLER = "attempt"
INLINE_DELIVERIES_MAX = 64
INLINE_DEPTH_MAX = 8
"""Chains longer than this (a topic to a queue is one) go on through rows, so that a loop can't hold a transaction for ever."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is delivered. Each target takes what it has a use for."""

    body: str
    subject: str = ""
    attributes: dict[str, dict[str, Any]] = {}
    """Message attributes: `{"name": {"DataType": …, "StringValue" | "BinaryValue": …}}`."""
    group_id: str = ""
    deduplication_id: str = ""
    headers: dict[str, str] = {}
    """HTTP headers, for a URL."""
    parameters: dict[str, Any] = {}
    """Members of the target operation's request that the source sets by name (a Kinesis partition key, …)."""
    late: str = ""
    """The service whose `finish(tx, body)` completes the body (with a signature) once somebody is about to read it; "": it is whole."""


class Retry(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a failed delivery is tried again: phases of (how often, first delay, last delay) in seconds; between the two the delay
    grows exponentially. `age_seconds_max` ends it earlier. `client_errors`: whether refusals (4xx) are tried again as well."""

    phases: tuple[tuple[int, float, float], ...] = ()
    age_seconds_max: float | None = None
    client_errors: bool = False

    def delay(self, attempts: int) -> float | None:
        """Seconds to wait after so many attempts; None when that was the last."""
        before = 0
        for count, first, last in self.phases:
            if attempts <= before + count:
                if count < 2 or first == last:
                    return first
                return first * (last / first) ** ((attempts - before - 1) / (count - 1))
            before += count
        return None


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing on its way to one target."""

    target: str
    event: Event
    source: str
    source_arn: str
    retry: Retry
    dead_letter: str
    failed: str
    service: str
    context: dict[str, Any]
    account: str
    region: str
    first_at: float
    cause: str
    endpoint: str
    attempts: int = 0
    trace: str = ""
    """The trace of the request that led to it: it goes on with whatever the target does."""
    order: str = ""
    """What is delivered under one order waits for what was before it: "" waits for nothing."""
    report: str = ""
    """The timer handler of the delivering service that is told how it ended."""
    due: float = 0.0
    """When it may be tried first."""


ORDERED = Table("fabric.deliveries.ordered", Delivery, scope="global")
"""(order, number) -> Delivery: the one that is being tried again, and those that wait behind it"""


class DeliveryFailed(Exception):
    """A target did not take a delivery. `final`: trying again can't help. `status` is its HTTP status, 0 where it did not answer."""

    def __init__(self, code: str, message: str, *, final: bool, status: int = 0) -> None:
        super().__init__(code, message)
        self.code, self.message, self.final, self.status = code, message, final, status


RETRIED_STATUS = frozenset({408, 429})
HTTP_TIMEOUT_SECONDS = 15.0
"""A subscriber that takes longer than this has failed: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html"""
_to_builtins = partial(msgspec.to_builtins, builtin_types=(bytes,))


def is_url(target: str) -> bool:
    return target.startswith(("http://", "https://"))


async def post(client: HttpClient, delivery: Delivery, body: str) -> int:
    """One POST of a delivery to its URL; its status. Raises DeliveryFailed unless it is answered with 2xx."""
    try:
        answer = await client.request("POST", delivery.target, delivery.event.headers, body.encode(), seconds=HTTP_TIMEOUT_SECONDS)
    except HttpError as error:
        raise DeliveryFailed(error.code, str(error), final=False) from error
    return check_status(delivery, answer.status)


def check_status(delivery: Delivery, status: int) -> int:
    """The status. Raises DeliveryFailed unless a URL answered with 2xx."""
    if not 200 <= status < 300:
        refused = 400 <= status < 500 and status not in RETRIED_STATUS
        message = f"{delivery.target} answered {status}"
        raise DeliveryFailed(f"HTTP{status}", message, final=refused and not delivery.retry.client_errors, status=status)
    return status


def delivery_of(payload: Mapping[str, Any]) -> Delivery:
    """The delivery in a payload of a timer or of a `failed` handler."""
    return msgspec.convert(payload, Delivery)


def failure_of(fault: Fault, status: int, retry: Retry) -> DeliveryFailed:
    """How a target's fault is taken: refusals are final, unless they say "later" or the source insists."""
    refused = 400 <= status < 500 and status not in RETRIED_STATUS and "Throttl" not in fault.code
    return DeliveryFailed(fault.code, fault.message, final=refused and not retry.client_errors, status=status)


async def attempt(call: Call, payload: Mapping[str, Any]) -> Callable[[Tx], None] | None:
    """One attempt at a delivery whose row came due. What follows from it is kept with the row's end, or it would follow twice."""
    delivery = delivery_of(payload)
    try:
        answer = await call.cloud.courier.hand_over(delivery)
    except DeliveryFailed as failure:
        return partial(settle_failure, delivery=delivery, failure=failure)
    return partial(settle_success, delivery=delivery, answer=answer) if delivery.order or delivery.report else None


def settle_success(tx: Tx, delivery: Delivery, answer: Mapping[str, Any]) -> None:
    """A target took a delivery: what waits behind it comes next, and who wants to know is told what the target answered."""
    _follow(tx, delivery)
    _tell(tx, delivery, delivery.report, {"answer": {name: value for name, value in answer.items() if isinstance(value, str | int)}})


def _tell(tx: Tx, delivery: Delivery, handler: str, outcome: dict[str, Any]) -> None:
    if handler:
        place = tx.at(account=delivery.account, region=delivery.region)
        told = {"delivery": _to_builtins(delivery), "attempts": delivery.attempts + 1, "context": delivery.context}
        add_timer(place, tx.now, delivery.service, handler, told | outcome)


def waits(tx: Tx, delivery: Delivery) -> bool:
    """Puts a delivery behind those of its order that could not be delivered yet; False where there are none."""
    last = next(tx.scan(ORDERED, delivery.order, reverse=True, limit=1), None) if delivery.order else None
    if last is None:
        return False
    tx.put(ORDERED, delivery.order, int(last[0][1] or 0) + 1, value=delivery)
    return True


def _follow(tx: Tx, delivery: Delivery) -> None:
    """A delivery is over, well or not: what waits behind it comes next."""
    rows = list(tx.scan(ORDERED, delivery.order, limit=2)) if delivery.order else []
    if rows:
        tx.delete(ORDERED, *rows[0][0])
    if len(rows) > 1:
        queue_delivery(tx, rows[1][1], tx.now)


def settle_failure(tx: Tx, delivery: Delivery, failure: DeliveryFailed) -> None:
    """Puts a failed delivery back for its next attempt, or, after the last, with the dead letters."""
    attempts = delivery.attempts + 1
    delay = None if failure.final else delivery.retry.delay(attempts)
    age_max = delivery.retry.age_seconds_max
    if delay is not None and (age_max is None or tx.now + delay - delivery.first_at <= age_max):
        later = msgspec.structs.replace(delivery, attempts=attempts)
        queue_delivery(tx, later, tx.now + delay)
        return
    _follow(tx, delivery)
    outcome = {"error_code": failure.code, "error_message": failure.message, "error_status": failure.status, "final": failure.final}
    _tell(tx, delivery, delivery.report, outcome)
    _tell(tx, delivery, delivery.failed, outcome)
    if delivery.dead_letter and not delivery.failed:
        dead = msgspec.structs.replace(delivery, target=delivery.dead_letter, dead_letter="", attempts=0, order="", report="")
        queue_delivery(tx, dead, tx.now)


def queue_delivery(tx: Tx, delivery: Delivery, due: float) -> None:
    """Writes the row of a delivery that is to be attempted at `due`."""
    place = tx.at(account=delivery.account, region=delivery.region)
    if delivery.order and next(tx.scan(ORDERED, delivery.order, limit=1), None) is None:
        tx.put(ORDERED, delivery.order, 0, value=delivery)
    add_timer(place, due, SERVICE, HANDLER, _to_builtins(delivery), lane=delivery.target)
