"""`windtunnel clock`: the region's time is shown, stopped, hurried or moved on."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], asks: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]
    parser = commands.add_parser("clock", help="show the region's time, stop it, hurry it, jump", parents=[asks])
    parser.set_defaults(run=run, order={})
    orders = parser.add_subparsers(metavar="show|still|real|rate N|jump SPAN|to MOMENT")
    for name, order, text in (
        ("show", {}, "the region's time (as without a word)"),
        ("still", {"rate": 0}, "time stands until it is moved"),
        ("real", {"rate": 1}, "time passes as the world's does"),
    ):
        orders.add_parser(name, help=text, parents=[asks]).set_defaults(order=order)
    for name, metavar, text in (
        ("rate", "N", "so many region seconds pass in one"),
        ("jump", "SPAN", "moves on by 30d, 1h30m or 90 (seconds); all that falls due on the way happens"),
        ("to", "MOMENT", "moves on to a moment such as 2027-01-01T00:00:00Z"),
    ):
        order = orders.add_parser(name, help=text, parents=[asks])
        order.add_argument("value", metavar=metavar)
        order.set_defaults(word=name)


def run(parsed: argparse.Namespace) -> int:
    from windtunnel.app.remote import Remote, endpoint_of

    remote = Remote(endpoint_of(parsed.endpoint))
    word = getattr(parsed, "word", None)
    order = {word: parsed.value} if word else parsed.order
    print(told(remote.post("clock", **order) if order else remote.get("clock")))
    return 0


def told(clock: dict[str, Any]) -> str:
    """The region's time and pace in words."""
    rate = float(clock["rate"])
    pace = "standing still" if rate == 0 else "at the world's pace" if rate == 1 else f"{rate:g} seconds a second"
    return f"{clock['time'].replace('+00:00', 'Z')}, {pace}"
