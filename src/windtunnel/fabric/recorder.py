"""What is written down of every call: in the live list, the usage, the trail where CloudTrail would, and where its service listens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric.meter import USAGE_KEYS, hour
from windtunnel.fabric.trail import TRAIL, Calls, trail_event
from windtunnel.kernel.clock import stopwatch
from windtunnel.kernel.store.keys import pack

if TYPE_CHECKING:
    from windtunnel.aws.errors import Fault
    from windtunnel.fabric.registry import Services
    from windtunnel.fabric.service import Handled
    from windtunnel.fabric.tx import Tx

USAGE_KEYS_MAX = 10_000
REQUESTS = "Requests"
"""The usage type under which every call is counted, by operation."""
Place = tuple[str, str, str, str, int]


class Recorder:
    """Records calls of `services`."""

    def __init__(self, calls: Calls, services: Services) -> None:
        self._calls = calls
        self._services = services
        self._usage_keys: dict[Place, bytes] = {}

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
            for service in self._services.listening:
                if service.trailed is not None:
                    service.trailed(tx, event, result or {})
        if handled.recorded is None:
            return False
        before, status = len(tx.overlay.writes), 0 if fault is None else self._services.status_of(handled.service, fault)
        handled.recorded(tx, handled.name, request, result or {}, fault, status, seconds)
        return len(tx.overlay.writes) > before

    def _usage_key(self, place: Place) -> bytes:
        account, region, service, operation, this_hour = place
        if len(self._usage_keys) > USAGE_KEYS_MAX:
            self._usage_keys.clear()
        key = USAGE_KEYS + pack((this_hour, account, region, service, REQUESTS, operation))
        self._usage_keys[place] = key
        return key
