"""What happens by itself: temporary keys that have been over for long are forgotten, once a day and a slice at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Tx
from windtunnel.fabric.access import forget_expired
from windtunnel.fabric.timers import add_timer

if TYPE_CHECKING:
    from windtunnel.fabric.cloud import Cloud

DAY_SECONDS = 86_400
HANDLER = "forget_keys"


def begin(cloud: Cloud) -> None:
    """The region starts: what came due while it stood is forgotten, and the day begins anew."""
    cloud.apply(lambda tx: forget_keys(tx, {}))


def forget_keys(tx: Tx, payload: Mapping[str, Any]) -> None:
    """The keys of all accounts lie in one table, so that one timer serves the region."""
    more = forget_expired(tx)
    add_timer(tx, tx.now if more else tx.now + DAY_SECONDS, "sts", HANDLER, payload, name=HANDLER)
