"""A region in the foreground, from its first line to its graceful end."""

from __future__ import annotations

import asyncio
import gc
import signal
from pathlib import Path

from windtunnel import __version__
from windtunnel.app.problem import Problem
from windtunnel.app.region import Region, Settings, new_event_loop

COLLECT_AFTER_OBJECTS = 10_000


def serve_until_stopped(data: Path, host: str, port: int, account: str, clock: str, seed: int | None) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(Settings(data, host, port, account, clock, seed)))
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    region = Region(settings)
    try:
        await region.start()
    except OSError as error:
        await region.close()
        raise Problem(f"Cannot listen at {settings.host}:{settings.port}: {error.strerror or error}.") from error
    _collect_seldom()
    url = region.cloud.endpoint
    aside = "" if region.port == 4566 else f"--endpoint {url} "
    print(
        f"windtunnel {__version__}: a region at {url} (state in {settings.data}). "
        f"Try `windtunnel {aside}aws s3 mb s3://pictures`, or set AWS_ENDPOINT_URL={url}. Ctrl-C stops it.",
        flush=True,
    )
    await stop.wait()
    # A second Ctrl-C ends the process at once: everything acknowledged is safe in any case.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
    await region.close()


def _collect_seldom() -> None:
    """Garbage in cycles is rare here, as requests leave none; yet a listing's thousand rows set off a collection each few hundred.

    Those took a seventh of a listing's time. What the process holds by now is the program itself, and need not be looked through again.
    """
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, *gc.get_threshold()[1:])
