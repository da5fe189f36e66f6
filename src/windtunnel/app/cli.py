"""The command line: a region is started here, and everything else is asked of it over HTTP."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from windtunnel import __version__
from windtunnel.app.commands import aws, calls, clock, outbox, state, status, tour, trace, up
from windtunnel.app.problem import Problem

COMMANDS = (up, status, clock, state, calls, trace, outbox, aws, tour)
INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    own, rest = _split(list(sys.argv[1:] if arguments is None else arguments))
    parsed = _parser().parse_args(own)
    parsed.rest = rest
    try:
        return parsed.run(parsed)
    except Problem as problem:
        print(f"windtunnel: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output (`| head`) has seen enough; nothing may be flushed into it at the end.
        sys.stdout = None
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("windtunnel", description="An AWS region on one machine.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--endpoint", metavar="URL", help="where the region is (else AWS_ENDPOINT_URL, else http://localhost:4566)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    asks = argparse.ArgumentParser(add_help=False)
    asks.add_argument("--endpoint", metavar="URL", default=argparse.SUPPRESS, help="where the region is")
    for command in COMMANDS:
        command.add(commands, asks)
    return parser


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """What is ours, and what follows the command `aws`, which is the AWS CLI's to read, options included."""
    position = 0
    while position < len(arguments) and arguments[position].startswith("-"):
        position += 2 if arguments[position] == "--endpoint" else 1
    if arguments[position : position + 1] == ["aws"]:
        return arguments[: position + 1], arguments[position + 1 :]
    return arguments, []


if __name__ == "__main__":
    sys.exit(main())
