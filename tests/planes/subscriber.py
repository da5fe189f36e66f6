"""A small HTTP server to be called: it keeps what it was sent and answers what it is told to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Subscriber:
    """`answers` are taken in turn, the last one for ever; one may be None: nothing is answered.

    `drips`: bytes follow an answer for ever, one by one.
    """

    def __init__(self, *answers: bytes | None) -> None:
        self.answers: Sequence[bytes | None] = answers or [ANSWER]
        self.heads: list[list[str]] = []
        self.bodies: list[str] = []
        self.connections = 0
        self.close_after = False
        self.drips = False
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, context: ssl.SSLContext | None = None) -> str:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=context)
        port = self._server.sockets[0].getsockname()[1]
        return f"{'https' if context else 'http'}://{'localhost' if context else '127.0.0.1'}:{port}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
                length = next((int(line.partition(":")[2]) for line in head if line.lower().startswith("content-length:")), 0)
                body = (await reader.readexactly(length)).decode()
            except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
                return
            self.heads.append(head)
            self.bodies.append(body)
            answer = self.answers[0]
            self.answers = self.answers[1:] or self.answers
            if answer is None:
                continue
            writer.write(answer)
            while self.drips and not writer.is_closing():
                writer.write(b".")
                await asyncio.sleep(0.005)
            if self.close_after:
                writer.close()
                return
