"""Bodies that are longer than a write: files by sendfile, and iterators at the pace of the client."""

import asyncio
import os
from collections.abc import AsyncIterator

from windtunnel.wire.message import FileSlice

from .limits import FILE_INLINE_BYTES_MAX
from .outlet import Outlet
from .reply import Sending

_STEP_BYTES = 1_048_576
_READ_BYTES = 262_144
_SMALL_CHUNK_BYTES = 16_384


def read_inline(file: FileSlice) -> bytes | None:
    """A small file's bytes; None where it is too long to be read at once, or shorter than it should be."""
    if file.length > FILE_INLINE_BYTES_MAX:
        return None
    descriptor = os.open(file.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        os.lseek(descriptor, file.offset, os.SEEK_SET)
        data = os.read(descriptor, file.length)
    finally:
        os.close(descriptor)
    return data if len(data) == file.length else None


async def send_body(outlet: Outlet, body: FileSlice | AsyncIterator[bytes], sending: Sending) -> None:
    """Send head and body. Whatever is raised, the connection can only be cut: the client must not take the part for the whole."""
    if isinstance(body, FileSlice):
        await _send_file(outlet, body, sending.head)
        return
    try:
        outlet.write(sending.head)
        await _send_pieces(outlet, body, sending)
    finally:
        await close_iterator(body)


async def close_iterator(body: AsyncIterator[bytes]) -> None:
    """End an iterator that nobody reads on, so that what it holds is released now."""
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()


async def _send_pieces(outlet: Outlet, body: AsyncIterator[bytes], sending: Sending) -> None:
    left = sending.length
    async for piece in body:
        if not piece:
            continue
        if left is not None:
            left -= len(piece)
            if left < 0:
                raise ValueError("the body is longer than its Content-Length")
            outlet.write(piece)
        elif not sending.chunked:
            outlet.write(piece)
        elif len(piece) <= _SMALL_CHUNK_BYTES:
            outlet.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        else:
            outlet.write_lines((b"%x\r\n" % len(piece), piece, b"\r\n"))
        if outlet.paused:
            await outlet.drain()
    if left:
        raise ValueError("the body is shorter than its Content-Length")
    if sending.chunked:
        outlet.write(b"0\r\n\r\n")


async def _send_file(outlet: Outlet, file: FileSlice, head: bytes) -> None:
    source = os.open(file.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        socket = outlet.plain_socket()
        if socket is None or not hasattr(os, "sendfile"):
            await _copy_file(outlet, source, file, head)
            return
        async with outlet.flushing():
            outlet.write(head)
            await outlet.drain()
            # The loop doesn't let others watch a descriptor that belongs to a transport; a duplicate is the same socket.
            target = os.dup(socket.fileno())
            try:
                await _FileSender(outlet, source, target, file).run()
            finally:
                os.close(target)
    finally:
        os.close(source)


async def _copy_file(outlet: Outlet, source: int, file: FileSlice, head: bytes) -> None:
    loop = asyncio.get_running_loop()
    os.lseek(source, file.offset, os.SEEK_SET)
    outlet.write(head)
    left = file.length
    while left:
        piece = await loop.run_in_executor(None, os.read, source, min(left, _READ_BYTES))
        if not piece:
            raise EOFError("the file is shorter than was promised")
        left -= len(piece)
        outlet.write(piece)
        if outlet.paused:
            await outlet.drain()


class _FileSender:
    """Moves a file into a socket whenever the socket takes more, without a step in Python for the bytes themselves."""

    def __init__(self, outlet: Outlet, source: int, target: int, file: FileSlice) -> None:
        self._outlet = outlet
        self._source = source
        self._target = target
        self._offset = file.offset
        self._left = file.length
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        self._step()
        if self._done.done():
            await self._done
            return
        self._loop.add_writer(self._target, self._step)
        try:
            await self._done
        finally:
            self._loop.remove_writer(self._target)

    def _step(self) -> None:
        if self._done.done():
            return
        try:
            sent = os.sendfile(self._target, self._source, self._offset, min(self._left, _STEP_BYTES))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._done.set_exception(ConnectionResetError(str(error)))
            return
        if not sent:
            self._done.set_exception(EOFError("the file is shorter than was promised"))
            return
        self._offset += sent
        self._left -= sent
        self._outlet.file_bytes_sent += sent
        if not self._left:
            self._done.set_result(None)
