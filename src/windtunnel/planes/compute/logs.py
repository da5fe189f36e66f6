"""Reads what a function prints: in batches, at the region's pace, with nothing kept but the tail.

The pipe is the back pressure: a function that prints faster than the region reads waits in its own write, and one that
prints 100 MB costs the region no more memory than one batch.
"""

import asyncio
import collections
import os
import sys

from windtunnel.planes.compute.records import LOG_LINE_BYTES_MAX, LOG_TAIL_BYTES, OnLog

PIPE_BYTES = 256 * 1024
DRAIN_BYTES_MAX = 4 * 1024 * 1024
F_SETPIPE_SZ = 1031


class LogPipe:
    """The reading end of one process's stdout and stderr, which are one pipe so that their order is kept."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_log: OnLog) -> None:
        self._loop = loop
        self._on_log = on_log
        self._rest = b""
        self._tail: collections.deque[str] = collections.deque()
        self._tail_bytes = 0
        self.request_id = ""
        self._handle, self.writer = os.pipe()
        os.set_blocking(self._handle, False)
        if sys.platform == "linux":
            import fcntl  # not on every system

            try:
                fcntl.fcntl(self._handle, F_SETPIPE_SZ, PIPE_BYTES)
            except OSError:
                pass  # the user's share of pipe memory is used up: the usual 64 KB do as well
        loop.add_reader(self._handle, self._read)

    def begin(self, request_id: str) -> None:
        """Lines from here on belong to this request."""
        self.drain()
        self.request_id = request_id
        self._tail.clear()
        self._tail_bytes = 0

    def drain(self) -> None:
        """Reads what has been written so far: what a function printed before it answered is there by then."""
        left = DRAIN_BYTES_MAX
        while left > 0 and (count := self._read()):
            left -= count

    def tail(self) -> tuple[str, ...]:
        """The last lines of the request, 4 KB at most."""
        return tuple(self._tail)

    def close(self) -> None:
        """Hands over the last line, ended or not, and closes the pipe."""
        if self._handle < 0:
            return
        self.drain()
        self._loop.remove_reader(self._handle)
        os.close(self._handle)
        self._handle = -1
        if self._rest:
            self._hand_over([self._rest])
            self._rest = b""

    def _read(self) -> int:
        if self._handle < 0:
            return 0
        try:
            data = os.read(self._handle, PIPE_BYTES)
        except BlockingIOError:
            return 0
        if not data:
            self._loop.remove_reader(self._handle)
            return 0
        lines = (self._rest + data).split(b"\n") if self._rest else data.split(b"\n")
        self._rest = lines.pop()
        while len(self._rest) > LOG_LINE_BYTES_MAX:
            lines.append(self._rest[:LOG_LINE_BYTES_MAX])
            self._rest = self._rest[LOG_LINE_BYTES_MAX:]
        if lines:
            self._hand_over(lines)
        return len(data)

    def _hand_over(self, lines: list[bytes]) -> None:
        batch: list[str] = []
        for line in lines:
            for start in range(0, len(line) or 1, LOG_LINE_BYTES_MAX):
                text = line[start : start + LOG_LINE_BYTES_MAX].decode("utf-8", "replace")
                batch.append(text.replace("\x1e\r", "\n") if "\x1e" in text else text)
        self._keep_tail(batch)
        self._on_log(self.request_id, batch)

    def _keep_tail(self, batch: list[str]) -> None:
        size, first = 0, len(batch)
        while first and size <= LOG_TAIL_BYTES:
            first -= 1
            size += len(batch[first]) + 1
        for text in batch[first:]:
            self._tail.append(text[-LOG_TAIL_BYTES:])
            self._tail_bytes += min(len(text), LOG_TAIL_BYTES) + 1
        while self._tail_bytes > LOG_TAIL_BYTES and len(self._tail) > 1:
            self._tail_bytes -= len(self._tail.popleft()) + 1
