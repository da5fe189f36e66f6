"""Where an event goes that is put on a global endpoint.

The health check that would send it to the secondary region is Route 53's; until there is one here the primary region is healthy.
"""

from __future__ import annotations

from windtunnel.fabric import Tx
from windtunnel.services.events.state import ENDPOINTS


def buses_of(tx: Tx, id: str) -> list[str] | None:
    """The ARNs of the buses that get an event, first the one whose rules it is for; None: there is no such endpoint."""
    found = next(tx.find(ENDPOINTS, "id", id, limit=1), None)
    if found is None:
        return None
    endpoint = found[1]
    return endpoint.buses if endpoint.replicates else endpoint.buses[:1]
