"""What is written down of every call: in the live list, the usage, the trail where CloudTrail would, and where its service listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric.meter import USAGE_KEYS, hour
from windtunnel.fabric.trail import TRAIL, Calls, trail_event
from windtunnel.kernel.clock import stopwatch
from windtunnel.kernel.store.keys import pack

if TYPE_CHECKING:
    from windtunnel.aws.errors import Fault
    from windtunnel.fabric.service import Handled, Service
    from windtunnel.fabric.tx import Tx

USAGE_KEYS_MAX = 10_000
REQUESTS = "Requests"
"""The usage type under which every call is counted, by operation."""
Place = tuple[str, str, str, str, int]


class Recorder:
    """Records calls of `services`; `status_of` gives the HTTP status of a service's fault."""

    def __init__(self, calls: Calls, services: Mapping[str, Service], status_of: Callable[[str, Fault], int]) -> None:
        self._calls = calls
        self._services = services
        self._status_of = status_of
        self._usage_keys: dict[Place, bytes] = {}
        self._trailed = [service.trailed for service in services.values() if service.trailed is not None]

    def record(
        self, tx: Tx, handled: Handled, request: dict[str, Any], result: Mapping[str, Any], fault: Fault | None, started: float
    ) -> bool:
        """Records a call that began at `started` by the stopwatch, in `tx`; tells whether its service noted something as well."""
        scope, seconds = tx.scope, stopwatch() - started
        marks = () if handled.marks is None or fault is not None else handled.marks(request, result)
        resource = request.get(handled.about, "") if handled.about else ""
        self._calls.add(tx.now, handled.service, handled.name, scope, fault.code if fault else "", seconds, resource, marks)
        place = (scope.account, scope.region, handled.service, handled.name, hour(tx.now))
        tx.overlay.add(self._usage_keys.get(place) or self._usage_key(place), 1)
        if not handled.data:
            event = trail_event(handled.service, handled.name, tx.now, scope, request, fault)
            tx.put(TRAIL, tx.now, tx.serial(), value=event)
            for trailed in self._trailed:
                trailed(tx, event, result or {})
        recorded = self._services[handled.service].recorded
        if recorded is None:
            return False
        before, status = len(tx.overlay.writes), 0 if fault is None else self._status_of(handled.service, fault)
        recorded(tx, handled.name, request, result or {}, fault, status, seconds)
        return len(tx.overlay.writes) > before

    def _usage_key(self, place: Place) -> bytes:
        account, region, service, operation, this_hour = place
        if len(self._usage_keys) > USAGE_KEYS_MAX:
            self._usage_keys.clear()
        key = USAGE_KEYS + pack((this_hour, account, region, service, REQUESTS, operation))
        self._usage_keys[place] = key
        return key
