"""How fast an API destination is called: so often in each second of the region's clock as it says, later calls in later seconds.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
"""

from __future__ import annotations

from windtunnel.aws.arn import Arn
from windtunnel.fabric import Tx
from windtunnel.services.events.state import API_DESTINATIONS, PACED, Paced


def due(tx: Tx, arn: Arn) -> float:
    """When the next call of an API destination may be made: 0.0 where nothing holds it back. Takes that place."""
    place = tx.at(account=arn.account, region=arn.region)
    destination = place.get(API_DESTINATIONS, arn.id.partition("/")[0])
    if destination is None:
        return 0.0
    now = int(tx.now)
    paced = place.get(PACED, destination.id)
    if paced is None or paced.second < now:
        paced = Paced(now, 0)
    elif paced.calls >= destination.rate:
        paced = Paced(paced.second + 1, 0)
    place.put(PACED, destination.id, value=Paced(paced.second, paced.calls + 1))
    return float(paced.second)
