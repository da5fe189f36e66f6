"""What happens by itself: temporary keys that have been over for long are forgotten, once a day and a slice at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Tx
from windtunnel.fabric.access import ACCESS_KEYS, forget_expired
from windtunnel.fabric.timers import NAMES

DAY_SECONDS = 86_400
HANDLER = "forget_keys"


def forget_later(tx: Tx) -> None:
    """Keys are issued: from now on somebody looks once a day."""
    if tx.get(NAMES, tx.account, tx.region, tx.service, HANDLER, HANDLER) is None:
        tx.timer(tx.now + DAY_SECONDS, HANDLER, {}, name=HANDLER)


def forget_keys(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: the oldest are forgotten, of whatever account, and looked for again while there are any."""
    more = forget_expired(tx)
    if more or next(tx.find(ACCESS_KEYS, "expires", limit=1), None) is not None:
        tx.timer(tx.now if more else tx.now + DAY_SECONDS, HANDLER, payload, name=HANDLER)
