"""A region in the foreground, from its first line to its graceful end."""

from __future__ import annotations

import asyncio
import gc
import signal

import msgspec

from windtunnel import __version__
from windtunnel.app.region import new_event_loop, started
from windtunnel.app.settings import Settings, welcome

COLLECT_AFTER_OBJECTS = 10_000


def serve_until_stopped(settings: Settings) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    region = await started(settings)
    collect_seldom()
    print(welcome(__version__, msgspec.structs.replace(settings, port=region.port)), flush=True)
    await stop.wait()
    # A second Ctrl-C ends the process at once: everything acknowledged is safe in any case.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
    await region.close()


def collect_seldom() -> None:
    """Garbage in cycles is rare here, as requests leave none; yet a listing's thousand rows set off a collection each few hundred.

    Those took a seventh of a listing's time. What the process holds by now is the program itself, and need not be looked through again.
    """
    gc.enable()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, *gc.get_threshold()[1:])
