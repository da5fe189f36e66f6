"""A region inside a Python program: served by a thread on a free port, with boto3 clients that know where it is."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from windtunnel.app.problem import Problem
from windtunnel.app.region import new_event_loop, started
from windtunnel.app.remote import Remote
from windtunnel.app.settings import Settings

if TYPE_CHECKING:
    from boto3.session import Session

Result = TypeVar("Result")
DEFAULT_REGION = "us-east-1"
NO_BOTO3 = "region.client and region.resource need boto3: pip install boto3 (or 'windtunnel[aws]'). region.endpoint works without."


@contextmanager
def region(
    data: str | Path | None = None, *, port: int = 0, account: str = "000000000000", clock: str = "real", seed: int | None = None
) -> Generator[LocalRegion]:
    """A region for as long as the `with` lasts. Its state lies in a folder that is removed after, unless `data` names one.

    `clock`: "real", "still", or a rate such as "60".
    """
    with tempfile.TemporaryDirectory(prefix="windtunnel-", ignore_cleanup_errors=True) as folder:
        local = LocalRegion(Settings(Path(data or folder), "127.0.0.1", port, account, clock, seed))
        try:
            yield local
        finally:
            local.close()


class LocalRegion:
    """A region that a thread of this process serves. Everything here may be called from any other thread."""

    def __init__(self, settings: Settings) -> None:
        self._loop = new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="windtunnel", daemon=True)
        self._thread.start()
        try:
            self._region = self._do(started(settings))
        except BaseException:
            self._end_thread()
            raise
        self._clients = Clients(self.endpoint)
        self._remote = Remote(self.endpoint)
        self._calls_before = 0

    @property
    def endpoint(self) -> str:
        """The URL of the region, for `endpoint_url` or AWS_ENDPOINT_URL."""
        return f"http://localhost:{self._region.port}"

    @property
    def port(self) -> int:
        return self._region.port

    @property
    def account(self) -> str:
        """The account of the keys test/test."""
        return self._region.cloud.account

    @property
    def now(self) -> float:
        """The region's time, in seconds since 1970."""
        return self._region.cloud.clock.now()

    def jump(self, span: str | float) -> None:
        """Moves the clock on by "30d", "1h30m" or seconds; returns when all that fell due on the way has happened."""
        self._remote.post("clock", jump=str(span))

    def clock(self, pace: str | float) -> None:
        """Sets the pace: "real", "still", or region seconds a second."""
        self._remote.post("clock", rate={"real": 1.0, "still": 0.0}.get(str(pace), pace))

    def rest(self) -> None:
        """Returns once nothing is under way: what was published has arrived, functions that were set off have ended."""
        self._do(self._region.cloud.rest())

    def calls(self) -> list[dict[str, Any]]:
        """The calls since the region was fresh, oldest first: service, operation, principal, error, duration and more."""
        return self._remote.get("calls", after=self._calls_before)["calls"]

    def reset(self) -> None:
        """Empties the region; its clock goes on."""
        self._remote.post("state/reset")

    def save(self, path: str | Path) -> None:
        """Writes the whole region to a file."""
        self._remote.post("state/save", path=str(Path(path).resolve()))

    def load(self, path: str | Path) -> None:
        """Replaces the whole region by what a file holds."""
        self._remote.post("state/load", path=str(Path(path).resolve()))

    def client(self, service: str, *, region: str = DEFAULT_REGION, account: str = "", keys: tuple[str, ...] = (), **options: Any) -> Any:
        """A boto3 client, the same one for the same arguments. `keys`: an access key, its secret and perhaps a session token."""
        return self._clients.client(service, region, _keys(account, keys), options)

    def resource(self, service: str, *, region: str = DEFAULT_REGION, account: str = "", keys: tuple[str, ...] = (), **options: Any) -> Any:
        """A boto3 resource, made anew each time."""
        return self._clients.resource(service, region, _keys(account, keys), options)

    def begin_anew(self) -> None:
        """As fresh as from `region(clock="still")`: empty, no calls, the clock standing at the world's time in whole seconds."""
        self._calls_before = self._do(self._region.begin_anew(float(int(time.time()))))

    def close(self) -> None:
        """Stops serving, and ends the thread."""
        self._clients.close()
        self._do(self._region.close())
        self._end_thread()

    def _do(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Clients:
    """boto3's clients for one endpoint. Making one takes tens of milliseconds, so each is made once."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._made: dict[tuple[str, ...], Any] = {}
        self._session: Session | None = None
        # boto3's sessions are not made for several threads; its clients are.
        self._lock = Lock()

    def client(self, service: str, region: str, keys: tuple[str, ...], options: dict[str, Any]) -> Any:
        with self._lock:
            if options:
                return self._open().client(service, **self._arguments(region, keys), **options)
            place = (service, region, *keys)
            if place not in self._made:
                self._made[place] = self._open().client(service, **self._arguments(region, keys))
            return self._made[place]

    def resource(self, service: str, region: str, keys: tuple[str, ...], options: dict[str, Any]) -> Any:
        with self._lock:
            made: Any = self._open().resource
            return made(service, **self._arguments(region, keys), **options)

    def close(self) -> None:
        for client in self._made.values():
            client.close()

    def _arguments(self, region: str, keys: tuple[str, ...]) -> dict[str, Any]:
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        return {"endpoint_url": self._endpoint, "region_name": region, **dict(zip(names, keys, strict=False))}

    def _open(self) -> Any:
        if self._session is None:
            try:
                from boto3.session import Session
            except ImportError as error:
                raise Problem(NO_BOTO3) from error
            self._session = Session()
        return self._session


def _keys(account: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    return keys or (account or "test", "test")
