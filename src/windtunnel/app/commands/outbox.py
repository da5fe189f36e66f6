"""`windtunnel outbox`: the e-mails, text messages and pushes that would have reached somebody, to be read."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import Any


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], asks: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]
    parser = commands.add_parser("outbox", help="e-mails and text messages that would have been sent", parents=[asks])
    parser.add_argument("to", nargs="?", default="", help="an address or a number; all of them without one")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    from windtunnel.app.remote import Remote, endpoint_of

    query = {"to": parsed.to} if parsed.to else {}
    letters: list[dict[str, Any]] = Remote(endpoint_of(parsed.endpoint)).get("outbox", **query)["letters"]
    for number, letter in enumerate(letters):
        print(json.dumps(letter) if parsed.json else ("\n" if number else "") + shown(letter))
    return 0


def shown(letter: dict[str, Any]) -> str:
    """One letter as a person would read it."""
    moment = datetime.fromtimestamp(letter["time"], UTC).strftime("%Y-%m-%d %H:%M:%S")
    head = [f"{moment}  {letter['protocol']} to {letter['to']}, from {letter.get('sender') or letter['source']}"]
    if letter["subject"]:
        head.append(f"Subject: {letter['subject']}")
    return "\n".join([*head, letter["body"]])
