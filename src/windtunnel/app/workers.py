"""A region served by several processes of one machine: this one holds the folder and the port, starts them, and starts again who dies.

Each worker has a socket of its own on the one port, which is bound here, so that clients who come while a worker is dead wait for the
next one instead of being refused. Workers end when this process does, in whatever way.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

import msgspec

from windtunnel import __version__
from windtunnel.app.lock import Lock
from windtunnel.app.problem import Problem
from windtunnel.app.settings import Job, Settings, listening, welcome

READY = b"ready\n"
GRACE_SECONDS = 10.0
SOON_SECONDS = 2.0
"""A worker that ends sooner than this after its start is started again later and later."""
PAUSE_SECONDS_MAX = 10.0


def serve_in_workers(settings: Settings, number: int) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status."""
    if sys.platform == "win32":
        raise Problem("--workers needs Linux or macOS.")
    try:
        lock = Lock(settings.data)
    except OSError as error:
        raise Problem(f"Cannot keep a region's state in {settings.data}: {error.strerror or error}.") from error
    try:
        return asyncio.run(_Workers(settings, number, lock).serve())
    finally:
        lock.release()


class _Workers:
    def __init__(self, settings: Settings, number: int, lock: Lock) -> None:
        self._lock = lock
        self._sockets, port = _bound(settings.host, settings.port, number)
        self._settings = msgspec.structs.replace(settings, port=port)
        self._life, self._living = os.pipe()
        """Workers hold the first end; it ends when this process, which alone holds the other, does."""
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()

    async def serve(self) -> int:
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signal_number, self._stopping.set)
        stopped = loop.create_task(self._stopping.wait())
        keepers: list[asyncio.Task[None]] = []
        # The first is alone while it makes the file and tidies up.
        for slot in range(len(self._sockets)):
            ready = loop.create_future()
            keepers.append(loop.create_task(self._keep(slot, ready)))
            await asyncio.wait([ready, stopped, keepers[-1]], return_when=asyncio.FIRST_COMPLETED)
            if keepers[-1].done():
                self._stopping.set()
                await asyncio.gather(*keepers)
                return 1
            if stopped.done():
                break
        if not stopped.done():
            print(welcome(__version__, self._settings), flush=True)
        await stopped
        await self._end()
        await asyncio.gather(*keepers)
        return 0

    async def _keep(self, slot: int, ready: asyncio.Future[None]) -> None:
        """Has a worker in a slot until the region stops; gives up on one that never came up."""
        loop, pause, first = asyncio.get_running_loop(), 0.0, slot == 0
        while not self._stopping.is_set():
            began = loop.time()
            process = self._processes[slot] = await self._start(slot, first=first)
            assert process.stdout is not None
            if await process.stdout.read(len(READY)) == READY:
                first = False
                if not ready.done():
                    ready.set_result(None)
            status = await process.wait()
            if self._stopping.is_set() or not ready.done():
                return
            pause = 0.0 if loop.time() - began > SOON_SECONDS else min(pause * 2 + 0.1, PAUSE_SECONDS_MAX)
            print(f"windtunnel: worker {slot} (process {process.pid}) ended with {status}; another takes its place.", file=sys.stderr)
            if pause:
                await asyncio.wait([loop.create_task(self._stopping.wait())], timeout=pause)

    async def _start(self, slot: int, *, first: bool) -> asyncio.subprocess.Process:
        settings = self._settings if first else msgspec.structs.replace(self._settings, clock="")
        sockets = [bound.fileno() for bound in self._sockets[slot]]
        job = Job(settings, sockets, self._life, first)
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "windtunnel.app.worker", msgspec.json.encode(job, enc_hook=str).decode()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(*sockets, self._life, self._lock.file),
        )

    async def _end(self) -> None:
        running = [process for process in self._processes.values() if process.returncode is None]
        for process in running:
            process.terminate()
        if running:
            await asyncio.wait([asyncio.ensure_future(process.wait()) for process in running], timeout=GRACE_SECONDS)
        for process in running:
            if process.returncode is None:
                process.kill()


def _bound(host: str, port: int, number: int) -> tuple[list[list[socket.socket]], int]:
    """Each worker's sockets, one for each address of the host, and the port. The kernel spreads clients over sockets that share one."""
    addresses = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    slots: list[list[socket.socket]] = [[] for _ in range(number)]
    for family, kind, protocol, _, address in dict.fromkeys(addresses):
        for slot in slots:
            try:
                slot.append(listening(family, kind, protocol, (address[0], port, *address[2:])))
            except OSError as error:
                raise Problem(f"Cannot listen at {host}:{port}: {error.strerror or error}.") from error
            port = slot[-1].getsockname()[1]
    return slots, port
