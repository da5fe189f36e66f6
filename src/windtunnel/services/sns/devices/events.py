"""What applications tell a topic of their endpoints: that one was created, changed or deleted.

https://docs.aws.amazon.com/sns/latest/dg/application-event-notifications.html
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from windtunnel.fabric import Event, Tx
from windtunnel.services.sns.delivery.envelope import timestamp
from windtunnel.services.sns.delivery.fanout import SOURCE
from windtunnel.services.sns.delivery.retries import AWS_MANAGED
from windtunnel.services.sns.state import APPLICATIONS


def tell(tx: Tx, key: Sequence[str], endpoint: str, event: str) -> None:
    """Publishes `EndpointCreated` and the like where the application names a topic for it."""
    platform, name = key[:2]
    application = tx.get(APPLICATIONS, platform, name)
    topic = application.attributes.get(f"Event{event}") if application else None
    if not topic:
        return
    arn = f"{endpoint.partition(':endpoint/')[0]}:app/{platform}/{name}"
    told = {"Resource": arn, "EndpointArn": endpoint, "EventType": event, "Service": "SNS", "Time": timestamp(tx.now)}
    subject = f"{event} event for app {name} ({platform})"
    tx.deliver(topic, Event(orjson.dumps(told).decode(), subject=subject[:100]), source=SOURCE, source_arn=arn, retry=AWS_MANAGED)
