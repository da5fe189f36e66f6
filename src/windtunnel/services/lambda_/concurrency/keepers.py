"""Provisioned concurrency kept up: sandboxes are started ahead of any invocation, and replaced when they end.

A keeper is a timer's handler that goes on for as long as its configuration is there, so that it is there again after a restart.
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.planes.compute import Outcome, Pool
from windtunnel.services.lambda_.places import Found, find
from windtunnel.services.lambda_.rules import Name
from windtunnel.services.lambda_.running.sandboxes import key_of, warmed
from windtunnel.services.lambda_.state import PROVISIONED, Provisioned

STARTED_AT_ONCE_MAX = 8


def keep(tx: Tx, name: str, qualifier: str, number: int) -> Provisioned:
    """Writes a configuration, and sets off its keeper; that of an earlier one ends."""
    provisioned = Provisioned(number, tx.now, tx.serial())
    tx.put(PROVISIONED, name, qualifier, value=provisioned)
    tx.timer(tx.now, "keep", {"name": name, "qualifier": qualifier, "serial": provisioned.serial})
    changed(tx, name)
    return provisioned


def changed(tx: Tx, name: str) -> None:
    """Keepers of a function look again: its aliases, versions or configurations have changed."""
    tx.wake(*_channel(tx.account, tx.region, name))


async def keeper(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: keeps as many sandboxes of a version or an alias as are wanted, until that is no longer so."""
    name, qualifier = str(payload["name"]), str(payload["qualifier"])
    channel = _channel(call.account, call.region, name)
    pool = await call.cloud.compute.pool()
    kept: Found | None = None  # whose sandboxes count
    aim: Found | None = None  # whose shall: another version's while an alias moves, when the old ones serve until the new ones are there
    try:
        while (wanted := call.read(_wanted, name, qualifier, int(payload["serial"]))) is not None:
            found, provisioned = wanted
            now = provisioned
            if aim is None or key_of(found) != key_of(aim):
                _let_go(pool, aim, kept)
                aim, now = found, msgspec.structs.replace(now, reason="")
                pool.keep(key_of(aim))
            missing = max(now.number - sum(pool.counts(key_of(aim))), 0)
            if kept is None or not missing:
                _let_go(pool, kept, aim)
                kept = aim
            now = msgspec.structs.replace(now, available=min(sum(pool.counts(key_of(kept))), now.number), version=kept.number)
            if now != provisioned:
                await call.transact(_note, name, qualifier, now)
            elif not missing or now.reason:
                await call.wait(channel)
            else:
                reasons = await asyncio.gather(*(_start(call, aim) for _ in range(min(missing, STARTED_AT_ONCE_MAX))))
                if reason := next(filter(None, reasons), ""):
                    await call.transact(_note, name, qualifier, msgspec.structs.replace(now, reason=reason))
    finally:
        _let_go(pool, kept, aim)
        _let_go(pool, aim, None)


async def _start(call: Call, found: Found) -> str:
    """Starts one sandbox; why it could not be."""
    channel = _channel(call.account, call.region, found.name)
    try:
        outcome: Outcome | None = await warmed(call, found, lambda: call.cloud.loop.wake([channel]))
    except Fault as fault:
        return fault.message
    return "" if outcome is None else "FUNCTION_ERROR_INIT_FAILURE"


def _let_go(pool: Pool, found: Found | None, other: Found | None) -> None:
    """Ends what was kept for a version, unless it is kept for the other purpose too."""
    if found is not None and (other is None or key_of(found) != key_of(other)):
        pool.let_go(key_of(found))


def _wanted(tx: Tx, name: str, qualifier: str, serial: int) -> tuple[Found, Provisioned] | None:
    provisioned = tx.get(PROVISIONED, name, qualifier)
    if provisioned is None or provisioned.serial != serial:
        return None
    try:
        found = find(tx, Name(tx.region, tx.account, name, qualifier))
    except Fault:
        return None
    return msgspec.structs.replace(found, provisioned=qualifier), provisioned


def _note(tx: Tx, name: str, qualifier: str, now: Provisioned) -> None:
    """Keeps how far it has come, unless it was changed or removed meanwhile."""
    current = tx.get(PROVISIONED, name, qualifier)
    if current is not None and current.serial == now.serial:
        tx.put(PROVISIONED, name, qualifier, value=now)


def _channel(account: str, region: str, name: str) -> tuple[str, ...]:
    return ("lambda.provisioned", account, region, name)
