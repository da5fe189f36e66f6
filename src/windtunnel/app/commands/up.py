"""`windtunnel up`: a region, served until Ctrl-C."""

from __future__ import annotations

import argparse
import gc
import socket
from pathlib import Path

from windtunnel.app.problem import Problem

ACCOUNT_DIGITS = 12
WORKERS_MAX = 64


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], asks: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]
    del asks  # this one makes the region that the others ask
    parser = commands.add_parser("up", help="start a region and serve it until Ctrl-C")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at; 0.0.0.0 lets other machines in (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=4566, help="0 takes any free one (default 4566)")
    parser.add_argument("--data", type=Path, default=Path(".windtunnel"), metavar="DIR", help="where the state lies (default .windtunnel)")
    parser.add_argument(
        "--account", type=_account, default="000000000000", metavar="ID", help="the account of keys the region did not issue"
    )
    parser.add_argument(
        "--clock", type=_clock, default="", metavar="real|still|RATE", help="region seconds a second (default: as it was left)"
    )
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="makes every id reproducible")
    parser.add_argument("--workers", type=_workers, default=1, metavar="N", help="so many processes serve the region (default 1)")
    parser.add_argument("--store", type=_store, default="", metavar="URL", help="postgresql://…: rows in a database, for several machines")
    parser.add_argument(
        "--blobs", default="", metavar="URL", help="file:///folder or s3://bucket/prefix: objects' bytes for several machines"
    )
    parser.add_argument(
        "--durability",
        choices=("process", "fsync"),
        default="process",
        help="what an answer survives: kill -9 (default), or a power cut too",
    )
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    _check_port(parsed.host, parsed.port)
    gc.disable()  # until it serves: of what is loaded nothing is garbage, and to look for some is a tenth of the start
    from windtunnel.app.settings import Settings

    place = (parsed.data, parsed.host, parsed.port, parsed.account)
    settings = Settings(*place, parsed.clock, parsed.seed, parsed.store, parsed.blobs, parsed.durability)
    if parsed.workers > 1:
        from windtunnel.app.workers import serve_in_workers

        return serve_in_workers(settings, parsed.workers)
    from windtunnel.app.serve import serve_until_stopped

    return serve_until_stopped(settings)


def _check_port(host: str, port: int) -> None:
    """Says at once that a port is taken, before anything is loaded or touched."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(address[0], socket.SOCK_STREAM) as probe:
            if hasattr(socket, "SO_REUSEADDR"):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
            probe.listen(1)
    except (OSError, OverflowError) as error:
        advice = "A region may already run there: `windtunnel status` tells, and --port takes another."
        raise Problem(f"Cannot listen at {host}:{port} ({getattr(error, 'strerror', None) or error}). {advice}") from error


def _account(text: str) -> str:
    if len(text) != ACCOUNT_DIGITS or not text.isdecimal():
        raise argparse.ArgumentTypeError("an account has 12 digits")
    return text


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= WORKERS_MAX:
        raise argparse.ArgumentTypeError(f"say a number from 1 to {WORKERS_MAX}")
    return int(text)


def _store(text: str) -> str:
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise argparse.ArgumentTypeError("say postgresql://user@host/database")
    return text


def _clock(text: str) -> str:
    try:
        if text not in {"", "real", "still"} and float(text) < 0:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError("say real, still, or how many region seconds pass in one (60)") from None
    return text
