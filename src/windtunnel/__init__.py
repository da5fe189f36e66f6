"""windtunnel: an AWS region on one machine. `with windtunnel.region() as region:` runs one inside a Python program."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What a program holds is imported when it is first asked for: the command line starts without it. Its types are in the stub."""
    if name in {"LocalRegion", "region"}:
        return getattr(import_module("windtunnel.app.local"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
