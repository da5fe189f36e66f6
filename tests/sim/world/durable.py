"""A durable function, played: what an execution is made of follows from its ARN, and what a run does from the operations it is told of.

A run may crash, take too long, babble, or die with its process before and after each checkpoint; the next one goes on from what was
kept. What it sees and does is told, for the auditor to compare.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, NamedTuple

from tests.sim.world.events import Played
from windtunnel.fabric import Fault
from windtunnel.kernel.store import StoreFull
from windtunnel.planes.compute import Kind

ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED", "CANCELLED"})
DEPTH_MAX = 2
"""Executions within executions."""
FAILED = json.dumps({"errorType": "Error", "errorMessage": "as it was meant to"}).encode()
WAITS = {"Status": "PENDING"}


class Node(NamedTuple):
    """One thing that an execution does: `step`, `context` (with others within), or those that it waits for, all at once."""

    id: str
    kind: str
    given: dict[str, Any]
    within: tuple[Node, ...] = ()


class Over(Exception):
    """The run ends here."""

    def __init__(self, kind: Kind, payload: bytes) -> None:
        super().__init__(kind.value)
        self.kind, self.payload = kind, payload


def planned(chance: Random, label: str, depth: int, prefix: str = "") -> tuple[Node, ...]:
    """What an execution does, in this order."""
    kinds = ["step", "step", "wait", "callback", "chain", "all", *([] if prefix else ["context"])]
    return tuple(_node(chance, label, depth, f"{prefix}{number}", chance.choice(kinds)) for number in range(chance.randint(1, 4)))


def _node(chance: Random, label: str, depth: int, id: str, kind: str) -> Node:
    if kind == "step":
        return Node(id, kind, {"tries": chance.choice((1, 1, 1, 2, 3)), "delay": chance.choice((1, 5, 60)), "fails": chance.random() < 0.2})
    if kind == "context":
        return Node(id, kind, {"replay": chance.random() < 0.3}, planned(chance, label, depth, f"{id}-"))
    if kind == "all":
        return Node(id, kind, {}, tuple(_node(chance, label, depth, f"{id}_{other}", other) for other in ("wait", "callback", "chain")))
    if kind == "wait":
        given: dict[str, Any] = {"WaitOptions": {"WaitSeconds": chance.choice((1, 5, 20, 60, 600))}}
    elif kind == "callback":
        limits = {"TimeoutSeconds": chance.choice((0, 60, 600)), "HeartbeatTimeoutSeconds": chance.choice((0, 0, 30))}
        given = {"CallbackOptions": {name: limit for name, limit in limits.items() if limit}}
    else:
        names = ["plain", "plain", "nowhere", *(["brief:$LATEST"] * 3 if depth < DEPTH_MAX else [])]
        payload = json.dumps({"label": f"{label}.{id}", "depth": depth + 1})
        given = {"ChainedInvokeOptions": {"FunctionName": chance.choice(names)}, "Payload": payload}
    return Node(id, kind, given)


TYPES = {"step": "STEP", "wait": "WAIT", "callback": "CALLBACK", "chain": "CHAINED_INVOKE", "context": "CONTEXT"}
KEPT = {"SUCCEED": "SUCCEEDED", "FAIL": "FAILED"}


class Player:
    """One run. `chance` says what goes wrong in it; None where nothing does."""

    def __init__(
        self,
        seed: int,
        event: dict[str, Any],
        request: str,
        call: Callable[..., Coroutine[Any, Any, Any]],
        tell: Callable[[Any], None],
        chance: Random | None,
        timeout: float,
    ) -> None:
        self.arn, self._request, self._token = event["DurableExecutionArn"], request, event["CheckpointToken"]
        self._call, self._tell, self._chance = call, tell, chance
        self._state, self._old = event["InitialExecutionState"], ""
        self._known: dict[str, dict[str, Any]] = {}
        self._seed, self._said = seed, 0
        self._timeout = timeout

    async def play(self) -> tuple[Kind, bytes]:
        """How the run ends, and with what. Raises CancelledError where its sandbox is ended."""
        self._learn("begins", self._state["Operations"])
        try:
            kind, payload = Kind.OK, json.dumps(await self._play()).encode()
        except Over as over:
            kind, payload = over.kind, over.payload
        except (Fault, StoreFull):
            kind, payload = Kind.ERROR, FAILED
        except asyncio.CancelledError:
            self._happened("ends")
            raise
        self._happened("ends")
        return kind, payload

    def _happened(self, what: str, *operations: dict[str, Any]) -> None:
        self._tell(Played(self.arn, self._request, what, operations))

    def _learn(self, what: str, operations: list[dict[str, Any]]) -> None:
        self._known |= {row["Id"]: row for row in operations}
        self._happened(what, *(timeless(row) for row in operations))

    def _status(self, id: str) -> str:
        return self._known[id]["Status"] if id in self._known else ""

    async def _play(self) -> dict[str, Any]:
        itself = next(row for row in self._known.values() if row["Type"] == "EXECUTION")
        given = json.loads(itself["ExecutionDetails"]["InputPayload"])
        chance = Random(f"{self._seed}/{self.arn}")
        nodes = planned(chance, given["label"], given["depth"])
        await self._risk()
        if self._chance is not None and self._chance.random() < 0.2:
            await self._read()
        for node in nodes:
            if not await self._done(node):
                return WAITS
        outcome = {node.id: self._outcome(node) for node in nodes}
        await self._risk()
        how = chance.choice(("SUCCEEDED", "SUCCEEDED", "SUCCEED", "FAILED"))
        if how == "SUCCEED":
            await self._say({"Id": "end", "Type": "EXECUTION", "Action": "SUCCEED", "Payload": json.dumps(outcome)})
        if how == "FAILED":
            return {"Status": "FAILED", "Error": {"ErrorType": "Meant", "ErrorMessage": json.dumps(outcome)}}
        return {"Status": "SUCCEEDED", "Result": json.dumps(outcome)}

    def _outcome(self, node: Node) -> Any:
        return [self._status(one.id) for one in node.within] if node.kind == "all" else self._status(node.id)

    async def _done(self, node: Node) -> bool:
        """Whether something is over; it is begun or taken on where that is possible."""
        if self._status(node.id) in ENDED:
            return True
        if node.kind == "step":
            return await self._step(node)
        if node.kind == "context":
            return await self._context(node)
        waited = node.within if node.kind == "all" else (node,)
        if fresh := [self._update(one, "START", **one.given) for one in waited if one.id not in self._known]:
            await self._say(*fresh)
        return all(self._status(one.id) in ENDED for one in waited)

    def _update(self, node: Node, action: str, **given: Any) -> dict[str, Any]:
        outer = node.id.rpartition("-")[0]
        return {"Id": node.id, "Type": TYPES[node.kind], "Action": action, **({"ParentId": outer} if outer else {}), **given}

    async def _step(self, node: Node) -> bool:
        if self._status(node.id) == "PENDING":
            return False
        if self._status(node.id) != "STARTED" and node.given["delay"] != 1:
            await self._say(self._update(node, "START"))
        self._happened("step", {"Id": node.id})
        attempt = self._known[node.id]["StepDetails"]["Attempt"] + 1 if node.id in self._known else 1
        if attempt < node.given["tries"]:
            options = {"NextAttemptDelaySeconds": node.given["delay"]}
            await self._say(self._update(node, "RETRY", StepOptions=options, Error={"ErrorType": "Again"}))
        elif node.given["fails"]:
            await self._say(self._update(node, "FAIL", Error={"ErrorType": "Meant", "ErrorMessage": node.id}))
        else:
            await self._say(self._update(node, "SUCCEED", Payload=f'"{node.id} {attempt}"'))
        return self._status(node.id) in ENDED

    async def _context(self, node: Node) -> bool:
        if node.id not in self._known:
            await self._say(self._update(node, "START"))
        for one in node.within:
            if not await self._done(one):
                return False
        within = json.dumps({one.id: self._outcome(one) for one in node.within})
        await self._say(self._update(node, "SUCCEED", Payload=within, ContextOptions={"ReplayChildren": node.given["replay"]}))
        return True

    async def _say(self, *updates: dict[str, Any]) -> None:
        await self._risk()
        self._said += 1
        request: dict[str, Any] = {"CheckpointToken": self._token, "Updates": list(updates)}
        chance = self._chance
        if chance is not None and chance.random() < 0.2:
            request["ClientToken"] = f"{self._request}-{self._said}"
        try:
            answer = await self._ask("CheckpointDurableExecution", **request)
        except Fault as fault:
            if fault.code in ("InvalidParameterValueException", "ValidationException") and fault.message != "Invalid checkpoint token":
                self._happened("amiss", {fault.message: request})
            raise
        ended = [{"Id": one["Id"], "Status": KEPT[one["Action"]]} for one in updates if one["Action"] in KEPT]
        self._happened("kept", *(one for one in ended if one["Id"] != "end"))
        self._old, self._token = self._token, answer.get("CheckpointToken", "")
        self._learn("knows", answer["NewExecutionState"]["Operations"])
        if not self._token:
            raise Over(Kind.OK, json.dumps(WAITS).encode())
        if "ClientToken" in request:
            await self._repeat(request, answer)
        elif chance is not None and chance.random() < 0.1:
            await self._try_old_token()
        await self._risk()

    async def _repeat(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """The same checkpoint again is answered as it was."""
        again = await self._ask("CheckpointDurableExecution", **request)
        ids = [[row["Id"] for row in one["NewExecutionState"]["Operations"]] for one in (answer, again)]
        if ids[0] != ids[1] or again.get("CheckpointToken", self._token) != self._token:
            self._happened("amiss", {"a checkpoint told again": again})

    async def _try_old_token(self) -> None:
        try:
            answer = await self._ask("CheckpointDurableExecution", CheckpointToken=self._old, Updates=[])
        except Fault:
            return
        self._happened("amiss", {"an old token was taken": answer})

    async def _read(self) -> None:
        """All operations, page by page."""
        marker, found = "", list[dict[str, Any]]()
        while True:
            page = await self._ask(
                "GetDurableExecutionState", CheckpointToken=self._token, MaxItems=2, **({"Marker": marker} if marker else {})
            )
            found += page["Operations"]
            marker = page.get("NextMarker", "")
            if not marker:
                break
        missing = self._known.keys() - {row["Id"] for row in found}
        if missing:
            self._happened("amiss", {"operations that are not in the state": sorted(missing)})
        self._happened("knows", *(timeless(row) for row in found))

    async def _ask(self, operation: str, **request: Any) -> Any:
        region = self.arn.split(":")[3]
        return await self._call("lambda", operation, region=region, DurableExecutionArn=self.arn, **request)

    async def _risk(self) -> None:
        """What may go wrong at any time."""
        chance = self._chance
        if chance is None:
            return
        drawn = chance.random()
        if drawn < 0.05:
            kind = chance.choice((Kind.ERROR, Kind.TIMEOUT, Kind.EXIT))
            if kind is Kind.TIMEOUT:
                await asyncio.sleep(self._timeout)
            raise Over(kind, b"" if kind is Kind.TIMEOUT else FAILED)
        if drawn < 0.06:
            raise Over(Kind.OK, chance.choice((b'"what"', json.dumps(WAITS).encode())))
        if drawn < 0.25:
            await asyncio.sleep(chance.choice((0.5, 2.0)))


def timeless(row: Any) -> Any:
    """An operation without its times, which are told in milliseconds or seconds, by whom is asked."""
    if isinstance(row, dict):
        return {name: timeless(value) for name, value in row.items() if not name.endswith("Timestamp")}
    return row
