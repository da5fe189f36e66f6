"""`windtunnel tour`: an architecture of the examples, deployed into the running region and watched at work."""

from __future__ import annotations

import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], asks: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]
    parser = commands.add_parser(
        "tour", help="see a small architecture at work: a picture, a function, a topic, three queues", parents=[asks]
    )
    parser.add_argument("name", nargs="?", default="thumbnails", help="which example (else %(default)s)")
    parser.add_argument("--list", action="store_true", help="what can be seen")
    parser.add_argument("--keep", action="store_true", help="leave everything in place at the end")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    from windtunnel.app.remote import endpoint_of
    from windtunnel.app.tour import stories, title_of, tour

    if parsed.list:
        found = stories()
        width = max(map(len, found))
        print("\n".join(f"{name:<{width}}  {title_of(path)}" for name, path in found.items()))
        return 0
    return tour(endpoint_of(parsed.endpoint), parsed.name, keep=parsed.keep)
