"""Functions that call themselves by way of queues, topics, buckets and each other: counted along their trace, stopped after 16 turns.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from windtunnel.fabric import Call, Fault
from windtunnel.fabric.trail import parent_of
from windtunnel.services.lambda_.places import Found
from windtunnel.services.lambda_.rules import arn_of

TURNS_MAX = 16
CODE = "RecursiveInvocationException"
STOPPED = (
    "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your "
    "function's invocation."
)
FIELD = "Lineage="


def trace_of(call: Call, found: Found, request_id: str) -> str:
    """The trace that a function runs in, which its SDK sends along with all it calls. Raises RecursiveInvocationException."""
    if stopped(call.scope.trace, found):
        raise Fault(CODE, STOPPED, Type="User")
    turns = lineage(call.scope.trace)
    turns[_mark(found)] = turns.get(_mark(found), -1) + 1
    shown = "|".join(f"{mark}:{count}" for mark, count in turns.items())
    root = next((part for part in call.scope.trace.split(";") if part.startswith("Root=")), "")
    root = root or f"Root=1-{int(call.now()):08x}-{call.ids.hex(24)}"
    return f"{root};Parent={parent_of(request_id)};Sampled=0;{FIELD}{shown}"


def stopped(trace: str, found: Found) -> bool:
    """Whether a function's next turn in a trace would be one too many."""
    return lineage(trace).get(_mark(found), -1) + 1 >= TURNS_MAX and found.function.recursion == "Terminate"


def lineage(trace: str) -> dict[str, int]:
    """How often each function has run again in a trace; what a client made up counts for nothing."""
    shown = next((part.removeprefix(FIELD) for part in trace.split(";") if part.startswith(FIELD)), "")
    pairs = (turn.rpartition(":") for turn in shown.split("|"))
    return {mark: int(count) for mark, _, count in pairs if mark and count.isdecimal()}


def merged(traces: Iterable[str]) -> str:
    """The trace of a batch: the turns of all its messages."""
    turns: dict[str, int] = {}
    for trace in traces:
        for mark, count in lineage(trace).items():
            turns[mark] = max(count, turns.get(mark, 0))
    return FIELD + "|".join(f"{mark}:{count}" for mark, count in turns.items()) if turns else ""


def _mark(found: Found) -> str:
    return sha256(arn_of(found.tx.region, found.tx.account, found.name).encode()).hexdigest()[:8]
