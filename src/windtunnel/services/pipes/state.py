"""What Pipes remembers: pipes. What is under way for one is a timer that lasts as long as the pipe is as it was when it began."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Fault, Table, Tx

RUNNING, STOPPED = "RUNNING", "STOPPED"


class Pipe(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pipe; `settings` are its members as they were given. `serial` is another one after each change."""

    serial: int
    created: float
    modified: float
    desired: str
    settings: dict[str, Any]


PIPES = Table("pipes.pipes", Pipe)
"""name -> Pipe"""


def pipe_arn(tx: Tx, name: str) -> str:
    return f"arn:{partition_of(tx.region)}:pipes:{tx.region}:{tx.account}:pipe/{name}"


def find_pipe(tx: Tx, name: str) -> Pipe:
    pipe = tx.get(PIPES, name)
    if pipe is None:
        raise Fault("NotFoundException", f"Pipe {name} does not exist.")
    return pipe


def keep_pipe(tx: Tx, name: str, pipe: Pipe) -> Pipe:
    """Writes a pipe down; it runs from now on if it is to, and as it was no more."""
    written = msgspec.structs.replace(pipe, serial=tx.serial(), modified=tx.now)
    tx.put(PIPES, name, value=written)
    if written.desired == RUNNING:
        tx.timer(tx.now, "poll", {"name": name, "serial": written.serial})
    tx.wake("pipes.pipe", tx.account, tx.region, name)
    return written


def invalid(message: str) -> Fault:
    return Fault("ValidationException", message)
