"""One warm process that runs one function, one invocation at a time: Lambda's execution environment."""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import Callable

import msgspec

from windtunnel.planes.compute import memory
from windtunnel.planes.compute.api import Exchange, Report, RuntimeApi
from windtunnel.planes.compute.logs import LogPipe
from windtunnel.planes.compute.prepare import make_order
from windtunnel.planes.compute.records import Invocation, Kind, OnLog, Outcome, Spec
from windtunnel.planes.compute.sandbox import FIRST_UID, PROCESSES_MAX, Machine, Process, spawn
from windtunnel.planes.compute.stream import Stream

SAMPLE_SECONDS_MIN, SAMPLE_SECONDS_MAX = 0.01, 0.2
ALLOCATION_MB_PER_SECOND = 4000
SILENCE_SECONDS_MAX = 0.5
WEIGHED_AT_ONCE_MAX = 16
"""Processes of one sandbox that are weighed in the loop: a thread costs more."""
SIGNALS = {
    2: "interrupt",
    4: "illegal instruction",
    6: "aborted",
    8: "floating point exception",
    9: "killed",
    11: "segmentation fault",
    13: "broken pipe",
    15: "terminated",
}


class Environment:
    """Start one with `Environment.start`, use it with `invoke`, end it with `close`; `alive` says whether it can go on."""

    def __init__(self, machine: Machine, spec: Spec, on_log: OnLog, on_end: Callable[[], object]) -> None:
        loop = asyncio.get_running_loop()
        self.spec = spec
        self.alive = True
        self.init_ms: float | None = None
        self._loop = loop
        self._machine = machine
        self._on_end = on_end
        self._folder = machine.new_folder()
        self._group = machine.groups.new(self._folder.name, spec.memory_mb + spec.tmp_mb) if machine.groups is not None else None
        self._api = RuntimeApi(self._on_ready, self._on_report, self._on_silence)
        self._logs = LogPipe(loop, on_log)
        self._process: Process | None = None
        self._server: asyncio.Server | None = None
        self._exit_code: int | None = None
        self._over_limit = False
        self._ready: asyncio.Future[None] = loop.create_future()
        self._init_report: Outcome | None = None
        self._end_report: Outcome | None = None
        self._done: asyncio.Future[Outcome] | None = None
        self._gone: asyncio.Future[None] = loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._sampler: asyncio.TimerHandle | None = None
        self._started = self._began = machine.monotonic()
        self._init_told = spec.again
        self._init_counts = spec.again
        self._peak_mb = 0

    @classmethod
    async def start(cls, machine: Machine, spec: Spec, on_log: OnLog, on_end: Callable[[], object] = lambda: None) -> "Environment":
        """Starts the process and answers at once; the init phase goes on, and the first invocation (or `ready`) waits for it.

        `on_end` is called when the process has ended, for whatever reason.
        """
        environment = cls(machine, spec, on_log, on_end)
        try:
            await environment._launch()
        except BaseException:
            environment.kill()
            raise
        return environment

    async def ready(self) -> Outcome | None:
        """Waits for the init phase; answers an outcome when it failed or took too long, which ends the environment."""
        if not self._ready.done():
            left = self.spec.init_timeout - (self._machine.monotonic() - self._started)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(left, 0)):
                    await asyncio.shield(self._ready)
        if not self._ready.done():
            self._logs.drain()
            self._init_report = self._outcome(Kind.TIMEOUT)
            self._ready.set_result(None)
            self.kill()
        return self._init_report

    async def invoke(self, invocation: Invocation, stream: Stream | None = None) -> Outcome:
        """Runs one invocation to its end; a `stream` gets the response as it comes. A caller that cancels ends the environment too."""
        try:
            outcome = await self._run(Exchange(invocation, self.spec.timeout, stream))
            if stream is not None and outcome.kind is Kind.OK and not stream.streamed:
                stream.put(outcome.payload)
            return outcome
        finally:
            if stream is not None:
                stream.end()

    def kill(self) -> None:
        """Ends the process and all that it started, now."""
        self.alive = False
        if self._process is not None:
            self._process.kill()

    async def close(self) -> None:
        """Ends everything and waits until it is gone."""
        self.kill()
        if self._process is not None:
            await asyncio.shield(self._gone)
        else:
            self._clean_up()

    async def _launch(self) -> None:
        spec = self.spec
        ours = theirs = None
        address = ""
        if spec.runtime.family in ("provided", "java") or os.name != "posix":
            self._server = await self._loop.create_server(self._api.connection, "127.0.0.1", 0)
            address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        else:
            ours, theirs = socket.socketpair()
        order, failure = make_order(self._machine, spec, self._folder, -1 if theirs is None else theirs.fileno(), address, self._group)
        if failure is not None:
            self._fail_to_start(failure, ours, theirs)
            return
        try:
            popen = spawn(order, self._logs.writer)
        except OSError as error:
            self._fail_to_start(_exit_outcome("Runtime.InvalidEntrypoint", f"fork/exec {order.command[0]}: {error.strerror}"), ours, theirs)
            return
        os.close(self._logs.writer)
        if self._machine.mode == "uid":
            self._api.uid = FIRST_UID + popen.pid
        self._process = Process(popen, self._loop, self._on_exit, namespace=self._machine.isolated)
        if ours is not None and theirs is not None:
            theirs.close()
            ours.setblocking(False)
            await self._loop.connect_accepted_socket(self._api.connection, ours)
        self._sample()

    def _fail_to_start(self, outcome: Outcome, *sockets: socket.socket | None) -> None:
        for each in sockets:
            if each is not None:
                each.close()
        os.close(self._logs.writer)
        self._init_report = outcome
        self._ready.set_result(None)
        self.alive = False
        self._clean_up()

    async def _run(self, exchange: Exchange) -> Outcome:
        assert self._done is None, "an environment runs one invocation at a time"
        self._done = self._loop.create_future()
        try:
            if failed := await self.ready() or self._end_report:
                return _named(failed, exchange.invocation.request_id)
            now = self._machine.monotonic()
            self._began, self._init_counts = (self._started if self._init_counts else now), False
            self._logs.begin(exchange.invocation.request_id)
            self._timer = self._loop.call_later(self.spec.timeout - (now - self._began), self._on_timeout)
            self._sampler = self._loop.call_later(SAMPLE_SECONDS_MIN, self._sample)
            self._api.give(exchange)
            return _named(await self._done, exchange.invocation.request_id)
        except asyncio.CancelledError:
            self.kill()
            raise
        finally:
            self._done = None
            self._stop_timers()

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._sampler):
            if timer is not None:
                timer.cancel()
        self._timer = self._sampler = None

    def _on_ready(self) -> None:
        if not self._ready.done():
            self.init_ms = (self._machine.monotonic() - self._started) * 1000
            self._ready.set_result(None)

    def _on_report(self, report: Report) -> None:
        self._peak_mb = max(self._peak_mb, report.peak_kb // 1024)
        self.alive = self.alive and not report.last
        self._logs.drain()
        if report.kind is Kind.INIT_ERROR and not self._ready.done():
            self.init_ms = (self._machine.monotonic() - self._started) * 1000
            self._init_report = self._outcome(report.kind, report.payload, report.error_type)
            self._ready.set_result(None)
            self.kill()
        else:
            if not report.peak_kb:
                self._weigh()
            self._finish(self._outcome(report.kind, report.payload, report.error_type, report.content_type))

    def _on_timeout(self) -> None:
        self._logs.drain()
        self._weigh()
        self.kill()
        self._finish(self._outcome(Kind.TIMEOUT))

    def _on_exit(self, code: int) -> None:
        self.alive = False
        self._exit_code = code
        if self._api.connections:
            # What the process said last may still be on its way; a child that holds the socket may keep it forever.
            self._loop.call_later(SILENCE_SECONDS_MAX, self._ended)
        else:
            self._ended()

    def _on_silence(self) -> None:
        if self._exit_code is not None:
            self._ended()

    def _ended(self) -> None:
        if self._gone.done():
            return
        self._logs.drain()
        code = self._exit_code or 0
        if code and self._group is not None and self._group.killed():
            self._over_limit, self._peak_mb = True, self.spec.memory_mb
        reason = "Runtime exited without providing a reason"
        if code < 0 or self._over_limit:
            reason = f"Runtime exited with error: signal: {'killed' if self._over_limit else _signal_name(-code)}"
        elif code:
            reason = f"Runtime exited with error: exit status {code}"
        outcome = _exit_outcome("Runtime.OutOfMemory" if self._over_limit else "Runtime.ExitError", reason)
        outcome = self._outcome(Kind.EXIT, outcome.payload, outcome.error_type)
        self._end_report = outcome
        if not self._ready.done():
            self._init_report = outcome
            self._ready.set_result(None)
        self._finish(outcome)
        self._clean_up()

    def _clean_up(self) -> None:
        self._stop_timers()
        self._api.close()
        if self._server is not None:
            self._server.close()
        self._logs.close()
        if self._group is not None:
            self._group.remove()
        shutil.rmtree(self._folder, ignore_errors=True)
        if not self._gone.done():
            self._gone.set_result(None)
            self._on_end()

    def _finish(self, outcome: Outcome) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(outcome)

    def _outcome(self, kind: Kind, payload: bytes = b"", error_type: str = "", content_type: str = "") -> Outcome:
        duration = (self._machine.monotonic() - self._began) * 1000
        init_ms, self._init_told = (None if self._init_told else self.init_ms), True
        return Outcome(kind, payload, error_type, duration, init_ms, self._peak_mb, self._logs.tail(), content_type)

    def _processes(self) -> list[int]:
        """The sandbox's processes, without the launcher's two."""
        if self._process is None:
            return []
        if not self._machine.isolated:
            return [self._process.pid, *memory.processes_below(self._process.pid)]
        return memory.processes_below(self._process.pid)[1:]

    def _weigh(self) -> None:
        """Looks once more at the end of an invocation, at what can be seen at once."""
        if self._group is not None:
            self._judge(self._measured([]))
        elif len(processes := self._processes()) <= WEIGHED_AT_ONCE_MAX:
            self._judge(self._measured(processes))

    def _measured(self, processes: list[int]) -> tuple[float, int, int]:
        """(MB in use, the most that the first process held, how many processes there are); it only reads."""
        if self._group is not None:
            return self._group.used_mb(), 0, 0
        used = memory.used_mb(processes, self.spec.memory_mb)
        return used, memory.peak_mb(processes[0]) if processes else 0, len(processes)

    def _judge(self, measured: tuple[float, int, int]) -> None:
        used, first_mb, count = measured
        self._peak_mb = max(self._peak_mb, min(int(used), self.spec.memory_mb), first_mb)
        if used > self.spec.memory_mb or count > PROCESSES_MAX:
            self._over_limit = True
            self._peak_mb = self.spec.memory_mb
            self.kill()

    def _sample(self) -> None:
        """Weighs the sandbox while it works, the more often the nearer it is to its limit.

        Whoever forks without end makes the system slow to tell of it: then a thread waits for that, and not the region.
        """
        if not self.alive or (self._ready.done() and self._done is None):
            return
        before = self._machine.monotonic()
        processes = [] if self._group is not None else self._processes()
        if len(processes) <= WEIGHED_AT_ONCE_MAX:
            self._sampled(before, self._measured(processes))
        else:
            weighing = self._loop.run_in_executor(None, self._measured, processes)
            weighing.add_done_callback(lambda done: None if done.cancelled() else self._sampled(before, done.result()))

    def _sampled(self, before: float, measured: tuple[float, int, int]) -> None:
        if not self.alive:
            return
        self._judge(measured)
        cost = self._machine.monotonic() - before
        pause = min(max((self.spec.memory_mb - measured[0]) / ALLOCATION_MB_PER_SECOND, SAMPLE_SECONDS_MIN, cost * 10), SAMPLE_SECONDS_MAX)
        if self.alive and (self._done is not None or not self._ready.done()):
            self._sampler = self._loop.call_later(pause, self._sample)


def _exit_outcome(error_type: str, reason: str) -> Outcome:
    """The request's id is put in when it is known whose request fails by it."""
    shape = {"errorType": error_type, "errorMessage": f"RequestId: \0 Error: {reason}"}
    return Outcome(Kind.EXIT, msgspec.json.encode(shape), error_type)


def _named(outcome: Outcome, request_id: str) -> Outcome:
    """Puts the id of the request into an error that was made before anyone knew it."""
    if outcome.kind is not Kind.EXIT:
        return outcome
    return msgspec.structs.replace(outcome, payload=outcome.payload.replace(b"RequestId: \\u0000", b"RequestId: " + request_id.encode()))


def _signal_name(number: int) -> str:
    """As Go, in which AWS's supervisor is written, calls signals."""
    return SIGNALS.get(number, f"signal {number}")
