"""`windtunnel calls`: what was called, by whom, with what result; as a table, or as it happens."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import Any

LINE = "{:<24} {:<10} {:<28} {:<28} {:<36} {:<28} {:>9}"
SHOWN = 50


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], asks: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]
    parser = commands.add_parser("calls", help="the last calls, or each as it comes", parents=[asks])
    parser.add_argument("--follow", "-f", action="store_true", help="go on with each call as it comes, until Ctrl-C")
    parser.add_argument("--last", type=int, default=SHOWN, metavar="N", help=f"how many of those before (default {SHOWN})")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    from windtunnel.app.remote import Remote, endpoint_of

    remote = Remote(endpoint_of(parsed.endpoint))
    told: list[dict[str, Any]] = remote.get("calls")["calls"]
    if not parsed.json:
        print(LINE.format("TIME (UTC)", "SERVICE", "OPERATION", "RESOURCE", "WHO", "RESULT", "TOOK").rstrip(), flush=True)
    for call in told[-parsed.last :] if parsed.last else []:
        _show(call, json_lines=parsed.json)
    if parsed.follow:
        for call in remote.lines("calls", follow="true", after=told[-1]["serial"] if told else 0):
            _show(call, json_lines=parsed.json)
    return 0


def _show(call: dict[str, Any], *, json_lines: bool) -> None:
    print(json.dumps(call) if json_lines else line_of(call), flush=True)


def line_of(call: dict[str, Any]) -> str:
    """One call as a line of the table."""
    moment = datetime.fromtimestamp(call["time"], UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    caller, took = who(call["principal"], call["account"]), f"{call['duration'] * 1_000:.1f} ms"
    return LINE.format(moment, call["service"], call["operation"], about(call), caller, call["error"] or "ok", took)


def about(call: dict[str, Any]) -> str:
    """What a call is about, without what an ARN or a queue's URL begins with; an address outside is shown whole."""
    resource: str = call["resource"]
    return resource.partition("://")[2] if call["operation"] == "POST" else resource.rpartition("/")[2].rpartition(":")[2]


def who(principal: str, account: str) -> str:
    """A principal without what every ARN begins with: `root of 000000000000`, `role/thumbnailer/session`, `sns.amazonaws.com`."""
    if not principal:
        return "anonymous"
    name = principal.rpartition(":")[2].removeprefix("assumed-")
    return f"root of {account}" if name == "root" else name
