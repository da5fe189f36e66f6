"""Bodies that operations answer, as whoever calls within the region reads them: the wire alone can send a file by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable

from windtunnel.planes.blobs.store import Piece


async def whole(body: bytes | Piece | AsyncIterable[bytes]) -> bytes:
    """All of a body's bytes."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, Piece):
        return await asyncio.to_thread(_read, body)
    return b"".join([piece async for piece in body])


def _read(piece: Piece) -> bytes:
    with open(piece.path, "rb") as file:
        file.seek(piece.offset)
        return file.read(piece.length)
