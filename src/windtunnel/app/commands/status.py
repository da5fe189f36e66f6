"""`windtunnel status`: whether a region answers, and what it offers."""

from __future__ import annotations

import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], asks: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]
    parser = commands.add_parser("status", help="whether a region answers, its time and its services", parents=[asks])
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    from windtunnel.app.commands.clock import told
    from windtunnel.app.remote import Remote, endpoint_of

    remote = Remote(endpoint_of(parsed.endpoint))
    health = remote.get("health")
    print(f"windtunnel {health['version']} at {remote.endpoint}")
    print(f"account   {health['account']}")
    print(f"time      {told(remote.get('clock'))}")
    print(f"services  {', '.join(health['services'])}")
    return 0
