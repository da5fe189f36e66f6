"""What a sandbox's functions print, on its way to CloudWatch Logs, with the lines that Lambda itself adds.

Lines are written after an invocation has been answered, several invocations' in one call where they come quickly, and once a
second while one runs.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault
from windtunnel.planes.compute import Kind, Outcome
from windtunnel.services.lambda_.rules import moment_z

BATCH_ENTRIES_MAX = 10_000
BATCH_BYTES_MAX = 1_048_576
ENTRY_BYTES = 26
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""
PATIENCE_SECONDS = 1.0
TAIL_BYTES = 4096
EVENT_OPEN = "\x1e"


class Journal:
    """One log stream: a sandbox's."""

    def __init__(self, call: Call, group: str, stream: str, expires: float, *, json: bool) -> None:
        self.expires = expires
        """When the sandbox's keys end."""
        self._call, self._group, self._stream, self._json = call, group, stream, json
        self._kind = ""
        """How its sandbox came to be: "on-demand" or "provisioned-concurrency"."""
        self._pending: list[tuple[int, str]] = []
        self._made = False
        self._task: asyncio.Task[None] | None = None
        self._soon: asyncio.TimerHandle | None = None

    def lines(self, request_id: str, batch: Sequence[str]) -> None:
        """Takes what a function printed."""
        now = int(self._call.now() * 1000)
        self._pending += [(now, _event(line)) for line in batch]
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self.flush)

    def init_start(self, runtime: str, arn: str, kind: str) -> None:
        """The first line of a sandbox."""
        self._kind = kind
        name = runtime.replace("python", "python:").replace("nodejs", "nodejs:")
        self._say(
            f"INIT_START Runtime Version: {name}.v1\tRuntime Version ARN: {arn}",
            "platform.initStart",
            {"initializationType": kind, "phase": "init", "runtimeVersion": f"{name}.v1", "runtimeVersionArn": arn},
        )

    def init_report(self, phase: str, failed: Outcome | None, init_ms: float = 0) -> None:
        """The line after an init phase: for whoever is provisioned, and wherever it failed.

        https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-init-errors
        """
        status = "success" if failed is None else "timeout" if failed.kind is Kind.TIMEOUT else "error"
        took = init_ms if failed is None else failed.duration_ms
        text = f"INIT_REPORT Init Duration: {took:.2f} ms\tPhase: {phase}\tStatus: {status}"
        record = {"initializationType": self._kind, "phase": phase, "status": status, "metrics": {"durationMs": round(took, 3)}}
        if failed is not None and failed.error_type:
            text += f"\tError Type: {failed.error_type}"
            record["errorType"] = failed.error_type
        self._say(text, "platform.initReport", record)

    def start(self, request_id: str, version: str) -> str:
        text = f"START RequestId: {request_id} Version: {version}"
        return self._say(text, "platform.start", {"requestId": request_id, "version": version})

    def report(self, request_id: str, start: str, outcome: Outcome, memory: int, timeout: int) -> str:
        """The lines after an invocation, and all that it printed: its last 4 KB."""
        said = [start, *(_event(line).removesuffix("\n") + "\n" for line in outcome.log_tail)]
        if outcome.kind is Kind.TIMEOUT:
            self._pending.append((int(self._call.now() * 1000), timed_out(self._call.now(), request_id, timeout)))
            said.append(self._pending[-1][1])
        if outcome.kind is Kind.EXIT and not self._json:
            message = msgspec.json.decode(outcome.payload, type=dict[str, str])["errorMessage"]
            said.append(self._say(f"{message}\n{outcome.error_type}", "", {}))
        if not self._json:
            said.append(self._say(f"END RequestId: {request_id}", "", {}))
        said.append(self._say(*_report(request_id, outcome, memory)))
        self.flush()
        text = "".join(said).encode()
        return text[-TAIL_BYTES:].decode("utf-8", "ignore")

    def flush(self) -> None:
        """Writes what is there; goes on beside."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._pending and self._task is None:
            self._task = self._call.spawn(self._write())

    def _say(self, text: str, kind: str, record: dict[str, Any]) -> str:
        now = self._call.now()
        line = msgspec.json.encode({"time": moment_z(now), "type": kind, "record": record}).decode() if self._json else text
        self._pending.append((int(now * 1000), f"{line}\n"))
        return f"{line}\n"

    async def _write(self) -> None:
        try:
            while self._pending:
                await self._put(self._batch())
        except Fault:
            # Logs are not the function's business: it is answered, whatever becomes of them.
            self._pending.clear()
        finally:
            self._task = None

    def _batch(self) -> list[dict[str, Any]]:
        size = count = 0
        for _, text in self._pending[:BATCH_ENTRIES_MAX]:
            size += len(text.encode()) + ENTRY_BYTES
            if size > BATCH_BYTES_MAX and count:
                break
            count += 1
        batch = [{"timestamp": moment, "message": text} for moment, text in self._pending[:count]]
        del self._pending[:count]
        return batch

    async def _put(self, batch: list[dict[str, Any]]) -> None:
        logs: Any = self._call.aws.logs
        request = {"logGroupName": self._group, "logStreamName": self._stream, "logEvents": batch}
        if not self._made:
            await self._make()
        try:
            await logs.put_log_events(request)
        except Fault as fault:
            if fault.code != "ResourceNotFoundException":
                raise
            await self._make()  # somebody deleted them
            await logs.put_log_events(request)

    async def _make(self) -> None:
        logs: Any = self._call.aws.logs
        for make, request in (
            (logs.create_log_group, {"logGroupName": self._group}),
            (logs.create_log_stream, {"logGroupName": self._group, "logStreamName": self._stream}),
        ):
            try:
                await make(request)
            except Fault as fault:
                if fault.code != "ResourceAlreadyExistsException":
                    raise
        self._made = True


def _event(line: str) -> str:
    """A line as an event of the log; a runtime may say that it has no line break at its end."""
    return line[:-1] if line.endswith(EVENT_OPEN) else f"{line}\n"


def timed_out(now: float, request_id: str, timeout: int) -> str:
    return f"{moment_z(now)} {request_id} Task timed out after {timeout:.2f} seconds\n\n"


def billed_ms(outcome: Outcome) -> int:
    """Initialisation is billed since August 2025: https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/"""
    return max(1, math.ceil(outcome.duration_ms + (outcome.init_ms or 0)))


def _report(request_id: str, outcome: Outcome, memory: int) -> tuple[str, str, dict[str, Any]]:
    billed, used = billed_ms(outcome), min(outcome.max_memory_mb, memory)
    text = (
        f"REPORT RequestId: {request_id}\tDuration: {outcome.duration_ms:.2f} ms\tBilled Duration: {billed} ms\t"
        f"Memory Size: {memory} MB\tMax Memory Used: {used} MB\t"
    )
    metrics: dict[str, Any] = {
        "durationMs": round(outcome.duration_ms, 3),
        "billedDurationMs": billed,
        "memorySizeMB": memory,
        "maxMemoryUsedMB": used,
    }
    record: dict[str, Any] = {"requestId": request_id, "metrics": metrics, "status": "success"}
    if outcome.init_ms is not None:
        text += f"Init Duration: {outcome.init_ms:.2f} ms\t"
        metrics["initDurationMs"] = round(outcome.init_ms, 3)
    if outcome.kind is Kind.TIMEOUT:
        text += "Status: timeout"
        record["status"] = "timeout"
    elif outcome.kind in (Kind.EXIT, Kind.INIT_ERROR):
        text += f"Status: error\tError Type: {outcome.error_type}"
        record |= {"status": "error", "errorType": outcome.error_type}
    return text, "platform.report", record
