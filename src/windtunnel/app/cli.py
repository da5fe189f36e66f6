"""The command line: a region is started here, and everything else is asked of it over HTTP."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from windtunnel import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    parsed = _parser().parse_args(arguments)
    return parsed.run(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("windtunnel", description="An AWS region on one machine.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start a region and serve it until Ctrl-C")
    up.add_argument("--host", default="127.0.0.1")
    up.add_argument("--port", type=int, default=4566)
    up.add_argument("--data", type=Path, default=Path(".windtunnel"), metavar="DIR", help="where the region's state lies")
    up.add_argument("--account", default="000000000000", metavar="ID", help="the account of keys that the region did not issue")
    up.add_argument("--clock", default="real", metavar="real|still|RATE")
    up.add_argument("--seed", type=int, default=None, metavar="N", help="makes every id reproducible")
    up.set_defaults(run=_up)
    return parser


def _up(parsed: argparse.Namespace) -> int:
    from windtunnel.app.region import Region, Settings, new_event_loop

    settings = Settings(parsed.data, parsed.host, parsed.port, parsed.account, parsed.clock, parsed.seed)

    async def run() -> None:
        region = Region(settings)
        await region.start()
        print(f"windtunnel {__version__} serves on http://localhost:{region.port} (data in {settings.data})", flush=True)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
        await region.close()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
