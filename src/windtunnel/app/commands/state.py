"""`windtunnel state`: the whole region into a file, out of one, or gone."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], asks: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]
    parser = commands.add_parser("state", help="save the whole region to a file, load it, or empty it", parents=[asks])
    orders = parser.add_subparsers(required=True, metavar="save|load|reset")
    for name, text in (("save", "write everything, objects' bytes included, to FILE"), ("load", "replace everything by what FILE holds")):
        order = orders.add_parser(name, help=text, parents=[asks])
        order.add_argument("file", type=Path, metavar="FILE")
        order.set_defaults(order=name)
    orders.add_parser("reset", help="empty the region; its clock goes on", parents=[asks]).set_defaults(order="reset")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    from windtunnel.app.remote import Remote, endpoint_of

    remote = Remote(endpoint_of(parsed.endpoint))
    if parsed.order == "reset":
        remote.post("state/reset")
        print("The region is empty.")
        return 0
    # The region opens the file, and its current folder may be another.
    answer = remote.post(f"state/{parsed.order}", path=str(parsed.file.resolve()))
    if parsed.order == "save":
        print(f"Saved to {parsed.file} ({answer['bytes']:,} bytes).")
    else:
        print(f"The region is now as {parsed.file} has it.")
    return 0
