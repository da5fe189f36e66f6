"""What all models share: a call that was made and how it ended, and what is said when something does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Ask = Callable[..., Any]
"""`ask(service, operation, **request)`: what the region answers, with `result` and `fault`."""
SHOWN_BYTES_MAX = 40


class Wrong(AssertionError):
    """Something that must hold does not."""


class Call(NamedTuple):
    """A call of the workload's, as it ended. `unknown`: the region died before it answered."""

    service: str
    operation: str
    request: dict[str, Any]
    region: str
    id: str
    now: float
    result: Any = None
    fault: str = ""
    message: str = ""
    unknown: bool = False

    def __str__(self) -> str:
        ended = "unknown" if self.unknown else self.fault or "ok"
        return f"{self.service}.{self.operation} {shown(self.request)} -> {ended}"


def shown(request: dict[str, Any]) -> str:
    """A request in one line that is not too long."""
    parts = []
    for name, value in request.items():
        text = f"<{len(value)} bytes>" if isinstance(value, bytes) and len(value) > SHOWN_BYTES_MAX else repr(value)
        parts.append(f"{name}={text if len(text) <= 120 else text[:117] + '...'}")
    return "(" + ", ".join(parts) + ")"


def holds(condition: object, message: str) -> None:
    """Raises Wrong unless something holds."""
    if not condition:
        raise Wrong(message)


def same(what: str, found: Any, expected: Any) -> None:
    """Raises Wrong unless what was found is what was expected."""
    if found != expected:
        raise Wrong(f"{what}: found {str(found)[:2000]}, expected {str(expected)[:2000]}")


def ended(call: Call, *faults: str) -> bool:
    """Whether a call went well. Raises Wrong where it ended otherwise than it had to: with one of the faults where any are given."""
    if faults:
        holds(call.fault in faults, f"{call}: {call.message[:300]}; expected {' or '.join(faults)}")
        return False
    holds(not call.fault, f"{call}: {call.message[:300]}; expected it to go well")
    return True
