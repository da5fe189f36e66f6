"""One worker of a region that several processes serve: `python -m windtunnel.app.worker JOB`, started by `windtunnel up --workers`."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

import msgspec

from windtunnel.app.problem import Problem
from windtunnel.app.region import Region, new_event_loop
from windtunnel.app.serve import collect_seldom
from windtunnel.app.settings import Job


def main() -> int:
    """Serves until SIGTERM, or until the process that started it ends; returns the exit status."""
    job = msgspec.json.decode(sys.argv[1], type=Job, dec_hook=lambda kind, value: kind(value))
    # Ctrl-C reaches all processes of a terminal; the one that started this one says when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_work(job))
    except Problem as problem:
        print(f"windtunnel: {problem}", file=sys.stderr)
        return 1
    return 0


async def _work(job: Job) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(job.life, stop.set)
    region = Region(job.settings, job=job)
    await region.start([socket.socket(fileno=number) for number in job.sockets])
    collect_seldom()
    os.write(sys.stdout.fileno(), b"ready\n")
    await stop.wait()
    loop.remove_reader(job.life)
    await region.close()


if __name__ == "__main__":
    sys.exit(main())
