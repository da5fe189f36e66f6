"""One client's connection: cuts requests out of what arrives, and sends their replies in order.

Everything up to a plain reply happens inside the read callback, without a task; replies given during one read leave in one write.
"""

import asyncio
from collections import deque
from math import inf
from typing import cast

from windtunnel.wire.message import FileSlice, Request, Response

from .body import Incoming, RequestStream
from .context import Context
from .exchange import Exchange
from .handshake import Handshake, check_handshake
from .head import Framing, Refusal, check_partial
from .outlet import Outlet
from .reply import CONTINUE
from .send import close_iterator, read_inline, send_body
from .upgraded import Upgraded
from .websocket import WebSocket


class Connection(asyncio.Protocol):
    """The protocol of one plain or decrypted connection."""

    def __init__(self, context: Context, scheme: str) -> None:
        self._context = context
        self._scheme = scheme
        self._source_ip = ""
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._outlet: Outlet = cast(Outlet, None)
        self._exchanges: deque[Exchange] = deque()
        self._body: Incoming | None = None
        self._tail = b""
        """What arrived and can't be used yet."""
        self._reading = False
        """Inside the read callback, at whose end what was gathered is written."""
        self._ahead = False
        """The socket is not read: there is more in `_tail` than may be handled now."""
        self._sending: asyncio.Task[None] | None = None
        self._upgrading = False
        self._upgraded: Upgraded | None = None
        """What has taken the transport over: this is no longer its protocol."""
        self._last = False
        """No more requests are taken from this connection."""
        self._deaf = False
        """What arrives is thrown away: the connection is ending, and lingers so that the client reads why."""
        self._ended = False
        """The client has said that it sends no more."""
        self._linger_left = context.limits.linger_bytes_max
        self._head_begun = False
        self._deadline = context.tick + context.limits.idle_seconds_max

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._outlet = Outlet(self._transport, self._context.loop, self._context.limits.write_stall_seconds_max)
        address = transport.get_extra_info("peername")
        self._source_ip = str(cast(tuple[object, ...], address)[0]) if isinstance(address, tuple) else "127.0.0.1"
        self._context.add(self)

    def data_received(self, data: bytes) -> None:
        body = self._body
        if body is not None and len(data) < body.remaining:
            # The middle of a long body of known length: there is nothing to look for in it.
            body.remaining -= len(data)
            body.take(data)
            self._set_deadline()
        elif self._deaf:
            self._linger_left -= len(data)
            if self._linger_left < 0:
                self._transport.abort()
        else:
            self._consume(self._tail + data if self._tail else data)

    def eof_received(self) -> bool:
        self._ended = True
        if self._deaf or self._body is not None:
            return False
        if self._sending is not None and not self._outlet.sends_file:
            # Whoever reads an unending answer hasn't half-closed: it has gone.
            return False
        for exchange in self._exchanges:
            if exchange.can_be_given_up:
                exchange.close()
        self._flush()
        return bool(self._exchanges)

    def connection_lost(self, exc: Exception | None) -> None:
        self._context.remove(self)
        self._deaf = True
        self._outlet.wake()
        if self._sending is not None:
            self._sending.cancel()
            self._exchanges.popleft().close()
        self._abandon("the client closed the connection")
        self._tail = b""

    def pause_writing(self) -> None:
        self._outlet.pause()

    def resume_writing(self) -> None:
        self._outlet.resume()
        self._go_on()

    # Reading.

    def _consume(self, data: bytes) -> None:
        self._reading = True
        self._tail = b""
        try:
            self._read(data)
        except Refusal as refusal:
            self._refuse(refusal)
        self._reading = False
        self._outlet.flush()
        self._set_deadline()

    def _read(self, data: bytes) -> None:
        position, end = 0, len(data)
        while position < end and not self._deaf:
            body = self._body
            if body is not None:
                start = position
                position = body.feed(data, position)
                if body.complete:
                    self._body_complete(body)
                elif position == start or position < end:
                    break
            elif self._upgraded is not None:
                self._upgraded.data_received(data[position:])
                return
            elif self._last:
                return
            elif not self._takes_requests():
                self._tail = data[position:]
                self._ahead = True
                self._transport.pause_reading()
                return
            elif data.startswith(b"\r\n", position):
                # An empty line before a request is from an old client that counts wrong (RFC 9112, 2.2).
                position += 2
            else:
                stop = data.find(b"\r\n\r\n", position) + 4
                if stop == 3:
                    check_partial(data[position:], self._context.limits)
                    break
                head = data if stop - position == end else data[position:stop]
                request, framing = self._context.heads.parse(head, self._source_ip, self._scheme)
                position = self._on_head(request, framing, data, stop)
        if position < end and not self._deaf:
            self._tail = data[position:]

    def _takes_requests(self) -> bool:
        return len(self._exchanges) < self._context.limits.pipeline_requests_max and not self._outlet.paused and not self._upgrading

    def _on_head(self, request: Request, framing: Framing, data: bytes, position: int) -> int:
        """Take up a request whose body, if any, begins at `position`; where it was used is returned."""
        context = self._context
        keep_alive = framing.keep_alive and not context.closing
        exchange = Exchange(self, request.method == "HEAD", keep_alive, framing.http_1_1)
        self._exchanges.append(exchange)
        length = framing.length
        if framing.upgrades and not length and not framing.chunked and len(self._exchanges) == 1:
            self._begin_upgrade(request, exchange)
            return position
        if not keep_alive:
            self._last = True
        if length or framing.chunked:
            stop = position + length
            streams = context.app.streams(request)
            if streams or framing.chunked or stop > len(data):
                exchange.expects_continue = framing.expects_continue and position == len(data)
                self._begin_body(request, framing, exchange, streams)
                return position
            # The usual case, a small body that arrived with its head.
            request.body = data[position:stop]
            position = stop
        context.app.handle(request, exchange)
        return position

    def _begin_body(self, request: Request, framing: Framing, exchange: Exchange, streams: bool) -> None:
        context = self._context
        length = None if framing.chunked else framing.length
        stream = RequestStream(self, length) if streams else None
        body = Incoming(request, length, stream, context.limits)
        self._body = exchange.incoming = body
        if stream is None:
            if framing.length > context.limits.body_bytes_max:
                raise Refusal(413, "the body is too large")
            self.proceed()
        else:
            request.stream = stream
            context.app.handle(request, exchange)

    def _body_complete(self, body: Incoming) -> None:
        self._body = None
        exchange = self._asker(body)
        body.finish()
        if exchange is not None and body.stream is None:
            self._context.app.handle(body.request, exchange)

    def _asker(self, body: Incoming) -> Exchange | None:
        """Whose body has ended; None where that was answered before all had arrived."""
        exchange = self._exchanges[-1] if self._exchanges else None
        if exchange is None or exchange.incoming is not body:
            return None
        exchange.incoming = None
        return exchange

    def _refuse(self, refusal: Refusal) -> None:
        self._last = self._deaf = True
        self._tail = b""
        # Replies that go before are still waited for.
        self._deadline = inf
        body, self._body = self._body, None
        if body is None:
            exchange = Exchange(self, False, False, True)
            self._exchanges.append(exchange)
        else:
            exchange = self._asker(body)
            if body.stream is not None:
                body.stream.fail(refusal.reason)
        if exchange is None:
            # The rest of a body that was answered before it had been read.
            if not self._exchanges:
                self._end(linger=True)
            return
        exchange.keep_alive = False
        exchange.linger = True
        if body is None or body.stream is None:
            exchange(Response(refusal.status, [("Content-Type", "text/plain")], f"{refusal.reason}\n".encode()))
        # Otherwise the application has the request already, hears of this where it reads, and answers itself.

    def _go_on(self) -> None:
        """Take up what was left lying because too much was under way; not at every reply, since what lies is copied each time."""
        if not self._ahead or self._reading:
            return
        if len(self._exchanges) * 2 <= self._context.limits.pipeline_requests_max and self._takes_requests():
            self._ahead = False
            self._listen()
            self._consume(self._tail)
        elif self._deaf:
            self._ahead = False
            self._listen()

    def _listen(self) -> None:
        if not self._ended and not self._ahead and not self._transport.is_closing():
            self._transport.resume_reading()

    # What a body asks for.

    def pause_body(self) -> None:
        self._transport.pause_reading()

    def resume_body(self) -> None:
        self._listen()
        self._set_deadline()

    def proceed(self) -> None:
        """The body is wanted: let a client that waits for it go on, as soon as it is its turn."""
        exchange = self._exchanges[-1] if self._exchanges else None
        if exchange is not None and exchange.expects_continue:
            exchange.wants_body = True
            self._flush()

    # The way to a WebSocket.

    def _begin_upgrade(self, request: Request, exchange: Exchange) -> None:
        refusal = check_handshake(request)
        if refusal is not None:
            exchange.linger = True
            exchange(refusal)
            return
        self._upgrading = True
        self._context.app.websocket(request, Handshake(self._open_websocket, exchange, request))

    def _open_websocket(self, exchange: Exchange, response: Response, protocol: str | None) -> WebSocket:
        context = self._context
        upgraded = Upgraded(context, self._transport, self._outlet, protocol)
        if exchange.closed:
            upgraded.websocket.lost()
            return upgraded.websocket
        self._exchanges.clear()
        self._upgrading = False
        self._upgraded = upgraded
        self._outlet.gather(context.writer.write(response, exchange).head)
        self._outlet.flush()
        context.add(upgraded)
        context.remove(self)
        self._transport.set_protocol(upgraded)
        if self._ahead:
            self._ahead = False
            self._listen()
            upgraded.data_received(self._tail)
        return upgraded.websocket

    # Replying.

    def replied(self, exchange: Exchange) -> None:
        if self._upgrading:
            self._upgrading = False
        if self._exchanges and self._exchanges[0] is exchange and self._sending is None:
            self._flush()

    def drop(self, response: Response | None) -> None:
        if response is not None and not isinstance(response.body, (bytes, FileSlice)):
            self._context.spawn(close_iterator(response.body))

    def _flush(self) -> None:
        exchanges = self._exchanges
        while exchanges and self._sending is None:
            exchange = exchanges[0]
            response = exchange.response
            if exchange.closed:
                self._end(linger=False)
                break
            if response is None:
                if exchange.expects_continue and exchange.wants_body:
                    exchange.expects_continue = False
                    self._outlet.gather(CONTINUE)
                break
            self._send(exchange, response)
        if not self._reading:
            self._outlet.flush()
            if self._ahead:
                self._go_on()
            self._set_deadline()

    def _send(self, exchange: Exchange, response: Response) -> None:
        body = response.body
        if isinstance(body, FileSlice):
            inline = read_inline(body)
            body = body if inline is None else inline
        if exchange.incoming is not None and not self._can_discard(exchange):
            exchange.linger = True
            exchange.keep_alive = exchange.keep_alive and not isinstance(body, bytes)
        sending = self._context.writer.write(response, exchange)
        exchange.keep_alive = sending.keep_alive
        if not sending.has_body:
            self._outlet.gather(sending.head)
            self.drop(response)
        elif isinstance(body, bytes):
            self._outlet.gather(sending.head, body)
        else:
            self._outlet.flush()
            self._sending = self._context.loop.create_task(send_body(self._outlet, body, sending))
            self._sending.add_done_callback(self._sent)
            return
        self._finish(exchange)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending = None
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            self._transport.abort()
            if error is not None and not isinstance(error, ConnectionError):
                self._context.loop.call_exception_handler({"message": "A response could not be sent whole.", "exception": error})
        elif self._exchanges:
            self._finish(self._exchanges[0])
            self._flush()

    def _can_discard(self, exchange: Exchange) -> bool:
        """Whether what is left of an unread body is worth reading, to keep the connection."""
        left = exchange.incoming.length_left if exchange.incoming is not None else 0
        return left is not None and left <= self._context.limits.discard_bytes_max and not exchange.expects_continue

    def _finish(self, exchange: Exchange) -> None:
        self._exchanges.popleft()
        if self._ended and not self._exchanges and not self._ahead:
            # The client sends no more, and has its last answer.
            self._end(linger=False)
        elif exchange.keep_alive and (exchange.incoming is None or self._can_discard(exchange)):
            if exchange.incoming is not None and exchange.incoming.stream is not None:
                exchange.incoming.stream.fail("the request has been answered")
        else:
            self._end(linger=exchange.linger or exchange.incoming is not None)

    # Time, and the end.

    def _set_deadline(self) -> None:
        limits = self._context.limits
        tick = self._context.tick
        begun = False
        if self._deaf:
            return
        if self._body is not None:
            stream = self._body.stream
            waits = (stream is not None and stream.paused) or (self._exchanges and self._exchanges[-1].expects_continue)
            self._deadline = inf if waits else tick + limits.body_stall_seconds_max
        elif self._exchanges:
            self._deadline = inf
        elif self._tail:
            begun = True
            if not self._head_begun:
                self._deadline = tick + limits.head_seconds_max
        else:
            self._deadline = tick + limits.idle_seconds_max
        self._head_begun = begun

    def check(self, now: float) -> None:
        if self._outlet.has_stalled(now):
            self._transport.abort()
            return
        if now <= self._deadline:
            return
        if self._deaf:
            self._transport.abort()
        elif self._body is not None or self._tail:
            self._refuse(Refusal(408, "the request took too long to arrive"))
        else:
            self._transport.close()

    def _end(self, *, linger: bool) -> None:
        self._deaf = True
        self._tail = b""
        self._outlet.flush()
        self._abandon("the connection has ended")
        if self._transport.is_closing():
            return
        if not linger or self._ended:
            self._transport.close()
            return
        self._deadline = self._context.tick + self._context.limits.linger_seconds
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()

    def _abandon(self, reason: str) -> None:
        body, self._body = self._body, None
        if body is not None and body.stream is not None:
            body.stream.fail(reason)
        exchanges, self._exchanges = self._exchanges, deque()
        for exchange in exchanges:
            exchange.close()
            self.drop(exchange.response)

    def shut(self) -> None:
        self._last = True
        if self._exchanges:
            self._exchanges[-1].keep_alive = False
        else:
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()
