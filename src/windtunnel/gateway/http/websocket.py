"""WebSocket (RFC 6455) on a connection that has been upgraded: frames in and out, ping, pong and the closing handshake."""

import asyncio
import base64
import hashlib
from collections import deque
from typing import Protocol, Self

from .limits import Limits

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_OPCODES = frozenset((_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG))
_NO_STATUS, _ABNORMAL = 1005, 1006


def accept_key(key: str) -> str:
    """The proof that the server speaks WebSocket (RFC 6455, 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode("latin-1") + _GUID, usedforsecurity=False).digest()).decode()


def valid_key(key: str) -> bool:
    return len(key) == 24 and key.endswith("==") and key[:-2].isascii()


class WebSocketClosed(Exception):
    """There will be no more messages. `code` is 1005 when the peer gave none, 1006 when the connection was lost."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class _Violation(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Wire(Protocol):
    """What a WebSocket needs of its connection."""

    def write(self, data: bytes, /) -> None: ...

    async def drain(self) -> None: ...

    def pause_body(self) -> None: ...

    def resume_body(self) -> None: ...

    def end_websocket(self, seconds: float) -> None:
        """Cut the connection when the peer has not done so after some time (0: at once)."""
        ...


class WebSocket:
    """One open WebSocket. Messages are str (text) or bytes (binary)."""

    def __init__(self, wire: Wire, limits: Limits, protocol: str | None) -> None:
        self.protocol = protocol
        self.close_code: int | None = None
        """Set once no more messages will come."""
        self.close_reason = ""
        self._wire = wire
        self._limits = limits
        self._tail = b""
        self._parts: list[bytes] = []
        self._parts_size = 0
        self._opcode = 0
        self._messages: deque[str | bytes] = deque()
        self._queued = 0
        self._paused = False
        self._close_sent = False
        self._waiter: asyncio.Future[None] | None = None

    # What the application uses.

    def send(self, message: str | bytes) -> None:
        """Send a message; `drain` waits until the client has room for more. Raises `WebSocketClosed`."""
        if self.close_code is not None or self._close_sent:
            raise WebSocketClosed(self.close_code or _NO_STATUS, self.close_reason)
        if isinstance(message, str):
            self._wire.write(_frame(_TEXT, message.encode()))
        else:
            self._wire.write(_frame(_BINARY, message))

    async def drain(self) -> None:
        await self._wire.drain()

    async def receive(self) -> str | bytes:
        """The next message. Raises `WebSocketClosed` when there are no more."""
        while not self._messages:
            if self.close_code is not None:
                raise WebSocketClosed(self.close_code, self.close_reason)
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._messages.popleft()
        self._queued -= len(message)
        if self._paused and self._queued < self._limits.websocket_queue_bytes_max // 2:
            self._paused = False
            self._wire.resume_body()
        return message

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.receive()
        except WebSocketClosed:
            raise StopAsyncIteration from None

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake; messages sent by the peer until it agrees are still received."""
        if not self._close_sent:
            self._send_close(code, reason)
            self._wire.end_websocket(self._limits.websocket_close_seconds_max)

    def ping(self) -> None:
        if not self._close_sent:
            self._wire.write(_frame(_PING, b""))

    # What the connection uses.

    def feed(self, data: bytes) -> None:
        if self._tail:
            data = self._tail + data
        try:
            position = self._frames(data)
        except _Violation as violation:
            self._tail = b""
            self._send_close(violation.code, violation.reason)
            self.lost(violation.code, violation.reason)
            self._wire.end_websocket(0)
            return
        self._tail = data[position:]

    def lost(self, code: int = _ABNORMAL, reason: str = "") -> None:
        if self.close_code is None:
            self.close_code = code
            self.close_reason = reason
            self._wake()

    def _frames(self, data: bytes) -> int:
        position, end = 0, len(data)
        while end - position >= 2 and self.close_code is None:
            first, second = data[position], data[position + 1]
            opcode, length, start = first & 15, second & 127, position + 2
            self._check(first, second, opcode, length)
            if length >= 126:
                width = 2 if length == 126 else 8
                if end - start < width:
                    break
                length = int.from_bytes(data[start : start + width])
                start += width
            if length + self._parts_size > self._limits.websocket_message_bytes_max:
                raise _Violation(1009, "the message is too large")
            stop = start + 4 + length
            if stop > end:
                break
            self._on_frame(first >= 128, opcode, _unmask(data[start : start + 4], data[start + 4 : stop]))
            position = stop
        return position

    def _check(self, first: int, second: int, opcode: int, length: int) -> None:
        if first & 0x70 or opcode not in _OPCODES:
            raise _Violation(1002, "reserved bits or an unknown opcode")
        if second < 128:
            raise _Violation(1002, "a client masks its frames")
        if opcode >= 8 and (first < 128 or length > 125):
            raise _Violation(1002, "a control frame is whole and short")
        if opcode < 8 and (opcode == _CONTINUATION) != bool(self._opcode):
            raise _Violation(1002, "a fragment is out of place")

    def _on_frame(self, final: bool, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            if not self._close_sent:
                self._wire.write(_frame(_PONG, payload))
        elif opcode == _CLOSE:
            self._on_close(payload)
        elif opcode != _PONG:
            self._opcode = opcode or self._opcode
            self._parts.append(payload)
            self._parts_size += len(payload)
            if final:
                self._on_message()

    def _on_message(self) -> None:
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        message: str | bytes = body
        if self._opcode == _TEXT:
            try:
                message = body.decode()
            except UnicodeDecodeError:
                raise _Violation(1007, "a text message is UTF-8") from None
        self._parts, self._parts_size, self._opcode = [], 0, 0
        self._messages.append(message)
        self._queued += len(message)
        if self._queued > self._limits.websocket_queue_bytes_max and not self._paused:
            self._paused = True
            self._wire.pause_body()
        self._wake()

    def _on_close(self, payload: bytes) -> None:
        code, reason = _NO_STATUS, ""
        if payload:
            code = int.from_bytes(payload[:2])
            if len(payload) == 1 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
                raise _Violation(1002, "the closing code is not one")
            try:
                reason = payload[2:].decode()
            except UnicodeDecodeError:
                raise _Violation(1007, "a closing reason is UTF-8") from None
        self._send_close(code, "")
        self.lost(code, reason)
        self._wire.end_websocket(0)

    def _send_close(self, code: int, reason: str) -> None:
        if not self._close_sent:
            self._close_sent = True
            payload = b"" if code == _NO_STATUS else code.to_bytes(2) + reason.encode()[:123]
            self._wire.write(_frame(_CLOSE, payload))

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _frame(opcode: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes((128 | opcode, length)) + payload
    if length < 65_536:
        return bytes((128 | opcode, 126)) + length.to_bytes(2) + payload
    return bytes((128 | opcode, 127)) + length.to_bytes(8) + payload


def _unmask(mask: bytes, payload: bytes) -> bytes:
    """XOR as one large number, which is as quick as Python gets without a loop."""
    length = len(payload)
    if not length or mask == b"\0\0\0\0":
        return payload
    repeated = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(length)
