"""Responses that are handed on while the function still runs.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from windtunnel.fabric import Call, Fault
from windtunnel.planes.compute import Stream
from windtunnel.services.lambda_.places import Found
from windtunnel.services.lambda_.running.execute import Ran
from windtunnel.services.lambda_.running.run import run

Piece = TypeVar("Piece")


class Streaming:
    """A function that runs, its response as it comes, and in the end what came of it. Who goes away stops nothing."""

    def __init__(self, call: Call, found: Found, payload: bytes, request_id: str, client_context: str = "") -> None:
        self.stream = Stream()
        self.ran: Ran | None = None
        """Set once the response is whole."""
        self._fault: Fault | None = None
        self._task = call.spawn(self._run(call, found, payload, request_id, client_context))

    async def begun(self) -> None:
        """Returns when the response has begun, or won't. Raises the fault of a function that could not be run."""
        await self.stream.begun()
        if not self.stream.streamed:
            await self._task
        if self._fault is not None:
            raise self._fault

    async def done(self) -> Ran:
        """What came of it."""
        await self._task
        if self.ran is None:
            raise self._fault or Fault("ServiceException", "The region was reset.")
        return self.ran

    async def _run(self, call: Call, found: Found, payload: bytes, request_id: str, client_context: str) -> None:
        try:
            self.ran = await run(call, found, payload, request_id, client_context, self.stream)
        except Fault as fault:
            self._fault = fault
        finally:
            self.stream.end()


class Pieces(Generic[Piece]):
    """What a client reads of it: each piece in the client's form, then what `last` says of the end."""

    def __init__(self, streaming: Streaming, piece: Callable[[bytes], Piece], last: Callable[[Ran], Piece | None]) -> None:
        self._streaming, self._piece, self._last = streaming, piece, last
        self._over = False

    def __aiter__(self) -> Pieces[Piece]:
        return self

    async def __anext__(self) -> Piece:
        if self._over:
            raise StopAsyncIteration
        async for piece in self._streaming.stream:
            return self._piece(piece)
        self._over = True
        last = self._last(await self._streaming.done())
        if last is None:
            raise StopAsyncIteration
        return last

    async def aclose(self) -> None:
        self._over = True
        self._streaming.stream.close()
