"""Functions without processes: a stand-in for the compute plane, whose sandboxes decide by seed what comes of an event.

A handler's name says how its function behaves: `app.fine` always succeeds, `app.broken` never does, `app.slow` fails after a while,
`app.moody` in every way there is, or takes its time, `app.rotates` takes the steps of a secret's rotation, `app.lasts` is
durable. The n-th run of an event
comes out the same whenever it happens.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Coroutine, Hashable
from pathlib import Path
from random import Random
from typing import Any

from tests.sim.world.durable import Player
from tests.sim.world.events import Began, Ended, unsigned
from windtunnel.planes.compute import BadArchive, Invocation, Kind, OnLog, Outcome, Spec

FAILURES = (Kind.ERROR, Kind.ERROR, Kind.TIMEOUT, Kind.EXIT)
ERROR = {"errorType": "Error", "errorMessage": "as it was meant to"}


class Functions:
    """What a region's `Compute` is to the services."""

    def __init__(self, seed: int, tell: Callable[[Any], None]) -> None:
        self.seed, self.tell = seed, tell
        self.runs: Counter[tuple[str, str]] = Counter()
        self.healed = False
        """From now on all goes well at once, so that a run can be brought to its end."""
        self.ready: Pool | None = None
        self.call: Callable[..., Coroutine[Any, Any, Any]]
        """How a function calls the region it runs in: `call(service, operation, **request)`."""

    def begin_anew(self) -> None:
        """The process has died, and all sandboxes with it."""
        self.ready = None

    async def pool(self) -> Pool:
        self.ready = self.ready or Pool(self)
        return self.ready

    async def folder_of(self, digest: str, archive: Path, bytes_max: int) -> Path:
        if not archive.read_bytes().startswith(b"PK"):
            raise BadArchive("it doesn't begin like one")
        return archive.parent

    def sweep(self, known: Callable[[str], bool]) -> None:
        """Nothing is unpacked."""

    async def clear(self) -> None:
        self.ready = None

    async def close(self) -> None:
        self.ready = None


class Pool:
    """Warm sandboxes by key."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._idle: dict[Hashable, list[Sandbox]] = {}
        self._busy: dict[Sandbox, Hashable] = {}
        self._retired: set[Sandbox] = set()

    def counts(self, key: Hashable) -> tuple[int, int]:
        return len(self._idle.get(key, ())), sum(1 for other in self._busy.values() if other == key)

    def take(self, key: Hashable) -> Sandbox | None:
        idle = self._idle.get(key)
        if not idle:
            return None
        sandbox = idle.pop()
        self._busy[sandbox] = key
        return sandbox

    async def acquire(self, key: Hashable, spec: Spec, on_log: OnLog) -> Sandbox:
        if (found := self.take(key)) is not None:
            return found
        sandbox = Sandbox(self._functions, spec, on_log)
        self._busy[sandbox] = key
        return sandbox

    def release(self, sandbox: Sandbox) -> None:
        key = self._busy.pop(sandbox)
        if sandbox.alive and sandbox not in self._retired:
            self._idle.setdefault(key, []).append(sandbox)
        self._retired.discard(sandbox)

    def retire(self, key: Hashable) -> None:
        self._idle.pop(key, None)
        self._retired.update(sandbox for sandbox, other in self._busy.items() if other == key)


class Sandbox:
    """One execution environment."""

    def __init__(self, functions: Functions, spec: Spec, on_log: OnLog) -> None:
        self._functions, self._spec, self._on_log = functions, spec, on_log
        self.name = spec.environment["AWS_LAMBDA_FUNCTION_NAME"]
        self.alive = True
        self._fresh = True

    async def ready(self) -> None:
        """Starts in no time."""

    def kill(self) -> None:
        self.alive = False

    async def invoke(self, invocation: Invocation, stream: object = None) -> Outcome:
        assert stream is None, "nothing here asks for a stream"
        functions, request = self._functions, invocation.request_id
        if self._spec.handler == "app.rotates":
            await rotate(functions.call, json.loads(invocation.payload))
            return Outcome(Kind.OK, b"null", "", 1, None, 64)
        if self._spec.handler == "app.lasts":
            return await self._play(json.loads(invocation.payload), request)
        source, labels = _labels(invocation.payload)
        functions.runs[self.name, ",".join(labels)] += 1
        chance = Random(unsigned(f"{functions.seed}/{self.name}/{labels}/{functions.runs[self.name, ','.join(labels)]}"))
        kind, seconds = self._fate(chance)
        functions.tell(Began(self.name, request, source, labels))
        self._on_log(request, [f"{self.name} runs {label}" for label in labels])
        try:
            if seconds:
                await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.kill()
            functions.tell(Ended(self.name, request, source, labels, "killed"))
            raise
        functions.tell(Ended(self.name, request, source, labels, kind.value))
        self.alive = kind in (Kind.OK, Kind.ERROR)
        payload = invocation.payload if kind is Kind.OK else b"" if kind is Kind.TIMEOUT else json.dumps(ERROR).encode()
        init_ms, self._fresh = (1.0 if self._fresh else None), False
        return Outcome(kind, payload, "" if kind is Kind.OK else "Error", seconds * 1000 + 1, init_ms, 64)

    async def _play(self, event: dict[str, Any], request: str) -> Outcome:
        functions, execution = self._functions, event["DurableExecutionArn"]
        functions.runs[self.name, execution] += 1
        chance = Random(f"{functions.seed}/{execution}/{functions.runs[self.name, execution]}")
        player = Player(
            functions.seed, event, request, functions.call, functions.tell, None if functions.healed else chance, self._spec.timeout
        )
        try:
            kind, payload = await player.play()
        except asyncio.CancelledError:
            self.kill()
            raise
        self.alive = kind in (Kind.OK, Kind.ERROR)
        return Outcome(kind, payload, "" if kind is Kind.OK else "Error", 1, None, 64)

    def _fate(self, chance: Random) -> tuple[Kind, float]:
        manner = self._spec.handler.rpartition(".")[2]
        if self._functions.healed or manner == "fine":
            return Kind.OK, 0.0
        if manner in ("broken", "slow"):
            return Kind.ERROR, 1.0 if manner == "slow" else 0.0
        seconds = chance.choice((0.0, 0.0, 0.5, self._spec.timeout))
        kind = chance.choice(FAILURES) if chance.random() < 0.5 else Kind.OK
        return kind, self._spec.timeout if kind is Kind.TIMEOUT else seconds


def _labels(payload: bytes) -> tuple[str, tuple[str, ...]]:
    """Where an event came from, and what tells it from others."""
    event = json.loads(payload)
    if "label" in event:
        return "", (event["label"],)
    records = event["Records"]
    if "Sns" in records[0]:
        return "sns", (records[0]["Sns"]["Message"],)
    return records[0]["eventSourceARN"].rpartition(":")[2], tuple(record["body"] for record in records)


async def rotate(call: Callable[..., Coroutine[Any, Any, Any]], event: dict[str, str]) -> None:
    """One step: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html"""
    secret, token = {"SecretId": event["SecretId"]}, event["ClientRequestToken"]
    if event["Step"] == "createSecret":
        value = {"SecretString": f"new {token}", "ClientRequestToken": token, "VersionStages": ["AWSPENDING"]}
        await call("secretsmanager", "PutSecretValue", **secret, **value)
    if event["Step"] == "finishSecret":
        versions = (await call("secretsmanager", "DescribeSecret", **secret))["VersionIdsToStages"]
        current = next(id for id, labels in versions.items() if "AWSCURRENT" in labels)
        if current != token:
            moved = {"VersionStage": "AWSCURRENT", "MoveToVersionId": token, "RemoveFromVersionId": current}
            await call("secretsmanager", "UpdateSecretVersionStage", **secret, **moved)
