"""How fast a URL gets its messages: so many in each second of the region's clock as its throttle policy says, the others later.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html#creating-delivery-policy
"""

from __future__ import annotations

from windtunnel.services.sns.delivery.retries import receives_per_second
from windtunnel.services.sns.state import PACED, Found, Paced, Subscription


def due(found: Found, id: str, one: Subscription) -> float:
    """When the next message goes to a subscription: 0.0 where nothing holds it back. Takes that place."""
    rate = receives_per_second(found.topic.delivery_policy, one.delivery_policy)
    if not rate:
        return 0.0
    tx, key = found.tx, (found.topic.number, id)
    now = int(tx.now)
    paced = tx.get(PACED, *key)
    if paced is None or paced.second < now:
        paced = Paced(now, 0)
    elif paced.messages >= rate:
        paced = Paced(paced.second + 1, 0)
    tx.put(PACED, *key, value=Paced(paced.second, paced.messages + 1))
    return float(paced.second)
