"""One request and its reply, on their way through a connection."""

from collections.abc import Callable
from typing import Protocol

from windtunnel.wire.message import Response

from .body import Incoming


class Replying(Protocol):
    """What an exchange tells its connection."""

    def replied(self, exchange: "Exchange") -> None: ...

    def drop(self, response: Response | None) -> None:
        """Let go of an answer that nobody will get."""
        ...


class Exchange:
    """One request that waits for its reply; calling it is the reply."""

    __slots__ = (
        "_callbacks",
        "_connection",
        "closed",
        "expects_continue",
        "head_only",
        "http_1_1",
        "incoming",
        "keep_alive",
        "linger",
        "response",
        "wants_body",
    )

    def __init__(self, connection: Replying, head_only: bool, keep_alive: bool, http_1_1: bool) -> None:
        self._connection = connection
        self.head_only = head_only
        self.keep_alive = keep_alive
        self.http_1_1 = http_1_1
        self.response: Response | None = None
        self.incoming: Incoming | None = None
        """The body of this request while it is not complete."""
        self.expects_continue = False
        """The client waits for "100 Continue" before it sends the body."""
        self.wants_body = False
        """Somebody reads the body, so the client may be told to go on."""
        self.linger = False
        """The client may still be sending when this reply ends the connection."""
        self.closed = False
        self._callbacks: list[Callable[[], None]] | None = None

    def __call__(self, response: Response, /) -> None:
        if self.closed:
            self._connection.drop(response)
            return
        assert self.response is None, "a request is answered once"
        self.response = response
        self._connection.replied(self)

    def on_close(self, callback: Callable[[], None], /) -> None:
        if self.closed:
            callback()
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    @property
    def can_be_given_up(self) -> bool:
        return self._callbacks is not None and self.response is None

    def close(self) -> None:
        """Tell whoever asked that the client has gone."""
        if self.closed:
            return
        self.closed = True
        callbacks, self._callbacks = self._callbacks, None
        if callbacks and self.response is None:
            for callback in callbacks:
                callback()
